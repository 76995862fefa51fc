/**
 * Reads the text of a model: what it decided after its reasoning, and the JSON in that. Everything that reads model
 * output goes through this module.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { blocks } from "../internal/fences.ts"
import { begunBy, decisionIn, isTag } from "../internal/reasoning.ts"
import * as TolerantJson from "../internal/tolerantJson.ts"

/**
 * What a model decided, and the offset where it begins in the text.
 *
 * @category models
 * @since 0.1.0
 */
export interface Decided {
  readonly text: string
  readonly at: number
}

/**
 * The text after the reasoning. `undefined` if a block of reasoning never ends, because the model has then decided
 * nothing.
 *
 * Tags whose name refers to thinking delimit a block: `<think>`, `<thinking>`, `<reasoning>`, `<seed:think>`,
 * `[THINK]`, `◁think▷`, `<|START_THINKING|>` and the like, in any case and with attributes. So do the channels of
 * gpt-oss and Gemma. Only the text after the last block counts. An end tag without a start tag ends a block that the
 * prompt began. A JSON string is always text, whatever it looks like. So is a repetition of one of the texts that the
 * model was shown, which are `quoted`.
 *
 * @example
 * ```ts
 * import { ModelOutput } from "@memory-r1/core/rl"
 *
 * ModelOutput.decided("<think>Rome? No.</think>Oslo")?.text // => "Oslo"
 * ModelOutput.decided("Rome? No.</think>Oslo")?.text // => "Oslo"
 * ModelOutput.decided("<think>Rome? No.") // => undefined
 * ```
 *
 * @category getters
 * @since 0.1.0
 */
export const decided = (raw: string, quoted: ReadonlyArray<string> = []): Decided | undefined => {
  const found = decisionIn(raw, quoted)
  return found && { text: raw.slice(...found), at: found[0] }
}

/**
 * The marker that begins a block of reasoning at the end of a prompt, if the chat template put one there. The model's
 * text continues from this marker, so read it with the marker in front. Empty if there is none.
 *
 * @example
 * ```ts
 * import { ModelOutput } from "@memory-r1/core/rl"
 *
 * ModelOutput.begun("<|im_start|>assistant\n<think>\n") // => "<think>\n"
 * ModelOutput.begun("<|im_start|>assistant\n<think>\n\n</think>\n\n") // => ""
 * ```
 *
 * @category getters
 * @since 0.1.0
 */
export const begun = (prompt: string): string => begunBy(prompt)

/**
 * Whether a text, such as the text of a token, is a tag that begins or ends a block of reasoning. A backend that drops
 * special tokens from its text must keep these tags. Without them, reasoning would look like a decision.
 *
 * @example
 * ```ts
 * import { ModelOutput } from "@memory-r1/core/rl"
 *
 * ModelOutput.isReasoningTag("[/THINK]") // => true
 * ModelOutput.isReasoningTag("<|im_end|>") // => false
 * ```
 *
 * @category predicates
 * @since 0.1.0
 */
export const isReasoningTag = (text: string): boolean => isTag(text)

const bracket = /(?=[[{])/g

/**
 * The offset of the next bracket, from `from` on; the length of the text if there is none.
 */
const nextBracket = (text: string, from: number): number => {
  bracket.lastIndex = from
  return bracket.exec(text)?.index ?? text.length
}

// Complete values only: part of a value may mean something else.
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
 * The JSON values in what a model decided, most likely first: values in code blocks, then other values in the order of
 * the text, then values nested inside them. Trailing commas, comments, single quotes and line breaks in strings are
 * accepted. Brackets in prose, such as `{the turn}`, are not values; nor is a value that the text does not finish.
 *
 * @example
 * ```ts
 * import { ModelOutput } from "@memory-r1/core/rl"
 *
 * const text = `<think>{"facts": []}?</think>Based on {the turn}: {"facts": ["Ann has a dog",]}`
 * ModelOutput.json(text)[0] // => { facts: ["Ann has a dog"] }
 * ```
 *
 * @category getters
 * @since 0.1.0
 */
export const json = (raw: string): ReadonlyArray<unknown> => {
  const text = decided(raw)?.text ?? ""
  const whole = TolerantJson.parse(text, 0)
  const places = [
    ...blocks(text).map(({ from, to }) => valuesBetween(text, from, to)),
    valuesBetween(text, 0, text.length)
  ].flat()
  const inner = places.flatMap(({ positions, value }) => Array.from(positions.keys()).filter((one) => one !== value))
  // A value without brackets counts only if there is nothing else.
  const bare = whole.error === undefined && text.slice(whole.end).trim() === "" ? [whole.value] : []
  return [...bare, ...places.map(({ value }) => value), ...inner]
}

/**
 * The output of a model contains no JSON.
 *
 * @category errors
 * @since 0.1.0
 */
export class NoJson extends Schema.TaggedError<NoJson>()("NoJson", { raw: Schema.String }) {
  override get message(): string {
    return "the output contains no JSON"
  }
}

/**
 * The first JSON value in a text that can be decoded. Fails with `NoJson` if there is no JSON, and with the error of
 * the first value if none can be decoded.
 *
 * @example
 * ```ts
 * import { ModelOutput } from "@memory-r1/core/rl"
 * import { Effect, Schema } from "effect"
 *
 * const Facts = Schema.Struct({ facts: Schema.Array(Schema.String) })
 * const text = `The form is {"facts": "a list"}. Mine: {'facts': ['Ann has a dog']}`
 * const read = ModelOutput.read(text, Schema.decodeUnknownEffect(Facts))
 * Effect.runSync(read).value // => { facts: ["Ann has a dog"] }
 * ```
 *
 * @category running
 * @since 0.1.0
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
