// Nothing that was said is lost where a model fails: it is kept as it was said, marked, told, and replaced by its facts
// when it is worked on again.
import { assert, describe, it } from "@effect/vitest"
import {
  createMemory,
  FactExtractor,
  MemoryAgent,
  MemoryBank,
  MemoryManager,
  MemoryStore,
  NotExtracted,
  Recalled,
  Scope,
  type Turn
} from "@memory-r1/core"
import { Sampler } from "@memory-r1/core/rl"
import { Effect, Layer, Stream } from "effect"
import { AiError, LanguageModel } from "effect/ai"
import * as RecordedModel from "./support/recordedModel.ts"

const scope = Scope.make({ user: "ann" })
const { Add, Update } = MemoryBank.Edit
const memories = MemoryAgent.memories(scope)
const texts = Effect.map(memories, (all) => all.map(({ text }) => text))
const stages = Effect.map(memories, (all) => all.map(NotExtracted.stageOf))
const say = (text: string, rest: Partial<Turn.Turn> = {}) =>
  MemoryAgent.remember(scope, { id: `turn of ${text}`, speaker: "Ann", text, observedAt: "8 May 2023", ...rest })

const reason = {
  network: new AiError.NetworkError({ reason: "TransportError", method: "POST", url: "https://example.org" }),
  key: new AiError.AuthenticationError({ kind: "InvalidKey" }),
  busy: new AiError.RateLimitError({}),
  credit: new AiError.QuotaExhaustedError({}),
  server: new AiError.InternalProviderError({ description: "down" }),
  refusal: new AiError.ContentPolicyError({ description: "not this" }),
  long: new AiError.InvalidRequestError({ description: "the prompt has 900 tokens; it does not fit" }),
  unfit: new AiError.InvalidOutputError({ description: "not as it should be" })
}
const failing = (reason: AiError.AiErrorReason) =>
  Layer.effect(
    LanguageModel.LanguageModel,
    LanguageModel.make({
      generateText: () => Effect.fail(AiError.make({ module: "Test", method: "generateText", reason })),
      streamText: () => Stream.empty
    })
  )
const extractor = (model: Layer.Layer<LanguageModel.LanguageModel>) =>
  Layer.provide(FactExtractor.layerPrompted({ retries: 0 }), model)
const manager = (model: Layer.Layer<LanguageModel.LanguageModel>) =>
  Layer.provide(MemoryManager.layerPrompted({ retries: 0 }), model)
const finding = (...facts: ReadonlyArray<string>) => extractor(RecordedModel.layer(() => JSON.stringify({ facts })))
const babbling = RecordedModel.layer(() => "I would rather not.")
const plain = Layer.mergeAll(MemoryStore.layerInMemory, FactExtractor.layerVerbatim, MemoryManager.layerAddOnly)

