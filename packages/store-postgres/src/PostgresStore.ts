/**
 * A `MemoryStore` in PostgreSQL: the store of programs that run on more than one machine. Vectors are those of pgvector
 * where the server has it.
 *
 * @since 0.1.0
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { Memory, MemoryLog, MemoryStore, type Scope } from "@memory-r1/core"
import { Journal } from "@memory-r1/core/store"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { apply } from "./internal/apply.ts"
import { type Database, failure, make } from "./internal/database.ts"
import * as Lexical from "./internal/lexical.ts"
import { isOwed, owed, purge } from "./internal/purge.ts"
import { migrate } from "./internal/schema.ts"
import { type Vectors, vectors } from "./internal/vectors.ts"
import { among } from "./internal/where.ts"

/**
 * - `schema`: where the tables lie; `memory_r1` by default. It is made where there is none.
 * - `lockTimeout`: how long a write waits for another one to the same scope; 10 seconds by default.
 * - `erasure`: what follows an erasure. `rewrite`, by default, writes the tables anew (`VACUUM FULL`), so that
 *   no byte of it is left in their files; nobody reads or writes meanwhile. `vacuum` leaves the bytes where they are
 *   until the server uses their place again. What is in backups and in the archive of the server's own log is not the
 *   store's to remove.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly schema?: string | undefined
  readonly lockTimeout?: Duration.Input | undefined
  readonly erasure?: "rewrite" | "vacuum" | undefined
}

/**
 * How the server is reached: a `url` (`postgresql://user:password@host/database`) or the settings of `@effect/sql-pg`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Connection extends Omit<PgClient.PgPoolConfig, "url"> {
  readonly url?: string | Redacted.Redacted | undefined
}

// Without user and password.
const nameOf = ({ database, host, port, url }: PgClient.PgClientConfig, schema: string): string => {
  const parsed = url !== undefined && URL.canParse(Redacted.value(url)) ? new URL(Redacted.value(url)) : undefined
  const place = `${host ?? (parsed?.hostname || "localhost")}:${port ?? (parsed?.port || 5432)}/${
    database ?? parsed?.pathname.slice(1) ?? ""
  }`
  return `postgresql://${place} (schema ${schema})`
}

const decodeMemory = Schema.decodeUnknownEffect(Schema.fromJsonString(Memory.Memory))
const decodeEntry = Schema.decodeUnknownEffect(MemoryLog.EntryJson)

interface Row {
  readonly memory: string
  readonly place: number
  readonly at: number
  readonly deleted: boolean
}

const readerOf = Effect.fnUntraced(function*(database: Database, vectors: Vectors, name: Scope.Scope) {
  const { sql, table } = database
  const memories = table("memories")
  const columns = sql`m.memory, m.place::float8 AS place, m.at::float8 AS at, m.deleted`
  const attempt = <A, E, R>(statements: Effect.Effect<A, E, R>) => database.attempt("to read", statements)
  // What cannot be read is as damaged as a page with a wrong checksum.
  const unreadable = (what: string) => (error: Schema.SchemaError) =>
    new MemoryStore.StoreError({
      store: database.name,
      doing: "to read",
      reason: "Corrupt",
      detail: `${what} cannot be read: ${error.message}`,
      cause: error
    })
  const rows = (found: ReadonlyArray<Row>): Effect.Effect<ReadonlyArray<Journal.Row>, MemoryStore.StoreError> =>
    Effect.forEach(
      found,
      ({ at, deleted, memory, place }) =>
        Effect.map(
          Effect.mapError(decodeMemory(memory), unreadable("a memory")),
          (memory) => ({ memory, order: place, at, deleted })
        )
    )
  const [known] = yield* attempt(sql<Journal.Head & { readonly number: number }>`
    SELECT number::float8 AS number, revision::float8 AS revision, at::float8 AS at, created::float8 AS created FROM ${
    table("scopes")
  } WHERE name = ${name}`)
  const { at, created, number: scope, revision } = known ?? { number: -1, revision: 0, at: 0, created: 0 }
  return {
    head: Effect.succeed({ revision, at, created }),
    entries: ({ after = 0, upTo = Number.MAX_SAFE_INTEGER } = {}) =>
      attempt(sql<{ readonly entry: string }>`
        SELECT entry FROM ${table("log")} WHERE scope = ${scope}::bigint AND revision > ${after}::bigint
          AND revision <= ${upTo}::bigint ORDER BY revision`)
        .pipe(
          Effect.flatMap(
            Effect.forEach(({ entry }) => Effect.mapError(decodeEntry(entry), unreadable("an entry of the log")))
          )
        ),
    rows: (ids) =>
      Effect.flatMap(
        attempt(
          sql<Row>`SELECT ${columns} FROM ${memories} AS m WHERE m.scope = ${scope}::bigint AND m.id = ANY (${[
            ...ids
          ]}::text[])`
        ),
        rows
      ),
    list: ({ beyond, limit, newestFirst = false, tombstones = false, where }) => {
      const from = beyond ?? (newestFirst ? Number.MAX_SAFE_INTEGER : -1)
      return Effect.flatMap(
        attempt(sql<Row>`
          SELECT ${columns} FROM ${memories} AS m WHERE ${among(sql, scope, where, tombstones)} AND m.place ${
          sql.literal(newestFirst ? "<" : ">")
        } ${from}::bigint
          ORDER BY m.place ${sql.literal(newestFirst ? "DESC" : "ASC")} LIMIT ${limit}::bigint`),
        rows
      )
    },
    speakers: Effect.map(
      // From one name to the next in the index, without a look at every memory.
      attempt(sql<{ readonly speaker: string | null }>`
        WITH RECURSIVE names (speaker) AS (
          SELECT min(speaker) FROM ${memories} WHERE scope = ${scope}::bigint AND NOT deleted
          UNION ALL
          SELECT (SELECT min(speaker) FROM ${memories} WHERE scope = ${scope}::bigint AND NOT deleted
            AND speaker > names.speaker) FROM names WHERE names.speaker IS NOT NULL
        ) SELECT speaker FROM names WHERE speaker IS NOT NULL
        UNION ALL SELECT NULL WHERE EXISTS (SELECT 1 FROM ${memories} WHERE scope = ${scope}::bigint AND NOT deleted
          AND speaker IS NULL)`),
      (names) => names.map(({ speaker }) => speaker)
    ),
    alike: (fingerprints, unexpiredAt) =>
      Effect.flatMap(
        attempt(
          sql<Row>`SELECT ${columns} FROM ${memories} AS m WHERE ${
            among(sql, scope, { unexpiredAt })
          } AND m.fingerprint = ANY (${`{${fingerprints.join(",")}}`}::bigint[])`
        ),
        rows
      ),
    lexical: (query) => Lexical.search(database, scope, query),
    dense: (query) => vectors.search(scope, query),
    unembedded: (limit) =>
      Effect.flatMap(
        attempt(
          sql<
            Row
          >`SELECT ${columns} FROM ${memories} AS m WHERE m.scope = ${scope}::bigint AND NOT m.deleted
            AND NOT m.embedded ORDER BY m.place LIMIT ${limit}::bigint`
        ),
        rows
      )
  } satisfies Journal.Reader as Journal.Reader
})

const Probe = Schema.fromJsonString(Schema.Array(Schema.Finite))

/**
 * The journal behind the store, for those who put something between the two.
 *
 * @category constructors
 * @since 0.1.0
 */
