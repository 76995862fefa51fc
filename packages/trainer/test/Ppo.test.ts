// @module-tag slow
import { assert, describe, it } from "@effect/vitest"
import type { Environment } from "@memory-r1/core/rl"
import { PolicyGradient, Ppo, RunLog, Trainer } from "@memory-r1/trainer"
import { Effect, Random } from "effect"
import { environment, rewarded, withoutTimes } from "./support/letters.ts"
import * as Tiny from "./support/tiny.ts"

const rate = (peak: number) => ({ peak, warmup: 1, decayFrom: 1, floor: 0 })

type Options =
  & Partial<Ppo.Options>
  & Partial<Omit<PolicyGradient.Options<string, never>, "algorithm">>
  & { readonly shared?: boolean | undefined }

const run = (options: Options, of = environment) =>
  Effect.scoped(Effect.gen(function*() {
    const records: Array<RunLog.Metrics | RunLog.Transcript> = []
    const { shared = false, ...rest } = options
    const policy = yield* shared ? Tiny.critic : Tiny.learner
    const critic = { schedule: rate(5e-3), ...(shared ? {} : { learner: yield* Tiny.critic }) }
    const stage = yield* PolicyGradient.stage({
      environment: of,
      learner: policy,
      steps: 10,
      groupsPerStep: 48,
      schedule: rate(8e-3),
      transcriptEvery: 5,
      ...rest,
      algorithm: Ppo.make({ ...rest, critic: { ...critic, ...rest.critic } })
    })
    yield* Trainer.train(stage).pipe(
      Effect.provide(RunLog.layerMemory(records)),
      Random.withSeed(5)
    )
    return {
      metrics: records.flatMap((record) => "values" in record ? [record.values] : []),
      transcripts: records.flatMap((record) => "values" in record ? [] : [record])
    }
  }))

const mean = (metrics: ReadonlyArray<Readonly<Record<string, number>>>, name: string) =>
  metrics.reduce((sum, values) => sum + values[name]!, 0) / metrics.length

describe("Ppo", () => {
  for (const shared of [false, true]) {
    it.effect(`raises the reward with a critic ${shared ? "on the same network" : "of its own"}`, () =>
      Effect.gen(function*() {
        const { metrics, transcripts } = yield* run({ steps: 25, shared })
        assert.isAbove(mean(metrics.slice(-5), "reward"), 1.3 * mean(metrics.slice(0, 5), "reward"))
        // Before the first step of a batch nothing has moved.
        for (const { mismatch, ratio } of metrics) {
          assert.isBelow(mismatch!, 1e-4)
          assert.closeTo(ratio!, 1, 1e-4)
        }
        for (const { valueLoss } of metrics) assert.isAbove(valueLoss!, 0)
        assert.strictEqual(transcripts.length, 5)
      }))
  }

  it.effect("a critic learns what is to be expected", () =>
    Effect.gen(function*() {
      // The policy stands still, and the prompt decides what is earned.
      const decided = {
        ...environment,
        rewards: (groups: ReadonlyArray<Environment.FinishedGroup<string>>) =>
          Effect.succeed(groups.map(({ actions, state }) =>
            actions.map(() => ({
              reward: { value: "ace".includes(state) ? 1 : -1, parts: {} },
              labels: [],
              result: ""
            }))
          ))
      }
      const { metrics } = yield* run(
        { steps: 30, schedule: rate(1e-9), lambda: 1, critic: { schedule: rate(2e-2) } },
        decided
      )
      assert.strictEqual(metrics[0]!["value"], 0)
      assert.isAbove(mean(metrics.slice(-5), "explainedVariance"), 0.3)
      assert.isBelow(mean(metrics.slice(-5), "valueLoss"), mean(metrics.slice(0, 5), "valueLoss"))
    }))

  it.effect("warms the critic up before the policy moves", () =>
    Effect.gen(function*() {
      const { metrics } = yield* run({ steps: 3, critic: { schedule: rate(1e-2), warmup: 2 } })
      assert.deepStrictEqual(metrics.map((values) => "loss" in values), [false, false, true])
      for (const { valueLoss } of metrics) assert.isAbove(valueLoss!, 0)
      assert.notStrictEqual(metrics[2]!["value"], 0)
    }))

  it.effect("goes through a batch several times, in parts, and then clips", () =>
    Effect.gen(function*() {
      const { metrics } = yield* run({
        steps: 3,
        epochs: 3,
        miniBatches: 2,
        groupsPerStep: 12,
        groupSize: 2,
        critic: { schedule: rate(5e-3), epsilon: 0.2 }
      })
      assert.isTrue(metrics.some(({ clipped, ratio }) => clipped! > 0 && ratio !== 1))
    }))

  it.effect("repeats itself bit for bit from its seed", () =>
    Effect.gen(function*() {
      const again = run({ steps: 3, epochs: 2, miniBatches: 2, entropyBonus: 0.01, dualClip: 3 })
      const [one, two] = [yield* again, yield* again]
      assert.deepStrictEqual(withoutTimes(one.metrics), withoutTimes(two.metrics))
      assert.deepStrictEqual(one.transcripts, two.transcripts)
    }))

  it.effect("keeps close to a reference, in the reward or in the loss", () =>
    Effect.scoped(Effect.gen(function*() {
      const reference = (yield* Tiny.learner).sampler
      const free = yield* run({ steps: 8 })
      for (const place of ["reward", "loss"] as const) {
        const held = yield* run({
          steps: 8,
          kl: { beta: 3, reference, place, estimate: place === "loss" ? "k3" : "k1" }
        })
        assert.isBelow(held.metrics.at(-1)!["reward"]!, free.metrics.at(-1)!["reward"]!, place)
      }
    })))

  it.effect("refuses a critic without a value head, and a reward that is no number", () =>
    Effect.scoped(Effect.gen(function*() {
      const learner = yield* Tiny.learner
      const error = yield* Effect.flip(run({ steps: 1, critic: { schedule: rate(1), learner } }))
      assert.strictEqual(error.message, "the critic has no value head: make its learner with one")
      const few: typeof environment = { ...environment, rewards: () => Effect.succeed([]) }
      assert.match(
        (yield* Effect.flip(run({ steps: 1 }, few))).message,
        /^outcomes by environment letter: \d+ expected, 0 given$/
      )
      assert.match(
        (yield* Effect.flip(run({ steps: 1 }, rewarded(() => Infinity)))).message,
        /rewards member 0 of group 0 with Infinity/
      )
    })))
})
