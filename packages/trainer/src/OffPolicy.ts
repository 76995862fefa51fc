/**
 * What a new policy would have earned, from a log of what another one did: before it is let loose.
 *
 * A log holds decisions with the probability that they had when they were made. Each is weighed by how much likelier
 * the new policy makes it.
 *
 * @since 0.1.0
 */
import { MemoryLog } from "@memory-r1/core"
import { Sampler, Statistics } from "@memory-r1/core/rl"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import { TrainingError } from "./TrainingError.ts"

/**
 * A decision that was made, and what it earned: the prompt and the tokens, the log-probability of each when it was
 * sampled, and the temperature at which it was (1 if omitted).
 *
 * @category models
 * @since 0.1.0
 */
export interface Sample {
  readonly prompt: ReadonlyArray<number>
  readonly tokens: ReadonlyArray<number>
  readonly logprobs: ArrayLike<number>
  readonly temperature?: number | undefined
  readonly reward: number
}

/**
 * One decision for the estimators.
 *
 * - `logWeight`: the log of how many times likelier the new policy makes it.
 * - `expected`: what a model of rewards expects of this decision, and `value`, what it expects of the new policy in the
 *   same place; for `doublyRobust`. Both 0 where there is no model.
 *
 * @category models
 * @since 0.1.0
 */
export interface WeightedSample {
  readonly reward: number
  readonly logWeight: number
  readonly expected?: number | undefined
  readonly value?: number | undefined
}

/**
 * The mean reward of the new policy by importance sampling: `mean(w r)`. Unbiased, and of large variance where the
 * policies differ.
 *
 * @example
 * ```ts
 * import { OffPolicy } from "@memory-r1/trainer"
 *
 * // Of two decisions, made equally often, the new policy always takes the one that earns 1.
 * const log = [{ reward: 1, logWeight: Math.log(2) }, { reward: 0, logWeight: -Infinity }]
 * OffPolicy.importanceSampling(log) // => 1
 * OffPolicy.effectiveSize(log) // => 1
 * ```
 *
 * @category estimators
 * @since 0.1.0
 */
export const importanceSampling = (log: ReadonlyArray<WeightedSample>): number =>
  Statistics.mean(log.map((one) => Math.exp(one.logWeight) * one.reward))

/**
 * The same with weights that add up to the number of decisions: `sum(w r) / sum(w)`. Biased by one part in that number,
 * and of less variance.
 *
 * @category estimators
 * @since 0.1.0
 */
export const weightedImportanceSampling = (log: ReadonlyArray<WeightedSample>): number => {
  // Relative to the largest, so that none overflows.
  const most = log.reduce((most, { logWeight }) => Math.max(most, logWeight), -Infinity)
  const weights = log.map(({ logWeight }) => Math.exp(logWeight - most))
  const total = sum(weights)
  return total === 0 || !Number.isFinite(most) ? 0 : sum(weights.map((weight, i) => weight * log[i]!.reward)) / total
}

/**
 * The doubly robust estimate (Dudík et al. 2011, equation 2): `mean(value + w (r - expected))`. Right in the mean where
 * either the weights or the model of rewards is right, and of little variance where the model is good.
 *
 * @category estimators
 * @since 0.1.0
 */
export const doublyRobust = (log: ReadonlyArray<WeightedSample>): number =>
  Statistics.mean(
    log.map(({ expected = 0, logWeight, reward, value = 0 }) => value + Math.exp(logWeight) * (reward - expected))
  )

/**
 * How many decisions of the new policy the log is worth (Kish 1965): `sum(w)^2 / sum(w^2)`. Below a few dozen no
 * estimate says much.
 *
 * @category estimators
 * @since 0.1.0
 */
export const effectiveSize = (log: ReadonlyArray<WeightedSample>): number => {
  const most = log.reduce((most, { logWeight }) => Math.max(most, logWeight), -Infinity)
  const weights = log.map(({ logWeight }) => Math.exp(logWeight - most))
  const squares = sum(weights.map((weight) => weight * weight))
  return Number.isFinite(most) && squares > 0 ? sum(weights) ** 2 / squares : 0
}

