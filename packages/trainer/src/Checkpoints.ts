/**
 * Checkpoints of a run: folders that appear whole or not at all, with a hash of every file, the newest of which a run
 * goes on from.
 *
 * A folder `checkpoints/000120` holds `state.json`, a folder for each learner, and `manifest.json` with the sizes and
 * SHA-256 of all of them. It is written beside its place, brought to the disk, and renamed.
 *
 * @since 0.1.0
 */
import { messageOf } from "@memory-r1/core"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Schema from "effect/Schema"
import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"
import { open } from "node:fs/promises"
import { pipeline } from "node:stream/promises"

/**
 * A checkpoint that cannot be written or read. `reason` says in one line what is wrong, and what to do.
 *
 * @category errors
 * @since 0.1.0
 */
export class CheckpointsError extends Schema.TaggedError<CheckpointsError>()("CheckpointsError", {
  file: Schema.String,
  reason: Schema.String,
  cause: Schema.optional(Schema.Defect())
}) {
  override get message(): string {
    return `${this.file}: ${this.reason}`
  }
}

const Files = Schema.Record(Schema.String, Schema.Struct({ bytes: Schema.Int, sha256: Schema.String }))
const Manifest = Schema.fromJsonString(
  Schema.Struct({ version: Schema.Literal(1), files: Files, sha256: Schema.String })
)

// The manifest vouches for the files, this for the manifest.
const ofFiles = (files: typeof Files.Type): string =>
  createHash("sha256").update(JSON.stringify(Object.entries(files).sort())).digest("hex")

const hashOf = (file: string) =>
  Effect.tryPromise({
    try: async () => {
      const hash = createHash("sha256")
      let bytes = 0
      await pipeline(createReadStream(file), async (chunks) => {
        for await (const chunk of chunks as AsyncIterable<Buffer>) {
          hash.update(chunk)
          bytes += chunk.length
        }
      })
      return { bytes, sha256: hash.digest("hex") }
    },
    catch: (cause) => new CheckpointsError({ file, reason: `cannot be read (${messageOf(cause)})`, cause })
  })

// What was written is on the disk, and not in a cache alone.
const sync = (file: string) =>
  Effect.promise(async () => {
    const handle = await open(file, "r")
    await handle.sync().finally(() => handle.close())
  })

const placeOf = (number: number): string => String(number).padStart(6, "0")

/**
 * What a checkpoint is made of: a `number` by which checkpoints are in order, the `state` as text, and for each learner
 * by name what writes it into a folder; or the number of the checkpoint in which it is the same.
 *
 * @category models
 * @since 0.1.0
 */
export interface Content<E, R> {
  readonly number: number
  readonly state: string
  readonly learners: Readonly<Record<string, ((directory: string) => Effect.Effect<void, E, R>) | number>>
}

/**
 * Numbers of the checkpoints of a run folder, newest first, whether or not they are whole.
 *
 * @category running
 * @since 0.1.0
 */
export const list = Effect.fn("Checkpoints.list")(function*(folder: string) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const names = yield* Effect.orElseSucceed(files.readDirectory(path.join(folder, "checkpoints")), () => [])
  return names.filter((name) => /^\d{6,}$/.test(name)).map(Number).sort((a, b) => b - a)
})

/**
 * Writes one, and then removes older ones: of all but `keepLast` only those in `keep` stay.
 *
 * @category running
 * @since 0.1.0
 */
