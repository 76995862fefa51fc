/**
 * The four operations as a model writes them, and a total decoder for its text.
 *
 * The model never sees ids. It sees *handles* 0..k-1, bound to the snapshot that was retrieved for it. An operation on
 * a memory that was not shown therefore cannot be expressed, only rejected.
 *
 * @since 0.1.0
 */
import { oneLine } from "../internal/oneLine.ts"
import type { MemoryOperation, Parsed, Rejection } from "../internal/operation.ts"
import { parseDecided } from "../internal/parseOperations.ts"
import * as Memory from "../Memory.ts"
import { Edit } from "../MemoryBank.ts"
import type { Fact } from "../Turn.ts"
import * as ModelOutput from "./ModelOutput.ts"

export { MemoryOperation, type Parsed, Rejection } from "../internal/operation.ts"

/**
 * The memories that a manager was shown, in the order of their handles, and the revision of the bank they came from.
 *
 * @category models
 * @since 0.1.0
 */
export interface Snapshot {
  readonly revision: number
  readonly memories: ReadonlyArray<Memory.Memory>
}

/**
 * The edits from a piece of model output to the bank behind a snapshot.
 *
 * @category models
 * @since 0.1.0
 */
export interface Decoded {
  readonly edits: ReadonlyArray<Edit>
  readonly rejections: ReadonlyArray<Rejection>
}

// Moves positions from a part of a text, which begins at `at`, to the whole.
const within = (raw: string, at: number, { operations, rejections }: Parsed): Parsed => ({
  operations: operations.map(({ operation, position }) => ({ operation, position: position + at })),
  rejections: rejections.map((rejection): Rejection => {
    const position = rejection.position + at
    return rejection._tag === "Unparsable" ? { ...rejection, raw, position } : { ...rejection, position }
  })
})

/**
 * - `quoted`: texts that the model was shown. Where the output repeats them, apparent reasoning tags in them are text.
 * - `form`: a parser for formats with their own form.
 *
 * @category models
 * @since 0.1.0
 */
export interface ParseOptions {
  readonly quoted?: ReadonlyArray<string> | undefined
  readonly form?: ((decided: string) => Parsed) | undefined
}

/**
 * Parses operations from model text. It never throws; everything that it cannot read becomes a rejection. Only the text
 * after the reasoning counts (`ModelOutput.decided`). Reasoning that never ends is a rejection.
 *
 * It accepts two forms. One is the paper's JSON, `{"memory": [{"id": "0", "text": "...", "event": "UPDATE"}]}`, also in
 * code fences, with prose around it, as a bare list or object, with trailing commas, or cut off (complete items count).
 * The other is one operation per line, `ADD text`, `UPDATE 0 text`, `DELETE 0`, `NOOP`, which costs a small model fewer
 * tokens.
 *
 * @example
 * ```ts
 * import { MemoryOperation } from "@memory-r1/core/rl"
 *
 * MemoryOperation.parse("UPDATE 0 Ann has dogs named Buddy and Scout").operations[0]?.operation
 * // => { _tag: "Update", handle: 0, text: "Ann has dogs named Buddy and Scout" }
 * MemoryOperation.parse("<think>DELETE 0? No.</think>NOOP").operations[0]?.operation // => { _tag: "Noop" }
 * MemoryOperation.parse("I would rather not").rejections[0]?._tag // => "Unparsable"
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const parse = (raw: string, { form = parseDecided, quoted = [] }: ParseOptions = {}): Parsed => {
  const decided = ModelOutput.decided(raw, quoted)
  return decided === undefined
    ? {
      operations: [],
      rejections: [{
        _tag: "Unparsable",
        raw,
        position: raw.length,
        reason: "the reasoning never ends, so nothing was decided"
      }]
    }
    : within(raw, decided.at, form(decided.text))
}

const isSame = (text: string, memory: Memory.Memory): boolean =>
  [memory.text, Memory.line(memory), Memory.attributed(memory)].map(oneLine).includes(oneLine(text))

/**
 * Binds operations to the memories of their handles. Provenance comes from the fact.
 *
 * @category running
 * @since 0.1.0
 */
export const bind = (parsed: Parsed, snapshot: Snapshot, fact?: Omit<Fact, "text">): Decoded => {
  const edits: Array<Edit> = []
  const rejections: Array<Rejection> = [...parsed.rejections]
  const taken = new Set<number>()
  const provenance = fact === undefined
    ? {}
    : { sources: fact.sources, observedAt: fact.observedAt }
  for (const { operation, position } of parsed.operations) {
    if (operation._tag === "Noop") {
      edits.push(Edit.Noop())
      continue
    }
    if (operation._tag === "Add") {
      edits.push(Edit.Add({
        memory: { text: operation.text, ...provenance, ...(fact === undefined ? {} : { speaker: fact.speaker }) }
      }))
      continue
    }
    const { handle } = operation
    const memory = snapshot.memories[handle]
    if (memory === undefined) {
      rejections.push({ _tag: "UnknownHandle", handle, shown: snapshot.memories.length, position })
    } else if (taken.has(handle)) {
      rejections.push({ _tag: "DuplicateHandle", handle, position })
    } else if (operation._tag === "Update" && isSame(operation.text, memory)) {
      rejections.push({ _tag: "UnchangedUpdate", handle, position })
    } else {
      taken.add(handle)
      edits.push(
        operation._tag === "Delete"
          ? Edit.Delete({ id: memory.id })
          : Edit.Update({ id: memory.id, text: operation.text, ...provenance })
      )
    }
  }
  return { edits, rejections }
}

/**
 * `parse`, then `bind`: from model text to edits of the bank behind the snapshot.
 *
 * @example
 * ```ts
 * import { MemoryBank } from "@memory-r1/core"
 * import { MemoryOperation } from "@memory-r1/core/rl"
 *
 * const add = MemoryBank.Edit.Add({ memory: { text: "Ann has a dog named Buddy" } })
 * const bank = MemoryBank.apply(MemoryBank.empty, add)
 * const snapshot = { revision: bank.revision, memories: MemoryBank.memories(bank) }
 * const { edits, rejections } = MemoryOperation.decode("DELETE 7\nADD Ann has a cat named Tom", snapshot)
 * rejections // => [{ _tag: "UnknownHandle", handle: 7, shown: 1, position: 0 }]
 * MemoryBank.memories(MemoryBank.applyAll(bank, edits)).length // => 2
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const decode = (
  raw: string,
  snapshot: Snapshot,
  fact?: Omit<Fact, "text"> & Partial<Pick<Fact, "text">>
): Decoded =>
  bind(parse(raw, { quoted: [fact?.text ?? "", ...snapshot.memories.map(({ text }) => text)] }), snapshot, fact)

/**
 * The line form that `parse` accepts. White space in texts is collapsed, because a line break would end the operation.
 *
 * @category formatting
 * @since 0.1.0
 */
export const format = (operations: ReadonlyArray<MemoryOperation>): string =>
  operations.map((operation) => {
    switch (operation._tag) {
      case "Add":
        return `ADD ${oneLine(operation.text)}`
      case "Update":
        return `UPDATE ${operation.handle} ${oneLine(operation.text)}`
      case "Delete":
        return `DELETE ${operation.handle}`
      case "Noop":
        return "NOOP"
    }
  }).join("\n")
