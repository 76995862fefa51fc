/**
 * Which memories a manager or an answer agent gets to see: the one search, in banks and in stores.
 *
 * @since 0.1.0
 */
import { EmbeddingModel } from "effect/ai"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as BankReader from "./internal/bankReader.ts"
import type { Where } from "./internal/journal.ts"
import { type Hit, type Query, type Reader, RetrieverError, type Searchable, whereOf } from "./internal/retrieval.ts"
import { whole } from "./internal/whole.ts"
import type { Memory } from "./Memory.ts"
import * as MemoryBank from "./MemoryBank.ts"
import type { Reranker } from "./Reranker.ts"

export { type Among, type Hit, type Query, type Reader, RetrieverError, type Searchable } from "./internal/retrieval.ts"

/**
 * Ranks memories for a query, best first. `embedding` is the model whose vectors it compares; a store makes them ahead.
 *
 * @category services
 * @since 0.1.0
 */
export interface Service {
  readonly embedding?: EmbeddingModel.EmbeddingModel | undefined
  readonly retrieve: <E>(
    memories: Searchable<E>,
    query: Query
  ) => Effect.Effect<ReadonlyArray<Hit>, E | RetrieverError>
}

/**
 * The tag of the service. A store takes the one that is provided to its layer, and goes by words (`layerBm25`) where
 * none is; `Simulation`, environments and evaluations take it from their context.
 *
 * @example
 * ```ts
 * import { MemoryBank, MemoryStore, Retriever, Scope } from "@memory-r1/core"
 * import { Effect, Layer } from "effect"
 *
 * // The newest memories, whatever is asked.
 * const newest = Layer.succeed(Retriever.Retriever, {
 *   retrieve: (memories, { limit }) =>
 *     memories.read((reader) =>
 *       Effect.map(
 *         reader.list({ where: {}, limit, newestFirst: true }),
 *         (rows) => rows.map(({ memory, order }) => ({ memory, order, score: order }))
 *       )
 *     )
 * })
 * const scope = Scope.make({ user: "ann" })
 * const edits = ["I have a dog.", "I live in Oslo."].map((text) => MemoryBank.Edit.Add({ memory: { text } }))
 * const program = Effect.gen(function*() {
 *   const store = yield* MemoryStore.MemoryStore
 *   yield* store.commit(scope, { base: 0, edits })
 *   const { memories } = yield* store.search(scope, { text: "dog", limit: 1 })
 *   return memories.map(({ memory }) => memory.text)
 * })
 * const store = Layer.provide(MemoryStore.layerInMemory, newest)
 * await Effect.runPromise(Effect.provide(program, store)) // => ["I live in Oslo."]
 * ```
 *
 * @category services
 * @since 0.1.0
 */
export class Retriever extends Context.Service<Retriever, Service>()("@memory-r1/core/Retriever") {}

/**
 * A bank as what a retriever searches. What has expired at `now` is not found. A bank knows no times of its memories:
 * they count as old as 1970 for `since`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const inBank = (bank: MemoryBank.MemoryBank, { now = 0 }: { readonly now?: number | undefined } = {}) =>
  BankReader.inBank(bank, now)

/**
 * BM25 over the memories' texts, as a plain function. Words are weighed among all memories of the bank, as in a store,
 * also where those of one speaker are asked for. Ties go to the newer memory. The index is built once per bank.
 *
 * @example
 * ```ts
 * import { MemoryBank, Retriever } from "@memory-r1/core"
 *
 * const bank = MemoryBank.applyAll(MemoryBank.empty, [
 *   MemoryBank.Edit.Add({ memory: { text: "Ann has a dog named Buddy", speaker: "Ann" } }),
 *   MemoryBank.Edit.Add({ memory: { text: "Ann lives in Oslo", speaker: "Ann" } })
 * ])
 * Retriever.bm25(bank, { text: "Where does Ann live?", limit: 1 })[0]?.memory.text // => "Ann lives in Oslo"
 * ```
 *
 * @category getters
 * @since 0.1.0
 */
export const bm25 = (
  bank: MemoryBank.MemoryBank,
  { limit, text, ...among }: Omit<Query, "perSpeaker">
): ReadonlyArray<Hit> => BankReader.byWords(bank, text, { limit: whole(limit), where: whereOf(among, 0) })

