// The decoder as graphs. One set of blocks serves the sampler and the learner, so that both have the same numerics.
//
// A batch is N prompts with G completions each. The prompt is one stream of tokens `[N, P]`, the completions another
// `[N, G, C]` that attends to the prompt's keys and values and to its own completion; the prompt is computed once for its group.
// The last prompt token is the first *input* of each completion, so every completion input predicts one completion token, and
// nothing of the prompt is needed above its last layer's keys and values.
//
// Dimensions by name: N prompts, P prompt tokens (padded), G completions, C completion tokens (padded), T cached positions.
import * as GraphModule from "../Graph.ts"
import type { Dimension, Graph, Value } from "../Graph.ts"
import * as Op from "../Op.ts"
import { type Decoder, parameterShapes } from "./architecture.ts"

export interface KeysValues {
  readonly keys: Value
  readonly values: Value
}

const product = (...dimensions: ReadonlyArray<Dimension>): Dimension => {
  const factor = dimensions.reduce<number>((n, dimension) => typeof dimension === "number" ? n * dimension : n, 1)
  const names = dimensions.filter((dimension) => typeof dimension === "string")
  return names.length === 0 ? factor : [...(factor === 1 ? [] : [factor]), ...names].join("*")
}

/** What the blocks share: the graph, the decoder, its weights as graph inputs, and sizes that are known only at run time. */
export interface Builder {
  readonly graph: Graph
  readonly decoder: Decoder
  readonly weights: ReadonlyMap<string, Value>
  readonly sizes: (shape: ReadonlyArray<Dimension>) => Value
  readonly cos: Value
  readonly sin: Value
}

const ropeTables = (graph: Graph, { contextLength, headSize, ropeTheta }: Decoder): { readonly cos: Value; readonly sin: Value } => {
  const half = headSize / 2
  const cos = new Float32Array(contextLength * half)
  const sin = new Float32Array(contextLength * half)
  for (let position = 0; position < contextLength; position++) {
    for (let i = 0; i < half; i++) {
      const angle = position * ropeTheta ** (-i / half)
      cos[position * half + i] = Math.cos(angle)
      sin[position * half + i] = Math.sin(angle)
    }
  }
  const shape = [contextLength, half]
  return { cos: GraphModule.constant(graph, cos, shape), sin: GraphModule.constant(graph, sin, shape) }
}

export const builder = (decoder: Decoder): Builder => {
  const graph = GraphModule.make()
  const weights = new Map(parameterShapes(decoder).map(({ name, shape }) => [name, GraphModule.input(graph, name, "float32", shape)]))
  const named = new Map<string, Value>()
  const known = new Map<string, Value>()
  // A size that is a name is fed as a one-element tensor `size.N`; a shape is those and constants behind each other.
  const sizes = (shape: ReadonlyArray<Dimension>): Value => {
    const key = shape.join()
    const found = known.get(key)
    if (found !== undefined) return found
    const parts = shape.map((dimension) => {
      if (typeof dimension === "number") return GraphModule.integers(graph, [dimension])
      // A product of sizes is what is left over.
      if (dimension.includes("*")) return GraphModule.integers(graph, [-1])
      let size = named.get(dimension)
      if (size === undefined) named.set(dimension, size = GraphModule.input(graph, `size.${dimension}`, "int64", [1]))
      return size
    })
    const value = Op.concat(graph, parts, 0)
    known.set(key, value)
    return value
  }
  return { graph, decoder, weights, sizes, ...ropeTables(graph, decoder) }
}

const shaped = ({ graph, sizes }: Builder, x: Value, ...shape: ReadonlyArray<Dimension>): Value =>
  Op.reshape(graph, x, shape, sizes(shape))

const weight = ({ weights }: Builder, name: string): Value => weights.get(name)!

const linear = (b: Builder, x: Value, name: string): Value => {
  const y = Op.matMul(b.graph, x, weight(b, `${name}.weight`), { transB: true })
  const bias = b.weights.get(`${name}.bias`)
  return bias === undefined ? y : Op.add(b.graph, y, bias)
}

export const embed = (b: Builder, tokens: Value): Value => Op.gather(b.graph, weight(b, "model.embed_tokens.weight"), tokens)

const norm = (b: Builder, x: Value, name: string): Value => Op.rmsNorm(b.graph, x, weight(b, `${name}.weight`), b.decoder.normEpsilon)

const mlp = (b: Builder, x: Value, layer: number): Value => {
  const { graph } = b
  const prefix = `model.layers.${layer}`
  const normed = norm(b, x, `${prefix}.post_attention_layernorm`)
  const gate = Op.silu(graph, linear(b, normed, `${prefix}.mlp.gate_proj`))
  const up = linear(b, normed, `${prefix}.mlp.up_proj`)
  return Op.add(graph, x, linear(b, Op.mul(graph, gate, up), `${prefix}.mlp.down_proj`))
}

