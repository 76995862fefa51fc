// What a learner computes: log-probabilities, losses, gradients and their slopes.
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { type ForwardBackward, type Learner, missing } from "../rl/Learner.ts"
import * as Objective from "../rl/Objective.ts"
import type { Law } from "./law.ts"
import {
  alongGradient,
  type Each,
  enrich,
  everyQuantity,
  gradNorm,
  type LearnerLawsOptions,
  logLikelihood,
  pass,
  reference,
  score,
  scoreGroups,
  sequencesOf,
  setup,
  step,
  valuesOf
} from "./learnerSupport.ts"
import { assertClose, sum } from "./numbers.ts"

const { ConstantLength, SequenceMean, Sum, TokenMean } = Objective.Aggregation
const sumOf = { aggregation: Sum() }
const weightedLikelihood = {
  name: "weighted log-likelihood",
  loss: Objective.mul(Objective.logp, Objective.advantage),
  ...sumOf
}
const aggregations = [SequenceMean(), TokenMean(), ConstantLength({ length: 16 }), Sum()]

// Losses that every learner can do, and one or more for each thing that capabilities declare.
const objectives: ReadonlyArray<Objective.Objective> = [
  ...aggregations.map((aggregation) => ({ ...Objective.sft, aggregation })),
  ...aggregations.map((aggregation) => Objective.grpo({ epsilon: 0.2, epsilonHigh: 0.28, beta: 0.04, aggregation })),
  Objective.cispo({ beta: 0.1 }),
  Objective.ppo({ dualClip: 2 }),
  Objective.gspo({ epsilon: 0.2, epsilonHigh: 0.3 }),
  Objective.withCorrection(Objective.grpo(), { level: "sequence", mode: "mask", cap: 2 }),
  {
    name: "likelihood of whole completions",
    loss: Objective.neg(Objective.sequenceMean(Objective.logp)),
    aggregation: SequenceMean()
  },
  { name: "entropy", loss: Objective.neg(Objective.entropy), aggregation: TokenMean() },
  Objective.valueLoss({ epsilon: 0.3, aggregation: SequenceMean() })
]

