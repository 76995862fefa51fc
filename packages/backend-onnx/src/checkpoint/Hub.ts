/**
 * Models of the Hugging Face Hub, in the cache that all of Hugging Face's libraries share: what one of them has
 * fetched, none fetches again.
 *
 * `HF_HOME`, `HF_HUB_CACHE`, `HF_TOKEN`, `HF_ENDPOINT` and `HF_HUB_OFFLINE` mean what they mean to them.
 *
 * @since 0.1.0
 */
import { downloadFile, HubApiError, listFiles, modelInfo } from "@huggingface/hub"
import { messageOf } from "@memory-r1/core"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { createHash } from "node:crypto"
import { createReadStream, existsSync, statSync } from "node:fs"
import { copyFile, mkdir, open, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises"
import { homedir } from "node:os"
import { join, relative } from "node:path"

/**
 * A model that could not be fetched. Says what to do; never the token.
 *
 * @category errors
 * @since 0.1.0
 */
export class HubError extends Schema.TaggedError<HubError>()("HubError", {
  model: Schema.String,
  reason: Schema.String,
  cause: Schema.optional(Schema.Defect())
}) {
  override get message(): string {
    return `${this.model}: ${this.reason}`
  }
}

/**
 * How far a fetch is: bytes of all files that it needs, those that were there before among them.
 *
 * @category models
 * @since 0.1.0
 */
export interface Progress {
  readonly file: string
  readonly done: number
  readonly total: number
}

/**
 * `onProgress` hears of it with every piece that arrives. The rest is what the environment says where it is omitted.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly onProgress?: ((progress: Progress) => void) | undefined
  readonly cacheDirectory?: string | undefined
  readonly endpoint?: string | undefined
  readonly token?: string | undefined
  readonly offline?: boolean | undefined
}

// owner/name, with a branch, a tag or a commit.
const pattern = /^([\w-][\w.-]*\/[\w-][\w.-]*)(?:@([\w-][\w./-]*))?$/

/**
 * Whether a model is named by an id of the hub: owner/name, with a revision after an @, that is no directory here.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isId = (model: string): boolean => pattern.test(model) && !model.includes("..") && !existsSync(model)

const isTrue = (value: string | undefined): boolean => ["1", "on", "yes", "true"].includes((value ?? "").toLowerCase())

const home = (): string =>
  process.env["HF_HOME"] ?? join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "huggingface")

const cacheOf = ({ cacheDirectory }: Options): string =>
  cacheDirectory ?? process.env["HF_HUB_CACHE"] ?? process.env["HUGGINGFACE_HUB_CACHE"] ?? join(home(), "hub")

const tokenOf = async ({ token }: Options): Promise<string | undefined> => {
  if (token !== undefined) return token
  const set = process.env["HF_TOKEN"]
  if (set !== undefined && set !== "") return set
  const file = process.env["HF_TOKEN_PATH"] ?? join(home(), "token")
  const text = await readFile(file, "utf8").catch(() => "")
  return text.trim() === "" ? undefined : text.trim()
}

interface Wanted {
  readonly path: string
  readonly size: number
  /** The name of its blob: a SHA-256 for large files, git's hash for small ones. */
  readonly etag: string
  readonly sha256: string | undefined
}

const companions = new Set([
  "config.json",
  "generation_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "chat_template.jinja",
  "adapter_config.json",
  "adapter_model.safetensors",
  // What sentence-transformers says of its encoders.
  "modules.json",
  "sentence_bert_config.json",
  "1_Pooling/config.json"
])
const whole = "model.safetensors"
const index = "model.safetensors.index.json"
const isShard = (path: string): boolean => /^model-\d+-of-\d+\.safetensors$/.test(path)

const exported = "onnx/model.onnx"
const isWeights = (path: string): boolean =>
  path === whole || isShard(path) || path === exported || path === "adapter_model.safetensors"

// Of several forms of the weights the one that is read: in one file, or else in shards, or else as a graph.
const chosen = (files: ReadonlyArray<Wanted>): ReadonlyArray<Wanted> => {
  const has = (is: (path: string) => boolean): boolean => files.some(({ path }) => is(path))
  const wanted = has((path) => path === whole)
    ? (path: string) => path === whole
    : has(isShard)
    ? (path: string) => path === index || isShard(path)
    : (path: string) => path === exported || path === `${exported}_data`
  return files.filter(({ path }) => companions.has(path) || wanted(path))
}

// No connection stands still for longer.
const patience = 60_000