// How deep rankings go that are fused.
const depthOf = (limit: number): number => Math.max(50, 2 * limit)

interface Scored<Id> {
  readonly id: Id
  readonly score: number
}

/**
 * Two rankings, by words and by meaning, as one: BM25 plus `weight` times the cosine, counted from the least cosine
 * that was found. BM25 is not normalized. It says how telling the words are that a memory shares with the query, so
 * where they tell little, the meaning decides. Words that a memory shares, but was not found by, count 0 where the
 * ranking is shorter than its `depth`, and else as the last one of it; a meaning that it was not found by counts as the
 * last one.
 *
 * The order does not change where a constant is added to all cosines. It does where they are scaled: models whose
 * cosines lie close together need a larger `weight`. That of 35 is for all-MiniLM-L6-v2; it was chosen on Multi-Session
 * Chat.
 *
 * @example
 * ```ts
 * import { Retriever } from "@memory-r1/core"
 *
 * const lexical = [{ id: "rare word", score: 9 }, { id: "frequent word", score: 1 }]
 * const dense = [{ id: "same meaning", score: 0.75 }, { id: "rare word", score: 0.5 }]
 * Retriever.fuse({ lexical, dense, depth: 50, weight: 20 })
 * // => [{ id: "rare word", score: 9 }, { id: "same meaning", score: 5 }, { id: "frequent word", score: 1 }]
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const fuse = <Id>({ dense, depth, lexical, weight = 35 }: {
  readonly lexical: ReadonlyArray<Scored<Id>>
  readonly dense: ReadonlyArray<Scored<Id>>
  readonly depth: number
  readonly weight?: number | undefined
}): ReadonlyArray<Scored<Id>> => {
  const unfound = lexical.length < depth ? 0 : lexical.at(-1)?.score ?? 0
  const least = dense.at(-1)?.score ?? 0
  const scores = new Map(lexical.map(({ id, score }) => [id, score]))
  for (const { id, score } of dense) scores.set(id, (scores.get(id) ?? unfound) + weight * (score - least))
  return Array.from(scores, ([id, score]) => ({ id, score })).sort((a, b) => b.score - a.score)
}

const best = Effect.fnUntraced(
  function*<E>(
    reader: Reader<E>,
    { limit, text, vector, weight, where }: {
      readonly text: string
      readonly vector: Float32Array | undefined
      readonly weight: number | undefined
      readonly limit: number
      readonly where: Where
    }
  ) {
    const depth = vector === undefined ? limit : depthOf(limit)
    const lexical = yield* reader.lexical({ text, limit: depth, where })
    const ranked = vector === undefined
      ? lexical
      : fuse({ lexical, dense: yield* reader.dense({ vector, limit: depth, where }), depth, weight }).slice(0, limit)
    const known = new Map((yield* reader.rows(ranked.map(({ id }) => id))).map((row) => [row.memory.id, row]))
    const found = ranked.map(({ id, score }): Hit => {
      const { memory, order } = known.get(id)!
      return { memory, order, score }
    })
    if (found.length >= limit) return found
    for (const { memory, order } of yield* reader.list({ where, limit, newestFirst: true })) {
      if (found.length < limit && !known.has(memory.id)) found.push({ memory, order, score: 0 })
    }
    return found
  }
)

/**
 * A retriever by words (BM25) or, with an embedding model, by words and meaning together (`fuse`, with its `weight`).
 * Memories that have no word and no meaning in common with the query come last, the newest first, so that a small bank
 * comes whole.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  { embedding, weight }: Pick<Service, "embedding"> & { readonly weight?: number | undefined } = {}
): Service => ({
  embedding,
  retrieve: Effect.fnUntraced(function*<E>(memories: Searchable<E>, query: Query) {
    const limit = whole(query.limit)
    if (limit === 0) return []
    const vector = embedding === undefined ? undefined : yield* memories.embed(embedding, query.text)
    const where = whereOf(query, memories.now)
    return yield* memories.read(Effect.fnUntraced(function*(reader) {
      const speakers = query.perSpeaker === true && query.speaker === undefined
        ? yield* reader.speakers
        : [query.speaker]
      const found = yield* Effect.forEach(
        speakers,
        (speaker) => best(reader, { text: query.text, limit, vector, weight, where: { ...where, speaker } })
      )
      return found.flat()
    }))
  })
})

/**
 * The retriever that needs no model: BM25.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerBm25: Layer.Layer<Retriever> = Layer.succeed(Retriever, make())

/**
 * BM25 and vectors of an embedding model, fused (`fuse`). Vectors of a store are kept in it; those of banks by text in
 * the process, so that a bank which changes is not embedded anew.
 *
 * @example
 * ```ts
 * import { MemoryBank, Retriever } from "@memory-r1/core"
 * import { Effect, Layer } from "effect"
 * import { EmbeddingModel } from "effect/ai"
 *
 * // A model that knows what animals are.
 * const animals = /dog|cat|pet/i
 * const model = Layer.effect(EmbeddingModel.EmbeddingModel, EmbeddingModel.make({
 *   embedMany: ({ inputs }) =>
 *     Effect.succeed({
 *       results: inputs.map((text) => animals.test(text) ? [1, 0] : [0, 1]),
 *       usage: { inputTokens: undefined }
 *     })
 * }))
 * const bank = MemoryBank.applyAll(MemoryBank.empty, [
 *   MemoryBank.Edit.Add({ memory: { text: "Ann has a dog named Buddy" } }),
 *   MemoryBank.Edit.Add({ memory: { text: "Ann lives in Oslo" } })
 * ])
 * const query = { text: "Which pets are there?", limit: 1 }
 * const found = Retriever.Retriever.use((retriever) => retriever.retrieve(Retriever.inBank(bank), query))
 * const [best] = await Effect.runPromise(Effect.provide(found, Retriever.layerHybrid.pipe(Layer.provide(model))))
 * best?.memory.text // => "Ann has a dog named Buddy"
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerHybrid: Layer.Layer<Retriever, never, EmbeddingModel.EmbeddingModel> = Layer.effect(
  Retriever,
  Effect.map(EmbeddingModel.EmbeddingModel, (embedding) => make({ embedding }))
)

/**
 * What the provided retriever finds, ordered anew by a reranker; those of each speaker by themselves where a query is
 * `perSpeaker`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerReranked = (reranker: Reranker): Layer.Layer<Retriever, never, Retriever> =>
  Layer.effect(
    Retriever,
    Effect.map(Retriever, ({ embedding, retrieve }) => ({
      embedding,
      retrieve: Effect.fn("Retriever.reranked")(function*<E>(memories: Searchable<E>, query: Query) {
        const found = yield* retrieve(memories, query)
        const groups = query.perSpeaker === true
          ? [...Map.groupBy(found, ({ memory }) => memory.speaker).values()]
          : found.length === 0
          ? []
          : [found]
        const ordered = yield* Effect.forEach(groups, (hits) =>
          Effect.map(
            memories.attempt(
              "the reranker cannot be reached, the order stays",
              reranker(query.text, hits.map(({ memory }) => memory))
            ),
            (scores) =>
              scores === undefined
                ? hits
                : hits.map((hit, i) => ({ ...hit, score: scores[i]! })).sort((a, b) => b.score - a.score)
          ))
        return ordered.flat()
      })
    }))
  )

/**
 * The candidates for a question: the best `perSpeaker` memories of each speaker (the paper: 30, so 60 of two), oldest
 * first.
 *
 * @category getters
 * @since 0.1.0
 */
export const candidatesFor = Effect.fnUntraced(
  function*(bank: MemoryBank.MemoryBank, question: string, perSpeaker: number) {
    const retriever = yield* Retriever
    const found = yield* retriever.retrieve(inBank(bank), { text: question, limit: perSpeaker, perSpeaker: true })
    return inOrder(bank, found.map(({ memory }) => memory))
  }
)

/**
 * The chosen memories in the bank's order, oldest first: the order in which models are shown them, so that the last
 * word on a subject comes last.
 *
 * @category getters
 * @since 0.1.0
 */
export const inOrder = (bank: MemoryBank.MemoryBank, chosen: ReadonlyArray<Memory>): ReadonlyArray<Memory> => {
  const ids = new Set(chosen.map((memory) => memory.id))
  return MemoryBank.memories(bank).filter((memory) => ids.has(memory.id))
}
