// A bank as what a retriever searches.
import type { EmbeddingModel } from "effect/ai"
import * as Effect from "effect/Effect"
import type { MemoryId } from "../Memory.ts"
import type * as MemoryBank from "../MemoryBank.ts"
import * as Bm25 from "../store/Bm25.ts"
import { rowsOf } from "./commit.ts"
import type { Ranked, Row, Where } from "./journal.ts"
import { RetrieverError, type Searchable } from "./retrieval.ts"
import * as Vectors from "./vectors.ts"
import { isAmong } from "./where.ts"

interface Indexed {
  /** Live ones, oldest first. */
  readonly rows: ReadonlyArray<Row>
  readonly byId: ReadonlyMap<MemoryId, Row>
  readonly words: Bm25.Bm25
}

const indexes = new WeakMap<MemoryBank.MemoryBank, Indexed>()

const indexOf = (bank: MemoryBank.MemoryBank): Indexed => {
  let indexed = indexes.get(bank)
  if (indexed === undefined) {
    const rows = rowsOf(bank, () => 0).filter(({ deleted }) => !deleted).sort((a, b) => a.order - b.order)
    indexes.set(
      bank,
      indexed = {
        rows,
        byId: new Map(rows.map((row) => [row.memory.id, row])),
        words: Bm25.make(rows.map(({ memory }) => memory.text))
      }
    )
  }
  return indexed
}

// By score, ties go to the newer one.
const best = (
  { rows }: Indexed,
  scoreOf: (row: Row, at: number) => number,
  { limit, where }: { readonly limit: number; readonly where: Where }
): ReadonlyArray<Ranked & { readonly row: Row }> =>
  rows.flatMap((row, at) => isAmong(row, where) ? [{ id: row.memory.id, row, score: scoreOf(row, at) }] : [])
    .sort((a, b) => b.score - a.score || b.row.order - a.row.order)
    .slice(0, limit)

/** By words, down to those that share none with the text. */
export const byWords = (
  bank: MemoryBank.MemoryBank,
  text: string,
  among: { readonly limit: number; readonly where: Where }
) => {
  const indexed = indexOf(bank)
  const scores = indexed.words.scores(text)
  return best(indexed, (_, at) => scores[at]!, among)
}

// Unit vectors that are kept of each model, by text, so that a bank which changes is not embedded anew.
const kept = 100_000
const known = new WeakMap<EmbeddingModel.EmbeddingModel, Map<string, Float32Array>>()

const vectorsOf = Effect.fnUntraced(function*(model: EmbeddingModel.EmbeddingModel, texts: ReadonlyArray<string>) {
  let vectors = known.get(model)
  if (vectors === undefined) known.set(model, vectors = new Map())
  const found = new Map(texts.map((text) => [text, vectors.get(text)]))
  const missing = Array.from(found).flatMap(([text, vector]) => vector === undefined ? [text] : [])
  for (let from = 0; from < missing.length; from += Vectors.batch) {
    const asked = missing.slice(from, from + Vectors.batch)
    const like = vectors.values().next().value
    for (const [i, vector] of (yield* Vectors.embedMany(model, "the retriever", asked, like)).entries()) {
      const unit = Vectors.unit(vector)
      found.set(asked[i]!, unit)
      vectors.set(asked[i]!, unit)
    }
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
      Effect.map(failing(vectorsOf(model, [text, ...indexOf(bank).rows.map(({ memory }) => memory.text)])), (found) => {
        vectors = found
        return found.get(text)
      }),
    read: (body) =>
      body({
        rows: (ids) => Effect.sync(() => ids.flatMap((id) => indexOf(bank).byId.get(id) ?? [])),
        list: ({ beyond, limit, newestFirst = false, where }) =>
          Effect.sync(() => {
            const rows = indexOf(bank).rows.filter((row) =>
              isAmong(row, where) &&
              (beyond === undefined || (newestFirst ? row.order < beyond : row.order > beyond))
            )
            return (newestFirst ? rows.reverse() : rows).slice(0, limit)
          }),
        speakers: Effect.sync(() => [...new Set(indexOf(bank).rows.map(({ memory }) => memory.speaker ?? null))]),
        lexical: ({ text, ...among }) => Effect.sync(() => byWords(bank, text, among).filter(({ score }) => score > 0)),
        dense: ({ vector, ...among }) =>
          Effect.sync(() => {
            const query = Vectors.unit(vector)
            return vectors.size === 0
              ? []
              : best(indexOf(bank), ({ memory }) => Vectors.dot(query, vectors.get(memory.text)!), among)
          })
      })
  }
}
