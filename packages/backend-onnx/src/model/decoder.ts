// The decoder as graphs. One set of blocks serves the sampler and the learner, so that both have the same numerics.
//
// A batch is N prompts with G completions each. The prompt is one stream of tokens `[N, P]`, the completions another
// `[N, G, C]` that attends to the prompt's keys and values and to its own completion; the prompt is computed once for
// its group. The last prompt token is the first *input* of each completion, so every completion input predicts one
// completion token, and nothing of the prompt is needed above its last layer's keys and values.
//
// Dimensions by name: N prompts, P prompt tokens (padded), B prompt tokens of one block of queries, G completions, C
// completion tokens (padded), T cached positions, R positions that the rope tables reach.
import * as GraphModule from "../graph/Graph.ts"
import type { Dimension, Graph, Value } from "../graph/Graph.ts"
import * as Op from "../graph/Op.ts"
import { type Decoder, parameterShapes } from "./architecture.ts"
import { block, type Packed } from "./packed.ts"
import * as Storage from "./storage.ts"

export interface KeysValues {
  readonly keys: Value
  readonly values: Value
}

export const product = (...dimensions: ReadonlyArray<Dimension>): Dimension => {
  const factor = dimensions.reduce<number>((n, dimension) => typeof dimension === "number" ? n * dimension : n, 1)
  const names = dimensions.filter((dimension) => typeof dimension === "string")
  return names.length === 0 ? factor : [...(factor === 1 ? [] : [factor]), ...names].join("*")
}

/**
 * An adapter as graphs see it: its thin matrices, which two of them each projection has, and the factor of their
 * product.
 */
export interface AdapterPlan {
  readonly scale: number
  readonly parts: ReadonlyArray<{ readonly name: string; readonly shape: ReadonlyArray<number> }>
  readonly projections: ReadonlyMap<string, { readonly a: string; readonly b: string }>
}

/** What graphs are built for: a decoder, how its weights are stored, and the adapter that adds to them. */
export interface Plan {
  readonly decoder: Decoder
  readonly weightType: Storage.WeightType
  readonly adapter?: AdapterPlan | undefined
  /** The matrices that a step of decoding reads in fewer bits. */
  readonly packed?: ReadonlyMap<string, Packed> | undefined
  /** For a GPU. */
  readonly portable?: boolean | undefined
  /** Gradients compute each layer again, and keep only what goes from one layer to the next. */
  readonly checkpointing?: boolean | undefined
}

/**
 * What the blocks share: the graph, the decoder, its weights as graph inputs, and sizes that are known only at run
 * time.
 */
export interface Builder {
  readonly graph: Graph
  readonly decoder: Decoder
  readonly weights: ReadonlyMap<string, Storage.Declared>
  /** Products `x Wᵀ` with matrices that are constants of the graph. */
  readonly packed: ReadonlyMap<string, (x: Value) => Value>
  readonly adapter: AdapterPlan | undefined
  /** The matrices of the adapter by name. */
  readonly matrices: ReadonlyMap<string, Value>
  readonly checkpointing: boolean
  readonly sizes: (shape: ReadonlyArray<Dimension>) => Value
  readonly ropes: ReadonlyArray<{ readonly cos: Value; readonly sin: Value }>
}

/** Names of the tables of a rope. */
export const ropeNames = (rope: number) => ({ cos: `rope.${rope}.cos`, sin: `rope.${rope}.sin` })

/** A graph that takes the weights in given parts: those of the parameters, by default. */
export const builder = (
  { adapter, checkpointing = false, decoder, packed = new Map(), portable = false, weightType }: Plan,
  parts: ReadonlyArray<Storage.Named> = parameterShapes(decoder).flatMap(({ parts }) => parts)
): Builder => {
  const graph = GraphModule.make({ portable })
  const weights = new Map(
    parts.map((part) => [part.name, Storage.declare(graph, part, Storage.typeOf(part, weightType))] as const)
  )
  const matrices = new Map(
    (adapter?.parts ?? []).map(({ name, shape }) => [name, GraphModule.input(graph, name, "float32", shape)])
  )
  const ropes = decoder.ropes.map(({ inverseFrequencies }, i) => {
    const { cos, sin } = ropeNames(i)
    const shape = ["R", inverseFrequencies.length]
    return {
      cos: GraphModule.input(graph, cos, "float32", shape),
      sin: GraphModule.input(graph, sin, "float32", shape)
    }
  })
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
  const products = [...packed].map(([name, matrix]) =>
    [name, (x: Value) => Op.matMulBits(graph, x, { ...matrix, block })] as const
  )
  return { graph, decoder, weights, packed: new Map(products), adapter, matrices, checkpointing, sizes, ropes }
}

