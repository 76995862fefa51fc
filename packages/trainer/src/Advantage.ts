/**
 * From rewards to advantages: how much better than expected an action, or a token of it, was.
 *
 * @since 0.1.0
 */
import { Statistics } from "@memory-r1/core/rl"

const { mean } = Statistics

/**
 * From the rewards of each group to the advantages of each group.
 *
 * `groupNormalized`, `groupCentred`, `leaveOneOut` and `batchNormalized` are estimators; yours is a function.
 *
 * @category models
 * @since 0.1.0
 */
export type Estimator = (rewards: ReadonlyArray<ReadonlyArray<number>>) => ReadonlyArray<ReadonlyArray<number>>

const sum = (values: ReadonlyArray<number>): number => values.reduce((sum, value) => sum + value, 0)

// The sample standard deviation, 0 of a single value.
const deviation = (values: ReadonlyArray<number>): number => {
  const centre = mean(values)
  return Math.sqrt(sum(values.map((value) => (value - centre) ** 2)) / Math.max(values.length - 1, 1))
}

// The rounding of a sum of many terms, in parts of the largest reward, or of 1 where terms have cancelled out.
const rounding = 64 * Number.EPSILON

/**
 * Whether a group teaches nothing, because its rewards differ by no more than rounding: 0.3 and 0.1 + 0.2 are the same
 * reward. All estimators of this module give such a group advantages of exactly 0.
 *
 * @example
 * ```ts
 * import { Advantage } from "@memory-r1/trainer"
 *
 * Advantage.isZeroVariance([0.3, 0.1 + 0.2]) // => true
 * Advantage.isZeroVariance([0.3, 0.300001]) // => false
 * ```
 *
 * @category getters
 * @since 0.1.0
 */
export const isZeroVariance = (rewards: ReadonlyArray<number>): boolean => {
  let [least, most] = [Infinity, -Infinity]
  for (const reward of rewards) {
    if (Number.isNaN(reward)) return false
    least = Math.min(least, reward)
    most = Math.max(most, reward)
  }
  return rewards.length === 0 || most - least <= rounding * Math.max(1, Math.abs(least), Math.abs(most))
}

// Group by group; those that teach nothing get exactly 0.
const byGroup = (estimate: (rewards: ReadonlyArray<number>) => ReadonlyArray<number>): Estimator => (groups) =>
  groups.map((rewards) => isZeroVariance(rewards) ? rewards.map(() => 0) : estimate(rewards))

/**
 * The group-normalized advantage of GRPO (Shao et al. 2024): `(r - mean) / (std + 1e-4)`, with the sample standard
 * deviation, as TRL computes it. All zero if the rewards do not differ.
 *
 * @example
 * ```ts
 * import { Advantage } from "@memory-r1/trainer"
 *
 * Advantage.groupNormalized([[1, 1, 1]]) // => [[0, 0, 0]]
 * Advantage.groupNormalized([[0, 1]]).flat().map((a) => a.toFixed(3)) // => ["-0.707", "0.707"]
 * ```
 *
 * @category getters
 * @since 0.1.0
 */
export const groupNormalized: Estimator = byGroup((rewards) => {
  const [centre, spread] = [mean(rewards), deviation(rewards)]
  return rewards.map((reward) => (reward - centre) / (spread + 1e-4))
})

/**
 * The group-centered advantage of Dr. GRPO (Liu et al. 2025): `r - mean`, without the division that favours groups of
 * little variance.
 *
 * @category getters
 * @since 0.1.0
 */
export const groupCentred: Estimator = byGroup((rewards) => {
  const centre = mean(rewards)
  return rewards.map((reward) => reward - centre)
})

/**
 * The leave-one-out advantage of RLOO (Kool et al. 2019; Ahmadian et al. 2024): `r` less the mean of the group's
 * others, which is unbiased. A group of one has nothing to compare with, and gets 0.
 *
 * @category getters
 * @since 0.1.0
 */
export const leaveOneOut: Estimator = byGroup((rewards) => {
  const total = sum(rewards)
  return rewards.map((reward) => reward - (total - reward) / (rewards.length - 1))
})

/**
 * Centered by group and divided by the deviation of the whole batch (REINFORCE++ with a baseline, Hu et al. 2025;
 * `scale_rewards="batch"` of TRL): groups of little variance are not blown up.
 *
 * @category getters
 * @since 0.1.0
 */
export const batchNormalized: Estimator = (groups) => {
  const spread = deviation(groups.flat())
  return groupCentred(groups).map((advantages) => advantages.map((advantage) => advantage / (spread + 1e-4)))
}

/**
 * Generalized advantage estimation (Schulman et al. 2016, equations 11 to 16) of one completion: from a reward for each
 * token and the critic's value before each, with value 0 after the last, `delta_t = r_t + gamma V_{t+1} - V_t`, `A_t =
 * delta_t + gamma lambda A_{t+1}`.
 *
 * `returns`, `A_t + V_t`, are what the critic should have said.
 *
 * @example
 * ```ts
 * import { Advantage } from "@memory-r1/trainer"
 *
 * // With gamma and lambda 1 the advantage is what is still to come, less the value.
 * Advantage.gae([0, 0, 1], [0.5, 0.25, 0.75], { gamma: 1, lambda: 1 })
 * // => { advantages: [0.5, 0.75, 0.25], returns: [1, 1, 1] }
 * ```
 *
 * @category getters
 * @since 0.1.0
 */
export const gae = (
  rewards: ArrayLike<number>,
  values: ArrayLike<number>,
  { gamma, lambda }: { readonly gamma: number; readonly lambda: number }
): { readonly advantages: ReadonlyArray<number>; readonly returns: ReadonlyArray<number> } => {
  const advantages = new Array<number>(rewards.length)
  let later = 0
  for (let t = rewards.length - 1; t >= 0; t--) {
    const next = t + 1 < rewards.length ? values[t + 1]! : 0
    later = rewards[t]! + gamma * next - values[t]! + gamma * lambda * later
    advantages[t] = later
  }
  return { advantages, returns: advantages.map((advantage, t) => advantage + values[t]!) }
}

/**
 * Whitening: all tokens of a batch to mean 0 and deviation 1, as PPO's implementations do with advantages.
 *
 * @category getters
 * @since 0.1.0
 */
export const whitened = (tokens: ReadonlyArray<ReadonlyArray<number>>): ReadonlyArray<ReadonlyArray<number>> => {
  const all = tokens.flat()
  if (isZeroVariance(all)) return tokens.map((values) => values.map(() => 0))
  const [centre, spread] = [mean(all), deviation(all)]
  return tokens.map((values) => values.map((value) => (value - centre) / (spread + 1e-8)))
}

/**
 * How much of the variance of the returns the values explain: 1 for a critic that knows them, 0 for one that predicts
 * their mean, negative for a worse one. 0 if the returns do not vary.
 *
 * @category getters
 * @since 0.1.0
 */
export const explainedVariance = (returns: ReadonlyArray<number>, values: ReadonlyArray<number>): number =>
  isZeroVariance(returns) ? 0 : 1 - (deviation(returns.map((value, t) => value - values[t]!)) / deviation(returns)) ** 2
