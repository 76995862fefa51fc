// The real engine under effect/ai: tiny checkpoints, one of them trained here until it says what it should.
// @module-tag slow
import { assert, describe, it } from "@effect/vitest"
import { OnnxLanguageModel, OnnxLearner, OnnxModel } from "@memory-r1/backend-onnx"
import { Objective } from "@memory-r1/core/rl"
import { Effect, Layer, Schema, Stream } from "effect"
import { LanguageModel, Prompt, Tool, Toolkit } from "effect/ai"
import * as Checkpoints from "./support/checkpoints.ts"

const directory = Checkpoints.directory("qwen3")

// A model that was trained to say one thing after anything that ends as a chat does.
const taught = Effect.fnUntraced(function*(says: string, name = "qwen3") {
  const model = yield* OnnxModel.load(Checkpoints.directory(name), { threads: 1 })
  const { learner } = yield* OnnxLearner.make(model)
  const { tokenizer } = learner.sampler
  const completion = [...tokenizer.encode(says, { addSpecialTokens: false }), tokenizer.stopTokens[0]!]
  const prompts = ["Where does Ann live?", "hello", "the cat sat", "a red ball"].map((content) =>
    tokenizer.applyChatTemplate!([{ role: "user", content }])
  )
  for (let i = 0; i < 60; i++) {
    yield* learner.forwardBackward(
      prompts.map((prompt) => ({ prompt, completions: [{ tokens: completion }] })),
      Objective.sft
    )
    yield* learner.optimStep({ learningRate: 0.01, maxGradNorm: 1 })
  }
  return model
})
const serving = (model: OnnxModel.OnnxModel, config: OnnxLanguageModel.Options = {}) =>
  Effect.provide(
    Layer.effect(
      LanguageModel.LanguageModel,
      OnnxLanguageModel.make(model, { config: { temperature: 0, maxTokens: 40, ...config } })
    )
  )

