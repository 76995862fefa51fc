// A bank as what a retriever searches.
import type { EmbeddingModel } from "effect/ai"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type { Memory, MemoryId } from "../Memory.ts"
import * as MemoryBank from "../MemoryBank.ts"
import { Progress } from "../rl/Progress.ts"
import * as Bm25 from "../store/Bm25.ts"
import type { Ranked, Row, Where } from "./journal.ts"
import { type Hit, RetrieverError, type Searchable } from "./retrieval.ts"
import * as Vectors from "./vectors.ts"
import { isAmong } from "./where.ts"

const indexes = new WeakMap<MemoryBank.MemoryBank, Bm25.Bm25>()

const indexOf = (bank: MemoryBank.MemoryBank): Bm25.Bm25 => {
  let index = indexes.get(bank)
  if (index === undefined) {
    indexes.set(bank, index = Bm25.make(MemoryBank.memories(bank).map((memory) => memory.text)))
  }
  return index
}

const isAmongThose = (where: Where) => (memory: Memory): boolean => isAmong({ memory, at: 0, deleted: false }, where)

const rowsOf = (bank: MemoryBank.MemoryBank, ids: ReadonlyArray<MemoryId>): ReadonlyArray<Row> =>
  ids.flatMap((id) => {
    const entry = Option.getOrUndefined(HashMap.get(bank.entries, id))
    return entry === undefined ? [] : [{ memory: entry.memory, order: entry.order, at: 0, deleted: false }]
  })

// By score, ties go to the newer one.
const best = (
  bank: MemoryBank.MemoryBank,
  scoreOf: (memory: Memory, at: number) => number,
  { limit, where }: { readonly limit: number; readonly where: Where }
): ReadonlyArray<Ranked> => {
  const isIn = isAmongThose(where)
  return MemoryBank.memories(bank)
    .flatMap((memory, at) => isIn(memory) ? [{ id: memory.id, at, score: scoreOf(memory, at) }] : [])
    .sort((a, b) => b.score - a.score || b.at - a.at)
    .slice(0, limit)
    .map(({ id, score }) => ({ id, score }))
}

/** By words, down to those that share none with the text. */
export const byWords = (
  bank: MemoryBank.MemoryBank,
  text: string,
  among: { readonly limit: number; readonly where: Where }
): ReadonlyArray<Hit> => {
  const scores = indexOf(bank).scores(text)
  const found = best(bank, (_, at) => scores[at]!, among)
  const rows = rowsOf(bank, found.map(({ id }) => id))
  return found.map(({ score }, i) => ({ memory: rows[i]!.memory, order: rows[i]!.order, score }))
}

// Unit vectors that are kept of each model, by text, so that a bank which changes is not embedded anew.
const kept = 100_000
const known = new WeakMap<EmbeddingModel.EmbeddingModel, Map<string, Float32Array>>()

const vectorsOf = Effect.fnUntraced(function*(model: EmbeddingModel.EmbeddingModel, texts: ReadonlyArray<string>) {
  let vectors = known.get(model)
  if (vectors === undefined) known.set(model, vectors = new Map())
  const found = new Map(texts.map((text) => [text, vectors.get(text)]))
  const missing = Array.from(found).flatMap(([text, vector]) => vector === undefined ? [text] : [])
  const embedFrom = Effect.fnUntraced(function*(from: number) {
    const asked = missing.slice(from, from + Vectors.batch)
    const like = vectors.values().next().value
    for (const [i, vector] of (yield* Vectors.embedMany(model, "the retriever", asked, like)).entries()) {
      const unit = Vectors.unit(vector)
      found.set(asked[i]!, unit)
      vectors.set(asked[i]!, unit)
    }
    return from + asked.length
  })
  if (missing.length > 0) {
    yield* Progress.use(({ part }) =>
      part("embed memories", missing.length, ({ update }) =>
        Effect.gen(function*() {
          for (let done = 0; done < missing.length;) yield* update(done = yield* embedFrom(done))
        }))
    )
  }
  for (const oldest of vectors.keys()) {
    if (vectors.size <= kept) break
    vectors.delete(oldest)
  }
  return found
})

const failing = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, RetrieverError> =>
  Effect.mapError(effect, (cause) => new RetrieverError({ cause }))

export const inBank = (bank: MemoryBank.MemoryBank, now: number): Searchable<RetrieverError> => {
  let vectors: ReadonlyMap<string, Float32Array | undefined> = new Map()
  return {
    now,
    attempt: (_, effect) => failing(effect),
    embed: (model, text) =>
      Effect.map(
        failing(vectorsOf(model, [text, ...MemoryBank.memories(bank).map((memory) => memory.text)])),
        (found) => {
          vectors = found
          return found.get(text)
        }
      ),
    read: (body) =>
      body({
        rows: (ids) => Effect.sync(() => rowsOf(bank, ids)),
        list: ({ beyond, limit, newestFirst = false, where }) =>
          Effect.sync(() => {
            const memories = MemoryBank.memories(bank).filter(isAmongThose(where))
            const ids = (newestFirst ? memories.toReversed() : memories).map(({ id }) => id)
            return rowsOf(bank, beyond === undefined ? ids.slice(0, limit) : ids)
              .filter(({ order }) => beyond === undefined || (newestFirst ? order < beyond : order > beyond))
              .slice(0, limit)
          }),
        speakers: Effect.sync(() => [...new Set(MemoryBank.memories(bank).map(({ speaker }) => speaker ?? null))]),
        lexical: ({ text, ...among }) =>
          Effect.sync(() => {
            const scores = indexOf(bank).scores(text)
            return best(bank, (_, at) => scores[at]!, among).filter(({ score }) => score > 0)
          }),
        dense: ({ vector, ...among }) =>
          Effect.sync(() => {
            const query = Vectors.unit(vector)
            return vectors.size === 0
              ? []
              : best(bank, ({ text }) => Vectors.dot(query, vectors.get(text)!), among)
          })
      })
  }
}