export const shaped = ({ graph, sizes }: Builder, x: Value, ...shape: ReadonlyArray<Dimension>): Value =>
  Op.reshape(graph, x, shape, sizes(shape))

export const weight = ({ weights }: Builder, name: string, dependency: Value): Value =>
  weights.get(name)!.whole(dependency)

const linear = (b: Builder, x: Value, name: string): Value => {
  const { adapter, graph, matrices } = b
  const times = (x: Value, w: Value, alpha = 1): Value => Op.matMul(graph, x, w, { transB: true, alpha })
  const y = times(x, weight(b, `${name}.weight`, x))
  const bias = b.weights.get(`${name}.bias`)
  const full = bias === undefined ? y : Op.add(graph, y, bias.whole(x))
  const thin = adapter?.projections.get(name)
  if (thin === undefined) return full
  return Op.add(graph, full, times(times(x, matrices.get(thin.a)!), matrices.get(thin.b)!, adapter!.scale))
}

export const embed = (b: Builder, tokens: Value): Value => {
  const rows = b.weights.get("model.embed_tokens.weight")!.rows(tokens)
  return b.decoder.embeddingScale === 1
    ? rows
    : Op.mul(b.graph, rows, GraphModule.scalar(b.graph, b.decoder.embeddingScale))
}

export const norm = (b: Builder, x: Value, name: string): Value => {
  const { epsilon, offset } = b.decoder.norm
  const scale = weight(b, `${name}.weight`, x)
  return Op.rmsNorm(
    b.graph,
    x,
    offset === 0 ? scale : Op.add(b.graph, scale, GraphModule.scalar(b.graph, offset)),
    epsilon
  )
}

export const activate = ({ decoder: { activation }, graph }: Builder, x: Value): Value =>
  activation === "silu" ? Op.silu(graph, x) : Op.gelu(graph, x, { approximate: activation === "geluTanh" })

/** A stream with what a block adds to it. */
export const added = (b: Builder, x: Value, y: Value, normName: string): Value =>
  Op.add(b.graph, x, b.decoder.sandwich ? norm(b, y, normName) : y)

const mlp = (b: Builder, x: Value, layer: number): Value => {
  const { decoder: { sandwich }, graph } = b
  const prefix = `model.layers.${layer}`
  const normed = norm(b, x, `${prefix}.${sandwich ? "pre_feedforward_layernorm" : "post_attention_layernorm"}`)
  const gate = activate(b, linear(b, normed, `${prefix}.mlp.gate_proj`))
  const up = linear(b, normed, `${prefix}.mlp.up_proj`)
  return added(
    b,
    x,
    linear(b, Op.mul(graph, gate, up), `${prefix}.mlp.down_proj`),
    `${prefix}.post_feedforward_layernorm`
  )
}

/**
 * Heads `[rows, tokens, heads * size]`, or `[rows, heads, tokens, size]`, turned to positions `[rows, tokens]` as a
 * layer does.
 */
export const ropeOf = (b: Builder, x: Value, layer: number, positions: Value, heads: number): Value => {
  const { headSize, layerKinds, ropes } = b.decoder
  const { rope } = layerKinds[layer]!
  const turned = 2 * ropes[rope]!.inverseFrequencies.length
  const { cos, sin } = b.ropes[rope]!
  return Op.rotary(b.graph, x, positions, cos, sin, heads, turned === headSize ? undefined : turned)
}

// `[rows * tokens, heads * size]`, each head normed where the model does so, turned to its positions `[rows, tokens]`.
const rotated = (b: Builder, x: Value, name: "q" | "k", layer: number, positions: Value): Value => {
  const { headNorm, headSize, heads: all, keyValueHeads } = b.decoder
  const heads = name === "q" ? all : keyValueHeads
  const [rows, tokens] = positions.shape
  const normed = headNorm
    ? norm(b, shaped(b, x, x.shape[0]!, heads, headSize), `model.layers.${layer}.self_attn.${name}_norm`)
    : x
  return ropeOf(b, shaped(b, normed, rows!, tokens!, heads * headSize), layer, positions, heads)
}

interface Attention {
  readonly query: Value
  readonly keys: Value
  readonly values: Value
}

