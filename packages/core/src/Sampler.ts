/**
 * The port for generation that can be trained on: token in, token out, with the log-probability of every sampled token.
 *
 * Text in, text out is the ecosystem's `LanguageModel`; this port is what reinforcement learning needs beneath it. Tokens are
 * never re-tokenised: what was sampled is what is trained on.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as ModelOutput from "./ModelOutput.ts"

/**
 * Sampling failed. `reason` says what, in one line a user can act on.
 */
export class SamplerError extends Schema.TaggedError<SamplerError>()("SamplerError", {
  reason: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
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
  readonly encode: (text: string, options?: { readonly addSpecialTokens?: boolean }) => ReadonlyArray<number>
  readonly decode: (tokens: ReadonlyArray<number>) => string
  /** The prompt for a conversation, ready for the assistant's turn. `undefined` for a model without a chat template. */
  readonly applyChatTemplate?: (messages: ReadonlyArray<Message>) => ReadonlyArray<number>
}

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
  readonly n?: number
  readonly maxTokens: number
  readonly temperature?: number
  readonly topK?: number
  readonly topP?: number
  readonly minP?: number
  readonly stopTokens?: ReadonlyArray<number>
  readonly seed?: number
}

/**
 * One completion. `tokens` ends with the stop token where `finishReason` is "stop". `logprobs[t]` is the log-probability of
 * `tokens[t]` under the model at the request's temperature (at temperature 0: under the model itself), before tokens are left out.
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
  readonly temperature?: number
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
 * The text of a completion. Where a chat template wrote its `prompt` and begins a block of reasoning at the end of it, as those of reasoning models do, the text begins with
 * that beginning.
 */
export const textOf = ({ decode }: Pick<Tokenizer, "decode">, completion: Completion, prompt: ReadonlyArray<number> = []): string =>
  ModelOutput.begun(decode(prompt.slice(-32))) + decode(withoutStop(completion))
