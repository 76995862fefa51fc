/**
 * All memories of one scope, as an immutable value.
 *
 * `apply` returns a new bank and leaves the old one as it was, sharing everything that did not change. That is what
 * makes a group of G alternative decisions on one snapshot cheap: a fork is a reference.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { defined } from "./internal/defined.ts"
import { Memory, MemoryId, type NewMemory } from "./Memory.ts"

/**
 * A change to a bank. The model's view of the same four operations is `MemoryOperation`; binding it to a snapshot gives
 * these. `Supersede` puts a new memory in the place of another one, in one step: what was true before stays in the log
 * under its own id. An `Add` or `Supersede` names the new id only where a store's log replays it.
 */
export type Edit = Data.TaggedEnum<{
  Add: { readonly memory: NewMemory; readonly id?: MemoryId | undefined }
  Update: {
    readonly id: MemoryId
    readonly text: string
    readonly observedAt?: string | undefined
    readonly sources?: ReadonlyArray<string> | undefined
    readonly metadata?: Readonly<Record<string, unknown>> | undefined
    readonly expiresAt?: number | undefined
  }
  Supersede: { readonly id: MemoryId; readonly memory: NewMemory; readonly newId?: MemoryId | undefined }
  Delete: { readonly id: MemoryId }
  Noop: {}
}>

/**
 * Constructors and matching for edits: `Edit.Add({ memory })`, `Edit.$match(edit, { ... })`.
 */
export const Edit = Data.taggedEnum<Edit>()

interface Entry {
  readonly memory: Memory
  readonly order: number
  readonly previous: Entry | undefined
}

/**
 * The bank. `revision` counts the edits that changed it, `created` the ids that were given. What was deleted stays as a
 * tombstone.
 */
export interface MemoryBank {
  readonly revision: number
  readonly created: number
  readonly entries: HashMap.HashMap<MemoryId, Entry>
  readonly tombstones: HashMap.HashMap<MemoryId, Entry>
}

/**
 * A bank without memories.
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
 * const one = MemoryBank.apply(MemoryBank.empty, MemoryBank.Edit.Add({ memory: { text: "Ann has a dog named Buddy" } }))
 * const id = MemoryBank.memories(one)[0]!.id
 * const two = MemoryBank.apply(one, MemoryBank.Edit.Update({ id, text: "Ann has dogs named Buddy and Scout" }))
 * MemoryBank.memories(one).map((m) => m.text) // => ["Ann has a dog named Buddy"]
 * MemoryBank.history(two, id).map((m) => m.text) // => ["Ann has a dog named Buddy", "Ann has dogs named Buddy and Scout"]
 * ```
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
 */
export const applyAll = (bank: MemoryBank, edits: Iterable<Edit>): MemoryBank => {
  let next = bank
  for (const edit of edits) next = apply(next, edit)
  return next
}

/**
 * A bank that can go its own way from here. Since a bank is immutable, that is the bank itself, at no cost.
 */
export const fork = (bank: MemoryBank): MemoryBank => bank

const inOrder = (entries: HashMap.HashMap<MemoryId, Entry>): ReadonlyArray<Memory> =>
  Array.from(HashMap.values(entries)).sort((a, b) => a.order - b.order).map((entry) => entry.memory)

const listed = new WeakMap<MemoryBank, ReadonlyArray<Memory>>()

/**
 * The memories, oldest first. Computed once per bank.
 */
export const memories = (bank: MemoryBank): ReadonlyArray<Memory> => {
  let list = listed.get(bank)
  if (list === undefined) listed.set(bank, list = inOrder(bank.entries))
  return list
}

/**
 * The number of memories.
 */
export const size = (bank: MemoryBank): number => HashMap.size(bank.entries)

/**
 * The memory with that id.
 */
export const get = (bank: MemoryBank, id: MemoryId): Option.Option<Memory> =>
  Option.map(HashMap.get(bank.entries, id), (entry) => entry.memory)

/**
 * The last versions of deleted memories, in the order of their creation.
 */
export const tombstones = (bank: MemoryBank): ReadonlyArray<Memory> => inOrder(bank.tombstones)

const versions = (newest: Option.Option<Entry>): ReadonlyArray<Memory> => {
  const found: Array<Memory> = []
  for (let entry = Option.getOrUndefined(newest); entry !== undefined; entry = entry.previous) found.push(entry.memory)
  return found.reverse()
}

/**
 * Every version of a memory that the bank holds or has deleted, oldest first; empty when it knows of none.
 */
export const history = (bank: MemoryBank, id: MemoryId): ReadonlyArray<Memory> =>
  versions(Option.orElse(HashMap.get(bank.entries, id), () => HashMap.get(bank.tombstones, id)))

/**
 * What lies between two banks of one ancestry.
 */
