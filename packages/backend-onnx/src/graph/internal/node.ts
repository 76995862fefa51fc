// What the operators are built with.
import * as Graph from "../Graph.ts"
import type { Graph as GraphType, Value } from "../Graph.ts"

export const microsoft = "com.microsoft"

export const one = (
  graph: GraphType,
  op: string,
  inputs: ReadonlyArray<Value | undefined>,
  like: Omit<Value, "name">,
  options?: Parameters<typeof Graph.node>[4]
): Value => Graph.node(graph, op, inputs, [{ type: like.type, shape: like.shape }], options)[0]!

export const toFloat = (graph: GraphType, x: Value, type: Value["type"]): Value =>
  one(graph, "Cast", [x], { type, shape: x.shape }, {
    attributes: { to: type === "float64" ? 11 : 1 },
    stopsGradient: true
  })

export const axisOf = (axis: number, rank: number): number => axis < 0 ? axis + rank : axis
