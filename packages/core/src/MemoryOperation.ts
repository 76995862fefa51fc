/**
 * The four operations as a model writes them, and the total decoder from its text.
 *
 * The model never sees ids. It sees *handles* 0..k-1, bound to the snapshot that was retrieved for it, so an operation on a
 * memory that it was not shown cannot be expressed, only rejected.
 */
import * as Schema from "effect/Schema"
import * as TolerantJson from "./internal/tolerantJson.ts"
import type { Memory } from "./Memory.ts"
import { Edit } from "./MemoryBank.ts"
import type { Fact } from "./Turn.ts"

/**
 * ADD a new memory, UPDATE the text of a shown one, DELETE a shown one, or do nothing. The paper's prompt writes the last as
 * NONE, its text as NOOP; both are read.
 */
export const MemoryOperation = Schema.TaggedUnion({
  Add: { text: Schema.NonEmptyString },
  Update: { handle: Schema.Int, text: Schema.NonEmptyString },
  Delete: { handle: Schema.Int },
  Noop: {}
})
export type MemoryOperation = typeof MemoryOperation.Type

/**
 * The memories that a manager was shown, in the order of their handles, and the revision of the bank they came from.
 */
export interface Snapshot {
  readonly revision: number
  readonly memories: ReadonlyArray<Memory>
}

/**
 * Why a piece of model output gave no operation. `position` is an offset into the raw text.
 *
 * - `Unparsable`: not an operation in any known form.
 * - `UnknownHandle`: names a memory that was not shown.
 * - `DuplicateHandle`: a second operation on one memory; the first one stands.
 * - `EmptyText`: an ADD or UPDATE without text.
 * - `UnchangedUpdate`: an UPDATE to the text that is already there.
 */
export const Rejection = Schema.TaggedUnion({
  Unparsable: { raw: Schema.String, position: Schema.Int, reason: Schema.String },
  UnknownHandle: { handle: Schema.Int, shown: Schema.Int, position: Schema.Int },
  DuplicateHandle: { handle: Schema.Int, position: Schema.Int },
  EmptyText: { position: Schema.Int },
  UnchangedUpdate: { handle: Schema.Int, position: Schema.Int }
})
export type Rejection = typeof Rejection.Type

/**
 * What a piece of model output says: operations in its order, and a rejection for everything else.
 */
export interface Parsed {
  readonly operations: ReadonlyArray<{ readonly operation: MemoryOperation; readonly position: number }>
  readonly rejections: ReadonlyArray<Rejection>
}

/**
 * What a piece of model output does to the bank behind a snapshot.
 */
export interface Decoded {
  readonly edits: ReadonlyArray<Edit>
  readonly rejections: ReadonlyArray<Rejection>
}

const kinds: Readonly<Record<string, MemoryOperation["_tag"]>> = {
  ADD: "Add",
  INSERT: "Add",
  UPDATE: "Update",
  DELETE: "Delete",
  NOOP: "Noop",
  NONE: "Noop"
}

const linePattern = /^[\s>*-]*(ADD|INSERT|UPDATE|DELETE|NOOP|NONE)\b:?[ \t]*(.*)$/i
const handlePattern = /^[[#]?(\d{1,9})\]?:?(?:[ \t]+|$)(.*)$/

const parseLines = (raw: string, from: number): Parsed => {
  const operations: Array<Parsed["operations"][number]> = []
  const rejections: Array<Rejection> = []
  let position = from
  for (const row of raw.slice(from).split("\n")) {
    const at = position
    position += row.length + 1
    if (row.trim() === "") continue
    const found = linePattern.exec(row)
    if (found === null) {
      rejections.push({ _tag: "Unparsable", raw, position: at, reason: "no operation begins this line" })
      continue
    }
    const kind = kinds[found[1]!.toUpperCase()]!
    const rest = found[2]!.trim()
    if (kind === "Noop") operations.push({ operation: { _tag: "Noop" }, position: at })
    else if (kind === "Add") {
      if (rest === "") rejections.push({ _tag: "EmptyText", position: at })
      else operations.push({ operation: { _tag: "Add", text: rest }, position: at })
    } else {
      const target = handlePattern.exec(rest)
      if (target === null) {
        rejections.push({ _tag: "Unparsable", raw, position: at, reason: `${found[1]} without a handle` })
        continue
      }
      const handle = Number(target[1])
      const text = target[2]!.trim()
      if (kind === "Delete") operations.push({ operation: { _tag: "Delete", handle }, position: at })
      else if (text === "") rejections.push({ _tag: "EmptyText", position: at })
      else operations.push({ operation: { _tag: "Update", handle, text }, position: at })
    }
  }
  return { operations, rejections }
}

const field = (item: object, names: ReadonlyArray<string>): unknown => {
  for (const name of names) {
    if (Object.hasOwn(item, name)) return (item as Record<string, unknown>)[name]
  }
  return undefined
}

const parseJson = (raw: string, start: number): Parsed => {
  const operations: Array<Parsed["operations"][number]> = []
  const rejections: Array<Rejection> = []
  const json = TolerantJson.parse(raw, start)

  const read = (item: object, position: number): void => {
    const unparsable = (reason: string): void => {
      rejections.push({ _tag: "Unparsable", raw, position, reason })
    }
    if (json.incomplete.has(item)) return
    const kind = kinds[String(field(item, ["event", "operation", "op", "type"])).toUpperCase()]
    if (kind === undefined) return unparsable("an object without a known event")
    if (kind === "Noop") return void operations.push({ operation: { _tag: "Noop" }, position })
    const rawText = field(item, ["text", "content", "memory"])
    if (kind !== "Delete" && rawText !== undefined && typeof rawText !== "string") return unparsable("a text that is no string")
    const text = typeof rawText === "string" ? rawText.trim() : ""
    if (kind === "Add") {
      if (text === "") rejections.push({ _tag: "EmptyText", position })
      else operations.push({ operation: { _tag: "Add", text }, position })
      return
    }
    const id = field(item, ["id", "handle", "memory_id"])
    const handle = typeof id === "number" || (typeof id === "string" && /^\d{1,9}$/.test(id.trim())) ? Number(id) : NaN
    if (!Number.isInteger(handle)) return unparsable(`${kind} without a handle`)
    if (kind === "Delete") operations.push({ operation: { _tag: "Delete", handle }, position })
    else if (text === "") rejections.push({ _tag: "EmptyText", position })
    else operations.push({ operation: { _tag: "Update", handle, text }, position })
  }
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) {
      for (const item of value) visit(item)
    } else if (typeof value === "object" && value !== null) {
      const list = field(value, ["memory", "operations", "memories"])
      if (Array.isArray(list)) visit(list)
      else read(value, json.positions.get(value) ?? start)
    }
  }
  visit(json.value)
  if (json.error !== undefined) {
    rejections.push({ _tag: "Unparsable", raw, position: json.error.position, reason: json.error.reason })
  }
  return { operations, rejections }
}

