// Operators of shapes and places.
import * as Graph from "../Graph.ts"
import type { Dimension, Graph as GraphType, Value } from "../Graph.ts"
import { mul } from "./elementwise.ts"
import { axisOf, one, toFloat } from "./node.ts"

type Shape = ReadonlyArray<Dimension>

/**
 * `Shape(x)`: the sizes of `x` at run time.
 *
 * @category combinators
 * @since 0.1.0
 */
export const shapeOf = (graph: GraphType, x: Value): Value =>
  one(graph, "Shape", [x], { type: "int64", shape: [x.shape.length] }, { stopsGradient: true })

/**
 * The number of elements of `x`, as a scalar of its type.
 *
 * @category combinators
 * @since 0.1.0
 */
export const sizeOf = (graph: GraphType, x: Value): Value =>
  toFloat(graph, one(graph, "Size", [x], { type: "int64", shape: [] }, { stopsGradient: true }), x.type)

const staticShape = (from: Shape, to: Shape): ReadonlyArray<number> => {
  let free = false
  return to.map((dimension, i) => {
    if (typeof dimension === "number") return dimension
    if (dimension === from[i]) return 0
    if (free) throw new RangeError(`reshape of [${from.join(", ")}] to [${to.join(", ")}] needs the sizes at run time`)
    free = true
    return -1
  })
}

/**
 * `x` with another shape. Where more than one of the new dimensions is neither a number nor where it was before,
 * `sizes` gives them at run time.
 *
 * @category combinators
 * @since 0.1.0
 */
export const reshape = (graph: GraphType, x: Value, shape: Shape, sizes?: Value): Value =>
  one(graph, "Reshape", [x, sizes ?? Graph.integers(graph, staticShape(x.shape, shape))], { type: x.type, shape })

/**
 * `x` with its axes in another order.
 *
 * @category combinators
 * @since 0.1.0
 */
export const transpose = (graph: GraphType, x: Value, order: ReadonlyArray<number>): Value =>
  one(graph, "Transpose", [x], { type: x.type, shape: order.map((axis) => x.shape[axis]!) }, {
    attributes: { perm: order }
  })

const joined = (dimensions: ReadonlyArray<Dimension>): Dimension =>
  dimensions.every((dimension) => typeof dimension === "number")
    ? dimensions.reduce((sum, dimension) => sum + dimension, 0)
    : dimensions.join("+")

/**
 * The values behind each other along `axis`, which may be given the name that it has elsewhere.
 *
 * @category combinators
 * @since 0.1.0
 */
export const concat = (graph: GraphType, values: ReadonlyArray<Value>, axis: number, name?: Dimension): Value => {
  const at = axisOf(axis, values[0]!.shape.length)
  const all = name ?? joined(values.map((value) => value.shape[at]!))
  const shape = values[0]!.shape.map((dimension, i) => i === at ? all : dimension)
  return one(graph, "Concat", values, { type: values[0]!.type, shape }, { attributes: { axis: at } })
}

/**
 * `x` cut along `axis` into parts of the given dimensions; `sizes` gives them at run time where one is a name.
 *
 * @category combinators
 * @since 0.1.0
 */
export const split = (
  graph: GraphType,
  x: Value,
  axis: number,
  dimensions: ReadonlyArray<Dimension>,
  sizes?: Value
): ReadonlyArray<Value> => {
  const at = axisOf(axis, x.shape.length)
  const lengths = sizes ?? Graph.integers(
    graph,
    dimensions.map((dimension) => {
      if (typeof dimension === "number") return dimension
      throw new RangeError(`split into [${dimensions.join(", ")}] needs the sizes at run time`)
    })
  )
  return Graph.node(
    graph,
    "Split",
    [x, lengths],
    dimensions.map((dimension) => ({ type: x.type, shape: x.shape.map((d, i) => i === at ? dimension : d) })),
    { attributes: { axis: at } }
  )
}

/**
 * The rows of a `[rows, ...]` table at `indices`.
 *
 * @category combinators
 * @since 0.1.0
 */
export const gather = (graph: GraphType, table: Value, indices: Value): Value =>
  one(graph, "Gather", [table, indices], { type: table.type, shape: [...indices.shape, ...table.shape.slice(1)] }, {
    attributes: { axis: 0 }
  })

/**
 * From each row of `[..., columns]` the entries at `[..., k]` indices.
 *
 * @category combinators
 * @since 0.1.0
 */
export const gatherElements = (graph: GraphType, x: Value, indices: Value): Value =>
  one(graph, "GatherElements", [x, indices], { type: x.type, shape: indices.shape }, {
    attributes: { axis: x.shape.length - 1 }
  })

/**
 * `base`, with `updates` added at the given columns of each row: the adjoint of `gatherElements`.
 *
 * @category combinators
 * @since 0.1.0
 */
export const scatterAdd = (graph: GraphType, base: Value, indices: Value, updates: Value): Value =>
  one(graph, "ScatterElements", [base, indices, updates], base, {
    attributes: { axis: base.shape.length - 1, reduction: "add" }
  })

/**
 * `base`, with `updates` added at the rows that `indices` of any shape name: the adjoint of `gather`.
 *
 * @category combinators
 * @since 0.1.0
 */
export const scatterRows = (graph: GraphType, base: Value, indices: Value, updates: Value): Value => {
  const [, ...row] = base.shape
  const rows = indices.shape.length === 1 ? indices.shape[0]! : indices.shape.join("*")
  const flat = reshape(
    graph,
    updates,
    [rows, ...row],
    concat(graph, [
      Graph.integers(graph, [-1]),
      ...(row.length === 0
        ? []
        : [gather(graph, shapeOf(graph, base), Graph.integers(graph, row.map((_, i) => i + 1)))])
    ], 0)
  )
  const column = reshape(graph, indices, [rows, ...row.map(() => 1)], Graph.integers(graph, [-1, ...row.map(() => 1)]))
  // ScatterND would take the indices as they are, but its kernel adds rows in parallel without a lock: equal indices
  // lose updates.
  return one(graph, "ScatterElements", [base, expand(graph, column, flat.shape, shapeOf(graph, flat)), flat], base, {
    attributes: { axis: 0, reduction: "add" }
  })
}

/**
 * Zeros with the type, and at run time the size, of `x`.
 *
 * @category combinators
 * @since 0.1.0
 */
export const zerosLike = (graph: GraphType, x: Value): Value => mul(graph, x, Graph.scalar(graph, 0, x.type))

/**
 * `x`, repeated to a shape; `sizes` gives it at run time.
 *
 * @category combinators
 * @since 0.1.0
 */
export const expand = (graph: GraphType, x: Value, shape: Shape, sizes: Value): Value =>
  one(graph, "Expand", [x, sizes], { type: x.type, shape })