// `[rows * tokens, heads * size]`, turned to its positions `[rows, tokens]`.
const rotated = (b: Builder, x: Value, heads: number, positions: Value): Value => {
  const [rows, tokens] = positions.shape
  const wide = shaped(b, x, rows!, tokens!, heads * b.decoder.headSize)
  return Op.rotary(b.graph, wide, positions, b.cos, b.sin, heads)
}

interface Attention {
  readonly query: Value
  readonly keys: Value
  readonly values: Value
}

// Rotated queries and keys, and values, `[rows * tokens, ...]` each as the projections give them.
const attentionInputs = (b: Builder, x: Value, layer: number, positions: Value, withQuery: boolean): Attention => {
  const { heads, keyValueHeads } = b.decoder
  const prefix = `model.layers.${layer}`
  const normed = norm(b, x, `${prefix}.input_layernorm`)
  const keys = rotated(b, linear(b, normed, `${prefix}.self_attn.k_proj`), keyValueHeads, positions)
  return {
    query: withQuery ? rotated(b, linear(b, normed, `${prefix}.self_attn.q_proj`), heads, positions) : keys,
    keys,
    values: linear(b, normed, `${prefix}.self_attn.v_proj`)
  }
}

// The rest of a layer: `mixed` values are joined over the heads, projected, and followed by the MLP.
const finishLayer = (b: Builder, x: Value, mixed: Value, layer: number): Value => {
  const joined = shaped(b, mixed, x.shape[0]!, b.decoder.heads * b.decoder.headSize)
  return mlp(b, Op.add(b.graph, x, linear(b, joined, `model.layers.${layer}.self_attn.o_proj`)), layer)
}

/** The hidden states of the prompts, layer by layer; gives their keys and values `[N, heads, P, size]`. */
export const promptStream = (
  b: Builder,
  inputs: { readonly tokens: Value; readonly positions: Value; readonly causal: Value }
): ReadonlyArray<KeysValues> => {
  const { decoder, graph } = b
  const { headSize: size, keyValueHeads: heads, layers } = decoder
  const repeat = decoder.heads / heads
  const found: Array<KeysValues> = []
  let x = embed(b, inputs.tokens)
  for (let layer = 0; layer < layers; layer++) {
    const isLast = layer === layers - 1
    const projected = attentionInputs(b, x, layer, inputs.positions, !isLast)
    const byHead = (y: Value): Value => Op.transpose(graph, shaped(b, y, "N", "P", heads, size), [0, 2, 1, 3])
    const keys = byHead(projected.keys)
    const values = byHead(projected.values)
    found.push({ keys, values })
    if (isLast) break

    const query = Op.transpose(graph, shaped(b, projected.query, "N", "P", heads, repeat, size), [0, 2, 3, 1, 4])
    const rows = product(repeat, "P")
    const block = { query: shaped(b, query, "N", heads, rows, size), keys, values, mask: inputs.causal }
    const mixed = Op.attention(graph, [block], { shape: ["N", heads, repeat, "P"], sizes: b.sizes }, size ** -0.5)
    x = finishLayer(b, x, Op.transpose(graph, mixed, [0, 3, 1, 2, 4]), layer)
  }
  return found
}

/**
 * The hidden states `[N*G*C, hidden]` of completions that attend to their prompt and to themselves, and their own keys and values
 * `[N, heads, G, C, size]`. `causal` `[C, C]` is 0 for what may be seen and very negative for the rest; `visible` `[N, 1, 1, 1, 1, P]`
 * likewise for prompt tokens and padding. Without a prefix there is no prompt.
 */
