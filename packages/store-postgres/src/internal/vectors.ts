// Vectors: pgvector's where the server has it, arrays of numbers where it does not.
import type { Memory } from "@memory-r1/core"
import type { Journal } from "@memory-r1/core/store"
import * as Effect from "effect/Effect"
import type { Fragment } from "effect/sql/Statement"
import type { Database } from "./database.ts"
import { among } from "./where.ts"

export interface Vectors {
  readonly kind: "pgvector" | "real[]"
  readonly search: (
    scope: number,
    query: { readonly vector: Float32Array; readonly limit: number; readonly where: Journal.Where }
  ) => ReturnType<Journal.Reader["dense"]>
  readonly insert: (scope: number, vectors: ReadonlyArray<Journal.Vector>) => ReturnType<Journal.Journal["embed"]>
}

// Numbers below the smallest normal one are refused as out of range.
const components = (vector: Float32Array): string => Array.from(vector, (x) => Math.abs(x) < 1.2e-38 ? 0 : x).join(",")

/**
 * Finds out what the server can do, and has the column of vectors be of that type. A server that has got pgvector since
 * changes what it holds.
 */
export const vectors = Effect.fnUntraced(function*(database: Database) {
  const { attempt, name, schema, sql, table, writing } = database
  const extension = attempt(
    "to open it",
    sql<{ readonly available: boolean; readonly namespace: string | null; readonly type: string | null }>`
      SELECT EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'vector') AS available,
        (SELECT n.nspname::text FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
          WHERE e.extname = 'vector') AS namespace,
        (SELECT format_type(atttypid, NULL) FROM pg_attribute
          WHERE attrelid = to_regclass(${`"${schema}".vectors`}) AND attname = 'vector' AND NOT attisdropped) AS type`
  )
  let [found] = yield* extension
  if (found?.available === true && found.namespace === null && found.type !== "vector") {
    yield* Effect.catch(
      writing("to open it", "schema", attempt("to open it", sql`CREATE EXTENSION IF NOT EXISTS vector`)),
      (error) => Effect.logInfo(`${name}: pgvector is there, and this user may not switch it on (${error.detail})`)
    )
    found = (yield* extension)[0]
  }
  const namespace = found?.namespace ?? undefined
  const holds = found?.type ?? null
  if (holds === null || (holds === "real[]" && namespace !== undefined)) {
    const type = namespace === undefined ? sql`real[]` : sql`${sql(`${namespace}.vector`)}`
    yield* writing(
      "to open it",
      "schema",
      attempt(
        "to open it",
        holds === null
          ? Effect.andThen(
            sql`ALTER TABLE ${table("vectors")} ADD COLUMN IF NOT EXISTS vector ${type}`,
            sql`UPDATE ${table("memories")} SET embedded = false WHERE embedded`
          )
          : sql`ALTER TABLE ${table("vectors")} ALTER COLUMN vector TYPE ${type} USING vector::${type}`
      )
    )
  }
  const kind = namespace === undefined ? "real[]" : "pgvector"
  if (kind === "real[]") {
    yield* Effect.logInfo(
      `${name}: this server has no pgvector; vectors are compared exactly over real[], which takes longer where ` +
        `there are many`
    )
  }

  const vector = (of: Float32Array): Fragment =>
    namespace === undefined
      ? sql`${`{${components(of)}}`}::text::real[]`
      : sql`${`[${components(of)}]`}::text::${sql(`${namespace}.vector`)}`
  const cosine = (query: Float32Array): Fragment =>
    namespace === undefined
      ? sql`(SELECT sum(a * b) / nullif(sqrt(sum(a * a) * sum(b * b)), 0) FROM unnest(v.vector::float8[], ${
        vector(query)
      }::float8[]) AS pair (a, b))`
      : sql`1 - (v.vector OPERATOR(${sql(namespace)}.<=>) ${vector(query)})`

  return {
    kind,
    search: (scope, { limit, vector, where }) =>
      attempt(
        "to read",
        sql<{ readonly id: Memory.MemoryId; readonly score: number }>`
          SELECT id, score FROM (
            SELECT m.id, m.place, coalesce(nullif(${cosine(vector)}, 'NaN'), 0)::float8 AS score
            FROM ${table("memories")} AS m JOIN ${table("vectors")} AS v ON v.memory = m.number WHERE ${
          among(sql, scope, where)
        }
          ) AS scored ORDER BY score DESC, place DESC LIMIT ${limit}::bigint`
      ),
    insert: (scope, vectors) =>
      attempt(
        "to write vectors",
        Effect.asVoid(sql`
          WITH added AS (
            INSERT INTO ${table("vectors")} (memory, vector)
            SELECT m.number, r.vector::${namespace === undefined ? sql`real[]` : sql(`${namespace}.vector`)}
            FROM jsonb_to_recordset(${
          JSON.stringify(
            vectors.map(({ id, text, vector }) => ({
              id,
              text,
              vector: namespace === undefined ? `{${components(vector)}}` : `[${components(vector)}]`
            }))
          )
        }::text::jsonb)
              AS r (id text, text text, vector text)
            JOIN ${table("memories")} AS m ON m.scope = ${scope}::bigint AND m.id = r.id
            WHERE NOT m.deleted AND NOT m.embedded AND m.memory::jsonb ->> 'text' = r.text
            ON CONFLICT (memory) DO NOTHING RETURNING memory
          ) UPDATE ${table("memories")} AS m SET embedded = true FROM added WHERE m.number = added.memory`)
      )
  } satisfies Vectors as Vectors
})
