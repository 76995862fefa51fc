/**
 * A `MemoryStore` in one SQLite file: the store of a program that wants its memories to last, on one machine, without a
 * server.
 *
 * @since 0.1.0
 */
import { Memory, MemoryLog, MemoryStore, messageOf, type Scope } from "@memory-r1/core"
import { Journal } from "@memory-r1/core/store"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as EffectScope from "effect/Scope"
import { damaged, type Database, open, type Row } from "./internal/database.ts"
import * as Dense from "./internal/dense.ts"
import * as Lexical from "./internal/lexical.ts"
import { migrate } from "./internal/schema.ts"
import { among } from "./internal/where.ts"

/**
 * - `file`: its path; it is made where there is none. Beside it lie two files with the endings `-wal` and `-shm` while
 *   it is open.
 * - `readOnly`: opens it only to read.
 * - `lockTimeout`: how long a write waits while another program writes; 10 seconds by default.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly file: string
  readonly readOnly?: boolean | undefined
  readonly lockTimeout?: Duration.Input | undefined
}

// What cannot be read is as damaged as a page with a wrong checksum.
const decoder = <A>(what: string, schema: Schema.Codec<A, string>) => {
  const decode = Schema.decodeUnknownSync(schema)
  return (text: unknown): A => {
    try {
      return decode(text)
    } catch (error) {
      throw damaged(`${what} cannot be read: ${messageOf(error)}`)
    }
  }
}
const decodeMemory = decoder("a memory", Schema.fromJsonString(Memory.Memory))
const decodeEntry = decoder("an entry of the log", MemoryLog.EntryJson)

const rowOf = ({ at, deleted, memory, place }: Row): Journal.Row => ({
  memory: decodeMemory(memory),
  order: Number(place),
  at: Number(at),
  deleted: deleted === 1
})
const columns = "m.memory, m.place, m.at, m.deleted"

const readerOf = (database: Database, dense: Dense.Dense, name: Scope.Scope): Journal.Reader => {
  const { all, get } = database
  const attempt = <A>(statements: () => A) => database.attempt("to read", statements)
  const known = get("SELECT number, revision, at, created FROM scopes WHERE name = ?", name)
  const [scope, revision, at, created] = known === undefined
    ? [-1, 0, 0, 0]
    : [known["number"], known["revision"], known["at"], known["created"]].map(Number) as [
      number,
      number,
      number,
      number
    ]
  return {
    head: Effect.succeed({ revision, at, created }),
    entries: ({ after = 0, upTo = Number.MAX_SAFE_INTEGER } = {}) =>
      attempt(() =>
        all(
          "SELECT entry FROM log WHERE scope = ? AND revision > ? AND revision <= ? ORDER BY revision",
          scope,
          after,
          upTo
        ).map(({ entry }) => decodeEntry(entry))
      ),
    rows: (ids) =>
      attempt(() =>
        all(
          `SELECT ${columns} FROM memories AS m WHERE m.scope = ? AND m.id IN (SELECT value FROM json_each(?))`,
          scope,
          JSON.stringify(ids)
        ).map(rowOf)
      ),
    list: ({ beyond, limit, newestFirst = false, tombstones = false, where }) =>
      attempt(() => {
        const { parameters, sql } = among(scope, where, tombstones)
        const [comparison, order] = newestFirst ? ["<", "DESC"] : [">", "ASC"]
        const from = beyond ?? (newestFirst ? Number.MAX_SAFE_INTEGER : -1)
        return all(
          `SELECT ${columns} FROM memories AS m WHERE ${sql} AND m.place ${comparison} ? ORDER BY m.place ${order}
            LIMIT ?`,
          ...parameters,
          from,
          limit
        ).map(rowOf)
      }),
    speakers: attempt(() => {
      // From one name to the next in the index, without a look at every memory.
      const names = all(
        `WITH RECURSIVE names (speaker) AS (
           SELECT min(speaker) FROM memories WHERE scope = ?1 AND deleted = 0
           UNION ALL
           SELECT (SELECT min(speaker) FROM memories WHERE scope = ?1 AND deleted = 0 AND speaker > names.speaker)
             FROM names WHERE names.speaker IS NOT NULL
         ) SELECT speaker FROM names WHERE speaker IS NOT NULL`,
        scope
      ).map(({ speaker }) => String(speaker))
      const nobodys = get("SELECT 1 FROM memories WHERE scope = ? AND deleted = 0 AND speaker IS NULL LIMIT 1", scope)
      return nobodys === undefined ? names : [...names, null]
    }),
    alike: (fingerprints, unexpiredAt) =>
      attempt(() => {
        const { parameters, sql } = among(scope, { unexpiredAt })
        return all(
          `SELECT ${columns} FROM memories AS m WHERE ${sql} AND m.fingerprint IN (SELECT value FROM json_each(?))`,
          ...parameters,
          JSON.stringify(fingerprints)
        ).map(rowOf)
      }),
    lexical: (query) => attempt(() => Lexical.search(database, scope, query)),
    dense: (query) => attempt(() => dense.search(scope, query)),
    unembedded: (limit) =>
      attempt(() =>
        all(
          `SELECT ${columns} FROM memories AS m WHERE m.scope = ? AND m.deleted = 0 AND m.vector IS NULL
            ORDER BY m.place LIMIT ?`,
          scope,
          limit
        ).map(rowOf)
      )
  }
}

const apply = (
  database: Database,
  dense: Dense.Dense,
  name: Scope.Scope,
  { append, created, drop = [], put = [], replace = [] }: Journal.Change
): void => {
  const { get, run } = database
  const scope = Number(
    get("SELECT number FROM scopes WHERE name = ?", name)?.["number"] ??
      run("INSERT INTO scopes (name, revision, at, created, documents, tokens) VALUES (?, 0, 0, 0, 0, 0)", name)
  )
  let [documents, tokens] = [0, 0]
  // The memory as it is, out of the index of words. Its text is needed to say which words those are.
  const taken = (id: Memory.MemoryId) => {
    const known = get(
      "SELECT number, memory, deleted, tokens, vector FROM memories WHERE scope = ? AND id = ?",
      scope,
      id
    )
    if (known === undefined) return undefined
    const number = Number(known["number"])
    const { text } = JSON.parse(String(known["memory"])) as Memory.Memory
    if (known["deleted"] === 0) {
      run(
        "INSERT INTO lexicon (lexicon, rowid, terms) VALUES ('delete', ?, ?)",
        number,
        Lexical.termsOf(scope, text).join(" ")
      )
      documents--
      tokens -= Number(known["tokens"])
    }
    const forget = (): void => {
      if (known["vector"] === null) return
      Dense.remove(database, scope, Number(known["vector"]))
      dense.forget(scope, Number(known["vector"]))
      run("UPDATE memories SET vector = NULL WHERE number = ?", number)
    }
    return { number, text, forget }
  }
  for (const id of drop) {
    const known = taken(id)
    known?.forget()
    if (known !== undefined) run("DELETE FROM memories WHERE number = ?", known.number)
  }
  // In the order of their creation, so that the newer of two that are found alike has the higher number.
  for (const { at, deleted, memory, order } of put.toSorted((a, b) => a.order - b.order)) {
    const known = taken(memory.id)
    if (deleted || known?.text !== memory.text) known?.forget()
    const terms = Lexical.termsOf(scope, memory.text)
    const number = run(
      `INSERT INTO memories (number, scope, id, place, at, deleted, speaker, expires, fingerprint, tokens, memory)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (scope, id) DO UPDATE SET place = excluded.place, at = excluded.at, deleted = excluded.deleted,
         speaker = excluded.speaker,
         expires = excluded.expires, fingerprint = excluded.fingerprint, tokens = excluded.tokens, memory = \
excluded.memory`,
      known?.number ?? null,
      scope,
      memory.id,
      order,
      at,
      deleted ? 1 : 0,
      memory.speaker ?? null,
      memory.expiresAt ?? null,
      Journal.fingerprint(memory),
      terms.length,
      JSON.stringify(memory)
    )
    if (deleted) continue
    run("INSERT INTO lexicon (rowid, terms) VALUES (?, ?)", known?.number ?? number, terms.join(" "))
    documents++
    tokens += terms.length
  }
  for (const entry of replace) {
    run("UPDATE log SET entry = ? WHERE scope = ? AND revision = ?", JSON.stringify(entry), scope, entry.revision)
  }
  for (const entry of append) {
    run("INSERT INTO log (scope, revision, entry) VALUES (?, ?, ?)", scope, entry.revision, JSON.stringify(entry))
  }
  const last = append.at(-1)
  run(
    "UPDATE scopes SET revision = coalesce(?, revision), at = coalesce(?, at), created = ?, documents = documents + " +
      "?, tokens = tokens + ? WHERE number = ?",
    last?.revision ?? null,
    last?.at ?? null,
    created,
    documents,
    tokens,
    scope
  )
}

/**
 * The journal behind the store, for those who put something between the two.
 *
 * @category constructors
 * @since 0.1.0
 */
