// A change, written to the tables.
import { type Memory, type Scope } from "@memory-r1/core"
import { Journal } from "@memory-r1/core/store"
import * as Effect from "effect/Effect"
import type { Database } from "./database.ts"
import { wordsOf } from "./lexical.ts"

interface Known {
  readonly number: number
  readonly deleted: boolean
  readonly tokens: number
  readonly text: string
}

/** Numbers, as PostgreSQL reads an array of them. */
export const list = (numbers: ReadonlyArray<number>): string => `{${numbers.join(",")}}`

export const apply = Effect.fnUntraced(
  function*(
    { sql, table }: Database,
    name: Scope.Scope,
    { append, created, drop = [], put = [], replace = [] }: Journal.Change
  ) {
    const [scopes, memories, postings, log] = [table("scopes"), table("memories"), table("postings"), table("log")]
    const last = append.at(-1)
    const scope = (yield* sql<{ readonly number: number }>`
    INSERT INTO ${scopes} AS s (name, revision, at, created, documents, tokens) VALUES (${name}, ${
      last?.revision ?? 0
    }::bigint, ${last?.at ?? 0}::bigint, ${created}::bigint, 0, 0)
    ON CONFLICT (name) DO UPDATE SET revision = coalesce(${
      last?.revision ?? null
    }::bigint, s.revision), at = coalesce(${last?.at ?? null}::bigint, s.at), created = excluded.created
    RETURNING number::float8 AS number`)[0]!.number

    if (put.length + drop.length > 0) {
      const known = new Map<Memory.MemoryId, Known>()
      const asked = [...drop, ...put.map(({ memory }) => memory.id)]
      const rows = yield* sql<Known & { readonly id: Memory.MemoryId }>`
        SELECT id, number::float8 AS number, deleted, tokens::float8 AS tokens, memory::jsonb ->> 'text' AS text
        FROM ${memories} WHERE scope = ${scope}::bigint AND id = ANY (${asked}::text[])`
      for (const row of rows) known.set(row.id, row)

      const dropped = drop.flatMap((id) => known.get(id) ?? [])
      const changed = put.filter(({ deleted, memory }) => {
        const before = known.get(memory.id)
        return before?.deleted !== deleted || before.text !== memory.text
      })
      const gone = [...dropped, ...changed.flatMap(({ memory }) => known.get(memory.id) ?? [])]
      if (gone.length > 0) {
        const numbers = list(gone.map(({ number }) => number))
        yield* sql`DELETE FROM ${postings} WHERE memory = ANY (${numbers}::bigint[])`
        yield* sql`DELETE FROM ${table("vectors")} WHERE memory = ANY (${numbers}::bigint[])`
      }
      if (dropped.length > 0) {
        yield* sql`DELETE FROM ${memories} WHERE number = ANY (${list(dropped.map(({ number }) => number))}::bigint[])`
      }

      const words = new Map(changed.map(({ memory }) => [memory.id, wordsOf(memory.text)]))
      if (put.length > 0) {
        const records = put.map(({ at, deleted, memory, order }) => ({
          id: memory.id,
          place: order,
          at,
          deleted,
          speaker: memory.speaker ?? null,
          expires: memory.expiresAt ?? null,
          fingerprint: Journal.fingerprint(memory),
          tokens: words.get(memory.id)?.length ?? known.get(memory.id)!.tokens,
          isSame: !words.has(memory.id),
          memory: JSON.stringify(memory),
          metadata: memory.metadata ?? {}
        }))
        const numbers = yield* sql<{ readonly id: Memory.MemoryId; readonly number: number }>`
        INSERT INTO ${memories} AS m (scope, id, place, at, deleted, embedded, speaker, expires, fingerprint, tokens,
          memory, metadata)
        SELECT ${scope}::bigint, id, place, at, deleted, "isSame", speaker, expires, fingerprint, tokens, memory,
          metadata FROM jsonb_to_recordset(${JSON.stringify(records)}::text::jsonb)
          AS r (id text, place bigint, at bigint, deleted boolean, "isSame" boolean, speaker text, expires bigint,
            fingerprint bigint, tokens bigint, memory text, metadata jsonb)
        ON CONFLICT (scope, id) DO UPDATE SET place = excluded.place, at = excluded.at, deleted = excluded.deleted,
          embedded = m.embedded AND excluded.embedded, speaker = excluded.speaker, expires = excluded.expires,
          fingerprint = excluded.fingerprint, tokens = excluded.tokens, memory = excluded.memory,
          metadata = excluded.metadata
        RETURNING id, number::float8 AS number`
        const numberOf = new Map(numbers.map(({ id, number }) => [id, number]))
        const added = changed.flatMap(({ deleted, memory }) =>
          deleted
            ? []
            : Array.from(
              words.get(memory.id)!.counts,
              ([term, count]) => ({ memory: numberOf.get(memory.id)!, term, count })
            )
        )
        if (added.length > 0) {
          yield* sql`
          INSERT INTO ${postings} (scope, term, memory, count)
          SELECT ${scope}::bigint, term, memory, count FROM jsonb_to_recordset(${
            JSON.stringify(added)
          }::text::jsonb) AS r (term text, memory bigint, count bigint)`
        }
      }

      let [documents, tokens] = [0, 0]
      for (const row of gone) {
        if (row.deleted) continue
        documents--
        tokens -= row.tokens
      }
      for (const { deleted, memory } of changed) {
        if (deleted) continue
        documents++
        tokens += words.get(memory.id)!.length
      }
      if (documents !== 0 || tokens !== 0) {
        yield* sql`UPDATE ${scopes} SET documents = documents + ${documents}::bigint,
          tokens = tokens + ${tokens}::bigint WHERE number = ${scope}::bigint`
      }
    }

    const entries = (of: ReadonlyArray<{ readonly revision: number }>): string =>
      JSON.stringify(of.map((entry) => ({ revision: entry.revision, entry: JSON.stringify(entry) })))
    if (replace.length > 0) {
      yield* sql`
      UPDATE ${log} AS l SET entry = r.entry FROM jsonb_to_recordset(${
        entries(replace)
      }::text::jsonb) AS r (revision bigint, entry text)
      WHERE l.scope = ${scope}::bigint AND l.revision = r.revision`
    }
    if (append.length > 0) {
      yield* sql`
      INSERT INTO ${log} (scope, revision, entry)
      SELECT ${scope}::bigint, revision, entry FROM jsonb_to_recordset(${
        entries(append)
      }::text::jsonb) AS r (revision bigint, entry text)`
    }
  }
)
