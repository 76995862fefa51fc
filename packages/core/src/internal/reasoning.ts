// Where a model thinks aloud, and where it decides: all that tells one from the other stands here.
import { oneLine } from "./oneLine.ts"
import * as TolerantJson from "./tolerantJson.ts"

/**
 * What a marker does: `answers` ends all reasoning before it (`<|channel|>final<|message|>`), `stops` ends a block or
 * the answer, whichever there is.
 */
type Turn = "begins" | "ends" | "answers" | "stops"

interface Marker {
  readonly turn: Turn
  /** What a block is called: one is ended by a marker of its own kind. */
  readonly kind: string
  readonly from: number
  readonly to: number
}

// A tag is known by what its name speaks of, not by a list: `<think>`, `<seed:think>`, `<longcat_think>`,
// `<antThinking>`, `<inner_monologue>`, `[THINK]`, `◁think▷`, `<|begin_of_thought|>`.
const stem = new RegExp(
  "think|thought|reason|rational|reflect|scratch|analy[sz]|deliberat|monolog|ponder|contemplat|introspect|brainstorm|" +
    "(?<![a-z])cot(?![a-z])",
  "i"
)
const tag = new RegExp(
  [
    /<[|｜]?\s{0,9}(\/?)\s{0,9}([a-z][\w:.-]*)([^<>\w][^<>]{0,200})?>/u,
    /\[(\/?)\s{0,9}([a-z]+)\s{0,9}\]/u,
    /◁\s{0,9}(\/?)\s{0,9}([a-z][\w:.-]*)\s{0,9}▷/u
  ].map(({ source }) => source).join("|"),
  "giu"
)
// Channels: those of gpt-oss, `<|channel|>analysis<|message|>...<|end|>`, and those of Gemma, `<|channel>thought
// ...<channel|>`.
const channel = /<\|channel\|?>\s*([a-z]+)[^<]*(?:<\|message\|>)?|<channel\|>|<\|(?:end|return|call)\|>/giu
// What is left of channels where their tokens were not written out, and the words with which Granite leads over to each
// part.
const words = new RegExp(
  [
    /^\s*(analysis)(?=[\s\S]*assistantfinal)|assistantfinal/u,
    /^\s*(here(?: is|'s) my thought process:)|here(?: is|'s) my response:/u
  ].map(({ source }) => source).join("|"),
  "giu"
)

const tagMarkers = (text: string): ReadonlyArray<Marker> => {
  const [first, last] = [text.search(/\S/), text.lastIndexOf("[/")]
  return Array.from(text.matchAll(tag)).flatMap((found): ReadonlyArray<Marker> => {
    const [whole, slash = found[4] ?? found[6], name = found[5] ?? found[7]!, rest = ""] = found
    const kind = stem.exec(name)?.[0].toLowerCase().replace("thought", "think")
    if (kind === undefined) return []
    // `<think/>` is an empty block, or an end written wrong.
    const ends = slash === "/" || rest.endsWith("/") || /(?:^|[_:.-])(?:end|stop|close)(?:[_:.-]|$)/i.test(name)
    // A word in brackets is prose, unless the text begins with it or an end follows.
    if (!ends && whole.startsWith("[") && found.index > first && found.index > last) return []
    return [{ turn: ends ? "ends" : "begins", kind, from: found.index, to: found.index + whole.length }]
  })
}

const channelMarkers = (text: string): ReadonlyArray<Marker> =>
  /<\|channel|<channel\|>/i.test(text)
    ? Array.from(text.matchAll(channel), ({ 0: whole, 1: name, index }): Marker => {
      const turn = name !== undefined
        ? name.toLowerCase() === "final" ? "answers" : "begins"
        : whole.startsWith("<|")
        ? "stops"
        : "ends"
      return { turn, kind: "channel", from: index, to: index + whole.length }
    })
    : []

const wordMarkers = (text: string): ReadonlyArray<Marker> =>
  Array.from(text.matchAll(words), ({ 0: whole, 1: analysis, 2: process, index }): Marker => ({
    turn: analysis ?? process ? "begins" : "answers",
    kind: "words",
    from: index,
    to: index + whole.length
  }))

const markersOf = (text: string): ReadonlyArray<Marker> =>
  [...tagMarkers(text), ...channelMarkers(text), ...wordMarkers(text)].sort((a, b) => a.from - b.from)

const bracket = /[[{]/g

// The JSON values of a text: what their strings hold is text.
const valuesOf = (text: string): ReadonlyArray<readonly [from: number, to: number]> => {
  const values: Array<readonly [number, number]> = []
  for (bracket.lastIndex = 0;;) {
    const found = bracket.exec(text)
    if (found === null) return values
    const { end, error, positions } = TolerantJson.parse(text, found.index)
    if (error === undefined && positions.size > 0) values.push([found.index, end])
    bracket.lastIndex = Math.max(end, found.index + 1)
  }
}

const blanked = (text: string, quoted: ReadonlyArray<string>): string =>
  quoted.flatMap((one) => [one, oneLine(one)]).reduce((rest, one) => {
    const markers = markersOf(one)
    // Who says nothing but a marker must not hide those of the model.
    const says = markers.length > 0 &&
      markers.reduce((left, { from, to }) => left.replace(one.slice(from, to), ""), one).trim() !== ""
    return says ? rest.replaceAll(one, " ".repeat(one.length)) : rest
  }, text)

/**
 * Where the decision begins and ends in a text; nothing where a block of reasoning is never closed. `quoted` are texts
 * that the model was shown: a marker in them is text.
 */
export const decisionIn = (
  text: string,
  quoted: ReadonlyArray<string>
): readonly [from: number, to: number] | undefined => {
  if (markersOf(text).length === 0) return [0, text.length]
  const values = valuesOf(text)
  let value = 0
  const markers = markersOf(blanked(text, quoted)).filter(({ from }) => {
    while (value < values.length && values[value]![1] <= from) value++
    return values[value] === undefined || from < values[value]![0]
  })
  const first = text.search(/\S/)
  let open: Array<Marker> = []
  let from = 0
  let to = text.length
  for (const marker of markers) {
    const { kind, turn } = marker
    if (turn === "begins") {
      open.push(marker)
      continue
    }
    const at = open.findLastIndex((one) => one.kind === kind)
    if (turn === "stops" && at < 0) {
      if (open.length === 0) to = Math.min(to, marker.from)
      continue
    }
    // Without a beginning of its own it was begun by the prompt, and all that has begun since stands in it.
    if (turn !== "answers" && at < 0 && open[0]?.from === first) continue
    open = turn === "answers" ? [] : open.slice(0, Math.max(0, at))
    if (open.length > 0) continue
    from = marker.to
    to = text.length
  }
  if (open.length > 0) return undefined
  // What tells whose turn it is.
  const whose = /^\s*<\|start\|>\s*\w*/.exec(text.slice(from, to))
  return [from + (whose?.[0].length ?? 0), to]
}

/** Whether a text is a tag that begins or ends a block of reasoning, and nothing else. */
export const isTag = (text: string): boolean =>
  tagMarkers(text).some(({ from, to }) => from === 0 && to === text.length)

/**
 * The marker at the end of a prompt that begins a block of reasoning for the model, or nothing.
 */
export const begunBy = (prompt: string): string => {
  const tail = prompt.slice(-200)
  const last = markersOf(tail).at(-1)
  return last?.turn === "begins" && tail.slice(last.to).trim() === "" ? tail.slice(last.from) : ""
}
