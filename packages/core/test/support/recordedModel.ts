// Providers without a model behind them: what they say was written down before.
import { Sampler } from "@memory-r1/core/rl"
import { Effect, Layer, Ref, Stream } from "effect"
import { AiError, LanguageModel, type Prompt } from "effect/ai"

/** The text of a prompt, a line for each message. */
const textOf = (prompt: Prompt.Prompt): string =>
  prompt.content.map((message) =>
    `${message.role}: ${
      typeof message.content === "string"
        ? message.content
        : message.content.map((part) => part.type === "text" ? part.text : "").join("")
    }`
  ).join("\n")

/**
 * A language model that answers each prompt with a function of its text; `undefined` is a failure of the provider. It
 * counts its calls, and how many of them ran at once.
 */
export const layer = (
  answer: (prompt: string) => string | undefined,
  calls: { total: number; running: number; most: number } = newCalls()
) =>
  Layer.effect(
    LanguageModel.LanguageModel,
    LanguageModel.make({
      generateText: ({ prompt }) =>
        Effect.gen(function*() {
          calls.total++
          calls.most = Math.max(calls.most, ++calls.running)
          yield* Effect.yieldNow
          calls.running--
          const text = answer(textOf(prompt))
          if (text !== undefined) return [{ type: "text" as const, text }]
          return yield* AiError.make({
            module: "RecordedModel",
            method: "generateText",
            reason: new AiError.InternalProviderError({ description: "the provider is down" })
          })
        }),
      streamText: () => Stream.empty
    })
  )

export const newCalls = () => ({ total: 0, running: 0, most: 0 })

const end = 0

/**
 * A sampler over characters whose completions are written down, by the text of the prompt. It keeps the requests that
 * it got.
 */
export const sampler = (
  answer: (prompt: string) => string,
  options: { readonly chatTemplate?: boolean | undefined } = {}
): Effect.Effect<
  { readonly service: Sampler.Sampler["Service"]; readonly requests: Ref.Ref<ReadonlyArray<Sampler.SampleRequest>> }
> =>
  Effect.gen(function*() {
    const requests = yield* Ref.make<ReadonlyArray<Sampler.SampleRequest>>([])
    const encode = (text: string) => Array.from(text, (character) => character.codePointAt(0)!)
    const decode = (tokens: ReadonlyArray<number>) => String.fromCodePoint(...tokens)
    const service: Sampler.Sampler["Service"] = {
      contextLength: 100_000,
      tokenizer: {
        vocabularySize: 0x110000,
        stopTokens: [end],
        encode,
        decode,
        ...(options.chatTemplate === true
          ? {
            applyChatTemplate: (messages) =>
              encode(messages.map(({ content, role }) => `<${role}>${content}`).join("") + "<assistant>")
          }
          : {})
      },
      sample: (request) =>
        Ref.update(requests, (all) => [...all, request]).pipe(Effect.as(request.prompts.map((prompt) => {
          const whole = [...encode(answer(decode(prompt))), end]
          const tokens = whole.slice(0, request.maxTokens)
          return [{
            tokens,
            logprobs: new Float32Array(tokens.length),
            finishReason: tokens.length < whole.length ? "length" as const : "stop" as const
          }]
        }))),
      score: () => Effect.fail(new Sampler.SamplerError({ reason: "what is written down has no probability" }))
    }
    return { service, requests }
  })
