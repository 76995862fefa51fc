// One way from a prompt to text, for agents over a language model and over a sampler; and to an object.
import type { AiError, LanguageModel, Prompt } from "effect/ai"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import type * as Calls from "../Calls.ts"
import * as ModelOutput from "../rl/ModelOutput.ts"
import { type Message, promptTokens, type Sampler, type SamplerError, textOf } from "../rl/Sampler.ts"

export type PromptText = string | ReadonlyArray<Message>

/** What a sampler gave for a text: tokens of the prompt and of the text, with the log-probability of each of these. */
export interface Sampled {
  readonly prompt: ReadonlyArray<number>
  readonly tokens: ReadonlyArray<number>
  readonly logprobs: ArrayLike<number>
  readonly temperature: number
}

/** A text, the logarithm of its probability where it is known, and what was sampled where that is. */
export interface Generated {
  readonly text: string
  readonly logProbability?: number | undefined
  readonly sample?: Sampled | undefined
}

export const withLanguageModel = (
  model: LanguageModel.LanguageModel,
  prompts: ReadonlyArray<PromptText>,
  call: ReturnType<typeof Calls.make>
) =>
  Effect.forEach(
    prompts,
    (prompt) =>
      Effect.map(
        call(model.generateText({
          prompt: typeof prompt === "string" ? prompt : prompt.map((message) =>
            message.role === "system"
              ? { role: message.role, content: message.content }
              : { role: message.role, content: [{ type: "text" as const, text: message.content }] }
          )
        })),
        (response): Generated => ({ text: response.text })
      ),
    { concurrency: "unbounded" }
  )

/**
 * An object that fits a schema. The provider is asked for it in its own way; what it wrote is read as all model output
 * is, where it is not JSON and nothing else.
 */
export const object = <A, Json extends Record<string, unknown>>(
  model: LanguageModel.LanguageModel,
  { schema, ...options }: {
    readonly objectName: string
    readonly schema: Schema.Codec<A, Json>
    readonly prompt: Prompt.RawInput
  }
): Effect.Effect<A, AiError.AiError> => {
  const decode = Schema.decodeUnknownEffect(schema)
  return model.generateObject({ ...options, schema }).pipe(
    Effect.map(({ value }) => value),
    Effect.catchTag("AiError", (error) =>
      error.reason._tag === "StructuredOutputError"
        ? Effect.mapBoth(ModelOutput.read(error.reason.responseText, decode), {
          onSuccess: ({ value }) => value,
          onFailure: () => error
        })
        : Effect.fail(error))
  )
}

export const withSampler = Effect.fnUntraced(function*(
  sampler: Sampler["Service"],
  prompts: ReadonlyArray<PromptText>,
  options: { readonly maxTokens: number; readonly temperature?: number | undefined; readonly seed?: number | undefined }
): Effect.fn.Return<ReadonlyArray<Generated>, SamplerError> {
  const { temperature = 0 } = options
  const keys = prompts.map((prompt, i) => temperature === 0 ? JSON.stringify(prompt) : String(i))
  // Greedy completions of equal prompts are equal: each is generated once.
  const places = new Map<string, number>()
  const distinct: Array<PromptText> = []
  keys.forEach((key, i) => {
    if (places.has(key)) return
    places.set(key, distinct.length)
    distinct.push(prompts[i]!)
  })
  const tokens = yield* Effect.forEach(distinct, (prompt) => promptTokens(sampler.tokenizer, prompt))
  // A sampler may read a missing seed as 0, and decisions made one by one would share their draws.
  const seed = options.seed ?? (temperature === 0 ? undefined : yield* Random.nextInt)
  const groups = yield* sampler.sample({ ...options, temperature, seed, prompts: tokens })
  const texts = groups.map(([completion], i): Generated => ({
    text: textOf(sampler.tokenizer, completion!, typeof distinct[i] === "string" ? [] : tokens[i]),
    logProbability: completion!.logprobs.reduce((sum, logprob) => sum + logprob, 0),
    sample: { prompt: tokens[i]!, tokens: completion!.tokens, logprobs: completion!.logprobs, temperature }
  }))
  return keys.map((key) => texts[places.get(key)!]!)
})
