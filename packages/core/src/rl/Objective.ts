/**
 * Losses, written once.
 *
 * An objective is an expression over per-token quantities, and a rule that aggregates it to one number. It is data, so
 * every engine can read it: `evaluate` computes it in plain numbers (the reference), `differentiate` returns its
 * derivatives (for engines that take a weighted log-likelihood), and a training engine compiles it into its graph. An
 * objective is always *minimized*.
 *
 * @since 0.1.0
 */
import { Aggregation, type Objective } from "../internal/aggregation.ts"
import { defined } from "../internal/defined.ts"
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
} from "../internal/expr.ts"

export * from "../internal/aggregation.ts"
export * from "../internal/expr.ts"
export { type Derivatives, differentiate, evaluate, type SequenceValues } from "../internal/interpret.ts"

/**
 * The quantities that a loss reads, so that an engine can report what a batch lacks.
 *
 * @category getters
 * @since 0.1.0
 */
export const quantities = ({ loss }: Objective): ReadonlySet<Quantity> => {
  const found = new Set<Quantity>()
  visit(loss, (expr) => void (expr._tag === "Quantity" && found.add(expr.name)))
  return found
}

/**
 * The quantities that a batch must provide; the engine computes the others.
 *
 * @category getters
 * @since 0.1.0
 */
export const given = (objective: Objective): ReadonlyArray<Exclude<Quantity, typeof trained[number]>> =>
  [...quantities(objective)].flatMap((name) => name === "logp" || name === "value" || name === "entropy" ? [] : [name])

/**
 * The coefficients of a loss that may change from step to step, by name.
 *
 * @category getters
 * @since 0.1.0
 */
export const coefficients = ({ loss }: Objective): ReadonlyMap<string, number> => {
  const found = new Map<string, number>()
  visit(loss, (expr) => void (expr._tag === "Coefficient" && found.set(expr.name, expr.value)))
  return found
}

/**
 * The probability ratio between the trained weights and the weights that sampled, `exp(logp - oldLogp)`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const ratio: Expr = exp(sub(logp, oldLogp))

/**
 * Schulman's estimates of KL(policy || reference) from one sample (http://joschu.net/blog/kl-approx.html), with `r =
 * refLogp - logp`.
 *
 * - `k1` is `-r`: unbiased, of either sign.
 * - `k2` is `r^2 / 2`: biased, but its gradient is that of the divergence.
 * - `k3` is `exp(r) - r - 1`: unbiased and never negative; GRPO uses it.
 *
 * @category constructors
 * @since 0.1.0
 */
export const kl = {
  k1: sub(logp, refLogp),
  k2: mul(0.5, square(sub(logp, refLogp))),
  k3: sub(sub(exp(sub(refLogp, logp)), sub(refLogp, logp)), 1)
} as const

/**
 * Supervised fine-tuning: the mean negative log-likelihood of the tokens.
 *
 * @category constructors
 * @since 0.1.0
 */
export const sft: Objective = { name: "sft", loss: neg(logp), aggregation: Aggregation.TokenMean() }

/**
 * REINFORCE (Williams 1992): `-A logp`, for completions sampled from the trained weights.
 *
 * @category constructors
 * @since 0.1.0
 */
export const reinforce: Objective = {
  name: "reinforce",
  loss: neg(mul(advantage, logp)),
  aggregation: Aggregation.TokenMean()
}

// The pessimistic choice between a ratio and its clipped version (Schulman et al. 2017, equation 7).
const clipped = (ratio: Expr, epsilon: number, epsilonHigh: number): Expr =>
  neg(min(mul(ratio, advantage), mul(clip(ratio, 1 - epsilon, 1 + epsilonHigh), advantage)))

/**
 * - `epsilon`, `epsilonHigh`: how far the ratio may fall and rise before a token stops counting (`epsilonHigh` defaults
 *   to `epsilon`).
 * - `beta`: the weight of a KL term to the reference (k3; default: 0). With 0, no reference log-probabilities are
 *   needed.
 * - `aggregation`: how the token losses are aggregated.
 *
 * @category models
 * @since 0.1.0
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
 * Group Relative Policy Optimization (Shao et al. 2024, "DeepSeekMath", equation 3): `-min(ratio A, clip(ratio, 1 -
 * epsilon, 1 + epsilonHigh) A) + beta KL(policy || reference)`, averaged over each completion, then over completions.
 *
 * @example
 * ```ts
 * import { Objective } from "@memory-r1/core/rl"
 *
 * const loss = Objective.evaluate(Objective.grpo({ epsilon: 0.2 }), [
 *   { logp: [Math.log(0.9)], oldLogp: [Math.log(0.5)], advantage: [1] }
 * ])
 * loss // => -1.2
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const grpo = (options: PolicyOptions = {}): Objective =>
  policy("grpo", ratio, { epsilon: 0.2, aggregation: Aggregation.SequenceMean(), ...defined(options) })

/**
 * Dr. GRPO (Liu et al. 2025, "Understanding R1-Zero-Like Training"): token sums divided by a constant `length`, the
 * maximum length of a completion, so that long wrong answers are not favored. Use it with `Advantage.groupCentred`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const drGrpo = (
  { length, ...options }: Omit<PolicyOptions, "aggregation"> & { readonly length: number }
): Objective => ({
  ...grpo({ ...options, aggregation: Aggregation.ConstantLength({ length }) }),
  name: "drGrpo"
})

/**
 * DAPO (Yu et al. 2025): ratios may rise further than they may fall (clip-higher), the mean runs over all tokens, and
 * there is no KL term. The trainer drops truncated completions (overlong filtering): their mask is all zeros.
 *
 * @category constructors
 * @since 0.1.0
 */
