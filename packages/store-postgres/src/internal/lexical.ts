// BM25 over the words of a scope, in one statement: what `Bm25` computes, where the postings are.
import { type Memory } from "@memory-r1/core"
import { Bm25, type Journal } from "@memory-r1/core/store"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
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
        SELECT documents::float8 AS size, greatest(tokens / greatest(documents, 1)::float8, 1e-9) AS mean FROM ${
      table("scopes")
    } WHERE number = ${scope}::bigint
      ), found AS (
        SELECT memory, count::float8 AS count, count(*) OVER (PARTITION BY term)::float8 AS found FROM ${
      table("postings")
    }
        WHERE scope = ${scope}::bigint AND term = ANY (${Bm25.termsOf(text).map(keyOf)}::text[])
      )
      SELECT m.id, sum(ln(1 + (size - found + 0.5) / (found + 0.5)) * count * (${k1}::float8 + 1)
        / (count + ${k1}::float8 * (1 - ${b}::float8 + ${b}::float8 * m.tokens / mean))) AS score
      FROM found JOIN ${table("memories")} AS m ON m.number = found.memory CROSS JOIN statistics
      WHERE ${
      among(sql, scope, where)
    } GROUP BY m.number, m.id, m.place ORDER BY score DESC, m.place DESC LIMIT ${limit}::bigint`
  )
}

// Memories of one statement, and how often one is told how far it is.
const batch = 1000
const silence = 2000

/**
 * Writes the words of all memories anew, a part of a transaction: those that are as they were stay untouched. Reading
 * goes on meanwhile, writing does not.
 */
export const fill = Effect.fnUntraced(function*({ name, sql, table }: Database) {
  const [memories, postings, scopes] = [table("memories"), table("postings"), table("scopes")]
  yield* sql`LOCK TABLE ${memories} IN SHARE ROW EXCLUSIVE MODE`
  const [of] = yield* sql<
    { readonly count: number }
  >`SELECT count(*)::float8 AS count FROM ${memories} WHERE NOT deleted`
  let told = yield* Clock.currentTimeMillis
  for (let [done, last] = [0, 0]; done < of!.count;) {
    const rows = yield* sql<{ readonly number: number; readonly scope: number; readonly memory: string }>`
      SELECT number::float8 AS number, scope::float8 AS scope, memory FROM ${memories}
      WHERE NOT deleted AND number > ${last}::bigint ORDER BY number LIMIT ${batch}::bigint`
    const read = rows.map(({ memory, number, scope }) => {
      const { text } = JSON.parse(memory) as Memory.Memory
      return { number, scope, words: wordsOf(text) }
    })
    const lengths = JSON.stringify(read.map(({ number, words }) => ({ number, tokens: words.length })))
    const words = JSON.stringify(
      read.flatMap(({ number, scope, words }) =>
        Array.from(words.counts, ([term, count]) => ({ scope, term, memory: number, count }))
      )
    )
    const records =
      sql`jsonb_to_recordset(${words}::text::jsonb) AS r (scope bigint, term text, memory bigint, count bigint)`
    yield* sql`
      DELETE FROM ${postings} WHERE memory = ANY (${`{${read.map(({ number }) => number).join(",")}}`}::bigint[])
        AND (memory, term, count) NOT IN (SELECT memory, term, count FROM ${records})`
    yield* sql`
      INSERT INTO ${postings} (scope, term, memory, count) SELECT scope, term, memory, count FROM ${records}
      ON CONFLICT DO NOTHING`
    yield* sql`
      UPDATE ${memories} AS m SET tokens = r.tokens
      FROM jsonb_to_recordset(${lengths}::text::jsonb) AS r (number bigint, tokens bigint)
      WHERE m.number = r.number AND m.tokens <> r.tokens`
    done += rows.length
    last = rows.at(-1)!.number
    const now = yield* Clock.currentTimeMillis
    if (now - told < silence) continue
    told = now
    yield* Effect.logInfo(`${name}: its words are indexed anew, once: ${done} of ${of!.count} memories`)
  }
  yield* sql`
    UPDATE ${scopes} AS s SET tokens = t.tokens
    FROM (SELECT scope, sum(tokens) AS tokens FROM ${memories} WHERE NOT deleted GROUP BY scope) AS t
    WHERE t.scope = s.number AND s.tokens <> t.tokens`
})
