// The bank, its edits, and what one edit does to it.
import * as Data from "effect/Data"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import { type Memory, MemoryId, NewMemory } from "../Memory.ts"
import { defined } from "./defined.ts"

/**
 * The schema of an `Edit`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const EditSchema = Schema.TaggedUnion({
  Add: { memory: NewMemory, id: Schema.optional(MemoryId) },
  Update: {
    id: MemoryId,
    ...Struct.pick(NewMemory.fields, ["text", "observedAt", "sources", "metadata", "expiresAt"])
  },
  Supersede: { id: MemoryId, memory: NewMemory, newId: Schema.optional(MemoryId) },
  Delete: { id: MemoryId },
  Noop: {}
})

/**
 * One change to a bank. The model's view of the same operations is `MemoryOperation`; binding it to a snapshot gives
 * these. `Supersede` replaces a memory by a new one in one step; the old one stays in the log under its own id. An
 * `Add` or `Supersede` names the new id only where a store's log replays it.
 *
 * @category models
 * @since 0.1.0
 */
export type Edit = typeof EditSchema.Type

/**
 * Constructors and matching for edits: `Edit.Add({ memory })`, `Edit.$match(edit, { ... })`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const Edit = Data.taggedEnum<Edit>()

/**
 * A memory as it stands, its place by creation, and what it was before.
 *
 * @category models
 * @since 0.1.0
 */
export interface Entry {
  readonly memory: Memory
  readonly order: number
  readonly previous: Entry | undefined
}

/**
 * The bank. `revision` counts the edits that changed it, `created` the ids that were given. What was deleted stays as a
 * tombstone.
 *
 * @category models
 * @since 0.1.0
 */
export interface MemoryBank {
  readonly revision: number
  readonly created: number
  readonly entries: HashMap.HashMap<MemoryId, Entry>
  readonly tombstones: HashMap.HashMap<MemoryId, Entry>
}

/**
 * A bank without memories.
 *
 * @category constructors
 * @since 0.1.0
 */
export const empty: MemoryBank = { revision: 0, created: 0, entries: HashMap.empty(), tombstones: HashMap.empty() }

const numberOf = (id: MemoryId): number => Number(/^m(\d{1,15})$/.exec(id)?.[1] ?? 0)

const isKnown = (bank: MemoryBank, id: MemoryId): boolean =>
  HashMap.has(bank.entries, id) || HashMap.has(bank.tombstones, id)

const added = (
  bank: MemoryBank,
  memory: NewMemory,
  given: MemoryId | undefined,
  link: Pick<Memory, "supersedes"> = {}
): MemoryBank => {
  if (given !== undefined && isKnown(bank, given)) return bank
  // A log that lost an erased ADD names ids further on: those before them were given too.
  const order = Math.max(bank.created + 1, given === undefined ? 0 : numberOf(given))
  const id = given ?? MemoryId.make(`m${order}`)
  return {
    ...bank,
    revision: bank.revision + 1,
    created: order,
    entries: HashMap.set(bank.entries, id, {
      memory: { sources: [], ...defined(memory), ...link, id, revision: 0 },
      order,
      previous: undefined
    })
  }
}

const removed = (bank: MemoryBank, id: MemoryId): MemoryBank =>
  Option.match(HashMap.get(bank.entries, id), {
    onNone: () => bank,
    onSome: (entry) => ({
      ...bank,
      revision: bank.revision + 1,
      entries: HashMap.remove(bank.entries, id),
      tombstones: HashMap.set(bank.tombstones, id, entry)
    })
  })

/**
 * Applies one edit.
 *
 * ADD gives the next id (`m1`, `m2`, ...), which is never given again; where it names an id that the bank has given, it
 * changes nothing. UPDATE replaces the text in place, keeps the id and the earlier text (`history`), and joins the
 * sources; to the text that is there already it changes nothing. DELETE leaves a tombstone, out of which no edit brings
 * a memory back. SUPERSEDE is a DELETE and an ADD in one. An edit of an id that the bank does not hold changes nothing
 * and returns the bank itself.
 *
 * @example
 * ```ts
 * import { MemoryBank } from "@memory-r1/core"
 *
 * const add = MemoryBank.Edit.Add({ memory: { text: "Ann has a dog" } })
 * const one = MemoryBank.apply(MemoryBank.empty, add)
 * const id = MemoryBank.memories(one)[0]!.id
 * const two = MemoryBank.apply(one, MemoryBank.Edit.Update({ id, text: "Ann has two dogs" }))
 * MemoryBank.memories(one).map((m) => m.text) // => ["Ann has a dog"]
 * MemoryBank.history(two, id).map((m) => m.text) // => ["Ann has a dog", "Ann has two dogs"]
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const apply = (bank: MemoryBank, edit: Edit): MemoryBank => {
  switch (edit._tag) {
    case "Add":
      return added(bank, edit.memory, edit.id)
    case "Update": {
      const entry = Option.getOrUndefined(HashMap.get(bank.entries, edit.id))
      if (entry === undefined || entry.memory.text === edit.text) return bank
      const { id: _, _tag, sources, ...changed } = edit
      const next: Memory = {
        ...entry.memory,
        ...defined(changed),
        revision: entry.memory.revision + 1,
        ...(sources === undefined ? {} : { sources: [...new Set([...entry.memory.sources, ...sources])] })
      }
      return {
        ...bank,
        revision: bank.revision + 1,
        entries: HashMap.set(bank.entries, edit.id, { memory: next, order: entry.order, previous: entry })
      }
    }
    case "Supersede":
      return HashMap.has(bank.entries, edit.id) && (edit.newId === undefined || !isKnown(bank, edit.newId))
        ? {
          ...added(removed(bank, edit.id), edit.memory, edit.newId, { supersedes: edit.id }),
          revision: bank.revision + 1
        }
        : bank
    case "Delete":
      return removed(bank, edit.id)
    case "Noop":
      return bank
  }
}

/**
 * Applies edits in turn.
 *
 * @category combinators
 * @since 0.1.0
 */
export const applyAll = (bank: MemoryBank, edits: Iterable<Edit>): MemoryBank => {
  let next = bank
  for (const edit of edits) next = apply(next, edit)
  return next
}

/**
 * The memories that an edit names or makes.
 *
 * @category getters
 * @since 0.1.0
 */
export const touched = (edit: Edit): ReadonlyArray<MemoryId> => {
  if (edit._tag === "Noop") return []
  if (edit._tag === "Add") return edit.id === undefined ? [] : [edit.id]
  return edit._tag === "Supersede" && edit.newId !== undefined ? [edit.id, edit.newId] : [edit.id]
}
