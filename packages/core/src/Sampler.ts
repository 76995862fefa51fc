/**
 * The port for generation that can be trained on: token in, token out, with the log-probability of every sampled token.
 *
 * Text in, text out is the ecosystem's `LanguageModel`; this port is what reinforcement learning needs beneath it.
 * Tokens are never re-tokenised: what was sampled is what is trained on.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as ModelOutput from "./ModelOutput.ts"

/**
 * Sampling failed. `reason` says what, in one line a user can act on.
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
 */
export interface Tokenizer {
  readonly vocabularySize: number
  /** Tokens that end a completion. */
  readonly stopTokens: ReadonlyArray<number>
  /**
   * Text stays text: what is written like a control token (`</s>`, `<|im_end|>`) is encoded as its characters, unless
   * `controlTokens` asks to read such tokens. `addSpecialTokens`, true by default, puts those around the text that the
   * model expects there.
   */
  readonly encode: (text: string, options?: EncodeOptions) => ReadonlyArray<number>
  readonly decode: (tokens: ReadonlyArray<number>) => string
  /**
   * The prompt for a conversation, ready for the assistant's turn. `undefined` for a model without a chat template.
   * Control tokens are those of the template; the contents of messages stay text. `options` are variables of the
   * template, such as `{ enable_thinking: false }`.
   *
   * Throws a `SamplerError` where the template refuses the messages or knows no such variable; `promptTokens` fails
   * with it.
   */
  readonly applyChatTemplate?:
    | ((messages: ReadonlyArray<Message>, options?: TemplateOptions) => ReadonlyArray<number>)
    | undefined
}

/**
 * How a text is encoded. See `Tokenizer`.
 */
export interface EncodeOptions {
  readonly addSpecialTokens?: boolean | undefined
  readonly controlTokens?: boolean | undefined
}

/**
 * Variables of a chat template, by the names that it gives them; transformers calls them `chat_template_kwargs`.
 * `enable_thinking` is the usual switch of models that think aloud.
 */
export type TemplateOptions = Readonly<Record<string, unknown>>

/**
 * One message of a conversation.
 */
export interface Message {
  readonly role: "system" | "user" | "assistant"
  readonly content: string
}

/**
 * What to sample.
 *
 * - `prompts`: token ids; none may be empty.
 * - `n`: completions of each prompt.
 * - `maxTokens`: at most so many tokens a completion, the stop token counted.
 * - `temperature`: 0 is greedy.
 * - `topK`, `topP`: keep the k likeliest tokens; keep the smallest set with probability p.
 * - `minP`: keep what has at least this share of the likeliest token's probability.
 * - `stopTokens`: in place of the tokenizer's.
 * - `seed`: the same request with the same seed gives the same completions.
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
 * One completion. `tokens` ends with the stop token where `finishReason` is "stop". `logprobs[t]` is the
 * log-probability of `tokens[t]` under the model at the request's temperature (at temperature 0: under the model
 * itself), before tokens are left out.
 */
export interface Completion {
  readonly tokens: ReadonlyArray<number>
  readonly logprobs: Float32Array
  readonly finishReason: "stop" | "length"
}

/**
 * A prompt with given completions.
 */
export interface Sequences {
  readonly prompt: ReadonlyArray<number>
  readonly completions: ReadonlyArray<ReadonlyArray<number>>
}

/**
 * Completions to be scored.
 */
export interface ScoreRequest {
  readonly groups: ReadonlyArray<Sequences>
  readonly temperature?: number | undefined
}

/**
 * The sampler.
 *
 * - `sample`: `n` completions for each prompt, in the order of the prompts.
 * - `score`: the log-probability of every token of every given completion.
 */
export interface Service {
  readonly tokenizer: Tokenizer
  readonly contextLength: number
  readonly sample: (request: SampleRequest) => Effect.Effect<ReadonlyArray<ReadonlyArray<Completion>>, SamplerError>
  readonly score: (request: ScoreRequest) => Effect.Effect<ReadonlyArray<ReadonlyArray<Float32Array>>, SamplerError>
}

/**
 * The tag of the service.
 */
export class Sampler extends Context.Service<Sampler, Service>()("@memory-r1/core/Sampler") {}

/**
 * A completion's tokens without the stop token at their end.
 */
export const withoutStop = (completion: Completion): ReadonlyArray<number> =>
  completion.finishReason === "stop" ? completion.tokens.slice(0, -1) : completion.tokens

/**
 * The text of a completion. Where a chat template wrote its `prompt` and begins a block of reasoning at the end of it,
 * as those of reasoning models do, the text begins with that beginning.
 */
export const textOf = (
  { decode }: Pick<Tokenizer, "decode">,
  completion: Completion,
  prompt: ReadonlyArray<number> = []
): string => ModelOutput.begun(decode(prompt.slice(-32))) + decode(withoutStop(completion))

/**
 * @internal
 */
export const withoutTemplate = (options: TemplateOptions): string =>
  `the model has no chat template that ${
    Object.keys(options).join(" and ")
  } could be set in: its folder has no chat_template.jinja`

/**
 * The tokens of a prompt: a text as it is, messages through the chat template. A model without a template gets the
 * texts of messages, one below the other.
 *
 * Fails with a `SamplerError` where the template refuses the messages.
 *
 * @example
 * ```ts
 * import { Sampler } from "@memory-r1/core"
 * import { Effect } from "effect"
 *
 * const codes = (text: string) => [...text].map((character) => character.codePointAt(0)!)
 * const textOf = (tokens: ReadonlyArray<number>) => String.fromCodePoint(...tokens)
 * const tokenizer = { vocabularySize: 128, stopTokens: [0], encode: codes, decode: textOf }
 * const messages = [{ role: "system", content: "a" }, { role: "user", content: "b" }] as const
 * await Effect.runPromise(Sampler.promptTokens(tokenizer, messages)) // => [97, 10, 10, 98]
 * ```
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
          reason: `the prompt cannot be encoded: ${cause instanceof Error ? cause.message : String(cause)}`,
          cause
        })
  })
