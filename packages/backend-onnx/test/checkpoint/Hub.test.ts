// The real client against a hub on this machine.
import { assert, describe, it } from "@effect/vitest"
import { Checkpoint, Hub } from "@memory-r1/backend-onnx"
import { Effect } from "effect"
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs"
import { join } from "node:path"
import * as Checkpoints from "../support/checkpoints.ts"
import * as HubServer from "../support/hubServer.ts"

const token = "hf_verysecretverysecret"
const setUp = Effect.fnUntraced(function*(name: string, faults: HubServer.Faults = {}) {
  const server = yield* HubServer.serve(Checkpoints.directory(name), faults)
  const cacheDirectory = join(yield* Checkpoints.temporary, "hub")
  const options = { cacheDirectory, endpoint: server.endpoint, token, offline: false }
  return { server, options, folder: join(cacheDirectory, "models--owner--name") }
})
const failure = (model: string, options: Hub.Options) =>
  Effect.map(Effect.flip(Hub.resolve(model, options)), ({ message }) => message)
const fetched = (server: { readonly requests: ReadonlyArray<HubServer.Request> }) =>
  server.requests.filter(({ url }) => url.includes("/resolve/"))

describe("Hub", () => {
  for (const name of ["llama-tied", "llama-yarn"]) {
    it.live(`fetches ${name} once, in the layout of Hugging Face's cache`, () =>
      Effect.gen(function*() {
        const { folder, options, server } = yield* setUp(name)
        const heard: Array<Hub.Progress> = []
        const directory = yield* Hub.resolve("owner/name", {
          ...options,
          onProgress: (progress) => heard.push(progress)
        })
        assert.strictEqual(directory, join(folder, "snapshots", HubServer.commit))
        assert.deepStrictEqual(
          (yield* Checkpoint.load(directory)).weights,
          (yield* Checkpoint.load(Checkpoints.directory(name))).weights
        )
        assert.strictEqual(readFileSync(join(folder, "refs", "main"), "utf8"), HubServer.commit)
        for (const file of readdirSync(directory)) {
          assert.isTrue(lstatSync(join(directory, file)).isSymbolicLink())
          assert.match(readlinkSync(join(directory, file)), /^\.\.\/\.\.\/blobs\/[0-9a-f]+$/)
        }
        // Nothing that is not read: no goldens of tests, no other weights.
        assert.notInclude(readdirSync(directory).join(), "golden")
        const { done, total } = heard.at(-1)!
        assert.strictEqual(done, total)
        assert.strictEqual(
          total,
          readdirSync(directory).reduce((sum, file) => sum + statSync(join(directory, file)).size, 0)
        )
        heard.forEach(({ done }, i) => assert.isAtLeast(done, heard[i - 1]?.done ?? 0))
        assert.isTrue(server.requests.every(({ authorization }) => authorization === `Bearer ${token}`))

        const before = fetched(server).length
        assert.strictEqual(yield* Hub.resolve("owner/name", options), directory)
        assert.strictEqual(yield* Hub.resolve(`owner/name@${HubServer.commit}`, options), directory)
        assert.strictEqual(yield* Hub.resolve("owner/name@v1.0", options), directory)
        assert.strictEqual(fetched(server).length, before)
        const all = server.requests.length
        assert.strictEqual(yield* Hub.resolve("owner/name", { ...options, offline: true }), directory)
        assert.strictEqual(server.requests.length, all)
        // The hub is gone, and the cache is not.
        assert.strictEqual(yield* Hub.resolve("owner/name", { ...options, endpoint: "http://127.0.0.1:9" }), directory)
      }))
  }

  it.live("goes on where a connection was cut", () =>
    Effect.gen(function*() {
      const { folder, options, server } = yield* setUp("llama-tied", { cutAfter: 9000 })
      const directory = yield* Hub.resolve("owner/name", options)
      assert.deepStrictEqual(
        (yield* Checkpoint.load(directory)).weights,
        (yield* Checkpoint.load(Checkpoints.directory("llama-tied"))).weights
      )
      const ranges = fetched(server).filter(({ url }) => url.endsWith("model.safetensors")).map(({ range }) => range)
      assert.isTrue(
        ranges.some((range) => /^bytes=[1-9]\d*-/.test(range ?? "") && range !== "bytes=0-0"),
        ranges.join()
      )
      assert.isFalse(readdirSync(join(folder, "blobs")).some((file) => file.endsWith(".incomplete")))
    }))

  it.live("what has other bytes than it should is not taken, and fetched anew the next time", () =>
    Effect.gen(function*() {
      const { folder, options, server } = yield* setUp("llama-tied", { spoilt: true })
      assert.match(
        yield* failure("owner/name", options),
        /^owner\/name: what was fetched of model.safetensors is not what the hub says/
      )
      assert.isFalse(existsSync(join(folder, "refs")))
      server.faults.spoilt = false
    }))

  it.live("says what is wrong in one line, without the token", () =>
    Effect.gen(function*() {
      const { options, server } = yield* setUp("llama-tied")
      const { token: _, ...anonymous } = options
      const messages: Array<string> = []
      const expect = Effect.fnUntraced(function*(model: string, more: Hub.Options, pattern: RegExp) {
        const message = yield* failure(model, more)
        assert.match(message, pattern)
        messages.push(message)
      })
      yield* expect(
        "owner/other",
        options,
        /^owner\/other: the hub has no such model or revision \(404\); it is neither a directory here nor/
      )
      server.faults.status = 401
      yield* expect("owner/name", { ...anonymous, token: "" }, /private or gated; the token that is set|set HF_TOKEN/)
      server.faults.status = 403
      yield* expect("owner/name", options, /private or gated; the token that is set may not read it$/)
      server.faults.status = 500
      yield* expect("owner/name", options, /^owner\/name: the hub answers with 500: try again later$/)
      yield* expect(
        "owner/name",
        { ...options, endpoint: "http://127.0.0.1:9" },
        /cannot be reached \(.+\); it is neither a directory/
      )
      yield* expect(
        "owner/name",
        { ...options, offline: true },
        /HF_HUB_OFFLINE is set: fetch it once with a network, or name a directory$/
      )
      for (const message of messages) {
        assert.notInclude(message, token)
        assert.notInclude(message, "\n")
      }
    }))

  it.live("a directory that is there, and what is no id, is left as it is", () =>
    Effect.gen(function*() {
      const { options, server } = yield* setUp("llama-tied")
      const directory = Checkpoints.directory("llama-tied")
      for (
        const model of [directory, "./nowhere/at/all", "../name", "owner/../name", "a/b@../../c", "/owner/name", "gpt2"]
      ) {
        assert.strictEqual(yield* Hub.resolve(model, options), model)
      }
      assert.deepStrictEqual(server.requests, [])
    }))

  it.live("names of files that a hub makes up stay out of the way", () =>
    Effect.gen(function*() {
      const { folder, options } = yield* setUp("llama-tied", { etag: "../../../escaped" })
      assert.match(yield* failure("owner/name", options), /has no weights of it in safetensors/)
      assert.isFalse(existsSync(join(folder, "blobs")))
    }))
})
