// What the tables look like, step by step. A step is never changed once it was released: what comes later is a step
// more.
import { MemoryStore } from "@memory-r1/core"
import * as Effect from "effect/Effect"
import type { Database } from "./database.ts"
import * as Lexical from "./lexical.ts"

/**
 * 1. `log` is the source of truth. `memories` are the rows that it folds to, tombstones included; `postings` say how
 *   often which word of `Bm25.tokens` stands in which live one
 *    (whoever changes those makes a step like the second). `vectors` has its column of vectors when the server is
 *    known, see `vectors.ts`.
 * 2. Other words than before (docs/decisions/0012-words-of-search.md): the tables stay, and are filled anew after the
 *   last
 *    step.
 */
export const steps: ReadonlyArray<ReadonlyArray<(schema: string) => string>> = [
  [
    (schema) => `CREATE TABLE ${schema}.settings (name text PRIMARY KEY, value text NOT NULL)`,
    (schema) =>
      `CREATE TABLE ${schema}.scopes (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text COLLATE "C" NOT NULL UNIQUE,
          revision bigint NOT NULL, at bigint NOT NULL, created bigint NOT NULL,
        documents bigint NOT NULL, tokens bigint NOT NULL
      )`,
    (schema) =>
      `CREATE TABLE ${schema}.log (scope bigint NOT NULL, revision bigint NOT NULL, entry text NOT NULL,
        PRIMARY KEY (scope, revision))`,
    (schema) =>
      `CREATE TABLE ${schema}.memories (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, scope bigint NOT NULL, id text COLLATE "C" NOT NULL,
          place bigint NOT NULL, at bigint NOT NULL,
        deleted boolean NOT NULL, embedded boolean NOT NULL, speaker text COLLATE "C", expires bigint,
          fingerprint bigint NOT NULL, tokens bigint NOT NULL, memory text NOT NULL,
        metadata jsonb NOT NULL, UNIQUE (scope, id)
      )`,
    (schema) => `CREATE INDEX memories_by_place ON ${schema}.memories (scope, place)`,
    (schema) => `CREATE INDEX memories_by_speaker ON ${schema}.memories (scope, deleted, speaker)`,
    (schema) => `CREATE INDEX memories_by_fingerprint ON ${schema}.memories (scope, fingerprint) WHERE NOT deleted`,
    (schema) =>
      `CREATE INDEX memories_unembedded ON ${schema}.memories (scope, place) WHERE NOT deleted AND NOT embedded`,
    (schema) =>
      `CREATE TABLE ${schema}.postings (
        scope bigint NOT NULL, term text COLLATE "C" NOT NULL, memory bigint NOT NULL, count bigint NOT NULL,
          PRIMARY KEY (scope, term, memory)
      )`,
    (schema) => `CREATE INDEX postings_by_memory ON ${schema}.postings (memory)`,
    (schema) => `CREATE TABLE ${schema}.vectors (memory bigint PRIMARY KEY)`
  ],
  []
]

// The first form that has the words of today.
const filledAnew = 2

/**
 * Brings the tables to the newest form, or says why they cannot be used.
 */
export const migrate = Effect.fnUntraced(function*(database: Database, target = steps.length) {
  const { attempt, name, schema, sql, table, writing } = database
  const fail = (reason: MemoryStore.StoreError["reason"], detail: string) =>
    new MemoryStore.StoreError({ store: name, doing: "to open it", reason, detail })
  const check = Effect.gen(function*() {
    const [state] = yield* attempt(
      "to open it",
      sql<{ readonly tables: number; readonly isOurs: boolean }>`
        SELECT count(*)::float8 AS tables, coalesce(bool_or(tablename = 'settings'), false) AS "isOurs"
        FROM pg_tables WHERE schemaname = ${schema}`
    )
    if (state === undefined || state.tables === 0) return 0
    if (!state.isOurs) return yield* fail("WrongFile", "the schema holds tables of another program")
    const [row] = yield* attempt(
      "to open it",
      sql<{ readonly value: string }>`SELECT value FROM ${table("settings")} WHERE name = 'form'`
    )
    const version = Number(row?.value)
    if (!Number.isInteger(version)) return yield* fail("WrongFile", "the schema holds tables of another program")
    if (version > target) {
      return yield* fail("NewerVersion", `its form is ${version}, this program knows forms up to ${target}`)
    }
    return version
  })
  if ((yield* check) === target) return
  yield* writing(
    "to bring it to the newest form",
    "schema",
    Effect.gen(function*() {
      // Somebody else may have been faster.
      const from = yield* check
      if (from === target) return
      yield* attempt(
        "to bring it to the newest form",
        Effect.gen(function*() {
          yield* sql`CREATE SCHEMA IF NOT EXISTS ${sql(schema)}`
          for (const statement of steps.slice(from, target).flat()) {
            yield* sql.unsafe(statement(`"${schema}"`)).unprepared
          }
          if (from < filledAnew && target >= filledAnew) yield* Lexical.fill(database)
          yield* sql`INSERT INTO ${table("settings")} (name, value) VALUES ('form', ${
            String(target)
          }) ON CONFLICT (name) DO UPDATE SET value = excluded.value`
        })
      )
    })
  )
})
