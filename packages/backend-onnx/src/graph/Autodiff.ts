/**
 * Reverse-mode differentiation as a graph-to-graph transformation: the gradient of a scalar is more nodes in the same
 * graph, and the result runs as an ordinary inference session.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import type { Graph, Node, Value } from "./Graph.ts"
import * as GraphModule from "./Graph.ts"
import { type Context, gradients } from "./internal/gradients.ts"
import * as Op from "./Op.ts"

/**
 * The graph has an operator between a parameter and the loss that no rule can differentiate.
 *
 * @category errors
 * @since 0.1.0
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
 * The gradients of a scalar `of` with respect to each of `parameters`, in their order, each with the shape of its
 * parameter. A parameter that `of` does not depend on has `undefined`.
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
 *
 * @category combinators
 * @since 0.1.0
 */
export const gradient = (
  graph: Graph,
  of: Value,
  parameters: ReadonlyArray<Value>
): ReadonlyArray<Value | undefined> => {
  const ones = GraphModule.scalar(graph, 1, of.type)
  return pullback(
    graph,
    graph.nodes,
    [[of, of.shape.length === 0 ? ones : Op.reshape(graph, ones, of.shape)]],
    parameters
  )
}

// From the gradients of some values to those of others that they were computed from, by `nodes` alone.
const pullback = (
  graph: Graph,
  nodes: ReadonlyArray<Node>,
  seeds: ReadonlyArray<readonly [Value, Value]>,
  to: ReadonlyArray<Value>
): ReadonlyArray<Value | undefined> => {
  // Values that depend on those: only their nodes are differentiated.
  const active = new Set(to)
  const path = nodes.filter((node) => {
    if (node.stopsGradient || !node.inputs.some((value) => value !== undefined && active.has(value))) return false
    for (const value of node.outputs) active.add(value)
    return true
  })

  const wanted = new Set(to)
  const found = new Map<Value, Value>()
  const accumulate = (value: Value, contribution: Value): void => {
    const known = found.get(value)
    found.set(value, known === undefined ? contribution : Op.add(graph, known, contribution))
  }
  for (const [value, seed] of seeds) accumulate(value, seed)
  // One of what is computed again waits for the one before, so that no two of them are there at a time.
  let rebuilt: ReadonlyArray<Value> = []

  for (const node of path.toReversed()) {
    const upstream = node.outputs.map((value) => found.get(value))
    if (upstream.every((value) => value === undefined)) continue
    const needs = node.inputs.map((value) => value !== undefined && active.has(value))
    const contributions = backward({ graph, node, upstream, needs }, rebuilt)
    if (node.rebuild !== undefined) rebuilt = contributions.filter((contribution) => contribution !== undefined)
    // What is asked for goes first: left for the end, as nodes are that no other one reads, it would hold all
    // activations until then.
    const asked = contributions.find((contribution, i) =>
      contribution !== undefined && needs[i] && wanted.has(node.inputs[i]!)
    )
    node.inputs.forEach((value, i) => {
      const contribution = contributions[i]
      if (value === undefined || !needs[i] || contribution === undefined) return
      accumulate(value, asked === undefined || wanted.has(value) ? contribution : waiting(graph, contribution, asked))
    })
  }
  return to.map((value) => found.get(value))
}

// Activations have sizes that are known only at run time. What has not is small, and ONNX Runtime 1.30 breaks on two
// reshapes of it in a row.
const waiting = (graph: Graph, x: Value, ...dependencies: ReadonlyArray<Value>): Value =>
  x.shape.every((dimension) => typeof dimension === "number") ? x : Op.after(graph, x, ...dependencies)

const backward = (context: Context, before: ReadonlyArray<Value>): ReadonlyArray<Value | undefined> => {
  const { graph, needs, node, upstream } = context
  const rule = gradients[node.op]
  const arrived = upstream.filter((value) => value !== undefined)
  if (node.rebuild === undefined) {
    if (rule === undefined) throw new UnknownGradient({ op: node.op, node: node.outputs[0]!.name })
    const inputs = node.inputs.map((value) =>
      value === undefined ? value : graph.transient.get(value)?.(arrived[0]!) ?? value
    )
    return rule({ ...context, node: { ...node, inputs } })
  }
  // What is computed again has to wait for all of the gradient, or it would be held as long as what it replaces.
  const awaited = [...arrived, ...before]
  const inputs = node.inputs.map((value) => graph.inputs.includes(value!) ? value! : waiting(graph, value!, ...awaited))
  const from = graph.nodes.length
  const outputs = node.rebuild(inputs)
  // The value of a composite with a rule of its own is known, and need not be computed again.
  if (rule !== undefined) {
    return rule({ ...context, node: { ...node, inputs, outputs: [node.outputs[0]!, ...outputs.slice(1)] } })
  }
  const seeds = outputs.flatMap((value, i) => upstream[i] === undefined ? [] : [[value, upstream[i]] as const])
  const wanted = inputs.filter((_, i) => needs[i])
  const pulled = pullback(graph, graph.nodes.slice(from), seeds, wanted)
  return inputs.map((value, i) => needs[i] ? pulled[wanted.indexOf(value)] : undefined)
}