export const dapo = (options: PolicyOptions = {}): Objective => ({
  ...grpo({ epsilonHigh: 0.28, aggregation: Aggregation.TokenMean(), ...defined(options) }),
  name: "dapo"
})

/**
 * BNPO as in TRL: GRPO with the mean over the tokens of the batch.
 *
 * @category constructors
 * @since 0.1.0
 */
export const bnpo = (options: Omit<PolicyOptions, "aggregation"> = {}): Objective => ({
  ...grpo({ ...options, aggregation: Aggregation.TokenMean() }),
  name: "bnpo"
})

/**
 * Group Sequence Policy Optimization (Zheng et al. 2025): one ratio per completion, the geometric mean of the token
 * ratios. It moves far less than they do, hence the narrow range.
 *
 * @category constructors
 * @since 0.1.0
 */
export const gspo = (options: PolicyOptions = {}): Objective =>
  policy("gspo", exp(sequenceMean(sub(logp, oldLogp))), {
    epsilon: 3e-4,
    epsilonHigh: 4e-4,
    aggregation: Aggregation.SequenceMean(),
    ...defined(options)
  })

/**
 * CISPO (MiniMax 2025, "MiniMax-M1", equation 4): the ratio is a weight of at most `ceiling` without a gradient, so
 * that every token keeps counting: `-stop(min(ratio, ceiling)) A logp`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const cispo = (
  { aggregation = Aggregation.TokenMean(), beta = 0, ceiling = 5 }: Pick<PolicyOptions, "aggregation" | "beta"> & {
    readonly ceiling?: number | undefined
  } = {}
): Objective =>
  withKl({ name: "cispo", loss: neg(mul(mul(stopGradient(min(ratio, ceiling)), advantage), logp)), aggregation }, beta)

/**
 * Proximal Policy Optimization (Schulman et al. 2017, equation 7). With `dualClip` (Ye et al. 2020, "Mastering Complex
 * Control in MOBA Games", equation 5), the loss of a token with a negative advantage is at most `dualClip` times that
 * advantage in absolute value, however far its ratio has risen.
 *
 * @category constructors
 * @since 0.1.0
 */
export const ppo = (
  { dualClip, ...options }: PolicyOptions & { readonly dualClip?: number | undefined } = {}
): Objective => {
  const plain = policy("ppo", ratio, { epsilon: 0.2, aggregation: Aggregation.TokenMean(), ...defined(options) })
  if (dualClip === undefined) return plain
  // Where A is below 0, the bound is min(loss, -dualClip A); elsewhere there is none.
  const { beta = 0, epsilon = 0.2, epsilonHigh = epsilon } = options
  const positive = max(advantage, 0)
  const negative = min(advantage, 0)
  const surrogate = (part: Expr): Expr => min(mul(ratio, part), mul(clip(ratio, 1 - epsilon, 1 + epsilonHigh), part))
  const loss = neg(add(surrogate(positive), max(surrogate(negative), mul(dualClip, negative))))
  return withKl({ ...plain, loss }, beta)
}

/**
 * The loss of the critic: half the squared difference to the returns. With `epsilon`, the value may move at most that
 * far from its old value, and the larger of both losses counts (Schulman et al., the PPO of OpenAI baselines).
 *
 * @category constructors
 * @since 0.1.0
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
 * Adds a KL term of weight `beta` to the loss. Use a `coefficient` if the weight changes from step to step.
 *
 * @category combinators
 * @since 0.1.0
 */
export const withKl = (objective: Objective, beta: Operand, estimate: keyof typeof kl = "k3"): Objective =>
  beta === 0 ? objective : { ...objective, loss: add(objective.loss, mul(beta, kl[estimate])) }

/**
 * Subtracts `bonus` times the entropy of each token distribution from the loss (Mnih et al. 2016, "Asynchronous
 * Methods", section 4).
 *
 * @category combinators
 * @since 0.1.0
 */
export const withEntropy = (objective: Objective, bonus: Operand): Objective =>
  bonus === 0 ? objective : { ...objective, loss: sub(objective.loss, mul(bonus, entropy)) }

/**
 * Adds `weight` times another objective with the same aggregation: policy and critic, if they share a network.
 *
 * @category combinators
 * @since 0.1.0
 */
export const withTerm = (objective: Objective, other: Objective, weight: Operand): Objective => ({
  ...objective,
  loss: add(objective.loss, mul(weight, other.loss))
})

/**
 * The factor of the loss when the probabilities of the sampler differ from those of the learner (Yao et al. 2025, "Your
 * efficient RL framework secretly brings you off-policy RL training"): `exp(oldLogp - samplerLogp)` of each token, or
 * of the whole completion. `truncate` limits it to `cap`; `mask` sets it to 0 above `cap`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Correction {
  readonly level: "token" | "sequence"
  readonly mode: "truncate" | "mask"
  readonly cap: number
}

/**
 * Corrects an objective for the difference between sampler and learner. Add a KL term afterwards to leave it
 * uncorrected.
 *
 * @category combinators
 * @since 0.1.0
 */
export const withCorrection = (objective: Objective, { cap, level, mode }: Correction): Objective => {
  const difference = sub(oldLogp, samplerLogp)
  const weight = exp(level === "token" ? difference : sequenceSum(difference))
  const bounded = mode === "truncate" ? min(weight, cap) : mul(min(weight, cap), sub(1, less(cap, weight)))
  return { ...objective, loss: mul(objective.loss, bounded) }
}
