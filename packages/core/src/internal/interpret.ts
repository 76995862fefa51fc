// Objectives in plain numbers: their values, and their derivatives by reverse accumulation.
import { type Aggregation, type Objective, tokenWeight } from "./aggregation.ts"
import { type Expr, type Quantity, trained } from "./expr.ts"

/**
 * The quantities of one completion, one number per token. `mask` is 1 for the tokens that count (default: all).
 *
 * @category models
 * @since 0.1.0
 */
export type SequenceValues = { readonly [Q in Quantity]?: ArrayLike<number> | undefined } & {
  readonly mask?: ArrayLike<number> | undefined
}

const unary = { exp: Math.exp, neg: (x: number) => -x, stopGradient: (x: number) => x } as const
const binary = {
  add: (x: number, y: number) => x + y,
  sub: (x: number, y: number) => x - y,
  mul: (x: number, y: number) => x * y,
  min: Math.min,
  max: Math.max,
  less: (x: number, y: number) => x < y ? 1 : 0
} as const

interface Sequence {
  readonly values: SequenceValues
  readonly length: number
  readonly mask: ArrayLike<number>
  /** Tokens that count. */
  readonly count: number
}

const sequenceOf = (values: SequenceValues): Sequence => {
  const { mask: given, ...quantities } = values
  const length = Math.max(0, ...Object.values(quantities).map((quantity) => quantity?.length ?? 0))
  const mask = given ?? new Float64Array(length).fill(1)
  let count = 0
  for (let t = 0; t < length; t++) count += mask[t]!
  return { values, length, mask, count }
}

// A masked value may be anything, and zero times infinity is NaN.
const masked = (values: ArrayLike<number>, { length, mask }: Sequence): number => {
  let sum = 0
  for (let t = 0; t < length; t++) if (mask[t] !== 0) sum += values[t]! * mask[t]!
  return sum
}

type Known = Map<Expr, Float64Array>

// The value of an expression at every token. A shared subexpression is computed once.
const forward = (expr: Expr, sequence: Sequence, known: Known): Float64Array => {
  const found = known.get(expr)
  if (found !== undefined) return found
  const { count, length, values } = sequence
  const result = ((): Float64Array => {
    switch (expr._tag) {
      case "Constant":
      case "Coefficient":
        return new Float64Array(length).fill(expr.value)
      case "Quantity": {
        const quantity = values[expr.name]
        if (quantity === undefined) {
          throw new RangeError(`the objective reads ${expr.name}, which the sequence does not have`)
        }
        return Float64Array.from({ length }, (_, t) => quantity[t]!)
      }
      case "Unary": {
        const of = forward(expr.of, sequence, known)
        if (expr.op !== "sequenceMean" && expr.op !== "sequenceSum") return of.map(unary[expr.op])
        const sum = masked(of, sequence)
        return new Float64Array(length).fill(expr.op === "sequenceSum" ? sum : count === 0 ? 0 : sum / count)
      }
      case "Binary": {
        const right = forward(expr.right, sequence, known)
        const op = binary[expr.op]
        return forward(expr.left, sequence, known).map((left, t) => op(left, right[t]!))
      }
    }
  })()
  known.set(expr, result)
  return result
}

interface Pass {
  readonly sequence: Sequence
  readonly known: Known
  readonly slopes: ReadonlyMap<Quantity, Float64Array>
}