const losses = ({ tolerance = 1e-4 }: LearnerLawsOptions): ReadonlyArray<Law<Learner>> => [
  {
    title: "forwardBackward gives the shapes of the batch, and the log-probabilities that the sampler gives",
    check: Effect.gen(function*() {
      const { batch, learner } = yield* setup
      for (const temperature of [undefined, 0.7]) {
        const { logprobs, loss } = yield* learner.forwardBackward(
          batch,
          Objective.sft,
          temperature === undefined ? {} : { temperature }
        )
        assert.isTrue(Number.isFinite(loss))
        assert.deepStrictEqual(
          logprobs.map((group) => group.map((list) => list.length)),
          batch.map((group) => group.completions.map(({ tokens }) => tokens.length))
        )
        const scores = yield* score(learner, batch, temperature)
        logprobs.flat().forEach((list, i) =>
          assertClose(list, scores[i]!, tolerance, `completion ${i}, temperature ${temperature ?? 1}`)
        )
      }
    })
  },
  {
    title: "a completion has the same log-probabilities alone and beside others of its prompt",
    check: Effect.gen(function*() {
      const { batch, learner } = yield* setup
      const { logprobs } = yield* learner.forwardBackward(batch, Objective.sft)
      const flat = batch.flatMap(({ completions, prompt }) =>
        completions.map((completion) => ({ prompt, completions: [completion] }))
      )
      const alone = yield* learner.forwardBackward(flat, Objective.sft)
      logprobs.flat().forEach((list, i) => assertClose(list, alone.logprobs[i]![0]!, tolerance, `completion ${i}`))
    })
  },
  {
    title: "a group may hold more tokens than the context, which each of its completions fits",
    check: Effect.gen(function*() {
      const { batch: [group], learner } = yield* setup
      const { completions: [completion], prompt } = group!
      // As long as that is a small batch.
      const n = Math.ceil(Math.min(learner.sampler.contextLength, 4096) / completion!.tokens.length) + 1
      const many = [{ prompt, completions: Array.from({ length: n }, () => completion!) }]
      const { logprobs } = yield* learner.forwardBackward(many, Objective.sft)
      const alone = yield* score(learner, [{ prompt, completions: [completion!] }])
      assert.lengthOf(logprobs[0]!, n)
      for (const i of [0, n - 1]) assertClose(logprobs[0]![i]!, alone[0]!, tolerance, `completion ${i} of ${n}`)
      const scores = yield* score(learner, many)
      assertClose(scores[n - 1]!, alone[0]!, tolerance, "scored")
    })
  },
  {
    title: "losses are those of the reference interpreter, and so are gradients with respect to log-probabilities",
    check: Effect.gen(function*() {
      const { batch, learner } = yield* setup
      const full = enrich(batch, yield* scoreGroups(learner, batch), everyQuantity)
      for (const objective of objectives) {
        const found = yield* pass(learner, full, objective)
        if (found === undefined) continue
        const what = `${objective.name} ${objective.aggregation._tag}`
        const expected = reference(objective, full, found.logprobs, found)
        assertClose([found.loss], [expected], tolerance * Math.max(1, Math.abs(expected)), what)
        const whole = yield* gradNorm(learner)
        assert.isAbove(whole, 0, what)
        if (found.entropies !== undefined || found.values !== undefined) continue
        // The log-likelihood, weighted by the slopes of the loss, takes away what the loss has given.
        const { derivatives } = Objective.differentiate(objective, valuesOf(full, found.logprobs))
        const weighted = enrich(
          full,
          found.logprobs,
          ({ index }) => ({ advantage: derivatives[index]!.logp.map((x) => -x) })
        )
        yield* learner.forwardBackward(full, objective)
        const taken = yield* pass(learner, weighted, weightedLikelihood)
        const left = yield* gradNorm(learner)
        if (taken !== undefined) assert.isAtMost(left, 2e-3 * whole, `gradient of ${what}`)
      }
    })
  },
  {
    title: "entropies are those of the sampler's distribution",
    check: Effect.gen(function*() {
      const { batch, learner } = yield* setup
      const found = yield* pass(learner, batch, { name: "entropy", loss: Objective.entropy, aggregation: Sum() })
      // The first tokens of a large vocabulary would not do: all of them count.
      const { vocabularySize } = learner.sampler.tokenizer
      if (found === undefined || vocabularySize > 4096) return
      const vocabulary = Array.from({ length: vocabularySize }, (_, token) => [token])
      const scores = yield* learner.sampler.score({
        groups: batch.map(({ prompt }) => ({ prompt, completions: vocabulary }))
      })
      for (const [g, group] of scores.entries()) {
        const expected = -sum(group.map(([logp]) => Math.exp(logp!) * logp!))
        for (const entropies of found.entropies![g]!) {
          assertClose([entropies[0]!], [expected], 10 * tolerance, `group ${g}`)
        }
      }
    })
  },
  {
    title: "what is refused leaves the weights and the kept gradient as they were",
    check: Effect.gen(function*() {
      const { batch, learner } = yield* setup
      const logprobs = yield* scoreGroups(learner, batch)
      const full = enrich(batch, logprobs, everyQuantity)
      const refused = Effect.forEach(
        objectives,
        Effect.fnUntraced(function*(objective) {
          if (missing(learner.capabilities, objective).length > 0) yield* pass(learner, full, objective)
          // What the batch does not have no engine can read.
          if (Objective.given(objective).length === 0) return
          const found = yield* Effect.result(learner.forwardBackward(batch, objective))
          assert.isTrue(
            Result.isFailure(found),
            `${objective.name} reads what the batch does not have, and is not refused`
          )
          if (Result.isFailure(found)) assert.strictEqual(found.failure._tag, "LearnerError")
        })
      )
      yield* refused
      assert.strictEqual(yield* gradNorm(learner), 0, "a refusal left a gradient")
      yield* learner.forwardBackward(batch, logLikelihood)
      const alone = yield* gradNorm(learner)
      yield* learner.forwardBackward(batch, logLikelihood)
      yield* refused
      assertClose([(yield* gradNorm(learner)) / alone], [1], 1e-3, "the gradient that was kept before")
      const after = yield* scoreGroups(learner, batch)
      after.flat().forEach((list, i) => assertClose(list, logprobs.flat()[i]!, 1e-6, `completion ${i}`))
    })
  },
  {
    title: "a learner gives values where it declares a critic, and refuses where it does not",
    check: Effect.gen(function*() {
      const { batch, learner } = yield* setup
      const found = yield* Effect.result(learner.values(sequencesOf(batch)))
      assert.strictEqual(Result.isSuccess(found), learner.capabilities.critic)
      if (Result.isFailure(found)) return assert.strictEqual(found.failure._tag, "LearnerError")
      assert.deepStrictEqual(
        found.success.map((group) => group.map(({ length }) => length)),
        batch.map(({ completions }) => completions.map(({ tokens }) => tokens.length))
      )
    })
  }
]

