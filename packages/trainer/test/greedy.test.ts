import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Sampler } from "@memory-r1/core/rl"
import { Effect, FileSystem, Path } from "effect"
import * as Greedy from "../src/internal/greedy.ts"
import * as Tiny from "./support/tiny.ts"

// The tiny engine, and the prompts that it was asked for in each request.
const counted = Effect.gen(function*() {
  const { sampler } = yield* Tiny.learner
  const asked: Array<number> = []
  const service: Sampler.Service = {
    ...sampler,
    sample: (request) => {
      asked.push(request.prompts.length)
      return sampler.sample(request)
    }
  }
  const files = yield* FileSystem.FileSystem
  const file = (yield* Path.Path).join(yield* files.makeTempDirectoryScoped(), Greedy.fileName)
  return { sampler, service, asked, file, files }
})
const requestOf = (...prompts: ReadonlyArray<ReadonlyArray<number>>): Sampler.SampleRequest => ({
  prompts,
  maxTokens: 6,
  temperature: 0,
  stopTokens: []
})

describe("greedy completions of a frozen agent", () => {
  it.effect("are those of its sampler, each computed once, also in a request and after a restart", () =>
    Effect.gen(function*() {
      const { asked, file, sampler, service } = yield* counted
      const [a, b, c] = ["once", "the dog", "Oslo"].map((text) => sampler.tokenizer.encode(text)) as [
        ReadonlyArray<number>,
        ReadonlyArray<number>,
        ReadonlyArray<number>
      ]
      const first = yield* Greedy.remembered(service, { file, scope: "answer manager" })
      const direct = yield* sampler.sample(requestOf(a, b))
      const found = yield* first.sample(requestOf(a, b, a))
      assert.deepStrictEqual(found, [direct[0]!, direct[1]!, direct[0]!])
      assert.deepStrictEqual(asked, [2])
      yield* first.sample(requestOf(b, c))
      const again = yield* Greedy.remembered(service, { file, scope: "answer manager" })
      assert.deepStrictEqual(yield* again.sample(requestOf(a, b, a)), found)
      assert.deepStrictEqual(asked, [2, 1])
      // Other weights, other settings.
      yield* (yield* Greedy.remembered(service, { file, scope: "answer 2 manager" })).sample(requestOf(a))
      yield* again.sample({ ...requestOf(a), maxTokens: 3 })
      assert.deepStrictEqual(asked, [2, 1, 1, 1])
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

  it.effect("sampling at a temperature, and several completions, are left to the sampler", () =>
    Effect.gen(function*() {
      const { asked, file, files, sampler, service } = yield* counted
      const remembered = yield* Greedy.remembered(service, { file, scope: "x" })
      const request = { ...requestOf(sampler.tokenizer.encode("once")), n: 2 }
      yield* remembered.sample(request)
      yield* remembered.sample({ ...request, n: 1, temperature: 1 })
      yield* remembered.sample({ ...request, n: 1, temperature: 1 })
      assert.deepStrictEqual(asked, [1, 1, 1])
      assert.isFalse(yield* files.exists(file))
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

  it.effect("a line that was cut off is computed again, and spoils none after it", () =>
    Effect.gen(function*() {
      const { asked, file, files, sampler, service } = yield* counted
      const [a, b] = ["once", "the dog"].map((text) => sampler.tokenizer.encode(text)) as [
        ReadonlyArray<number>,
        ReadonlyArray<number>
      ]
      const opened = () => Greedy.remembered(service, { file, scope: "x" })
      const first = yield* opened()
      const found = [...yield* first.sample(requestOf(a)), ...yield* first.sample(requestOf(b))]
      const text = yield* files.readFileString(file)
      yield* files.writeFileString(file, text.slice(0, -40))
      assert.deepStrictEqual(yield* (yield* opened()).sample(requestOf(a, b)), found)
      assert.deepStrictEqual(yield* (yield* opened()).sample(requestOf(a, b)), found)
      assert.deepStrictEqual(asked, [1, 1, 1])
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

  it.effect("says which file cannot be written", () =>
    Effect.gen(function*() {
      const { file, files, sampler, service } = yield* counted
      yield* files.writeFileString(file, "")
      const error = yield* Greedy.remembered(service, { file: `${file}/no/such`, scope: "x" }).pipe(
        Effect.flatMap((remembered) => remembered.sample(requestOf(sampler.tokenizer.encode("once")))),
        Effect.flip
      )
      assert.match(error.message, /greedy\.jsonl\/no\/such cannot be written/)
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))
})
