/**
 * Staying close to a reference policy.
 *
 * @since 0.1.0
 */
import type { Objective, Sampler } from "@memory-r1/core/rl"
import type { Transition } from "./Trajectory.ts"

/**
 * - `beta`: the weight of the KL term, at first.
 * - `reference`: the policy to stay close to, such as the weights that training began with.
 * - `place`: in the loss (the default of GRPO), or in the reward, as the classical PPO of language models has it
 *   (Ziegler et al. 2019; the checkpoints of Memory-R1's authors are named "use-kl-in-reward").
 * - `estimate`: of the divergence, from one sample; see `Objective.kl`.
 * - `adaptive`: the weight then moves so that the divergence comes to `target`; see `adapted`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Kl {
  readonly beta: number
  readonly reference: Sampler.Service
  readonly place?: "loss" | "reward" | undefined
  readonly estimate?: keyof typeof Objective.kl | undefined
  readonly adaptive?: { readonly target: number; readonly horizon: number } | undefined
}

/**
 * What a transition is charged at each of its tokens.
 *
 * @category models
 * @since 0.1.0
 */
export type Penalty = (transition: Transition) => ReadonlyArray<number>

/**
 * The next weight (Ziegler et al. 2019, section 2.2): up if the measured divergence is above the target and down if it
 * is below, by no more than a fifth of `trajectories / horizon`.
 *
 * @example
 * ```ts
 * import { Kl } from "@memory-r1/trainer"
 *
 * Kl.adapted(0.1, 12, 100, { target: 6, horizon: 1000 }).toFixed(3) // => "0.102"
 * Kl.adapted(0.1, 6, 100, { target: 6, horizon: 1000 }) // => 0.1
 * ```
 *
 * @category getters
 * @since 0.1.0
 */
export const adapted = (
  beta: number,
  measured: number,
  trajectories: number,
  { horizon, target }: { readonly target: number; readonly horizon: number }
): number => beta * (1 + Math.min(0.2, Math.max(-0.2, measured / target - 1)) * trajectories / horizon)

const estimates: Readonly<Record<keyof typeof Objective.kl, (difference: number) => number>> = {
  k1: (r) => -r,
  k2: (r) => r * r / 2,
  k3: (r) => Math.exp(r) - r - 1
}

/**
 * The divergence at each token of a transition that has `refLogp`, estimated from that token; see `Objective.kl`, which
 * this is in numbers.
 *
 * @category getters
 * @since 0.1.0
 */
export const perToken = (
  { oldLogp, refLogp }: Pick<Transition, "oldLogp" | "refLogp">,
  estimate: keyof typeof estimates
): ReadonlyArray<number> => Array.from(oldLogp, (logp, t) => estimates[estimate](refLogp![t]! - logp))
