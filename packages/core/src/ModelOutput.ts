/**
 * What a model's text says: what it decided, without what it thought aloud, and the JSON in that. Everything here that
 * reads a model's text reads it with this module.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { blocks } from "./internal/fences.ts"
import { begunBy, decisionIn, isTag } from "./internal/reasoning.ts"
import * as TolerantJson from "./internal/tolerantJson.ts"

/**
 * What a model decided, and where that begins in its text.
 */
export interface Decided {
  readonly text: string
  readonly at: number
}

/**
 * What follows the reasoning in a text; `undefined` where a block of reasoning is never closed, since nothing was
 * decided then.
 *
 * A block is begun and ended by tags whose name speaks of thinking: `<think>`, `<thinking>`, `<reasoning>`,
 * `<seed:think>`, `[THINK]`, `◁think▷`, `<|START_THINKING|>` and the like, in any case and with attributes; or by the
 * channels of gpt-oss and Gemma. Only what comes after the last block counts. An end without a beginning ends a block
 * that the prompt began. What stands in a string of JSON is text, whatever it looks like; so is what stands in one of
 * the texts that the model was shown, which are `quoted`.
 *
 * @example
 * ```ts
 * import { ModelOutput } from "@memory-r1/core"
 *
 * ModelOutput.decided("<think>Rome? No.</think>Oslo")?.text // => "Oslo"
 * ModelOutput.decided("Rome? No.</think>Oslo")?.text // => "Oslo"
 * ModelOutput.decided("<think>Rome? No.") // => undefined
 * ```
 */
export const decided = (raw: string, quoted: ReadonlyArray<string> = []): Decided | undefined => {
  const found = decisionIn(raw, quoted)
  return found && { text: raw.slice(...found), at: found[0] }
}

/**
 * The marker that begins a block of reasoning at the end of a prompt, where a chat template puts one there: what the
 * model writes then goes on from it, and belongs to be read behind it. Empty where there is none.
 *
 * @example
 * ```ts
 * import { ModelOutput } from "@memory-r1/core"
 *
 * ModelOutput.begun("<|im_start|>assistant\n<think>\n") // => "<think>\n"
 * ModelOutput.begun("<|im_start|>assistant\n<think>\n\n</think>\n\n") // => ""
 * ```
 */
export const begun = (prompt: string): string => begunBy(prompt)

/**
 * Whether a text, such as that of a token, is a tag that begins or ends a block of reasoning. A backend that drops
 * special tokens from a text keeps these: without them what a model thought aloud would look like what it decided.
 *
 * @example
 * ```ts
 * import { ModelOutput } from "@memory-r1/core"
 *
 * ModelOutput.isReasoningTag("[/THINK]") // => true
 * ModelOutput.isReasoningTag("<|im_end|>") // => false
 * ```
 */
export const isReasoningTag = (text: string): boolean => isTag(text)

const bracket = /(?=[[{])/g

/**
 * Where the next bracket stands, from `from` on; the length of the text where there is none.
 */
const nextBracket = (text: string, from: number): number => {
  bracket.lastIndex = from
  return bracket.exec(text)?.index ?? text.length
}

// Complete values only: half of one may say something else than the whole.
const valuesBetween = (text: string, from: number, to: number): ReadonlyArray<TolerantJson.Parsed> => {
  const values: Array<TolerantJson.Parsed> = []
  for (let at = nextBracket(text, from); at < to;) {
    const parsed = TolerantJson.parse(text, at)
    if (parsed.error === undefined) values.push(parsed)
    at = nextBracket(text, Math.max(parsed.end, at + 1))
  }
  return values
}

/**
 * The JSON values in what a model decided, the likeliest first: those in blocks of code, then the others, each in the
 * order of the text; then what stands inside of them. Read are also trailing commas, comments, single quotes and line
 * breaks in strings. Brackets in prose, such as `{the turn}`, are none; nor is a value that the text does not finish.
 *
 * @example
 * ```ts
 * import { ModelOutput } from "@memory-r1/core"
 *
 * const text = `<think>{"facts": []}?</think>Based on {the turn}: {"facts": ["Ann has a dog",]}`
 * ModelOutput.json(text)[0] // => { facts: ["Ann has a dog"] }
 * ```
 */
export const json = (raw: string): ReadonlyArray<unknown> => {
  const text = decided(raw)?.text ?? ""
  const whole = TolerantJson.parse(text, 0)
  const places = [
    ...blocks(text).map(({ from, to }) => valuesBetween(text, from, to)),
    valuesBetween(text, 0, text.length)
  ].flat()
  const inner = places.flatMap(({ positions, value }) => Array.from(positions.keys()).filter((one) => one !== value))
  // A value without brackets is one only where there is nothing else.
  const bare = whole.error === undefined && text.slice(whole.end).trim() === "" ? [whole.value] : []
  return [...bare, ...places.map(({ value }) => value), ...inner]
}

/**
 * A model's text has no JSON in it.
 */
export class NoJson extends Schema.TaggedError<NoJson>()("NoJson", { raw: Schema.String }) {
  override get message(): string {
    return "no JSON stands in what was decided"
  }
}

/**
 * The first of the JSON values in a text that can be decoded. Fails with `NoJson` where there is none, and with the
 * error of the first one where none can be.
 *
 * @example
 * ```ts
 * import { ModelOutput } from "@memory-r1/core"
 * import { Effect, Schema } from "effect"
 *
 * const Facts = Schema.Struct({ facts: Schema.Array(Schema.String) })
 * const text = `The form is {"facts": "a list"}. Mine: {'facts': ['Ann has a dog']}`
 * const read = ModelOutput.read(text, Schema.decodeUnknownEffect(Facts))
 * Effect.runSync(read).value // => { facts: ["Ann has a dog"] }
 * ```
 */
export const read = Effect.fnUntraced(
  function*<A, E, R>(raw: string, decode: (json: unknown) => Effect.Effect<A, E, R>) {
    const failed: Array<E | NoJson> = []
    for (const value of json(raw)) {
      const found = yield* Effect.result(decode(value))
      if (found._tag === "Success") return { value: found.success, json: value }
      failed.push(found.failure)
    }
    return yield* Effect.fail(failed[0] ?? new NoJson({ raw }))
  }
)