describe("a turn whose facts cannot be found", () => {
  for (
    const [name, model] of Object.entries({
      "prose": babbling,
      "a reasoning that never ends": RecordedModel.layer(() => "<think>{\"facts\": [\"x\"]}"),
      "an object of another kind": RecordedModel.layer(() => "{\"name\": \"facts\", \"arguments\": {}}"),
      "half of an object": RecordedModel.layer(() => "{\"facts\": [\"I live in Oslo\", \"I"),
      "nothing": RecordedModel.layer(() => ""),
      "a refusal": failing(reason.refusal),
      "a prompt that is too long": failing(reason.long),
      "an answer that does not fit": failing(reason.unfit)
    })
  ) {
    it.effect(`is kept, and that is told: ${name}`, () =>
      Effect.gen(function*() {
        const { decisions, kept, repeated } = yield* Effect.provide(say(" I live in Oslo.\n"), extractor(model))
        assert.deepStrictEqual([decisions, repeated], [[], []])
        const fact = {
          text: "I live in Oslo.",
          speaker: "Ann",
          observedAt: "8 May 2023",
          sources: ["turn of  I live in Oslo.\n"]
        }
        assert.deepStrictEqual(kept?.map(({ reason: _, ...rest }) => rest), [{
          stage: "turn",
          fact,
          id: (yield* memories)[0]!.id
        }])
        assert.isNotEmpty(kept![0]!.reason)
        assert.deepStrictEqual(yield* memories, [{
          ...fact,
          id: kept![0]!.id!,
          metadata: { notExtracted: "turn" },
          revision: 0
        }])
        // It is found as others are.
        const store = yield* MemoryStore.MemoryStore
        assert.deepStrictEqual(
          (yield* store.search(scope, { text: "Oslo", limit: 1 })).memories.map(({ memory }) => memory.text),
          ["I live in Oslo."]
        )
        const { kept: none } = yield* Effect.provide(
          MemoryAgent.extractAgain(scope),
          finding("Ann lives in Oslo", "Ann lives in Norway")
        )
        assert.isUndefined(none)
        assert.deepStrictEqual(
          (yield* memories).map(({ metadata, observedAt, sources, speaker, text }) => ({
            text,
            speaker,
            observedAt,
            sources,
            metadata
          })),
          ["Ann lives in Oslo", "Ann lives in Norway"].map((text) => ({ ...fact, text, metadata: undefined }))
        )
      }).pipe(Effect.provide(plain)))
  }

  for (const name of ["network", "key", "busy", "credit", "server"] as const) {
    it.effect(`is kept where the model is out of reach, and the error is the caller's: ${name}`, () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Effect.provide(say("I live in Oslo."), extractor(failing(reason[name]))))
        assert.strictEqual(error._tag === "AiError" && error.reason, reason[name])
        assert.deepStrictEqual([yield* texts, yield* stages], [["I live in Oslo."], ["turn"]])
        // Told again, it is kept once.
        yield* Effect.flip(Effect.provide(say("I live in Oslo."), extractor(failing(reason[name]))))
        assert.deepStrictEqual(yield* texts, ["I live in Oslo."])
        // Told again when all is well, its facts take its place.
        yield* Effect.provide(say("I live in Oslo."), finding("Ann lives in Oslo"))
        assert.deepStrictEqual([yield* texts, yield* stages], [["Ann lives in Oslo"], [undefined]])
      }).pipe(Effect.provide(plain)))
  }

  it.effect("is kept without what was recalled for it, and not at all where it is blank or only repeats that", () =>
    Effect.gen(function*() {
      const shown = Recalled.render(
        MemoryBank.memories(MemoryBank.apply(MemoryBank.empty, Add({ memory: { text: "Ann has a dog" } })))
      )
      const model = extractor(babbling)
      assert.isUndefined((yield* Effect.provide(say(shown), model)).kept)
      assert.isUndefined((yield* Effect.provide(say(" \n"), model)).kept)
      assert.isUndefined((yield* Effect.provide(say("Ann has a dog!", { recalled: ["Ann has a dog"] }), model)).kept)
      assert.deepStrictEqual(
        (yield* Effect.provide(say(`${shown}\nI got a cat!`), model)).kept?.map(({ fact }) => fact.text),
        ["I got a cat!"]
      )
      assert.deepStrictEqual(yield* texts, ["I got a cat!"])
    }).pipe(Effect.provide(plain)))

  it.effect("stays while the model goes on failing, and goes where it has nothing worth remembering", () =>
    Effect.gen(function*() {
      yield* Effect.provide(say("Hi there!"), extractor(babbling))
      const before = yield* memories
      const { kept } = yield* Effect.provide(MemoryAgent.extractAgain(scope), extractor(babbling))
      assert.deepStrictEqual(kept?.map(({ id, stage }) => [id, stage]), [[before[0]!.id, "turn"]])
      assert.strictEqual(
        (yield* Effect.flip(Effect.provide(MemoryAgent.extractAgain(scope), extractor(failing(reason.key)))))._tag,
        "AiError"
      )
      assert.deepStrictEqual(yield* memories, before)
      yield* Effect.provide(MemoryAgent.extractAgain(scope), finding())
      assert.deepStrictEqual(yield* texts, [])
      assert.deepStrictEqual(yield* MemoryAgent.extractAgain(scope), { decisions: [], repeated: [] })
    }).pipe(Effect.provide(plain)))

  it.effect("is not shown to the decisions on its own facts, and stays as a fact where it is one", () =>
    Effect.gen(function*() {
      const known = RecordedModel.layer((prompt) =>
        `{"memory":[{"event":"${
          prompt.includes("\"text\":\"8 May 2023: I live in Oslo.\"") ? "NONE" : "ADD"
        }","text":"I live in Oslo."}]}`
      )
      yield* Effect.provide(say("I live in Oslo."), extractor(babbling))
      const { decisions } = yield* Effect.provide(
        MemoryAgent.extractAgain(scope),
        Layer.merge(finding("I live in Oslo."), manager(known))
      )
      assert.deepStrictEqual(decisions.flatMap(({ edits }) => edits.map(({ _tag }) => _tag)), ["Supersede"])
      assert.deepStrictEqual([yield* texts, yield* stages], [["I live in Oslo."], [undefined]])
    }).pipe(Effect.provide(plain)))

  it.effect("is worked on as it stands then: what was changed stays changed, what was deleted stays deleted", () =>
    Effect.gen(function*() {
      const store = yield* MemoryStore.MemoryStore
      for (const text of ["I live in Oslo.", "I have a dog.", "I play chess."]) {
        yield* Effect.provide(say(text), extractor(babbling))
      }
      const [oslo, dog] = yield* memories
      const { revision } = yield* store.current(scope)
      yield* store.commit(scope, {
        base: revision,
        edits: [Update({ id: oslo!.id, text: "I live in Bergen." }), MemoryBank.Edit.Delete({ id: dog!.id })]
      })
      const echo = extractor(
        RecordedModel.layer((prompt) => JSON.stringify({ facts: [`So: ${/Ann: (.*)$/.exec(prompt)![1]}`] }))
      )
      yield* Effect.provide(MemoryAgent.extractAgain(scope), echo)
      assert.deepStrictEqual(yield* texts, ["So: I live in Bergen.", "So: I play chess."])
    }).pipe(Effect.provide(plain)))
})

