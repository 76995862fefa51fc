/**
 * Models of the AI SDK (`ai`, `@ai-sdk/*`) behind `LanguageModel` and `EmbeddingModel` of `effect/ai`. Its types are
 * described here as far as they are used, so that nothing of it has to be installed.
 *
 * @since 0.1.0
 */
import { AiError, EmbeddingModel, LanguageModel, OpenAiStructuredOutput, type Response, Telemetry } from "effect/ai"
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SchemaAST from "effect/SchemaAST"
import * as Stream from "effect/Stream"
import { reasonOf } from "./internal/aiSdkError.ts"
import { defined } from "./internal/defined.ts"

/**
 * A message as it is sent: text alone.
 *
 * @category models
 * @since 0.1.0
 */
export type Message =
  | { role: "system"; content: string }
  | { role: "user"; content: Array<{ type: "text"; text: string }> }
  | { role: "assistant"; content: Array<{ type: "text"; text: string }> }

/**
 * What a language model is asked, in the words of the AI SDK.
 *
 * @category models
 * @since 0.1.0
 */
export interface CallOptions {
  prompt: Array<Message>
  maxOutputTokens?: number
  temperature?: number
  topP?: number
  seed?: number
  stopSequences?: Array<string>
  responseFormat?: { type: "text" } | { type: "json"; name?: string; description?: string; schema?: object }
  abortSignal?: AbortSignal
  headers?: Record<string, string>
}

/**
 * What a language model answers, as far as it is read.
 *
 * @category models
 * @since 0.1.0
 */
export interface Answer {
  readonly content: ReadonlyArray<{ readonly type: string; readonly text?: string | undefined }>
  readonly structuredOutputText?: string | undefined
  readonly finishReason: { readonly unified: string }
  readonly usage: {
    readonly inputTokens: {
      readonly total: number | undefined
      readonly noCache: number | undefined
      readonly cacheRead: number | undefined
      readonly cacheWrite: number | undefined
    }
    readonly outputTokens: {
      readonly total: number | undefined
      readonly text: number | undefined
      readonly reasoning: number | undefined
    }
  }
  readonly response?: { readonly id?: string | undefined; readonly modelId?: string | undefined } | undefined
  readonly warnings: ReadonlyArray<{ readonly type: string; readonly feature?: string | undefined }>
}

/**
 * A language model of the AI SDK: `LanguageModelV4` and `LanguageModelV3` fit, such as `openai("gpt-5-mini")`.
 *
 * @category models
 * @since 0.1.0
 */
export interface LanguageModelLike {
  readonly specificationVersion: "v3" | "v4"
  readonly provider: string
  readonly modelId: string
  doGenerate(options: CallOptions): PromiseLike<Answer>
}

/**
 * An embedding model of the AI SDK: `EmbeddingModelV4` and `EmbeddingModelV3` fit, such as
 * `openai.embedding("text-embedding-3-small")`.
 *
 * @category models
 * @since 0.1.0
 */
export interface EmbeddingModelLike {
  readonly specificationVersion: "v3" | "v4"
  readonly provider: string
  readonly modelId: string
  readonly maxEmbeddingsPerCall: PromiseLike<number | undefined> | number | undefined
  doEmbed(options: {
    values: Array<string>
    dimensions?: number
    abortSignal?: AbortSignal
    headers?: Record<string, string>
  }): PromiseLike<{
    readonly embeddings: ReadonlyArray<Array<number>>
    readonly usage?: { readonly tokens: number } | undefined
  }>
}