export interface Diff {
  readonly added: ReadonlyArray<Memory>
  readonly updated: ReadonlyArray<{ readonly before: Memory; readonly after: Memory }>
  readonly removed: ReadonlyArray<Memory>
}

/**
 * The difference between two banks, in the order of the memories' creation.
 *
 * @example
 * ```ts
 * import { MemoryBank } from "@memory-r1/core"
 *
 * const after = MemoryBank.apply(MemoryBank.empty, MemoryBank.Edit.Add({ memory: { text: "Ann plays chess" } }))
 * MemoryBank.diff(MemoryBank.empty, after).added.length // => 1
 * MemoryBank.diff(after, MemoryBank.empty).removed.length // => 1
 * ```
 */
export const diff = (before: MemoryBank, after: MemoryBank): Diff => {
  const added: Array<Memory> = []
  const updated: Array<{ before: Memory; after: Memory }> = []
  for (const memory of memories(after)) {
    const earlier = Option.getOrUndefined(get(before, memory.id))
    if (earlier === undefined) added.push(memory)
    else if (earlier !== memory && !Equal.equals(earlier, memory)) updated.push({ before: earlier, after: memory })
  }
  return { added, updated, removed: memories(before).filter((memory) => !HashMap.has(after.entries, memory.id)) }
}

const Versions = Schema.Array(Schema.Struct({ order: Schema.Int, versions: Schema.NonEmptyArray(Memory) }))

/**
 * A bank as JSON, every version of its memories with it: for checkpoints of a training run, and for whoever shows a
 * bank elsewhere.
 */
export const Json = Schema.Struct({
  revision: Schema.Int,
  created: Schema.Int,
  memories: Versions,
  tombstones: Versions.pipe(Schema.withDecodingDefaultKey(Effect.succeed([])))
})
export interface Json extends Schema.Schema.Type<typeof Json> {}

const entriesToJson = (entries: HashMap.HashMap<MemoryId, Entry>): Json["memories"] =>
  Array.from(HashMap.values(entries)).sort((a, b) => a.order - b.order).map((entry) => {
    const [first, ...rest] = versions(Option.some(entry))
    return { order: entry.order, versions: [first!, ...rest] }
  })

const entriesFromJson = (memories: Json["memories"]): HashMap.HashMap<MemoryId, Entry> =>
  HashMap.fromIterable(memories.map(({ order, versions }): [MemoryId, Entry] => [
    versions[0].id,
    versions.reduce((previous: Entry | undefined, memory): Entry => ({ memory, order, previous }), undefined)!
  ]))

/**
 * Takes a bank apart; `fromJson` puts it together again.
 *
 * @example
 * ```ts
 * import { MemoryBank } from "@memory-r1/core"
 *
 * const bank = MemoryBank.apply(MemoryBank.empty, MemoryBank.Edit.Add({ memory: { text: "Ann plays chess" } }))
 * const again = MemoryBank.fromJson(MemoryBank.toJson(bank))
 * MemoryBank.memories(again) // => MemoryBank.memories(bank)
 * again.revision // => 1
 * ```
 */
export const toJson = ({ created, entries, revision, tombstones }: MemoryBank): Json => ({
  revision,
  created,
  memories: entriesToJson(entries),
  tombstones: entriesToJson(tombstones)
})

/**
 * The bank of what `toJson` gave.
 */
export const fromJson = ({ created, memories, revision, tombstones }: Json): MemoryBank => ({
  revision,
  created,
  entries: entriesFromJson(memories),
  tombstones: entriesFromJson(tombstones)
})

/**
 * Edits in words, naming the memories that they touch.
 *
 * @example
 * ```ts
 * import { MemoryBank } from "@memory-r1/core"
 *
 * const bank = MemoryBank.apply(MemoryBank.empty, MemoryBank.Edit.Add({ memory: { text: "Ann has a dog" } }))
 * const { id } = MemoryBank.memories(bank)[0]!
 * MemoryBank.inWords(bank, [MemoryBank.Edit.Update({ id, text: "Ann has two dogs" })]) // => `UPDATE "Ann has a dog" to "Ann has two dogs"`
 * MemoryBank.inWords(bank, []) // => "nothing that could be read"
 * ```
 */
export const inWords = (before: MemoryBank, edits: ReadonlyArray<Edit>): string => {
  const textOf = (id: MemoryId): string =>
    Option.match(get(before, id), { onNone: () => id, onSome: ({ text }) => text })
  const words = edits.map(Edit.$match({
    Add: ({ memory }) => `ADD "${memory.text}"`,
    Update: ({ id, text }) => `UPDATE "${textOf(id)}" to "${text}"`,
    Supersede: ({ id, memory }) => `SUPERSEDE "${textOf(id)}" by "${memory.text}"`,
    Delete: ({ id }) => `DELETE "${textOf(id)}"`,
    Noop: () => "NOOP"
  }))
  return words.length === 0 ? "nothing that could be read" : words.join(", ")
}
