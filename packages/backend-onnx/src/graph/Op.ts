/**
 * The operators: each appends a node and says the type and shape of what it gives.
 *
 * Names and meanings are those of ONNX (opset 21) and, where said, of ONNX Runtime's own domain `com.microsoft`.
 */
import * as Graph from "./Graph.ts"
import type { Dimension, Graph as GraphType, Value } from "./Graph.ts"

type Shape = ReadonlyArray<Dimension>

const microsoft = "com.microsoft"

const one = (
  graph: GraphType,
  op: string,
  inputs: ReadonlyArray<Value | undefined>,
  like: Omit<Value, "name">,
  options?: Parameters<typeof Graph.node>[4]
): Value => Graph.node(graph, op, inputs, [{ type: like.type, shape: like.shape }], options)[0]!

/**
 * The shape of two operands after broadcasting. Throws a `RangeError` where they do not fit.
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

/** `x + y`, broadcast. */
export const add = elementwise("Add")
/** `x - y`, broadcast. */
export const sub = elementwise("Sub")
/** `x * y`, broadcast. */
export const mul = elementwise("Mul")
/** `x / y`, broadcast. */
export const div = elementwise("Div")
/** The smaller of both, broadcast. */
export const min = elementwise("Min")
/** The larger of both, broadcast. */
export const max = elementwise("Max")

const unary = (op: string) => (graph: GraphType, x: Value): Value => one(graph, op, [x], x)

export const neg = unary("Neg")
export const exp = unary("Exp")
export const log = unary("Log")
export const sqrt = unary("Sqrt")
export const sigmoid = unary("Sigmoid")
export const tanh = unary("Tanh")
export const erf = unary("Erf")
export const floor = unary("Floor")

/** `x`, and no gradient flows to it. */
export const stopGradient = (graph: GraphType, x: Value): Value =>
  one(graph, "Identity", [x], x, { stopsGradient: true })

/** `x` in single precision. No gradient flows through: what is stored in another type is not trained. */
export const cast = (graph: GraphType, x: Value): Value => toFloat(graph, x, "float32")

const toFloat = (graph: GraphType, x: Value, type: Value["type"]): Value =>
  one(graph, "Cast", [x], { type, shape: x.shape }, {
    attributes: { to: type === "float64" ? 11 : 1 },
    stopsGradient: true
  })

/** 1 where `x < y`, else 0, in the type of `x`. Carries no gradient. */
export const less = (graph: GraphType, x: Value, y: Value): Value => {
  const flag = one(graph, "Less", [x, y], { type: "bool", shape: broadcast(x.shape, y.shape) }, { stopsGradient: true })
  return toFloat(graph, flag, x.type)
}

/** `x * sigmoid(x)`: `QuickGelu` of com.microsoft with alpha 1. */
export const silu = (graph: GraphType, x: Value): Value =>
  one(graph, "QuickGelu", [x], x, { domain: microsoft, attributes: { alpha: { float: 1 } } })

/**
 * `x` times the normal distribution's function at `x`, or its approximation by a hyperbolic tangent (Hendrycks and
 * Gimpel 2016).
 */
export const gelu = (graph: GraphType, x: Value, options: { readonly approximate?: boolean | undefined } = {}): Value =>
  one(graph, "Gelu", [x], x, { attributes: { approximate: options.approximate === true ? "tanh" : "none" } })

/** Along the last axis. */
export const softmax = (graph: GraphType, x: Value): Value =>
  one(graph, "Softmax", [x], x, { attributes: { axis: -1 } })

/** Along the last axis. */
export const logSoftmax = (graph: GraphType, x: Value): Value =>
  one(graph, "LogSoftmax", [x], x, { attributes: { axis: -1 } })

const axisOf = (axis: number, rank: number): number => axis < 0 ? axis + rank : axis

const reduce = (op: string) => (graph: GraphType, x: Value, axes: ReadonlyArray<number>): Value => {
  const over = new Set(axes.map((axis) => axisOf(axis, x.shape.length)))
  const shape = x.shape.map((dimension, i) => over.has(i) ? 1 : dimension)
  return one(graph, op, [x, Graph.integers(graph, [...over])], { type: x.type, shape }, { attributes: { keepdims: 1 } })
}

/** The sum over axes, which stay with size 1. */
export const reduceSum = reduce("ReduceSum")
/** The mean over axes, which stay with size 1. */
export const reduceMean = reduce("ReduceMean")

/**
 * The matrix product over the last two axes, the others broadcast: `FusedMatMul` of com.microsoft, which transposes
 * either operand and scales by `alpha` at no cost. Plain `MatMul` where it does neither, or in float64.
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
 * `x`, available only when all `dependencies` are: what is computed from it waits until then. Nothing is copied.
 *
 * ONNX has no edge that carries only an order; a shape that reads other values, and adds nothing of them, is one.
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

/** Whole numbers `[rows, ...]`, less the `zero` `[rows]` of their row, times its `scale` `[rows]`. */
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

