// Conditions as SQL. Everything that comes from outside is a parameter.
import type { Filter } from "@memory-r1/core"
import type { Journal } from "@memory-r1/core/store"
import type { SqlClient } from "effect/sql/SqlClient"
import type { Fragment } from "effect/sql/Statement"

const operators = { "<": "<", "<=": "<=", ">": ">", ">=": ">=" } as const

const filtered = (sql: SqlClient, filter: Filter.Filter): Fragment => {
  // Rows without the key are no matches, rather than unknown ones, so that what is not one of them is the rest.
  const entry = (key: string, condition: (value: Fragment) => Fragment): Fragment =>
    sql`coalesce(${condition(sql`(m.metadata -> ${key}::text)`)}, false)`
  const isNumber = (value: Fragment, operator: string, number: number): Fragment =>
    sql`CASE WHEN jsonb_typeof(${value}) = 'number' THEN ${value}::float8 ${
      sql.literal(operator)
    } ${number}::float8 ELSE false END`
  const isEqual = (value: Fragment, other: Filter.Value): Fragment =>
    other === null
      ? sql`${value} = 'null'::jsonb`
      : typeof other === "number"
      ? isNumber(value, "=", other)
      : sql`${value} = to_jsonb(${other}${sql.literal(typeof other === "boolean" ? "::boolean" : "::text")})`
  const every = (filters: ReadonlyArray<Fragment>, operator: "AND" | "OR"): Fragment =>
    filters.length === 0
      ? sql.literal(operator === "AND" ? "true" : "false")
      : sql`(${sql.join(` ${operator} `, false)(filters)})`
  switch (filter._tag) {
    case "Equals":
      return entry(filter.key, (value) => isEqual(value, filter.value))
    case "OneOf":
      return entry(filter.key, (value) => every(filter.values.map((one) => isEqual(value, one)), "OR"))
    case "Compare": {
      const { key, operator, value: bound } = filter
      return entry(key, (value) =>
        typeof bound === "number"
          ? isNumber(value, operators[operator], bound)
          : sql`(jsonb_typeof(${value}) = 'string' AND (${value} #>> '{}') COLLATE "C" ${
            sql.literal(operators[operator])
          } ${bound}::text)`)
    }
    case "Exists":
      return sql`jsonb_exists(m.metadata, ${filter.key}::text)`
    case "All":
      return every(filter.filters.map((one) => filtered(sql, one)), "AND")
    case "Some":
      return every(filter.filters.map((one) => filtered(sql, one)), "OR")
    case "Not":
      return sql`NOT ${filtered(sql, filter.filter)}`
  }
}

/**
 * The memories `m` of a scope that a query is about.
 */
export const among = (
  sql: SqlClient,
  scope: number,
  { filter, since, speaker, unexpiredAt }: Journal.Where,
  tombstones = false
): Fragment =>
  sql.and([
    sql`m.scope = ${scope}::bigint`,
    ...(tombstones ? [] : [sql`NOT m.deleted`]),
    ...(speaker === undefined ? [] : speaker === null ? [sql`m.speaker IS NULL`] : [sql`m.speaker = ${speaker}::text`]),
    ...(since === undefined ? [] : [sql`m.at >= ${since}::float8`]),
    ...(unexpiredAt === undefined ? [] : [sql`(m.expires IS NULL OR m.expires > ${unexpiredAt}::float8)`]),
    ...(filter === undefined ? [] : [filtered(sql, filter)])
  ])
