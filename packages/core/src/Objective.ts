/**
 * Losses, written once.
 *
 * An objective is an expression over per-token quantities and a rule that aggregates it to one number. It is data, so
 * that every engine can read it: `evaluate` computes it with plain numbers (the reference), `differentiate` gives its
 * derivatives (for engines that take a weighted log-likelihood), a training engine lowers it into its graph. A sign
 * convention holds throughout: an objective is *minimised*.
 */
import { Aggregation, type Objective } from "./internal/aggregation.ts"
import { defined } from "./internal/defined.ts"
import {
  add,
  advantage,
  clip,
  entropy,
  exp,
  type Expr,
  less,
  logp,
  max,
  min,
  mul,
  neg,
  oldLogp,
  oldValue,
  type Operand,
  type Quantity,
  refLogp,
  returns,
  samplerLogp,
  sequenceMean,
  sequenceSum,
  square,
  stopGradient,
  sub,
  type trained,
  value,
  visit
} from "./internal/expr.ts"

export * from "./internal/aggregation.ts"
export * from "./internal/expr.ts"
export { type Derivatives, differentiate, evaluate, type SequenceValues } from "./internal/interpret.ts"

/**
 * The quantities that a loss reads, so that an engine can say which ones a batch lacks.
 */
export const quantities = ({ loss }: Objective): ReadonlySet<Quantity> => {
  const found = new Set<Quantity>()
  visit(loss, (expr) => void (expr._tag === "Quantity" && found.add(expr.name)))
  return found
}

/**
 * Those of them that a batch has to give; the others an engine computes.
 */
export const given = (objective: Objective): ReadonlyArray<Exclude<Quantity, typeof trained[number]>> =>
  [...quantities(objective)].flatMap((name) => name === "logp" || name === "value" || name === "entropy" ? [] : [name])

/**
 * The numbers of a loss that may be others at the next step, by name.
 */
export const coefficients = ({ loss }: Objective): ReadonlyMap<string, number> => {
  const found = new Map<string, number>()
  visit(loss, (expr) => void (expr._tag === "Coefficient" && found.set(expr.name, expr.value)))
  return found
}

/**
 * The probability ratio between the weights being trained and those that sampled, `exp(logp - oldLogp)`.
 */
export const ratio: Expr = exp(sub(logp, oldLogp))

/**
 * Schulman's estimates of KL(policy || reference) from one sample (http://joschu.net/blog/kl-approx.html), with `r =
 * refLogp - logp`: `k1` is `-r`, unbiased, of either sign; `k2` is `r^2 / 2`, biased, its gradient is that of the
 * divergence; `k3` is `exp(r) - r - 1`, unbiased and never negative, the one of GRPO.
 */
export const kl = {
  k1: sub(logp, refLogp),
  k2: mul(0.5, square(sub(logp, refLogp))),
  k3: sub(sub(exp(sub(refLogp, logp)), sub(refLogp, logp)), 1)
} as const

/**
 * Supervised fine-tuning: the mean negative log-likelihood of the tokens.
 */
export const sft: Objective = { name: "sft", loss: neg(logp), aggregation: Aggregation.TokenMean() }

/**
 * REINFORCE (Williams 1992): `-A logp`, for completions of the weights being trained.
 */
export const reinforce: Objective = {
  name: "reinforce",
  loss: neg(mul(advantage, logp)),
  aggregation: Aggregation.TokenMean()
}

// The pessimistic one of two ratios, the second of which may not move far (Schulman et al. 2017, equation 7).
const clipped = (ratio: Expr, epsilon: number, epsilonHigh: number): Expr =>
  neg(min(mul(ratio, advantage), mul(clip(ratio, 1 - epsilon, 1 + epsilonHigh), advantage)))

/**
 * - `epsilon`, `epsilonHigh`: how far the ratio may fall and rise before a token stops counting; `epsilonHigh` is
 *   `epsilon` when it is left out.
 * - `beta`: the weight of a KL term to the reference (k3), 0 when left out: then no reference log-probabilities are
 *   needed.
 * - `aggregation`: of the tokens' losses.
 */
