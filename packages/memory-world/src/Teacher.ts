/**
 * An imperfect teacher: it errs as untrained language models do, and it errs in the majority of the hard cases.
 *
 * Deletes and adds where it should update, overwrites lists, keeps stale values, stores duplicates and small talk,
 * forgets to take back; answers with one item of a list, and guesses where nothing is known. A model that imitates it
 * has the right behavior as one mode among others; reinforcement learning has to find out which one. The shares are
 * stated in `managerErrors` and `answerErrors` and are the same for every seed.
 *
 * @since 0.1.0
 */
import type { Memory } from "@memory-r1/core"
import { AnswerFormat } from "@memory-r1/core/rl"
import type { MemoryOperation } from "@memory-r1/core/rl"
import type { Prng } from "./internal/prng.ts"
import { joined, memoryText, type Slot, slotKey } from "./internal/subjects.ts"
import { answerKind, type Event, type EventKind } from "./MemoryWorld.ts"
import * as Oracle from "./Oracle.ts"

/**
 * What the teacher does with a turn.
 *
 * - `right`: what the oracle does.
 * - `overwrite`: UPDATE to the new value only; the list is lost.
 * - `deleteAndAdd`: DELETE the old memory, ADD the new value only.
 * - `add`: ADD the value as a memory of its own (a stale value, or a duplicate, stays beside it).
 * - `addTurn`: ADD the turn word for word.
 * - `ignore`: NOOP.
 * - `deleteAll`: DELETE the whole memory where one item should go.
 *
 * @category models
 * @since 0.1.0
 */
export type ManagerMode = "right" | "overwrite" | "deleteAndAdd" | "add" | "addTurn" | "ignore" | "deleteAll"

/**
 * How often the teacher does what, by kind of event.
 *
 * @category models
 * @since 0.1.0
 */
export const managerErrors: Readonly<Record<EventKind, Readonly<Partial<Record<ManagerMode, number>>>>> = {
  new: { right: 0.93, ignore: 0.04, addTurn: 0.03 },
  additive: { right: 0.3, overwrite: 0.34, deleteAndAdd: 0.18, add: 0.18 },
  replace: { right: 0.3, add: 0.46, ignore: 0.08, deleteAndAdd: 0.16 },
  retract: { right: 0.3, ignore: 0.4, deleteAll: 0.15, addTurn: 0.15 },
  duplicate: { right: 0.36, add: 0.5, overwrite: 0.14 },
  talk: { right: 0.45, addTurn: 0.55 }
}

/**
 * How often the teacher's answer is right, by kind of answer; otherwise it names one item of a list, or guesses.
 *
 * @category models
 * @since 0.1.0
 */
export const answerErrors = { single: 0.92, date: 0.92, list: 0.35, none: 0.3 } as const

const byMode = (
  mode: ManagerMode,
  event: Event,
  snapshot: MemoryOperation.Snapshot,
  read: Oracle.Reader
): ReadonlyArray<MemoryOperation.MemoryOperation> => {
  const right = Oracle.operations(event, snapshot, read)
  const { slot } = event
  if (mode === "ignore") return [{ _tag: "Noop" }]
  if (mode === "addTurn") return [{ _tag: "Add", text: event.turn.text }]
  if (mode === "right" || slot === undefined) return right
  const handle = snapshot.memories.findIndex((memory) => {
    const statement = read(memory)
    return statement !== undefined && !statement.retracts && slotKey(statement.slot) === slotKey(slot)
  })
  const text = memoryText(slot, event.said)
  const add: MemoryOperation.MemoryOperation = { _tag: "Add", text }
  if (mode === "add") return [add]
  // What the turn is about is not among the memories: there is nothing to get wrong.
  if (handle < 0) return right
  if (mode === "deleteAll") return [{ _tag: "Delete", handle }]
  if (mode === "deleteAndAdd") return [{ _tag: "Delete", handle }, add]
  return snapshot.memories[handle]!.text === text ? [{ _tag: "Noop" }] : [{ _tag: "Update", handle, text }]
}

/**
 * One decision of the teacher.
 *
 * @category constructors
 * @since 0.1.0
 */
export const decide = (
  random: Prng,
  event: Event,
  snapshot: MemoryOperation.Snapshot,
  read: Oracle.Reader = Oracle.reader()
): ReadonlyArray<MemoryOperation.MemoryOperation> =>
  byMode(random.weighted<ManagerMode>(managerErrors[event.kind]), event, snapshot, read)

/**
 * One answer of the teacher about a slot, as `AnswerFormat.compact` reads it: the memories that help, then the answer.
 *
 * @category constructors
 * @since 0.1.0
 */
export const answer = (
  random: Prng,
  slot: Slot,
  candidates: ReadonlyArray<Memory.Memory>,
  read: Oracle.Reader
): string => {
  const statements = candidates.map(read)
  const about = statements.flatMap((statement, handle) =>
    statement !== undefined && slotKey(statement.slot) === slotKey(slot) ? [handle] : []
  )
  const write = (handles: ReadonlyArray<number>, text: string): string =>
    AnswerFormat.format({ selected: handles.map((handle) => candidates[handle]!), text })
  const values = Oracle.believed(candidates, slot, read)
  const kind = answerKind(slot, values)
  if (random.chance(answerErrors[kind])) return write(about, values.length === 0 ? "none" : joined(values))
  if (kind === "list") return write(about, random.pick(values))
  // A guess: a value that some memory states, of this slot if there is one.
  const stating = statements.flatMap((statement, handle) => statement === undefined ? [] : [handle])
  const handle = random.pick(about.length > 0 && random.chance(0.7) ? about : stating)
  return handle === undefined ? write([], "none") : write([handle], random.pick(statements[handle]!.values))
}
