// BM25 over the words of a scope: FTS5 finds candidates, and `Bm25` scores them with the statistics of the scope.
import { type Memory } from "@memory-r1/core"
import { Bm25, type Journal } from "@memory-r1/core/store"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { damaged, type Database } from "./database.ts"
import { among } from "./where.ts"

// FTS5 ranks a memory in about half a microsecond: words that stand in more of them only help to rank what rarer words
// find.
const mostRanked = 2000
const mostTerms = 64

/**
 * The words of a memory as they stand in the index: each with the number of its scope before it, so that no other
 * scope's is ever looked at.
 */
export const termsOf = (scope: number, text: string): ReadonlyArray<string> =>
  Bm25.tokens(text).map((token) => `${scope}x${token}`)

const anyOf = (terms: ReadonlyArray<string>): string => `(${terms.map((term) => `"${term}"`).join(" OR ")})`

export const search = (
  database: Database,
  scope: number,
  { limit, text, where }: { readonly text: string; readonly limit: number; readonly where: Journal.Where }
): ReadonlyArray<Journal.Ranked> => {
  const statistics = database.get("SELECT documents, tokens FROM scopes WHERE number = ?", scope)
  if (statistics === undefined || limit === 0) return []
  const [size, total] = [Number(statistics["documents"]), Number(statistics["tokens"])]
  const mean = Math.max(total / Math.max(size, 1), 1e-9)
  const terms = Bm25.termsOf(text).flatMap((term) => {
    const found = Number(database.get("SELECT doc FROM vocabulary WHERE term = ?", `${scope}x${term}`)?.["doc"] ?? 0)
    return found === 0 ? [] : [{ term, key: `${scope}x${term}`, found }]
  }).sort((a, b) => a.found - b.found).slice(0, mostTerms)
  if (terms.length === 0) return []

  let ranked = 0
  const rare = terms.filter(({ found }) => (ranked += found) <= mostRanked)
  const keys = terms.map(({ key }) => key)
  const { parameters, sql } = among(scope, where)
  const candidates = Math.max(2 * limit, 100)
  const find = (match: string, order: string) =>
    database.all(
      `SELECT m.number, m.memory FROM lexicon CROSS JOIN memories AS m ON m.number = lexicon.rowid
        WHERE lexicon MATCH ? AND ${sql} ORDER BY ${order} LIMIT ?`,
      match,
      ...parameters,
      candidates
    )
  const told = new Map<number, string>()
  const see = (rows: ReadonlyArray<Readonly<Record<string, unknown>>>): void => {
    for (const row of rows) told.set(Number(row["number"]), String(row["memory"]))
  }
  if (rare.length > 0) {
    const [some, all] = [anyOf(rare.map(({ key }) => key)), anyOf(keys)]
    see(find(rare.length === terms.length ? some : `${some} AND ${all}`, "rank"))
  }
  // Where only common words are left there is little to rank: the newest are as good as any.
  if (told.size < limit && rare.length < terms.length) see(find(anyOf(keys), "lexicon.rowid DESC"))

  const weights = new Map(terms.map(({ found, term }) => [term, Bm25.idf(size, found)]))
  return Array.from(told, ([number, json]) => {
    const { id, text } = JSON.parse(json) as Memory.Memory
    const tokens = Bm25.tokens(text)
    const counts = new Map<string, number>()
    for (const token of tokens) if (weights.has(token)) counts.set(token, (counts.get(token) ?? 0) + 1)
    let score = 0
    for (const [term, count] of counts) score += Bm25.weight(weights.get(term)!, count, tokens.length, mean)
    return { id, score, number }
  }).sort((a, b) => b.score - a.score || b.number - a.number).slice(0, limit)
}

const textOf = (json: unknown): string => {
  try {
    const { text } = JSON.parse(String(json)) as { readonly text: unknown }
    if (typeof text === "string") return text
  } catch {
    // Said below.
  }
  throw damaged("a memory cannot be read: it has no text")
}

// Memories between two looks at the clock, and how often one is told how far it is.
const batch = 1000
const silence = 2000

/** Puts the words of all memories into the lexicon, which is empty. A part of a transaction; it may be interrupted. */
export const fill = Effect.fnUntraced(function*({ all, attempt, file, run }: Database, doing: string) {
  const [of] = yield* attempt(doing, () => all("SELECT count(*) AS count FROM memories WHERE deleted = 0"))
  let told = yield* Clock.currentTimeMillis
  for (let [done, last] = [0, -1];;) {
    const numbers = yield* attempt(doing, () =>
      all(
        "SELECT number, scope, memory FROM memories WHERE deleted = 0 AND number > ? ORDER BY number LIMIT ?",
        last,
        batch
      ).map((row) => {
        const [number, scope] = [Number(row["number"]), Number(row["scope"])]
        const terms = termsOf(scope, textOf(row["memory"]))
        run("INSERT INTO lexicon (rowid, terms) VALUES (?, ?)", number, terms.join(" "))
        run("UPDATE memories SET tokens = ?1 WHERE number = ?2 AND tokens <> ?1", terms.length, number)
        return number
      }))
    if (numbers.length === 0) break
    done += numbers.length
    last = numbers.at(-1)!
    const now = yield* Clock.currentTimeMillis
    if (now - told >= silence) {
      told = now
      yield* Effect.logInfo(`${file}: its words are indexed anew, once: ${done} of ${of!["count"]} memories`)
    }
    yield* Effect.interruptible(Effect.yieldNow)
  }
  yield* attempt(doing, () =>
    run(
      `UPDATE scopes SET tokens =
         (SELECT coalesce(sum(tokens), 0) FROM memories WHERE scope = scopes.number AND deleted = 0)`
    ))
})
