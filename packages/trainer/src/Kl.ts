/**
 * Holding on to a reference policy.
 */
import type { Learner, Objective, Sampler } from "@memory-r1/core/rl"

/**
 * - `beta`: the weight of the KL term, at first.
 * - `reference`: the policy that is held on to, such as the weights that training began with.
 * - `place`: in the loss (the default; GRPO), or in the reward, as the classical PPO of language models has it (Ziegler
 *   et al. 2019; the checkpoints of Memory-R1's authors are named "use-kl-in-reward").
 * - `estimate`: of the divergence, from one sample; see `Objective.kl`. `k3` by default.
 * - `adaptive`: the weight then moves so that the divergence comes to `target`; see `adapted`.
 */
export interface Kl {
  readonly beta: number
  readonly reference: Sampler.Service
  readonly place?: "loss" | "reward" | undefined
  readonly estimate?: keyof typeof Objective.kl | undefined
  readonly adaptive?: { readonly target: number; readonly horizon: number } | undefined
}

/**
 * The next weight (Ziegler et al. 2019, section 2.2): up where the measured divergence is above the target and down
 * where it is below, by no more than a fifth of `completions / horizon`.
 *
 * @example
 * ```ts
 * import { Kl } from "@memory-r1/trainer"
 *
 * Kl.adapted(0.1, 12, 100, { target: 6, horizon: 1000 }).toFixed(3) // => "0.102"
 * Kl.adapted(0.1, 6, 100, { target: 6, horizon: 1000 }) // => 0.1
 * ```
 */
export const adapted = (
  beta: number,
  measured: number,
  completions: number,
  { horizon, target }: { readonly target: number; readonly horizon: number }
): number => beta * (1 + Math.min(0.2, Math.max(-0.2, measured / target - 1)) * completions / horizon)

const estimates: Readonly<Record<keyof typeof Objective.kl, (difference: number) => number>> = {
  k1: (r) => -r,
  k2: (r) => r * r / 2,
  k3: (r) => Math.exp(r) - r - 1
}

/**
 * The divergence at each token, estimated from that token; see `Objective.kl`, which this is in numbers.
 */
export const perToken = (
  logprobs: Learner.PerToken,
  references: Learner.PerToken,
  estimate: keyof typeof estimates = "k3"
): ReadonlyArray<ReadonlyArray<ReadonlyArray<number>>> =>
  logprobs.map((group, i) =>
    group.map((logp, g) => Array.from(logp, (_, t) => estimates[estimate](references[i]![g]![t]! - logp[t]!)))
  )
