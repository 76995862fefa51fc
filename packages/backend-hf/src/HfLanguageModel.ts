/**
 * `LanguageModel` of `effect/ai` over the chat completions of Hugging Face.
 *
 * @since 0.1.0
 */
import { LanguageModel, Model, Telemetry } from "effect/ai"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import type { Span } from "effect/Tracer"
import { type ChatRequest, HfClient } from "./HfClient.ts"
import * as Configuration from "./internal/config.ts"
import * as Request from "./internal/request.ts"
import * as Response from "./internal/response.ts"

/**
 * How to generate. What is omitted is the server's choice, except the `timeout` (for the whole answer, in a stream for
 * the next part of it): two minutes. Not every provider knows `seed`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly temperature?: number | undefined
  readonly topP?: number | undefined
  readonly maxTokens?: number | undefined
  readonly seed?: number | undefined
  readonly stop?: ReadonlyArray<string> | undefined
  readonly timeout?: Duration.Input | undefined
}

/**
 * Options for the requests of one effect, over those of the model. See `withConfigOverride`.
 *
 * @category services
 * @since 0.1.0
 */
export class Config extends Context.Service<Config, Options>()("@memory-r1/backend-hf/HfLanguageModel/Config") {}

const sampling = ({ maxTokens, seed, stop, temperature, topP }: Options) => ({
  ...(temperature === undefined ? {} : { temperature }),
  ...(topP === undefined ? {} : { top_p: topP }),
  ...(maxTokens === undefined ? {} : { max_tokens: maxTokens }),
  ...(seed === undefined ? {} : { seed }),
  ...(stop === undefined ? {} : { stop: [...stop] })
})

const annotateRequest = (span: Span, request: ChatRequest): void =>
  Telemetry.addGenAIAnnotations(span, {
    provider: { name: "huggingface" },
    operation: { name: "chat" },
    request: {
      model: request.model,
      temperature: request.temperature,
      topP: request.top_p,
      maxTokens: request.max_tokens,
      stopSequences: request.stop
    }
  })

