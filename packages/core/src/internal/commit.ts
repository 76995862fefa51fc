// What edits do to the rows of a scope. They are worked out on a bank of the rows that they touch, so that a commit
// costs the same in a bank of ten memories and of a million.
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"
import { type Memory, MemoryId } from "../Memory.ts"
import * as MemoryBank from "../MemoryBank.ts"
import * as MemoryLog from "../MemoryLog.ts"
import { fingerprint, folded } from "./fingerprint.ts"
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
 * Gives edits their ids, makes a `Noop` of an ADD that says again what is there, and works out the rows that they
 * change.
 */
export const resolve = Effect.fnUntraced(
  function*(reader: Journal.Reader, edits: ReadonlyArray<MemoryBank.Edit>, time: number) {
    const { created } = yield* reader.head
    const named = [...new Set(edits.flatMap(MemoryLog.touched))]
    const known = named.length === 0 ? [] : yield* reader.rows(named)
    const sought = [...new Set(edits.flatMap(inserted).map(fingerprint))]
    const alike = sought.length === 0 ? [] : yield* reader.alike(sought, time)
    const before = bankOf(known, created)
    const keyOf = ({ speaker, text }: Pick<Memory, "speaker" | "text">) => `${speaker ?? ""}\u0000${folded(text)}`
    // Who says what, as it stands after every edit.
    const said = new Map(alike.map(({ memory }) => [keyOf(memory), memory.id]))
    const forget = (bank: MemoryBank.MemoryBank, id: MemoryId): void => {
      const memory = Option.getOrUndefined(MemoryBank.get(bank, id))
      if (memory !== undefined && said.get(keyOf(memory)) === id) said.delete(keyOf(memory))
    }
    const resolved: Array<MemoryBank.Edit> = []
    const changed = new Map(
      edits.flatMap((edit, at) => edit._tag === "Add" || edit._tag === "Noop" ? [] : [[edit.id, at] as const])
    )
    let bank = before
    for (const [at, edit] of edits.entries()) {
      const twin = edit._tag === "Add" ? said.get(keyOf(edit.memory)) : undefined
      // An ADD that names its id comes from elsewhere, where it stood beside others. What a later edit changes or
      // deletes does not say it any more.
      if (edit._tag === "Add" && edit.id === undefined && twin !== undefined && (changed.get(twin) ?? -1) < at) {
        resolved.push(MemoryBank.Edit.Noop())
        continue
      }
      const after = MemoryBank.apply(bank, edit)
      const given = MemoryId.make(`m${after.created}`)
      const made = edit._tag === "Add"
        ? { ...edit, id: edit.id ?? given }
        : edit._tag === "Supersede" && after !== bank
        ? { ...edit, newId: edit.newId ?? given }
        : edit
      resolved.push(made)
      if (after === bank) continue
      if (edit._tag === "Update" || edit._tag === "Delete" || edit._tag === "Supersede") forget(bank, edit.id)
      for (const id of MemoryLog.touched(made)) {
        Option.map(MemoryBank.get(after, id), (memory) => said.set(keyOf(memory), id))
      }
      bank = after
    }
    return { edits: resolved, created: bank.created, rows: changedRows(before, bank, time) }
  }
)
