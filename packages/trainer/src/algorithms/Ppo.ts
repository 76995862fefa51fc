/**
 * Proximal Policy Optimization with a critic (Schulman et al. 2017, algorithm 1), for language models as Ouyang et al.
 * 2022 and verl have it: a reward at the last token, a value before each token, generalized advantage estimation over
 * tokens.
 *
 * @since 0.1.0
 */
import { Objective, Statistics } from "@memory-r1/core/rl"
import * as Effect from "effect/Effect"
import * as Advantage from "../Advantage.ts"
import type { Algorithm, Critic } from "../Algorithm.ts"
import * as Batch from "../Batch.ts"
import type { Penalty } from "../Kl.ts"
import type { Transition } from "../Trajectory.ts"

/**
 * - `critic`: how values are learned.
 * - `groupSize`: members of a group. One (the default) is enough, since the critic says what was to be expected.
 * - `gamma`, `lambda`: of the advantage estimation; 1 and 0.95. With both 1 an advantage is the return minus the value.
 * - `epochs`: how often a batch is learned from, in `miniBatches` optimizer steps each, in a new order; both 1 by
 *   default.
 * - `epsilon`, `epsilonHigh`, `dualClip`: the clipping of the ratio; see `Objective.ppo`.
 * - `entropyBonus`: weight of the entropy; 0 by default.
 * - `whiten`: advantages of a batch to mean 0 and deviation 1, which is the default.
 *
 * A KL term is part of the reward of each token, unless the stage places it in the loss.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly critic: Critic
  readonly groupSize?: number | undefined
  readonly gamma?: number | undefined
  readonly lambda?: number | undefined
  readonly epochs?: number | undefined
  readonly miniBatches?: number | undefined
  readonly epsilon?: number | undefined
  readonly epsilonHigh?: number | undefined
  readonly dualClip?: number | undefined
  readonly entropyBonus?: number | undefined
  readonly whiten?: boolean | undefined
}

/**
 * The algorithm.
 *
 * @example
 * ```ts
 * import { Ppo } from "@memory-r1/trainer"
 *
 * const algorithm = Ppo.make({ critic: { schedule: { peak: 1e-5, warmup: 10, decayFrom: 1, floor: 0 } } })
 * algorithm.groupSize // => 1
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = ({
  critic,
  dualClip,
  entropyBonus = 0,
  epochs = 1,
  epsilon,
  epsilonHigh,
  gamma = 1,
  groupSize = 1,
  lambda = 0.95,
  miniBatches = 1,
  whiten = true
}: Options): Algorithm => ({
  name: "PPO",
  groupSize,
  objective: Objective.withEntropy(Objective.ppo({ epsilon, epsilonHigh, dualClip }), entropyBonus),
  epochs,
  miniBatches,
  klDefaults: { place: "reward", estimate: "k1" },
  critic,
  estimate: (batch, penalty) =>
    Effect.sync(() => {
      const estimated = Batch.map(batch, (transition, { outcome: { reward } }) => {
        if (transition.oldValue === undefined) return transition
        const { advantages, returns } = Advantage.gae(
          rewardsOf(transition, reward.value, penalty),
          transition.oldValue,
          { gamma, lambda }
        )
        return { ...transition, advantage: advantages, returns }
      })
      const all = Batch.transitions(estimated)
      const raw = all.map(({ advantage }) => advantage as ReadonlyArray<number>)
      const scaled = new Map((whiten ? Advantage.whitened(raw) : raw).map((row, i) => [all[i]!, row]))
      const whole = Batch.map(estimated, (transition) => ({ ...transition, advantage: scaled.get(transition) }))
      const returns = all.flatMap((transition) => Array.from(transition.returns!))
      const values = all.flatMap((transition) => Array.from(transition.oldValue!))
      return {
        batch: whole,
        learned: whole.groups,
        metrics: {
          value: Statistics.mean(values),
          explainedVariance: Advantage.explainedVariance(returns, values)
        }
      }
    })
})

// What was earned comes with the last token, what the divergence costs with each.
const rewardsOf = (
  transition: Transition,
  reward: number,
  penalty: Penalty | undefined
): ReadonlyArray<number> => {
  const costs = penalty?.(transition)
  return transition.tokens.map((_, t) => (t === transition.tokens.length - 1 ? reward : 0) - (costs?.[t] ?? 0))
}