describe("a fact on which nothing is decided", () => {
  const two = finding("Ann has a cat", "Ann has a bird")
  const add = (fact: string) => JSON.stringify({ memory: [{ event: "ADD", text: fact }] })
  const factOf = (prompt: string): string => /\["\[8 May 2023\] Ann: (.*)"\]/.exec(prompt)![1]!

  for (
    const [name, raw] of Object.entries({
      "prose": "I have added it!",
      "nothing": "",
      "a reasoning that never ends": "<think>{\"memory\":[{\"event\":\"ADD\",\"text\":\"x\"}]}",
      "a memory that was not shown": "{\"memory\":[{\"id\":\"9\",\"event\":\"DELETE\"}]}",
      "an ADD without text": "{\"memory\":[{\"event\":\"ADD\"}]}",
      "half of an operation": "{\"memory\":[{\"event\":\"ADD\",\"text\":\"Ann has"
    })
  ) {
    it.effect(`is kept, those beside it are not: ${name}`, () =>
      Effect.gen(function*() {
        const model = manager(
          RecordedModel.layer((prompt) => factOf(prompt).endsWith("cat") ? raw : add(factOf(prompt)))
        )
        const { decisions, kept } = yield* Effect.provide(say("I got a cat and a bird"), Layer.merge(two, model))
        assert.deepStrictEqual(decisions.map(({ edits, raw }) => [edits.length, raw]), [[0, raw], [
          1,
          add("Ann has a bird")
        ]])
        assert.deepStrictEqual(kept?.map(({ fact, stage }) => [stage, fact.text]), [["fact", "Ann has a cat"]])
        assert.deepStrictEqual([yield* texts, yield* stages], [["Ann has a cat", "Ann has a bird"], [
          "fact",
          undefined
        ]])
        // It is decided on later, and its facts are not looked for again.
        const { decisions: later } = yield* Effect.provide(
          MemoryAgent.extractAgain(scope),
          Layer.merge(extractor(failing(reason.server)), manager(RecordedModel.layer((prompt) => add(factOf(prompt)))))
        )
        assert.deepStrictEqual(later.map(({ fact }) => fact.sources), [["turn of I got a cat and a bird"]])
        assert.deepStrictEqual([yield* texts, yield* stages], [["Ann has a bird", "Ann has a cat"], [
          undefined,
          undefined
        ]])
      }).pipe(Effect.provide(plain)))
  }

  it.effect("is kept with all that follow where the model is out of reach, which is asked no more", () =>
    Effect.gen(function*() {
      const calls = RecordedModel.newCalls()
      const turn = Effect.provide(
        say("I got three"),
        Layer.merge(
          finding("Ann has a cat", "Ann has a bird", "Ann has a fish"),
          manager(
            RecordedModel.layer((prompt) => factOf(prompt).endsWith("cat") ? add("Ann has a cat") : undefined, calls)
          )
        )
      )
      assert.strictEqual((yield* Effect.flip(turn))._tag, "AiError")
      assert.strictEqual(calls.total, 2)
      assert.deepStrictEqual([yield* texts, yield* stages], [["Ann has a cat", "Ann has a bird", "Ann has a fish"], [
        undefined,
        "fact",
        "fact"
      ]])
    }).pipe(Effect.provide(plain)))

  it.effect("is kept of a policy, too: a prompt that is too long for it, or an engine that fails", () =>
    Effect.gen(function*() {
      const policy = (error: Sampler.SamplerError) =>
        Layer.succeed(MemoryManager.MemoryManager, { decide: () => Effect.fail(error) })
      const { kept } = yield* Effect.provide(
        say("I got a cat"),
        policy(new Sampler.SamplerError({ reason: "prompt 0 does not fit" }))
      )
      assert.deepStrictEqual(kept?.map(({ reason }) => reason), ["prompt 0 does not fit"])
      const broken = new Sampler.SamplerError({ reason: "the device is gone", cause: new Error("gone") })
      assert.strictEqual(yield* Effect.flip(Effect.provide(say("I got a dog"), policy(broken))), broken)
      assert.deepStrictEqual([yield* texts, yield* stages], [["I got a cat", "I got a dog"], ["fact", "fact"]])
    }).pipe(Effect.provide(plain)))

  it.effect("is known already where the decision says again what is there: that is none", () =>
    Effect.gen(function*() {
      yield* say("Ann has a cat")
      const { kept } = yield* Effect.provide(
        say("A cat, as you know"),
        manager(
          RecordedModel.layer(() => "{\"memory\":[{\"id\":\"0\",\"event\":\"UPDATE\",\"text\":\"Ann has a cat\"}]}")
        )
      )
      assert.isUndefined(kept)
      assert.deepStrictEqual(yield* texts, ["Ann has a cat"])
    }).pipe(Effect.provide(plain)))

  it.effect("is kept where it is the whole turn that had been kept, and nothing of it goes", () =>
    Effect.gen(function*() {
      yield* Effect.provide(say("I got a cat"), extractor(babbling))
      const { kept } = yield* Effect.provide(
        MemoryAgent.extractAgain(scope),
        Layer.merge(finding("I got a cat", "Ann has a pet"), manager(babbling))
      )
      assert.deepStrictEqual(kept?.map(({ fact, stage }) => [stage, fact.text]), [["fact", "I got a cat"], [
        "fact",
        "Ann has a pet"
      ]])
      assert.deepStrictEqual([yield* texts, yield* stages], [["I got a cat", "Ann has a pet"], ["fact", "fact"]])
    }).pipe(Effect.provide(plain)))
})

