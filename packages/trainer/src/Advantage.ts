/**
 * From rewards to advantages: how much better than its group a completion was.
 */

const mean = (values: ReadonlyArray<number>): number => values.reduce((sum, value) => sum + value, 0) / values.length

/**
 * The group-normalised advantage of GRPO (Shao et al. 2024): `(r - mean) / (std + 1e-4)`, with the sample standard deviation, as TRL
 * computes it. All zero where the rewards do not differ.
 *
 * @example
 * ```ts
 * import { Advantage } from "@memory-r1/trainer"
 *
 * Advantage.groupNormalized([1, 1, 1]) // => [0, 0, 0]
 * Advantage.groupNormalized([0, 1]).map((a) => a.toFixed(3)) // => ["-0.707", "0.707"]
 * ```
 */
export const groupNormalized = (rewards: ReadonlyArray<number>): ReadonlyArray<number> => {
  const centre = mean(rewards)
  const variance = rewards.reduce((sum, reward) => sum + (reward - centre) ** 2, 0) / Math.max(rewards.length - 1, 1)
  return rewards.map((reward) => (reward - centre) / (Math.sqrt(variance) + 1e-4))
}

/**
 * The group-centred advantage of Dr. GRPO (Liu et al. 2025): `r - mean`, without the division that favours groups of little variance.
 */
export const groupCentred = (rewards: ReadonlyArray<number>): ReadonlyArray<number> => {
  const centre = mean(rewards)
  return rewards.map((reward) => reward - centre)
}

/**
 * Whether a group teaches nothing, because all its rewards are the same.
 */
export const isZeroVariance = (rewards: ReadonlyArray<number>): boolean => rewards.every((reward) => reward === rewards[0])
