/**
 * What the policy did in an environment: a trajectory is a list of transitions; the trajectories of a group begin in
 * one state.
 *
 * @since 0.1.0
 */
import type { Environment, Learner, Sampler } from "@memory-r1/core/rl"

/**
 * One step of a member: the tokens of the prompt, the sampled tokens, and a number for each of these as the learner
 * takes it.
 *
 * A rollout gives `samplerLogp`, and `oldLogp` which is the same. The trainer adds the other quantities before the
 * gradient: `oldLogp` of the learner where the sampler is another engine, `refLogp`, `oldValue`, `advantage`,
 * `returns`, `mask`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Transition extends Learner.TrainingCompletion {
  readonly prompt: ReadonlyArray<number>
  readonly text: string
  readonly finishReason: Sampler.Completion["finishReason"]
  readonly samplerLogp: ArrayLike<number>
  readonly oldLogp: ArrayLike<number>
}

/**
 * The transitions of one member, at least one, and what they earned.
 *
 * @category models
 * @since 0.1.0
 */
export interface Trajectory {
  readonly transitions: readonly [Transition, ...ReadonlyArray<Transition>]
  readonly outcome: Environment.Outcome
}

/**
 * The trajectories of one group, whose first transitions share a prompt. `observation` is this prompt as text.
 *
 * @category models
 * @since 0.1.0
 */
export interface TrajectoryGroup {
  readonly observation: string
  readonly credit: "all" | "first"
  readonly trajectories: ReadonlyArray<Trajectory>
}