describe("OnnxLanguageModel", () => {
  it.effect("answers through the chat template, ends at the end token, and counts", () =>
    Effect.gen(function*() {
      const model = yield* taught("the cat ran home")
      const response = yield* LanguageModel.generateText({ prompt: "hello" }).pipe(serving(model))
      assert.strictEqual(response.text, "the cat ran home")
      assert.strictEqual(response.finishReason, "stop")
      const { encode } = model.checkpoint.tokenizer
      assert.strictEqual(
        response.usage.outputTokens.total,
        encode("the cat ran home", { addSpecialTokens: false }).length + 1
      )
      assert.strictEqual(
        response.usage.inputTokens.total,
        model.checkpoint.tokenizer.applyChatTemplate!([{ role: "user", content: "hello" }]).length
      )

      const short = yield* LanguageModel.generateText({ prompt: "hello" }).pipe(
        OnnxLanguageModel.withConfigOverride({ maxTokens: 2 }),
        serving(model)
      )
      assert.deepStrictEqual([short.finishReason, short.usage.outputTokens.total], ["length", 2])
    }))

  it.effect("stops at a text, which is no part of the answer, and streams nothing of it", () =>
    Effect.gen(function*() {
      const model = yield* taught("the cat ran home and sat")
      for (
        const [stop, text] of [[[" home"], "the cat ran"], [["zzz", "ran", "t r"], "the ca"], [["t"], ""]] as const
      ) {
        const whole = yield* LanguageModel.generateText({ prompt: "hello" }).pipe(serving(model, { stop }))
        assert.deepStrictEqual([whole.text, whole.finishReason], [text, "stop"])
        const parts = yield* LanguageModel.streamText({ prompt: "hello" }).pipe(
          Stream.runCollect,
          serving(model, { stop })
        )
        assert.strictEqual(parts.flatMap((part) => part.type === "text-delta" ? [part.delta] : []).join(""), text)
      }
    }))

  it.effect("streams the answer as it comes, and characters whole", () =>
    Effect.gen(function*() {
      const says = "a café - no, a tea house!"
      const model = yield* taught(says)
      const parts = yield* LanguageModel.streamText({ prompt: "hello" }).pipe(Stream.runCollect, serving(model))
      const deltas = parts.flatMap((part) => part.type === "text-delta" ? [part.delta] : [])
      assert.strictEqual(deltas.join(""), says)
      assert.isAbove(deltas.length, 5)
      for (const delta of deltas) assert.notInclude(delta, "\uFFFD")
      assert.deepStrictEqual([parts[0]!.type, parts.at(-2)!.type, parts.at(-1)!.type], [
        "text-start",
        "text-end",
        "finish"
      ])
    }))

  it.effect("a stream that nobody reads any more stops generating", () =>
    Effect.gen(function*() {
      const model = yield* OnnxModel.load(directory)
      const first = yield* LanguageModel.streamText({ prompt: "hello" }).pipe(
        Stream.filter((part) => part.type === "text-delta"),
        Stream.take(2),
        Stream.runCollect,
        serving(model, { maxTokens: 150 })
      )
      assert.lengthOf(first, 2)
      assert.isBelow(model.timings.get("decode")!, 5000)
    }))

  it.effect("gives what fits the schema, and asks again, with what was wrong, where it does not", () =>
    Effect.gen(function*() {
      const model = yield* OnnxModel.load(directory, { threads: 1 })
      const { learner } = yield* OnnxLearner.make(model)
      const { encode, stopTokens } = learner.sampler.tokenizer
      const heard: Array<ReadonlyArray<{ readonly role: string; readonly content: string }>> = []
      // Prompts short enough for a tiny model to learn: one for each turn of the conversation.
      const prompts = [encode("the dog"), encode("the cat"), encode("a red ball")]
      const tokenizer = {
        ...learner.sampler.tokenizer,
        applyChatTemplate: (messages: ReadonlyArray<{ readonly role: string; readonly content: string }>) => {
          heard.push(messages)
          return prompts[Math.floor((messages.length - 2) / 2)]!
        }
      }
      const completions = ["it is \"three\"", "\"3", "26"].map((
        says
      ) => [...encode(says, { addSpecialTokens: false }), stopTokens[0]!])
      for (let i = 0; i < 80; i++) {
        yield* learner.forwardBackward(
          prompts.map((prompt, j) => ({ prompt, completions: [{ tokens: completions[j]! }] })),
          Objective.sft
        )
        yield* learner.optimStep({ learningRate: 0.01, maxGradNorm: 1 })
      }
      const served = serving({ ...model, checkpoint: { ...model.checkpoint, tokenizer } })
      // Any schema will do, and numbers are all the JSON that this tokenizer can write.
      const schema = Schema.Int as unknown as Schema.Codec<number, Record<string, unknown>>
      const ask = LanguageModel.generateObject({ prompt: "how many?", schema })
      assert.strictEqual((yield* ask.pipe(served)).value, 26)
      assert.deepStrictEqual(heard.map((messages) => messages.map(({ role }) => role)), [
        ["system", "user"],
        ["system", "user", "assistant", "user"],
        ["system", "user", "assistant", "user", "assistant", "user"]
      ])
      assert.match(heard[0]![0]!.content, /fits this JSON Schema.*\n\{.*"integer"/)
      assert.strictEqual(heard[1]![2]!.content, "it is \"three\"")
      assert.match(heard[1]![3]!.content, /^That does not fit the schema:\n/)

      const error = yield* Effect.flip(ask.pipe(OnnxLanguageModel.withConfigOverride({ retries: 1 }), served))
      assert.include(["StructuredOutputError", "InvalidOutputError"], error.reason._tag)
    }))

  // No tiny tokenizer can write braces: here whatever the model writes has these words.
  const wording = Effect.fnUntraced(function*(words: string, template = "") {
    const model = yield* OnnxModel.load(directory, { threads: 1 })
    const prompt = model.checkpoint.tokenizer.encode("hello")
    const tokenizer = {
      ...model.checkpoint.tokenizer,
      applyChatTemplate: () => prompt,
      decode: (tokens: ReadonlyArray<number>) =>
        tokens.length === 0 ? "" : tokens.join() === prompt.slice(-32).join() ? `assistant\n${template}` : words
    }
    return serving({ ...model, checkpoint: { ...model.checkpoint, tokenizer } }, { maxTokens: 3, retries: 0 })
  })
  const facts = LanguageModel.generateObject({
    prompt: "hello",
    schema: Schema.Struct({ facts: Schema.Array(Schema.String) })
  })

  it.effect("reads an object that is fenced, in prose, behind braces of prose or behind reasoning", () =>
    Effect.gen(function*() {
      const object = "{\"facts\":[\"x\"]}"
      for (
        const words of [
          object,
          `Based on {the turn}: ${object}`,
          `\`\`\`json\n${object}\n\`\`\``,
          `~~~\n${object}\n~~~\nThat is [all].`,
          `<think>{"facts":["y"]}?</think>${object}`,
          `{"facts":["y"]}?\n</think>\n\n${object}`,
          "{'facts': ['x',],} // done",
          `{"result": ${object}}`
        ]
      ) assert.deepStrictEqual((yield* facts.pipe(yield* wording(words))).value, { facts: ["x"] }, words)
      for (const words of ["no JSON", `<think>${object}`, "{\"facts\":[\"x\"", "{\"fact\":[\"x\"]}"]) {
        const error = yield* Effect.flip(facts.pipe(yield* wording(words)))
        assert.strictEqual(error.reason._tag, "StructuredOutputError", words)
      }
    }))

  it.effect("tells reasoning that the chat template began as what it is", () =>
    Effect.gen(function*() {
      const begun = "<think>\n"
      assert.strictEqual(
        (yield* LanguageModel.generateText({ prompt: "hello" }).pipe(yield* wording("Rome?", begun))).text,
        "<think>\nRome?"
      )
      assert.strictEqual(
        (yield* LanguageModel.generateText({ prompt: "hello" }).pipe(yield* wording("Oslo", "<think>\n\n</think>\n\n")))
          .text,
        "Oslo"
      )
      const parts = yield* LanguageModel.streamText({ prompt: "hello" }).pipe(
        Stream.runCollect,
        yield* wording("Rome?", begun)
      )
      assert.strictEqual(parts.map((part) => part.type === "text-delta" ? part.delta : "").join(""), "<think>\nRome?")
      assert.strictEqual(
        (yield* Effect.flip(facts.pipe(yield* wording("{\"facts\":[\"x\"]}", begun)))).reason._tag,
        "StructuredOutputError"
      )
      assert.deepStrictEqual((yield* facts.pipe(yield* wording("hm</think>{\"facts\":[\"x\"]}", begun))).value, {
        facts: ["x"]
      })
    }))

  it.effect("the same seed gives the same text, another one another", () =>
    Effect.gen(function*() {
      const model = yield* OnnxModel.load(directory)
      const of = (config: OnnxLanguageModel.Options) =>
        Effect.map(
          LanguageModel.generateText({ prompt: "hello" }).pipe(serving(model, { temperature: 1, ...config })),
          ({ text }) => text
        )
      assert.strictEqual(yield* of({ seed: 4 }), yield* of({ seed: 4 }))
      assert.notStrictEqual(yield* of({ seed: 4 }), yield* of({ seed: 5 }))
      assert.strictEqual(yield* of({ seed: 4, topK: 1 }), yield* of({ temperature: 0 }))
      assert.strictEqual(yield* of({ seed: 4, minP: 1 }), yield* of({ temperature: 0 }))
    }))

  it.effect("a model without a chat template gets the texts, and its layer names what is wrong with a directory", () =>
    Effect.gen(function*() {
      const layer = OnnxLanguageModel.layer({ model: Checkpoints.directory("llama-tied"), config: { maxTokens: 3 } })
      const response = yield* LanguageModel.generateText({
        prompt: [{ role: "system", content: "the dog" }, { role: "user", content: [{ type: "text", text: "ran" }] }]
      })
        .pipe(Effect.provide(layer))
      assert.strictEqual(response.usage.outputTokens.total, 3)
      const error = yield* Effect.flip(
        LanguageModel.generateText({ prompt: "x" }).pipe(Effect.provide(OnnxLanguageModel.layer({ model: "nowhere" })))
      )
      assert.match(error.message, /^nowhere\/config\.json: cannot be read/)
    }))

  it.effect("refuses what it cannot do, with the error of its kind", () =>
    Effect.gen(function*() {
      const model = yield* OnnxModel.load(directory)
      const toolkit = Toolkit.make(
        Tool.make("Weather", { parameters: Schema.Struct({ city: Schema.String }), success: Schema.String })
      )
      const tools = yield* Effect.flip(
        LanguageModel.generateText({ prompt: "hello", toolkit }).pipe(
          serving(model),
          Effect.provide(toolkit.toLayer({ Weather: () => Effect.succeed("sun") }))
        )
      )
      const image = Prompt.make([{
        role: "user",
        content: [{ type: "file", mediaType: "image/png", data: new Uint8Array(2) }]
      }])
      const file = yield* Effect.flip(LanguageModel.generateText({ prompt: image }).pipe(serving(model)))
      const long = yield* Effect.flip(
        LanguageModel.generateText({ prompt: "the dog ".repeat(300) }).pipe(serving(model))
      )
      const odd = yield* Effect.flip(
        LanguageModel.streamText({ prompt: "x" }).pipe(Stream.runCollect, serving(model, { topP: 2 }))
      )
      assert.deepStrictEqual(
        [tools, file, long, odd].map((error) => (error as { readonly reason: { readonly _tag: string } }).reason._tag),
        [
          "ToolConfigurationError",
          "InvalidUserInputError",
          "InvalidRequestError",
          "InvalidRequestError"
        ]
      )
    }))
})
