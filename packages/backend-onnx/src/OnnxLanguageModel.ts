/**
 * `LanguageModel` of `effect/ai` over a local checkpoint: a program that talks to any provider talks to it by swapping
 * one layer.
 *
 * @since 0.1.0
 */
import { ModelOutput, Sampler } from "@memory-r1/core/rl"
import { AiError, LanguageModel, type Prompt, type Response, Telemetry } from "effect/ai"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Configuration from "./internal/config.ts"
import * as OnnxModel from "./OnnxModel.ts"
import * as OnnxSampler from "./OnnxSampler.ts"

/**
 * How to generate.
 *
 * - `maxTokens`: at most so many tokens; 512 by default.
 * - `temperature`: 0 is greedy; 1 by default.
 * - `topK`, `topP`, `minP`: which tokens are excluded; none by default.
 * - `seed`: the same request with the same seed gives the same text; 0 by default.
 * - `stop`: texts that end an answer, and are not part of it.
 * - `templateOptions`: variables of the chat template, such as `{ enable_thinking: false }` for a model that thinks
 *   aloud.
 * - `retries`: how often an object is asked for again that does not fit its schema; 2 by default.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly maxTokens?: number | undefined
  readonly temperature?: number | undefined
  readonly topK?: number | undefined
  readonly topP?: number | undefined
  readonly minP?: number | undefined
  readonly seed?: number | undefined
  readonly stop?: ReadonlyArray<string> | undefined
  readonly templateOptions?: Sampler.TemplateOptions | undefined
  readonly retries?: number | undefined
}

/**
 * Options for the requests of one effect, over those of the model. See `withConfigOverride`.
 *
 * @category services
 * @since 0.1.0
 */
export class Config extends Context.Service<Config, Options>()("@memory-r1/backend-onnx/OnnxLanguageModel/Config") {}

const fail = (method: string, reason: AiError.AiErrorReason): AiError.AiError =>
  AiError.make({ module: "OnnxLanguageModel", method, reason })

const textOf = (parts: ReadonlyArray<Prompt.UserMessagePart | Prompt.AssistantMessagePart>): string =>
  parts.flatMap((part) => part.type === "text" ? [part.text] : []).join("")

// Text is all that the checkpoints here read.
const messagesOf = Effect.fnUntraced(function*(method: string, { prompt, tools }: LanguageModel.ProviderOptions) {
  if (tools.length > 0) {
    return yield* fail(
      method,
      new AiError.ToolConfigurationError({
        toolName: tools[0]!.name,
        description: "Tools are not supported on local checkpoints: ask for an object with a schema instead"
      })
    )
  }
  const messages: Array<Sampler.Message> = []
  for (const message of prompt.content) {
    if (message.role === "tool") continue
    if (message.role === "system") messages.push({ role: "system", content: message.content })
    else {
      const file = message.content.find((part) => part.type === "file")
      if (file !== undefined) {
        return yield* fail(
          method,
          new AiError.InvalidUserInputError({ description: "Files cannot be sent to a local checkpoint, only text" })
        )
      }
      messages.push({ role: message.role, content: textOf(message.content) })
    }
  }
  return messages
})

// The schema is told in words; what comes back is checked, and asked for again with what was wrong.
const withSchema = (messages: ReadonlyArray<Sampler.Message>, jsonSchema: unknown): ReadonlyArray<Sampler.Message> => {
  const told = `Answer with one JSON value that fits this JSON Schema, and with nothing else:\n${
    JSON.stringify(jsonSchema)
  }`
  const [first, ...rest] = messages
  return first?.role === "system"
    ? [{ role: "system", content: `${first.content}\n\n${told}` }, ...rest]
    : [{ role: "system", content: told }, ...messages]
}

const finish = (reason: Response.FinishReason, input: number, output: number): Response.FinishPartEncoded => ({
  type: "finish",
  reason,
  usage: {
    inputTokens: { total: input, uncached: input, cacheRead: undefined, cacheWrite: undefined },
    outputTokens: { total: output, text: output, reasoning: undefined }
  }
})