const sum = (values: ReadonlyArray<number>): number => values.reduce((total, value) => total + value, 0)

/**
 * An estimate with the bootstrap interval of its middle 95 % (Efron 1979): the log is drawn anew `resamples` times,
 * with replacement, from Effect's `Random`.
 *
 * @category running
 * @since 0.1.0
 */
export const withInterval = Effect.fn("OffPolicy.withInterval")(function*(
  estimator: (log: ReadonlyArray<WeightedSample>) => number,
  log: ReadonlyArray<WeightedSample>,
  { resamples = 1000 }: { readonly resamples?: number | undefined } = {}
) {
  const random = yield* Random.Random
  const found = Float64Array.from(
    { length: resamples },
    () => estimator(log.map(() => log[Math.floor(random.nextDoubleUnsafe() * log.length)]!))
  ).sort()
  const at = (share: number): number => found[Math.min(resamples - 1, Math.floor(share * resamples))] ?? 0
  return { estimate: estimator(log), low: at(0.025), high: at(0.975), effectiveSize: effectiveSize(log) }
})

/**
 * The lines that `memory-r1 memory export --decisions` writes. Fails with a `TrainingError` that names the line.
 *
 * @category constructors
 * @since 0.1.0
 */
export const read = Effect.fn("OffPolicy.read")(function*(text: string) {
  return yield* Effect.forEach(
    text.split("\n").flatMap((line, i) => line.trim() === "" ? [] : [{ line, number: i + 1 }]),
    ({ line, number }) =>
      Effect.mapError(
        Schema.decodeEffect(MemoryLog.SampledDecisionJson)(line),
        (error) => new TrainingError({ reason: `line ${number} is not a decision of an export: ${error.message}` })
      )
  )
})

/**
 * Decisions of a production log as samples. `reward` says what a decision earned: a function of its edits and of what
 * was written, or of what you know about it from elsewhere.
 *
 * Fails with a `TrainingError` for a decision of a greedy policy (temperature 0): it says nothing about what was not
 * done, so no weight is right.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromDecisions = (
  decisions: ReadonlyArray<MemoryLog.SampledDecision>,
  reward: (decision: MemoryLog.SampledDecision) => number
): Effect.Effect<ReadonlyArray<Sample>, TrainingError> =>
  Effect.forEach(decisions, (one) => {
    const { logprobs, prompt, temperature, tokens } = one.decision.sample
    return temperature > 0
      ? Effect.succeed({ prompt, tokens, logprobs, temperature, reward: reward(one) })
      : Effect.fail(
        new TrainingError({
          reason:
            `the decision at revision ${one.revision} was greedy (temperature ${temperature}), so it says nothing ` +
            "about other decisions: log a policy that samples"
        })
      )
  })

/**
 * Weighs a log by a policy: that of the provided sampler, at `temperature`. If that is omitted, each decision keeps the
 * temperature at which it was sampled.
 *
 * @category running
 * @since 0.1.0
 */
export const weigh = Effect.fn("OffPolicy.weigh")(
  function*(log: ReadonlyArray<Sample>, options: { readonly temperature?: number | undefined } = {}) {
    const sampler = yield* Sampler.Sampler
    const temperatures = log.map((sample) => options.temperature ?? sample.temperature ?? 1)
    const weighted = new Array<WeightedSample>(log.length)
    for (const temperature of new Set(temperatures)) {
      const rows = log.flatMap((_, i) => temperatures[i] === temperature ? [i] : [])
      const scores = yield* sampler.score({
        groups: rows.map((i) => ({ prompt: log[i]!.prompt, completions: [log[i]!.tokens] })),
        temperature
      })
      rows.forEach((i, row) => {
        const { logprobs, reward, tokens } = log[i]!
        const logWeight = tokens.reduce((total, _, t) => total + scores[row]![0]![t]! - logprobs[t]!, 0)
        weighted[i] = { reward, logWeight }
      })
    }
    return weighted as ReadonlyArray<WeightedSample>
  }
)