export const journal = (
  { file, lockTimeout = "10 seconds", readOnly = false }: Options
): Effect.Effect<Journal.Journal, MemoryStore.StoreError, EffectScope.Scope> =>
  Effect.gen(function*() {
    const database = yield* open({ file, readOnly, lockTimeout })
    yield* migrate(database, readOnly)
    const dense = Dense.dense(database)
    const { attempt, exec, get, run } = database
    yield* attempt("to open it", () =>
      exec(
        "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA cache_size = -16384; PRAGMA mmap_size = " +
          "1073741824; PRAGMA wal_autocheckpoint = 4000"
      ))

    const purge = Effect.gen(function*() {
      const busy = yield* attempt("to remove what was erased from the file", () => {
        // Words that were deleted stand in the index until its parts are merged.
        exec("INSERT INTO lexicon (lexicon) VALUES ('optimize'); VACUUM")
        return get("PRAGMA wal_checkpoint(TRUNCATE)")!["busy"] === 1
      })
      if (busy) {
        return yield* new MemoryStore.StoreError({
          store: file,
          doing: "to remove what was erased from the file",
          reason: "Locked",
          detail:
            "it is erased from the memory, but another program still reads the file as it was; it is removed when " +
            "one that erases, or opens the file, is alone"
        })
      }
      yield* attempt("to remove what was erased from the file", () => run("DELETE FROM settings WHERE name = 'purge'"))
    }).pipe(database.patiently, database.alone)
    // An erasure whose bytes could not be removed, because somebody was reading or the process ended.
    const isLeft = yield* attempt("to open it", () => get("SELECT 1 FROM settings WHERE name = 'purge'") !== undefined)
    if (isLeft && !readOnly) yield* Effect.catch(purge, (error) => Effect.logWarning(error.message))

    return {
      name: file,
      purge,
      read: (scope, body) =>
        database.transaction(
          "to read",
          "DEFERRED",
          Effect.flatMap(attempt("to read", () => readerOf(database, dense, scope)), body)
        ),
      write: (scope, body) =>
        database.transaction(
          "to write",
          "IMMEDIATE",
          Effect.gen(function*() {
            const { change, value } = yield* body(yield* attempt("to read", () => readerOf(database, dense, scope)))
            if (change === undefined) return value
            yield* attempt("to write", () => {
              apply(database, dense, scope, change)
              if (change.replace !== undefined) {
                run("INSERT INTO settings (name, value) VALUES ('purge', NULL) ON CONFLICT (name) DO NOTHING")
              }
            })
            return value
          })
        ).pipe(
          // After a rollback vectors are in the file again that were taken out of the index.
          Effect.onError(() => Effect.sync(dense.clear))
        ),
      probe: database.alone(attempt("to read", () => {
        const probe = get("SELECT value FROM settings WHERE name = 'probe'")
        return probe === undefined ? undefined : Dense.floatsOf(probe["value"] as Uint8Array)
      })),
      embed: (scope, vectors, probe) =>
        database.transaction(
          "to write vectors",
          "IMMEDIATE",
          attempt("to write vectors", () => {
            Dense.begin(database, probe)
            for (const { id, text, vector } of vectors) {
              const known = get(
                `SELECT m.number, m.scope FROM memories AS m JOIN scopes AS s ON s.number = m.scope
               WHERE s.name = ? AND m.id = ? AND m.deleted = 0 AND m.vector IS NULL AND json_extract(m.memory, \
'$.text') = ?`,
                scope,
                id,
                text
              )
              if (known !== undefined) Dense.insert(database, Number(known["scope"]), Number(known["number"]), vector)
            }
          })
        ),
      forgetVectors: database.transaction(
        "to write vectors",
        "IMMEDIATE",
        attempt("to write vectors", () => {
          Dense.clear(database)
          dense.clear()
        })
      )
    } satisfies Journal.Journal
  })

/**
 * The store. Its commits are on the disk when they return; several processes may use one file.
 *
 * @example
 * ```ts
 * import { MemoryStore, Scope } from "@memory-r1/core"
 * import { SqliteStore } from "@memory-r1/store-sqlite"
 * import { Effect } from "effect"
 *
 * const program = MemoryStore.MemoryStore.use((store) => store.current(Scope.make({ user: "ann" })))
 * const { revision } = await Effect.runPromise(Effect.provide(program, SqliteStore.layer({ file: ":memory:" })))
 * revision // => 0
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options): Layer.Layer<MemoryStore.MemoryStore, MemoryStore.StoreError> =>
  MemoryStore.layerJournal(journal(options))
