// The graphs that are loaded into sessions: prefill, decode, score and train.
import { Objective } from "@memory-r1/core"
import * as Autodiff from "../Autodiff.ts"
import * as GraphModule from "../Graph.ts"
import type { Graph } from "../Graph.ts"
import * as Op from "../Op.ts"
import type { Decoder } from "./architecture.ts"
import * as Blocks from "./decoder.ts"
import * as ObjectiveGraph from "./objectiveGraph.ts"

const promptInputs = ({ graph }: Blocks.Builder) => ({
  tokens: GraphModule.input(graph, "prompt.tokens", "int64", ["N*P"]),
  positions: GraphModule.input(graph, "prompt.positions", "int64", ["N", "P"]),
  causal: GraphModule.input(graph, "prompt.causal", "float32", ["P", "P"])
})

/** Names of the cached keys and values of a layer. */
export const cacheNames = (layer: number) => ({ keys: `keys.${layer}`, values: `values.${layer}` })

const outputKeysValues = (graph: Graph, layers: ReadonlyArray<Blocks.KeysValues>): void =>
  layers.forEach(({ keys, values }, layer) => {
    GraphModule.output(graph, cacheNames(layer).keys, keys)
    GraphModule.output(graph, cacheNames(layer).values, values)
  })

/** The prompts' keys and values. */
export const prefill = (decoder: Decoder): Graph => {
  const b = Blocks.builder(decoder)
  outputKeysValues(b.graph, Blocks.promptStream(b, promptInputs(b)))
  return b.graph
}

/** One decoding step: probabilities of the next token, and the new keys and values. */
export const decode = (decoder: Decoder): Graph => {
  const b = Blocks.builder(decoder)
  const { graph } = b
  const shape = ["N", decoder.keyValueHeads, "T", decoder.headSize]
  const cache = Array.from({ length: decoder.layers }, (_, layer) => ({
    keys: GraphModule.input(graph, cacheNames(layer).keys, "float32", shape),
    values: GraphModule.input(graph, cacheNames(layer).values, "float32", shape)
  }))
  const { hidden, step } = Blocks.decodeStep(b, cache, {
    tokens: GraphModule.input(graph, "tokens", "int64", ["N*G"]),
    positions: GraphModule.input(graph, "positions", "int64", ["N*G", 1]),
    visible: GraphModule.input(graph, "visible", "float32", ["N", 1, "G", 1, "T"])
  })
  const inverseTemperature = GraphModule.input(graph, "inverseTemperature", "float32", [])
  GraphModule.output(graph, "probabilities", Blocks.probabilities(b, hidden, inverseTemperature))
  outputKeysValues(graph, step)
  return graph
}

const completionInputs = ({ graph }: Blocks.Builder) => ({
  tokens: GraphModule.input(graph, "completion.tokens", "int64", ["N*G*C"]),
  positions: GraphModule.input(graph, "completion.positions", "int64", ["N*G", "C"]),
  causal: GraphModule.input(graph, "completion.causal", "float32", ["C", "C"])
})

const visibleInput = ({ graph }: Blocks.Builder) => GraphModule.input(graph, "completion.visible", "float32", ["N", 1, 1, 1, 1, "P"])

/** The keys and values of tokens that follow prompts whose own are given: what different prompts add to a beginning they share. */
export const extend = (decoder: Decoder): Graph => {
  const b = Blocks.builder(decoder)
  const shape = ["N", decoder.keyValueHeads, "P", decoder.headSize]
  const prefix = Array.from({ length: decoder.layers }, (_, layer) => ({
    keys: GraphModule.input(b.graph, `prefix.${cacheNames(layer).keys}`, "float32", shape),
    values: GraphModule.input(b.graph, `prefix.${cacheNames(layer).values}`, "float32", shape)
  }))
  outputKeysValues(b.graph, Blocks.completionStream(b, completionInputs(b), { layers: prefix, visible: visibleInput(b) }).own)
  return b.graph
}

// Prompts of a single token have nothing that would be shared: it is the first input of each completion. `prompted` is false for them.
const completionLogProbabilities = (b: Blocks.Builder, prompted: boolean) => {
  const { graph } = b
  const prefix = prompted ? { layers: Blocks.promptStream(b, promptInputs(b)), visible: visibleInput(b) } : undefined
  const { hidden } = Blocks.completionStream(b, completionInputs(b), prefix)
  const targets = GraphModule.input(graph, "targets", "int64", ["N*G*C", 1])
  const inverseTemperature = GraphModule.input(graph, "inverseTemperature", "float32", [])
  const logp = Blocks.targetLogProbabilities(b, hidden, targets, inverseTemperature)
  return Op.reshape(graph, logp, ["N*G", "C"], b.sizes(["N*G", "C"]))
}

/** The log-probabilities `[N*G, C]` of given completions. */
export const score = (decoder: Decoder, prompted: boolean): Graph => {
  const b = Blocks.builder(decoder)
  GraphModule.output(b.graph, "logp", completionLogProbabilities(b, prompted))
  return b.graph
}

/** Log-probabilities, the loss, and its gradient for every parameter, each under the parameter's name. */
export const train = (decoder: Decoder, objective: Objective.Objective, prompted: boolean): Graph => {
  const b = Blocks.builder(decoder)
  const { graph } = b
  const logp = completionLogProbabilities(b, prompted)
  const perToken = (name: string) => GraphModule.input(graph, name, "float32", ["N*G", "C"])
  const mask = perToken("mask")
  // Tokens without loss have 0 for every quantity, so that nothing overflows there: zero times infinity is no number.
  const counts = Op.less(graph, GraphModule.scalar(graph, 0), mask)
  const given = [...Objective.quantities(objective)].filter((name) => name !== "logp")
  const losses = ObjectiveGraph.lower(graph, objective.loss, {
    quantities: { logp: Op.mul(graph, logp, counts), ...Object.fromEntries(given.map((name) => [name, perToken(name)])) },
    mask,
    inverseCount: GraphModule.input(graph, "inverseCount", "float32", ["N*G", 1])
  })
  const loss = Op.reduceSum(graph, Op.mul(graph, losses, perToken("weight")), [0, 1])
  GraphModule.output(graph, "loss", loss)
  GraphModule.output(graph, "logp", logp)
  const parameters = [...b.weights]
  const gradients = Autodiff.gradient(graph, loss, parameters.map(([, value]) => value))
  // An objective that stops every gradient, or reads no logp, has none.
  parameters.forEach(([name, value], i) =>
    GraphModule.output(graph, gradientName(name), gradients[i] ?? Op.zerosLike(graph, value))
  )
  return graph
}

/** The name of a parameter's gradient among the outputs of `train`. */
export const gradientName = (parameter: string): string => `gradient.${parameter}`
