// What the log says of a decision, and what is left when one is interrupted, overtaken or never comes.
import { assert, describe, it } from "@effect/vitest"
import {
  FactExtractor,
  MemoryAgent,
  MemoryBank,
  MemoryLog,
  MemoryManager,
  MemoryStore,
  NotExtracted,
  Scope
} from "@memory-r1/core"
import { ManagerFormat, Sampler } from "@memory-r1/core/rl"
import { Deferred, Effect, Fiber, Layer, Ref, Stream } from "effect"
import { AiError, LanguageModel, Model } from "effect/ai"
import { TestClock } from "effect/testing"
import * as RecordedModel from "./support/recordedModel.ts"

const scope = Scope.make({ user: "ann" })
const { Add } = MemoryBank.Edit
const base = Layer.merge(MemoryStore.layerInMemory, FactExtractor.layerVerbatim)
const say = (text: string, to = scope) =>
  MemoryAgent.remember(to, { id: `turn of ${text}`, speaker: "Ann", text, observedAt: "8 May 2023" })
const texts = Effect.map(MemoryAgent.memories(scope), (memories) => memories.map(({ text }) => text))
const log = MemoryStore.MemoryStore.use((store) => store.log(scope))
const decisions = Effect.map(
  log,
  (entries) =>
    entries.flatMap((entry) => entry._tag === "Committed" && entry.decision !== undefined ? [entry.decision] : [])
)
const commit = Effect.fnUntraced(function*(...said: ReadonlyArray<string>) {
  const store = yield* MemoryStore.MemoryStore
  const { revision } = yield* store.current(scope)
  yield* store.commit(scope, { base: revision, edits: said.map((text) => Add({ memory: { text, speaker: "Ann" } })) })
})
const isFold = Effect.gen(function*() {
  const { bank, revision } = yield* MemoryStore.MemoryStore.use((store) => store.current(scope))
  const entries = yield* log
  assert.strictEqual(entries.length, revision)
  assert.deepStrictEqual(MemoryBank.memories(MemoryLog.replay(entries)), MemoryBank.memories(bank))
  assert.deepStrictEqual(yield* MemoryAgent.memories(scope), MemoryBank.memories(bank))
})

const echo = (prompt: string) => `ADD ${/Ann: (.*?)"?\]?$/.exec(prompt)![1]}`

/** A language model that does something before it answers. */
const modelThat = <E extends AiError.AiError>(first: Effect.Effect<unknown, E>, answer = echo) =>
  Layer.effect(
    LanguageModel.LanguageModel,
    LanguageModel.make({
      generateText: ({ prompt }) =>
        Effect.as(first, [{
          type: "text" as const,
          text: answer(
            prompt.content.map(({ content }) =>
              typeof content === "string"
                ? content
                : content.map((part) => part.type === "text" ? part.text : "").join("")
            ).join("\n")
          )
        }]),
      streamText: () => Stream.empty
    })
  )
const prompted = (
  model: Layer.Layer<LanguageModel.LanguageModel>,
  options: Parameters<typeof MemoryManager.layerPrompted>[0] = {}
) => Layer.provide(MemoryManager.layerPrompted(options), model)
const twoFacts = Layer.succeed(FactExtractor.FactExtractor, {
  extract: ({ id, speaker, text }) =>
    Effect.succeed([`${text}, first`, `${text}, second`].map((text) => ({ text, speaker, sources: [id] })))
})

