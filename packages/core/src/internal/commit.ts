// What edits do to the rows of a scope. They are worked out on a bank of the rows that they touch, so that a commit
// costs the same in a bank of ten memories and of a million.
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import type { Memory } from "../Memory.ts"
import * as MemoryBank from "../MemoryBank.ts"
import { fingerprint } from "./fingerprint.ts"
import type * as Journal from "./journal.ts"

/** A bank that knows some rows of a scope, without their earlier versions. */
export const bankOf = (rows: ReadonlyArray<Journal.Row>, created: number): MemoryBank.MemoryBank => {
  const entries = (deleted: boolean) =>
    rows.flatMap(({ memory, order, ...row }) => row.deleted === deleted ? [{ order, versions: [memory] as const }] : [])
  return MemoryBank.fromJson({ revision: 0, created, memories: entries(false), tombstones: entries(true) })
}

/** The rows of a bank; `at` says when they became what they are. */
export const rowsOf = (bank: MemoryBank.MemoryBank, at: (memory: Memory) => number): ReadonlyArray<Journal.Row> =>
  ([[bank.entries, false], [bank.tombstones, true]] as const).flatMap(([entries, deleted]) =>
    Array.from(HashMap.values(entries), ({ memory, order }) => ({ memory, order, deleted, at: at(memory) }))
  )

/** The rows of `bank` that are not as they were `before`. */
export const changedRows = (
  before: MemoryBank.MemoryBank,
  bank: MemoryBank.MemoryBank,
  at: number
): ReadonlyArray<Journal.Row> =>
  rowsOf(bank, () => at).filter(({ deleted, memory }) => {
    const known = Option.getOrUndefined(HashMap.get(deleted ? before.tombstones : before.entries, memory.id))
    return known === undefined || (known.memory !== memory && !Equal.equals(known.memory, memory))
  })

const inserted = (edit: MemoryBank.Edit) => edit._tag === "Add" || edit._tag === "Supersede" ? [edit.memory] : []

/**
 * `MemoryBank.transition` on the rows that edits touch or repeat: the edits as they are made, and the rows that they
 * change.
 */
export const resolve = Effect.fnUntraced(
  function*(reader: Journal.Reader, edits: ReadonlyArray<MemoryBank.Edit>, now: number) {
    const { created } = yield* reader.head
    const named = [...new Set(edits.flatMap(MemoryBank.touched))]
    const known = named.length === 0 ? [] : yield* reader.rows(named)
    const sought = [...new Set(edits.flatMap(inserted).map(fingerprint))]
    const alike = sought.length === 0 ? [] : yield* reader.alike(sought, now)
    const rows = new Map([...known, ...alike].map((row) => [row.memory.id, row]))
    const before = bankOf([...rows.values()], created)
    const { bank, edits: made } = MemoryBank.transition(before, edits, { now })
    return { edits: made, created: bank.created, rows: changedRows(before, bank, now) }
  }
)
