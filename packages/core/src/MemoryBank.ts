/**
 * All memories of one scope, as an immutable value.
 *
 * `apply` returns a new bank and leaves the old one as it was, sharing everything that did not change. That is what
 * makes a group of G alternative decisions on one snapshot cheap: a fork is a reference.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { apply, Edit, type Entry, type MemoryBank, touched } from "./internal/bank.ts"
import { folded } from "./internal/fingerprint.ts"
import { Memory, MemoryId, type NewMemory } from "./Memory.ts"

export { apply, applyAll, Edit, empty, type MemoryBank, touched } from "./internal/bank.ts"

/**
 * A bank after a decision, and the edits as they were made: with the ids that they gave.
 *
 * @category models
 * @since 0.1.0
 */
export interface Transition {
  readonly bank: MemoryBank
  readonly edits: ReadonlyArray<Edit>
}

type Said = HashMap.HashMap<string, ReadonlyArray<MemoryId>>

/**
 * Who says what, as it is compared: two memories with one such key say the same.
 *
 * @category getters
 * @since 0.1.0
 */
export const whoSays = ({ speaker, text }: Pick<Memory, "speaker" | "text">): string =>
  `${speaker ?? ""}\u0000${folded(text)}`

// Who says what, kept from one transition to the next, so that a long episode costs what its edits cost. Logs that are
// folded do not pay for it.
const saidIn = new WeakMap<MemoryBank, Said>()

const saying = (said: Said, memory: Memory): Said => {
  const key = whoSays(memory)
  return HashMap.set(said, key, [...Option.getOrElse(HashMap.get(said, key), () => []), memory.id])
}

const unsaying = (said: Said, memory: Memory): Said => {
  const key = whoSays(memory)
  const left = Option.getOrElse(HashMap.get(said, key), () => []).filter((id) => id !== memory.id)
  return left.length === 0 ? HashMap.remove(said, key) : HashMap.set(said, key, left)
}

const saidAfter = (said: Said, before: MemoryBank, after: MemoryBank, edit: Edit): Said => {
  let next = said
  for (const id of touched(edit)) {
    const [old, now] = [Option.getOrUndefined(get(before, id)), Option.getOrUndefined(get(after, id))]
    if (old === now) continue
    if (old !== undefined) next = unsaying(next, old)
    if (now !== undefined) next = saying(next, now)
  }
  return next
}

/**
 * Makes the edits of one decision, by all rules that there are: stores, simulations and environments go through here.
 *
 * An ADD gets its id, so does a SUPERSEDE. An ADD of what the same speaker says already becomes a NOOP, unless that
 * memory has expired at `now`, or a later edit of the decision changes or deletes it. An ADD that names its id comes
 * from elsewhere, where it stood beside others, and is made. An edit of an id that the bank does not hold changes
 * nothing.
 *
 * @example
 * ```ts
 * import { MemoryBank } from "@memory-r1/core"
 *
 * const add = MemoryBank.Edit.Add({ memory: { text: "I live in Oslo.", speaker: "Ann" } })
 * const { bank, edits } = MemoryBank.transition(MemoryBank.empty, [add, add], { now: 0 })
 * MemoryBank.size(bank) // => 1
 * edits.map(({ _tag }) => _tag) // => ["Add", "Noop"]
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const transition = (
  bank: MemoryBank,
  edits: ReadonlyArray<Edit>,
  { now }: { readonly now: number }
): Transition => {
  const changedAt = new Map(
    edits.flatMap((edit, at) => edit._tag === "Add" || edit._tag === "Noop" ? [] : [[edit.id, at] as const])
  )
  let current = bank
  let said = saidIn.get(bank) ?? memories(bank).reduce(saying, HashMap.empty<string, ReadonlyArray<MemoryId>>())
  saidIn.set(bank, said)
  const isSaid = (memory: NewMemory, at: number): boolean =>
    Option.getOrElse(HashMap.get(said, whoSays(memory)), () => []).some((id) => {
      const { expiresAt = Number.POSITIVE_INFINITY } = Option.getOrThrow(get(current, id))
      return expiresAt > now && (changedAt.get(id) ?? -1) < at
    })
  const made = edits.map((edit, at): Edit => {
    if (edit._tag === "Add" && edit.id === undefined && isSaid(edit.memory, at)) return Edit.Noop()
    const after = apply(current, edit)
    const given = MemoryId.make(`m${after.created}`)
    const named = edit._tag === "Add"
      ? { ...edit, id: edit.id ?? given }
      : edit._tag === "Supersede" && after !== current
      ? { ...edit, newId: edit.newId ?? given }
      : edit
    said = saidAfter(said, current, after, named)
    current = after
    return named
  })
  saidIn.set(current, said)
  return { bank: current, edits: made }
}

/**
 * A bank that can go its own way from here. Since a bank is immutable, that is the bank itself, at no cost.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fork = (bank: MemoryBank): MemoryBank => bank

const inOrder = (entries: HashMap.HashMap<MemoryId, Entry>): ReadonlyArray<Memory> =>
  Array.from(HashMap.values(entries)).sort((a, b) => a.order - b.order).map((entry) => entry.memory)

const listed = new WeakMap<MemoryBank, ReadonlyArray<Memory>>()

/**
 * The memories, oldest first. Computed once per bank.
 *
 * @category getters
 * @since 0.1.0
 */
