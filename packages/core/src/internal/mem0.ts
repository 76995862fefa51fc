// What mem0 exports: from Python with keys such as user_id, from TypeScript with userId.
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as IsoTime from "../IsoTime.ts"
import { defined } from "./defined.ts"

const optional = <S extends Schema.Constraint>(schema: S) => Schema.optional(Schema.NullOr(schema))

const parts = {
  user_id: optional(Schema.String),
  agent_id: optional(Schema.String),
  app_id: optional(Schema.String),
  run_id: optional(Schema.String)
}

const Owner = Schema.Struct(parts)

/** Whose a memory is. */
export type Owner = typeof Owner.Type

const partNames = Object.keys(parts) as ReadonlyArray<keyof Owner>

const Item = Schema.Struct({
  ...parts,
  id: Schema.NonEmptyString,
  memory: Schema.String.check(Schema.isPattern(/\S/, { expected: "a text that is not blank" })),
  actor_id: optional(Schema.String),
  metadata: optional(Schema.Record(Schema.String, Schema.Unknown)),
  categories: optional(Schema.Array(Schema.String)),
  created_at: optional(IsoTime.IsoTime),
  updated_at: optional(IsoTime.IsoTime),
  expiration_date: optional(IsoTime.IsoTime)
})
type Item = typeof Item.Type

const folded = (key: string): string => key.replaceAll(/[_-]/g, "").toLowerCase()

interface Named {
  readonly fields: Readonly<Record<string, unknown>>
  /** How the file writes a field. */
  readonly written: ReadonlyMap<string, string>
}

// The keys of an object as a schema has them. A field that is there under two names has to say one thing.
const named = (schema: { readonly fields: object }, given: object): Result.Result<Named, string> => {
  const names = new Map(Object.keys(schema.fields).map((name) => [folded(name), name]))
  const fields = new Map<string, unknown>()
  const written = new Map<string, string>()
  for (const [key, value] of Object.entries(given)) {
    const name = names.get(folded(key)) ?? key
    const before = fields.get(name) ?? null
    if (before !== null && value !== null && JSON.stringify(before) !== JSON.stringify(value)) {
      return Result.fail(`${written.get(name)} and ${key} say different things`)
    }
    if (before !== null) continue
    fields.set(name, value)
    written.set(name, key)
  }
  return Result.succeed({ fields: Object.fromEntries(fields), written })
}

const issuesOf = SchemaIssue.makeFormatterStandardSchemaV1()

/** What is wrong with an object, and where in it. */
export interface Fault {
  readonly path: ReadonlyArray<string | number>
  readonly reason: string
}

const decoded = <A>(
  schema: Schema.Codec<A, unknown> & { readonly fields: object },
  given: unknown
): Result.Result<A, Fault> => {
  const fail = (reason: string) => Result.fail({ path: [], reason })
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    return fail(`Expected an object, got ${JSON.stringify(given)}`)
  }
  return Result.flatMap(
    Result.mapError(named(schema, given), (reason): Fault => ({ path: [], reason })),
    ({ fields, written }) =>
      Result.mapError(Schema.decodeUnknownResult(schema)(fields), (error): Fault => {
        const [issue] = issuesOf(error.issue).issues
        const [field = "", ...inner] = (issue?.path ?? []).map((key) => (typeof key === "number" ? key : String(key)))
        const reason = issue?.message ?? error.message
        const isShown = inner.length > 0 || reason.includes(", got ") || !(field in fields)
        return {
          path: [written.get(`${field}`) ?? field, ...inner],
          reason: isShown ? reason : `${reason}, got ${JSON.stringify(fields[field])}`
        }
      })
  )
}

/** An owner in either spelling, or what is wrong with it. What it does not know would select nothing. */
export const owner = (given: Readonly<Record<string, unknown>>): Result.Result<Owner, string> => {
  const unknown = Object.keys(given).find((key) => !partNames.some((part) => folded(part) === folded(key)))
  return unknown === undefined
    ? Result.mapError(decoded(Owner, given), ({ path, reason }) => [...path, reason].join(": "))
    : Result.fail(`${unknown} is none of ${partNames.join(", ")}`)
}

/** An owner as users write it. */
export const OwnerInput = Schema.Record(Schema.String, Schema.NullOr(Schema.String)).check(
  Schema.makeFilter((given) => Result.match(owner(given), { onSuccess: () => true, onFailure: (detail) => detail }))
)

/** The list of items in the forms that it comes in, with the path to it. */
export const list = (
  file: unknown
): { readonly path: ReadonlyArray<string>; readonly items: ReadonlyArray<unknown> } | undefined => {
  if (Array.isArray(file)) return { path: [], items: file }
  if (typeof file !== "object" || file === null) return undefined
  const [found] = Object.entries(file).flatMap(([key, value]) =>
    ["results", "memories"].includes(key) && Array.isArray(value)
      ? [{ path: [key], items: value as ReadonlyArray<unknown> }]
      : []
  )
  return found
}

/** An item in either spelling, or what is wrong with it. */
export const item = (given: unknown): Result.Result<Item, Fault> => decoded(Item, given)

/** Whether a memory is one of an owner's, as far as that says. */
export const isOf = (owner: Owner) => (item: Owner): boolean =>
  partNames.every((part) => owner[part] === undefined || (item[part] ?? null) === owner[part])

/** The owners of memories, each as the JSON that selects it: the parts that any of them has. */
export const owners = (items: ReadonlyArray<Owner>): ReadonlyArray<string> => {
  const used = partNames.filter((part) => items.some((item) => typeof item[part] === "string"))
  return [
    ...new Set(items.map((item) => JSON.stringify(Object.fromEntries(used.map((part) => [part, item[part] ?? null])))))
  ]
}

/** What is known of a memory, under the names that memories have here. */
export const known = ({
  actor_id,
  categories,
  created_at,
  expiration_date,
  id,
  memory,
  metadata,
  updated_at
}: Item) => {
  // It was said again, or otherwise, after it was made.
  const updated = typeof updated_at === "string" && typeof created_at === "string" && updated_at !== created_at
    ? { updated_at }
    : undefined
  const observedAt = created_at ?? updated_at
  const expiresAt = typeof expiration_date === "string"
    ? Option.getOrUndefined(IsoTime.millis(expiration_date))
    : undefined
  return {
    text: memory,
    sources: [`mem0:${id}`],
    ...(typeof actor_id === "string" ? { speaker: actor_id } : {}),
    ...(typeof observedAt === "string" ? { observedAt } : {}),
    ...(metadata || categories || updated
      ? { metadata: { ...metadata, ...(categories ? { categories } : {}), ...updated } }
      : {}),
    ...defined({ expiresAt })
  }
}
