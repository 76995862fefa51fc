/**
 * Reverse-mode differentiation as a graph-to-graph transformation: the gradient of a scalar is more nodes in the same graph,
 * and the result runs as an ordinary inference session.
 */
import * as Data from "effect/Data"
import type { Graph, Value } from "./Graph.ts"
import * as GraphModule from "./Graph.ts"
import { gradients } from "./internal/gradients.ts"
import * as Op from "./Op.ts"

/**
 * The graph has an operator between a parameter and the loss that no rule can differentiate.
 */
export class UnknownGradient extends Data.TaggedError("UnknownGradient")<{
  readonly op: string
  readonly node: string
}> {
  override get message(): string {
    return `no gradient rule for operator ${this.op} (node ${this.node})`
  }
}

/**
 * The gradients of a scalar `of` with respect to each of `parameters`, in their order, each with the shape of its parameter.
 * A parameter that `of` does not depend on has `undefined`.
 *
 * Throws `UnknownGradient` where an operator has no rule.
 *
 * @example
 * ```ts
 * import { Autodiff, Graph, Op } from "@memory-r1/backend-onnx"
 *
 * const graph = Graph.make()
 * const x = Graph.input(graph, "x", "float32", [3])
 * const [dx] = Autodiff.gradient(graph, Op.reduceSum(graph, Op.mul(graph, x, x), [0]), [x])
 * dx?.shape // => [3]
 * ```
 */
export const gradient = (graph: Graph, of: Value, parameters: ReadonlyArray<Value>): ReadonlyArray<Value | undefined> => {
  // Values that depend on a parameter: only their nodes are differentiated.
  const active = new Set(parameters)
  const nodes = graph.nodes.filter((node) => {
    if (node.stopsGradient || !node.inputs.some((value) => value !== undefined && active.has(value))) return false
    for (const value of node.outputs) active.add(value)
    return true
  })

  const found = new Map<Value, Value>()
  const accumulate = (value: Value, contribution: Value): void => {
    const known = found.get(value)
    found.set(value, known === undefined ? contribution : Op.add(graph, known, contribution))
  }
  const ones = GraphModule.scalar(graph, 1, of.type)
  found.set(of, of.shape.length === 0 ? ones : Op.reshape(graph, ones, of.shape))

  for (const node of nodes.toReversed()) {
    const upstream = node.outputs.map((value) => found.get(value))
    if (upstream.every((value) => value === undefined)) continue
    const rule = gradients[node.op]
    if (rule === undefined) throw new UnknownGradient({ op: node.op, node: node.outputs[0]!.name })
    const needs = node.inputs.map((value) => value !== undefined && active.has(value))
    const contributions = rule({ graph, node, upstream, needs })
    node.inputs.forEach((value, i) => {
      const contribution = contributions[i]
      if (value !== undefined && needs[i] && contribution !== undefined) accumulate(value, contribution)
    })
  }
  return parameters.map((parameter) => found.get(parameter))
}
