// Edits as every database can hold them, or why none can.
import * as Effect from "effect/Effect"
import type * as MemoryBank from "../MemoryBank.ts"
import { InvalidEdit } from "../StoreError.ts"

const text = (value: string): string => value.isWellFormed() && !value.includes("\0") ? value : value.toWellFormed().replaceAll("\0", "\ufffd")

const deep = (value: unknown): unknown => {
  if (typeof value === "string") return text(value)
  if (Array.isArray(value)) return value.map(deep)
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [text(key), deep(inner)])) : value
}

// Metadata are what they are after a way through JSON, so that a store that has been opened again gives the same.
const metadata = (value: unknown) =>
  Effect.try({
    try: () => deep(JSON.parse(JSON.stringify(value))),
    catch: (cause) => new InvalidEdit({ reason: `metadata that cannot be written as JSON: ${cause instanceof Error ? cause.message : cause}` })
  })

const memory = Effect.fnUntraced(function*<M extends { readonly text: string; readonly expiresAt?: number; readonly metadata?: unknown }>(given: M) {
  if (given.text.trim() === "") return yield* new InvalidEdit({ reason: "a memory without text" })
  if (given.expiresAt !== undefined && !Number.isSafeInteger(given.expiresAt)) return yield* new InvalidEdit({ reason: "expiresAt is a whole number of milliseconds" })
  const cleaned = deep({ ...given, metadata: undefined }) as M
  const { metadata: _, ...rest } = cleaned
  return (given.metadata === undefined ? rest : { ...rest, metadata: yield* metadata(given.metadata) }) as M
})

/**
 * NUL and halves of surrogate pairs become U+FFFD.
 */
export const clean = (edit: MemoryBank.Edit): Effect.Effect<MemoryBank.Edit, InvalidEdit> => {
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