export interface PolicyOptions {
  readonly epsilon?: number | undefined
  readonly epsilonHigh?: number | undefined
  readonly beta?: Operand | undefined
  readonly aggregation?: Aggregation | undefined
}

const policy = (
  name: string,
  ratio: Expr,
  { aggregation, beta = 0, epsilon, epsilonHigh = epsilon }:
    & PolicyOptions
    & { readonly epsilon: number; readonly aggregation: Aggregation }
): Objective => withKl({ name, loss: clipped(ratio, epsilon, epsilonHigh), aggregation }, beta)

/**
 * Group Relative Policy Optimization (Shao et al. 2024, "DeepSeekMath", equation 3):
 * `-min(ratio A, clip(ratio, 1 - epsilon, 1 + epsilonHigh) A) + beta KL(policy || reference)`, the mean over each
 * completion, then over completions.
 *
 * @example
 * ```ts
 * import { Objective } from "@memory-r1/core"
 *
 * const loss = Objective.evaluate(Objective.grpo({ epsilon: 0.2 }), [
 *   { logp: [Math.log(0.9)], oldLogp: [Math.log(0.5)], advantage: [1] }
 * ])
 * loss // => -1.2
 * ```
 */
export const grpo = (options: PolicyOptions = {}): Objective =>
  policy("grpo", ratio, { epsilon: 0.2, aggregation: Aggregation.SequenceMean(), ...defined(options) })

/**
 * Dr. GRPO (Liu et al. 2025, "Understanding R1-Zero-Like Training"): sums of tokens over a constant `length`, that of
 * the longest completion that is allowed, so that long wrong answers are not let off. With `Advantage.groupCentred`.
 */
export const drGrpo = (
  { length, ...options }: Omit<PolicyOptions, "aggregation"> & { readonly length: number }
): Objective => ({
  ...grpo({ ...options, aggregation: Aggregation.ConstantLength({ length }) }),
  name: "drGrpo"
})

/**
 * DAPO (Yu et al. 2025): more room for ratios to rise than to fall (clip-higher), the mean over all tokens, no KL term.
 * Completions that were cut off are left out by the trainer (overlong filtering): they carry a mask of zeros.
 */
export const dapo = (options: PolicyOptions = {}): Objective => ({
  ...grpo({ epsilonHigh: 0.28, aggregation: Aggregation.TokenMean(), ...defined(options) }),
  name: "dapo"
})

/**
 * BNPO as TRL has it: GRPO with the mean over the tokens of the batch.
 */
export const bnpo = (options: Omit<PolicyOptions, "aggregation"> = {}): Objective => ({
  ...grpo({ ...options, aggregation: Aggregation.TokenMean() }),
  name: "bnpo"
})

/**
 * Group Sequence Policy Optimization (Zheng et al. 2025): one ratio for a completion, the geometric mean of its
 * tokens', which moves far less than theirs; hence the narrow range.
 */
export const gspo = (options: PolicyOptions = {}): Objective =>
  policy("gspo", exp(sequenceMean(sub(logp, oldLogp))), {
    epsilon: 3e-4,
    epsilonHigh: 4e-4,
    aggregation: Aggregation.SequenceMean(),
    ...defined(options)
  })

/**
 * CISPO (MiniMax 2025, "MiniMax-M1", equation 4): the ratio is a weight, at most `ceiling`, that no gradient flows
 * through, so that every token goes on to count: `-stop(min(ratio, ceiling)) A logp`.
 */
export const cispo = (
  { aggregation = Aggregation.TokenMean(), beta = 0, ceiling = 5 }: Pick<PolicyOptions, "aggregation" | "beta"> & {
    readonly ceiling?: number | undefined
  } = {}
): Objective =>
  withKl({ name: "cispo", loss: neg(mul(mul(stopGradient(min(ratio, ceiling)), advantage), logp)), aggregation }, beta)