/** `Shape(x)`: the sizes of `x` at run time. */
export const shapeOf = (graph: GraphType, x: Value): Value =>
  one(graph, "Shape", [x], { type: "int64", shape: [x.shape.length] }, { stopsGradient: true })

/** The number of elements of `x`, as a scalar of its type. */
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
 */
export const reshape = (graph: GraphType, x: Value, shape: Shape, sizes?: Value): Value =>
  one(graph, "Reshape", [x, sizes ?? Graph.integers(graph, staticShape(x.shape, shape))], { type: x.type, shape })

/** `x` with its axes in another order. */
export const transpose = (graph: GraphType, x: Value, order: ReadonlyArray<number>): Value =>
  one(graph, "Transpose", [x], { type: x.type, shape: order.map((axis) => x.shape[axis]!) }, {
    attributes: { perm: order }
  })

const joined = (dimensions: ReadonlyArray<Dimension>): Dimension =>
  dimensions.every((dimension) => typeof dimension === "number")
    ? dimensions.reduce((sum, dimension) => sum + dimension, 0)
    : dimensions.join("+")

/** The values behind each other along `axis`, which may be given the name that it has elsewhere. */
export const concat = (graph: GraphType, values: ReadonlyArray<Value>, axis: number, name?: Dimension): Value => {
  const at = axisOf(axis, values[0]!.shape.length)
  const all = name ?? joined(values.map((value) => value.shape[at]!))
  const shape = values[0]!.shape.map((dimension, i) => i === at ? all : dimension)
  return one(graph, "Concat", values, { type: values[0]!.type, shape }, { attributes: { axis: at } })
}

/** `x` cut along `axis` into parts of the given dimensions; `sizes` gives them at run time where one is a name. */
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

/** The rows of a `[rows, ...]` table at `indices`. */
export const gather = (graph: GraphType, table: Value, indices: Value): Value =>
  one(graph, "Gather", [table, indices], { type: table.type, shape: [...indices.shape, ...table.shape.slice(1)] }, {
    attributes: { axis: 0 }
  })

/** From each row of `[..., columns]` the entries at `[..., k]` indices. */
export const gatherElements = (graph: GraphType, x: Value, indices: Value): Value =>
  one(graph, "GatherElements", [x, indices], { type: x.type, shape: indices.shape }, {
    attributes: { axis: x.shape.length - 1 }
  })

/** `base`, with `updates` added at the given columns of each row: the adjoint of `gatherElements`. */
export const scatterAdd = (graph: GraphType, base: Value, indices: Value, updates: Value): Value =>
  one(graph, "ScatterElements", [base, indices, updates], base, {
    attributes: { axis: base.shape.length - 1, reduction: "add" }
  })

/** `base`, with `updates` added at the rows that `indices` of any shape name: the adjoint of `gather`. */
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

/** Zeros with the type, and at run time the size, of `x`. */
export const zerosLike = (graph: GraphType, x: Value): Value => mul(graph, x, Graph.scalar(graph, 0, x.type))

/** `x`, repeated to a shape; `sizes` gives it at run time. */
export const expand = (graph: GraphType, x: Value, shape: Shape, sizes: Value): Value =>
  one(graph, "Expand", [x, sizes], { type: x.type, shape })

/**
 * RMSNorm over the last axis, `x / sqrt(mean(x^2) + epsilon) * scale` (Zhang and Sennrich 2019): ONNX Runtime's
 * `SimplifiedLayerNormalization`.
 */
export const rmsNorm = (graph: GraphType, x: Value, scale: Value, epsilon: number): Value => {
  if (graph.portable) {
    // The second output, which the gradient needs, is wrong on WebGPU in onnxruntime 1.30.
    const square = add(graph, reduceMean(graph, mul(graph, x, x), [-1]), Graph.scalar(graph, epsilon, x.type))
    return mul(graph, div(graph, x, sqrt(graph, square)), scale)
  }
  return Graph.node(
    graph,
    "SimplifiedLayerNormalization",
    [x, scale],
    [x, { type: x.type, shape: [...x.shape.slice(0, -1), 1] }],
    { attributes: { axis: -1, epsilon: { float: epsilon }, stash_type: 1 } }
  )[0]!
}

/**
 * LayerNorm over the last axis (Ba et al. 2016), `(x - mean) / sqrt(variance + epsilon) * scale + bias`. It has no
 * gradient rule: only encoders, which are not trained here, use it.
 */
export const layerNorm = (graph: GraphType, x: Value, scale: Value, bias: Value, epsilon: number): Value =>
  one(graph, "LayerNormalization", [x, scale, bias], x, { attributes: { axis: -1, epsilon: { float: epsilon } } })

