// The AI SDK's own mocks, for what no server can be brought to say.
import {
  type EmbeddingModelV3,
  type EmbeddingModelV4,
  type LanguageModelV3,
  type LanguageModelV4,
  LoadAPIKeyError,
  UnsupportedFunctionalityError
} from "@ai-sdk/provider"
import { assert, describe, it } from "@effect/vitest"
import { AiSdk } from "@memory-r1/core"
import { MockEmbeddingModelV4, MockLanguageModelV3, MockLanguageModelV4 } from "ai/test"
import { Effect, Schema, Stream } from "effect"
import { EmbeddingModel, LanguageModel, Tool, Toolkit } from "effect/ai"

// Whatever a program has as a value of these types fits.
const fits = {
  languageModel: [
    (model: LanguageModelV4): AiSdk.LanguageModelLike => model,
    (model: LanguageModelV3): AiSdk.LanguageModelLike => model
  ],
  embeddingModel: [
    (model: EmbeddingModelV4): AiSdk.EmbeddingModelLike => model,
    (model: EmbeddingModelV3): AiSdk.EmbeddingModelLike => model
  ]
}

const Facts = Schema.Struct({ facts: Schema.Array(Schema.String), note: Schema.optionalKey(Schema.String) })
const facts = LanguageModel.generateObject({ objectName: "facts", schema: Facts, prompt: "Ann lives in Oslo." })

describe("AiSdk, over the AI SDK's mocks", () => {
  const usage = {
    inputTokens: { total: 3, noCache: 3, cacheRead: undefined, cacheWrite: undefined },
    outputTokens: { total: Number.NaN, text: undefined, reasoning: undefined }
  }
  const ask = LanguageModel.generateText({ prompt: "Hello" })
  const reasonOf = (model: AiSdk.LanguageModelLike) =>
    Effect.map(
      Effect.flip(Effect.provide(ask, AiSdk.layerLanguageModel(model))),
      (error) => error._tag === "AiError" && error.reason._tag
    )
  const throws = (error: unknown) => new MockLanguageModelV4({ doGenerate: () => Promise.reject(error) })

  it("takes the types of the AI SDK as they are", () => {
    const model = new MockLanguageModelV4()
    assert.isTrue(fits.languageModel.every((fit) => fit(model as never) === model as unknown))
    const embedding = new MockEmbeddingModelV4()
    assert.isTrue(fits.embeddingModel.every((fit) => fit(embedding as never) === embedding as unknown))
  })

  it.effect("joins pieces of text, leaves out what was thought, and does not count what is no number", () =>
    Effect.gen(function*() {
      const model = new MockLanguageModelV3({
        doGenerate: {
          content: [
            { type: "reasoning", text: "Hm." },
            { type: "text", text: "Os" },
            { type: "text", text: "lo" }
          ],
          finishReason: { unified: "stop", raw: "stop" },
          usage,
          warnings: []
        }
      })
      const answer = yield* Effect.provide(ask, AiSdk.layerLanguageModel(model))
      assert.deepStrictEqual([answer.text, answer.finishReason], ["Oslo", "stop"])
      assert.deepStrictEqual([answer.usage.inputTokens.total, answer.usage.outputTokens.total], [3, undefined])
      assert.deepStrictEqual(model.doGenerateCalls[0]!.prompt, [
        { role: "user", content: [{ type: "text", text: "Hello" }] }
      ])
    }))

  it.effect("reads the object from the text that the model chose for it", () =>
    Effect.gen(function*() {
      const model = new MockLanguageModelV4({
        doGenerate: {
          content: [{ type: "text", text: "A draft: {}" }],
          structuredOutputText: `{"facts":["Ann lives in Oslo"],"note":null}`,
          finishReason: { unified: "interrupted", raw: undefined },
          usage,
          warnings: []
        }
      })
      const { finishReason, value } = yield* Effect.provide(facts, AiSdk.layerLanguageModel(model))
      assert.deepStrictEqual([value, finishReason], [{ facts: ["Ann lives in Oslo"] }, "other"])
    }))

  it.effect("streams in one piece", () =>
    Effect.gen(function*() {
      const model = new MockLanguageModelV4({
        doGenerate: {
          content: [{ type: "text", text: "Oslo" }],
          finishReason: { unified: "stop", raw: undefined },
          usage,
          warnings: []
        }
      })
      const parts = yield* Stream.runCollect(LanguageModel.streamText({ prompt: "Where?" })).pipe(
        Effect.provide(AiSdk.layerLanguageModel(model))
      )
      assert.deepStrictEqual(Array.from(parts, ({ type }) => type), [
        "response-metadata",
        "text-start",
        "text-delta",
        "text-end",
        "finish"
      ])
    }))

  it.effect("fails with the reason of what was thrown", () =>
    Effect.gen(function*() {
      const apiKey = new LoadAPIKeyError({ message: "OPENAI_API_KEY is missing" })
      assert.strictEqual(yield* reasonOf(throws(apiKey)), "AuthenticationError")
      const unsupported = new UnsupportedFunctionalityError({ functionality: "system messages" })
      assert.strictEqual(yield* reasonOf(throws(unsupported)), "InvalidRequestError")
      assert.strictEqual(yield* reasonOf(throws(new Error("What?"))), "UnknownError")
      assert.strictEqual(yield* reasonOf(throws("What?")), "UnknownError")
      const stopped = new MockLanguageModelV4({
        doGenerate: { content: [], finishReason: { unified: "error", raw: "oops" }, usage, warnings: [] }
      })
      assert.strictEqual(yield* reasonOf(stopped), "InternalProviderError")
    }))

  it.effect("hands on no tools and no files", () =>
    Effect.gen(function*() {
      const model = new MockLanguageModelV4()
      const toolkit = Toolkit.make(Tool.make("Clock", { description: "The time", success: Schema.String }))
      const withTool = LanguageModel.generateText({ prompt: "What time is it?", toolkit }).pipe(
        Effect.provide(toolkit.toLayer({ Clock: () => Effect.succeed("noon") }))
      )
      const withFile = LanguageModel.generateText({
        prompt: [{ role: "user", content: [{ type: "file", mediaType: "image/png", data: new Uint8Array(1) }] }]
      })
      const tags = yield* Effect.forEach([Effect.asVoid(withTool), Effect.asVoid(withFile)], (program) =>
        Effect.map(
          Effect.flip(Effect.provide(program, AiSdk.layerLanguageModel(model))),
          (error) => error._tag === "AiError" && error.reason._tag
        ))
      assert.deepStrictEqual(tags, ["ToolConfigurationError", "InvalidUserInputError"])
      assert.lengthOf(model.doGenerateCalls, 0)
    }))

  it.effect("asks an embedding model for vectors of a length", () =>
    Effect.gen(function*() {
      const model = new MockEmbeddingModelV4({
        maxEmbeddingsPerCall: Infinity,
        doEmbed: async ({ dimensions, values }) => ({
          embeddings: values.map(() => Array.from({ length: dimensions! }, () => 1)),
          warnings: []
        })
      })
      const layer = AiSdk.layerEmbeddingModel(model, { dimensions: 3 })
      const { vector } = yield* Effect.provide(EmbeddingModel.EmbeddingModel.use((model) => model.embed("a")), layer)
      assert.deepStrictEqual(vector, [1, 1, 1])
    }))
})