export const journal = Effect.fnUntraced(function*(
  { erasure = "rewrite", lockTimeout = "10 seconds", schema = "memory_r1" }: Options = {}
): Effect.fn.Return<Journal.Journal, MemoryStore.StoreError, PgClient.PgClient> {
  const client = yield* PgClient.PgClient
  const name = nameOf(client.config, schema)
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema)) {
    return yield* new MemoryStore.StoreError({
      store: name,
      doing: "to open it",
      reason: "Other",
      detail: "the name of a schema consists of small letters, digits and _"
    })
  }
  // What the server takes; 0 would be no end.
  const millis = Math.min(Math.max(1, Math.ceil(Duration.toMillis(Duration.fromInputUnsafe(lockTimeout)))), 2 ** 31 - 1)
  const database = make({ name, schema, sql: client.withoutTransforms(), lockTimeout: millis })
  const { attempt, reading, sql, table, writing } = database
  yield* migrate(database)
  const dense = yield* vectors(database)
  const settings = { lockTimeout: millis, rewrites: erasure === "rewrite" }
  // An erasure whose bytes could not be removed, because somebody was reading or the process ended.
  if (yield* isOwed(database)) {
    yield* Effect.catch(purge(database, settings), (error) => Effect.logWarning(error.message))
  }

  return {
    name,
    purge: purge(database, settings),
    read: (scope, body) => reading(Effect.flatMap(readerOf(database, dense, scope), body)),
    write: (scope, body) =>
      writing(
        "to write",
        scope,
        Effect.gen(function*() {
          const { change, value } = yield* body(yield* readerOf(database, dense, scope))
          if (change === undefined) return value
          yield* attempt("to write", apply(database, scope, change))
          if (change.replace !== undefined) yield* attempt("to write", owed(database))
          return value
        })
      ),
    probe: reading(
      attempt("to read", sql<{ readonly value: string }>`SELECT value FROM ${table("settings")} WHERE name = 'probe'`)
    ).pipe(
      Effect.map(([row]) =>
        row === undefined ? undefined : Float32Array.from(Schema.decodeUnknownSync(Probe)(row.value))
      )
    ),
    embed: (scope, of, probe) =>
      writing(
        "to write vectors",
        scope,
        Effect.gen(function*() {
          yield* attempt(
            "to write vectors",
            sql`INSERT INTO ${table("settings")} (name, value) VALUES ('probe', ${
              JSON.stringify(Array.from(probe))
            }) ON CONFLICT (name) DO NOTHING`
          )
          const [known] = yield* attempt(
            "to write vectors",
            sql<{ readonly number: number }>`SELECT number::float8 AS number FROM ${
              table("scopes")
            } WHERE name = ${scope}`
          )
          if (known !== undefined && of.length > 0) yield* dense.insert(known.number, of)
        })
      ),
    forgetVectors: writing(
      "to write vectors",
      "vectors",
      attempt(
        "to write vectors",
        Effect.gen(function*() {
          yield* sql`DELETE FROM ${table("settings")} WHERE name = 'probe'`
          yield* sql`DELETE FROM ${table("vectors")}`
          yield* sql`UPDATE ${table("memories")} SET embedded = false WHERE embedded`
        })
      )
    )
  }
})

