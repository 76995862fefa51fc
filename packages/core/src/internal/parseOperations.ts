// Parses operations from the text after a model's reasoning, as JSON or one per line.
import { blocks } from "./fences.ts"
import type { MemoryOperation, Parsed, Rejection } from "./operation.ts"
import * as TolerantJson from "./tolerantJson.ts"

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
      rejections.push({ _tag: "Unparsable", raw, position: at, reason: "the line does not begin with an operation" })
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
  /** Whether it contains an object. Brackets in prose do not. */
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
      return unparsable(position, "a text that is not a string")
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
    if (typeof value !== "object" || value === null) return unparsable(position, "an item that is not an object")
    const at = json.positions.get(value) ?? position
    const list: unknown = [value, ...["memory", "operations", "memories"].map((name) => field(value, [name]))].find(
      Array.isArray
    )
    if (!Array.isArray(list)) return read(value, at)
    // An empty list of operations means that nothing changes.
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

// The JSON values that begin between `from` and `to`. Brackets in the prose before them count only if there is nothing
// else. Text after them is an explanation, unless it is the next value (one object per line).
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

/**
 * The operations of a text that a model decided on.
 */
export const parseDecided = (raw: string): Parsed => {
  // The text of an operation line may contain brackets, so JSON counts only before the first such line.
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
