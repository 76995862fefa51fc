// Real models of the AI SDK, of both specifications, over a real HTTP server.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible"
import { assert, describe, it } from "@effect/vitest"
import { AiSdk } from "@memory-r1/core"
import { Duration, Effect, Fiber, Schema } from "effect"
import { type AiError, EmbeddingModel, LanguageModel } from "effect/ai"
import { TestClock } from "effect/testing"
import { createOpenAICompatible as createOpenAICompatibleV3 } from "openai-compatible-v3"
import { completion, type Handler, json, says, serve } from "../../backend-hf/test/server.ts"

type Tag = AiError.AiErrorReason["_tag"]

const providers = { v4: createOpenAICompatible, v3: createOpenAICompatibleV3 } as const

const conversation = [
  { role: "system" as const, content: "Be brief." },
  { role: "user" as const, content: [{ type: "text" as const, text: "Where does Ann live?" }] },
  {
    role: "assistant" as const,
    content: [{ type: "reasoning" as const, text: "Let me see." }, { type: "text" as const, text: "In Oslo." }]
  },
  { role: "user" as const, content: [{ type: "text" as const, text: "Since when?" }] }
]
const Facts = Schema.Struct({ facts: Schema.Array(Schema.String), note: Schema.optionalKey(Schema.String) })
const facts = LanguageModel.generateObject({ objectName: "facts", schema: Facts, prompt: "Ann lives in Oslo." })

