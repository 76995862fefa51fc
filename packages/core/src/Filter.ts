/**
 * Selects memories by their metadata. A filter is a value; stores that speak SQL compile it to query parameters. No
 * filter can widen a scope.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * A value that metadata can be compared with.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Value = Schema.Union([Schema.String, Schema.Finite, Schema.Boolean, Schema.Null])

/**
 * The type of `Value`.
 *
 * @category models
 * @since 0.1.0
 */
export type Value = typeof Value.Type

/**
 * A condition on the metadata of a memory. `key` is a top-level key, taken literally.
 *
 * - `Equals`, `OneOf`: the same value of the same type.
 * - `Compare`: numbers by size, strings by code points; `false` if the types differ.
 * - `Exists`: the key exists, even with the value `null`.
 * - `All`, `Some`: `true` and `false` for an empty list of filters.
 *
 * @category models
 * @since 0.1.0
 */
export type Filter =
  | { readonly _tag: "Equals"; readonly key: string; readonly value: Value }
  | { readonly _tag: "OneOf"; readonly key: string; readonly values: ReadonlyArray<Value> }
  | {
    readonly _tag: "Compare"
    readonly key: string
    readonly operator: "<" | "<=" | ">" | ">="
    readonly value: string | number
  }
  | { readonly _tag: "Exists"; readonly key: string }
  | { readonly _tag: "All"; readonly filters: ReadonlyArray<Filter> }
  | { readonly _tag: "Some"; readonly filters: ReadonlyArray<Filter> }
  | { readonly _tag: "Not"; readonly filter: Filter }

const recursive: Schema.Codec<Filter> = Schema.suspend((): Schema.Codec<Filter> => Filter)

/**
 * Filters as they come in from elsewhere.
 *
 * @category models
 * @since 0.1.0
 */
export const Filter: Schema.Codec<Filter> = Schema.TaggedUnion({
  Equals: { key: Schema.String, value: Value },
  OneOf: { key: Schema.String, values: Schema.Array(Value) },
  Compare: {
    key: Schema.String,
    operator: Schema.Literals(["<", "<=", ">", ">="]),
    value: Schema.Union([Schema.String, Schema.Finite])
  },
  Exists: { key: Schema.String },
  All: { filters: Schema.Array(recursive) },
  Some: { filters: Schema.Array(recursive) },
  Not: { filter: recursive }
})

/**
 * The key has this value.
 *
 * @category constructors
 * @since 0.1.0
 */
export const equals = (key: string, value: Value): Filter => ({ _tag: "Equals", key, value })

/**
 * The key has one of these values.
 *
 * @category constructors
 * @since 0.1.0
 */
export const oneOf = (key: string, values: ReadonlyArray<Value>): Filter => ({ _tag: "OneOf", key, values })

/**
 * The key has a value of the same type that compares this way.
 *
 * @category constructors
 * @since 0.1.0
 */
export const compare = (key: string, operator: "<" | "<=" | ">" | ">=", value: string | number): Filter => ({
  _tag: "Compare",
  key,
  operator,
  value
})

/**
 * The key exists.
 *
 * @category constructors
 * @since 0.1.0
 */
export const exists = (key: string): Filter => ({ _tag: "Exists", key })

/**
 * All of the filters hold.
 *
 * @category combinators
 * @since 0.1.0
 */
export const all = (...filters: ReadonlyArray<Filter>): Filter => ({ _tag: "All", filters })

/**
 * At least one of the filters holds.
 *
 * @category combinators
 * @since 0.1.0
 */
export const some = (...filters: ReadonlyArray<Filter>): Filter => ({ _tag: "Some", filters })

/**
 * The filter does not hold.
 *
 * @category combinators
 * @since 0.1.0
 */
export const not = (filter: Filter): Filter => ({ _tag: "Not", filter })

// By code points, as databases compare bytes of UTF-8; JavaScript's own order is that of UTF-16.
const order = (a: string, b: string): number => {
  const [left, right] = [Array.from(a), Array.from(b)]
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = left[i]!.codePointAt(0)! - right[i]!.codePointAt(0)!
    if (difference !== 0) return difference
  }
  return left.length - right.length
}

/**
 * Whether metadata match a filter. This defines the meaning of filters for every store.
 *
 * @example
 * ```ts
 * import { Filter } from "@memory-r1/core"
 *
 * const filter = Filter.all(Filter.equals("topic", "pets"), Filter.not(Filter.compare("importance", "<", 3)))
 * Filter.matches(filter, { topic: "pets", importance: 5 }) // => true
 * Filter.matches(filter, { topic: "pets", importance: 1 }) // => false
 * ```
 *
 * @category predicates
 * @since 0.1.0
 */
export const matches = (filter: Filter, metadata: Readonly<Record<string, unknown>> = {}): boolean => {
  switch (filter._tag) {
    case "Equals":
      return Object.hasOwn(metadata, filter.key) && metadata[filter.key] === filter.value
    case "OneOf":
      return Object.hasOwn(metadata, filter.key) && filter.values.some((value) => metadata[filter.key] === value)
    case "Compare": {
      const found = Object.hasOwn(metadata, filter.key) ? metadata[filter.key] : undefined
      const { operator, value } = filter
      const sign = typeof found === "number" && typeof value === "number"
        ? found - value
        : typeof found === "string" && typeof value === "string"
        ? order(found, value)
        : Number.NaN
      return operator === "<" ? sign < 0 : operator === "<=" ? sign <= 0 : operator === ">" ? sign > 0 : sign >= 0
    }
    case "Exists":
      return Object.hasOwn(metadata, filter.key)
    case "All":
      return filter.filters.every((one) => matches(one, metadata))
    case "Some":
      return filter.filters.some((one) => matches(one, metadata))
    case "Not":
      return !matches(filter.filter, metadata)
  }
}
