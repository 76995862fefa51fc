import { assert, describe, it, layer } from "@effect/vitest"
import { AiError, EmbeddingModel } from "effect/ai"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as EffectScope from "effect/Scope"
import * as Filter from "../Filter.ts"
import * as MemoryBank from "../MemoryBank.ts"
import { fromJournal, MemoryStore } from "../MemoryStore.ts"
import * as Retriever from "../Retriever.ts"
import type { Scope } from "../Scope.ts"
import type { Journal } from "../store/Journal.ts"
import { add, commit, found, freshScope, idOf } from "./storeSupport.ts"

const { Delete, Update } = MemoryBank.Edit

// A small model that knows what some words mean: one component for each subject.
const subjects = [["dog", "puppy", "hound", "pet"], ["city", "lives", "home", "moved"], ["chess", "game", "opening"], [
  "nurse",
  "job",
  "works"
]]
const meaning = (text: string): Array<number> => {
  const words = text.toLowerCase().match(/\p{L}+/gu) ?? []
  return [...subjects.map((subject) => 0.01 + words.filter((word) => subject.includes(word)).length), 0.1]
}
const embedding = (embed: (text: string) => Array<number>): Layer.Layer<EmbeddingModel.EmbeddingModel> =>
  Layer.effect(
    EmbeddingModel.EmbeddingModel,
    EmbeddingModel.make({
      embedMany: ({ inputs }) =>
        inputs.some((text) => text.includes("unreachable"))
          ? Effect.fail(
            AiError.make({
              module: "Laws",
              method: "embedMany",
              reason: new AiError.InternalProviderError({ description: "out of reach" })
            })
          )
          : Effect.succeed({ results: inputs.map(embed), usage: { inputTokens: undefined } })
    })
  )
const hybrid = <E>(live: Layer.Layer<MemoryStore, E>, embed: (text: string) => Array<number>) =>
  Layer.provide(Layer.fresh(live), Layer.provide(Retriever.layerHybrid, embedding(embed)))

/**
 * How a store with an embedding model finds; a part of `memoryStoreLaws`.
 */
export const storeMeaningLaws = <E>(name: string, live: Layer.Layer<MemoryStore, E>): void => {
  layer(hybrid(live, meaning), { excludeTestServices: true })(`MemoryStore laws: ${name}, search by meaning`, (it) => {
    it.effect("finds by meaning what shares no word, and by words what the model does not know", () =>
      Effect.gen(function*() {
        const store = yield* MemoryStore
        const scope = yield* freshScope
        yield* store.reembed(scope)
        const { bank } = yield* commit(
          scope,
          add("Ann has a puppy"),
          add("Ann lives in Oslo"),
          add("Ben collects stamps"),
          add("Ben loves his hound")
        )
        assert.sameMembers([...(yield* found(scope, "any pet?", 2))], ["Ann has a puppy", "Ben loves his hound"])
        assert.deepStrictEqual((yield* found(scope, "stamps", 2))[0], "Ben collects stamps")
        yield* commit(scope, Update({ id: idOf(bank, "Ann has a puppy"), text: "Ann knows an opening" }))
        assert.deepStrictEqual(yield* found(scope, "chess", 1), ["Ann knows an opening"])
        assert.deepStrictEqual(yield* found(scope, "pet", 1), ["Ben loves his hound"])
        assert.deepStrictEqual(yield* store.embed(scope), { embedded: 0 })
      }))

    it.effect("keeps to the filter, the speaker and the scope", () =>
      Effect.gen(function*() {
        const [scope, other] = [yield* freshScope, yield* freshScope]
        yield* commit(other, add("Cleo has a puppy", { speaker: "Cleo" }))
        yield* found(other, "pet", 1)
        yield* commit(
          scope,
          ...Array.from(
            { length: 300 },
            (_, i) => add(`puppy ${i}`, { speaker: i % 100 === 7 ? "Ben" : "Ann", metadata: { i } })
          )
        )
        assert.sameMembers([...(yield* found(scope, "pet", 3, { speaker: "Ben" }))], [
          "puppy 7",
          "puppy 107",
          "puppy 207"
        ])
        assert.deepStrictEqual(yield* found(scope, "pet", 5, { filter: Filter.compare("i", "<", 1) }), ["puppy 0"])
        assert.isFalse((yield* found(scope, "pet", 400)).includes("Cleo has a puppy"))
      }))

    it.effect("goes by words alone where the model cannot be reached, and catches up later", () =>
      Effect.gen(function*() {
        const store = yield* MemoryStore
        const scope = yield* freshScope
        const { bank } = yield* commit(scope, add("Ann has a puppy"), add("an unreachable place"))
        assert.deepStrictEqual(yield* found(scope, "puppy", 1), ["Ann has a puppy"])
        assert.strictEqual((yield* Effect.flip(store.embed(scope)))._tag, "AiError")
        yield* commit(scope, Update({ id: idOf(bank, "an unreachable place"), text: "a near place" }))
        assert.deepStrictEqual(yield* store.embed(scope), { embedded: 2 })
        assert.deepStrictEqual(yield* found(scope, "pet", 1), ["Ann has a puppy"])
      }))

    it.effect("erases the vector with the memory", () =>
      Effect.gen(function*() {
        const store = yield* MemoryStore
        const scope = yield* freshScope
        const { bank } = yield* commit(scope, add("Ann has a puppy"), add("Ann plays chess"))
        yield* found(scope, "pet", 1)
        yield* store.erase(scope, idOf(bank, "Ann has a puppy"))
        assert.deepStrictEqual(yield* found(scope, "pet", 2), ["Ann plays chess"])
      }))
  })
}