// Rotated queries and keys, and values, `[rows * tokens, ...]` each as the projections give them.
const attentionInputs = (b: Builder, x: Value, layer: number, positions: Value, withQuery: boolean): Attention => {
  const prefix = `model.layers.${layer}`
  const normed = norm(b, x, `${prefix}.input_layernorm`)
  const keys = rotated(b, linear(b, normed, `${prefix}.self_attn.k_proj`), "k", layer, positions)
  return {
    query: withQuery ? rotated(b, linear(b, normed, `${prefix}.self_attn.q_proj`), "q", layer, positions) : keys,
    keys,
    values: linear(b, normed, `${prefix}.self_attn.v_proj`)
  }
}

// The rest of a layer: `mixed` values are joined over the heads, projected, and followed by the MLP.
const finishLayer = (b: Builder, x: Value, mixed: Value, layer: number): Value => {
  const prefix = `model.layers.${layer}`
  const joined = shaped(b, mixed, x.shape[0]!, b.decoder.heads * b.decoder.headSize)
  return mlp(
    b,
    added(b, x, linear(b, joined, `${prefix}.self_attn.o_proj`), `${prefix}.post_attention_layernorm`),
    layer
  )
}

/** What can be trained: the weights themselves, or an adapter's. */
export const trainable = ({ adapter, matrices, weights }: Builder): ReadonlyMap<string, Value> =>
  adapter === undefined ? new Map([...weights].map(([name, { value }]) => [name, value!])) : matrices

// What a layer makes of values; for its gradient made again where that is asked for.
const inLayer = (
  b: Builder,
  layer: number,
  inputs: ReadonlyArray<Value>,
  build: (inputs: ReadonlyArray<Value>) => ReadonlyArray<Value>
): ReadonlyArray<Value> => {
  if (!b.checkpointing) return build(inputs)
  const own = [...trainable(b)].flatMap(([name, value]) => name.includes(`model.layers.${layer}.`) ? [value] : [])
  return Op.checkpoint(b.graph, [...inputs, ...own], build)
}

/** What is added to scores: for layers that see everything before a token, and for those with a window. */
export interface Masks {
  readonly full: Value
  readonly window: Value | undefined
}

export const maskOf = ({ decoder }: Builder, { full, window }: Masks, layer: number): Value =>
  decoder.layerKinds[layer]!.window === undefined ? full : window!

/**
 * Whether the weights of attention are held for the gradient. There are as many as a prompt has tokens for each of its
 * tokens: those of prompts of more blocks are computed again.
 */
export const keepsAttention = (blocks: number): boolean => blocks <= 2

/**
 * The hidden states of the prompts, layer by layer; gives their keys and values `[N, heads, P, size]`.
 *
 * Queries go in `blocks` equal parts of B tokens, each of which sees the keys up to its own end: half the work, and no
 * more than one block's scores at a time. The mask `[B, P]` is that of the last block; those before it see its last
 * columns.
 */
export const promptStream = (
  b: Builder,
  inputs: { readonly tokens: Value; readonly positions: Value; readonly causal: Masks },
  blocks: number
): ReadonlyArray<KeysValues> => {
  const { decoder, graph } = b
  const { headSize: size, keyValueHeads: heads, layers } = decoder
  const repeat = decoder.heads / heads
  const found: Array<KeysValues> = []
  const length: Dimension = blocks === 1 ? "P" : "B"
  const parts = (x: Value, axis: number): ReadonlyArray<Value> => {
    const dimensions = new Array<Dimension>(blocks).fill(length)
    return blocks === 1 ? [x] : Op.split(graph, x, axis, dimensions, b.sizes(dimensions))
  }
  const joined = (values: ReadonlyArray<Value>, axis: number): Value =>
    values.length === 1
      ? values[0]!
      : Op.concat(graph, values, axis, values.length === blocks ? "P" : product(values.length, length))
  // Columns of each block's mask; the same for all layers of a kind.
  const columns = new Map<Value, ReadonlyArray<Value>>()
  const masks = (mask: Value): ReadonlyArray<Value> => {
    const known = columns.get(mask) ?? parts(mask, 1)
    columns.set(mask, known)
    return known
  }
  let x = embed(b, inputs.tokens)
  for (let layer = 0; layer < layers; layer++) {
    const isLast = layer === layers - 1
    const [keys, values, next] = inLayer(b, layer, [x], ([x]) => {
      const projected = attentionInputs(b, x!, layer, inputs.positions, !isLast)
      const byHead = (y: Value): Value => Op.transpose(graph, shaped(b, y, "N", "P", heads, size), [0, 2, 1, 3])
      const keys = byHead(projected.keys)
      const values = byHead(projected.values)
      if (isLast) return [keys, values]

      const query = Op.transpose(graph, shaped(b, projected.query, "N", "P", heads, repeat, size), [0, 2, 3, 1, 4])
      const [keyParts, valueParts, maskParts] = [
        parts(keys, 2),
        parts(values, 2),
        masks(maskOf(b, inputs.causal, layer))
      ]
      const mixed = parts(query, 3).map((part, i) => {
        const block = {
          query: shaped(b, part, "N", heads, product(repeat, length), size),
          keys: joined(keyParts.slice(0, i + 1), 2),
          values: joined(valueParts.slice(0, i + 1), 2),
          mask: joined(maskParts.slice(blocks - 1 - i), 1)
        }
        const frame = { shape: ["N", heads, repeat, length], sizes: b.sizes }
        return Op.attention(graph, [block], frame, decoder.attentionScale, { recompute: !keepsAttention(blocks) })
      })
      return [keys, values, finishLayer(b, x!, Op.transpose(graph, joined(mixed, 3), [0, 3, 1, 2, 4]), layer)]
    })
    found.push({ keys: keys!, values: values! })
    if (!isLast) x = next!
  }
  return found
}

