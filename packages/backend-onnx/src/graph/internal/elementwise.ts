// Operators of numbers, and of rows along an axis.
import * as Graph from "../Graph.ts"
import type { Dimension, Graph as GraphType, Value } from "../Graph.ts"
import { axisOf, microsoft, one, toFloat } from "./node.ts"

type Shape = ReadonlyArray<Dimension>

/**
 * The shape of two operands after broadcasting. Throws a `RangeError` where they do not fit.
 *
 * @category getters
 * @since 0.1.0
 */
export const broadcast = (a: Shape, b: Shape): Shape =>
  Array.from({ length: Math.max(a.length, b.length) }, (_, i) => {
    const x = a[i - Math.max(b.length - a.length, 0)] ?? 1
    const y = b[i - Math.max(a.length - b.length, 0)] ?? 1
    if (x !== y && x !== 1 && y !== 1) throw new RangeError(`shapes [${a.join(", ")}] and [${b.join(", ")}] do not fit`)
    return x === 1 ? y : x
  })

const elementwise = (op: string) => (graph: GraphType, x: Value, y: Value): Value =>
  one(graph, op, [x, y], { type: x.type, shape: broadcast(x.shape, y.shape) })

/**
 * `x + y`, broadcast.
 *
 * @category combinators
 * @since 0.1.0
 */
export const add = elementwise("Add")
/**
 * `x - y`, broadcast.
 *
 * @category combinators
 * @since 0.1.0
 */
export const sub = elementwise("Sub")
/**
 * `x * y`, broadcast.
 *
 * @category combinators
 * @since 0.1.0
 */
export const mul = elementwise("Mul")
/**
 * `x / y`, broadcast.
 *
 * @category combinators
 * @since 0.1.0
 */
export const div = elementwise("Div")
/**
 * The smaller of both, broadcast.
 *
 * @category combinators
 * @since 0.1.0
 */
export const min = elementwise("Min")
/**
 * The larger of both, broadcast.
 *
 * @category combinators
 * @since 0.1.0
 */
export const max = elementwise("Max")

const unary = (op: string) => (graph: GraphType, x: Value): Value => one(graph, op, [x], x)

/**
 * `-x`.
 *
 * @category combinators
 * @since 0.1.0
 */
export const neg = unary("Neg")

/**
 * e to the power of `x`.
 *
 * @category combinators
 * @since 0.1.0
 */
export const exp = unary("Exp")

/**
 * The natural logarithm.
 *
 * @category combinators
 * @since 0.1.0
 */
export const log = unary("Log")

/**
 * The square root.
 *
 * @category combinators
 * @since 0.1.0
 */
export const sqrt = unary("Sqrt")

/**
 * `1 / (1 + exp(-x))`.
 *
 * @category combinators
 * @since 0.1.0
 */
export const sigmoid = unary("Sigmoid")

/**
 * The hyperbolic tangent.
 *
 * @category combinators
 * @since 0.1.0
 */
export const tanh = unary("Tanh")

/**
 * The error function.
 *
 * @category combinators
 * @since 0.1.0
 */
export const erf = unary("Erf")

/**
 * The next integer below or equal.
 *
 * @category combinators
 * @since 0.1.0
 */
export const floor = unary("Floor")

/**
 * `x`, and no gradient flows to it.
 *
 * @category combinators
 * @since 0.1.0
 */
export const stopGradient = (graph: GraphType, x: Value): Value =>
  one(graph, "Identity", [x], x, { stopsGradient: true })

/**
 * `x` in single precision. No gradient flows through: what is stored in another type is not trained.
 *
 * @category combinators
 * @since 0.1.0
 */
export const cast = (graph: GraphType, x: Value): Value => toFloat(graph, x, "float32")

/**
 * 1 where `x < y`, else 0, in the type of `x`. Carries no gradient.
 *
 * @category combinators
 * @since 0.1.0
 */
export const less = (graph: GraphType, x: Value, y: Value): Value => {
  const flag = one(graph, "Less", [x, y], { type: "bool", shape: broadcast(x.shape, y.shape) }, { stopsGradient: true })
  return toFloat(graph, flag, x.type)
}

/**
 * `x * sigmoid(x)`: `QuickGelu` of com.microsoft with alpha 1.
 *
 * @category combinators
 * @since 0.1.0
 */
export const silu = (graph: GraphType, x: Value): Value =>
  one(graph, "QuickGelu", [x], x, { domain: microsoft, attributes: { alpha: { float: 1 } } })

/**
 * `x` times the normal distribution's function at `x`, or its approximation by a hyperbolic tangent (Hendrycks and
 * Gimpel 2016).
 *
 * @category combinators
 * @since 0.1.0
 */
export const gelu = (graph: GraphType, x: Value, options: { readonly approximate?: boolean | undefined } = {}): Value =>
  one(graph, "Gelu", [x], x, { attributes: { approximate: options.approximate === true ? "tanh" : "none" } })

/**
 * Along the last axis.
 *
 * @category combinators
 * @since 0.1.0
 */
export const softmax = (graph: GraphType, x: Value): Value =>
  one(graph, "Softmax", [x], x, { attributes: { axis: -1 } })

/**
 * Along the last axis.
 *
 * @category combinators
 * @since 0.1.0
 */
export const logSoftmax = (graph: GraphType, x: Value): Value =>
  one(graph, "LogSoftmax", [x], x, { attributes: { axis: -1 } })

const reduce = (op: string) => (graph: GraphType, x: Value, axes: ReadonlyArray<number>): Value => {
  const over = new Set(axes.map((axis) => axisOf(axis, x.shape.length)))
  const shape = x.shape.map((dimension, i) => over.has(i) ? 1 : dimension)
  return one(graph, op, [x, Graph.integers(graph, [...over])], { type: x.type, shape }, { attributes: { keepdims: 1 } })
}

/**
 * The sum over axes, which stay with size 1.
 *
 * @category combinators
 * @since 0.1.0
 */
export const reduceSum = reduce("ReduceSum")
/**
 * The mean over axes, which stay with size 1.
 *
 * @category combinators
 * @since 0.1.0
 */
export const reduceMean = reduce("ReduceMean")
