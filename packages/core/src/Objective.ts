/**
 * Losses, written once.
 *
 * An objective is an expression over per-token quantities and a rule that aggregates it to one number. It is data, so that
 * every engine can read it: `evaluate` computes it with plain numbers (the reference), a training engine lowers it into its
 * graph. A sign convention holds throughout: an objective is *minimised*.
 */
import * as Data from "effect/Data"

/**
 * A per-token quantity. `logp` is the only one that a gradient flows through; the others are given with the batch.
 *
 * - `logp`: log-probability of the token under the weights being trained.
 * - `oldLogp`: the same under the weights that sampled it.
 * - `refLogp`: the same under a reference policy, for KL terms.
 * - `advantage`: how much better than expected the completion was.
 */
export type Quantity = "logp" | "oldLogp" | "refLogp" | "advantage"

/**
 * An expression over tokens. `SequenceMean` is the mean over a completion's tokens (of those that the mask keeps), given back
 * to each of them.
 */
export type Expr = Data.TaggedEnum<{
  Quantity: { readonly name: Quantity }
  Constant: { readonly value: number }
  Unary: { readonly op: "exp" | "neg" | "stopGradient" | "sequenceMean"; readonly of: Expr }
  Binary: { readonly op: "add" | "sub" | "mul" | "min" | "max"; readonly left: Expr; readonly right: Expr }
}>
const { Binary, Constant, Quantity, Unary } = Data.taggedEnum<Expr>()

/**
 * From a number per token to one number.
 *
 * - `SequenceMean`: the mean over each completion's tokens, then the mean over completions (GRPO as published).
 * - `TokenMean`: the mean over all tokens of the optimiser's step (DAPO).
 * - `ConstantLength`: the sum over tokens, divided by `length` times the number of completions (Dr. GRPO).
 * - `Sum`: the sum over all tokens.
 *
 * Completions and tokens are counted over everything that is given to one `forwardBackward`, so that splitting a batch into
 * micro-batches changes nothing.
 */
export type Aggregation = Data.TaggedEnum<{
  SequenceMean: {}
  TokenMean: {}
  ConstantLength: { readonly length: number }
  Sum: {}
}>
export const Aggregation = Data.taggedEnum<Aggregation>()

/**
 * A loss.
 */
export interface Objective {
  readonly name: string
  readonly loss: Expr
  readonly aggregation: Aggregation
}

/**
 * Something that can stand where an expression can.
 */
export type Operand = Expr | number

const lift = (operand: Operand): Expr => typeof operand === "number" ? Constant({ value: operand }) : operand

export const logp: Expr = Quantity({ name: "logp" })
export const oldLogp: Expr = Quantity({ name: "oldLogp" })
export const refLogp: Expr = Quantity({ name: "refLogp" })
export const advantage: Expr = Quantity({ name: "advantage" })

export const exp = (of: Operand): Expr => Unary({ op: "exp", of: lift(of) })
export const neg = (of: Operand): Expr => Unary({ op: "neg", of: lift(of) })
export const stopGradient = (of: Operand): Expr => Unary({ op: "stopGradient", of: lift(of) })
export const sequenceMean = (of: Operand): Expr => Unary({ op: "sequenceMean", of: lift(of) })
export const add = (left: Operand, right: Operand): Expr => Binary({ op: "add", left: lift(left), right: lift(right) })
export const sub = (left: Operand, right: Operand): Expr => Binary({ op: "sub", left: lift(left), right: lift(right) })
export const mul = (left: Operand, right: Operand): Expr => Binary({ op: "mul", left: lift(left), right: lift(right) })
export const min = (left: Operand, right: Operand): Expr => Binary({ op: "min", left: lift(left), right: lift(right) })
export const max = (left: Operand, right: Operand): Expr => Binary({ op: "max", left: lift(left), right: lift(right) })
export const clip = (of: Operand, low: number, high: number): Expr => min(max(of, low), high)

/**
 * The probability ratio between the weights being trained and those that sampled, `exp(logp - oldLogp)`.
 */
export const ratio: Expr = exp(sub(logp, oldLogp))

/**
 * Schulman's k3 estimate of KL(policy || reference), `exp(r) - r - 1` with `r = refLogp - logp`: never negative and unbiased
 * (http://joschu.net/blog/kl-approx.html); the KL term of GRPO.
 */
export const klToReference: Expr = sub(sub(exp(sub(refLogp, logp)), sub(refLogp, logp)), 1)

/**
 * Supervised fine-tuning: the mean negative log-likelihood of the tokens.
 */