/**
 * The hidden states `[N*G*C, hidden]` of completions that attend to their prompt and to themselves, and their own keys
 * and values `[N, heads, G, C, size]`. `causal` `[C, C]` is 0 for what may be seen and very negative for the rest;
 * `visible` `[N, 1, 1, 1, 1, P]` likewise for prompt tokens and padding, with a window `[N, 1, 1, 1, C, P]`. Without a
 * prefix there is no prompt.
 */
export const completionStream = (
  b: Builder,
  inputs: { readonly tokens: Value; readonly positions: Value; readonly causal: Masks },
  prefix?: { readonly layers: ReadonlyArray<KeysValues>; readonly visible: Masks; readonly recompute: boolean }
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
    const shared = prefix?.layers[layer]
    const [keys, values, next] = inLayer(
      b,
      layer,
      [x, ...(shared === undefined ? [] : [shared.keys, shared.values])],
      ([x, sharedKeys, sharedValues]) => {
        const projected = attentionInputs(b, x!, layer, inputs.positions, true)
        const byHead = (y: Value): Value =>
          Op.transpose(graph, shaped(b, y, "N", "G", "C", heads, size), [0, 3, 1, 2, 4])
        const own = { keys: byHead(projected.keys), values: byHead(projected.values) }
        const query = Op.transpose(graph, shaped(b, projected.query, "N", "G", "C", heads, repeat, size), [
          0,
          3,
          1,
          4,
          2,
          5
        ])
        const mixed = Op.attention(
          graph,
          [
            ...(prefix === undefined ? [] : [{
              query: shaped(b, query, "N", heads, all, size),
              keys: sharedKeys!,
              values: sharedValues!,
              mask: maskOf(b, prefix.visible, layer)
            }]),
            { query: shaped(b, query, "N", heads, "G", each, size), ...own, mask: maskOf(b, inputs.causal, layer) }
          ],
          { shape: ["N", heads, "G", repeat, "C"], sizes: b.sizes },
          decoder.attentionScale,
          { recompute: prefix?.recompute ?? false }
        )
        return [own.keys, own.values, finishLayer(b, x!, Op.transpose(graph, mixed, [0, 2, 4, 1, 3, 5]), layer)]
      }
    )
    found.push({ keys: keys!, values: values! })
    x = next!
  }
  return { hidden: x, own: found }
}

/** The matrix that makes logits of hidden states, in the pieces that it is widened in. */
export const vocabulary = ({ decoder, weights }: Builder, dependency: Value): ReadonlyArray<Value> =>
  weights.get(Storage.headOf(decoder))!.pieces(dependency)

/** Logits `[rows, vocabulary]`. The temperature scales the hidden states, which are smaller than the logits. */
export const logits = (b: Builder, hidden: Value, inverseTemperature: Value): Value => {
  const scaled = Op.mul(b.graph, norm(b, hidden, "model.norm"), inverseTemperature)
  const parts = vocabulary(b, scaled).map((piece) => Op.matMul(b.graph, scaled, piece, { transB: true }))
  return parts.length === 1 ? parts[0]! : Op.concat(b.graph, parts, -1)
}

/** The critic's estimates `[rows, 1]`: a linear head on the hidden states. */
export const values = (b: Builder, hidden: Value, head: { readonly weight: Value; readonly bias: Value }): Value =>
  Op.add(b.graph, Op.matMul(b.graph, norm(b, hidden, "model.norm"), head.weight, { transB: true }), head.bias)
