/**
 * SQLite as one would use it without a memory store: what the stores are compared with.
 */
import type { Memory } from "@memory-r1/core"
import * as Effect from "effect/Effect"
import { DatabaseSync } from "node:sqlite"
import { type Corpus, memory, vectorAt } from "./memories.ts"
import { loadSqliteVec } from "./stores.ts"

const open = (file: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const database = new DatabaseSync(file, { allowExtension: true })
      database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
      return database
    }),
    (database) => Effect.sync(() => database.close())
  )

/**
 * sqlite-vec's own search: a `vec0` table with the vectors of a corpus, by the cosine, to the places of the nearest.
 */
export const vectors = Effect.fnUntraced(function*(file: string, corpus: Corpus) {
  const database = yield* open(file)
  loadSqliteVec(database)
  database.exec(`CREATE VIRTUAL TABLE vectors USING vec0 (vector float[${corpus.dimensions}] distance_metric=cosine)`)
  const insert = database.prepare("INSERT INTO vectors (rowid, vector) VALUES (?, ?)")
  database.exec("BEGIN")
  for (let i = 0; i < corpus.texts.length; i++) {
    const { buffer, byteLength, byteOffset } = vectorAt(corpus, i)
    insert.run(BigInt(i), new Uint8Array(buffer, byteOffset, byteLength))
  }
  database.exec("COMMIT")
  const nearest = database.prepare("SELECT rowid FROM vectors WHERE vector MATCH ? AND k = ?")
  const { version } = database.prepare("SELECT vec_version() AS version").get() as { readonly version: string }
  return {
    engine: `sqlite-vec ${version.replace(/^v/, "")}`,
    search: (vector: Float32Array, limit: number): ReadonlyArray<number> =>
      nearest.all(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength), limit).map(({ rowid }) =>
        Number(rowid)
      )
  }
})

/**
 * A table of memories as JSON, into which each is inserted in a transaction of its own, on the disk when it returns.
 */
export const inserts = Effect.fnUntraced(function*(file: string) {
  const database = yield* open(file)
  database.exec("CREATE TABLE memories (number INTEGER PRIMARY KEY, memory TEXT NOT NULL) STRICT")
  const statement = database.prepare("INSERT INTO memories (memory) VALUES (?)")
  const { version } = database.prepare("SELECT sqlite_version() AS version").get() as { readonly version: string }
  const insert = (memory: Memory.NewMemory): void => void statement.run(JSON.stringify(memory))
  return {
    engine: `SQLite ${version}`,
    insert,
    /** The first ones of a corpus, all at once. */
    fill: (corpus: Corpus, to: number): void => {
      database.exec("BEGIN")
      for (let i = 0; i < to; i++) insert(memory(corpus, i))
      database.exec("COMMIT")
    }
  }
})