describe("MemoryAgent, the log of decisions", () => {
  it.effect("has the fact, the memories in the order of their handles, the text, and the hash of the prompt", () =>
    Effect.gen(function*() {
      yield* commit("Ann has a red dog", "Ann plays chess", "Ann has a dog")
      const { decisions: [made] } = yield* say("a red dog, again")
      const fact = {
        text: "a red dog, again",
        speaker: "Ann",
        observedAt: "8 May 2023",
        sources: ["turn of a red dog, again"]
      }
      const store = yield* MemoryStore.MemoryStore
      const snapshot = { revision: 1, memories: MemoryBank.memories((yield* store.asOf(scope, 1)).bank) }
      const prompt = ManagerFormat.paper.prompt({ fact, snapshot })
      assert.deepStrictEqual(made!.prompt, prompt)
      assert.deepStrictEqual(yield* decisions, [{
        model: "gpt-test",
        promptHash: yield* MemoryLog.hash(prompt),
        fact,
        shown: snapshot.memories.map(({ id }) => id),
        raw: "UPDATE 0 Ann has two red dogs\nDELETE 7"
      }])
      // Known from elsewhere, so that a hash of today can be compared in ten years.
      assert.strictEqual(
        yield* MemoryLog.hash("abc"),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
      )
      assert.notStrictEqual(
        yield* MemoryLog.hash(prompt),
        yield* MemoryLog.hash(ManagerFormat.paper.prompt({ fact, snapshot: { ...snapshot, memories: [] } }))
      )
    }).pipe(
      Effect.provide([
        base,
        prompted(RecordedModel.layer(() => "UPDATE 0 Ann has two red dogs\nDELETE 7"), { name: "gpt-test" })
      ])
    ))

  it.effect("names the model as its layer does, where nobody gave it a name", () =>
    Effect.gen(function*() {
      const named = Layer.merge(RecordedModel.layer(echo), Layer.succeed(Model.ModelName, "gpt-of-the-layer"))
      yield* Effect.provide(say("one"), Layer.provide(MemoryManager.layerPrompted(), named))
      yield* Effect.provide(say("two"), prompted(RecordedModel.layer(echo)))
      yield* Effect.provide(say("three"), MemoryManager.layerAddOnly)
      assert.deepStrictEqual((yield* decisions).map(({ model }) => model), ["gpt-of-the-layer", undefined, "add-only"])
    }).pipe(Effect.provide(base)))

  it.effect("has the logarithm of the probability of what a policy wrote, its stop token with it", () =>
    Effect.gen(function*() {
      const { service } = yield* RecordedModel.sampler(() => "NOOP")
      const sampler: Sampler.Sampler["Service"] = {
        ...service,
        sample: (request) =>
          Effect.map(
            service.sample(request),
            (groups) =>
              groups.map((group) =>
                group.map((completion) => ({ ...completion, logprobs: Float32Array.of(-0.5, -0.25, 0, -1, -0.25) }))
              )
          )
      }
      yield* Effect.provide(
        say("one"),
        Layer.succeed(
          MemoryManager.MemoryManager,
          MemoryManager.fromSampler(sampler, { format: ManagerFormat.compact, maxTokens: 9, name: "nano" })
        )
      )
      const [decision] = yield* decisions
      assert.deepStrictEqual([decision?.model, decision?.logProbability, decision?.raw], ["nano", -2, "NOOP"])
    }).pipe(Effect.provide(base)))

  it.live("tells of the decision that was made last, on the newest snapshot, where one was overtaken", () =>
    Effect.gen(function*() {
      const store = yield* MemoryStore.MemoryStore
      let calls = 0
      const overtaken = modelThat(
        Effect.suspend(() =>
          ++calls === 1
            ? Effect.orDie(Effect.provideService(commit("Ann has a dog"), MemoryStore.MemoryStore, store))
            : Effect.void
        ),
        (prompt) => prompt.includes("Ann has a dog") ? "NOOP" : "ADD Ann has a dog, too early"
      )
      const { decisions: [made] } = yield* Effect.provide(say("a dog"), prompted(overtaken))
      assert.strictEqual(calls, 2)
      assert.strictEqual(made!.raw, "NOOP")
      const all = yield* decisions
      assert.deepStrictEqual(all.map(({ raw, shown }) => [raw, shown.length]), [["NOOP", 1]])
      assert.strictEqual(all[0]?.promptHash, yield* MemoryLog.hash(made!.prompt))
      assert.deepStrictEqual(yield* texts, ["Ann has a dog"])
      yield* isFold
    }).pipe(Effect.provide(base)))
})