/**
 * Reads operations out of model text; total: it never throws, and everything that it cannot read becomes a rejection.
 *
 * Two forms are read. The paper's JSON, `{"memory": [{"id": "0", "text": "...", "event": "UPDATE"}]}`, also fenced, with prose
 * around it, as a bare list or object, with trailing commas or cut off (complete items count). And one operation a line,
 * `ADD text`, `UPDATE 0 text`, `DELETE 0`, `NOOP`, which costs a small model fewer tokens.
 *
 * @example
 * ```ts
 * import { MemoryOperation } from "@memory-r1/core"
 *
 * MemoryOperation.parse("UPDATE 0 Ann has dogs named Buddy and Scout").operations[0]?.operation
 * // => { _tag: "Update", handle: 0, text: "Ann has dogs named Buddy and Scout" }
 * MemoryOperation.parse("I would rather not").rejections[0]?._tag // => "Unparsable"
 * ```
 */
export const parse = (raw: string): Parsed => {
  const fence = /```(?:json)?\s*/i.exec(raw)
  const from = fence === null ? 0 : fence.index + fence[0].length
  const start = raw.slice(from).search(/[[{]/)
  const body = raw.slice(from).trimStart()
  if (start >= 0 && !linePattern.test(body.split("\n", 1)[0]!)) return parseJson(raw, from + start)
  if (body === "") {
    return { operations: [], rejections: [{ _tag: "Unparsable", raw, position: from, reason: "no text" }] }
  }
  return parseLines(raw, from)
}

/**
 * Binds operations to the memories that their handles stand for. Provenance comes from the fact that was decided on.
 */
export const bind = (parsed: Parsed, snapshot: Snapshot, fact?: Omit<Fact, "text">): Decoded => {
  const edits: Array<Edit> = []
  const rejections: Array<Rejection> = [...parsed.rejections]
  const taken = new Set<number>()
  const provenance = fact === undefined
    ? {}
    : { sources: fact.sources, ...(fact.observedAt === undefined ? {} : { observedAt: fact.observedAt }) }
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
    } else if (operation._tag === "Update" && operation.text === memory.text) {
      rejections.push({ _tag: "UnchangedUpdate", handle, position })
    } else {
      taken.add(handle)
      edits.push(operation._tag === "Delete"
        ? Edit.Delete({ id: memory.id })
        : Edit.Update({ id: memory.id, text: operation.text, ...provenance }))
    }
  }
  return { edits, rejections }
}

/**
 * `parse`, then `bind`: from model text to edits of the bank behind the snapshot.
 *
 * @example
 * ```ts
 * import { MemoryBank, MemoryOperation } from "@memory-r1/core"
 *
 * const bank = MemoryBank.apply(MemoryBank.empty, MemoryBank.Edit.Add({ memory: { text: "Ann has a dog named Buddy" } }))
 * const snapshot = { revision: bank.revision, memories: MemoryBank.memories(bank) }
 * const { edits, rejections } = MemoryOperation.decode("DELETE 7\nADD Ann has a cat named Tom", snapshot)
 * rejections // => [{ _tag: "UnknownHandle", handle: 7, shown: 1, position: 0 }]
 * MemoryBank.memories(MemoryBank.applyAll(bank, edits)).length // => 2
 * ```
 */
export const decode = (raw: string, snapshot: Snapshot, fact?: Omit<Fact, "text">): Decoded =>
  bind(parse(raw), snapshot, fact)

/**
 * The line form that `parse` reads.
 */
export const format = (operations: ReadonlyArray<MemoryOperation>): string =>
  operations.map((operation) => {
    switch (operation._tag) {
      case "Add":
        return `ADD ${operation.text}`
      case "Update":
        return `UPDATE ${operation.handle} ${operation.text}`
      case "Delete":
        return `DELETE ${operation.handle}`
      case "Noop":
        return "NOOP"
    }
  }).join("\n")
