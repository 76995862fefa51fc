// Expressions over the tokens of a completion, for losses.
import * as Data from "effect/Data"
import * as Schema from "effect/Schema"

const QuantitySchema = Schema.Literals([
  "logp",
  "oldLogp",
  "samplerLogp",
  "refLogp",
  "entropy",
  "advantage",
  "value",
  "oldValue",
  "returns"
])

/**
 * A per-token quantity. Gradients flow through `logp`, `value` and `entropy`, which depend on the trained weights. The
 * batch provides the others.
 *
 * - `logp`: the log-probability of the token.
 * - `oldLogp`: the same with the weights that sampled it, computed by the learner.
 * - `samplerLogp`: the same as reported by the sampler, which may be another engine.
 * - `refLogp`: the same with a reference policy, for KL terms.
 * - `entropy`: of the distribution that the token was sampled from, in nats.
 * - `advantage`: how much better than expected the token, or its completion, was.
 * - `value`: the critic's estimate of the return, before the token.
 * - `oldValue`: the same when the token was sampled.
 * - `returns`: the target of the critic.
 *
 * @category models
 * @since 0.1.0
 */
export type Quantity = typeof QuantitySchema.Type

/**
 * The quantities of the trained weights. An engine computes them; a batch provides the others.
 *
 * @category models
 * @since 0.1.0
 */
export const trained = ["logp", "value", "entropy"] as const satisfies ReadonlyArray<Quantity>

const Leaf = Schema.TaggedUnion({
  Quantity: { name: QuantitySchema },
  Constant: { value: Schema.Number },
  Coefficient: { name: Schema.String, value: Schema.Number }
})
const unary = {
  _tag: Schema.tag("Unary"),
  op: Schema.Literals(["exp", "neg", "stopGradient", "sequenceMean", "sequenceSum"])
}
const binary = { _tag: Schema.tag("Binary"), op: Schema.Literals(["add", "sub", "mul", "min", "max", "less"]) }
interface Unary extends Schema.Struct.Type<typeof unary> {
  readonly of: Expr
}
interface Binary extends Schema.Struct.Type<typeof binary> {
  readonly left: Expr
  readonly right: Expr
}

/**
 * An expression over tokens. `sequenceMean` and `sequenceSum` run over the unmasked tokens of a completion and give
 * each token the result. `less` is 1 if its left side is smaller, else 0, and has no slope. A `Coefficient` may change
 * at each step, such as an adaptive weight; an engine takes it with the batch.
 *
 * @category models
 * @since 0.1.0
 */
export type Expr = typeof Leaf.Type | Unary | Binary

/**
 * The schema of an expression.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Expr: Schema.Codec<Expr> = Schema.Union([
  Leaf,
  Schema.Struct({ ...unary, of: Schema.suspend((): Schema.Codec<Expr> => Expr) }),
  Schema.Struct({
    ...binary,
    left: Schema.suspend((): Schema.Codec<Expr> => Expr),
    right: Schema.suspend((): Schema.Codec<Expr> => Expr)
  })
])

const { Binary, Coefficient, Constant, Quantity, Unary } = Data.taggedEnum<Expr>()

/**
 * An expression or a number.
 *
 * @category models
 * @since 0.1.0
 */
export type Operand = Expr | number

const lift = (operand: Operand): Expr => typeof operand === "number" ? Constant({ value: operand }) : operand

/**
 * The `logp` of each token.
 *
 * @category constructors
 * @since 0.1.0
 */
export const logp: Expr = Quantity({ name: "logp" })
/**
 * The `oldLogp` of each token.
 *
 * @category constructors
 * @since 0.1.0
 */
export const oldLogp: Expr = Quantity({ name: "oldLogp" })
/**
 * The `samplerLogp` of each token.
 *
 * @category constructors
 * @since 0.1.0
 */
export const samplerLogp: Expr = Quantity({ name: "samplerLogp" })
/**
 * The `refLogp` of each token.
 *
 * @category constructors
 * @since 0.1.0
 */
export const refLogp: Expr = Quantity({ name: "refLogp" })
/**
 * The `entropy` of each token.
 *
 * @category constructors
 * @since 0.1.0
 */
