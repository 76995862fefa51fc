// One token of each completion. Its rows are few, so a step takes about as long as reading the weights. Fed weights are
// on the left of products, which leaves them as they are (a right operand is packed first, and that takes longer than
// the product), and what lies between two products stays with its features first. Packed weights are on the right.
// Projections of the same input go as one.
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
  ropeOf,
  shaped,
  vocabulary
} from "../decoder.ts"
import * as Blocks from "../decoder.ts"
import * as Joined from "../joined.ts"
import * as Storage from "../storage.ts"

// `[rows, features]`, or `[features, rows]`.
interface Operand {
  readonly value: Value
  readonly featuresFirst: boolean
}

const rowsFirst = ({ graph }: Builder, { featuresFirst, value }: Operand): Value =>
  featuresFirst ? Op.transpose(graph, value, [1, 0]) : value

const axisOf = ({ featuresFirst }: Operand): number => featuresFirst ? 0 : -1

// `x wᵀ`, with its features where `featuresFirst` says.
const times = ({ graph }: Builder, w: Value, x: Operand, featuresFirst: boolean, alpha = 1): Operand => ({
  value: featuresFirst
    ? Op.matMul(graph, w, x.value, { transB: !x.featuresFirst, alpha })
    : Op.matMul(graph, x.value, w, { transA: x.featuresFirst, transB: true, alpha }),
  featuresFirst
})

// The product with a weight by its name, without its bias; nothing where there is none of that name.
const product = (b: Builder, name: string, x: Operand): Operand | undefined => {
  const packed = b.packed.get(`${name}.weight`)
  if (packed !== undefined) return { value: packed(rowsFirst(b, x)), featuresFirst: false }
  const declared = b.weights.get(`${name}.weight`)
  return declared === undefined ? undefined : times(b, declared.whole(x.value), x, true)
}

// With what the adapter adds to a projection.
const adapted = (b: Builder, y: Operand, x: Operand, name: string): Operand => {
  const { adapter, graph, matrices } = b
  const thin = adapter?.projections.get(name)
  if (thin === undefined) return y
  const inner = times(b, matrices.get(thin.a)!, x, y.featuresFirst)
  const more = times(b, matrices.get(thin.b)!, inner, y.featuresFirst, adapter!.scale)
  return { ...y, value: Op.add(graph, y.value, more.value) }
}

const linear = (b: Builder, x: Operand, name: string): Value => {
  const y = rowsFirst(b, adapted(b, product(b, name, x)!, x, name))
  const bias = b.weights.get(`${name}.bias`)
  return bias === undefined ? y : Op.add(b.graph, y, bias.whole(x.value))
}

// The projections of a module behind each other.
const projections = (b: Builder, x: Value, layer: number, module: keyof typeof Joined.members): Operand => {
  const { adapter, graph, weights } = b
  const operand = { value: x, featuresFirst: false }
  const names = Joined.members[module].map((member) => `model.layers.${layer}.${module}.${member}`)
  const name = Joined.nameOf(layer, module)
  const { headSize, heads, intermediateSize, keyValueHeads } = b.decoder
  const outputs = module === "mlp"
    ? [intermediateSize, intermediateSize]
    : [heads, keyValueHeads, keyValueHeads].map((n) => n * headSize)
  const isAdapted = names.some((name) => adapter?.projections.has(name))
  const whole = product(b, name, operand)
  const parts = whole === undefined
    ? names.map((name) => product(b, name, operand)!)
    : isAdapted
    ? Op.split(graph, whole.value, axisOf(whole), outputs).map((value) => ({ ...whole, value }))
    : undefined
  const joined = parts?.map((part, i) => adapted(b, part, operand, names[i]!))
  const y = joined === undefined
    ? whole!
    : { ...joined[0]!, value: Op.concat(graph, joined.map(({ value }) => value), axisOf(joined[0]!)) }
  const together = weights.get(`${name}.bias`)
  if (together !== undefined) return { ...y, value: Op.add(graph, y.value, together.whole(x)) }
  const biases = names.flatMap((name) => weights.get(`${name}.bias`) ?? [])
  if (biases.length === 0) return y
  const bias = Op.concat(graph, biases.map((bias) => bias.whole(x)), 0)
  const size = outputs.reduce((sum, output) => sum + output, 0)
  return { ...y, value: Op.add(graph, y.value, y.featuresFirst ? Op.reshape(graph, bias, [size, 1]) : bias) }
}

const mlp = (b: Builder, x: Value, layer: number): Value => {
  const { decoder: { intermediateSize, sandwich }, graph } = b
  const prefix = `model.layers.${layer}`
  const normed = norm(b, x, `${prefix}.${sandwich ? "pre_feedforward_layernorm" : "post_attention_layernorm"}`)
  const found = projections(b, normed, layer, "mlp")
  const [gate, up] = Op.split(graph, found.value, axisOf(found), [intermediateSize, intermediateSize])
  const gated = { ...found, value: Op.mul(graph, activate(b, gate!), up!) }
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
  const rows = Blocks.product(repeat, "G")
  const lengths = Op.concat(graph, [b.sizes(["T"]), b.sizes(["G"])], 0)
  const step: Array<KeysValues> = []
  let x = embed(b, inputs.tokens)
  for (let layer = 0; layer < decoder.layers; layer++) {
    const prefix = `model.layers.${layer}`
    const found = projections(b, norm(b, x, `${prefix}.input_layernorm`), layer, "self_attn")
    const byHead = found.featuresFirst
      ? Op.transpose(graph, shaped(b, found.value, all + 2 * heads, size, "N", "G"), [2, 0, 3, 1])
      : Op.transpose(graph, shaped(b, found.value, "N", "G", all + 2 * heads, size), [0, 2, 1, 3])
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
    const perHead = repeat === 1 ? mixed : shaped(b, mixed, "N", all, "G", size)
    const { featuresFirst } = found
    const joined = {
      featuresFirst,
      value: featuresFirst
        ? shaped(b, Op.transpose(graph, perHead, [1, 3, 0, 2]), all * size, Blocks.product("N", "G"))
        : shaped(b, Op.transpose(graph, perHead, [0, 2, 1, 3]), Blocks.product("N", "G"), all * size)
    }
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
  const packed = b.packed.get(Storage.headOf(b.decoder))
  if (packed !== undefined) return Op.softmax(b.graph, packed(scaled))
  const parts = vocabulary(b, scaled).map((piece) =>
    times(b, piece, { value: scaled, featuresFirst: false }, true).value
  )
  const logits = parts.length === 1 ? parts[0]! : Op.concat(b.graph, parts, 0)
  return Op.softmax(b.graph, Op.transpose(b.graph, logits, [1, 0]))
}
