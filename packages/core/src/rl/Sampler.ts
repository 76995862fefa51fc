/**
 * The port for generation during training: tokens in, tokens out, with the log-probability of every sampled token.
 *
 * For text in and text out, use the `LanguageModel` of `effect/ai`. Reinforcement learning needs this lower-level port.
 * Tokens are never tokenized again: training uses exactly the tokens that were sampled.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { messageOf } from "../messageOf.ts"
import * as ModelOutput from "./ModelOutput.ts"

/**
 * Sampling failed. `reason` says why, in one line that a user can act on.
 *
 * @category errors
 * @since 0.1.0
 */
export class SamplerError extends Schema.TaggedError<SamplerError>()("SamplerError", {
  reason: Schema.String,
  cause: Schema.optional(Schema.Defect())
}) {
  override get message(): string {
    return this.reason
  }
}

/**
 * The tokenizer of a sampler, with its chat template.
 *
 * @category models
 * @since 0.1.0
 */
export interface Tokenizer {
  readonly vocabularySize: number
  /** Tokens that end a completion. */
  readonly stopTokens: ReadonlyArray<number>
  /**
   * Text stays text: what looks like a control token (`</s>`, `<|im_end|>`) is encoded as plain characters, unless
   * `controlTokens` is true. `addSpecialTokens` (default: true) adds the special tokens that the model expects around
   * a text.
   */
  readonly encode: (text: string, options?: EncodeOptions) => ReadonlyArray<number>
  readonly decode: (tokens: ReadonlyArray<number>) => string
  /**
   * The prompt for a conversation, up to the assistant's turn. `undefined` for a model without a chat template.
   * Only the template's control tokens count; the contents of messages stay text. `options` are variables of the
   * template, such as `{ enable_thinking: false }`.
   *
   * Throws a `SamplerError` if the template rejects the messages or does not know a variable; `promptTokens` fails
   * with it.
   */
  readonly applyChatTemplate?:
    | ((messages: ReadonlyArray<Message>, options?: TemplateOptions) => ReadonlyArray<number>)
    | undefined
}

/**
 * How to encode a text. See `Tokenizer`.
 *
 * @category models
 * @since 0.1.0
 */
export interface EncodeOptions {
  readonly addSpecialTokens?: boolean | undefined
  readonly controlTokens?: boolean | undefined
}

/**
 * Variables of a chat template, by the template's names; transformers calls them `chat_template_kwargs`. Many reasoning
 * models use `enable_thinking` to turn reasoning on and off.
 *
 * @category models
 * @since 0.1.0
 */
export type TemplateOptions = Readonly<Record<string, unknown>>

/**
 * One message of a conversation.
 *
 * @category models
 * @since 0.1.0
 */
export interface Message {
  readonly role: "system" | "user" | "assistant"
  readonly content: string
}

/**
 * A request to sample.
 *
 * - `prompts`: token ids; no prompt may be empty.
 * - `n`: completions per prompt.
 * - `maxTokens`: the maximum number of tokens per completion, including the stop token.
 * - `temperature`: 0 is greedy.
 * - `topK`, `topP`: keep the k most likely tokens; keep the smallest set of tokens with total probability p.
 * - `minP`: keep tokens with at least this share of the probability of the most likely token.
 * - `stopTokens`: replace those of the tokenizer.
 * - `seed`: the same request with the same seed gives the same completions.
 *
 * @category models
 * @since 0.1.0
 */
export interface SampleRequest {
  readonly prompts: ReadonlyArray<ReadonlyArray<number>>
  readonly n?: number | undefined
  readonly maxTokens: number
  readonly temperature?: number | undefined
  readonly topK?: number | undefined
  readonly topP?: number | undefined
  readonly minP?: number | undefined
  readonly stopTokens?: ReadonlyArray<number> | undefined
  readonly seed?: number | undefined
}

/**
 * One completion. `tokens` ends with the stop token if `finishReason` is "stop". `logprobs[t]` is the log-probability
 * of `tokens[t]` at the request's temperature (at temperature 0, of the model itself), before top-k, top-p and min-p
 * drop tokens.
 *
 * @category models
 * @since 0.1.0
 */
