// One token of each completion. Its rows are few, so a step takes about as long as reading the weights: products have
// the weights on the left, which leaves them as they are (a right operand is packed first, and that takes longer than
// the product), projections of the same input go as one, and what lies between two products stays with its features
// first.
import * as GraphModule from "../../graph/Graph.ts"
import type { Value } from "../../graph/Graph.ts"
import * as Op from "../../graph/Op.ts"
import {
  activate,
  added,
  type Builder,
  embed,
  type KeysValues,
  maskOf,
  type Masks,
  norm,
  product,
  ropeOf,
  shaped,
  vocabulary,
  weight
} from "../decoder.ts"
import * as Joined from "../joined.ts"

// `[rows, in]`, or `[in, rows]`.
interface Operand {
  readonly value: Value
  readonly featuresFirst: boolean
}

// `w x'`: `[out, rows]`.
const times = ({ graph }: Builder, w: Value, x: Operand, alpha = 1): Value =>
  Op.matMul(graph, w, x.value, { transB: !x.featuresFirst, alpha })

const rowsFirst = ({ graph }: Builder, y: Value): Value => Op.transpose(graph, y, [1, 0])

// What the adapter adds to a projection `[out, rows]`.
const adapted = (b: Builder, y: Value, x: Operand, name: string): Value => {
  const { adapter, graph, matrices } = b
  const thin = adapter?.projections.get(name)
  if (thin === undefined) return y
  const inner = { value: times(b, matrices.get(thin.a)!, x), featuresFirst: true }
  return Op.add(graph, y, times(b, matrices.get(thin.b)!, inner, adapter!.scale))
}

const linear = (b: Builder, x: Operand, name: string): Value => {
  const y = rowsFirst(b, adapted(b, times(b, weight(b, `${name}.weight`, x.value), x), x, name))
  const bias = b.weights.get(`${name}.bias`)
  return bias === undefined ? y : Op.add(b.graph, y, bias.whole(x.value))
}

// The projections of a module behind each other, `[out, rows]`.
const projections = (b: Builder, x: Value, layer: number, module: keyof typeof Joined.members): Value => {
  const { adapter, graph, weights } = b
  const operand = { value: x, featuresFirst: false }
  const names = Joined.members[module].map((member) => `model.layers.${layer}.${module}.${member}`)
  const name = Joined.nameOf(layer, module)
  const { headSize, heads, intermediateSize, keyValueHeads } = b.decoder
  const outputs = module === "mlp"
    ? [intermediateSize, intermediateSize]
    : [heads, keyValueHeads, keyValueHeads].map((n) => n * headSize)
  const isAdapted = names.some((name) => adapter?.projections.has(name))
  const together = weights.get(`${name}.weight`)
  const whole = together === undefined ? undefined : times(b, together.whole(x), operand)
  const parts = whole === undefined
    ? names.map((name) => times(b, weight(b, `${name}.weight`, x), operand))
    : isAdapted
    ? Op.split(graph, whole, 0, outputs)
    : undefined
  const y = parts === undefined
    ? whole!
    : Op.concat(graph, parts.map((part, i) => adapted(b, part, operand, names[i]!)), 0)
  const bias = weights.get(`${name}.bias`)
  if (bias !== undefined) return Op.add(graph, y, bias.whole(x))
  const biases = names.flatMap((name) => weights.get(`${name}.bias`) ?? [])
  if (biases.length === 0) return y
  const size = outputs.reduce((sum, output) => sum + output, 0)
  return Op.add(graph, y, Op.reshape(graph, Op.concat(graph, biases.map((bias) => bias.whole(x)), 0), [size, 1]))
}

const mlp = (b: Builder, x: Value, layer: number): Value => {
  const { decoder: { intermediateSize, sandwich }, graph } = b
  const prefix = `model.layers.${layer}`
  const normed = norm(b, x, `${prefix}.${sandwich ? "pre_feedforward_layernorm" : "post_attention_layernorm"}`)
  const [gate, up] = Op.split(graph, projections(b, normed, layer, "mlp"), 0, [intermediateSize, intermediateSize])
  const gated = { value: Op.mul(graph, activate(b, gate!), up!), featuresFirst: true }
  return added(b, x, linear(b, gated, `${prefix}.mlp.down_proj`), `${prefix}.post_feedforward_layernorm`)
}