describe("MemoryAgent, interrupted and overtaken", () => {
  it.live("interrupted between facts or in a decision: what was committed is whole, the turn can be told again", () =>
    Effect.gen(function*() {
      const thinking = yield* Deferred.make<void>()
      const calls = yield* Ref.make(0)
      const hangs = modelThat(
        Effect.flatMap(
          Ref.updateAndGet(calls, (n) => n + 1),
          (n) => n === 2 ? Effect.andThen(Deferred.succeed(thinking, undefined), Effect.never) : Effect.void
        )
      )
      yield* Effect.gen(function*() {
        const turn = yield* Effect.forkChild(say("a dog"))
        yield* Deferred.await(thinking)
        yield* Fiber.interrupt(turn)
        assert.deepStrictEqual(yield* texts, ["a dog, first"])
        yield* isFold
        // The layer, with its places for calls, is the same one.
        const { decisions } = yield* say("a dog")
        assert.deepStrictEqual(decisions.map(({ edits: [edit] }) => edit?._tag), ["Noop", "Add"])
        assert.deepStrictEqual(yield* texts, ["a dog, first", "a dog, second"])
        yield* isFold
      }).pipe(Effect.provide(prompted(hangs, { concurrency: 1 })))
    }).pipe(Effect.provide(Layer.merge(base, twoFacts))))

  it.live("interrupted anywhere: the log folds to the bank, each time", () =>
    Effect.gen(function*() {
      for (let wait = 0; wait < 40; wait++) {
        const turn = yield* Effect.forkChild(say(`turn ${wait}`))
        for (let step = 0; step < wait; step++) yield* Effect.yieldNow
        yield* Fiber.interrupt(turn)
        yield* isFold
      }
      const interrupted = (yield* texts).length
      assert.isBelow(interrupted, 80)
      yield* say("the last one")
      assert.strictEqual((yield* texts).length, interrupted + 2)
      yield* isFold
    }).pipe(Effect.provide([base, twoFacts, prompted(RecordedModel.layer(echo))])))

  it.live("turns at once lose nothing, in one scope and in many", () =>
    Effect.gen(function*() {
      const said = Array.from({ length: 12 }, (_, i) => `fact ${i}`)
      const others = [1, 2, 3].map((n) => Scope.make({ user: `other ${n}` }))
      yield* Effect.forEach(said, (text) =>
        Effect.all([say(text), ...others.map((other) => say(text, other))], { concurrency: "unbounded" }), {
        concurrency: "unbounded"
      })
      assert.sameMembers([...(yield* texts)], said)
      for (const other of others) {
        assert.sameMembers(
          (yield* MemoryAgent.memories(other)).map(({ text }) =>
            text
          ),
          said
        )
      }
      yield* isFold
    }).pipe(Effect.provide([base, prompted(modelThat(Effect.sleep("1 millis")), { concurrency: 100 })])))
})

describe("MemoryAgent, models that are late or busy", () => {
  const busy = AiError.make({ module: "Test", method: "call", reason: new AiError.RateLimitError({}) })

  it.effect("a call that takes too long is an error, and what was said is kept", () =>
    Effect.gen(function*() {
      const turn = yield* Effect.forkChild(Effect.flip(say("a dog")))
      yield* TestClock.adjust("1 hour")
      const error = yield* Fiber.join(turn)
      assert.strictEqual(error._tag, "AiError")
      assert.include(error.message, "the call timed out")
      assert.deepStrictEqual(yield* texts, ["a dog"])
      assert.deepStrictEqual((yield* MemoryAgent.memories(scope)).map(NotExtracted.stageOf), ["fact"])
    }).pipe(Effect.provide([base, prompted(modelThat(Effect.never), { timeout: "5 seconds", retries: 1 })])))

  it.effect("a busy model is asked again, and decides once", () =>
    Effect.gen(function*() {
      const calls = yield* Ref.make(0)
      const model = modelThat(
        Effect.flatMap(Ref.updateAndGet(calls, (n) => n + 1), (n) => n < 3 ? Effect.fail(busy) : Effect.void)
      )
      yield* Effect.gen(function*() {
        const turn = yield* Effect.forkChild(say("a dog"))
        yield* TestClock.adjust("1 minute")
        yield* Fiber.join(turn)
        assert.strictEqual(yield* Ref.get(calls), 3)
        assert.deepStrictEqual(yield* texts, ["a dog"])
        assert.lengthOf(yield* log, 1)
      }).pipe(Effect.provide(prompted(model)))
    }).pipe(Effect.provide(base)))
})
