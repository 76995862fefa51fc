// What becomes of the decisions on a turn: the rules that the agent over a store and the agent over a bank share.
import * as Option from "effect/Option"
import type { Memory, MemoryId } from "../Memory.ts"
import * as MemoryBank from "../MemoryBank.ts"
import type { Decision } from "../MemoryManager.ts"
import * as NotExtracted from "../NotExtracted.ts"
import type { Fact } from "../Turn.ts"

type Edits = ReadonlyArray<MemoryBank.Edit>
type Waiting = ReadonlyMap<MemoryId, Memory>

const isDeletion = (edit: MemoryBank.Edit): boolean => edit._tag === "Delete" || edit._tag === "Supersede"

/** The deletions among edits. */
export const deletions = (edits: Edits): Edits => edits.filter(isDeletion)

/** The edits that may be made where `left` more memories may be deleted, and the deletions that may not. */
export const permitted = (edits: Edits, left: number): { readonly edits: Edits; readonly withheld: Edits } => {
  const withheld = new Set(deletions(edits).slice(Math.max(0, left)))
  return { edits: edits.filter((edit) => !withheld.has(edit)), withheld: [...withheld] }
}

/** Whether nothing in a decision can be made of the fact, so that the fact has to be kept as it was said. */
export const isUndecided = ({ edits, rejections }: Pick<Decision, "edits" | "rejections">): boolean =>
  edits.length === 0 && rejections.some(({ _tag }) => _tag !== "UnchangedUpdate")

/** A fact, or a turn as one, kept as it was said. */
export const asSaid = (fact: Fact, stage: NotExtracted.Stage): MemoryBank.Edit =>
  MemoryBank.Edit.Add({ memory: { ...fact, metadata: NotExtracted.mark(stage) } })

/** Whether a memory was kept as it was said, in the words of one of these facts. */
export const isKeptOf = (memory: Memory, facts: ReadonlyArray<Fact>): boolean =>
  NotExtracted.stageOf(memory) !== undefined &&
  facts.some((fact) => MemoryBank.whoSays(fact) === MemoryBank.whoSays(memory))

/** To add what a memory that waits says already would be no change: it takes that memory's place. */
export const inItsPlace = (edits: Edits, waiting: Waiting): Edits => {
  const left = new Map(Array.from(waiting.values(), (memory) => [MemoryBank.whoSays(memory), memory.id]))
  return edits.map((edit) => {
    const id = edit._tag === "Add" ? left.get(MemoryBank.whoSays(edit.memory)) : undefined
    if (edit._tag !== "Add" || id === undefined) return edit
    left.delete(MemoryBank.whoSays(edit.memory))
    return MemoryBank.Edit.Supersede({ id, memory: edit.memory })
  })
}

/** What was kept of words that have been worked on goes, unless somebody has changed it since. */
export const release = (bank: MemoryBank.MemoryBank, gone: Iterable<Memory>): Edits =>
  Array.from(gone).flatMap(({ id, text }) =>
    Option.exists(MemoryBank.get(bank, id), (now) => now.text === text) ? [MemoryBank.Edit.Delete({ id })] : []
  )
