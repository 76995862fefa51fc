import { assert, describe, it } from "@effect/vitest"
import { MemoryBank, MemoryStore, Ranking, Scope } from "@memory-r1/core"
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
const ranked = <E>(ranking: Layer.Layer<never, E>) => Layer.provide(MemoryStore.layerInMemory, ranking)
const down = AiError.make({
  module: "Test",
  method: "call",
  reason: new AiError.InternalProviderError({ description: "out of reach" })
})

describe("Ranking.fuse", () => {
  it("gives 1 / (60 + place) from each ranking, the best first, and keeps the order of equals", () => {
    assert.deepStrictEqual(Ranking.fuse([["a", "b"], ["b", "c"]]), [
      { id: "b", score: 1 / 62 + 1 / 61 },
      { id: "a", score: 1 / 61 },
      { id: "c", score: 1 / 62 }
    ])
    assert.deepStrictEqual(Ranking.fuse([["a", "b"], ["b", "a"]]).map(({ id }) => id), ["a", "b"])
    assert.deepStrictEqual(Ranking.fuse([]), [])
    assert.deepStrictEqual(Ranking.fuse([[], ["a"]]), [{ id: "a", score: 1 / 61 }])
  })

  it("lets what both rankings have pass what only one of them has, and changes nothing in a ranking alone", () => {
    const one = Array.from({ length: 100 }, (_, i) => i)
    assert.deepStrictEqual(Ranking.fuse([one]).map(({ id }) => id), one)
    const scores = Ranking.fuse([one, one.toReversed()])
    assert.lengthOf(scores, 100)
    for (const [i, { score }] of scores.entries()) if (i > 0) assert.isAtMost(score, scores[i - 1]!.score)
    const [best] = Ranking.fuse([["x", "both", "y"], ["z", "both"]])
    assert.strictEqual(best?.id, "both")
  })
})

describe("Ranking, rerankers", () => {
  it.effect("orders anew what was found, by the scores that it gives, and no more than that", () =>
    Effect.gen(function*() {
      const asked: Array<readonly [string, ReadonlyArray<string>]> = []
      const shortest: Ranking.Reranker = (query, memories) =>
        Effect.sync(() => (asked.push([
          query,
          memories.map(({ text }) => text)
        ]),
          memories.map(({ text }) => -text.length))
        )
      const hits = yield* Effect.provide(found("a dog and a cat", 2), ranked(Ranking.layerReranked(shortest)))
      assert.deepStrictEqual(asked, [["a dog and a cat", ["Ann has a dog and a cat", "Ann has a dog"]]])
      assert.deepStrictEqual(hits.map(({ memory, score }) => [memory.text, score]), [["Ann has a dog", -13], [
        "Ann has a dog and a cat",
        -23
      ]])
      assert.deepStrictEqual(
        yield* Effect.provide(
          found("anything", 0),
          ranked(Ranking.layerReranked(() => Effect.die("asked about nothing")))
        ),
        []
      )
    }))

  it.effect("stands beside an embedding model, in either order of the layers", () =>
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
      let reranked = 0
      const counting = Ranking.layerReranked((_, memories) =>
        Effect.sync(() => (reranked++, memories.map((_, i) => -i)))
      )
      const hybrid = Layer.provide(Ranking.layerHybrid, meaning)
      for (const layer of [Layer.provideMerge(counting, hybrid), Layer.provideMerge(hybrid, counting)]) {
        assert.deepStrictEqual(textsOf(yield* Effect.provide(found("which game?", 1), ranked(layer))), [
          "Ann plays chess"
        ])
      }
      assert.strictEqual(reranked, 2)
      const { embedding, reranker } = yield* Ranking.Ranking
      assert.deepStrictEqual([embedding, reranker], [undefined, undefined])
    }))

  it.effect("that cannot be reached leaves the order as it is, with a warning", () =>
    Effect.gen(function*() {
      const plain = textsOf(yield* Effect.provide(found("a dog"), MemoryStore.layerInMemory))
      assert.deepStrictEqual(
        textsOf(yield* Effect.provide(found("a dog"), ranked(Ranking.layerReranked(() => Effect.fail(down))))),
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
        return yield* Ranking.prompted(model)("Which pets?", memories)
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