export const entropy: Expr = Quantity({ name: "entropy" })
/**
 * The `advantage` of each token.
 *
 * @category constructors
 * @since 0.1.0
 */
export const advantage: Expr = Quantity({ name: "advantage" })
/**
 * The `value` of each token.
 *
 * @category constructors
 * @since 0.1.0
 */
export const value: Expr = Quantity({ name: "value" })
/**
 * The `oldValue` of each token.
 *
 * @category constructors
 * @since 0.1.0
 */
export const oldValue: Expr = Quantity({ name: "oldValue" })
/**
 * The `returns` of each token.
 *
 * @category constructors
 * @since 0.1.0
 */
export const returns: Expr = Quantity({ name: "returns" })
/**
 * A named number that may change at each step.
 *
 * @category constructors
 * @since 0.1.0
 */
export const coefficient = (name: string, value: number): Expr => Coefficient({ name, value })

/**
 * The exponential.
 *
 * @category combinators
 * @since 0.1.0
 */
export const exp = (of: Operand): Expr => Unary({ op: "exp", of: lift(of) })
/**
 * The negative.
 *
 * @category combinators
 * @since 0.1.0
 */
export const neg = (of: Operand): Expr => Unary({ op: "neg", of: lift(of) })
/**
 * The same value, without a gradient.
 *
 * @category combinators
 * @since 0.1.0
 */
export const stopGradient = (of: Operand): Expr => Unary({ op: "stopGradient", of: lift(of) })
/**
 * The mean over the completion, for each of its tokens.
 *
 * @category combinators
 * @since 0.1.0
 */
export const sequenceMean = (of: Operand): Expr => Unary({ op: "sequenceMean", of: lift(of) })
/**
 * The sum over the completion, for each of its tokens.
 *
 * @category combinators
 * @since 0.1.0
 */
export const sequenceSum = (of: Operand): Expr => Unary({ op: "sequenceSum", of: lift(of) })
/**
 * The sum.
 *
 * @category combinators
 * @since 0.1.0
 */
export const add = (left: Operand, right: Operand): Expr => Binary({ op: "add", left: lift(left), right: lift(right) })
/**
 * The difference.
 *
 * @category combinators
 * @since 0.1.0
 */
export const sub = (left: Operand, right: Operand): Expr => Binary({ op: "sub", left: lift(left), right: lift(right) })
/**
 * The product.
 *
 * @category combinators
 * @since 0.1.0
 */
export const mul = (left: Operand, right: Operand): Expr => Binary({ op: "mul", left: lift(left), right: lift(right) })
/**
 * The smaller value.
 *
 * @category combinators
 * @since 0.1.0
 */
export const min = (left: Operand, right: Operand): Expr => Binary({ op: "min", left: lift(left), right: lift(right) })
/**
 * The larger value.
 *
 * @category combinators
 * @since 0.1.0
 */
export const max = (left: Operand, right: Operand): Expr => Binary({ op: "max", left: lift(left), right: lift(right) })
/**
 * 1 if `left` is smaller than `right`, else 0; no gradient.
 *
 * @category combinators
 * @since 0.1.0
 */
export const less = (left: Operand, right: Operand): Expr =>
  Binary({ op: "less", left: lift(left), right: lift(right) })
/**
 * The value, limited to the range from `low` to `high`.
 *
 * @category combinators
 * @since 0.1.0
 */
export const clip = (of: Operand, low: number, high: number): Expr => min(max(of, low), high)
/**
 * The square.
 *
 * @category combinators
 * @since 0.1.0
 */
export const square = (of: Operand): Expr => mul(of, of)

/**
 * Calls `seen` with every part of an expression, including the expression.
 *
 * @category getters
 * @since 0.1.0
 */
export const visit = (expr: Expr, seen: (expr: Expr) => void): void => {
  seen(expr)
  if (expr._tag === "Unary") visit(expr.of, seen)
  if (expr._tag === "Binary") {
    visit(expr.left, seen)
    visit(expr.right, seen)
  }
}