/**
 * Makes the service from a resident model, with an adapter of it or with none. Messages go through the model's chat
 * template; a model without one gets their texts, one below the other. What a template has no system role for stands
 * before what the user says.
 *
 * Objects (`generateObject`) are asked for by their JSON Schema, checked, and asked for again with what was wrong,
 * `retries` times. Fails with `InvalidUserInputError` for files, with `ToolConfigurationError` for tools, and with
 * `InvalidRequestError` for options that are none and for prompts that do not fit into the context.
 *
 * @example
 * ```ts
 * import { OnnxLanguageModel } from "@memory-r1/backend-onnx"
 * import { Effect } from "effect"
 * import { LanguageModel } from "effect/ai"
 *
 * // A tiny model with random weights: what it says has no meaning.
 * const layer = OnnxLanguageModel.layer({
 *   model: "packages/backend-onnx/test/fixtures/qwen3",
 *   config: { maxTokens: 8, temperature: 0 }
 * })
 * const program = LanguageModel.generateText({ prompt: "Where does Ann live?" })
 * const response = await Effect.runPromise(Effect.provide(program, layer))
 * response.usage.outputTokens.total // => 8
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function*(
  model: OnnxModel.OnnxModel,
  { config, ...options }: OnnxSampler.Options & { readonly config?: Options | undefined } = {}
) {
  const { reader: readerOf, sampler: { tokenizer }, sampleWith } = yield* OnnxSampler.makeStreaming(model, options)
  const name = model.checkpoint.directory
  const chosen = Effect.map(
    Effect.serviceOption(Config),
    (over): Options => ({ ...config, ...Option.getOrUndefined(over) })
  )

  // One answer; `onText` hears of the text that is certain so far.
  const answer = Effect.fnUntraced(function*(
    method: string,
    messages: ReadonlyArray<Sampler.Message>,
    { maxTokens = 512, minP, seed = 0, stop = [], temperature = 1, templateOptions, topK, topP }: Options,
    onText: (text: string) => void = () => {}
  ) {
    const prompt = yield* Effect.mapError(
      Sampler.promptTokens(tokenizer, messages, templateOptions),
      ({ message }) => fail(method, new AiError.InvalidUserInputError({ description: message }))
    )
    const reader = readerOf(stop)
    // What the template began is said with the answer, so that who reads it knows it for reasoning.
    const begun = tokenizer.applyChatTemplate === undefined
      ? ""
      : ModelOutput.begun(tokenizer.decode(prompt.slice(-32)))
    const given = { topK, topP, minP }
    const [[completion] = []] = yield* sampleWith({
      prompts: [prompt],
      maxTokens,
      temperature,
      seed,
      ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
    }, (tokens) => {
      const { certain, stopped } = reader.read(tokens)
      onText(begun + certain)
      return stopped
    }).pipe(Effect.mapError((error) =>
      fail(
        method,
        error.cause === undefined
          ? new AiError.InvalidRequestError({ description: error.message })
          : new AiError.InternalProviderError({ description: error.message })
      )
    ))
    const text = begun + reader.end(completion!).text
    const reason = completion!.finishReason === "stop" || reader.stopped() ? "stop" as const : "length" as const
    return { text, reason, input: prompt.length, output: completion!.tokens.length }
  })

  const annotate = ({ span }: LanguageModel.ProviderOptions, options: Options): void =>
    Telemetry.addGenAIAnnotations(span, {
      provider: { name: "onnx" },
      operation: { name: "chat" },
      request: {
        model: name,
        temperature: options.temperature,
        topP: options.topP,
        maxTokens: options.maxTokens,
        stopSequences: options.stop === undefined ? undefined : [...options.stop]
      }
    })

  return yield* LanguageModel.make({
    generateText: Effect.fnUntraced(function*(options) {
      const settings = yield* chosen
      annotate(options, settings)
      const asked = yield* messagesOf("generateText", options)
      const { responseFormat: format } = options
      if (format.type === "text") {
        const { input, output, reason, text } = yield* answer("generateText", asked, settings)
        return [{ type: "text", text }, finish(reason, input, output)] satisfies Array<Response.PartEncoded>
      }
      const { codec, jsonSchema } = LanguageModel.defaultCodecTransformer(format.schema)
      const decode = Schema.decodeUnknownEffect(codec) as (json: unknown) => Effect.Effect<unknown, Schema.SchemaError>
      let messages = withSchema(asked, jsonSchema)
      for (let left = settings.retries ?? 2;; left--) {
        const { input, output, reason, text } = yield* answer("generateText", messages, {
          ...settings,
          seed: (settings.seed ?? 0) + (settings.retries ?? 2) - left
        })
        const [json, wrong] = yield* Effect.match(ModelOutput.read(text, decode), {
          onSuccess: ({ json }) => [JSON.stringify(json), undefined] as const,
          onFailure: (error) => [text, error.message] as const
        })
        // The last one is given as it is: who asked for it says in its own error what is wrong with it.
        if (wrong === undefined || left <= 0) {
          return [{ type: "text", text: json }, finish(reason, input, output)] satisfies Array<Response.PartEncoded>
        }
        messages = [
          ...messages,
          { role: "assistant", content: text },
          {
            role: "user",
            content: `That does not fit the schema:\n${wrong}\n`
              + "Answer again, with one JSON value that fits it and nothing else."
          }
        ]
      }
    }),
    streamText: (options) =>
      Stream.callback<Response.StreamPartEncoded, AiError.AiError>(Effect.fnUntraced(function*(queue) {
        const settings = yield* chosen
        annotate(options, settings)
        const messages = yield* messagesOf("streamText", options)
        let said = ""
        const say = (text: string): void => {
          if (text.length === said.length) return
          Queue.offerUnsafe(queue, { type: "text-delta", id: "0", delta: text.slice(said.length) })
          said = text
        }
        Queue.offerUnsafe(queue, { type: "text-start", id: "0" })
        const { input, output, reason, text } = yield* answer("streamText", messages, settings, say)
        say(text)
        Queue.offerUnsafe(queue, { type: "text-end", id: "0" })
        Queue.offerUnsafe(queue, finish(reason, input, output))
        yield* Queue.end(queue)
      }))
  })
})

/**
 * What a checkpoint is loaded with, its name or directory, and how it generates.
 *
 * @category models
 * @since 0.1.0
 */