export const write = Effect.fn("Checkpoints.write")(function*<E, R>(
  folder: string,
  { learners, number, state }: Content<E, R>,
  { keep = [], keepLast }: { readonly keepLast: number; readonly keep?: ReadonlyArray<number> | undefined }
): Effect.fn.Return<void, CheckpointsError | E, FileSystem.FileSystem | Path.Path | R> {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const all = path.join(folder, "checkpoints")
  const target = path.join(all, placeOf(number))
  const staging = path.join(all, `.writing-${placeOf(number)}`)
  const writing = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.mapError(
      effect,
      (cause) =>
        new CheckpointsError({
          file: target,
          reason: `cannot be written (${messageOf(cause)}); is the folder writable, and is there room?`,
          cause
        })
    )

  const earlier = yield* list(folder)
  // What a killed process was writing.
  yield* writing(files.remove(staging, { recursive: true, force: true }))
  yield* Effect.gen(function*() {
    yield* writing(files.makeDirectory(staging, { recursive: true }))
    for (const [name, save] of Object.entries(learners)) {
      const place = path.join(staging, name)
      yield* writing(files.makeDirectory(place))
      if (typeof save !== "number") yield* save(place)
      else {
        // A copy, and not a second name for the same bytes: what damages one checkpoint leaves the one before it whole.
        const from = path.join(all, placeOf(save), name)
        for (const file of yield* writing(files.readDirectory(from))) {
          yield* writing(files.copyFile(path.join(from, file), path.join(place, file)))
        }
      }
    }
    yield* writing(files.writeFileString(path.join(staging, "state.json"), state))
    const names = (yield* writing(files.readDirectory(staging, { recursive: true }))).sort()
    const hashes: Record<string, { readonly bytes: number; readonly sha256: string }> = {}
    for (const name of names) {
      const file = path.join(staging, name)
      if ((yield* writing(files.stat(file))).type !== "File") continue
      yield* writing(sync(file))
      hashes[name.split(path.sep).join("/")] = yield* hashOf(file)
    }
    const manifest = path.join(staging, "manifest.json")
    yield* writing(
      files.writeFileString(
        manifest,
        `${JSON.stringify({ version: 1, files: hashes, sha256: ofFiles(hashes) }, null, 2)}\n`
      )
    )
    yield* writing(sync(manifest))
    yield* writing(sync(staging))
    // One of the same number is that of a run that was killed between this and the next line of its log: the same
    // again.
    yield* writing(files.remove(target, { recursive: true, force: true }))
    yield* writing(files.rename(staging, target))
    yield* writing(sync(all))
  }).pipe(Effect.onError(() => Effect.ignore(files.remove(staging, { recursive: true, force: true }))))

  const kept = new Set([number, ...earlier.filter((other) => other < number).slice(0, keepLast - 1), ...keep])
  for (const other of earlier) {
    if (!kept.has(other)) yield* writing(files.remove(path.join(all, placeOf(other)), { recursive: true, force: true }))
  }
})

/**
 * A checkpoint whose files are what they were when it was written.
 *
 * @category models
 * @since 0.1.0
 */
export interface Found {
  readonly number: number
  readonly state: string
  /** The folder of a learner. */
  readonly learner: (name: string) => string
}

/**
 * Reads one, and checks every file against its hash. Fails with a `CheckpointsError` that names the file that is
 * missing or another.
 *
 * @category running
 * @since 0.1.0
 */
export const read = Effect.fn("Checkpoints.read")(function*(folder: string, number: number) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const place = path.join(folder, "checkpoints", placeOf(number))
  const manifest = path.join(place, "manifest.json")
  const broken = (reason: string) => new CheckpointsError({ file: manifest, reason })
  const text = yield* Effect.mapError(
    files.readFileString(manifest),
    () => broken("cannot be read: the checkpoint is not whole")
  )
  const { files: hashes, sha256 } = yield* Effect.mapError(
    Schema.decodeEffect(Manifest)(text),
    () => broken("is damaged")
  )
  if (ofFiles(hashes) !== sha256) return yield* broken("is damaged: it has not the hash that it was written with")
  for (const [name, { bytes, sha256 }] of Object.entries(hashes)) {
    const file = path.join(place, name)
    const found = yield* hashOf(file)
    if (found.sha256 === sha256) continue
    const reason = found.bytes === bytes
      ? "is damaged: its bytes are not those that were written"
      : `is damaged: it has ${found.bytes} bytes of ${bytes}`
    return yield* new CheckpointsError({ file, reason })
  }
  const state = yield* Effect.mapError(
    files.readFileString(path.join(place, "state.json")),
    () => new CheckpointsError({ file: path.join(place, "state.json"), reason: "cannot be read" })
  )
  return { number, state, learner: (name) => path.join(place, name) } satisfies Found
})

/**
 * The newest checkpoint that is whole, with what is wrong with those after it; none, where none is.
 *
 * @category running
 * @since 0.1.0
 */
export const newest = Effect.fn("Checkpoints.newest")(function*(folder: string) {
  const damaged: Array<CheckpointsError> = []
  for (const number of yield* list(folder)) {
    const found = yield* Effect.result(read(folder, number))
    if (found._tag === "Success") return { found: found.success, damaged }
    damaged.push(found.failure)
  }
  return { found: undefined, damaged }
})
