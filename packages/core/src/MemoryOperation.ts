/**
 * The four operations as a model writes them, and the total decoder from its text.
 *
 * The model never sees ids. It sees *handles* 0..k-1, bound to the snapshot that was retrieved for it, so an operation
 * on a memory that it was not shown cannot be expressed, only rejected.
 */
import * as Schema from "effect/Schema"
import { blocks } from "./internal/fences.ts"
import { oneLine } from "./internal/oneLine.ts"
import * as TolerantJson from "./internal/tolerantJson.ts"
import * as Memory from "./Memory.ts"
import { Edit } from "./MemoryBank.ts"
import * as ModelOutput from "./ModelOutput.ts"
import type { Fact } from "./Turn.ts"

/**
 * ADD a new memory, UPDATE the text of a shown one, DELETE a shown one, or do nothing. The paper's prompt writes the
 * last as NONE, its text as NOOP; both are read.
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
  readonly memories: ReadonlyArray<Memory.Memory>
}

/**
 * Why a piece of model output gave no operation. `position` is an offset into the raw text.
 *
 * - `Unparsable`: not an operation in any known form.
 * - `UnknownHandle`: names a memory that was not shown.
 * - `UnknownMemory`: quotes a memory that was not shown.
 * - `DuplicateHandle`: a second operation on one memory; the first one stands.
 * - `EmptyText`: an ADD or UPDATE without text.
 * - `UnchangedUpdate`: an UPDATE to the text that is already there, be it with the time or the speaker that a prompt
 *   shows before it.
 */