export interface LayerOptions extends OnnxModel.LoadOptions {
  readonly model: string
  readonly config?: Options | undefined
}

/**
 * The standard tag, so that any other provider's layer may stand in its place.
 *
 * @example
 * ```ts
 * import { OnnxLanguageModel } from "@memory-r1/backend-onnx"
 * import { Effect, Stream } from "effect"
 * import { LanguageModel } from "effect/ai"
 *
 * const layer = OnnxLanguageModel.layer({
 *   model: "packages/backend-onnx/test/fixtures/qwen3",
 *   config: { maxTokens: 8, temperature: 0 }
 * })
 * const program = LanguageModel.streamText({ prompt: "Hello" }).pipe(Stream.runCollect)
 * const parts = await Effect.runPromise(Effect.provide(program, layer))
 * parts.at(-1)?.type // => "finish"
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = ({ config, model, ...options }: LayerOptions) =>
  Layer.effect(
    LanguageModel.LanguageModel,
    Effect.flatMap(OnnxModel.load(model, options), (loaded) => make(loaded, { config }))
  )

/**
 * Other options for the requests of one effect. Inner overrides win over outer ones, and both over those of the model.
 *
 * @example
 * ```ts
 * import { OnnxLanguageModel } from "@memory-r1/backend-onnx"
 * import { Effect } from "effect"
 * import { LanguageModel } from "effect/ai"
 *
 * const layer = OnnxLanguageModel.layer({ model: "packages/backend-onnx/test/fixtures/qwen3" })
 * const program = LanguageModel.generateText({ prompt: "Hello" }).pipe(
 *   OnnxLanguageModel.withConfigOverride({ maxTokens: 3 })
 * )
 * const response = await Effect.runPromise(Effect.provide(program, layer))
 * response.finishReason // => "length"
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const withConfigOverride: {
  (overrides: Options): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, Exclude<R, Config>>
  <A, E, R>(self: Effect.Effect<A, E, R>, overrides: Options): Effect.Effect<A, E, Exclude<R, Config>>
} = Configuration.overriding(Config)