const shifted = (advantage: number, shift: number): Each => ({ logp }) => ({
  advantage,
  oldLogp: Array.from(logp, (x) => x + shift)
})

// Gradients as norms: where they add up, where there are none, and where there have to be some.
const gradients: ReadonlyArray<Law<Learner>> = [
  {
    title: "gradients add up over passes and over micro-batches, until the step",
    check: Effect.gen(function*() {
      const { batch, learner } = yield* setup
      yield* learner.forwardBackward(batch, logLikelihood)
      const once = yield* gradNorm(learner)
      assert.isAbove(once, 0)
      yield* learner.forwardBackward(batch, logLikelihood)
      yield* learner.forwardBackward(batch, logLikelihood)
      assertClose([(yield* gradNorm(learner)) / once], [2], 2e-3, "twice the batch")
      for (const group of batch) yield* learner.forwardBackward([group], logLikelihood)
      assertClose([(yield* gradNorm(learner)) / once], [1], 1e-3, "group by group")
    })
  },
  {
    title: "a gradient vanishes where the objective has none",
    check: Effect.gen(function*() {
      const { batch, learner } = yield* setup
      const { logprobs } = yield* learner.forwardBackward(batch, logLikelihood)
      const whole = yield* gradNorm(learner)
      const cases: ReadonlyArray<readonly [string, Objective.Objective, Each]> = [
        ["all tokens masked", logLikelihood, ({ tokens }) => ({ mask: tokens.map(() => 0) })],
        ["advantage 0", Objective.grpo(sumOf), ({ logp }) => ({ advantage: 0, oldLogp: logp })],
        ["ratio e, advantage 1: clipped", Objective.grpo(sumOf), shifted(1, -1)],
        ["ratio 1/e, advantage -1: clipped", Objective.grpo(sumOf), shifted(-1, 1)],
        [
          "behind stop-gradient",
          { name: "stopped", loss: Objective.stopGradient(Objective.logp), ...sumOf },
          () => ({})
        ]
      ]
      for (const [title, objective, each] of cases) {
        const found = yield* pass(learner, enrich(batch, logprobs, each), objective)
        if (found !== undefined) assert.isAtMost(yield* gradNorm(learner), 1e-4 * whole, title)
      }
      // The other side of each bound has the gradient of the plain policy gradient, e or 1/e times that of the
      // likelihood.
      for (const [advantage, shift] of [[-1, -1], [1, 1]] as const) {
        const found = yield* pass(learner, enrich(batch, logprobs, shifted(advantage, shift)), Objective.grpo(sumOf))
        if (found !== undefined) {
          assertClose(
            [(yield* gradNorm(learner)) / whole],
            [Math.exp(-shift)],
            1e-2,
            `advantage ${advantage}, not clipped`
          )
        }
      }
    })
  },
  {
    title: "every token that counts has a gradient, the first and the last ones too",
    check: Effect.gen(function*() {
      const { batch, learner } = yield* setup
      yield* learner.forwardBackward(batch, logLikelihood)
      const whole = yield* gradNorm(learner)
      for (const { completions: [completion], prompt } of batch) {
        const { tokens } = completion!
        for (const at of tokens.keys()) {
          const mask = tokens.map((_, t) => t === at ? 1 : 0)
          yield* learner.forwardBackward([{ prompt, completions: [{ tokens, mask }] }], logLikelihood)
          assert.isAbove(yield* gradNorm(learner), 1e-6 * whole, `token ${at} of ${tokens.length}`)
        }
      }
    })
  }
]