export interface Completion {
  readonly tokens: ReadonlyArray<number>
  readonly logprobs: Float32Array
  readonly finishReason: "stop" | "length"
}

/**
 * A prompt with completions to score.
 *
 * @category models
 * @since 0.1.0
 */
export interface Sequences {
  readonly prompt: ReadonlyArray<number>
  readonly completions: ReadonlyArray<ReadonlyArray<number>>
}

/**
 * A request to score completions.
 *
 * @category models
 * @since 0.1.0
 */
export interface ScoreRequest {
  readonly groups: ReadonlyArray<Sequences>
  readonly temperature?: number | undefined
}

/**
 * - `sample`: `n` completions per prompt, in the order of the prompts.
 * - `score`: the log-probability of every token of the given completions.
 *
 * @category models
 * @since 0.1.0
 */
export interface Service {
  readonly tokenizer: Tokenizer
  readonly contextLength: number
  readonly sample: (request: SampleRequest) => Effect.Effect<ReadonlyArray<ReadonlyArray<Completion>>, SamplerError>
  readonly score: (request: ScoreRequest) => Effect.Effect<ReadonlyArray<ReadonlyArray<Float32Array>>, SamplerError>
}

/**
 * The sampler as a service.
 *
 * @category services
 * @since 0.1.0
 */
export class Sampler extends Context.Service<Sampler, Service>()("@memory-r1/core/Sampler") {}

/**
 * The tokens of a completion without its stop token.
 *
 * @category getters
 * @since 0.1.0
 */
export const withoutStop = (completion: Completion): ReadonlyArray<number> =>
  completion.finishReason === "stop" ? completion.tokens.slice(0, -1) : completion.tokens

/**
 * The text of a completion. Chat templates of reasoning models may begin a block of reasoning at the end of the
 * `prompt`. The text then starts with that beginning.
 *
 * @category formatting
 * @since 0.1.0
 */
export const textOf = (
  { decode }: Pick<Tokenizer, "decode">,
  completion: Completion,
  prompt: ReadonlyArray<number> = []
): string => ModelOutput.begun(decode(prompt.slice(-32))) + decode(withoutStop(completion))

/**
 * @internal
 * @category formatting
 * @since 0.1.0
 */
export const withoutTemplate = (options: TemplateOptions): string =>
  `cannot set ${
    Object.keys(options).join(" and ")
  }: the model has no chat template, since its folder has no chat_template.jinja`

/**
 * The tokens of a prompt. A string is encoded as it is; messages go through the chat template. For a model without a
 * chat template, the contents of the messages are joined by blank lines.
 *
 * Fails with a `SamplerError` if the template rejects the messages.
 *
 * @example
 * ```ts
 * import { Sampler } from "@memory-r1/core/rl"
 * import { Effect } from "effect"
 *
 * const codes = (text: string) => [...text].map((character) => character.codePointAt(0)!)
 * const textOf = (tokens: ReadonlyArray<number>) => String.fromCodePoint(...tokens)
 * const tokenizer = { vocabularySize: 128, stopTokens: [0], encode: codes, decode: textOf }
 * const messages = [{ role: "system", content: "a" }, { role: "user", content: "b" }] as const
 * await Effect.runPromise(Sampler.promptTokens(tokenizer, messages)) // => [97, 10, 10, 98]
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const promptTokens = (
  tokenizer: Tokenizer,
  prompt: string | ReadonlyArray<Message>,
  options: TemplateOptions = {}
): Effect.Effect<ReadonlyArray<number>, SamplerError> =>
  Effect.try({
    try: () => {
      if (typeof prompt === "string") return tokenizer.encode(prompt)
      if (tokenizer.applyChatTemplate !== undefined) return tokenizer.applyChatTemplate(prompt, options)
      if (Object.keys(options).length > 0) throw new SamplerError({ reason: withoutTemplate(options) })
      return tokenizer.encode(prompt.map(({ content }) => content).join("\n\n"))
    },
    catch: (cause) =>
      cause instanceof SamplerError
        ? cause
        : new SamplerError({
          reason: `the prompt cannot be encoded: ${messageOf(cause)}`,
          cause
        })
  })