/**
 * Proximal Policy Optimization (Schulman et al. 2017, equation 7). With `dualClip` (Ye et al. 2020, "Mastering Complex
 * Control in MOBA Games", equation 5) the loss of a token with a negative advantage is at most `dualClip` times that
 * advantage, however far its ratio has risen.
 */
export const ppo = (
  { dualClip, ...options }: PolicyOptions & { readonly dualClip?: number | undefined } = {}
): Objective => {
  const plain = policy("ppo", ratio, { epsilon: 0.2, aggregation: Aggregation.TokenMean(), ...defined(options) })
  if (dualClip === undefined) return plain
  // No more than that: min(loss, -dualClip A) where A is below 0, and nothing where it is not.
  const { beta = 0, epsilon = 0.2, epsilonHigh = epsilon } = options
  const positive = max(advantage, 0)
  const negative = min(advantage, 0)
  const surrogate = (part: Expr): Expr => min(mul(ratio, part), mul(clip(ratio, 1 - epsilon, 1 + epsilonHigh), part))
  const loss = neg(add(surrogate(positive), max(surrogate(negative), mul(dualClip, negative))))
  return withKl({ ...plain, loss }, beta)
}

/**
 * The critic's loss: half the squared difference to the returns. With `epsilon` the larger one of that and of the same
 * for a value that may not move further than that from what it was (Schulman et al., the PPO of OpenAI baselines).
 */
export const valueLoss = (
  { aggregation = Aggregation.TokenMean(), epsilon }: {
    readonly epsilon?: number | undefined
    readonly aggregation?: Aggregation | undefined
  } = {}
): Objective => {
  const error = square(sub(value, returns))
  const near = epsilon === undefined
    ? error
    : max(error, square(sub(add(oldValue, clip(sub(value, oldValue), -epsilon, epsilon)), returns)))
  return { name: "value", loss: mul(0.5, near), aggregation }
}

/**
 * An objective with a KL term of weight `beta` to the reference in its loss; give a `coefficient` where the weight
 * changes from step to step.
 */
export const withKl = (objective: Objective, beta: Operand, estimate: keyof typeof kl = "k3"): Objective =>
  beta === 0 ? objective : { ...objective, loss: add(objective.loss, mul(beta, kl[estimate])) }

/**
 * An objective less `bonus` times the entropy of each token's distribution (Mnih et al. 2016, "Asynchronous Methods",
 * section 4).
 */
export const withEntropy = (objective: Objective, bonus: Operand): Objective =>
  bonus === 0 ? objective : { ...objective, loss: sub(objective.loss, mul(bonus, entropy)) }

/**
 * An objective plus `weight` times another one, of the same aggregation: the policy's and the critic's, where they
 * share a network.
 */
export const withTerm = (objective: Objective, other: Objective, weight: Operand): Objective => ({
  ...objective,
  loss: add(objective.loss, mul(weight, other.loss))
})

/**
 * What the loss is multiplied with where the sampler's probabilities are not the learner's (Yao et al. 2025, "Your
 * efficient RL framework secretly brings you off-policy RL training"): `exp(oldLogp - samplerLogp)` of each token, or
 * of the whole completion; at most `cap` (`truncate`), or 0 above it (`mask`).
 */
export interface Correction {
  readonly level: "token" | "sequence"
  readonly mode: "truncate" | "mask"
  readonly cap: number
}

/**
 * An objective with a correction for the difference between sampler and learner. A KL term is added after it, and is
 * not corrected.
 */
export const withCorrection = (objective: Objective, { cap, level, mode }: Correction): Objective => {
  const difference = sub(oldLogp, samplerLogp)
  const weight = exp(level === "token" ? difference : sequenceSum(difference))
  const bounded = mode === "truncate" ? min(weight, cap) : mul(min(weight, cap), sub(1, less(cap, weight)))
  return { ...objective, loss: mul(objective.loss, bounded) }
}
