// Expressions over the tokens of a completion, which losses are written in.
import * as Data from "effect/Data"

/**
 * A per-token quantity. A gradient flows through `logp`, `value` and `entropy`, which are those of the weights being
 * trained; the others are given with the batch.
 *
 * - `logp`: log-probability of the token.
 * - `oldLogp`: the same under the weights that sampled it, as the learner computes it.
 * - `samplerLogp`: the same as the sampler reported it, which another engine may have computed otherwise.
 * - `refLogp`: the same under a reference policy, for KL terms.
 * - `entropy`: of the distribution that the token was drawn from, in nats.
 * - `advantage`: how much better than expected the token, or its completion, was.
 * - `value`: the critic's estimate of the return, before the token.
 * - `oldValue`: the same when the token was sampled.
 * - `returns`: what the critic should have said.
 */
export type Quantity =
  | "logp"
  | "oldLogp"
  | "samplerLogp"
  | "refLogp"
  | "entropy"
  | "advantage"
  | "value"
  | "oldValue"
  | "returns"

/**
 * What the weights being trained decide: an engine computes these, and a batch gives the others.
 */
export const trained = ["logp", "value", "entropy"] as const satisfies ReadonlyArray<Quantity>

/**
 * An expression over tokens. `sequenceMean` and `sequenceSum` are over a completion's tokens (those that the mask
 * keeps), given back to each of them; `less` is 1 where its left side is the smaller one, else 0, and has no slope. A
 * `Coefficient` is a number that may be another one at each step, such as a weight that adapts; an engine takes it with
 * the batch.
 */
export type Expr = Data.TaggedEnum<{
  Quantity: { readonly name: Quantity }
  Constant: { readonly value: number }
  Coefficient: { readonly name: string; readonly value: number }
  Unary: { readonly op: "exp" | "neg" | "stopGradient" | "sequenceMean" | "sequenceSum"; readonly of: Expr }
  Binary: { readonly op: "add" | "sub" | "mul" | "min" | "max" | "less"; readonly left: Expr; readonly right: Expr }
}>
const { Binary, Coefficient, Constant, Quantity, Unary } = Data.taggedEnum<Expr>()

/**
 * Something that can stand where an expression can.
 */
export type Operand = Expr | number

const lift = (operand: Operand): Expr => typeof operand === "number" ? Constant({ value: operand }) : operand

export const logp: Expr = Quantity({ name: "logp" })
export const oldLogp: Expr = Quantity({ name: "oldLogp" })
export const samplerLogp: Expr = Quantity({ name: "samplerLogp" })
export const refLogp: Expr = Quantity({ name: "refLogp" })
export const entropy: Expr = Quantity({ name: "entropy" })
export const advantage: Expr = Quantity({ name: "advantage" })
export const value: Expr = Quantity({ name: "value" })
export const oldValue: Expr = Quantity({ name: "oldValue" })
export const returns: Expr = Quantity({ name: "returns" })
export const coefficient = (name: string, value: number): Expr => Coefficient({ name, value })

export const exp = (of: Operand): Expr => Unary({ op: "exp", of: lift(of) })
export const neg = (of: Operand): Expr => Unary({ op: "neg", of: lift(of) })
export const stopGradient = (of: Operand): Expr => Unary({ op: "stopGradient", of: lift(of) })
export const sequenceMean = (of: Operand): Expr => Unary({ op: "sequenceMean", of: lift(of) })
export const sequenceSum = (of: Operand): Expr => Unary({ op: "sequenceSum", of: lift(of) })
export const add = (left: Operand, right: Operand): Expr => Binary({ op: "add", left: lift(left), right: lift(right) })
export const sub = (left: Operand, right: Operand): Expr => Binary({ op: "sub", left: lift(left), right: lift(right) })
export const mul = (left: Operand, right: Operand): Expr => Binary({ op: "mul", left: lift(left), right: lift(right) })
export const min = (left: Operand, right: Operand): Expr => Binary({ op: "min", left: lift(left), right: lift(right) })
export const max = (left: Operand, right: Operand): Expr => Binary({ op: "max", left: lift(left), right: lift(right) })
export const less = (left: Operand, right: Operand): Expr =>
  Binary({ op: "less", left: lift(left), right: lift(right) })
export const clip = (of: Operand, low: number, high: number): Expr => min(max(of, low), high)
export const square = (of: Operand): Expr => mul(of, of)

/**
 * Every part of an expression, itself among them.
 */
export const visit = (expr: Expr, seen: (expr: Expr) => void): void => {
  seen(expr)
  if (expr._tag === "Unary") visit(expr.of, seen)
  if (expr._tag === "Binary") {
    visit(expr.left, seen)
    visit(expr.right, seen)
  }
}
