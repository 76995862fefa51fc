// An objective as nodes of the training graph.
import { Objective } from "@memory-r1/core/rl"
import * as GraphModule from "../graph/Graph.ts"
import type { Graph, Value } from "../graph/Graph.ts"
import * as Op from "../graph/Op.ts"

/**
 * Per-token inputs, all `[rows, tokens]`; `inverseCount` `[rows, 1]` is one over the tokens that a row's mask keeps.
 */
export interface TokenValues {
  readonly quantities: Readonly<Partial<Record<Objective.Quantity, Value>>>
  readonly mask: Value
  readonly inverseCount: Value
  /** The numbers that change from step to step, by name. */
  readonly coefficients: ReadonlyMap<string, Value>
}

/** A coefficient's input. */
export const coefficientName = (name: string): string => `coefficient.${name}`

const binary = { add: Op.add, sub: Op.sub, mul: Op.mul, min: Op.min, max: Op.max, less: Op.less } as const

/** The loss of every token. */
export const lower = (graph: Graph, expr: Objective.Expr, values: TokenValues): Value => {
  switch (expr._tag) {
    case "Constant":
      return GraphModule.scalar(graph, expr.value, values.mask.type)
    case "Coefficient":
      return values.coefficients.get(expr.name)!
    case "Quantity": {
      const quantity = values.quantities[expr.name]
      if (quantity === undefined) {
        throw new RangeError(`the objective reads ${expr.name}, which the graph does not have`)
      }
      return quantity
    }
    case "Binary":
      return binary[expr.op](graph, lower(graph, expr.left, values), lower(graph, expr.right, values))
    case "Unary": {
      const of = lower(graph, expr.of, values)
      switch (expr.op) {
        case "exp":
          return Op.exp(graph, of)
        case "neg":
          return Op.neg(graph, of)
        case "stopGradient":
          return Op.stopGradient(graph, of)
        case "sequenceMean":
        case "sequenceSum": {
          const sum = Op.reduceSum(graph, Op.mul(graph, of, values.mask), [-1])
          const found = expr.op === "sequenceSum" ? sum : Op.mul(graph, sum, values.inverseCount)
          return Op.add(graph, found, Op.zerosLike(graph, values.mask))
        }
      }
    }
  }
}
