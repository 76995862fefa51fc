// Conditions as SQL. Everything that comes from outside is a parameter.
import type { Filter } from "@memory-r1/core"
import type { Journal } from "@memory-r1/core/store"
import type { SQLInputValue } from "node:sqlite"

export interface Condition {
  readonly sql: string
  readonly parameters: ReadonlyArray<SQLInputValue>
}

const condition = (sql: string, ...parameters: ReadonlyArray<SQLInputValue>): Condition => ({ sql, parameters })

const joined = (conditions: ReadonlyArray<Condition>, operator: "AND" | "OR"): Condition =>
  condition(
    `(${conditions.map(({ sql }) => sql).join(` ${operator} `)})`,
    ...conditions.flatMap(({ parameters }) => parameters)
  )

const isEqual = (value: Filter.Value): Condition => {
  switch (typeof value) {
    case "string":
      return condition("(e.type = 'text' AND e.atom = ?)", value)
    case "number":
      return condition("(e.type IN ('integer', 'real') AND e.atom = ?)", value)
    case "boolean":
      return condition("e.type = ?", String(value))
    default:
      return condition("e.type = 'null'")
  }
}

// One of the metadata has that key and fulfils the condition.
const entry = (key: string, { parameters, sql }: Condition): Condition =>
  condition(
    `EXISTS (SELECT 1 FROM json_each(m.memory, '$.metadata') AS e WHERE e.key = ? AND ${sql})`,
    key,
    ...parameters
  )

const filtered = (filter: Filter.Filter): Condition => {
  switch (filter._tag) {
    case "Equals":
      return entry(filter.key, isEqual(filter.value))
    case "OneOf":
      return entry(filter.key, joined([condition("FALSE"), ...filter.values.map(isEqual)], "OR"))
    case "Compare":
      return entry(
        filter.key,
        condition(
          `(e.type IN (${
            typeof filter.value === "string" ? "'text'" : "'integer', 'real'"
          }) AND e.atom ${filter.operator} ?)`,
          filter.value
        )
      )
    case "Exists":
      return entry(filter.key, condition("TRUE"))
    case "All":
      return joined([condition("TRUE"), ...filter.filters.map(filtered)], "AND")
    case "Some":
      return joined([condition("FALSE"), ...filter.filters.map(filtered)], "OR")
    case "Not": {
      const { parameters, sql } = filtered(filter.filter)
      return condition(`NOT ${sql}`, ...parameters)
    }
  }
}

/**
 * The memories `m` of a scope that a query is about.
 */
export const among = (
  scope: number,
  { filter, since, speaker, unexpiredAt }: Journal.Where,
  tombstones = false
): Condition =>
  joined([
    condition("m.scope = ?", scope),
    ...(tombstones ? [] : [condition("m.deleted = 0")]),
    ...(speaker === undefined ? [] : [condition("m.speaker IS ?", speaker)]),
    ...(since === undefined ? [] : [condition("m.at >= ?", since)]),
    ...(unexpiredAt === undefined ? [] : [condition("(m.expires IS NULL OR m.expires > ?)", unexpiredAt)]),
    ...(filter === undefined ? [] : [filtered(filter)])
  ], "AND")