export const completionStream = (
  b: Builder,
  inputs: { readonly tokens: Value; readonly positions: Value; readonly causal: Value },
  prefix?: { readonly layers: ReadonlyArray<KeysValues>; readonly visible: Value }
): { readonly hidden: Value; readonly own: ReadonlyArray<KeysValues> } => {
  const { decoder, graph } = b
  const { headSize: size, keyValueHeads: heads } = decoder
  const repeat = decoder.heads / heads
  // Rows of queries: of all completions of a prompt, which share its keys; of one completion, which has its own.
  const all = product(repeat, "G", "C")
  const each = product(repeat, "C")
  const found: Array<KeysValues> = []
  let x = embed(b, inputs.tokens)
  for (let layer = 0; layer < decoder.layers; layer++) {
    const projected = attentionInputs(b, x, layer, inputs.positions, true)
    const byHead = (y: Value): Value => Op.transpose(graph, shaped(b, y, "N", "G", "C", heads, size), [0, 3, 1, 2, 4])
    const own = { keys: byHead(projected.keys), values: byHead(projected.values) }
    found.push(own)
    const query = Op.transpose(graph, shaped(b, projected.query, "N", "G", "C", heads, repeat, size), [0, 3, 1, 4, 2, 5])
    const mixed = Op.attention(graph, [
      ...(prefix === undefined
        ? []
        : [{ query: shaped(b, query, "N", heads, all, size), ...prefix.layers[layer]!, mask: prefix.visible }]),
      { query: shaped(b, query, "N", heads, "G", each, size), ...own, mask: inputs.causal }
    ], { shape: ["N", heads, "G", repeat, "C"], sizes: b.sizes }, size ** -0.5)
    x = finishLayer(b, x, Op.transpose(graph, mixed, [0, 2, 4, 1, 3, 5]), layer)
  }
  return { hidden: x, own: found }
}

/**
 * One token of each completion, `[N*G]`, over a cache of T positions `[N, heads, T, size]` that holds the prompt and, in slots of
 * its own, every completion. `visible` `[N, 1, G, 1, T]` says which slots a completion may see. Gives the hidden states and the
 * keys and values `[N, heads, G, size]` of the new tokens, which the caller writes into the cache.
 */
export const decodeStep = (
  b: Builder,
  cache: ReadonlyArray<KeysValues>,
  inputs: { readonly tokens: Value; readonly positions: Value; readonly visible: Value }
): { readonly hidden: Value; readonly step: ReadonlyArray<KeysValues> } => {
  const { decoder, graph } = b
  const { headSize: size, keyValueHeads: heads } = decoder
  const repeat = decoder.heads / heads
  const scale = size ** -0.5
  const all = product(repeat, "G")
  const lengths = Op.concat(graph, [b.sizes(["T"]), b.sizes([1])], 0)
  const step: Array<KeysValues> = []
  let x = embed(b, inputs.tokens)
  for (let layer = 0; layer < decoder.layers; layer++) {
    const { keys, values } = cache[layer]!
    const own = attentionInputs(b, x, layer, inputs.positions, true)
    const byHead = (y: Value): Value => Op.transpose(graph, shaped(b, y, "N", "G", heads, size), [0, 2, 1, 3])
    const newKeys = byHead(own.keys)
    const newValues = byHead(own.values)
    step.push({ keys: newKeys, values: newValues })
    const query = Op.transpose(graph, shaped(b, own.query, "N", "G", heads, repeat, size), [0, 2, 1, 3, 4])

    const toCache = Op.matMul(graph, shaped(b, query, "N", heads, all, size), keys, { transB: true, alpha: scale })
    const toSelf = Op.reduceSum(graph, Op.mul(graph, query, shaped(b, newKeys, "N", heads, "G", 1, size)), [-1])
    const scores = Op.concat(graph, [
      Op.add(graph, shaped(b, toCache, "N", heads, "G", repeat, "T"), inputs.visible),
      Op.mul(graph, toSelf, GraphModule.scalar(graph, scale))
    ], -1)
    const [cacheWeights, selfWeights] = Op.split(graph, Op.softmax(graph, scores), -1, ["T", 1], lengths)
    const fromCache = Op.matMul(graph, shaped(b, cacheWeights!, "N", heads, all, "T"), values)
    const fromSelf = Op.mul(graph, selfWeights!, shaped(b, newValues, "N", heads, "G", 1, size))
    const mixed = Op.add(graph, shaped(b, fromCache, "N", heads, "G", repeat, size), fromSelf)
    x = finishLayer(b, x, Op.transpose(graph, mixed, [0, 2, 1, 3, 4]), layer)
  }
  return { hidden: x, step }
}

// Logits `[rows, vocabulary]`. The temperature scales the hidden states, which are smaller than the logits.
const logits = (b: Builder, hidden: Value, inverseTemperature: Value): Value => {
  const scaled = Op.mul(b.graph, norm(b, hidden, "model.norm"), inverseTemperature)
  return linear(b, scaled, b.decoder.tied ? "model.embed_tokens" : "lm_head")
}

/** Next-token probabilities `[rows, vocabulary]` of hidden states, at a temperature given as its inverse. */
export const probabilities = (b: Builder, hidden: Value, inverseTemperature: Value): Value =>
  Op.softmax(b.graph, logits(b, hidden, inverseTemperature))

/** The log-probability `[rows, 1]` of one target token a row. */
export const targetLogProbabilities = (b: Builder, hidden: Value, targets: Value, inverseTemperature: Value): Value =>
  Op.targetLogProbability(b.graph, logits(b, hidden, inverseTemperature), targets)
