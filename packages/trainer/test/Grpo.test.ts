// @module-tag slow
import { assert, describe, it } from "@effect/vitest"
import { Cursor, type Environment, type Learner, Objective, type Sampler } from "@memory-r1/core/rl"
import {
  Advantage,
  type Checkpointer,
  FailedBatch,
  Grpo,
  Kl,
  PolicyGradient,
  RunLog,
  Trainer
} from "@memory-r1/trainer"
import { Effect, Random, Schema } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { environment, rewarded, withoutTimes } from "./support/letters.ts"
import * as Tiny from "./support/tiny.ts"

type Options = Partial<Grpo.Options> & Partial<Omit<PolicyGradient.Options<string, never>, "algorithm">>

const train = (options: Options & { readonly learner: Learner.Service }, more?: Trainer.Options) =>
  PolicyGradient.stage({
    environment,
    steps: 10,
    groupsPerStep: 6,
    schedule: { peak: 8e-3, warmup: 1, decayFrom: 1, floor: 0 },
    transcriptEvery: 5,
    ...options,
    algorithm: Grpo.make({ groupSize: 8, ...options })
  }).pipe(Effect.flatMap((stage) => Trainer.train(stage, more)))

const run = (
  options: Options,
  of: Environment.Environment<string> = environment,
  given?: Learner.Service,
  more?: Trainer.Options
) =>
  Effect.scoped(Effect.gen(function*() {
    const records: Array<RunLog.Metrics | RunLog.Transcript> = []
    const learner = given ?? (yield* Tiny.learner)
    yield* train({ ...options, environment: of, learner }, more).pipe(
      Effect.provide(RunLog.layerMemory(records)),
      Random.withSeed(5)
    )
    return {
      metrics: records.flatMap((record) => "values" in record ? [record.values] : []),
      transcripts: records.flatMap((record) => "values" in record ? [] : [record])
    }
  }))

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
      const { metrics } = yield* run({ steps: 2 }, rewarded(() => 0.5))
      for (const values of metrics) {
        assert.strictEqual(values["zeroVariance"], 1)
        assert.notProperty(values, "loss")
      }
      const kept = yield* run({ steps: 2, zeroVariance: "keep" }, rewarded(() => 0.5))
      for (const values of kept.metrics) {
        assert.strictEqual(values["zeroVariance"], 1)
        assert.closeTo(values["gradNorm"]!, 0, 1e-6)
      }
      // The same reward, added up in two ways.
      const rounded = yield* run(
        { steps: 2, zeroVariance: "keep", transcriptEvery: 1 },
        rewarded((_, i) => i % 2 === 0 ? 0.3 : 0.1 + 0.2)
      )
      for (const values of rounded.metrics) assert.deepStrictEqual([values["zeroVariance"], values["gradNorm"]], [1, 0])
      for (const { completions } of rounded.transcripts) {
        for (const { advantage } of completions) assert.strictEqual(advantage, 0)
      }
      const dropped = yield* run({ steps: 2 }, rewarded((_, i) => i % 2 === 0 ? 0.3 : 0.1 + 0.2))
      for (const values of dropped.metrics) assert.notProperty(values, "loss")
      const differing = yield* run({ steps: 1 }, rewarded((_, i) => i % 2 === 0 ? 0.3 : 0.300001))
      assert.strictEqual(differing.metrics[0]!["zeroVariance"], 0)
    }))

  for (
    const [name, options] of Object.entries<Options>({
      "Dr. GRPO": { objective: Objective.drGrpo({ length: 12 }), advantage: Advantage.groupCentred },
      DAPO: { objective: Objective.dapo(), overlong: "keep" },
      GSPO: { objective: Objective.gspo(), iterations: 2 },
      CISPO: { objective: Objective.cispo() },
      RLOO: { objective: Objective.reinforce, advantage: Advantage.leaveOneOut },
      "batch-normalised": { advantage: Advantage.batchNormalized }
    })
  ) {
    it.effect(`learns with ${name}`, () =>
      Effect.gen(function*() {
        const { metrics } = yield* run({ steps: 16, ...options })
        const mean = (part: typeof metrics) => part.reduce((sum, { reward }) => sum + reward!, 0) / part.length
        assert.isAbove(mean(metrics.slice(-4)), mean(metrics.slice(0, 4)))
      }))
  }

  it.effect("leaves out what was cut off, and takes no step where all of it was", () =>
    Effect.gen(function*() {
      const { metrics } = yield* run({ steps: 2, overlong: "mask" }, { ...environment, maxTokens: 2 })
      for (const values of metrics) {
        assert.strictEqual(values["truncated"], 1)
        assert.notProperty(values, "loss")
      }
    }))

  it.effect("a KL term in the reward holds back as well, and its weight adapts", () =>
    Effect.scoped(Effect.gen(function*() {
      const reference = (yield* Tiny.learner).sampler
      const kl = {
        beta: 0.5,
        reference,
        place: "reward",
        estimate: "k1",
        adaptive: { target: 0.001, horizon: 96 }
      } as const
      const held = yield* run({ steps: 8, kl })
      const free = yield* run({ steps: 8 })
      assert.isBelow(held.metrics.at(-1)!["reward"]!, free.metrics.at(-1)!["reward"]!)
      // 48 completions a step are half of the horizon: by a tenth at most.
      const betas = held.metrics.map(({ beta }) => beta!)
      assert.strictEqual(betas[0], 0.5)
      betas.slice(1).forEach((beta, i) => assert.isAtMost(Math.abs(beta / betas[i]! - 1), 0.1 + 1e-9))
      assert.isAbove(new Set(betas).size, 3)
    })))

  it.effect("a correction takes the learner's own log-probabilities, and logs how far the sampler's are off", () =>
    Effect.scoped(Effect.gen(function*() {
      const learner = yield* Tiny.learner
      // Another engine, which is off by a tenth on every token.
      const sampler: Sampler.Service = {
        ...learner.sampler,
        sample: (request) =>
          Effect.map(
            learner.sampler.sample(request),
            (groups) =>
              groups.map((group) =>
                group.map((completion) => ({ ...completion, logprobs: completion.logprobs.map((logp) => logp - 0.1) }))
              )
          )
      }
      const records: Array<RunLog.Metrics | RunLog.Transcript> = []
      const off = (options: Options) =>
        train({
          steps: 2,
          groupsPerStep: 4,
          groupSize: 4,
          schedule: { peak: 1e-3, warmup: 1, decayFrom: 1, floor: 0 },
          learner: { ...learner, sampler },
          ...options
        }).pipe(
          Effect.provide(RunLog.layerMemory(records)),
          Random.withSeed(5)
        )
      const error = yield* Effect.flip(off({ maxMismatch: 0.05 }))
      assert.include(
        error.message,
        "sampler and learner disagree by 0.100 on the log-probability of a token, more than maxMismatch 0.05: give " +
          "a correction"
      )
      yield* off({ correction: { level: "token", mode: "truncate", cap: 2 } })
      const metrics = records.flatMap((record) => "values" in record ? [record.values] : [])
      for (const values of metrics) {
        assert.closeTo(values["importance.mean"]!, Math.exp(0.1), 1e-3)
        assert.isBelow(values["mismatch"]!, 1e-3)
      }
    })))

  it.effect("refuses what it cannot learn from", () =>
    Effect.gen(function*() {
      const reason = (options: Options, of?: Environment.Environment<string>) =>
        Effect.map(Effect.flip(run({ steps: 1, ...options }, of)), (error) => error.message)
      assert.strictEqual(
        yield* reason({ groupSize: 1 }),
        "groupSize is 1: an action is compared with the others of its group, so give 2 or more"
      )
      assert.strictEqual(
        yield* reason({}, { ...environment, groups: () => Effect.succeed([]) }),
        "environment letter has no groups: is its data empty?"
      )
      assert.match(
        yield* reason({}, rewarded((_, i) => i === 3 ? NaN : 1)),
        /^environment letter rewards member 3 of group 0 with NaN: "/
      )
      const few: typeof environment = {
        ...environment,
        rewards: (finished) =>
          Effect.map(environment.rewards(finished), (groups) => groups.map((group) => group.slice(0, 1)))
      }
      assert.strictEqual(
        yield* reason({ groupSize: 4 }, few),
        "outcomes by environment letter of group 0: 4 expected, 1 given"
      )
      assert.strictEqual(
        yield* reason({ advantage: (rewards) => rewards.slice(1) }),
        "advantages by the estimator: 6 expected, 5 given"
      )
      assert.strictEqual(
        yield* reason({ advantage: (rewards) => rewards.map(() => [0]) }),
        "advantages by the estimator of group 0: 8 expected, 1 given"
      )
      const long = yield* reason({}, { ...environment, observation: () => "once upon a time ".repeat(200) })
      assert.match(
        long,
        /^no prompt of environment letter fits into the model's context of \d+ tokens: the shortest of 6 has \d+, .*$/
      )
    }))

  it.effect("leaves out groups whose prompts are too long, counts them, and lets their dialogues go on", () =>
    Effect.gen(function*() {
      const advanced: Array<string> = []
      const { metrics } = yield* run({ steps: 1 }, {
        ...environment,
        observation: (letter) => letter === "b" ? "once upon a time ".repeat(200) : letter,
        advance: (actions) =>
          Effect.sync(() =>
            void advanced.push(...actions.map(({ state, text }) => `${state}${text === "" ? " without a text" : ""}`))
          )
      })
      assert.strictEqual(metrics[0]!["tooLong"], 1)
      assert.deepStrictEqual(advanced, ["a", "c", "d", "e", "f", "b without a text"])
    }))

  it.effect("goes on from a position as it would have gone on", () =>
    Effect.scoped(Effect.gen(function*() {
      const reference = (yield* Tiny.learner).sampler
      const kl = {
        beta: 0.5,
        reference,
        place: "reward",
        estimate: "k1",
        adaptive: { target: 0.001, horizon: 96 }
      } as const
      const folder = yield* Effect.acquireRelease(Effect.sync(() => mkdtempSync(join(tmpdir(), "grpo-"))), (folder) =>
        Effect.sync(() => rmSync(folder, { recursive: true })))
      let counted = 0
      // Its groups depend on those before.
      const counting = (): Environment.Environment<string> => {
        counted = 0
        return {
          ...environment,
          groups: (count) =>
            Effect.sync(() =>
              Array.from({ length: count }, () => ({ state: "abcdef"[counted++ % 5]! }))
            ),
          cursor: Cursor.make(Schema.Int, { save: () => counted, restore: (saved) => void (counted = saved) })
        }
      }
      const straight = yield* run({ steps: 6, kl }, counting())

      // A checkpointer that keeps the third step alone, and a run that is stopped after it.
      let kept: Checkpointer.State | undefined
      const checkpointer = (learner: Learner.Service, resumed?: Checkpointer.State): Checkpointer.Checkpointer => ({
        resumed,
        restore: () => resumed === undefined ? Effect.void : learner.loadState(folder),
        write: (state) =>
          Effect.gen(function*() {
            if (resumed !== undefined) return
            kept = JSON.parse(JSON.stringify({ ...state, learners: [], mark: {} })) as Checkpointer.State
            yield* learner.saveState(folder)
            return yield* Effect.interrupt
          }),
        restoreBest: () => Effect.void,
        leave: () => Effect.void,
        leaveFailed: () => Effect.void
      })
      const learner = yield* Tiny.learner
      const before: Array<RunLog.Metrics | RunLog.Transcript> = []
      yield* Effect.exit(
        train({ steps: 6, kl, environment: counting(), learner }, {
          checkpointer: checkpointer(learner),
          checkpointEvery: 3
        }).pipe(Effect.provide(RunLog.layerMemory(before)), Random.withSeed(5))
      )
      const stopped = before.flatMap((record) => "values" in record ? [record.values] : [])
      assert.lengthOf(stopped, 3)

      const fresh = yield* Tiny.learner
      const rest = yield* run({ steps: 6, kl }, counting(), fresh, { checkpointer: checkpointer(fresh, kept) })
      assert.deepStrictEqual(withoutTimes([...stopped, ...rest.metrics]), withoutTimes(straight.metrics))
      assert.notStrictEqual(kept!.position!.beta, 0.5)
      const elsewhere = { ...kept!, position: { ...kept!.position!, data: "elsewhere" } }
      const wrong = yield* Effect.flip(
        run({ steps: 6 }, counting(), fresh, { checkpointer: checkpointer(fresh, elsewhere) })
      )
      assert.match(wrong.message, /^the saved position of the data is not one of this data/)
    })))

  it.effect("keeps the batch of a step whose loss is no number", () =>
    Effect.gen(function*() {
      const kept: Array<RunLog.FailedStep> = []
      const error = yield* Effect.scoped(Effect.gen(function*() {
        const learner = yield* Tiny.learner
        return yield* Effect.flip(
          train({
            learner,
            steps: 3,
            groupsPerStep: 2,
            groupSize: 2,
            schedule: { peak: 1e-3, warmup: 1, decayFrom: 1, floor: 0 },
            objective: {
              ...Objective.grpo(),
              loss: Objective.mul(Objective.exp(Objective.exp(Objective.exp(10))), Objective.logp)
            },
            zeroVariance: "keep"
          }).pipe(
            Effect.updateService(RunLog.RunLog, (log) => ({
              ...log,
              batch: (given) => Effect.sync(() => (kept.push(given), "batch.json"))
            })),
            Effect.provide(RunLog.layerNone),
            Random.withSeed(5)
          )
        )
      }))
      assert.match(error.message, /^the loss is -?(Infinity|NaN); .*; the batch of step 1 is in batch\.json$/)
      const again = yield* FailedBatch.decode(FailedBatch.encode(kept[0]!))
      assert.deepStrictEqual([again.stage, again.step, again.objective], ["letter", 1, kept[0]!.objective])
      assert.deepStrictEqual(
        again.batch.map(({ completions }) => completions.map(({ tokens }) => tokens)),
        kept[0]!.batch.map(({ completions }) => completions.map(({ tokens }) => [...tokens]))
      )
    }))
})

describe("Kl", () => {
  it("estimates are those of the objective", () => {
    const [logp, refLogp] = [[-1, -2.5], [-1.4, -2]]
    for (const estimate of ["k1", "k2", "k3"] as const) {
      const found = Kl.perToken({ oldLogp: logp, refLogp }, estimate)
      const expected = Objective.evaluate({
        name: "kl",
        loss: Objective.kl[estimate],
        aggregation: Objective.Aggregation.Sum()
      }, [{ logp, refLogp }])
      assert.closeTo(found.reduce((sum, x) => sum + x, 0), expected, 1e-6)
    }
  })
})
