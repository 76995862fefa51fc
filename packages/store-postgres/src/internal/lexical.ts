// BM25 over the words of a scope, in one statement: what `Bm25` computes, where the postings are.
import { Bm25, type Journal, type Memory } from "@memory-r1/core"
import type { Database } from "./database.ts"
import { among } from "./where.ts"

// What an index entry can hold is less than 3 kB. A longer word is found by its beginning.
const longest = 200
const keyOf = (term: string): string => term.slice(0, longest).toWellFormed()

/** The words of a text, how often each stands in it, and how many there are. */
export const wordsOf = (text: string): { readonly counts: ReadonlyMap<string, number>; readonly length: number } => {
  const words = Bm25.tokens(text)
  const counts = new Map<string, number>()
  for (const word of words) counts.set(keyOf(word), (counts.get(keyOf(word)) ?? 0) + 1)
  return { counts, length: words.length }
}

export const search = (
  { attempt, sql, table }: Database,
  scope: number,
  { limit, text, where }: { readonly text: string; readonly limit: number; readonly where: Journal.Where }
): ReturnType<Journal.Reader["lexical"]> => {
  const { b, k1 } = Bm25.defaults
  return attempt(
    "to read",
    sql<{ readonly id: Memory.MemoryId; readonly score: number }>`
      WITH statistics AS (
        SELECT documents::float8 AS size, greatest(tokens / greatest(documents, 1)::float8, 1e-9) AS mean FROM ${table("scopes")} WHERE number = ${scope}::bigint
      ), found AS (
        SELECT memory, count::float8 AS count, count(*) OVER (PARTITION BY term)::float8 AS found FROM ${table("postings")}
        WHERE scope = ${scope}::bigint AND term = ANY (${Bm25.termsOf(text).map(keyOf)}::text[])
      )
      SELECT m.id, sum(ln(1 + (size - found + 0.5) / (found + 0.5)) * count * (${k1}::float8 + 1) / (count + ${k1}::float8 * (1 - ${b}::float8 + ${b}::float8 * m.tokens / mean))) AS score
      FROM found JOIN ${table("memories")} AS m ON m.number = found.memory CROSS JOIN statistics
      WHERE ${among(sql, scope, where)} GROUP BY m.number, m.id, m.place ORDER BY score DESC, m.place DESC LIMIT ${limit}::bigint`
  )
}
