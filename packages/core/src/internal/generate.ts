// One way from a prompt to text, for agents over a language model and over a sampler.
import * as Effect from "effect/Effect"
import type { LanguageModel } from "effect/ai"
import { type Message, type Sampler, type SamplerError, withoutStop } from "../Sampler.ts"

export type PromptText = string | ReadonlyArray<Message>

export const withLanguageModel = (
  model: LanguageModel.LanguageModel,
  prompts: ReadonlyArray<PromptText>,
  concurrency: number
) =>
  Effect.forEach(
    prompts,
    (prompt) =>
      Effect.map(
        model.generateText({
          prompt: typeof prompt === "string" ? prompt : prompt.map((message) =>
            message.role === "system"
              ? { role: message.role, content: message.content }
              : { role: message.role, content: [{ type: "text" as const, text: message.content }] }
          )
        }),
        (response) => response.text
      ),
    { concurrency }
  )

export const tokensOf = (sampler: Sampler["Service"], prompt: PromptText): ReadonlyArray<number> => {
  const { applyChatTemplate, encode } = sampler.tokenizer
  if (typeof prompt === "string") return encode(prompt)
  if (applyChatTemplate !== undefined) return applyChatTemplate(prompt)
  return encode(prompt.map((message) => message.content).join("\n\n"))
}

export const withSampler = (
  sampler: Sampler["Service"],
  prompts: ReadonlyArray<PromptText>,
  options: { readonly maxTokens: number; readonly temperature?: number; readonly seed?: number }
): Effect.Effect<ReadonlyArray<string>, SamplerError> =>
  Effect.map(
    sampler.sample({ temperature: 0, ...options, prompts: prompts.map((prompt) => tokensOf(sampler, prompt)) }),
    (groups) => groups.map(([completion]) => sampler.tokenizer.decode(withoutStop(completion!)))
  )
