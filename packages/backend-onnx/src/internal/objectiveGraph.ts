// An objective as nodes of the training graph.
import { Objective } from "@memory-r1/core"
import * as GraphModule from "../Graph.ts"
import type { Graph, Value } from "../Graph.ts"
import * as Op from "../Op.ts"

/** Per-token inputs, all `[rows, tokens]`; `inverseCount` `[rows, 1]` is one over the tokens that a row's mask keeps. */
export interface TokenValues {
  readonly quantities: Readonly<Partial<Record<Objective.Quantity, Value>>>
  readonly mask: Value
  readonly inverseCount: Value
}

const binary = { add: Op.add, sub: Op.sub, mul: Op.mul, min: Op.min, max: Op.max } as const

/** The loss of every token. */
export const lower = (graph: Graph, expr: Objective.Expr, values: TokenValues): Value => {
  switch (expr._tag) {
    case "Constant":
      return GraphModule.scalar(graph, expr.value)
    case "Quantity": {
      const quantity = values.quantities[expr.name]
      if (quantity === undefined) throw new RangeError(`the objective reads ${expr.name}, which the graph does not have`)
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
        case "sequenceMean": {
          const sum = Op.reduceSum(graph, Op.mul(graph, of, values.mask), [-1])
          return Op.add(graph, Op.mul(graph, sum, values.inverseCount), Op.zerosLike(graph, values.mask))
        }
      }
    }
  }
}

/**
 * The weight of every token in the loss, so that the loss is the weighted sum of the tokens' losses. Counts are those of the
 * whole batch: a micro-batch uses the weights of the batch it is part of.
 */
export const tokenWeight = (aggregation: Objective.Aggregation, counts: {
  readonly sequences: number
  readonly tokens: number
  readonly tokensOfSequence: number
}): number =>
  Objective.Aggregation.$match(aggregation, {
    SequenceMean: () => counts.tokensOfSequence === 0 ? 0 : 1 / (counts.tokensOfSequence * counts.sequences),
    TokenMean: () => 1 / Math.max(counts.tokens, 1),
    ConstantLength: ({ length }) => 1 / (length * counts.sequences),
    Sum: () => 1
  })
