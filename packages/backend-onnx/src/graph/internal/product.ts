// Products of matrices, and what they wait for.
import * as Graph from "../Graph.ts"
import type { Graph as GraphType, Value } from "../Graph.ts"
import { add, broadcast, mul } from "./elementwise.ts"
import { microsoft, one } from "./node.ts"
import { gather, reshape, shapeOf, transpose } from "./shape.ts"

/**
 * The matrix product over the last two axes, the others broadcast: `FusedMatMul` of com.microsoft, which transposes
 * either operand and scales by `alpha` at no cost. Plain `MatMul` where it does neither, or in float64.
 *
 * @category combinators
 * @since 0.1.0
 */
export const matMul = (
  graph: GraphType,
  a: Value,
  b: Value,
  options: {
    readonly transA?: boolean | undefined
    readonly transB?: boolean | undefined
    readonly alpha?: number | undefined
  } = {}
): Value => {
  const { alpha = 1, transA = false, transB = false } = options
  const rows = a.shape.at(transA ? -1 : -2)!
  const columns = b.shape.at(transB ? -2 : -1)!
  const inner = [a.shape.at(transA ? -2 : -1), b.shape.at(transB ? -1 : -2)]
  if (inner[0] !== inner[1]) {
    throw new RangeError(
      `matMul of [${a.shape.join(", ")}] and [${b.shape.join(", ")}]: ${inner[0]} is not ${inner[1]}`
    )
  }
  const shape = [...broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2)), rows, columns]
  if (!transA && !transB && alpha === 1) return one(graph, "MatMul", [a, b], { type: a.type, shape })
  if (graph.portable) return portableMatMul(graph, a, b, { alpha, transA, transB })
  return one(graph, "FusedMatMul", [a, b], { type: a.type, shape }, {
    domain: microsoft,
    attributes: { transA: Number(transA), transB: Number(transB), alpha: { float: alpha } }
  })
}

/**
 * `x Wᵀ` of a constant matrix `W` `[rows, columns]` of whole numbers with a scale for each block of a row:
 * `MatMulNBits` of com.microsoft. `data` is `[rows, blocks, block * bits / 8]` with zero in the middle, `scales` is
 * `[rows, blocks]`. What `x` has is rounded to eight bits for it (accuracy level 4), which its fast kernels need.
 *
 * @category combinators
 * @since 0.1.0
 */
export const matMulBits = (
  graph: GraphType,
  x: Value,
  w: {
    readonly rows: number
    readonly columns: number
    readonly bits: 8 | 4
    readonly block: number
    readonly data: Uint8Array
    readonly scales: Float32Array
  }
): Value => {
  const blocks = w.scales.length / w.rows
  return one(
    graph,
    "MatMulNBits",
    [
      x,
      Graph.constant(graph, w.data, [w.rows, blocks, w.block * w.bits / 8]),
      Graph.constant(graph, w.scales, [w.rows, blocks])
    ],
    { type: x.type, shape: [...x.shape.slice(0, -1), w.rows] },
    {
      domain: microsoft,
      attributes: { K: w.columns, N: w.rows, bits: w.bits, block_size: w.block, accuracy_level: 4 },
      stopsGradient: true
    }
  )
}

/**
 * `x`, available only when all `dependencies` are: what is computed from it waits until then. Nothing is copied.
 *
 * ONNX has no edge that carries only an order; a shape that reads other values, and adds nothing of them, is one.
 *
 * @category combinators
 * @since 0.1.0
 */
export const after = (graph: GraphType, x: Value, ...dependencies: ReadonlyArray<Value>): Value => {
  const sizes = dependencies.reduce(
    (sum, dependency) => add(graph, sum, nothingOf(graph, dependency)),
    shapeOf(graph, x)
  )
  return one(graph, "Reshape", [x, sizes], x)
}

// A zero that cannot be known before a value is. Its shape is enough where sizes are known only at run time; where they
// are constants ONNX Runtime knows the shape beforehand, and a number of the value has to be read.
const nothingOf = (graph: GraphType, x: Value): Value => {
  const zero = Graph.integers(graph, [0])
  const isConstant = x.shape.every((dimension) => typeof dimension === "number")
  const read = isConstant && !graph.portable
    ? one(graph, "Cast", [
      gather(graph, reshape(graph, x, [x.shape.reduce<number>((product, size) => product * (size as number), 1)]), zero)
    ], {
      type: "int64",
      shape: [1]
    }, { attributes: { to: 7 }, stopsGradient: true })
    : gather(graph, shapeOf(graph, x), zero)
  return mul(graph, read, zero)
}

/**
 * Whole numbers `[rows, ...]`, less the `zero` `[rows]` of their row, times its `scale` `[rows]`.
 *
 * @category combinators
 * @since 0.1.0
 */
export const dequantize = (graph: GraphType, x: Value, scale: Value, zero: Value): Value =>
  one(graph, "DequantizeLinear", [x, scale, zero], { type: scale.type, shape: x.shape }, {
    attributes: { axis: 0 },
    stopsGradient: true
  })

// `FusedMatMul` has no kernel on GPUs: matrices go to `Gemm`, which transposes as well, batches are transposed first.
const portableMatMul = (
  graph: GraphType,
  a: Value,
  b: Value,
  { alpha, transA, transB }: { readonly alpha: number; readonly transA: boolean; readonly transB: boolean }
): Value => {
  if (a.shape.length === 2 && b.shape.length === 2) {
    const shape = [a.shape.at(transA ? 1 : 0)!, b.shape.at(transB ? 0 : 1)!]
    return one(graph, "Gemm", [a, b], { type: a.type, shape }, {
      attributes: { transA: Number(transA), transB: Number(transB), alpha: { float: alpha } }
    })
  }
  const turned = (x: Value): Value =>
    transpose(graph, x, x.shape.map((_, i) => i < x.shape.length - 2 ? i : 2 * x.shape.length - 3 - i))
  const product = matMul(graph, transA ? turned(a) : a, transB ? turned(b) : b)
  return alpha === 1 ? product : mul(graph, product, Graph.scalar(graph, alpha, a.type))
}