/**
 * Rotary position embedding of `x` `[rows, tokens, heads * size]` at `positions` `[rows, tokens]`, in halves as Hugging
 * Face models have it: `RotaryEmbedding` of com.microsoft. `cos` and `sin` are `[positions, turned / 2]`; the first
 * `turned` numbers of each head are turned, all of them when it is left out.
 */
export const rotary = (
  graph: GraphType,
  x: Value,
  positions: Value,
  cos: Value,
  sin: Value,
  heads: number,
  turned = 0
): Value =>
  one(graph, "RotaryEmbedding", [x, positions, cos, sin], x, {
    domain: microsoft,
    attributes: { interleaved: 0, num_heads: heads, rotary_embedding_dim: turned }
  })

/**
 * The entropy `[rows, 1]` in nats of the distribution that a softmax makes of `logits` `[rows, columns]`.
 */
export const entropy = (graph: GraphType, logits: Value): Value => {
  const logp = logSoftmax(graph, logits)
  return neg(graph, reduceSum(graph, mul(graph, exp(graph, logp), logp), [-1]))
}

/**
 * The log-probability `[rows, 1]` that a softmax over `logits` `[rows, columns]` gives one target column of each row.
 * Probabilities below 1e-37 count as 1e-37, so that the log stays finite.
 */
export const targetLogProbability = (graph: GraphType, logits: Value, targets: Value): Value =>
  Graph.composite(graph, "TargetLogProbability", [logits, targets], () => {
    const probabilities = softmax(graph, logits)
    const floor = Graph.scalar(graph, 1e-37, logits.type)
    return [log(graph, max(graph, gatherElements(graph, probabilities, targets), floor)), probabilities]
  })[0]!

/**
 * One block of keys and values `[..., tokens, size]` with the queries `[..., rows, size]` in the shape in which the
 * block sees them. `mask` is added to the scores, in the frame's shape: 0 for what is visible, very negative for what
 * is not.
 */
export interface AttentionBlock {
  readonly query: Value
  readonly keys: Value
  readonly values: Value
  readonly mask: Value
}

/**
 * The shape in which all blocks agree on the rows of queries, such as `[batch, heads, rows]`; `sizes` gives a shape at
 * run time.
 */
export interface AttentionFrame {
  readonly shape: Shape
  readonly sizes: (shape: Shape) => Value
}

/**
 * Softmax attention over several blocks at once, `softmax(q k' scale + mask) v`, with the softmax over all blocks
 * together. A prompt's keys serve the queries of all its completions, a completion's keys only its own: two blocks.
 * Gives `[...frame, size]`.
 *
 * With `recompute` the weights, one number for each query and key, are computed again for the gradient and not held for
 * it.
 */
export const attention = (
  graph: GraphType,
  blocks: ReadonlyArray<AttentionBlock>,
  frame: AttentionFrame,
  scale: number,
  options: { readonly recompute?: boolean | undefined } = {}
): Value => {
  const framed = (x: Value): Value => {
    const shape = [...frame.shape, x.shape.at(-1)!]
    return reshape(graph, x, shape, frame.sizes(shape))
  }
  const build = (inputs: ReadonlyArray<Value>): ReadonlyArray<Value> => {
    const parts = blocks.map(({ mask }, i) => ({
      query: inputs[3 * i]!,
      keys: inputs[3 * i + 1]!,
      values: inputs[3 * i + 2]!,
      mask
    }))
    const scores = parts.map(({ keys, query }) => matMul(graph, query, keys, { transB: true, alpha: scale }))
    const masked = scores.map((block, i) => add(graph, framed(block), parts[i]!.mask))
    const joint = softmax(graph, masked.length === 1 ? masked[0]! : concat(graph, masked, -1))
    const lasts = parts.map(({ keys }) => keys.shape.at(-2)!)
    const weights = masked.length === 1
      ? [joint]
      : split(graph, joint, -1, lasts, concat(graph, lasts.map((last) => frame.sizes([last])), 0))
    const flat = weights.map((block, i) => reshape(graph, block, scores[i]!.shape, shapeOf(graph, scores[i]!)))
    const results = parts.map(({ values }, i) => framed(matMul(graph, flat[i]!, values)))
    return [results.reduce((sum, result) => add(graph, sum, result)), ...weights, ...flat]
  }
  const inputs = blocks.flatMap(({ keys, query, values }) => [query, keys, values])
  return Graph.composite(graph, "Attention", inputs, build, { attributes: { scale: { float: scale } }, ...options })[0]!
}

/**
 * What `build` makes of `inputs`, computed again for the gradient: of all that lies between, nothing is held from the
 * forward pass to the backward (gradient checkpointing; Chen et al. 2016). A gradient flows to the inputs and to
 * nothing else that `build` reads.
 */
export const checkpoint = (
  graph: GraphType,
  inputs: ReadonlyArray<Value>,
  build: (inputs: ReadonlyArray<Value>) => ReadonlyArray<Value>
): ReadonlyArray<Value> => Graph.composite(graph, "Checkpoint", inputs, build, { recompute: true })
