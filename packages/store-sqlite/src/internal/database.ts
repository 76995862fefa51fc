// One connection: statements that are kept, transactions, and errors that say what to do.
import { MemoryStore } from "@memory-r1/core"
import { Journal } from "@memory-r1/core/store"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import * as Semaphore from "effect/Semaphore"
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite"
import { load } from "sqlite-vec"

type StoreError = MemoryStore.StoreError

export type Row = Readonly<Record<string, unknown>>

export interface Database {
  readonly file: string
  readonly all: (sql: string, ...parameters: ReadonlyArray<SQLInputValue>) => ReadonlyArray<Row>
  readonly get: (sql: string, ...parameters: ReadonlyArray<SQLInputValue>) => Row | undefined
  readonly run: (sql: string, ...parameters: ReadonlyArray<SQLInputValue>) => number
  readonly exec: (sql: string) => void
  /** Statements in an effect; what SQLite throws is a typed error. */
  readonly attempt: <A>(doing: string, statements: () => A) => Effect.Effect<A, StoreError>
  /** Nobody else uses the connection meanwhile; a body that fails leaves nothing behind. */
  readonly transaction: <A, E, R>(
    doing: string,
    mode: "DEFERRED" | "IMMEDIATE",
    body: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | StoreError, R>
  /** The same without a transaction. */
  readonly alone: <A, E, R>(body: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Again while another program holds the file, for as long as one waits for that. */
  readonly patiently: <A, E, R>(effect: Effect.Effect<A, E | StoreError, R>) => Effect.Effect<A, E | StoreError, R>
}

// SQLite's primary result codes; see https://sqlite.org/rescode.html.
const reasons: Readonly<Record<number, StoreError["reason"]>> = {
  3: "ReadOnly",
  5: "Locked",
  6: "Locked",
  8: "ReadOnly",
  11: "Corrupt",
  13: "Full",
  14: "Unavailable",
  23: "ReadOnly",
  26: "WrongFile"
}

/** An error as SQLite throws it for a damaged file. */
export const damaged = (detail: string): Error => Object.assign(new Error(detail), { errcode: 11 })

export const failure = (file: string, doing: string, cause: unknown): StoreError => {
  const code = typeof cause === "object" && cause !== null && "errcode" in cause && typeof cause.errcode === "number"
    ? cause.errcode
    : 0
  return Journal.failure(file, doing, cause, reasons[code & 0xff])
}

export interface Options {
  readonly file: string
  readonly readOnly: boolean
  readonly lockTimeout: Duration.Input
}

// Waits inside SQLite only as long as a hand-over between two programs takes: it waits with the whole thread.
const busyMillis = 20

const connect = ({ file, readOnly }: Options): DatabaseSync => {
  const connection = new DatabaseSync(file, { readOnly, allowExtension: true, timeout: busyMillis })
  try {
    load(connection)
  } catch {
    // No binary for this platform: the one function that is used, in JavaScript.
    connection.function("vec_distance_cosine", { deterministic: true }, (a, b) => {
      const [left, right] = [a, b].map((blob) => new Float32Array((blob as Uint8Array).slice().buffer)) as [
        Float32Array,
        Float32Array
      ]
      let [dot, aa, bb] = [0, 0, 0]
      for (let i = 0; i < left.length; i++) {
        dot += left[i]! * right[i]!
        aa += left[i]! ** 2
        bb += right[i]! ** 2
      }
      return 1 - dot / Math.sqrt(aa * bb)
    })
  }
  return connection
}

export const open = Effect.fnUntraced(function*(options: Options) {
  const { file, lockTimeout } = options
  const attempt = <A>(doing: string, statements: () => A) =>
    Effect.try({ try: statements, catch: (cause) => failure(file, doing, cause) })
  const connection = yield* Effect.acquireRelease(
    attempt("to open it", () => connect(options)),
    (connection) => Effect.ignore(attempt("to close it", () => connection.close()))
  )
  const statements = new Map<string, StatementSync>()
  const prepared = (sql: string): StatementSync => {
    let statement = statements.get(sql)
    if (statement === undefined) statements.set(sql, statement = connection.prepare(sql))
    return statement
  }
  const waiting = Schedule.spaced("5 millis").pipe(
    Schedule.jittered,
    Schedule.upTo({ duration: Duration.fromInputUnsafe(lockTimeout) })
  )
  const isLocked = (error: unknown): boolean => error instanceof MemoryStore.StoreError && error.reason === "Locked"
  const patiently = <A, E, R>(effect: Effect.Effect<A, E | StoreError, R>) =>
    Effect.retry(effect, { schedule: waiting, while: isLocked })
  const alone = Semaphore.makeUnsafe(1).withPermit
  const database: Database = {
    file,
    attempt,
    alone,
    patiently,
    all: (sql, ...parameters) => prepared(sql).all(...parameters),
    get: (sql, ...parameters) => prepared(sql).get(...parameters),
    run: (sql, ...parameters) => Number(prepared(sql).run(...parameters).lastInsertRowid),
    exec: (sql) => connection.exec(sql),
    transaction: (doing, mode, body) =>
      alone(Effect.uninterruptibleMask((restore) =>
        Effect.gen(function*() {
          yield* restore(patiently(attempt(doing, () => prepared(`BEGIN ${mode}`).run())))
          const rollback = attempt(doing, () => {
            if (connection.isTransaction) prepared("ROLLBACK").run()
          })
          const exit = yield* Effect.exit(restore(body))
          if (Exit.isSuccess(exit)) {
            yield* Effect.onError(patiently(attempt(doing, () => prepared("COMMIT").run())), () =>
              Effect.ignore(rollback))
          } else yield* Effect.ignore(rollback)
          return yield* exit
        })
      ))
  }
  return database
})
