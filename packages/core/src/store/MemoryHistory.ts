/**
 * How one memory changed, according to the log.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Memory from "../Memory.ts"
import * as MemoryBank from "../MemoryBank.ts"
import * as MemoryLog from "../MemoryLog.ts"
import * as MemoryStore from "../MemoryStore.ts"
import type * as Scope from "../Scope.ts"

/**
 * One change: its revision and time, the new text (absent if the memory was deleted), and who decided it.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Change = Schema.Struct({
  revision: Schema.Int,
  at: Schema.String,
  operation: Schema.Literals(["add", "update", "supersede", "delete", "revert"]),
  text: Schema.optionalKey(Schema.String),
  by: Schema.optionalKey(Schema.String)
})

/**
 * The type of `Change`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Change extends Schema.Schema.Type<typeof Change> {}

// The memory's text after an edit that touches it.
const after = (edit: MemoryBank.Edit, id: Memory.MemoryId, before: string | undefined): string | undefined => {
  switch (edit._tag) {
    case "Add":
      return before ?? edit.memory.text
    case "Update":
      return before === undefined ? undefined : edit.text
    case "Supersede":
      return edit.id === id ? undefined : edit.memory.text
    case "Delete":
      return undefined
    case "Noop":
      return before
  }
}

const operations = { Add: "add", Update: "update", Supersede: "supersede", Delete: "delete" } as const

/**
 * The changes of a memory in a log, oldest first.
 *
 * @category getters
 * @since 0.1.0
 */
export const changes = (entries: ReadonlyArray<MemoryLog.Entry>, id: Memory.MemoryId): ReadonlyArray<Change> => {
  const found: Array<Change> = []
  const texts: Array<string | undefined> = [undefined]
  for (const entry of entries) {
    let text = texts.at(-1)
    const tell = (next: string | undefined, operation: Change["operation"], by?: string): void => {
      if (next === text) return
      text = next
      const at = new Date(entry.at).toISOString()
      found.push({
        revision: entry.revision,
        at,
        operation,
        ...(next === undefined ? {} : { text: next }),
        ...(by === undefined ? {} : { by })
      })
    }
    if (entry._tag === "Reverted") tell(texts[entry.to], "revert")
    if (entry._tag === "Committed") {
      for (const edit of entry.edits) {
        if (edit._tag !== "Noop" && MemoryBank.touched(edit).includes(id)) {
          tell(after(edit, id, text), operations[edit._tag], entry.decision?.model)
        }
      }
    }
    texts.push(text)
  }
  return found
}

/**
 * Every version of a memory, and its changes. Fails with `UnknownMemory` if the scope never had the memory, or has
 * erased it.
 *
 * @category running
 * @since 0.1.0
 */
export const read = Effect.fnUntraced(function*(scope: Scope.Scope, id: string) {
  const store = yield* MemoryStore.MemoryStore
  const entries = yield* store.log(scope)
  const known = Memory.MemoryId.make(id)
  const versions = MemoryLog.versions(entries, known)
  if (versions.length === 0) return yield* new MemoryStore.UnknownMemory({ scope, id })
  return { versions, changes: changes(entries, known) }
})
