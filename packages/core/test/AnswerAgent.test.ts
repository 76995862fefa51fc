import { assert, describe, it } from "@effect/vitest"
import { AnswerAgent, MemoryBank } from "@memory-r1/core"
import { AnswerFormat, Sampler } from "@memory-r1/core/rl"
import { Effect, Layer, Ref } from "effect"
import * as RecordedModel from "./support/recordedModel.ts"

const candidates = MemoryBank.memories(MemoryBank.applyAll(
  MemoryBank.empty,
  ["Ann has a dog named Buddy", "Ann lives in Oslo"].map((text) =>
    MemoryBank.Edit.Add({ memory: { text, speaker: "Ann" } })
  )
))
const [buddy, oslo] = candidates

const ask = (...questions: ReadonlyArray<string>) =>
  AnswerAgent.AnswerAgent.use((agent) => agent.answer(questions.map((question) => ({ question, candidates }))))

describe("AnswerAgent.layerExtractive", () => {
  it.effect("answers from the memory that is about it, each question for itself", () =>
    Effect.gen(function*() {
      const answers = yield* ask("Where does Ann live?", "What is the dog of Ann named?", "Zebras?")
      assert.deepStrictEqual(answers.map(({ selected, text }) => ({ selected, text })), [
        { text: "Oslo", selected: [oslo!] },
        { text: "Buddy", selected: [buddy!] },
        { text: "none", selected: [] }
      ])
      assert.deepStrictEqual(yield* ask("Where does Ann live?"), answers.slice(0, 1))
    }).pipe(Effect.provide(AnswerAgent.layerExtractive)))

  it.effect("says none rather than nothing, where nobody knows when", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* ask("When did Ann get a dog?"))[0]?.text, "none")
    }).pipe(Effect.provide(AnswerAgent.layerExtractive)))
})

describe("AnswerAgent over no candidates", () => {
  const requests = [
    { question: "Which city?", candidates: [] },
    { question: "Which dog?", candidates },
    { question: "Where does Ann work?", candidates: [] }
  ]
  const nothing = { text: "none", selected: [], wellFormed: true, raw: "" }

  it.effect("says none, and asks no model; of other questions it does", () =>
    Effect.gen(function*() {
      const calls = RecordedModel.newCalls()
      const prompted = Layer.provide(
        AnswerAgent.layerPrompted(),
        RecordedModel.layer(() => "**Answer:** New York", calls)
      )
      const answer = (only: ReadonlyArray<AnswerFormat.AnswerRequest>) =>
        AnswerAgent.AnswerAgent.use((agent) => agent.answer(only))
      yield* Effect.gen(function*() {
        assert.deepStrictEqual(yield* answer(requests.slice(0, 1)), [nothing])
        assert.strictEqual(calls.total, 0)
        assert.deepStrictEqual((yield* answer(requests)).map(({ text }) => text), ["none", "New York", "none"])
        assert.strictEqual(calls.total, 1)
      }).pipe(Effect.provide(prompted))

      const { requests: sent, service } = yield* RecordedModel.sampler(() => "= New York")
      const trained = AnswerAgent.fromSampler(service, { format: AnswerFormat.compact, maxTokens: 20 })
      assert.deepStrictEqual(yield* trained.answer(requests.slice(0, 1)), [nothing])
      assert.deepStrictEqual((yield* trained.answer(requests)).map(({ text }) => text), ["none", "New York", "none"])
      assert.deepStrictEqual((yield* Ref.get(sent)).map(({ prompts }) => prompts.length), [1])

      const byRules = yield* Effect.provide(answer(requests.slice(0, 1)), AnswerAgent.layerExtractive)
      assert.deepStrictEqual(byRules.map(({ selected, text }) => ({ selected, text })), [{
        text: "none",
        selected: []
      }])
      assert.deepStrictEqual(yield* trained.answer([]), [])
    }))
})

describe("AnswerAgent.layerPrompted", () => {
  it.effect("asks in the paper's form, and reads each answer against its own request", () =>
    Effect.gen(function*() {
      const [city, dog, shrug] = yield* ask("Which city?", "Which dog?", "Why?")
      assert.deepStrictEqual([city?.text, city?.selected, city?.wellFormed], ["Oslo", [oslo], true])
      assert.deepStrictEqual([dog?.text, dog?.selected, dog?.wellFormed], ["Buddy", [], true])
      assert.deepStrictEqual([shrug?.text, shrug?.wellFormed], ["Who knows", false])
    }).pipe(Effect.provide(Layer.provide(
      AnswerAgent.layerPrompted(),
      RecordedModel.layer((prompt) =>
        !prompt.includes("- [1] Ann lives in Oslo")
          ? undefined
          : prompt.endsWith("Which city?")
          ? "**Memories selected as relevant:**\n- [1] Ann lives in Oslo\n**Answer:** Oslo"
          : prompt.endsWith("Which dog?")
          ? "<answer>Buddy</answer>"
          : "Who knows"
      )
    ))))

  it.effect("passes the provider's failure on", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* Effect.flip(ask("Why?")))._tag, "AiError")
    }).pipe(
      Effect.provide(Layer.provide(AnswerAgent.layerPrompted({ retries: 0 }), RecordedModel.layer(() => undefined)))
    ))
})

describe("AnswerAgent.layerTrained", () => {
  it.effect("samples all questions at once, greedily, and reads handles and answer", () =>
    Effect.gen(function*() {
      const { requests, service } = yield* RecordedModel.sampler((prompt) =>
        prompt.includes("city") ? "Ann lives in Oslo\n= Oslo" : "Ann has a dog named Buddy\n= Buddy"
      )
      const layer = Layer.provide(
        AnswerAgent.layerTrained({ format: AnswerFormat.compact, maxTokens: 48 }),
        Layer.succeed(Sampler.Sampler, service)
      )
      const answers = yield* Effect.provide(ask("Which city?", "Which dog?"), layer)
      assert.deepStrictEqual(answers, [
        { text: "Oslo", selected: [oslo!], wellFormed: true, raw: "Ann lives in Oslo\n= Oslo" },
        { text: "Buddy", selected: [buddy!], wellFormed: true, raw: "Ann has a dog named Buddy\n= Buddy" }
      ])
      const [sent, ...others] = yield* Ref.get(requests)
      assert.lengthOf(others, 0)
      assert.deepStrictEqual([sent?.temperature, sent?.maxTokens, sent?.prompts.length], [0, 48, 2])
    }))
})