/**
 * The directory of a model: the one that is named, or the one in the cache to which a hub id such as
 * `Qwen/Qwen2.5-0.5B-Instruct`, or `owner/name@revision`, was fetched. What was fetched before is not fetched again,
 * and what was cut off resumes where it stopped.
 *
 * Fails with a `HubError` where there is no network, no such model, or no right to read it. A directory that is there
 * needs no network.
 *
 * @category running
 * @since 0.1.0
 */
export const resolve = Effect.fn("Hub.resolve")(function*(model: string, options: Options = {}) {
  if (!isId(model)) return model
  const [, name, revision = "main"] = pattern.exec(model) as unknown as [string, string, string | undefined]
  const fail = (reason: string, cause?: unknown) => new HubError({ model, reason, cause })
  const folder = join(cacheOf(options), `models--${name.replace("/", "--")}`)
  const known = yield* Effect.promise(() => cached(folder, revision))
  const offline = options.offline ??
    (isTrue(process.env["HF_HUB_OFFLINE"]) || isTrue(process.env["TRANSFORMERS_OFFLINE"]))
  const where = `it is neither a directory here nor in the cache (${folder})`
  if (offline) {
    if (known === undefined) {
      return yield* fail(`${where}, and HF_HUB_OFFLINE is set: fetch it once with a network, or name a directory`)
    }
    return known
  }

  const accessToken = yield* Effect.promise(() => tokenOf(options))
  const hubUrl = (options.endpoint ?? process.env["HF_ENDPOINT"] ?? "https://huggingface.co").replace(/\/$/, "")
  const request = { hubUrl, accessToken }
  const described = (cause: unknown): HubError => {
    const status = cause instanceof HubApiError ? cause.statusCode : undefined
    if (status === 401 || status === 403) {
      const how = accessToken === undefined
        ? "set HF_TOKEN to a token that may read it"
        : "the token that is set may not read it"
      return fail(`the hub does not give it to you (${status}): it does not exist, or is private or gated; ${how}`)
    }
    if (status === 404) return fail(`the hub has no such model or revision (404); ${where}`)
    if (status !== undefined) return fail(`the hub answers with ${status}: try again later`, cause)
    const reason = cause instanceof Error && cause.cause instanceof Error
      ? cause.cause.message
      : messageOf(cause)
    return fail(
      `the hub cannot be reached (${reason}); ${where}. Check the network or a proxy, or name a directory`,
      cause
    )
  }
  const asking = <A>(run: (fetching: typeof fetch) => Promise<A>): Effect.Effect<A, HubError> =>
    Effect.tryPromise({
      try: (signal) =>
        run((url, init) => fetch(url, { ...init, signal: AbortSignal.any([signal, AbortSignal.timeout(patience)]) })),
      catch: described
    })

  const info = yield* Effect.result(
    asking((fetch) => modelInfo({ ...request, fetch, name, revision, additionalFields: ["sha"] }))
  )
  if (info._tag === "Failure") {
    // As other libraries do: what is there is better than nothing.
    if (known !== undefined && !(info.failure.cause === undefined)) {
      yield* Effect.logWarning(`${info.failure.message}; taking what is in the cache`)
      return known
    }
    return yield* info.failure
  }
  const commit = info.success.sha
  if (!/^[0-9a-f]{40}$/.test(commit)) {
    return yield* fail("the hub answers with something else than a commit: is HF_ENDPOINT a hub?")
  }
  const snapshot = join(folder, "snapshots", commit)
  const files = yield* asking(async (fetch) => {
    const found: Array<Wanted> = []
    for await (
      const { lfs, oid, path, size, type } of listFiles({
        ...request,
        fetch,
        repo: name,
        revision: commit,
        recursive: true
      })
    ) {
      // It becomes the name of a file.
      const etag = lfs?.oid ?? oid ?? ""
      if (type === "file" && /^[0-9a-f]{40,64}$/.test(etag)) found.push({ path, size, etag, sha256: lfs?.oid })
    }
    return chosen(found)
  })
  if (!files.some(({ path }) => isWeights(path))) {
    return yield* fail("the hub has no weights of it in safetensors, which are what can be read")
  }

  const total = files.reduce((sum, { size }) => sum + size, 0)
  let before = 0
  for (const file of files) {
    const pointer = join(snapshot, file.path)
    if (!existsSync(pointer)) {
      const report = (done: number) => options.onProgress?.({ file: file.path, done: before + done, total })
      const blob = join(folder, "blobs", file.etag)
      if (!existsSync(blob)) {
        yield* Effect.tryPromise({
          try: (signal) => fetchFile({ ...request, repo: name, revision: commit }, file, blob, report, signal),
          catch: (cause) =>
            cause instanceof HubError
              ? cause
              : cause instanceof WrongContent
              ? fail(cause.message)
              : isDisk(cause)
              ? fail(`cannot be stored in the cache (${cause.message})`, cause)
              : described(cause)
        }).pipe(
          Effect.retry({
            schedule: Schedule.exponential("500 millis"),
            times: 3,
            while: ({ cause }) => cause !== undefined && !isDisk(cause)
          })
        )
      }
      yield* Effect.tryPromise({
        try: () => point(pointer, blob),
        catch: (cause) => fail(`cannot be stored in the cache (${messageOf(cause)})`, cause)
      })
    }
    before += file.size
    options.onProgress?.({ file: file.path, done: before, total })
  }
  // Last, so that a name leads to a snapshot only when it is complete.
  yield* Effect.tryPromise({
    try: async () => {
      const file = join(folder, "refs", revision)
      await mkdir(join(file, ".."), { recursive: true })
      await writeFile(file, commit)
    },
    catch: (cause) => fail(`cannot be stored in the cache (${messageOf(cause)})`, cause)
  })
  return snapshot
})