export const guarded = "refuses vectors of another model until all are computed anew, of another length, and of NaN"

/** Two embedding models on one journal. */
export const guardsVectors = function*(same: Journal, scope: Scope): Effect.fn.Return<void, unknown> {
  const over = (embed: (text: string) => Array<number>) =>
    Effect.map(
      Effect.provide(EmbeddingModel.EmbeddingModel.use(Effect.succeed), embedding(embed)),
      (model) => fromJournal(same, Retriever.make({ embedding: model }))
    )
  const store = yield* over(meaning)
  yield* store.reembed(scope)
  yield* store.commit(scope, { base: 0, edits: [add("Ann has a puppy"), add("Ann plays chess")] })
  yield* store.embed(scope)
  const first = Effect.map(
    store.search(scope, { text: "pet", limit: 1 }),
    ({ memories }) => memories[0]?.memory.text
  )
  const others: ReadonlyArray<readonly [string, (text: string) => Array<number>]> = [
    ["OtherModel", (text) => meaning(text).toReversed()],
    ["OtherModel", (text) => [...meaning(text), 1]],
    ["NotFinite", () => [Number.NaN, 0, 0, 0, 0]],
    ["Dimensions", (text) => text === "pet" ? [1] : meaning(text)]
  ]
  for (const [reason, embed] of others) {
    const error = yield* Effect.flip((yield* over(embed)).search(scope, { text: "pet", limit: 1 }))
    assert.strictEqual(error._tag === "VectorError" ? error.reason : error._tag, reason)
    assert.strictEqual(yield* first, "Ann has a puppy")
  }
  const reversed = yield* over((text) => meaning(text).toReversed())
  assert.deepStrictEqual(yield* reversed.reembed(scope), { embedded: 2 })
  assert.strictEqual(
    (yield* reversed.search(scope, { text: "pet", limit: 1 })).memories[0]?.memory.text,
    "Ann has a puppy"
  )
  // The other one is now the stranger.
  const error = yield* Effect.flip(store.search(scope, { text: "pet", limit: 1 }))
  assert.strictEqual(error._tag, "VectorError")
  assert.include(error.message, "reembed")
  yield* reversed.commit(scope, {
    base: 1,
    edits: [Delete({ id: idOf((yield* reversed.current(scope)).bank, "Ann has a puppy") })]
  })
  assert.strictEqual(
    (yield* reversed.search(scope, { text: "pet", limit: 1 })).memories[0]?.memory.text,
    "Ann plays chess"
  )
}

/**
 * How a journal's vectors are guarded: two embedding models on one store are found out, and vectors that are none are
 * refused. `journalLaws` runs it.
 *
 * @category laws
 * @since 0.1.0
 */
export const journalVectorLaws = <E>(name: string, journal: Effect.Effect<Journal, E, EffectScope.Scope>): void => {
  describe(`Journal laws: ${name}, vectors`, () => {
    it.live(guarded, () =>
      Effect.zip(journal, freshScope).pipe(
        Effect.flatMap(([opened, scope]) => Effect.gen(() => guardsVectors(opened, scope))),
        Effect.scoped
      ))
  })
}