export const sft: Objective = { name: "sft", loss: neg(logp), aggregation: Aggregation.TokenMean() }

/**
 * Group Relative Policy Optimization (Shao et al. 2024, "DeepSeekMath", equation 3):
 * `-min(ratio A, clip(ratio, 1 - epsilon, 1 + epsilonHigh) A) + beta KL(policy || reference)`, the mean over each completion,
 * then over completions. `epsilonHigh` above `epsilon` is DAPO's clip-higher. With `beta` 0 (the default) no reference
 * log-probabilities are needed.
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
export const grpo = (options: {
  readonly epsilon?: number
  readonly epsilonHigh?: number
  readonly beta?: number
  readonly aggregation?: Aggregation
} = {}): Objective => {
  const { beta = 0, epsilon = 0.2, epsilonHigh = epsilon } = options
  const policy = neg(min(mul(ratio, advantage), mul(clip(ratio, 1 - epsilon, 1 + epsilonHigh), advantage)))
  return {
    name: "grpo",
    loss: beta === 0 ? policy : add(policy, mul(beta, klToReference)),
    aggregation: options.aggregation ?? Aggregation.SequenceMean()
  }
}

/**
 * The quantities that a loss reads, so that an engine can say which ones a batch lacks.
 */
export const quantities = (objective: Objective): ReadonlySet<Quantity> => {
  const found = new Set<Quantity>()
  const visit = (expr: Expr): void => {
    switch (expr._tag) {
      case "Quantity":
        found.add(expr.name)
        break
      case "Unary":
        visit(expr.of)
        break
      case "Binary":
        visit(expr.left)
        visit(expr.right)
    }
  }
  visit(objective.loss)
  return found
}

/**
 * The quantities of one completion, one number a token; `mask` is 1 for the tokens that count (all, when it is left out).
 */
export type SequenceValues = { readonly [Q in Quantity]?: ArrayLike<number> } & {
  readonly logp: ArrayLike<number>
  readonly mask?: ArrayLike<number>
}

const unary = { exp: Math.exp, neg: (x: number) => -x, stopGradient: (x: number) => x } as const
const binary = {
  add: (x: number, y: number) => x + y,
  sub: (x: number, y: number) => x - y,
  mul: (x: number, y: number) => x * y,
  min: Math.min,
  max: Math.max
} as const

const masked = (values: ArrayLike<number>, mask: ArrayLike<number>): { readonly sum: number; readonly count: number } => {
  let sum = 0
  let count = 0
  for (let t = 0; t < values.length; t++) {
    if (mask[t] === 0) continue
    sum += values[t]! * mask[t]!
    count += mask[t]!
  }
  return { sum, count }
}

const perToken = (expr: Expr, values: SequenceValues, mask: ArrayLike<number>): Float64Array => {
  const length = values.logp.length
  switch (expr._tag) {
    case "Constant":
      return new Float64Array(length).fill(expr.value)
    case "Quantity": {
      const quantity = values[expr.name]
      if (quantity === undefined) throw new RangeError(`the objective reads ${expr.name}, which the sequence does not have`)
      return Float64Array.from({ length }, (_, t) => quantity[t]!)
    }
    case "Unary": {
      const of = perToken(expr.of, values, mask)
      if (expr.op === "sequenceMean") {
        const { count, sum } = masked(of, mask)
        return of.fill(count === 0 ? 0 : sum / count)
      }
      return of.map(unary[expr.op])
    }
    case "Binary": {
      const right = perToken(expr.right, values, mask)
      const op = binary[expr.op]
      return perToken(expr.left, values, mask).map((left, t) => op(left, right[t]!))
    }
  }
}

/**
 * The interpreter in plain numbers: the loss of a batch, in float64. The reference that every engine is tested against.
 */
export const evaluate = (objective: Objective, batch: ReadonlyArray<SequenceValues>): number => {
  const sequences = batch.map((values) => {
    const mask = values.mask ?? new Float64Array(values.logp.length).fill(1)
    return masked(perToken(objective.loss, values, mask), mask)
  })
  const total = sequences.reduce((sum, sequence) => sum + sequence.sum, 0)
  return Aggregation.$match(objective.aggregation, {
    SequenceMean: () =>
      sequences.reduce((sum, { count, sum: part }) => sum + (count === 0 ? 0 : part / count), 0) / Math.max(sequences.length, 1),
    TokenMean: () => total / Math.max(sequences.reduce((sum, { count }) => sum + count, 0), 1),
    ConstantLength: ({ length }) => total / (length * Math.max(sequences.length, 1)),
    Sum: () => total
  })
}