export const memories = (bank: MemoryBank): ReadonlyArray<Memory> => {
  let list = listed.get(bank)
  if (list === undefined) listed.set(bank, list = inOrder(bank.entries))
  return list
}

/**
 * The number of memories.
 *
 * @category getters
 * @since 0.1.0
 */
export const size = (bank: MemoryBank): number => HashMap.size(bank.entries)

/**
 * The memory with that id.
 *
 * @category getters
 * @since 0.1.0
 */
export const get = (bank: MemoryBank, id: MemoryId): Option.Option<Memory> =>
  Option.map(HashMap.get(bank.entries, id), (entry) => entry.memory)

/**
 * The last versions of deleted memories, in the order of their creation.
 *
 * @category getters
 * @since 0.1.0
 */
export const tombstones = (bank: MemoryBank): ReadonlyArray<Memory> => inOrder(bank.tombstones)

const versions = (newest: Option.Option<Entry>): ReadonlyArray<Memory> => {
  const found: Array<Memory> = []
  for (let entry = Option.getOrUndefined(newest); entry !== undefined; entry = entry.previous) found.push(entry.memory)
  return found.reverse()
}

/**
 * Every version of a memory that the bank holds or has deleted, oldest first; empty when it knows of none.
 *
 * @category getters
 * @since 0.1.0
 */
export const history = (bank: MemoryBank, id: MemoryId): ReadonlyArray<Memory> =>
  versions(Option.orElse(HashMap.get(bank.entries, id), () => HashMap.get(bank.tombstones, id)))

/**
 * What lies between two banks of one ancestry.
 *
 * @category models
 * @since 0.1.0
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
 *
 * @category getters
 * @since 0.1.0
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
 *
 * @category schemas
 * @since 0.1.0
 */
export const Json = Schema.Struct({
  revision: Schema.Int,
  created: Schema.Int,
  memories: Versions,
  tombstones: Versions.pipe(Schema.withDecodingDefaultKey(Effect.succeed([])))
})

/**
 * The type of `Json`.
 *
 * @category models
 * @since 0.1.0
 */
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
 *
 * @category getters
 * @since 0.1.0
 */
export const toJson = ({ created, entries, revision, tombstones }: MemoryBank): Json => ({
  revision,
  created,
  memories: entriesToJson(entries),
  tombstones: entriesToJson(tombstones)
})

/**
 * The bank of what `toJson` gave.
 *
 * @category constructors
 * @since 0.1.0
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
 * const edit = MemoryBank.Edit.Update({ id, text: "Ann has two dogs" })
 * MemoryBank.inWords(bank, [edit]) // => `UPDATE "Ann has a dog" to "Ann has two dogs"`
 * MemoryBank.inWords(bank, []) // => "nothing that could be read"
 * ```
 *
 * @category formatting
 * @since 0.1.0
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