/**
 * The store over a client that is there already: for programs that use the database for other things, too.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerClient = (
  options: Options = {}
): Layer.Layer<MemoryStore.MemoryStore, MemoryStore.StoreError, PgClient.PgClient> =>
  MemoryStore.layerJournal(journal(options))

/**
 * A pool of connections, and the store over it. Its commits are on the server's disk when they return; any number of
 * processes may use one database.
 *
 * @example
 * ```typescript
 * import { MemoryStore, Scope } from "@memory-r1/core"
 * import { PostgresStore } from "@memory-r1/store-postgres"
 * import { Effect } from "effect"
 *
 * const program = MemoryStore.MemoryStore.use((store) => store.current(Scope.make({ user: "ann" })))
 * const store = PostgresStore.layer({ url: process.env.DATABASE_URL })
 * const { revision } = await Effect.runPromise(Effect.provide(program, store))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  { erasure, lockTimeout, schema, url, ...connection }: Options & Connection
): Layer.Layer<MemoryStore.MemoryStore, MemoryStore.StoreError> => {
  const options = {
    erasure,
    lockTimeout,
    schema
  }
  const config: PgClient.PgPoolConfig = {
    // One memory may be large, and one message holds a row.
    maxMessageSize: 512 * 2 ** 20,
    applicationName: "memory-r1",
    ...connection,
    ...(url === undefined ? {} : { url: typeof url === "string" ? Redacted.make(url) : url })
  }
  const pool = Effect.mapError(
    PgClient.make(config),
    (error) => failure(nameOf(config, schema ?? "memory_r1"), "to open it", error)
  )
  return Layer.provide(layerClient(options), PgClient.layerFrom(pool))
}