/**
 * How to generate. What is omitted is the provider's choice.
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
  readonly headers?: Readonly<Record<string, string>> | undefined
}

const fail = (method: string, reason: AiError.AiErrorReason) =>
  Effect.fail(AiError.make({ module: "AiSdk", method, reason }))

// Interruption aborts the request.
const attempt = <A>(method: string, call: (abortSignal: AbortSignal) => PromiseLike<A>) =>
  Effect.tryPromise({ try: async (signal) => call(signal), catch: (error) => ({ error }) }).pipe(
    Effect.catch(({ error }) => Effect.flatMap(Clock.currentTimeMillis, (now) => fail(method, reasonOf(error, now))))
  )

// What a model thought, and what tools said, is not repeated to it.
const messagesOf = Effect.fnUntraced(function*(method: string, { prompt, tools }: LanguageModel.ProviderOptions) {
  if (tools.length > 0) {
    return yield* fail(
      method,
      new AiError.ToolConfigurationError({
        toolName: tools[0]!.name,
        description: "Tools are not handed on to models of the AI SDK: ask for an object with a schema instead"
      })
    )
  }
  const messages: Array<Message> = []
  for (const message of prompt.content) {
    if (message.role === "system") messages.push({ role: "system", content: message.content })
    if (message.role !== "user" && message.role !== "assistant") continue
    if (message.content.some(({ type }) => type === "file")) {
      const description = "Files are not handed on to models of the AI SDK, only text"
      return yield* fail(method, new AiError.InvalidUserInputError({ description }))
    }
    const content = message.content.flatMap((part) =>
      part.type === "text" ? [{ type: "text" as const, text: part.text }] : []
    )
    if (content.length > 0) messages.push({ role: message.role, content })
  }
  return messages
})

type JsonFormat = Extract<CallOptions["responseFormat"], { type: "json" }>

const formatOf = Effect.fnUntraced(
  function*(method: string, { responseFormat: format }: LanguageModel.ProviderOptions) {
    if (format.type === "text") return undefined
    const { jsonSchema } = yield* Effect.try({
      try: () => OpenAiStructuredOutput.toCodecOpenAI(format.schema),
      catch: (error) => new AiError.UnsupportedSchemaError({ description: String(error) })
    }).pipe(Effect.catch((reason) => fail(method, reason)))
    const description = SchemaAST.resolveDescription(format.schema.ast)
    return { type: "json", name: format.objectName, schema: jsonSchema, ...defined({ description }) } as JsonFormat
  }
)

const inWords = ([first, ...rest]: ReadonlyArray<Message>, { schema }: JsonFormat): Array<Message> => {
  const told = `Answer with one JSON value that fits this JSON Schema, and with nothing else:\n${
    JSON.stringify(schema)
  }`
  if (first?.role === "system") return [{ role: "system", content: `${first.content}\n\n${told}` }, ...rest]
  return [{ role: "system", content: told }, ...(first === undefined ? [] : [first]), ...rest]
}

// A provider that does not count says NaN, or nothing.
const counts = <K extends string>(tokens: Readonly<Record<K, number | undefined>>) =>
  Object.fromEntries(
    Object.entries(tokens).map(([key, n]) => [key, Number.isSafeInteger(n) ? n : undefined])
  ) as Record<
    K,
    number | undefined
  >

const finishReasons: ReadonlySet<string> = new Set<Response.FinishReason>([
  "stop",
  "length",
  "content-filter",
  "tool-calls",
  "error"
])

const textOf = ({ content, structuredOutputText }: Answer, isJson: boolean): string =>
  (isJson ? structuredOutputText : undefined) ??
    content.map(({ text = "", type }) => type === "text" ? text : "").join("")

const partsOf = (answer: Answer, isJson: boolean) => {
  const text = textOf(answer, isJson)
  const { finishReason: { unified }, response, usage } = answer
  const { noCache, ...input } = counts(usage.inputTokens)
  return {
    text,
    metadata: { type: "response-metadata" as const, id: response?.id, modelId: response?.modelId },
    finish: {
      type: "finish" as const,
      reason: finishReasons.has(unified) ? unified as Response.FinishReason : "other" as const,
      usage: { inputTokens: { ...input, uncached: noCache }, outputTokens: counts(usage.outputTokens) }
    }
  }
}

/**
 * Makes a `LanguageModel` over a model of the AI SDK.
 *
 * Structured output (`generateObject`) is asked for as the AI SDK's JSON response format, in the subset of JSON Schema
 * that OpenAI's strict mode allows; a model that says that it cannot take a schema is told it in words. Reasoning is
 * not part of the text. A stream comes in one piece. Nothing is retried here, and interruption aborts the request.
 *
 * Fails with an `AiError`: `AuthenticationError` (401, 403, no key), `QuotaExhaustedError` (402, no credit),
 * `RateLimitError` with `retryAfter` (429), `InvalidRequestError` (other 4xx), `InternalProviderError` (408, 409,
 * 5xx), `NetworkError` (no connection), `InvalidResponseError` (an answer that cannot be read), and with
 * `ToolConfigurationError` and `InvalidUserInputError` for tools and files, which are not handed on.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeLanguageModel = Effect.fnUntraced(function*(
  model: LanguageModelLike,
  { headers, maxTokens, seed, stop, temperature, topP }: Options = {}
): Effect.fn.Return<LanguageModel.LanguageModel> {
  // Whether schemas are told in words.
  let isTold = false
  const generate = Effect.fnUntraced(function*(method: string, options: LanguageModel.ProviderOptions) {
    Telemetry.addGenAIAnnotations(options.span, {
      provider: { name: model.provider },
      operation: { name: "chat" },
      request: { model: model.modelId, temperature, topP, maxTokens }
    })
    const prompt = yield* messagesOf(method, options)
    const format = yield* formatOf(method, options)
    const call = (prompt: Array<Message>) =>
      attempt(method, (abortSignal) =>
        model.doGenerate({
          prompt,
          abortSignal,
          ...defined({
            maxOutputTokens: maxTokens,
            temperature,
            topP,
            seed,
            stopSequences: stop === undefined ? undefined : [...stop],
            responseFormat: format,
            headers
          })
        }))
    let answer = yield* call(format !== undefined && isTold ? inWords(prompt, format) : prompt)
    if (format !== undefined && !isTold && answer.warnings.some(({ feature }) => feature === "responseFormat")) {
      isTold = true
      answer = yield* call(inWords(prompt, format))
    }
    const parts = partsOf(answer, format !== undefined)
    if (parts.text === "" && parts.finish.reason === "error") {
      const description = "The model stopped with an error"
      return yield* fail(method, new AiError.InternalProviderError({ description }))
    }
    Telemetry.addGenAIAnnotations(options.span, {
      response: { id: parts.metadata.id, model: parts.metadata.modelId, finishReasons: [parts.finish.reason] },
      usage: {
        inputTokens: parts.finish.usage.inputTokens.total,
        outputTokens: parts.finish.usage.outputTokens.total
      }
    })
    return parts
  })
  return yield* LanguageModel.make({
    codecTransformer: OpenAiStructuredOutput.toCodecOpenAI,
    generateText: (options) =>
      Effect.map(generate("generateText", options), ({ finish, metadata, text }) => [
        metadata,
        ...(text === "" ? [] : [{ type: "text" as const, text }]),
        finish
      ]),
    streamText: (options) =>
      Stream.fromIterableEffect(
        Effect.map(generate("streamText", options), ({ finish, metadata, text }) => [
          metadata,
          { type: "text-start" as const, id: "0" },
          { type: "text-delta" as const, id: "0", delta: text },
          { type: "text-end" as const, id: "0" },
          finish
        ])
      )
  })
})

/**
 * A model of the AI SDK as a layer, with the options of its requests. `createMemory` takes the model itself; use this
 * to set a temperature, or with Effect.
 *
 * @example
 * ```ts
 * import { AiSdk } from "@memory-r1/core"
 * import { Effect } from "effect"
 * import { LanguageModel } from "effect/ai"
 *
 * // In a program: openai("gpt-5-mini") of @ai-sdk/openai. Here a model that answers with its temperature.
 * const model: AiSdk.LanguageModelLike = {
 *   specificationVersion: "v4",
 *   provider: "example",
 *   modelId: "example",
 *   doGenerate: async ({ temperature }) => ({
 *     content: [{ type: "text", text: `${temperature}` }],
 *     finishReason: { unified: "stop" },
 *     usage: {
 *       inputTokens: { total: 9, noCache: 9, cacheRead: 0, cacheWrite: 0 },
 *       outputTokens: { total: 1, text: 1, reasoning: 0 }
 *     },
 *     warnings: []
 *   })
 * }
 * const program = Effect.map(LanguageModel.generateText({ prompt: "Hello" }), ({ text }) => text)
 * await Effect.runPromise(Effect.provide(program, AiSdk.layerLanguageModel(model, { temperature: 0 }))) // => "0"
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerLanguageModel = (
  model: LanguageModelLike,
  options?: Options
): Layer.Layer<LanguageModel.LanguageModel> =>
  Layer.effect(LanguageModel.LanguageModel, makeLanguageModel(model, options))

/**
 * An embedding model of the AI SDK as a layer. Texts go in batches as large as the model takes. `dimensions` asks a
 * model of specification v4 for vectors of that length. Errors: see `makeLanguageModel`.
 *
 * @example
 * ```ts
 * import { AiSdk } from "@memory-r1/core"
 * import { Effect } from "effect"
 * import { EmbeddingModel } from "effect/ai"
 *
 * const model: AiSdk.EmbeddingModelLike = {
 *   specificationVersion: "v4",
 *   provider: "example",
 *   modelId: "example",
 *   maxEmbeddingsPerCall: 2,
 *   doEmbed: async ({ values }) => ({ embeddings: values.map((text) => [text.length, values.length]) })
 * }
 * const program = EmbeddingModel.EmbeddingModel.use((model) => model.embedMany(["a", "bb", "ccc"]))
 * const { embeddings } = await Effect.runPromise(Effect.provide(program, AiSdk.layerEmbeddingModel(model)))
 * embeddings.map(({ vector }) => vector) // => [[1, 2], [2, 2], [3, 1]]
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerEmbeddingModel = (
  model: EmbeddingModelLike,
  options: { readonly dimensions?: number | undefined; readonly headers?: Options["headers"] } = {}
): Layer.Layer<EmbeddingModel.EmbeddingModel> =>
  Layer.effect(
    EmbeddingModel.EmbeddingModel,
    EmbeddingModel.make({
      embedMany: Effect.fnUntraced(function*({ inputs }) {
        const method = "embedMany"
        const most = yield* attempt(method, async () => model.maxEmbeddingsPerCall)
        const batches = Arr.chunksOf(inputs, Math.max(1, Math.min(most ?? Infinity, inputs.length)))
        const answers = yield* Effect.forEach(batches, (values) =>
          attempt(method, (abortSignal) => model.doEmbed({ values, abortSignal, ...defined(options) })))
        const tokens = answers.map(({ usage }) =>
          usage?.tokens ?? NaN
        ).reduce((sum, n) => sum + n, 0)
        return {
          results: answers.flatMap(({ embeddings }) => embeddings),
          usage: { inputTokens: Number.isSafeInteger(tokens) ? tokens : undefined }
        }
      })
    })
  )
