import { assert, describe, it } from "@effect/vitest"
import { Learner, Reward } from "@memory-r1/core"
import { type Environment, Grpo, RunLog } from "@memory-r1/trainer"
import { Effect, Random } from "effect"
import * as Tiny from "./support/tiny.ts"

const reward = Reward.make("letter", (text: string) => Math.min(1, (text.match(/e/g)?.length ?? 0) / 6))

// Completions of a few prompts, rewarded for one letter: something that a random model can learn in a few steps.
const environment: Environment.Environment<string> = {
  name: "letter",
  maxTokens: 12,
  tasks: (count) => Effect.succeed(Array.from({ length: count }, (_, i) => "abcdef"[i % 6]!)),
  prompt: (task) => task,
  score: (attempts) =>
    Effect.succeed(attempts.map(({ texts }) => texts.map((text) => ({ reward: reward(text), labels: ["text"], result: text })))),
  settle: () => Effect.void
}

const run = (options: Partial<Grpo.Options>, of: Environment.Environment<string> = environment) =>
  Effect.scoped(Effect.gen(function*() {
    const records: Array<RunLog.Metrics | RunLog.Transcript> = []
    const learner = yield* Tiny.learner
    yield* Grpo.run(of, {
      steps: 10,
      groupsPerStep: 6,
      groupSize: 8,
      schedule: { peak: 8e-3, warmup: 1, decayFrom: 1, floor: 0 },
      transcriptEvery: 5,
      ...options
    }).pipe(Effect.provideService(Learner.Learner, learner), Effect.provide(RunLog.layerMemory(records)), Random.withSeed(5))
    return {
      metrics: records.flatMap((record) => "values" in record ? [record.values] : []),
      transcripts: records.flatMap((record) => "values" in record ? [] : [record])
    }
  }))

const withoutTimes = (metrics: ReadonlyArray<Readonly<Record<string, number>>>) =>
  metrics.map(({ seconds: _, tokensPerSecond: __, ...values }) => values)

describe("Grpo", () => {
  it.effect("raises the reward", () =>
    Effect.gen(function*() {
      const { metrics, transcripts } = yield* run({ steps: 25 })
      const early = metrics.slice(0, 5).reduce((sum, { reward }) => sum + reward!, 0)
      const late = metrics.slice(-5).reduce((sum, { reward }) => sum + reward!, 0)
      assert.isAbove(late, early * 1.3)
      // Sampler and learner agree on the tokens that were just sampled, so the first ratio is one.
      for (const { mismatch, ratio } of metrics.filter((values) => "ratio" in values)) {
        assert.isBelow(mismatch!, 1e-4)
        assert.closeTo(ratio!, 1, 1e-4)
      }
      assert.strictEqual(transcripts.length, 5)
      assert.strictEqual(transcripts[0]!.completions.length, 8)
    }))

  it.effect("repeats itself bit for bit from its seed", () =>
    Effect.gen(function*() {
      const [one, two] = [yield* run({ steps: 4 }), yield* run({ steps: 4 })]
      assert.deepStrictEqual(withoutTimes(one.metrics), withoutTimes(two.metrics))
      assert.deepStrictEqual(one.transcripts, two.transcripts)
    }))

  it.effect("clips when it takes several steps on one batch", () =>
    Effect.gen(function*() {
      const { metrics } = yield* run({ steps: 3, iterations: 3 })
      assert.isTrue(metrics.some(({ clipped, ratio }) => clipped! > 0 && ratio !== 1))
    }))

  it.effect("keeps close to a reference when the KL term is heavy", () =>
    Effect.scoped(Effect.gen(function*() {
      const reference = (yield* Tiny.learner).sampler
      const free = yield* run({ steps: 8 })
      const held = yield* run({ steps: 8, kl: { beta: 5, reference } })
      const rise = ({ metrics }: typeof free) => metrics.at(-1)!["reward"]! - metrics[0]!["reward"]!
      assert.isBelow(rise(held), rise(free))
      // The policy begins as the reference and then moves; what is estimated is never negative.
      assert.approximately(held.metrics[0]!["kl"]!, 0, 1e-6)
      assert.isAbove(held.metrics.at(-1)!["kl"]!, held.metrics[0]!["kl"]!)
      assert.notProperty(free.metrics[0], "kl")
    })))

  it.effect("counts groups that teach nothing, and does not step on them", () =>
    Effect.gen(function*() {
      const flat: Environment.Environment<string> = {
        ...environment,
        score: (attempts) => Effect.succeed(attempts.map(({ texts }) => texts.map(() => ({ reward: { value: 0.5, parts: {} }, labels: [], result: "" }))))
      }
      const { metrics } = yield* run({ steps: 2 }, flat)
      for (const values of metrics) {
        assert.strictEqual(values["zeroVariance"], 1)
        assert.notProperty(values, "loss")
      }
    }))
})
