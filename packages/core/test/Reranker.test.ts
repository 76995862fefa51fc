import { assert, describe, it } from "@effect/vitest"
import { MemoryBank, MemoryStore, Reranker, Retriever, Scope } from "@memory-r1/core"
import { Effect, Layer, References } from "effect"
import { AiError, EmbeddingModel, LanguageModel } from "effect/ai"
import * as RecordedModel from "./support/recordedModel.ts"

const scope = Scope.make({ user: "ann" })
const said = ["Ann has a dog", "Ann has a dog and a cat", "Ann plays chess", "Ann lives in Oslo"]
const bank = MemoryBank.applyAll(MemoryBank.empty, said.map((text) => MemoryBank.Edit.Add({ memory: { text } })))
const memories = MemoryBank.memories(bank)

const found = Effect.fnUntraced(function*(text: string, limit = 10) {
  const store = yield* MemoryStore.MemoryStore
  if ((yield* store.current(scope)).revision === 0) {
    yield* store.commit(scope, {
      base: 0,
      edits: said.map((text) => MemoryBank.Edit.Add({ memory: { text } }))
    })
  }
  return (yield* store.search(scope, { text, limit })).memories
})
const textsOf = (hits: ReadonlyArray<MemoryStore.Hit>) => hits.map(({ memory }) => memory.text)
const ranked = (reranker: Reranker.Reranker, retriever: Layer.Layer<Retriever.Retriever> = Retriever.layerBm25) =>
  MemoryStore.layerInMemory.pipe(
    Layer.provide(Retriever.layerReranked(reranker)),
    Layer.provide(retriever)
  )
const down = AiError.make({
  module: "Test",
  method: "call",
  reason: new AiError.InternalProviderError({ description: "out of reach" })
})

describe("Reranker", () => {
  it.effect("orders anew what was found, by the scores that it gives, and no more than that", () =>
    Effect.gen(function*() {
      const asked: Array<readonly [string, ReadonlyArray<string>]> = []
      const shortest: Reranker.Reranker = (query, memories) =>
        Effect.sync(() => (asked.push([
          query,
          memories.map(({ text }) => text)
        ]),
          memories.map(({ text }) => -text.length))
        )
      const hits = yield* Effect.provide(found("a dog and a cat", 2), ranked(shortest))
      assert.deepStrictEqual(asked, [["a dog and a cat", ["Ann has a dog and a cat", "Ann has a dog"]]])
      assert.deepStrictEqual(hits.map(({ memory, score }) => [memory.text, score]), [["Ann has a dog", -13], [
        "Ann has a dog and a cat",
        -23
      ]])
      assert.deepStrictEqual(
        yield* Effect.provide(
          found("anything", 0),
          ranked(() => Effect.die("asked about nothing"))
        ),
        []
      )
    }))

  it.effect("orders what another retriever finds, and each speaker's by themselves", () =>
    Effect.gen(function*() {
      const meaning = Layer.effect(
        EmbeddingModel.EmbeddingModel,
        EmbeddingModel.make({
          embedMany: ({ inputs }) =>
            Effect.succeed({
              results: inputs.map((text) => [/chess|game/.test(text) ? 1 : 0.1, /dog|pet/.test(text) ? 1 : 0.1]),
              usage: { inputTokens: undefined }
            })
        })
      )
      const asked: Array<ReadonlyArray<string>> = []
      const newestLast: Reranker.Reranker = (_, memories) =>
        Effect.sync(() => (asked.push(memories.map(({ text }) => text)), memories.map((_, i) => i)))
      const hybrid = Layer.provide(Retriever.layerHybrid, meaning)
      assert.deepStrictEqual(textsOf(yield* Effect.provide(found("which game?", 1), ranked(newestLast, hybrid))), [
        "Ann plays chess"
      ])
      const two = MemoryBank.applyAll(
        bank,
        ["Ben has a dog", "Ben has a big dog"].map((text) => MemoryBank.Edit.Add({ memory: { text, speaker: "Ben" } }))
      )
      asked.length = 0
      yield* Retriever.Retriever.use((retriever) =>
        retriever.retrieve(Retriever.inBank(two), { text: "a dog", limit: 2, perSpeaker: true })
      ).pipe(Effect.provide(Layer.provide(Retriever.layerReranked(newestLast), Retriever.layerBm25)))
      assert.deepStrictEqual(asked, [
        ["Ann has a dog", "Ann has a dog and a cat"],
        ["Ben has a dog", "Ben has a big dog"]
      ])
    }))

  it.effect("that cannot be reached leaves the order of a store as it is, with a warning; over a bank it fails", () =>
    Effect.gen(function*() {
      const inBank = Retriever.Retriever.use((retriever) =>
        retriever.retrieve(Retriever.inBank(bank), { text: "a dog", limit: 3 })
      )
      const failing = Layer.provide(Retriever.layerReranked(() => Effect.fail(down)), Retriever.layerBm25)
      assert.strictEqual((yield* Effect.flip(Effect.provide(inBank, failing))).cause, down)
      const plain = textsOf(yield* Effect.provide(found("a dog"), MemoryStore.layerInMemory))
      assert.deepStrictEqual(
        textsOf(yield* Effect.provide(found("a dog"), ranked(() => Effect.fail(down)))),
        plain
      )
    }).pipe(Effect.provideService(References.MinimumLogLevel, "None")))

  it.effect("a prompted one puts what the model names before the rest, and ignores numbers of no statement", () =>
    Effect.gen(function*() {
      const scores = Effect.fnUntraced(function*(answer: string | undefined) {
        const model = yield* Effect.provide(
          LanguageModel.LanguageModel.use(Effect.succeed),
          RecordedModel.layer(() => answer)
        )
        return yield* Reranker.prompted(model)("Which pets?", memories)
      })
      const order = (given: ReadonlyArray<number>) => [...given.keys()].sort((a, b) => given[b]! - given[a]!)
      assert.deepStrictEqual(order(yield* scores("{\"numbers\": [2, 0]}")), [2, 0, 1, 3])
      assert.deepStrictEqual(order(yield* scores("{\"numbers\": [3, 99, -1, 3, 1]}")), [3, 1, 0, 2])
      assert.deepStrictEqual(order(yield* scores("{\"numbers\": []}")), [0, 1, 2, 3])
      for (const answer of ["{\"numbers\": [0.5]}", "the second", undefined]) {
        assert.strictEqual((yield* Effect.flip(scores(answer)))._tag, "AiError")
      }
    }))
})