// The snapshot of a revision, if there is one with weights.
const cached = async (folder: string, revision: string): Promise<string | undefined> => {
  const commit = /^[0-9a-f]{40}$/.test(revision)
    ? revision
    : (await readFile(join(folder, "refs", revision), "utf8").catch(() => "")).trim()
  const snapshot = join(folder, "snapshots", commit)
  if (commit === "") return undefined
  return [whole, index, exported, "adapter_model.safetensors"].some((file) => existsSync(join(snapshot, file)))
    ? snapshot
    : undefined
}

class WrongContent extends Error {}

const isDisk = (cause: unknown): cause is NodeJS.ErrnoException =>
  cause instanceof Error &&
  ["ENOSPC", "EACCES", "EROFS", "EDQUOT", "EPERM", "ENOTDIR"].includes((cause as NodeJS.ErrnoException).code ?? "")

const point = async (pointer: string, blob: string): Promise<void> => {
  await mkdir(join(pointer, ".."), { recursive: true })
  // Windows lets only some users make links.
  await symlink(relative(join(pointer, ".."), blob), pointer).catch((cause: NodeJS.ErrnoException) =>
    cause.code === "EEXIST" ? undefined : copyFile(blob, pointer)
  )
}

// Fetches what is still missing of a file, and puts it in its place when all of it is what the hub says that it is.
const fetchFile = async (
  repository: {
    readonly hubUrl: string
    readonly accessToken?: string | undefined
    readonly repo: string
    readonly revision: string
  },
  { path, sha256, size }: Wanted,
  blob: string,
  report: (done: number) => void,
  interrupted: AbortSignal
): Promise<void> => {
  const incomplete = `${blob}.incomplete`
  await mkdir(join(blob, ".."), { recursive: true })
  let done = await stat(incomplete).then(({ size }) => size, () => 0)
  if (done > size) {
    await rm(incomplete)
    done = 0
  }
  const hash = createHash("sha256")
  if (done > 0) { for await (const piece of createReadStream(incomplete)) hash.update(piece as Buffer) }
  const stalled = new AbortController()
  let timer = setTimeout(() => stalled.abort(new Error(`nothing arrived for ${patience / 1000} s`)), patience)
  const signal = AbortSignal.any([interrupted, stalled.signal])
  const content = await downloadFile({ ...repository, path, fetch: (url, init) => fetch(url, { ...init, signal }) })
  if (content === null) throw new WrongContent(`the hub lists ${path}, but does not have it`)
  const handle = await open(incomplete, "a")
  try {
    const rest = done === 0 ? content : content.slice(done)
    for await (const piece of done === size ? [] : rest.stream() as unknown as AsyncIterable<Uint8Array>) {
      clearTimeout(timer)
      timer = setTimeout(() => stalled.abort(new Error(`nothing arrived for ${patience / 1000} s`)), patience)
      await handle.writeFile(piece)
      hash.update(piece)
      report(done += piece.length)
    }
    await handle.sync()
  } finally {
    clearTimeout(timer)
    await handle.close()
  }
  if (done !== size || statSync(incomplete).size !== size || (sha256 !== undefined && hash.digest("hex") !== sha256)) {
    await rm(incomplete, { force: true })
    throw new WrongContent(`what was fetched of ${path} is not what the hub says that it is; it was removed: try again`)
  }
  await rename(incomplete, blob)
}
