// Statements, transactions, and errors that say what to do.
import { MemoryStore } from "@memory-r1/core"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import type { Fragment } from "effect/sql/Statement"

type StoreError = MemoryStore.StoreError

export interface Database {
  /** For messages; without a password. */
  readonly name: string
  readonly schema: string
  readonly sql: SqlClient.SqlClient
  /** A table of the store, with its schema. */
  readonly table: (name: "settings" | "scopes" | "log" | "memories" | "postings" | "vectors") => Fragment
  /** What the server says is a typed error. */
  readonly attempt: <A, E, R>(
    doing: string,
    statements: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, Exclude<E, SqlError> | StoreError, R>
  /** All that a body reads is of one moment. */
  readonly reading: <A, E, R>(body: Effect.Effect<A, E, R>) => Effect.Effect<A, E | StoreError, R>
  /** Nobody else writes to what is called so meanwhile; a body that fails leaves nothing behind. */
  readonly writing: <A, E, R>(
    doing: string,
    what: string,
    body: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | StoreError, R>
}

// Classes and codes of https://www.postgresql.org/docs/current/errcodes-appendix.html; the longest that fits says it.
const reasons: Readonly<Record<string, StoreError["reason"]>> = {
  "08": "Unavailable",
  "25006": "ReadOnly",
  "28": "Unavailable",
  "3D": "Unavailable",
  "40": "Locked",
  "42501": "ReadOnly",
  "53": "Unavailable",
  "53100": "Full",
  "55P03": "Locked",
  "57": "Unavailable",
  "57014": "Locked",
  "58030": "Full",
  XX001: "Corrupt",
  XX002: "Corrupt"
}

// Where the connection breaks, the rollback fails as well, as a defect beside the reason why it was tried, or in its
// place. What is left is one typed error.
const settled = <E>(cause: Cause.Cause<E>): Cause.Cause<E | SqlError | StoreError> => {
  const typed = cause.reasons.flatMap((reason): ReadonlyArray<E | SqlError | StoreError> => {
    if (Cause.isFailReason(reason)) return [reason.error]
    return Cause.isDieReason(reason) && (isSqlError(reason.defect) || reason.defect instanceof MemoryStore.StoreError)
      ? [reason.defect]
      : []
  })
  const isRolledBack = cause.reasons.some((reason) => Cause.isDieReason(reason) && isSqlError(reason.defect))
  return typed[0] === undefined || !isRolledBack || cause.reasons.some(Cause.isInterruptReason)
    ? cause
    : Cause.fail(typed[0])
}

// Connections of a pool that may have died.
const mostDead = 100

const codeOf = (cause: unknown): string =>
  typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string" ? cause.code : ""

export const failure = (store: string, doing: string, { reason }: SqlError): StoreError => {
  const { cause } = reason
  const code = codeOf(cause)
  const known = reasons[code] ?? reasons[code.slice(0, 2)] ??
    (reason._tag === "ConnectionError" || reason._tag === "AuthenticationError" ? "Unavailable" : "Other")
  return new MemoryStore.StoreError({
    store,
    doing,
    reason: known,
    detail: cause instanceof Error && cause.message !== "" ? cause.message : reason.message,
    cause
  })
}

export const make = (
  options: {
    readonly name: string
    readonly schema: string
    readonly sql: SqlClient.SqlClient
    readonly lockTimeout: number
  }
): Database => {
  const { lockTimeout, name, schema, sql } = options
  const attempt: Database["attempt"] = (doing, statements) =>
    Effect.mapError(
      statements,
      (error) => isSqlError(error) ? failure(name, doing, error) : error as Exclude<typeof error, SqlError>
    )
  // A connection that has died in the pool, as when the server was started anew, is noticed when a transaction begins
  // on it. Nothing has been done then, and another one does it.
  const transaction = <A, E, R>(doing: string, begin: string, body: Effect.Effect<A, E, R>) =>
    Effect.suspend(() => {
      let hasBegun = false
      return sql.withTransaction(Effect.andThen(Effect.sync(() => hasBegun = true), body)).pipe(
        Effect.provideService(SqlClient.BeginTransaction, begin),
        Effect.catchCause((cause) => Effect.failCause(settled(cause))),
        Effect.retry({
          times: mostDead,
          while: (error) =>
            !hasBegun && isSqlError(error) && error.reason._tag === "ConnectionError" &&
            error.reason.operation === "query"
        })
      )
    }).pipe((statements) => attempt(doing, statements))
  return {
    name,
    schema,
    sql,
    attempt,
    table: (table) => sql`${sql(`${schema}.${table}`)}`,
    reading: (body) => transaction("to read", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", body),
    writing: (doing, what, body) =>
      transaction(
        doing,
        "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
        // A lock on a name rather than on a row, which there may be none of. Each statement after it sees what the last
        // holder has committed.
        sql`SELECT set_config('lock_timeout', ${
          String(lockTimeout)
        }, true), pg_advisory_xact_lock(hashtextextended(${`memory-r1 ${schema} ${what}`}, 0))::text`.pipe(
          Effect.andThen(body)
        )
      )
  }
}
