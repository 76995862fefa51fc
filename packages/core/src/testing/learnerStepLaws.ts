// How a learner moves: its steps, their settings, and what it saves.
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Learner, OptimSetting, OptimStep, PromptGroup } from "../rl/Learner.ts"
import * as Objective from "../rl/Objective.ts"
import type { Law } from "./law.ts"
import {
  alongGradient,
  enrich,
  gradNorm,
  type LearnerLawsOptions,
  logLikelihood,
  pass,
  score,
  setup,
  step
} from "./learnerSupport.ts"
import { assertClose, sum } from "./numbers.ts"

const settings: Readonly<Record<OptimSetting, number>> = {
  beta1: 0.5,
  beta2: 0.5,
  epsilon: 1e-3,
  weightDecay: 0.1,
  maxGradNorm: 0.5
}

const steps = ({ learningRate = 1e-4, tolerance = 1e-4 }: LearnerLawsOptions): ReadonlyArray<Law<Learner>> => [
  {
    title: "a step without a kept gradient moves nothing",
    check: Effect.gen(function*() {
      const { batch, learner } = yield* setup
      const before = yield* score(learner, batch)
      assert.strictEqual((yield* learner.optimStep({ learningRate: 0.1 })).gradNorm, 0)
      for (const [i, list] of (yield* score(learner, batch)).entries()) {
        assertClose(list, before[i]!, 1e-6, `completion ${i}`)
      }
      yield* learner.forwardBackward(batch, logLikelihood)
      assert.isAbove(yield* gradNorm(learner), 0)
      assert.strictEqual(yield* gradNorm(learner), 0, "the step did not forget the gradient")
    })
  },
  {
    title: "a step of supervised fine-tuning lowers the loss, and the sampler follows",
    check: Effect.gen(function*() {
      const { batch, learner } = yield* setup
      const before = yield* score(learner, batch)
      let last = Infinity
      for (let step = 0; step < 3; step++) {
        const { loss } = yield* learner.forwardBackward(batch, Objective.sft)
        assert.isBelow(loss, last, `step ${step}`)
        last = loss
        assert.isAbove((yield* learner.optimStep({ learningRate })).gradNorm, 0)
      }
      const after = yield* score(learner, batch)
      assert.isAbove(sum(after.map(sum)), sum(before.map(sum)))
      const { logprobs } = yield* learner.forwardBackward(batch, Objective.sft)
      logprobs.flat().forEach((list, i) => assertClose(list, after[i]!, tolerance, `completion ${i} after the steps`))
    })
  },
  {
    title: "a step of GRPO raises the completion with the higher advantage over the other",
    check: Effect.gen(function*() {
      const { batch, learner } = yield* setup
      const pair = batch.slice(0, 1)
      const margin = Effect.map(score(learner, pair), ([one, two]) => sum(one!) / one!.length - sum(two!) / two!.length)
      const before = yield* margin
      // Not from a forward and backward pass: its gradient would stay in Adam's moments.
      const logprobs = [yield* score(learner, pair)]
      const judged = enrich(pair, logprobs, ({ index, logp }) => ({ advantage: index === 0 ? -1 : 1, oldLogp: logp }))
      if ((yield* pass(learner, judged, Objective.grpo())) === undefined) return
      yield* learner.optimStep({ learningRate })
      assert.isBelow(yield* margin, before)
    })
  },
  {
    title: "a step takes the settings that the capabilities declare, and refuses the others",
    check: Effect.gen(function*() {
      const { batch, learner } = yield* setup
      yield* learner.forwardBackward(batch, logLikelihood)
      const norm = yield* gradNorm(learner)
      for (const [name, value] of Object.entries(settings)) {
        yield* learner.forwardBackward(batch, logLikelihood)
        const taken = yield* step(learner, { learningRate: 0, [name]: value })
        // What was refused is still there.
        assertClose(
          [(taken?.gradNorm ?? (yield* gradNorm(learner))) / norm],
          [1],
          1e-3,
          `the gradient's norm, with ${name}`
        )
      }
    })
  }
]

