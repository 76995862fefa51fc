// Layers of decoders and encoders.
import * as Graph from "../Graph.ts"
import type { Dimension, Graph as GraphType, Value } from "../Graph.ts"
import { add, div, exp, log, logSoftmax, max, mul, neg, reduceMean, reduceSum, softmax, sqrt } from "./elementwise.ts"
import { microsoft, one } from "./node.ts"
import { matMul } from "./product.ts"
import { concat, gatherElements, reshape, shapeOf, split } from "./shape.ts"

type Shape = ReadonlyArray<Dimension>

/**
 * RMSNorm over the last axis, `x / sqrt(mean(x^2) + epsilon) * scale` (Zhang and Sennrich 2019): ONNX Runtime's
 * `SimplifiedLayerNormalization`.
 *
 * @category combinators
 * @since 0.1.0
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
 *
 * @category combinators
 * @since 0.1.0
 */
export const layerNorm = (graph: GraphType, x: Value, scale: Value, bias: Value, epsilon: number): Value =>
  one(graph, "LayerNormalization", [x, scale, bias], x, { attributes: { axis: -1, epsilon: { float: epsilon } } })

/**
 * Rotary position embedding of `x` `[rows, tokens, heads * size]` at `positions` `[rows, tokens]`, in halves as Hugging
 * Face models have it: `RotaryEmbedding` of com.microsoft. `cos` and `sin` are `[positions, turned / 2]`; the first
 * `turned` numbers of each head are turned, all of them by default.
 *
 * @category combinators
 * @since 0.1.0
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
 *
 * @category combinators
 * @since 0.1.0
 */
export const entropy = (graph: GraphType, logits: Value): Value => {
  const logp = logSoftmax(graph, logits)
  return neg(graph, reduceSum(graph, mul(graph, exp(graph, logp), logp), [-1]))
}

/**
 * The log-probability `[rows, 1]` that a softmax over `logits` `[rows, columns]` gives one target column of each row.
 * Probabilities below 1e-37 count as 1e-37, so that the log stays finite.
 *
 * @category combinators
 * @since 0.1.0
 */
export const targetLogprob = (graph: GraphType, logits: Value, targets: Value): Value =>
  Graph.composite(graph, "TargetLogprob", [logits, targets], () => {
    const probabilities = softmax(graph, logits)
    const floor = Graph.scalar(graph, 1e-37, logits.type)
    return [log(graph, max(graph, gatherElements(graph, probabilities, targets), floor)), probabilities]
  })[0]!

/**
 * One block of keys and values `[..., tokens, size]` with the queries `[..., rows, size]` in the shape in which the
 * block sees them. `mask` is added to the scores, in the frame's shape: 0 for what is visible, very negative for what
 * is not.
 *
 * @category models
 * @since 0.1.0
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
 *
 * @category models
 * @since 0.1.0
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
 *
 * @category combinators
 * @since 0.1.0
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
 *
 * @category combinators
 * @since 0.1.0
 */
export const checkpoint = (
  graph: GraphType,
  inputs: ReadonlyArray<Value>,
  build: (inputs: ReadonlyArray<Value>) => ReadonlyArray<Value>
): ReadonlyArray<Value> => Graph.composite(graph, "Checkpoint", inputs, build, { recompute: true })
