// Puts streamed tool calls together. Servers that speak the same protocol cut calls into pieces in different ways:
// `index` counts the calls, is 0 for all of them, or is missing; `id` comes once, with each piece, anew with each
// piece, or never; a name comes whole, in pieces, again with each piece, or after the arguments; arguments are text or
// an object.
import type { Response } from "effect/ai"
import * as Predicate from "effect/Predicate"

/** A piece of a tool call on the wire. */
export interface Piece {
  readonly index?: number | null | undefined
  readonly id?: string | number | null | undefined
  readonly function?:
    | {
      readonly name?: string | null | undefined
      readonly arguments?: string | Readonly<Record<string, unknown>> | null | undefined
    }
    | null
    | undefined
}

/** A call as far as it has come. */
export interface Call {
  /** Unlike that of any other call, also where the server gives none or the same twice. */
  readonly id: string
  readonly name: string
  readonly arguments: string
}

/** What a piece adds to a call: its name, or more arguments. */
export type Event = Response.ToolParamsStartPartEncoded | Response.ToolParamsDeltaPartEncoded

interface Open {
  readonly slot: number
  readonly ids: Set<string>
  id: string | undefined
  name: string
  arguments: string
  started: boolean
}

interface Read {
  readonly isIndexed: boolean
  readonly id: string
  readonly name: string
  readonly text: string
}

const readPiece = ({ function: called, id, index }: Piece): Read => {
  const said = called?.arguments ?? ""
  const text = Predicate.isString(said) ? said : JSON.stringify(said)
  return { isIndexed: !Predicate.isNullish(index), id: String(id ?? ""), name: called?.name ?? "", text }
}

/** Ids for calls, each its own: the one that was said where no other call has it. */
export const idsOf = () => {
  const taken = new Set<string>()
  return (said: Piece["id"]): string => {
    let id = String(said ?? "")
    for (let n = taken.size; id === "" || taken.has(id); n++) id = `call_${n}`
    taken.add(id)
    return id
  }
}

const isObjectText = (text: string): boolean => {
  if (!text.trimEnd().endsWith("}")) return false
  try {
    return Predicate.isObject(JSON.parse(text))
  } catch {
    return false
  }
}

const isBlank = (text: string): boolean => text.trim() === ""

// Nothing more belongs to a call that has a name and whose arguments are an object.
const isComplete = ({ arguments: text, name }: Open): boolean => name !== "" && isObjectText(text)

/**
 * Takes pieces in the order in which they come. A piece continues the call that has its id, or else with the latest
 * call at its index. It begins another call where that one is complete and there are arguments or a name to add, or
 * where it brings another id or another tool's name. `tools` are the names that the model was offered: they tell a name
 * in pieces from a name said again.
 */
export const accumulator = (tools: ReadonlySet<string>) => {
  const calls: Array<Open> = []
  const nextId = idsOf()
  const grows = (name: string, piece: string): boolean => [...tools].some((tool) => tool.startsWith(name + piece))
  const joined = (name: string, piece: string): string => piece === name && !grows(name, piece) ? name : name + piece

  const goesOn = (call: Open, { id, isIndexed, name, text }: Read): boolean => {
    const known = call.ids.has(id)
    if (isComplete(call)) return isBlank(text) && (known ? name === "" || name === call.name : id === "" && name === "")
    // Some servers make up another id for each piece: arguments alone still go on with a named call at the same index.
    const isMadeUp = isIndexed && call.name !== "" && name === "" && text !== ""
    if (id !== "" && !known && call.ids.size > 0 && !isMadeUp) return false
    return !(tools.has(call.name) && tools.has(name) && name !== call.name && !grows(call.name, name))
  }

  const begin = (slot: number): Open => {
    const call: Open = { slot, ids: new Set(), id: undefined, name: "", arguments: "", started: false }
    calls.push(call)
    return call
  }

  const callOf = (read: Read, slot: number): Open => {
    const [byId, bySlot] = [(call: Open) => call.ids.has(read.id), (call: Open) => call.slot === slot]
    const candidate = calls.findLast((call) => byId(call) && bySlot(call))
      ?? (read.isIndexed ? undefined : calls.findLast(byId))
      ?? calls.findLast(bySlot)
    return candidate !== undefined && goesOn(candidate, read) ? candidate : begin(slot)
  }

  const write = (piece: Piece, position: number, pieces: number): ReadonlyArray<Event> => {
    const read = readPiece(piece)
    const { id, name, text } = read
    if (text === "" && id === "" && name === "") return []
    const call = callOf(read, piece.index ?? (pieces > 1 ? position : calls.at(-1)?.slot ?? 0))
    if (id !== "") call.ids.add(id)
    if (!call.started && id !== "") call.id ??= id
    if (name !== "") call.name = joined(call.name, name)
    call.arguments += text
    if (call.started) return text === "" ? [] : [{ type: "tool-params-delta", id: call.id!, delta: text }]
    // A name may still grow until there are arguments.
    return call.name === "" || call.arguments === "" || isStillGrowing(call.name) ? [] : start(call)
  }

  const isStillGrowing = (name: string): boolean => !tools.has(name) && grows(name, "")

  const start = (call: Open): ReadonlyArray<Event> => {
    call.started = true
    call.id = nextId(call.id)
    const { arguments: delta, id, name } = call
    return [
      { type: "tool-params-start", id, name },
      ...(delta === "" ? [] : [{ type: "tool-params-delta" as const, id, delta }])
    ]
  }

  return {
    /** The pieces of one chunk. */
    write: (pieces: ReadonlyArray<Piece>): ReadonlyArray<Event> =>
      pieces.flatMap((piece, position) => write(piece, position, pieces.length)),
    /** What is left to tell, and the calls in the order in which they began. A call without a name has the name "". */
    end: (): { readonly events: ReadonlyArray<Event>; readonly calls: ReadonlyArray<Call> } => {
      const made = calls.filter(({ arguments: text, name }) => name !== "" || !isBlank(text))
      const events = made.flatMap((call) => call.started ? [] : start(call))
      return { events, calls: made.map(({ arguments: text, id, name }) => ({ id: id!, name, arguments: text })) }
    }
  }
}
