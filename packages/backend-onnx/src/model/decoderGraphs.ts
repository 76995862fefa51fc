// The graphs that are loaded into sessions: prefill, decode, score and train.
import { Objective } from "@memory-r1/core/rl"
import * as Autodiff from "../graph/Autodiff.ts"
import * as GraphModule from "../graph/Graph.ts"
import type { Dimension, Graph, Value } from "../graph/Graph.ts"
import * as Op from "../graph/Op.ts"
import { parameterShapes } from "./architecture.ts"
import * as Batch from "./batch.ts"
import * as Critic from "./critic.ts"
import * as Blocks from "./decoder.ts"
import * as DecodeStep from "./internal/decodeStep.ts"
import * as Joined from "./joined.ts"
import * as ObjectiveGraph from "./objectiveGraph.ts"
import * as Packed from "./packed.ts"

// A mask of the layers that see everything, and one of those with a window where there are any.
const masks = (
  { decoder, graph }: Blocks.Builder,
  name: string,
  shape: ReadonlyArray<Dimension>,
  windowed = shape
): Blocks.Masks => ({
  full: GraphModule.input(graph, name, "float32", shape),
  window: Batch.windowOf(decoder) === undefined
    ? undefined
    : GraphModule.input(graph, `${name}Window`, "float32", windowed)
})

const promptInputs = (b: Blocks.Builder, blocks: number) => ({
  tokens: GraphModule.input(b.graph, "prompt.tokens", "int64", ["N*P"]),
  positions: GraphModule.input(b.graph, "prompt.positions", "int64", ["N", "P"]),
  causal: masks(b, "prompt.causal", [blocks === 1 ? "P" : "B", "P"])
})

/** Names of the cached keys and values of a layer. */
export const cacheNames = (layer: number) => ({ keys: `keys.${layer}`, values: `values.${layer}` })

const outputKeysValues = (graph: Graph, layers: ReadonlyArray<Blocks.KeysValues>): void =>
  layers.forEach(({ keys, values }, layer) => {
    GraphModule.output(graph, cacheNames(layer).keys, keys)
    GraphModule.output(graph, cacheNames(layer).values, values)
  })

/** The prompts' keys and values. */
export const prefill = (plan: Blocks.Plan, blocks: number): Graph => {
  const b = Blocks.builder(plan)
  outputKeysValues(b.graph, Blocks.promptStream(b, promptInputs(b, blocks), blocks))
  return b.graph
}

// Queries of each key from which on a graph of its own is faster.
const manyQueries = 6

/** Whether groups of so many completions are decoded by the graph for many queries. */
export const isWide = ({ heads, keyValueHeads }: Blocks.Plan["decoder"], group: number): boolean =>
  group * heads / keyValueHeads >= manyQueries

// What a step of decoding is fed: with packed matrices, what these do not hold, and the rows of embeddings.
const decodeParts = ({ decoder, packed, portable, weightType }: Blocks.Plan) => {
  if (packed !== undefined) {
    const held = new Set(
      Packed.matrices(decoder).flatMap(({ name, parts }) => packed.has(name) ? parts : []).map(({ name }) => name)
    )
    return parameterShapes(decoder).flatMap(({ parts }) =>
      parts.filter(({ name }) => !held.has(name) || name === "model.embed_tokens.weight")
    )
  }
  return weightType === "float32" && portable !== true ? Joined.parts(decoder).all : undefined
}

/** One decoding step: probabilities of the next token, and the new keys and values. */
export const decode = (plan: Blocks.Plan, wide: boolean): Graph => {
  const b = Blocks.builder(plan, decodeParts(plan))
  const { decoder, graph } = b
  const shape = ["N", decoder.keyValueHeads, "T", decoder.headSize]
  const cache = Array.from({ length: decoder.layers }, (_, layer) => ({
    keys: GraphModule.input(graph, cacheNames(layer).keys, "float32", shape),
    values: GraphModule.input(graph, cacheNames(layer).values, "float32", shape)
  }))
  const { hidden, step } = DecodeStep.decodeStep(b, cache, {
    tokens: GraphModule.input(graph, "tokens", "int64", ["N*G"]),
    positions: GraphModule.input(graph, "positions", "int64", ["N", "G"]),
    visible: masks(b, "visible", ["N", 1, "G", "S"])
  }, { wide })
  const inverseTemperature = GraphModule.input(graph, "inverseTemperature", "float32", [])
  GraphModule.output(graph, "probabilities", DecodeStep.probabilities(b, hidden, inverseTemperature))
  outputKeysValues(graph, step)
  return graph
}

const completionInputs = (b: Blocks.Builder) => ({
  tokens: GraphModule.input(b.graph, "completion.tokens", "int64", ["N*G*C"]),
  positions: GraphModule.input(b.graph, "completion.positions", "int64", ["N*G", "C"]),
  causal: masks(b, "completion.causal", ["C", "C"])
})

const visibleInput = (b: Blocks.Builder) =>
  masks(b, "completion.visible", ["N", 1, 1, 1, 1, "P"], ["N", 1, 1, 1, "C", "P"])

/**
 * The keys and values of tokens that follow prompts whose own are given: what different prompts add to a beginning they
 * share.
 */
