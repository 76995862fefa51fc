/**
 * A reinforcement learning algorithm as a value: from rewards to advantages, an objective, and how often a batch is
 * learned from. `Grpo.make` and `Ppo.make` are two; the trainer knows neither.
 *
 * @since 0.1.0
 */
import type { Learner, Objective } from "@memory-r1/core/rl"
import type * as Effect from "effect/Effect"
import type { Batch } from "./Batch.ts"
import type * as Kl from "./Kl.ts"
import type * as Schedule from "./Schedule.ts"
import type { TrainingError } from "./TrainingError.ts"
import type { TrajectoryGroup } from "./Trajectory.ts"

/**
 * How the values before each token are learned.
 *
 * - `learner`: a learner with a value head: over a copy of the model, or over an adapter of its own. If omitted, the
 *   policy's learner has the head: both share a network, and the critic's loss is added with weight `coefficient`
 *   (0.5).
 * - `schedule`: its learning rate, usually ten times that of the policy (the paper: 1e-5 and 1e-6); unused for a shared
 *   network.
 * - `epsilon`: how far a value may move in one batch before its loss no longer falls; unbounded by default.
 * - `warmup`: steps in which only the critic learns; 0 by default.
 *
 * @category models
 * @since 0.1.0
 */
export interface Critic {
  readonly learner?: Learner.Service | undefined
  readonly schedule: Schedule.Schedule
  readonly epsilon?: number | undefined
  readonly coefficient?: number | undefined
  readonly warmup?: number | undefined
}

/**
 * A batch with advantages.
 *
 * - `batch`: all of it, with the `advantage` of each transition (and `returns` for a critic).
 * - `learned`: the groups that the learner takes a step on.
 * - `metrics`: what the log should say of it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Estimate {
  readonly batch: Batch
  readonly learned: ReadonlyArray<TrajectoryGroup>
  readonly metrics: Readonly<Record<string, number>>
}

/**
 * - `name`: as progress shows it.
 * - `groupSize`: members of a group.
 * - `estimate`: from rewards to advantages. `penalty` is what a transition is charged at each token: the weighted
 *   divergence from the reference, where a KL term is part of the reward.
 * - `objective`: the loss of the policy, without its KL term and the critic's.
 * - `epochs`: how often a batch is learned from; above 1 the clipping of the ratio comes into play.
 * - `miniBatches`: optimizer steps of an epoch, each on a part of the batch in a new order. If omitted, an epoch is one
 *   step on the whole batch.
 * - `klDefaults`: where the KL term is, and how its divergence is estimated in a reward (in a loss by `k3`), unless the
 *   stage says so.
 * - `critic`: for algorithms that estimate advantages from values.
 * - `correction`: for a sampler that is another engine than the learner. Log-probabilities are then computed again with
 *   the learner.
 *
 * @category models
 * @since 0.1.0
 */
export interface Algorithm {
  readonly name: string
  readonly groupSize: number
  readonly estimate: (
    batch: Batch,
    penalty: Kl.Penalty | undefined
  ) => Effect.Effect<Estimate, TrainingError>
  readonly objective: Objective.Objective
  readonly epochs: number
  readonly miniBatches?: number | undefined
  readonly klDefaults: {
    readonly place: NonNullable<Kl.Kl["place"]>
    readonly estimate: NonNullable<Kl.Kl["estimate"]>
  }
  readonly critic?: Critic | undefined
  readonly correction?: Objective.Correction | undefined
}
