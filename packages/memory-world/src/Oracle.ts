/**
 * The truth about the Memory World: what a turn should do to a bank, and whether it was done.
 *
 * It judges a decision by what the bank holds before and after, so that the same oracle serves any bank: a perfect one,
 * or one that earlier mistakes have damaged.
 *
 * @since 0.1.0
 */
import type { Memory } from "@memory-r1/core"
import type { MemoryOperation } from "@memory-r1/core/rl"
import { memoryText, readMemory, type Slot, slotKey, subjects } from "./internal/subjects.ts"
import type { Event, World } from "./MemoryWorld.ts"

/**
 * What a memory says about a slot: the values that it states, or takes back.
 *
 * @category models
 * @since 0.1.0
 */
export interface Statement {
  readonly slot: Slot
  readonly values: ReadonlyArray<string>
  readonly retracts: boolean
}

/**
 * Reads a memory; `undefined` where it is no statement of the world.
 *
 * @category models
 * @since 0.1.0
 */
export type Reader = (memory: Memory.Memory) => Statement | undefined

/**
 * Reads statements such as "Ann has a dog named Buddy"; and where a world is given, also memories that are a turn's own
 * words, as an ADD-only manager stores them.
 *
 * @category constructors
 * @since 0.1.0
 */
export const reader = (world?: World): Reader => {
  const turns = new Map(world?.events.map((event) => [event.turn.text, event]))
  return (memory) => {
    const read = readMemory(memory.text)
    if (read !== undefined) return { ...read, retracts: false }
    const event = turns.get(memory.text)
    return event?.slot === undefined
      ? undefined
      : { slot: event.slot, values: event.said, retracts: event.kind === "retract" }
  }
}

/**
 * What memories, oldest first, hold about a slot: lists grow, the newest single value holds, what is taken back is
 * gone.
 *
 * @category getters
 * @since 0.1.0
 */
export const believed = (memories: ReadonlyArray<Memory.Memory>, slot: Slot, read: Reader): ReadonlyArray<string> => {
  const isList = subjects[slot.subject].shape === "list"
  let values: ReadonlyArray<string> = []
  for (const memory of memories) {
    const statement = read(memory)
    if (statement === undefined || slotKey(statement.slot) !== slotKey(slot)) continue
    values = statement.retracts
      ? values.filter((value) => !statement.values.includes(value))
      : isList
      ? union([...values, ...statement.values])
      : statement.values
  }
  return values
}

const union = (values: ReadonlyArray<string>): ReadonlyArray<string> => [...new Set(values)]

/**
 * The values that the slot of a turn should have after it, given those that the bank holds for it.
 *
 * @category getters
 * @since 0.1.0
 */
export const expected = ({ kind, said, slot }: Event, held: ReadonlyArray<string>): ReadonlyArray<string> => {
  if (slot === undefined) return held
  const isList = subjects[slot.subject].shape === "list"
  // Where there is one value at a time, taking it back leaves none, whatever older ones a damaged bank still holds.
  if (kind === "retract") return isList ? held.filter((value) => !said.includes(value)) : []
  return isList ? union([...held, ...said]) : said
}

// A turn that takes something back is no place for a slot's values.
const stated = (read: Reader, memory: Memory.Memory): Statement | undefined => {
  const statement = read(memory)
  return statement?.retracts === true ? undefined : statement
}

/**
 * The texts of the memories that are about the slot of a turn.
 *
 * @category getters
 * @since 0.1.0
 */
export const about = (
  event: Event,
  memories: ReadonlyArray<Memory.Memory>,
  read: Reader = reader()
): ReadonlyArray<string> =>
  memories.flatMap((memory) => {
    const statement = stated(read, memory)
    return statement !== undefined && event.slot !== undefined && slotKey(statement.slot) === slotKey(event.slot)
      ? [memory.text]
      : []
  })

/**
 * The right operations on a snapshot: one memory for a slot, holding exactly what is true.
 *
 * @example
 * ```ts
 * import { MemoryWorld, Oracle } from "@memory-r1/memory-world"
 *
 * const weights = { new: 1, additive: 0, replace: 0, retract: 0, duplicate: 0, talk: 0 }
 * const { events } = MemoryWorld.generate(1, { weights })
 * Oracle.operations(events[0]!, { revision: 0, memories: [] })[0]?._tag // => "Add"
 * ```
 *
 * @category getters
 * @since 0.1.0
 */
export const operations = (
  event: Event,
  snapshot: MemoryOperation.Snapshot,
  read: Reader = reader()
): ReadonlyArray<MemoryOperation.MemoryOperation> => {
  const { slot } = event
  if (slot === undefined) return [{ _tag: "Noop" }]
  const about = snapshot.memories.flatMap((memory, handle) => {
    const statement = stated(read, memory)
    return statement !== undefined && slotKey(statement.slot) === slotKey(slot)
      ? [{ handle, memory, values: statement.values }]
      : []
  })
  const values = expected(event, union(about.flatMap((memory) => memory.values)))
  const [target, ...surplus] = about
  const rest = surplus.map(({ handle }): MemoryOperation.MemoryOperation => ({ _tag: "Delete", handle }))
  if (values.length === 0) {
    return target === undefined ? [{ _tag: "Noop" }] : [{ _tag: "Delete", handle: target.handle }, ...rest]
  }
  const text = memoryText(slot, values)
  if (target === undefined) return [{ _tag: "Add", text }]
  if (target.memory.text === text) return rest.length === 0 ? [{ _tag: "Noop" }] : rest
  return [{ _tag: "Update", handle: target.handle, text }, ...rest]
}

/**
 * Whether a decision was right: afterwards the bank holds for the turn's slot exactly what it should, given what it
 * held before, in no more memories than before (one, if there was none), and everything else is as it was.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isRight = (
  event: Event,
  before: ReadonlyArray<Memory.Memory>,
  after: ReadonlyArray<Memory.Memory>,
  read: Reader = reader()
): boolean => {
  const key = event.slot === undefined ? undefined : slotKey(event.slot)
  const split = (memories: ReadonlyArray<Memory.Memory>) => {
    const about: Array<ReadonlyArray<string>> = []
    const others: Array<string> = []
    for (const memory of memories) {
      const statement = stated(read, memory)
      if (statement !== undefined && slotKey(statement.slot) === key) about.push(statement.values)
      else others.push(memory.text)
    }
    return { about, others: others.sort(), values: union(about.flat()) }
  }
  const [old, now] = [split(before), split(after)]
  if (old.others.join("\n") !== now.others.join("\n")) return false
  const should = event.slot === undefined ? old.values : expected(event, old.values)
  const same = should.length === now.values.length && should.every((value) => now.values.includes(value))
  return same && now.about.length <= Math.max(should.length === 0 ? 0 : 1, old.about.length) &&
    (should.length > 0 || now.about.length === 0)
}