const folderOf = ({ directory }: LearnerLawsOptions) =>
  directory === undefined
    ? Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "learner-laws-"))),
      (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
    )
    : Effect.succeed(directory)

// AdamW in closed form. Weights begin a little away from where they were made, for those of an adapter begin at zero.
const adamW = (options: LearnerLawsOptions): Law<Learner> => ({
  title: "the settings of a step do what AdamW's do",
  check: Effect.gen(function*() {
    const { batch, learner } = yield* setup
    const { learningRate = 1e-4, tolerance = 1e-4 } = options
    const weights = join(yield* folderOf(options), "weights")
    const likelihood = Effect.map(score(learner, batch), (lists) => sum(lists.map(sum)))
    const forward = learner.forwardBackward(batch, logLikelihood)
    yield* Effect.andThen(forward, learner.optimStep({ learningRate: 100 * learningRate }))
    yield* learner.save(weights)
    // Without moments.
    const afresh = learner.load(weights)
    yield* Effect.andThen(afresh, forward)
    const norm = yield* gradNorm(learner)
    const before = yield* likelihood
    const rise = (passes: Effect.Effect<boolean, unknown>) =>
      Effect.andThen(afresh, passes).pipe(
        Effect.flatMap((taken) => taken ? Effect.map(likelihood, (after) => after - before) : Effect.undefined)
      )
    const taken = (settings: OptimStep) => Effect.map(step(learner, settings), (found) => found !== undefined)
    const check = (found: number | undefined, expected: number, what: string) => {
      if (found !== undefined) assertClose([found], [expected], 0.05, what)
    }
    const [change, along] = [0.005, alongGradient(norm, 0.005)]
    const once = (settings: Partial<OptimStep>) => rise(Effect.andThen(forward, taken({ ...along, ...settings })))
    const part = (found: number | undefined) => found === undefined ? undefined : found / change

    check(part(yield* once({})), 1, "epsilon")
    check(part(yield* once({ maxGradNorm: norm / 2 })), 0.5, "maxGradNorm, half the norm")
    check(part(yield* once({ maxGradNorm: 2 * norm })), 1, "maxGradNorm, twice the norm")

    // The gradient g, then -g: the first moment is (1 - beta1) / (1 + beta1) of -g.
    const back = learner.forwardBackward(batch, { ...logLikelihood, loss: Objective.logp })
    for (const beta1 of [0, 0.5]) {
      const found = yield* rise(
        Effect.andThen(forward, taken({ ...along, learningRate: 0, beta1 })).pipe(
          Effect.flatMap((first) => first ? Effect.andThen(back, taken({ ...along, beta1 })) : Effect.succeed(false))
        )
      )
      check(part(found), -(1 - beta1) / (1 + beta1), `beta1 ${beta1}`)
    }

    // The gradient g, then 2g: the second moment is (4 + beta2) / (1 + beta2) of g squared. A step is that along the
    // signs of g.
    const twice = (beta2: number, rate: number) =>
      rise(
        Effect.andThen(forward, taken({ learningRate: 0, beta2 })).pipe(
          Effect.flatMap((first) =>
            first
              ? Effect.andThen(Effect.andThen(forward, forward), taken({ learningRate: rate, beta2 }))
              : Effect.succeed(false)
          )
        )
      )
    const trial = yield* twice(0.999, learningRate)
    if (trial !== undefined) {
      const rate = learningRate * change / trial
      const [long, short] = [yield* twice(0.999, rate), yield* twice(0.1, rate)]
      check(short! / long!, Math.sqrt((4.999 / 1.999) / (4.1 / 1.1)), "beta2")
    }

    // An epsilon beside which the gradient is nothing: what is left is the decay of each weight, the rate times
    // weightDecay, whatever the two are.
    const epsilon = 1e9 * norm
    const decayed = Effect.fnUntraced(
      function*(decays: ReadonlyArray<readonly [learningRate: number, weightDecay: number]>) {
        yield* afresh
        for (const [learningRate, weightDecay] of decays) {
          yield* forward
          if (!(yield* taken({ learningRate, weightDecay, epsilon }))) return undefined
        }
        return yield* score(learner, batch)
      }
    )
    const [half, other, quarters, none] = [
      yield* decayed([[0.1, 5]]),
      yield* decayed([[1, 0.5]]),
      yield* decayed([[0.1, 2.5], [0.1, 10 / 3]]),
      yield* decayed([[0.1, 0]])
    ]
    if (half === undefined) return
    const moved = half.flatMap((list, i) => Array.from(list, (x, t) => Math.abs(x - none![i]![t]!)))
    assert.isAbove(Math.max(...moved), tolerance, "no decay")
    for (const [i, list] of half.entries()) {
      assertClose(list, other![i]!, tolerance, `completion ${i}, the same decay by another rate`)
      assertClose(list, quarters![i]!, tolerance, `completion ${i}, the same decay in two steps`)
    }
  })
})