// The gradient of a sum is the sum of the gradients.
const additive = (whole: Objective.Objective, parts: ReadonlyArray<Objective.Objective>): Law<Learner> => ({
  title: `the gradient is the sum of those of its parts: ${whole.name}`,
  check: Effect.gen(function*() {
    const { batch, learner } = yield* setup
    const full = enrich(batch, yield* scoreGroups(learner, batch), everyQuantity)
    if ((yield* pass(learner, full, whole)) === undefined) return
    const norm = yield* gradNorm(learner)
    yield* learner.forwardBackward(full, whole)
    for (const part of parts) yield* learner.forwardBackward(full, { ...part, loss: Objective.neg(part.loss) })
    assert.isAtMost(yield* gradNorm(learner), 2e-3 * norm)
  })
})

const bonus = { name: "a bonus for entropy", loss: Objective.mul(-0.5, Objective.entropy) }
const critic = { ...Objective.valueLoss({ epsilon: 0.3 }), name: "a critic" }
const sums = [
  additive({ ...Objective.withEntropy(Objective.grpo(), 0.5), name: "with an entropy bonus" }, [
    Objective.grpo(),
    { ...bonus, aggregation: SequenceMean() }
  ]),
  additive(
    {
      ...Objective.withTerm(Objective.ppo({ dualClip: 2 }), critic, Objective.coefficient("weight", 0.5)),
      name: "of policy and critic on one network"
    },
    [Objective.ppo({ dualClip: 2 }), { ...critic, loss: Objective.mul(0.5, critic.loss) }]
  )
]

const slope = (objective: Objective.Objective, change: number, temperature = 1): Law<Learner> => ({
  title: `the gradient is the slope of the loss: ${objective.name}, temperature ${temperature}`,
  check: Effect.gen(function*() {
    const { batch, learner } = yield* setup
    const full = enrich(batch, yield* scoreGroups(learner, batch, temperature), everyQuantity)
    // By the sampler's log-probabilities, not by those that came with the gradient.
    const loss = Effect.fnUntraced(function*(found: ForwardBackward) {
      return reference(objective, full, yield* scoreGroups(learner, full, temperature), found)
    })
    const first = yield* pass(learner, full, objective, { temperature })
    if (first === undefined) return
    const before = yield* loss(first)
    if (first.values !== undefined) {
      const values = yield* learner.values(sequencesOf(full))
      values.flat().forEach((list, i) => assertClose(list, first.values!.flat()[i]!, 1e-4, `values of completion ${i}`))
    }
    const norm = yield* gradNorm(learner)
    assert.isAbove(norm, 0)
    // That the same gradient was seen before changes nothing.
    yield* learner.forwardBackward(full, objective, { temperature })
    if ((yield* step(learner, alongGradient(norm, change))) === undefined) return
    const after = yield* loss(yield* learner.forwardBackward(full, objective, { temperature }))
    assertClose([(before - after) / change], [1], 0.05, "fall of the loss, beside what the gradient foretells")
  })
})

const slopes = [
  slope(Objective.sft, 0.0005),
  slope(logLikelihood, 0.005, 0.5),
  slope(Objective.grpo({ epsilon: 0.2, epsilonHigh: 0.28, beta: 0.2 }), 0.0005),
  slope({ ...bonus, aggregation: TokenMean() }, 0.0001),
  slope(critic, 0.0005)
]

/** What a learner computes. */
export const objectiveLaws = (
  options: LearnerLawsOptions
): ReadonlyArray<Law<Learner>> => [...losses(options), ...gradients, ...sums, ...slopes]
