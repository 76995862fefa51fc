// After an erasure: what was removed leaves the files of the tables, too.
import { MemoryStore } from "@memory-r1/core"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { Database } from "./database.ts"

const doing = "to remove what was erased from the files"

/** Written with an erasure, so that somebody does it later where it cannot be done at once. */
export const owed = ({ sql, table }: Database) =>
  sql`INSERT INTO ${table("settings")} (name, value) VALUES ('purge', '') ON CONFLICT (name) DO NOTHING`

export const isOwed = ({ attempt, sql, table }: Database) =>
  Effect.map(
    attempt("to open it", sql`SELECT 1 FROM ${table("settings")} WHERE name = 'purge'`),
    (rows) => rows.length > 0
  )

// A row that an older snapshot can still see is copied by VACUUM: nobody may have one.
const unseen = (database: Database, lockTimeout: number) =>
  Effect.gen(function*() {
    const { attempt, name, sql } = database
    const [now] = yield* attempt(doing, sql<{ readonly xid: string }>`SELECT pg_current_xact_id()::xid::text AS xid`)
    const check = Effect.gen(function*() {
      const [row] = yield* attempt(
        doing,
        sql<{ readonly count: number }>`
          SELECT count(*)::float8 AS count FROM pg_stat_activity
          WHERE pid <> pg_backend_pid() AND backend_type = 'client backend' AND datname = current_database()
            AND backend_xmin IS NOT NULL AND age(backend_xmin) > age(${now!.xid}::text::xid)`
      )
      if (row!.count > 0) {
        return yield* new MemoryStore.StoreError({
          store: name,
          doing,
          reason: "Locked",
          detail:
            "it is erased from the memory, but a transaction that began before still reads; it leaves the files " +
            "when the store is opened, or somebody erases, without such a transaction"
        })
      }
    })
    yield* Effect.retry(check, {
      schedule: Schedule.spaced("20 millis").pipe(Schedule.upTo({ duration: lockTimeout })),
      while: ({ reason }) => reason === "Locked"
    })
  })

export const purge = Effect.fnUntraced(
  function*(
    database: Database,
    { lockTimeout, rewrites }: { readonly lockTimeout: number; readonly rewrites: boolean }
  ) {
    const { attempt, sql, table } = database
    yield* unseen(database, lockTimeout)
    yield* attempt(
      doing,
      Effect.scoped(Effect.gen(function*() {
        const connection = yield* sql.reserve
        const run = (statement: string) => connection.executeUnprepared(statement, [], undefined)
        yield* Effect.acquireRelease(
          run(`SET lock_timeout = ${lockTimeout}`),
          () => Effect.ignore(run("RESET lock_timeout"))
        )
        for (const name of ["log", "memories", "postings", "vectors"] as const) {
          yield* run(`VACUUM ${rewrites ? "(FULL) " : ""}"${database.schema}".${name}`)
        }
      }))
    )
    yield* attempt(doing, sql`DELETE FROM ${table("settings")} WHERE name = 'purge'`)
  }
)
