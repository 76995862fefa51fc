import { assert, describe, it } from "@effect/vitest"
import {
  AnswerAgent,
  FactExtractor,
  MemoryAgent,
  MemoryLog,
  MemoryManager,
  MemoryStore,
  Retriever,
  Scope
} from "@memory-r1/core"
import { ManagerFormat, Sampler } from "@memory-r1/core/rl"
import { OffPolicy } from "@memory-r1/trainer"
import { Effect, Layer, Random, Schema } from "effect"
import * as Tiny from "./support/tiny.ts"

// A world in which the truth is known: in each of three places one of three decisions, whose mean rewards, and whose
// probabilities under the old and the new policy, are given.
const rewards = [[0.9, 0.2, 0.1], [0.3, 0.8, 0.5], [0.1, 0.4, 0.7]]
const old = [[0.5, 0.3, 0.2], [0.4, 0.2, 0.4], [0.3, 0.4, 0.3]]
const next = [[0.8, 0.1, 0.1], [0.1, 0.7, 0.2], [0.05, 0.15, 0.8]]
const truth = rewards.flatMap((row, place) => row.map((reward, decision) => reward * next[place]![decision]! / 3))
  .reduce((a, b) => a + b, 0)

// A log of the old policy; rewards are 0 or 1. The model of rewards is off by `error` everywhere.
const logged = Effect.fnUntraced(function*(size: number, error = 0) {
  const random = yield* Random.Random
  const expected = (place: number, decision: number) => rewards[place]![decision]! + error
  return Array.from({ length: size }, (): OffPolicy.WeightedSample => {
    const place = Math.floor(random.nextDoubleUnsafe() * 3)
    let [left, decision] = [random.nextDoubleUnsafe(), 0]
    while (decision < 2 && left >= old[place]![decision]!) left -= old[place]![decision++]!
    return {
      reward: random.nextDoubleUnsafe() < rewards[place]![decision]! ? 1 : 0,
      logWeight: Math.log(next[place]![decision]! / old[place]![decision]!),
      expected: expected(place, decision),
      value: next[place]!.reduce((sum, probability, other) => sum + probability * expected(place, other), 0)
    }
  })
})

const estimators = {
  "importance sampling": OffPolicy.importanceSampling,
  "weighted importance sampling": OffPolicy.weightedImportanceSampling,
  "doubly robust": OffPolicy.doublyRobust
}

describe("OffPolicy", () => {
  for (const [name, estimator] of Object.entries(estimators)) {
    it.effect(`${name} comes to the truth, which the old policy's mean is far from`, () =>
      Effect.gen(function*() {
        const log = yield* logged(40_000)
        assert.closeTo(estimator(log), truth, 0.02)
        assert.isAbove(truth - log.reduce((sum, { reward }) => sum + reward, 0) / log.length, 0.15)
      }).pipe(Random.withSeed(1)))

    it.effect(`the interval of ${name} holds the truth about as often as it says`, () =>
      Effect.gen(function*() {
        let held = 0
        for (let i = 0; i < 100; i++) {
          const { estimate, high, low } = yield* OffPolicy.withInterval(estimator, yield* logged(200), {
            resamples: 200
          })
          assert.isTrue(low <= estimate && estimate <= high)
          if (low <= truth && truth <= high) held++
        }
        assert.isAtLeast(held, 86)
      }).pipe(Random.withSeed(2)))
  }

  it.effect("doubly robust: a model that is wrong costs no bias, and a right one makes the interval narrow", () =>
    Effect.gen(function*() {
      assert.closeTo(OffPolicy.doublyRobust(yield* logged(40_000, 0.4)), truth, 0.02)
      const log = yield* logged(300)
      const width = (estimator: (log: ReadonlyArray<OffPolicy.WeightedSample>) => number) =>
        Effect.map(OffPolicy.withInterval(estimator, log), ({ high, low }) => high - low)
      assert.isBelow(yield* width(OffPolicy.doublyRobust), 0.8 * (yield* width(OffPolicy.importanceSampling)))
    }).pipe(Random.withSeed(3)))

  it("knows how much a log is worth, and does not overflow", () => {
    assert.strictEqual(OffPolicy.effectiveSize([0, 0, 0].map((logWeight) => ({ reward: 1, logWeight }))), 3)
    const far = [{ reward: 1, logWeight: 800 }, { reward: 0, logWeight: 790 }]
    assert.closeTo(OffPolicy.weightedImportanceSampling(far), 1, 1e-4)
    assert.closeTo(OffPolicy.effectiveSize(far), 1, 1e-3)
    assert.deepStrictEqual([
      OffPolicy.importanceSampling([]),
      OffPolicy.weightedImportanceSampling([]),
      OffPolicy.effectiveSize([])
    ], [0, 0, 0])
  })

  it.effect("weighs a log by a policy: by itself at one, by another temperature otherwise", () =>
    Effect.scoped(Effect.gen(function*() {
      const { sampler } = yield* Tiny.learner
      const prompts = ["once", "the dog"].map((text) => sampler.tokenizer.encode(text))
      const groups = yield* sampler.sample({ prompts, n: 3, maxTokens: 6, seed: 1, stopTokens: [] })
      const log = groups.flatMap((group, i) =>
        group.map(({ logprobs, tokens }) => ({ prompt: prompts[i]!, tokens, logprobs, reward: 1 }))
      )
      const weigh = (options = {}) => Effect.provideService(OffPolicy.weigh(log, options), Sampler.Sampler, sampler)
      for (const { logWeight } of yield* weigh()) assert.closeTo(logWeight, 0, 1e-4)
      assert.isTrue((yield* weigh({ temperature: 0.5 })).some(({ logWeight }) => Math.abs(logWeight) > 0.1))
    })))
})