/**
 * Makes the service from an `HfClient`. Use it for several models side by side; programs with one use `model` or
 * `layer`.
 *
 * Structured output (`generateObject`) is asked for as `response_format: json_schema` with `strict`, in the subset of
 * JSON Schema that OpenAI's format allows: the root must be an object. Tools are functions; tools that a provider runs
 * itself fail with `ToolConfigurationError`. Images may be sent, other files fail with `InvalidUserInputError`. Other
 * errors: see `HfClient`.
 *
 * @example
 * ```ts
 * import { HfClient, HfLanguageModel } from "@memory-r1/backend-hf"
 * import { Effect } from "effect"
 *
 * // A fetch that answers with the name of the model.
 * const fetch: typeof globalThis.fetch = async (_url, init) => {
 *   const { model } = JSON.parse(String(init?.body))
 *   return Response.json({ choices: [{ finish_reason: "stop", message: { content: model } }] })
 * }
 * const program = Effect.forEach(["small", "large"], (name) =>
 *   Effect.gen(function*() {
 *     const model = yield* HfLanguageModel.make({ model: name })
 *     return (yield* model.generateText({ prompt: "Who are you?" })).text
 *   })).pipe(Effect.provide(HfClient.layer({ endpointUrl: "http://localhost:8080", fetch })))
 * await Effect.runPromise(program) // => ["small", "large"]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function*({ config, model }: {
  readonly model: string
  readonly config?: Options | undefined
}): Effect.fn.Return<LanguageModel.LanguageModel, never, HfClient> {
  const client = yield* HfClient
  const prepare = Effect.fnUntraced(function*(method: string, options: LanguageModel.ProviderOptions) {
    const { timeout, ...chosen } = yield* Configuration.current(Config, config)
    const request = { model, ...sampling(chosen), ...(yield* Request.body(method, options)) } satisfies ChatRequest
    annotateRequest(options.span, request)
    return { request, waiting: { timeout } }
  })
  return yield* LanguageModel.make({
    codecTransformer: Request.codecTransformer,
    generateText: Effect.fnUntraced(function*(options) {
      const { request, waiting } = yield* prepare("generateText", options)
      const completion = yield* client.chatCompletion(request, waiting)
      const parts = yield* Response.parts(completion)
      annotateResponse(options.span, parts)
      return parts
    }),
    streamText: (options) =>
      Stream.unwrap(
        Effect.map(prepare("streamText", options), ({ request, waiting }) =>
          Stream.tap(
            Response.streamParts(
              client.chatCompletionStream(request, waiting),
              options.tools.map(({ name }) => name)
            ),
            (part) => Effect.sync(() => annotateResponse(options.span, [part]))
          ))
      )
  })
})

const annotateResponse = (span: Span, parts: ReadonlyArray<Response.AnyPart>): void => {
  for (const part of parts) {
    if (part.type === "response-metadata") {
      Telemetry.addGenAIAnnotations(span, { response: { id: part.id, model: part.modelId } })
    }
    if (part.type === "finish") {
      Telemetry.addGenAIAnnotations(span, {
        response: { finishReasons: [part.reason] },
        usage: { inputTokens: part.usage.inputTokens.total, outputTokens: part.usage.outputTokens.total }
      })
    }
  }
}

/**
 * The standard tag, so that any other provider's layer may stand in its place.
 *
 * @example
 * ```ts
 * import { HfClient, HfLanguageModel } from "@memory-r1/backend-hf"
 * import { Effect, Layer } from "effect"
 * import { LanguageModel } from "effect/ai"
 *
 * // A server on this machine, or here a fetch that plays one: it repeats the last message.
 * const fetch: typeof globalThis.fetch = async (_url, init) => {
 *   const { messages } = JSON.parse(String(init?.body))
 *   return Response.json({ choices: [{ finish_reason: "stop", message: { content: messages.at(-1).content } }] })
 * }
 * const layer = HfLanguageModel.layer({ model: "Qwen/Qwen3-4B-Instruct-2507", config: { temperature: 0 } }).pipe(
 *   Layer.provide(HfClient.layer({ endpointUrl: "http://localhost:8080", fetch }))
 * )
 * const program = Effect.map(LanguageModel.generateText({ prompt: "Hello" }), (response) => response.text)
 * await Effect.runPromise(Effect.provide(program, layer)) // => "Hello"
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: {
  readonly model: string
  readonly config?: Options | undefined
}): Layer.Layer<LanguageModel.LanguageModel, never, HfClient> =>
  Layer.effect(LanguageModel.LanguageModel, make(options))

/**
 * A model by its name on Hugging Face, with the options of its requests; it also tells programs the names of provider
 * and model. Through the router a name may end in a provider: `"meta-llama/Llama-3.3-70B-Instruct:groq"`.
 *
 * @example
 * ```ts
 * import { HfLanguageModel } from "@memory-r1/backend-hf"
 *
 * const model = HfLanguageModel.model("meta-llama/Llama-3.3-70B-Instruct", { temperature: 0, maxTokens: 512 })
 * model.provider // => "huggingface"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const model = (
  name: string,
  config?: Options
): Model.Model<"huggingface", LanguageModel.LanguageModel, HfClient> =>
  Model.make("huggingface", name, layer({ model: name, config }))

/**
 * Other options for the requests of one effect. Inner overrides win over outer ones, and both over those of the model.
 *
 * @example
 * ```ts
 * import { HfClient, HfLanguageModel } from "@memory-r1/backend-hf"
 * import { Effect } from "effect"
 * import { LanguageModel } from "effect/ai"
 *
 * // A fetch that answers with the temperature that it was asked for.
 * const fetch: typeof globalThis.fetch = async (_url, init) => {
 *   const { temperature } = JSON.parse(String(init?.body))
 *   return Response.json({ choices: [{ finish_reason: "stop", message: { content: String(temperature) } }] })
 * }
 * const program = LanguageModel.generateText({ prompt: "Hello" }).pipe(
 *   HfLanguageModel.withConfigOverride({ temperature: 1 }),
 *   Effect.map((response) => response.text),
 *   Effect.provide(HfLanguageModel.model("any", { temperature: 0 })),
 *   Effect.provide(HfClient.layer({ endpointUrl: "http://localhost:8080", fetch }))
 * )
 * await Effect.runPromise(program) // => "1"
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const withConfigOverride: {
  (overrides: Options): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, Exclude<R, Config>>
  <A, E, R>(self: Effect.Effect<A, E, R>, overrides: Options): Effect.Effect<A, E, Exclude<R, Config>>
} = Configuration.overriding(Config)
