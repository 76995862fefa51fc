/**
 * Group Relative Policy Optimization (Shao et al. 2024, "DeepSeekMath", algorithm 1) and its relatives: an objective
 * and an advantage of your choice.
 *
 * @since 0.1.0
 */
import { Objective } from "@memory-r1/core/rl"
import * as Effect from "effect/Effect"
import * as Advantage from "../Advantage.ts"
import type { Algorithm } from "../Algorithm.ts"
import * as Batch from "../Batch.ts"
import * as Given from "../internal/given.ts"
import type { Penalty } from "../Kl.ts"
import { TrainingError } from "../TrainingError.ts"
import type { Trajectory } from "../Trajectory.ts"

/**
 * - `groupSize`: members of a group, two or more.
 * - `objective`: the loss without its KL term; `Objective.grpo` by default.
 * - `advantage`: from rewards to advantages; `Advantage.groupNormalized` by default.
 * - `zeroVariance`: groups whose rewards are all the same (`Advantage.isZeroVariance`) are dropped (the default), or
 *   kept, so that they count in means and for a KL term.
 * - `overlong`: actions that were cut off count like others (the default), or carry no loss (DAPO's overlong
 *   filtering).
 * - `iterations`: optimizer steps on each batch (mu in the paper); 1 by default.
 * - `correction`: for a sampler that is another engine than the learner.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly groupSize: number
  readonly objective?: Objective.Objective | undefined
  readonly advantage?: Advantage.Estimator | undefined
  readonly zeroVariance?: "drop" | "keep" | undefined
  readonly overlong?: "keep" | "mask" | undefined
  readonly iterations?: number | undefined
  readonly correction?: Objective.Correction | undefined
}

/**
 * The algorithm. A trajectory is compared with the others of its group, so its estimate fails with a `TrainingError`
 * for groups of one.
 *
 * @example
 * ```ts
 * import { Advantage, Grpo } from "@memory-r1/trainer"
 * import { Objective } from "@memory-r1/core/rl"
 *
 * // Dr. GRPO (Liu et al. 2025).
 * const algorithm = Grpo.make({
 *   groupSize: 8,
 *   objective: Objective.drGrpo({ length: 72 }),
 *   advantage: Advantage.groupCentred
 * })
 * algorithm.name // => "GRPO"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = ({
  advantage = Advantage.groupNormalized,
  correction,
  groupSize,
  iterations = 1,
  objective = Objective.grpo(),
  overlong = "keep",
  zeroVariance = "drop"
}: Options): Algorithm => ({
  name: "GRPO",
  groupSize,
  objective,
  epochs: iterations,
  klDefaults: { place: "loss", estimate: "k3" },
  correction,
  estimate: Effect.fnUntraced(function*(batch: Batch.Batch, penalty: Penalty | undefined) {
    if (groupSize < 2) {
      return yield* new TrainingError({
        reason: `groupSize is ${groupSize}: an action is compared with the others of its group, so give 2 or more`
      })
    }
    const rewards = batch.groups.map((group) =>
      group.trajectories.map((trajectory) =>
        penalty === undefined
          ? trajectory.outcome.reward.value
          : trajectory.outcome.reward.value - total(Batch.credited(group, trajectory).map(penalty))
      )
    )
    const advantages = yield* Given.expectCounts(
      "advantages by the estimator",
      rewards.map(({ length }) => length),
      advantage(rewards)
    )
    const of = new Map<Trajectory, number>(
      batch.groups.flatMap(({ trajectories }, i) => trajectories.map((one, g) => [one, advantages[i]![g]!] as const))
    )
    const estimated = Batch.map(batch, (transition, trajectory) => ({
      ...transition,
      advantage: of.get(trajectory)!,
      ...(overlong === "mask" && transition.finishReason === "length" ? { mask: transition.tokens.map(() => 0) } : {})
    }))
    const isFlat = rewards.map(Advantage.isZeroVariance)
    return {
      batch: estimated,
      learned: estimated.groups.filter((_, i) => zeroVariance === "keep" || !isFlat[i]),
      metrics: { zeroVariance: isFlat.filter((flat) => flat).length / isFlat.length }
    }
  })
})

const total = (tokens: ReadonlyArray<ReadonlyArray<number>>): number => tokens.flat().reduce((sum, one) => sum + one, 0)