describe("OffPolicy over a production log", () => {
  const scope = Scope.make({ user: "ann" })
  const layers = Layer.mergeAll(
    MemoryStore.layerInMemory,
    Retriever.layerBm25,
    FactExtractor.layerVerbatim,
    AnswerAgent.layerExtractive
  )
  // Turns that a model with random weights decides on.
  const served = Effect.fnUntraced(function*(sampler: Sampler.Service, options: MemoryAgent.Options) {
    const manager = MemoryManager.fromSampler(sampler, {
      format: ManagerFormat.compact,
      maxTokens: 6,
      temperature: 0.7,
      seed: 3
    })
    for (const [i, text] of ["I live in Oslo.", "I have a dog.", "I moved to Lima."].entries()) {
      yield* MemoryAgent.remember(scope, { id: `D1:${i}`, speaker: "Ann", text }, options).pipe(
        Effect.provideService(MemoryManager.MemoryManager, manager)
      )
    }
    return yield* (yield* MemoryStore.MemoryStore).log(scope)
  })

  it.effect("the same policy weighs every decision with 1; what is written is read again", () =>
    Effect.gen(function*() {
      const { sampler } = yield* Tiny.learner
      const decisions = MemoryLog.sampledDecisions(yield* served(sampler, { recordSamples: true }))
      assert.lengthOf(decisions, 3)
      const lines = decisions.map((one) => Schema.encodeSync(MemoryLog.SampledDecisionJson)(one))
      const again = yield* OffPolicy.read(`${lines.join("\n")}\n`)
      assert.deepStrictEqual(again, decisions)
      const samples = yield* OffPolicy.fromDecisions(again, ({ revision }) => revision)
      assert.deepStrictEqual(samples.map(({ reward }) => reward), decisions.map(({ revision }) => revision))
      const weighed = (temperature?: number) =>
        Effect.provideService(OffPolicy.weigh(samples, { temperature }), Sampler.Sampler, sampler)
      for (const { logWeight } of yield* weighed()) assert.closeTo(logWeight, 0, 1e-4)
      for (const { logWeight } of yield* weighed(0.7)) assert.closeTo(logWeight, 0, 1e-4)
      assert.isAbove(Math.abs((yield* weighed(1.4))[0]!.logWeight), 1e-3)
    }).pipe(Effect.scoped, Effect.provide(layers)))

  it.effect("each decision keeps its own temperature; a greedy one is refused by its revision", () =>
    Effect.gen(function*() {
      const { sampler } = yield* Tiny.learner
      const [first, ...rest] = MemoryLog.sampledDecisions(yield* served(sampler, { recordSamples: true }))
      const at = (one: MemoryLog.SampledDecision, temperature: number): MemoryLog.SampledDecision => ({
        ...one,
        decision: { ...one.decision, sample: { ...one.decision.sample, temperature } }
      })
      const mixed = yield* OffPolicy.fromDecisions([at(first!, 1.4), ...rest], () => 1)
      const [far, ...near] = yield* Effect.provideService(OffPolicy.weigh(mixed), Sampler.Sampler, sampler)
      assert.isAbove(Math.abs(far!.logWeight), 1e-3)
      for (const { logWeight } of near) assert.closeTo(logWeight, 0, 1e-4)
      const error = yield* Effect.flip(OffPolicy.fromDecisions([...rest, at(first!, 0)], () => 1))
      assert.include(error.message, `revision ${first!.revision} was greedy`)
    }).pipe(Effect.scoped, Effect.provide(layers)))

  it.effect("without a seed each decision draws anew, and a seed of Random repeats the draws", () =>
    Effect.gen(function*() {
      const { sampler } = yield* Tiny.learner
      const manager = MemoryManager.fromSampler(sampler, {
        format: ManagerFormat.compact,
        maxTokens: 6,
        temperature: 1
      })
      const request = {
        fact: { text: "I live in Oslo.", speaker: "Ann", sources: ["D1"] },
        snapshot: { revision: 0, memories: [] }
      }
      const written = Effect.map(
        Effect.forEach(Array.from({ length: 8 }), () => manager.decide([request])),
        (decisions) => decisions.map(([decision]) => decision!.sample!.tokens.join())
      ).pipe(Random.withSeed(4))
      const once = yield* written
      assert.isAbove(new Set(once).size, 4)
      assert.deepStrictEqual(yield* written, once)
    }).pipe(Effect.scoped))

  it.effect("keeps no samples unless it is asked to", () =>
    Effect.gen(function*() {
      const { sampler } = yield* Tiny.learner
      const log = yield* served(sampler, {})
      assert.lengthOf(MemoryLog.sampledDecisions(log), 0)
      assert.notInclude(JSON.stringify(log), "logprobs")
    }).pipe(Effect.scoped, Effect.provide(layers)))

  it.effect("an erasure takes away what quoted the memory", () =>
    Effect.gen(function*() {
      const { sampler } = yield* Tiny.learner
      yield* served(sampler, { recordSamples: true })
      const store = yield* MemoryStore.MemoryStore
      const [first] = yield* store.list(scope)
      yield* store.erase(scope, first!.memory.id)
      const left = MemoryLog.sampledDecisions(yield* store.log(scope))
      assert.isBelow(left.length, 3)
      for (const { decision } of left) assert.notInclude(decision.shown, first!.memory.id)
    }).pipe(Effect.scoped, Effect.provide(layers)))

  it.effect("says which line of a file is not a decision", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(OffPolicy.read("\n{}\n"))
      assert.match(error.message, /^line 2 is not a decision of an export: /)
    }))
})