export const extend = (plan: Blocks.Plan): Graph => {
  const b = Blocks.builder(plan)
  const { decoder } = b
  const shape = ["N", decoder.keyValueHeads, "P", decoder.headSize]
  const prefix = Array.from({ length: decoder.layers }, (_, layer) => ({
    keys: GraphModule.input(b.graph, `prefix.${cacheNames(layer).keys}`, "float32", shape),
    values: GraphModule.input(b.graph, `prefix.${cacheNames(layer).values}`, "float32", shape)
  }))
  outputKeysValues(
    b.graph,
    Blocks.completionStream(b, completionInputs(b), { layers: prefix, visible: visibleInput(b), recompute: false }).own
  )
  return b.graph
}

// The hidden states of completions. Prompts of a single token have nothing that would be shared: it is the first input
// of each completion. `blocks` is 0 for them.
const completionStates = (b: Blocks.Builder, blocks: number): Value => {
  const prefix = blocks === 0
    ? undefined
    : {
      layers: Blocks.promptStream(b, promptInputs(b, blocks), blocks),
      visible: visibleInput(b),
      recompute: !Blocks.keepsAttention(blocks)
    }
  return Blocks.completionStream(b, completionInputs(b), prefix).hidden
}

const perToken = (b: Blocks.Builder, x: Value): Value => Op.reshape(b.graph, x, ["N*G", "C"], b.sizes(["N*G", "C"]))

// Log-probabilities `[N*G, C]` of given tokens, and the entropies of what they were drawn from where these are wanted.
const probabilitiesOf = (b: Blocks.Builder, hidden: Value, withEntropy = false) => {
  const targets = GraphModule.input(b.graph, "targets", "int64", ["N*G*C", 1])
  const inverseTemperature = GraphModule.input(b.graph, "inverseTemperature", "float32", [])
  const logits = Blocks.logits(b, hidden, inverseTemperature)
  return {
    logp: perToken(b, Op.targetLogprob(b.graph, logits, targets)),
    entropy: withEntropy ? perToken(b, Op.entropy(b.graph, logits)) : undefined
  }
}

const valueHead = (b: Blocks.Builder) => {
  const [weight, bias] = Critic.parameters(b.decoder).map(({ name, shape }) =>
    GraphModule.input(b.graph, name, "float32", shape)
  )
  return { weight: weight!, bias: bias! }
}

/** The log-probabilities `[N*G, C]` of given completions. */
export const score = (plan: Blocks.Plan, blocks: number): Graph => {
  const b = Blocks.builder(plan)
  GraphModule.output(b.graph, "logp", probabilitiesOf(b, completionStates(b, blocks)).logp)
  return b.graph
}

/** The critic's estimates `[N*G, C]` before each token of given completions. */
export const values = (plan: Blocks.Plan, blocks: number): Graph => {
  const b = Blocks.builder(plan)
  GraphModule.output(b.graph, "value", perToken(b, Blocks.values(b, completionStates(b, blocks), valueHead(b))))
  return b.graph
}

/**
 * What an objective reads of the completions, the loss, and its gradient for every parameter that is trained: those of
 * the adapter, or all where there is none; with a critic, its head's too.
 */
export const train = (plan: Blocks.Plan, objective: Objective.Objective, blocks: number, critic: boolean): Graph => {
  const b = Blocks.builder(plan)
  const { graph } = b
  const read = Objective.quantities(objective)
  const hidden = completionStates(b, blocks)
  const head = critic ? valueHead(b) : undefined
  const { entropy, logp } = probabilitiesOf(b, hidden, read.has("entropy"))
  const value = head !== undefined && read.has("value") ? perToken(b, Blocks.values(b, hidden, head)) : undefined
  const input = (name: string) => GraphModule.input(graph, name, "float32", ["N*G", "C"])
  const mask = input("mask")
  // Tokens without loss have 0 for every quantity, so that nothing overflows there: zero times infinity is NaN.
  const counts = Op.less(graph, GraphModule.scalar(graph, 0), mask)
  const computed = Object.entries({ logp, entropy, value }).flatMap(([name, found]) =>
    found === undefined ? [] : [[name, found] as const]
  )
  const losses = ObjectiveGraph.lower(graph, objective.loss, {
    quantities: Object.fromEntries([
      ...computed.map(([name, found]) => [name, Op.mul(graph, found, counts)]),
      ...Objective.given(objective).map((name) => [name, input(name)])
    ]),
    mask,
    inverseCount: GraphModule.input(graph, "inverseCount", "float32", ["N*G", 1]),
    coefficients: new Map(
      [...Objective.coefficients(objective).keys()].map((name) =>
        [name, GraphModule.input(graph, ObjectiveGraph.coefficientName(name), "float32", [])] as const
      )
    )
  })
  const loss = Op.reduceSum(graph, Op.mul(graph, losses, input("weight")), [0, 1])
  GraphModule.output(graph, "loss", loss)
  for (const [name, found] of computed) GraphModule.output(graph, name, found)
  const parameters = [
    ...Blocks.trainable(b),
    ...(head === undefined
      ? []
      : Critic.parameters(plan.decoder).map(({ name }, i) => [name, [head.weight, head.bias][i]!] as const))
  ]
  const gradients = Autodiff.gradient(graph, loss, parameters.map(([, value]) => value))
  // An objective that stops every gradient, or reads nothing that is trained, has none.
  parameters.forEach(([name, value], i) =>
    GraphModule.output(graph, gradientName(name), gradients[i] ?? Op.zerosLike(graph, value))
  )
  return graph
}

/** The name of a parameter's gradient among the outputs of `train`. */
export const gradientName = (parameter: string): string => `gradient.${parameter}`
