// Vectors: signs are compared in the memory of the process, and the best are scored exactly by sqlite-vec.
import { type Memory } from "@memory-r1/core"
import { type Journal, SignIndex } from "@memory-r1/core/store"
import type { Database } from "./database.ts"
import { among } from "./where.ts"

interface Known {
  readonly index: SignIndex.SignIndex
  newest: number
}

export interface Dense {
  readonly search: (
    scope: number,
    query: { readonly vector: Float32Array; readonly limit: number; readonly where: Journal.Where }
  ) => ReadonlyArray<Journal.Ranked>
  readonly forget: (scope: number, vector: number) => void
  readonly clear: () => void
}

const blob = (vector: Float32Array | Uint32Array): Uint8Array =>
  new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength)
const wordsOf = (bytes: Uint8Array): Uint32Array => new Uint32Array(bytes.slice().buffer)
export const floatsOf = (bytes: Uint8Array): Float32Array => new Float32Array(bytes.slice().buffer)

// Indexes that are kept.
const scopes = 64

export const insert = (database: Database, scope: number, memory: number, vector: Float32Array): void => {
  const number = database.run(
    "INSERT INTO vectors (scope, memory, vector) VALUES (?, ?, ?)",
    scope,
    memory,
    blob(vector)
  )
  database.run(
    "INSERT INTO signs (scope, vector, signs) VALUES (?, ?, ?)",
    scope,
    number,
    blob(SignIndex.signs(vector))
  )
  database.run("UPDATE memories SET vector = ? WHERE number = ?", number, memory)
}

export const remove = (database: Database, scope: number, vector: number): void => {
  database.run("DELETE FROM signs WHERE scope = ? AND vector = ?", scope, vector)
  database.run("DELETE FROM vectors WHERE number = ?", vector)
}

/** From the first vectors on there is an index of what has none yet; before, it would hold everything. */
export const begin = (database: Database, probe: Float32Array): void => {
  if (database.get("SELECT 1 FROM settings WHERE name = 'probe'") !== undefined) return
  database.exec(
    "CREATE INDEX IF NOT EXISTS memories_unembedded ON memories (scope, place) WHERE deleted = 0 AND vector IS NULL"
  )
  database.run("INSERT INTO settings (name, value) VALUES ('probe', ?)", blob(probe))
}

export const clear = (database: Database): void => {
  database.exec(
    "DROP INDEX IF EXISTS memories_unembedded; DELETE FROM vectors; DELETE FROM signs; UPDATE memories SET vector = " +
      "NULL; DELETE FROM settings WHERE name = 'probe'"
  )
}

export const dense = (database: Database): Dense => {
  const indexes = new Map<number, Known>()

  // The signs of a scope, with what this or another process has added since. What others removed is not found any more,
  // and is dropped when there is much of it.
  const indexOf = (scope: number, dimensions: number): SignIndex.SignIndex => {
    let known = indexes.get(scope)
    const load = (after: number) =>
      database.all("SELECT vector, signs FROM signs WHERE scope = ? AND vector > ? ORDER BY vector", scope, after)
    let rows = load(known?.newest ?? 0)
    if (known !== undefined && rows.length > 0) {
      const count = Number(database.get("SELECT count(*) AS count FROM signs WHERE scope = ?", scope)!["count"])
      if (known.index.size() + rows.length > 1.25 * count) {
        known = undefined
        rows = load(0)
      }
    }
    known ??= { index: SignIndex.make(dimensions), newest: 0 }
    for (const { signs, vector } of rows) {
      known.index.set(Number(vector), wordsOf(signs as Uint8Array))
      known.newest = Number(vector)
    }
    indexes.delete(scope)
    indexes.set(scope, known)
    if (indexes.size > scopes) indexes.delete(indexes.keys().next().value!)
    return known.index
  }

  return {
    search: (scope, { limit, vector, where }) => {
      const { parameters, sql } = among(scope, where)
      const query = blob(vector)
      return SignIndex.search(indexOf(scope, vector.length), SignIndex.signs(vector), limit, (numbers) =>
        database.all(
          `SELECT m.id, vec_distance_cosine(v.vector, ?) AS distance FROM json_each(?) AS k
           CROSS JOIN vectors AS v ON v.number = k.value CROSS JOIN memories AS m ON m.number = v.memory WHERE ${sql}`,
          query,
          JSON.stringify(numbers),
          ...parameters
        ).map(({ distance, id }) => ({ id: id as Memory.MemoryId, score: 1 - Number(distance) })))
    },
    forget: (scope, vector) => indexes.get(scope)?.index.remove(vector),
    clear: () => indexes.clear()
  }
}