describe("createMemory", () => {
  it("keeps what its model fails on, tells it, and works on it again", async () => {
    let works = false
    const model = RecordedModel.layer((prompt) =>
      !works
        ? "Sure!"
        : prompt.includes("You manage the memory")
        ? "{\"memory\":[{\"event\":\"ADD\",\"text\":\"Ann lives in Oslo\"}]}"
        : "```json\n{\"facts\":[\"Ann lives in Oslo\"]}\n```"
    )
    const store = await Effect.runPromise(Effect.provide(MemoryStore.MemoryStore, MemoryStore.layerInMemory))
    const memory = await createMemory({
      model,
      store: Layer.succeed(MemoryStore.MemoryStore, store),
      extractor: Layer.provide(FactExtractor.layerPrompted({ retries: 0 }), model)
    })
    const { kept } = await memory.remember({ speaker: "Ann", text: "I live in Oslo." })
    assert.deepStrictEqual(kept?.map(({ fact, id, stage }) => [stage, fact.text, id]), [[
      "turn",
      "I live in Oslo.",
      "m1"
    ]])
    assert.deepStrictEqual((await memory.recall("Oslo")).map(NotExtracted.stageOf), ["turn"])
    works = true
    assert.lengthOf((await memory.extractAgain()).decisions, 1)
    assert.deepStrictEqual((await memory.memories()).map(({ metadata, text }) => [text, metadata]), [[
      "Ann lives in Oslo",
      undefined
    ]])
    await memory.close()
  })
})
