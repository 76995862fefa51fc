/**
 * Which memories a manager or an answer agent gets to see.
 */
import { EmbeddingModel } from "effect/ai"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Hybrid from "./internal/hybrid.ts"
import type { Memory } from "./Memory.ts"
import * as MemoryBank from "./MemoryBank.ts"
import * as Ranking from "./Ranking.ts"
import * as Bm25 from "./store/Bm25.ts"

/**
 * A retriever that depends on something that failed, such as a remote embedding model.
 */
export class RetrieverError extends Schema.TaggedError<RetrieverError>()("RetrieverError", {
  cause: Schema.Defect()
}) {}

/**
 * `limit` memories at most; those of one `speaker` only where it is given.
 */
export interface Query {
  readonly text: string
  readonly limit: number
  readonly speaker?: string | undefined
}

/**
 * A memory with its score; the unit is the retriever's own, larger is better.
 */
export interface Scored {
  readonly memory: Memory
  readonly score: number
}

/**
 * Ranks the memories of a bank for a query, best first. A bank no larger than the limit comes back whole, so that a
 * reader of a small bank misses nothing.
 */
export interface Service {
  readonly retrieve: (bank: MemoryBank.MemoryBank, query: Query) => Effect.Effect<ReadonlyArray<Scored>, RetrieverError>
}

/**
 * The tag of the service.
 */
export class Retriever extends Context.Service<Retriever, Service>()("@memory-r1/core/Retriever") {}

interface Indexed {
  readonly memories: ReadonlyArray<Memory>
  readonly index: Bm25.Bm25
}

const indexes = new WeakMap<MemoryBank.MemoryBank, Indexed>()

const indexOf = (bank: MemoryBank.MemoryBank): Indexed => {
  let indexed = indexes.get(bank)
  if (indexed === undefined) {
    const memories = MemoryBank.memories(bank)
    indexes.set(bank, indexed = { memories, index: Bm25.make(memories.map((memory) => memory.text)) })
  }
  return indexed
}

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
 */
export const bm25 = (bank: MemoryBank.MemoryBank, query: Query): ReadonlyArray<Scored> => {
  const { memories, index } = indexOf(bank)
  const scores = index.scores(query.text)
  return Array.from(memories.keys())
    .filter((at) => query.speaker === undefined || memories[at]!.speaker === query.speaker)
    .sort((a, b) => scores[b]! - scores[a]! || b - a)
    .slice(0, query.limit)
    .map((at) => ({ memory: memories[at]!, score: scores[at]! }))
}

/**
 * The retriever that needs no model: `bm25`.
 */
export const layerBm25: Layer.Layer<Retriever> = Layer.succeed(Retriever, {
  retrieve: (bank, query) => Effect.sync(() => bm25(bank, query))
})

// Vectors that are kept.
const kept = 100_000

/**
 * BM25 and vectors of an embedding model, fused (`Ranking.fuse`) as a store with `Ranking.layerHybrid` does it. Vectors
 * are kept by text, so that a bank which changes is not embedded anew. Where the model fails, so does the retriever: an
 * evaluation that went on by words alone would measure something else.
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
 * const found = Retriever.Retriever.use((retriever) => retriever.retrieve(bank, query))
 * const [best] = await Effect.runPromise(Effect.provide(found, Retriever.layerHybrid.pipe(Layer.provide(model))))
 * best?.memory.text // => "Ann has a dog named Buddy"
 * ```
 */
export const layerHybrid: Layer.Layer<Retriever, never, EmbeddingModel.EmbeddingModel> = Layer.effect(
  Retriever,
  Effect.gen(function*() {
    const model = yield* EmbeddingModel.EmbeddingModel
    const vectors = new Map<string, Float32Array>()

    const vectorsOf = Effect.fnUntraced(function*(texts: ReadonlyArray<string>) {
      const known = new Map(texts.map((text) => [text, vectors.get(text)]))
      const missing = Array.from(known).flatMap(([text, vector]) => vector === undefined ? [text] : [])
      for (let from = 0; from < missing.length; from += Hybrid.batch) {
        const asked = missing.slice(from, from + Hybrid.batch)
        const like = vectors.values().next().value
        for (const [i, vector] of (yield* Hybrid.embedMany(model, "the retriever", asked, like)).entries()) {
          known.set(asked[i]!, vector)
          vectors.set(asked[i]!, vector)
        }
      }
      for (const oldest of vectors.keys()) {
        if (vectors.size <= kept) break
        vectors.delete(oldest)
      }
      return texts.map((text) => known.get(text)!)
    })

    return {
      retrieve: Effect.fn("Retriever.retrieve")(function*(bank, query) {
        const memories = MemoryBank.memories(bank)
          .filter(({ speaker }) => query.speaker === undefined || speaker === query.speaker)
        if (memories.length === 0 || query.limit <= 0) return []
        const [asked, ...others] = yield* Effect.mapError(
          vectorsOf([query.text, ...memories.map(({ text }) => text)]),
          (cause) => new RetrieverError({ cause })
        )
        const limit = Hybrid.depthOf(query.limit)
        const lexical = bm25(bank, { ...query, limit }).filter(({ score }) => score > 0)
        const dense = memories.map((memory, at) => ({ memory, score: Hybrid.cosine(asked!, others[at]!) })).reverse()
          .sort((a, b) => b.score - a.score).slice(0, limit)
        return Ranking.fuse([lexical, dense].map((ranking) => ranking.map(({ memory }) => memory)))
          .slice(0, query.limit)
          .map(({ id: memory, score }) => ({ memory, score }))
      })
    }
  })
)

/**
 * The candidates for a question: the best `perSpeaker` memories of each speaker (the paper: 30, so 60 of two), oldest
 * first.
 */
export const candidatesFor = Effect.fnUntraced(
  function*(bank: MemoryBank.MemoryBank, question: string, perSpeaker: number) {
    const retriever = yield* Retriever
    const speakers = new Set(MemoryBank.memories(bank).map((memory) => memory.speaker))
    const found = yield* Effect.forEach(
      speakers,
      (speaker) => retriever.retrieve(bank, { text: question, limit: perSpeaker, speaker })
    )
    return inOrder(
      bank,
      found.flat().map(({ memory }) => memory)
    )
  }
)

/**
 * The chosen memories in the bank's order, oldest first: the order in which models are shown them, so that the last
 * word on a subject comes last.
 */
export const inOrder = (bank: MemoryBank.MemoryBank, chosen: ReadonlyArray<Memory>): ReadonlyArray<Memory> => {
  const ids = new Set(chosen.map((memory) => memory.id))
  return MemoryBank.memories(bank).filter((memory) => ids.has(memory.id))
}