/**
 * One token of each completion, `[N*G]` at positions `[N, G]`, over a cache of T slots `[N, heads, T, size]` that holds
 * the prompt and, in slots of its own, every completion. `visible` `[N, 1, G, S]` says which slots, and then which of
 * the G new tokens (its own), a completion may see. Gives the hidden states and the keys and values `[N, heads, G,
 * size]` of the new tokens, which the caller writes into the cache. `wide`: each key is seen by so many queries that it
 * pays to have the keys, too, on the left.
 */
export const decodeStep = (
  b: Builder,
  cache: ReadonlyArray<KeysValues>,
  inputs: { readonly tokens: Value; readonly positions: Value; readonly visible: Masks },
  { wide }: { readonly wide: boolean }
): { readonly hidden: Value; readonly step: ReadonlyArray<KeysValues> } => {
  const { decoder, graph } = b
  const { headNorm, headSize: size, heads: all, keyValueHeads: heads } = decoder
  const repeat = all / heads
  const rows = product(repeat, "G")
  const lengths = Op.concat(graph, [b.sizes(["T"]), b.sizes(["G"])], 0)
  const step: Array<KeysValues> = []
  let x = embed(b, inputs.tokens)
  for (let layer = 0; layer < decoder.layers; layer++) {
    const prefix = `model.layers.${layer}`
    const found = projections(b, norm(b, x, `${prefix}.input_layernorm`), layer, "self_attn")
    const byHead = Op.transpose(graph, shaped(b, found, all + 2 * heads, size, "N", "G"), [2, 0, 3, 1])
    const [queries, ownKeys, newValues] = Op.split(graph, byHead, 1, [all, heads, heads])
    const turned = (y: Value, name: "q" | "k"): Value =>
      ropeOf(
        b,
        headNorm ? norm(b, y, `${prefix}.self_attn.${name}_norm`) : y,
        layer,
        inputs.positions,
        name === "q" ? all : heads
      )
    const newKeys = turned(ownKeys!, "k")
    step.push({ keys: newKeys, values: newValues! })

    // Scaled beforehand: a product with a factor is not the fast one for single rows.
    const scaled = Op.mul(graph, turned(queries!, "q"), GraphModule.scalar(graph, decoder.attentionScale))
    const query = repeat === 1 ? scaled : shaped(b, scaled, "N", heads, rows, size)
    const { keys, values } = cache[layer]!
    const scores = Op.concat(
      graph,
      [
        wide
          ? Op.transpose(graph, Op.matMul(graph, keys, query, { transB: true }), [0, 1, 3, 2])
          : Op.matMul(graph, query, keys, { transB: true }),
        Op.matMul(graph, query, newKeys, { transB: true })
      ],
      -1,
      "S"
    )
    const mask = maskOf(b, inputs.visible, layer)
    const masked = repeat === 1
      ? Op.add(graph, scores, mask)
      : shaped(b, Op.add(graph, shaped(b, scores, "N", all, "G", "S"), mask), "N", heads, rows, "S")
    const [ofCache, ofNew] = Op.split(graph, Op.softmax(graph, masked), -1, ["T", "G"], lengths)
    const mixed = Op.add(graph, Op.matMul(graph, ofCache!, values), Op.matMul(graph, ofNew!, newValues!))
    const byFeature = Op.transpose(graph, repeat === 1 ? mixed : shaped(b, mixed, "N", all, "G", size), [1, 3, 0, 2])
    const joined = { value: shaped(b, byFeature, all * size, product("N", "G")), featuresFirst: true }
    x = mlp(
      b,
      added(b, x, linear(b, joined, `${prefix}.self_attn.o_proj`), `${prefix}.post_attention_layernorm`),
      layer
    )
  }
  return { hidden: x, step }
}

/** Next-token probabilities `[rows, vocabulary]` of hidden states, at a temperature given as its inverse. */
export const probabilities = (b: Builder, hidden: Value, inverseTemperature: Value): Value => {
  // The temperature scales the hidden states, which are smaller than the logits.
  const scaled = Op.mul(b.graph, norm(b, hidden, "model.norm"), inverseTemperature)
  const parts = vocabulary(b, scaled).map((piece) => times(b, piece, { value: scaled, featuresFirst: false }))
  return Op.softmax(b.graph, rowsFirst(b, parts.length === 1 ? parts[0]! : Op.concat(b.graph, parts, 0)))
}