for (const version of ["v4", "v3"] as const) {
  /** A provider that asks a server. */
  const open = (handler: Handler, settings: { readonly supportsStructuredOutputs?: boolean } = {}) =>
    Effect.map(serve(handler), (server) => ({
      ...server,
      provider: providers[version]({ name: "local", baseURL: `${server.url}/v1`, apiKey: "sk-secret", ...settings })
    }))

  describe(`AiSdk, a language model of ${version} over HTTP`, () => {
    it.effect("is sent every message and option, and gives text, finish reason and usage", () =>
      Effect.gen(function*() {
        const { provider, requests } = yield* open((_, response) =>
          json(response, {
            ...completion({ content: "Since May.", reasoning_content: "She said so." }, { finish_reason: "length" }),
            usage: {
              prompt_tokens: 12,
              completion_tokens: 7,
              prompt_tokens_details: { cached_tokens: 4 },
              completion_tokens_details: { reasoning_tokens: 5 }
            }
          })
        )
        const model = provider.chatModel("qwen3")
        assert.strictEqual(model.specificationVersion, version)
        const options = { temperature: 0, topP: 0.9, maxTokens: 3, seed: 7, stop: ["\n"], headers: { "x-trace": "1" } }
        const answer = yield* Effect.provide(
          LanguageModel.generateText({ prompt: conversation }),
          AiSdk.layerLanguageModel(model, options)
        )
        assert.deepStrictEqual([answer.text, answer.finishReason], ["Since May.", "length"])
        assert.deepStrictEqual({ ...answer.usage.inputTokens }, {
          total: 12,
          uncached: 8,
          cacheRead: 4,
          cacheWrite: undefined
        })
        assert.deepStrictEqual({ ...answer.usage.outputTokens }, { total: 7, text: 2, reasoning: 5 })
        const [{ body, headers, path }] = requests as [typeof requests[number]]
        assert.strictEqual(path, "/v1/chat/completions")
        assert.deepStrictEqual([headers.authorization, headers["x-trace"]], ["Bearer sk-secret", "1"])
        assert.deepStrictEqual(
          [body.temperature, body.top_p, body.max_tokens, body.seed, body.stop, body.response_format],
          [0, 0.9, 3, 7, ["\n"], undefined]
        )
        assert.deepStrictEqual(body.messages, [
          { role: "system", content: "Be brief." },
          { role: "user", content: "Where does Ann live?" },
          { role: "assistant", content: "In Oslo." },
          { role: "user", content: "Since when?" }
        ])
      }).pipe(Effect.scoped))

    it.effect("sends no option that nobody chose", () =>
      Effect.gen(function*() {
        const { provider, requests } = yield* open(says("Hello"))
        yield* Effect.provide(
          LanguageModel.generateText({ prompt: "Hello" }),
          AiSdk.layerLanguageModel(provider.chatModel("qwen3"))
        )
        assert.deepStrictEqual(Object.keys(requests[0]!.body).sort(), ["messages", "model"])
      }).pipe(Effect.scoped))

    it.effect("is asked for objects by their schema", () =>
      Effect.gen(function*() {
        const { provider, requests } = yield* open(says(`{"facts":["Ann lives in Oslo"],"note":null}`), {
          supportsStructuredOutputs: true
        })
        const { value } = yield* Effect.provide(facts, AiSdk.layerLanguageModel(provider.chatModel("qwen3")))
        assert.deepStrictEqual(value, { facts: ["Ann lives in Oslo"] })
        assert.lengthOf(requests, 1)
        assert.deepStrictEqual(requests[0]!.body.response_format, {
          type: "json_schema",
          json_schema: {
            name: "facts",
            strict: true,
            schema: {
              type: "object",
              properties: {
                facts: { type: "array", items: { type: "string" } },
                note: { anyOf: [{ type: "string" }, { type: "null" }] }
              },
              required: ["facts", "note"],
              additionalProperties: false
            }
          }
        })
      }).pipe(Effect.scoped))

    it.effect("is told the schema in words where it takes none, and from then on at once", () =>
      Effect.gen(function*() {
        const { provider, requests } = yield* open(says(`{"facts":[],"note":"none"}`))
        yield* Effect.gen(function*() {
          assert.deepStrictEqual((yield* facts).value, { facts: [], note: "none" })
          assert.lengthOf(requests, 2)
          yield* facts
          assert.lengthOf(requests, 3)
        }).pipe(Effect.provide(AiSdk.layerLanguageModel(provider.chatModel("qwen3"))))
        const told = requests.map(({ body }) => JSON.stringify(body.messages).includes("JSON Schema"))
        assert.deepStrictEqual(told, [false, true, true])
        assert.deepStrictEqual(requests[2]!.body.response_format, { type: "json_object" })
      }).pipe(Effect.scoped))

    it.effect("gives what it wrote where that fits no schema", () =>
      Effect.gen(function*() {
        const { provider } = yield* open(says("I would rather not."), { supportsStructuredOutputs: true })
        const error = yield* Effect.flip(
          Effect.provide(facts, AiSdk.layerLanguageModel(provider.chatModel("qwen3")))
        )
        assert.strictEqual(
          error._tag === "AiError" && error.reason._tag === "StructuredOutputError" && error.reason.responseText,
          "I would rather not."
        )
      }).pipe(Effect.scoped))

    const refusals: ReadonlyArray<readonly [status: number, tag: Tag, code?: string]> = [
      [400, "InvalidRequestError"],
      [401, "AuthenticationError"],
      [402, "QuotaExhaustedError"],
      [403, "AuthenticationError"],
      [404, "InvalidRequestError"],
      [408, "InternalProviderError"],
      [429, "RateLimitError"],
      [429, "QuotaExhaustedError", "insufficient_quota"],
      [500, "InternalProviderError"],
      [503, "InternalProviderError"]
    ]
    for (const [status, tag, code = "some_code"] of refusals) {
      it.effect(`fails with ${tag} at ${status}, ${code}`, () =>
        Effect.gen(function*() {
          const { provider } = yield* open((_, response) =>
            json(response, { error: { message: "It is not to be.", code } }, status, { "retry-after": "7" })
          )
          const error = yield* Effect.flip(Effect.provide(
            LanguageModel.generateText({ prompt: "My name is xyzzy" }),
            AiSdk.layerLanguageModel(provider.chatModel("qwen3"))
          ))
          assert.strictEqual(error._tag === "AiError" && error.reason._tag, tag)
          assert.notMatch(`${error.message} ${JSON.stringify(error)}`, /sk-secret|xyzzy/)
          if (tag === "RateLimitError") assert.strictEqual(Duration.toSeconds(error.retryAfter!), 7)
          else if (tag !== "QuotaExhaustedError") assert.include(error.message, "It is not to be.")
          assert.strictEqual(error.isRetryable, /RateLimit|InternalProvider/.test(tag))
        }).pipe(Effect.scoped))
    }

    it.effect("fails with RateLimitError that says until when to wait, by a date", () =>
      Effect.gen(function*() {
        const { provider } = yield* open((_, response) =>
          json(response, { error: { message: "Wait." } }, 429, { "retry-after": new Date(90_000).toUTCString() })
        )
        yield* TestClock.setTime(60_000)
        const error = yield* Effect.flip(Effect.provide(
          LanguageModel.generateText({ prompt: "Hello" }),
          AiSdk.layerLanguageModel(provider.chatModel("qwen3"))
        ))
        assert.strictEqual(error._tag === "AiError" && Duration.toSeconds(error.retryAfter!), 30)
      }).pipe(Effect.scoped))

    const brokenAnswers: ReadonlyArray<readonly [what: string, tag: Tag, handler: Handler]> = [
      ["text that is not JSON", "InvalidResponseError", (_, response) => void response.end("<html>")],
      ["JSON of another form", "InvalidResponseError", (_, response) => json(response, { choices: "none" })],
      ["a connection that breaks", "NetworkError", (_, response) => void response.destroy()]
    ]
    for (const [what, tag, handler] of brokenAnswers) {
      it.effect(`fails with ${tag} at ${what}`, () =>
        Effect.gen(function*() {
          const { provider } = yield* open(handler)
          const error = yield* Effect.flip(Effect.provide(
            LanguageModel.generateText({ prompt: "Hello" }),
            AiSdk.layerLanguageModel(provider.chatModel("qwen3"))
          ))
          assert.strictEqual(error._tag === "AiError" && error.reason._tag, tag)
        }).pipe(Effect.scoped))
    }

    it.effect("fails with NetworkError where nobody listens", () =>
      Effect.gen(function*() {
        const { provider, url } = yield* Effect.scoped(open(says("Hello")))
        const error = yield* Effect.flip(Effect.provide(
          LanguageModel.generateText({ prompt: "Hello" }),
          AiSdk.layerLanguageModel(provider.chatModel("qwen3"))
        ))
        assert.strictEqual(
          error._tag === "AiError" && error.reason._tag === "NetworkError" && error.reason.url,
          `${url}/v1/chat/completions`
        )
      }))

    it.live("aborts the request when it is interrupted", () =>
      Effect.gen(function*() {
        const { arrived, provider } = yield* open(() => {})
        const fiber = yield* Effect.forkChild(Effect.provide(
          LanguageModel.generateText({ prompt: "Hello" }),
          AiSdk.layerLanguageModel(provider.chatModel("qwen3"))
        ))
        const { aborted } = yield* Effect.promise(() => arrived)
        yield* Fiber.interrupt(fiber)
        yield* Effect.promise(() => aborted)
      }).pipe(Effect.scoped))
  })

  describe(`AiSdk, an embedding model of ${version} over HTTP`, () => {
    const vectors: Handler = ({ body }, response) =>
      json(response, {
        data: (body.input as ReadonlyArray<string>).map((text) => ({ embedding: [text.length, 1] })),
        usage: { prompt_tokens: (body.input as ReadonlyArray<string>).length }
      })
    const embed = (texts: ReadonlyArray<string>) => EmbeddingModel.EmbeddingModel.use((model) => model.embedMany(texts))

    it.effect("gives a vector for each text, in order, in requests as large as it takes", () =>
      Effect.gen(function*() {
        const { provider, requests } = yield* open(vectors)
        const model = provider.embeddingModel("minilm")
        assert.strictEqual(model.specificationVersion, version)
        const most = Number(yield* Effect.promise(async () => model.maxEmbeddingsPerCall))
        const texts = Array.from({ length: most + 3 }, (_, i) => "x".repeat(i))
        const { embeddings, usage } = yield* Effect.provide(embed(texts), AiSdk.layerEmbeddingModel(model))
        assert.deepStrictEqual(embeddings.map(({ vector }) => vector), texts.map((text) => [text.length, 1]))
        assert.strictEqual(usage.inputTokens, most + 3)
        assert.deepStrictEqual(requests.map(({ body }) => (body.input as ReadonlyArray<string>).length), [most, 3])
      }).pipe(Effect.scoped))

    it.effect("fails as language models do, and where a vector is missing", () =>
      Effect.gen(function*() {
        const { provider } = yield* open((request, response, nth) =>
          nth === 0 ? json(response, { error: { message: "Who?" } }, 401) : json(response, { data: [] })
        )
        const tag = Effect.map(Effect.flip(embed(["a"])), ({ reason }) => reason._tag)
        yield* Effect.gen(function*() {
          assert.strictEqual(yield* tag, "AuthenticationError")
          assert.strictEqual(yield* tag, "InvalidOutputError")
        }).pipe(Effect.provide(AiSdk.layerEmbeddingModel(provider.embeddingModel("minilm"))))
      }).pipe(Effect.scoped))
  })
}
