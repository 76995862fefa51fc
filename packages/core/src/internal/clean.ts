// Edits and decisions as every database can hold them, or why none can.
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as MemoryBank from "../MemoryBank.ts"
import * as MemoryLog from "../MemoryLog.ts"
import { messageOf } from "../messageOf.ts"
import { InvalidEdit } from "../store/StoreError.ts"

/**
 * NUL and halves of surrogate pairs become U+FFFD.
 */
export const cleanText = (value: string): string =>
  value.isWellFormed() && !value.includes("\0") ? value : value.toWellFormed().replaceAll("\0", "\ufffd")

const deep = (value: unknown): unknown => {
  if (typeof value === "string") return cleanText(value)
  if (Array.isArray(value)) return value.map(deep)
  return isPlain(value)
    ? Object.fromEntries(
      Object.entries(value).flatMap(([key, inner]) => inner === undefined ? [] : [[cleanText(key), deep(inner)]])
    )
    : value
}
const isPlain = (value: unknown): value is object =>
  typeof value === "object" && value !== null &&
  [Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null)

// What is written to a log has to be read again: one line that cannot be would make the whole log unreadable.
const readable = <A>(what: string, schema: Schema.Codec<A, unknown>) => {
  const check = Schema.decodeUnknownEffect(Schema.toType(schema))
  return (value: unknown): Effect.Effect<A, InvalidEdit> =>
    Effect.mapError(check(value), (error) => new InvalidEdit({ reason: `${what}: ${error.message}` }))
}
const readableEdit = readable("not as it has to be", MemoryLog.Edit)
const readableDecision = readable("its decision is not as it has to be", MemoryLog.DecisionRecord)

// Metadata are what they are after a way through JSON, so that a store that has been opened again gives the same.
const metadata = (value: unknown) =>
  Effect.try({
    try: () => deep(JSON.parse(JSON.stringify(value))),
    catch: (cause) =>
      new InvalidEdit({
        reason: `metadata that cannot be written as JSON: ${messageOf(cause)}`
      })
  })

const memory = Effect.fnUntraced(
  function*<M extends { readonly text: string; readonly expiresAt?: number | undefined; readonly metadata?: unknown }>(
    given: M
  ) {
    if (given.text.trim() === "") return yield* new InvalidEdit({ reason: "a memory without text" })
    if (given.expiresAt !== undefined && !Number.isSafeInteger(given.expiresAt)) {
      return yield* new InvalidEdit({ reason: "expiresAt is a whole number of milliseconds" })
    }
    const cleaned = deep({ ...given, metadata: undefined }) as M
    return (given.metadata === undefined ? cleaned : { ...cleaned, metadata: yield* metadata(given.metadata) }) as M
  }
)

const cleaned = (edit: MemoryBank.Edit): Effect.Effect<MemoryBank.Edit, InvalidEdit> => {
  switch (edit._tag) {
    case "Add":
    case "Supersede":
      return Effect.map(memory(edit.memory), (memory) => ({ ...edit, memory }))
    case "Update":
      return memory(edit)
    default:
      return Effect.succeed(edit)
  }
}

/**
 * An edit with its texts cleaned, its metadata as JSON.
 */
export const clean = (edit: MemoryBank.Edit): Effect.Effect<MemoryBank.Edit, InvalidEdit> =>
  Effect.tap(cleaned(edit), readableEdit)

/**
 * A decision with its texts cleaned.
 */
export const cleanDecision = (
  decision: MemoryLog.DecisionRecord
): Effect.Effect<MemoryLog.DecisionRecord, InvalidEdit> => readableDecision(deep(decision))