export const Rejection = Schema.TaggedUnion({
  Unparsable: { raw: Schema.String, position: Schema.Int, reason: Schema.String },
  UnknownHandle: { handle: Schema.Int, shown: Schema.Int, position: Schema.Int },
  UnknownMemory: { quoted: Schema.String, position: Schema.Int },
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

const linePattern = /^[\s>*-]*(ADD|INSERT|UPDATE|DELETE|NOOP|NONE)\b:?[ \t]*(.*)$/is
const handlePattern = /^[[#]?(\d{1,9})\]?:?(?:[ \t]+|$)(.*)$/s
const fenceRow = /^\s*(?:`{3,}|~{3,})[\w+.-]*\s*$/

const parseLines = (raw: string, from: number, to: number): Parsed => {
  const operations: Array<Parsed["operations"][number]> = []
  const rejections: Array<Rejection> = []
  let position = from
  for (const row of raw.slice(from, to).split("\n")) {
    const at = position
    position += row.length + 1
    if (row.trim() === "" || fenceRow.test(row)) continue
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

const operationRow = /^[ \t>*-]*(?:ADD|INSERT|UPDATE|DELETE|NOOP|NONE)\b/m
const operationRowWithBracket = /^[ \t>*-]*(?:ADD|INSERT|UPDATE|DELETE|NOOP|NONE)\b.*[[{]/im

interface JsonValue extends Parsed {
  readonly end: number
  readonly complete: boolean
  /** Whether it held an object at all: brackets in prose do not. */
  readonly objects: boolean
}

const parseJson = (raw: string, start: number): JsonValue => {
  const operations: Array<Parsed["operations"][number]> = []
  const rejections: Array<Rejection> = []
  const json = TolerantJson.parse(raw, start)
  const unparsable = (position: number, reason: string): void => {
    rejections.push({ _tag: "Unparsable", raw, position, reason })
  }

  const read = (item: object, position: number): void => {
    if (json.incomplete.has(item)) return
    const event = field(item, ["event", "operation", "op", "type"])
    const kind = typeof event === "string" ? kinds[event.trim().toUpperCase()] : undefined
    if (kind === undefined) return unparsable(position, "an object without a known event")
    if (kind === "Noop") return void operations.push({ operation: { _tag: "Noop" }, position })
    const rawText = field(item, ["text", "content", "memory"])
    if (kind !== "Delete" && rawText !== undefined && typeof rawText !== "string") {
      return unparsable(position, "a text that is no string")
    }
    const text = typeof rawText === "string" ? rawText.trim() : ""
    if (kind === "Add") {
      if (text === "") rejections.push({ _tag: "EmptyText", position })
      else operations.push({ operation: { _tag: "Add", text }, position })
      return
    }
    const id = field(item, ["id", "handle", "memory_id"])
    const handle = typeof id === "number" || (typeof id === "string" && /^\d{1,9}$/.test(id.trim())) ? Number(id) : NaN
    if (!Number.isInteger(handle)) return unparsable(position, `${kind} without a handle`)
    if (kind === "Delete") operations.push({ operation: { _tag: "Delete", handle }, position })
    else if (text === "") rejections.push({ _tag: "EmptyText", position })
    else operations.push({ operation: { _tag: "Update", handle, text }, position })
  }
  const visit = (value: unknown, position: number): void => {
    if (typeof value !== "object" || value === null) return unparsable(position, "an item that is no object")
    const at = json.positions.get(value) ?? position
    const list: unknown = [value, ...["memory", "operations", "memories"].map((name) => field(value, [name]))].find(
      Array.isArray
    )
    if (!Array.isArray(list)) return read(value, at)
    // A model that was asked for a list of changes and gives an empty one wants none.
    if (list.length === 0 && !json.incomplete.has(list)) operations.push({ operation: { _tag: "Noop" }, position: at })
    for (const item of list) visit(item, at)
  }
  if (json.value !== undefined) visit(json.value, start)
  if (json.error !== undefined) unparsable(json.error.position, json.error.reason)
  return {
    operations,
    rejections,
    end: json.end,
    complete: json.error === undefined,
    objects: Array.from(json.positions.keys()).some((value) =>
      !Array.isArray(value) && (Object.keys(value).length > 0 || !json.incomplete.has(value))
    )
  }
}

const noText = (raw: string): Rejection => ({ _tag: "Unparsable", raw, position: 0, reason: "no text" })

const bracket = /(?=[[{])/g
const nextValue = /[\s,;]*(?=[[{])/y

const after = (pattern: RegExp, raw: string, from: number): number => {
  pattern.lastIndex = from
  const found = pattern.exec(raw)
  return found === null ? raw.length : found.index + found[0].length
}

// The JSON values that begin between `from` and `to`. Brackets in the prose before them say nothing, unless there is
// nothing else. What comes after them is an explanation, unless it is the next value (one object a line).
const parseValues = (raw: string, from: number, to: number): Parsed & { readonly prose: Parsed | undefined } => {
  const operations: Array<Parsed["operations"][number]> = []
  const rejections: Array<Rejection> = []
  let prose: Parsed | undefined
  for (let at = after(bracket, raw, from); at < to;) {
    const value = parseJson(raw, at)
    if (value.objects) {
      operations.push(...value.operations)
      rejections.push(...value.rejections)
    } else prose ??= { operations: value.operations, rejections: value.rejections }
    if (operations.length === 0) at = after(bracket, raw, Math.max(value.end, at + 1))
    else if (value.complete) at = after(nextValue, raw, value.end)
    else break
  }
  return { operations, rejections, prose }
}

// The operations of a text that a model decided on.
const parseDecided = (raw: string): Parsed => {
  // What an operation's line quotes is text: JSON is looked for only before the first such line.
  const firstRow = Math.min(
    operationRow.exec(raw)?.index ?? raw.length,
    operationRowWithBracket.exec(raw)?.index ?? raw.length
  )
  const read = (from: number, to: number): Parsed => {
    const { operations, prose, rejections } = parseValues(raw, from, firstRow)
    if (operations.length > 0) return { operations, rejections }
    const rows = parseLines(raw, from, to)
    if (rows.operations.length > 0) return rows
    if (rejections.length > 0) return { operations, rejections }
    return prose ?? (rows.rejections.length > 0 ? rows : { operations, rejections: [noText(raw)] })
  }
  const fenced = blocks(raw)[0]
  if (fenced !== undefined && fenced.opens <= firstRow) {
    const inside = read(fenced.from, fenced.to)
    if (inside.operations.length > 0) return inside
  }
  return read(0, raw.length)
}

// What was read in a part of a text, told of the whole: `at` is where the part begins there.
const within = (raw: string, at: number, { operations, rejections }: Parsed): Parsed => ({
  operations: operations.map(({ operation, position }) => ({ operation, position: position + at })),
  rejections: rejections.map((rejection): Rejection => {
    const position = rejection.position + at
    return rejection._tag === "Unparsable" ? { ...rejection, raw, position } : { ...rejection, position }
  })
})

/**
 * - `quoted`: texts that the model was shown. What looks like reasoning in them is text where it repeats them.
 * - `form`: reads what was decided, where that has a form of its own.
 */
export interface ParseOptions {
  readonly quoted?: ReadonlyArray<string> | undefined
  readonly form?: ((decided: string) => Parsed) | undefined
}

/**
 * Reads operations out of model text; total: it never throws, and everything that it cannot read becomes a rejection.
 * Only what follows the model's reasoning counts (`ModelOutput.decided`); where it is never closed nothing was decided,
 * which is a rejection.
 *
 * Two forms are read. The paper's JSON, `{"memory": [{"id": "0", "text": "...", "event": "UPDATE"}]}`, also fenced,
 * with prose around it, as a bare list or object, with trailing commas or cut off (complete items count). And one
 * operation a line, `ADD text`, `UPDATE 0 text`, `DELETE 0`, `NOOP`, which costs a small model fewer tokens.
 *
 * @example
 * ```ts
 * import { MemoryOperation } from "@memory-r1/core"
 *
 * MemoryOperation.parse("UPDATE 0 Ann has dogs named Buddy and Scout").operations[0]?.operation
 * // => { _tag: "Update", handle: 0, text: "Ann has dogs named Buddy and Scout" }
 * MemoryOperation.parse("<think>DELETE 0? No.</think>NOOP").operations[0]?.operation // => { _tag: "Noop" }
 * MemoryOperation.parse("I would rather not").rejections[0]?._tag // => "Unparsable"
 * ```
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
        reason: "the reasoning is never closed: nothing was decided"
      }]
    }
    : within(raw, decided.at, form(decided.text))
}

const isSame = (text: string, memory: Memory.Memory): boolean =>
  [memory.text, Memory.line(memory), Memory.attributed(memory)].map(oneLine).includes(oneLine(text))

/**
 * Binds operations to the memories that their handles stand for. Provenance comes from the fact that was decided on.
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
 * import { MemoryBank, MemoryOperation } from "@memory-r1/core"
 *
 * const add = MemoryBank.Edit.Add({ memory: { text: "Ann has a dog named Buddy" } })
 * const bank = MemoryBank.apply(MemoryBank.empty, add)
 * const snapshot = { revision: bank.revision, memories: MemoryBank.memories(bank) }
 * const { edits, rejections } = MemoryOperation.decode("DELETE 7\nADD Ann has a cat named Tom", snapshot)
 * rejections // => [{ _tag: "UnknownHandle", handle: 7, shown: 1, position: 0 }]
 * MemoryBank.memories(MemoryBank.applyAll(bank, edits)).length // => 2
 * ```
 */
export const decode = (
  raw: string,
  snapshot: Snapshot,
  fact?: Omit<Fact, "text"> & Partial<Pick<Fact, "text">>
): Decoded =>
  bind(parse(raw, { quoted: [fact?.text ?? "", ...snapshot.memories.map(({ text }) => text)] }), snapshot, fact)

/**
 * The line form that `parse` reads. White space in texts is folded, since a line break would end the operation.
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