// Adds to the slopes of the trained quantities what reaches them through an expression whose own slope is `upstream`.
const backward = (expr: Expr, upstream: Float64Array, pass: Pass): void => {
  const { known, sequence, slopes } = pass
  const through = (part: Expr, slope: (t: number) => number): void =>
    backward(part, upstream.map((dy, t) => dy === 0 ? 0 : slope(t)), pass)
  if (expr._tag === "Quantity") {
    const slope = slopes.get(expr.name)
    if (slope !== undefined) { for (let t = 0; t < slope.length; t++) slope[t]! += upstream[t]! }
  } else if (expr._tag === "Unary") {
    const { of, op } = expr
    if (op === "neg") through(of, (t) => -upstream[t]!)
    else if (op === "exp") {
      const value = forward(expr, sequence, known)
      through(of, (t) => upstream[t]! * value[t]!)
    } else if (op === "sequenceMean" || op === "sequenceSum") {
      const { count, mask } = sequence
      const sum = upstream.reduce((sum, dy) => sum + dy, 0)
      const share = op === "sequenceSum" ? sum : count === 0 ? 0 : sum / count
      backward(of, upstream.map((_, t) => share * mask[t]!), pass)
    }
  } else if (expr._tag === "Binary" && expr.op !== "less") {
    const { op } = expr
    const left = forward(expr.left, sequence, known)
    const right = forward(expr.right, sequence, known)
    // At a tie all of it goes to the left, as in the graphs.
    const isRight = (t: number): boolean => op === "min" ? right[t]! < left[t]! : left[t]! < right[t]!
    const slope = {
      add: [(t: number) => upstream[t]!, (t: number) => upstream[t]!],
      sub: [(t: number) => upstream[t]!, (t: number) => -upstream[t]!],
      mul: [(t: number) => upstream[t]! * right[t]!, (t: number) => upstream[t]! * left[t]!],
      min: [(t: number) => isRight(t) ? 0 : upstream[t]!, (t: number) => isRight(t) ? upstream[t]! : 0],
      max: [(t: number) => isRight(t) ? 0 : upstream[t]!, (t: number) => isRight(t) ? upstream[t]! : 0]
    } as const
    through(expr.left, slope[op][0])
    through(expr.right, slope[op][1])
  }
}

const weightsOf = (aggregation: Aggregation, sequences: ReadonlyArray<Sequence>): ReadonlyArray<number> => {
  const tokens = sequences.reduce((sum, { count }) => sum + count, 0)
  return sequences.map(({ count }) =>
    tokenWeight(aggregation, { sequences: sequences.length, tokens, tokensOfSequence: count })
  )
}

/**
 * Computes the loss of a batch in float64. Every engine is tested against this reference.
 *
 * @category running
 * @since 0.1.0
 */
export const evaluate = ({ aggregation, loss }: Objective, batch: ReadonlyArray<SequenceValues>): number => {
  const sequences = batch.map(sequenceOf)
  const weights = weightsOf(aggregation, sequences)
  return sequences.reduce(
    (sum, sequence, i) => sum + weights[i]! * masked(forward(loss, sequence, new Map()), sequence),
    0
  )
}

/**
 * The derivatives of the loss with respect to `logp`, `value` and `entropy`, one number per token.
 *
 * @category models
 * @since 0.1.0
 */
export type Derivatives = Readonly<Record<typeof trained[number], Float64Array>>

/**
 * The loss of a batch and its derivatives with respect to the trained quantities, for each completion. For engines that
 * take a weighted log-likelihood: with fixed derivatives, `sum_t derivative_t * logp_t` has the gradient of the loss.
 *
 * If both sides of a `min` or `max` are equal, the left one gets the whole slope.
 *
 * @category running
 * @since 0.1.0
 */
export const differentiate = (
  { aggregation, loss }: Objective,
  batch: ReadonlyArray<SequenceValues>
): { readonly loss: number; readonly derivatives: ReadonlyArray<Derivatives> } => {
  const sequences = batch.map(sequenceOf)
  const weights = weightsOf(aggregation, sequences)
  let total = 0
  const derivatives = sequences.map((sequence, i) => {
    const { length, mask } = sequence
    const known: Known = new Map()
    const slopes = new Map<Quantity, Float64Array>(trained.map((name) => [name, new Float64Array(length)]))
    total += weights[i]! * masked(forward(loss, sequence, known), sequence)
    backward(loss, Float64Array.from({ length }, (_, t) => weights[i]! * mask[t]!), { sequence, known, slopes })
    return Object.fromEntries(slopes) as Derivatives
  })
  return { loss: total, derivatives }
}