const saved = (options: LearnerLawsOptions): ReadonlyArray<Law<Learner>> => {
  const { learningRate = 1e-4, tolerance = 1e-4 } = options
  return [
    {
      title: "loadState continues as what saveState wrote would have",
      check: Effect.gen(function*() {
        const { batch, learner } = yield* setup
        const directory = join(yield* folderOf(options), "state")
        const step = (of: ReadonlyArray<PromptGroup>) =>
          Effect.andThen(
            learner.forwardBackward(of, Objective.sft),
            learner.optimStep({ learningRate: 5 * learningRate })
          )
        // The moments of one part of the batch go on to move its weights while the other part is learned.
        const [before, after] = [[batch[0]!], [batch[1]!]]
        const goOn = Effect.andThen(step(after), step(after))
        yield* Effect.andThen(step(before), step(before))
        yield* learner.saveState(directory)
        // A gradient that is kept does not survive.
        yield* learner.forwardBackward(batch, Objective.sft)
        yield* learner.loadState(directory)
        assert.strictEqual(yield* gradNorm(learner), 0)
        yield* learner.loadState(directory)
        yield* goOn
        const straight = yield* score(learner, batch)
        yield* goOn
        yield* learner.loadState(directory)
        yield* goOn
        for (const [i, list] of (yield* score(learner, batch)).entries()) {
          assertClose(list, straight[i]!, tolerance, `completion ${i}`)
        }
        // Without the moments it would have gone elsewhere.
        yield* learner.loadState(directory)
        yield* learner.save(join(directory, "weights"))
        yield* learner.load(join(directory, "weights"))
        yield* goOn
        const without = yield* score(learner, batch)
        const apart = without.map((list, i) => Math.abs(sum(list) - sum(straight[i]!)))
        assert.isAbove(Math.max(...apart), tolerance, "the moments make no difference")
      })
    },
    {
      title: "load restores the weights that save wrote",
      check: Effect.gen(function*() {
        const { batch, learner } = yield* setup
        const directory = yield* folderOf(options)
        const step = Effect.andThen(
          learner.forwardBackward(batch, Objective.sft),
          learner.optimStep({ learningRate: 100 * learningRate })
        )
        yield* step
        const saved = yield* score(learner, batch)
        yield* learner.save(join(directory, "checkpoint"))
        yield* step
        const moved = yield* score(learner, batch)
        assert.isAbove(
          Math.abs(sum(moved.map(sum)) - sum(saved.map(sum))),
          10 * tolerance,
          "the steps between save and load moved nothing"
        )
        yield* learner.load(join(directory, "checkpoint"))
        for (const [i, list] of (yield* score(learner, batch)).entries()) {
          assertClose(list, saved[i]!, tolerance, `completion ${i}`)
        }
        const { logprobs } = yield* learner.forwardBackward(batch, Objective.sft)
        logprobs.flat().forEach((list, i) => assertClose(list, saved[i]!, tolerance, `completion ${i}, in training`))
      })
    }
  ]
}

/** How a learner moves. */
export const stepLaws = (
  options: LearnerLawsOptions
): ReadonlyArray<Law<Learner>> => [...steps(options), adamW(options), ...saved(options)]
