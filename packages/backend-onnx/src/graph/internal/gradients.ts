// The gradient rule of every operator that graphs here may contain, in one table.
import type { Graph, Node, Value } from "../Graph.ts"
import * as GraphModule from "../Graph.ts"
import * as Op from "../Op.ts"

export interface Context {
  readonly graph: Graph
  readonly node: Node
  /** The gradient of each output, where it has one. */
  readonly upstream: ReadonlyArray<Value | undefined>
  /** Which inputs a gradient is wanted for; rules skip the others. */
  readonly needs: ReadonlyArray<boolean>
}

/** From the gradients of a node's outputs to those of its inputs. */
export type Rule = (context: Context) => ReadonlyArray<Value | undefined>

// Undoes broadcasting: sums over the axes along which `target` was repeated.
const sumTo = (graph: Graph, gradient: Value, target: Value): Value => {
  const extra = gradient.shape.length - target.shape.length
  const axes = gradient.shape.flatMap((dimension, i) =>
    i < extra || (target.shape[i - extra] === 1 && dimension !== 1) ? [i] : []
  )
  const summed = axes.length === 0 ? gradient : Op.reduceSum(graph, gradient, axes)
  return extra === 0 ? summed : Op.reshape(graph, summed, target.shape, Op.shapeOf(graph, target))
}

const input = (node: Node, i: number): Value => node.inputs[i]!

const binary = (
  left: (graph: Graph, dy: Value, node: Node) => Value,
  right: (graph: Graph, dy: Value, node: Node) => Value
): Rule =>
({ graph, needs, node, upstream: [dy] }) => [
  needs[0] ? sumTo(graph, left(graph, dy!, node), input(node, 0)) : undefined,
  needs[1] ? sumTo(graph, right(graph, dy!, node), input(node, 1)) : undefined
]

const unary =
  (rule: (graph: Graph, dy: Value, x: Value, y: Value, node: Node) => Value): Rule =>
  ({ graph, node, upstream: [dy] }) => [
    rule(graph, dy!, input(node, 0), node.outputs[0]!, node)
  ]

// The share of an operand of Min or Max: 1 where it is the result. At a tie that is the left one, so that the shares
// add to one.
const chosen = (operand: 0 | 1) => (graph: Graph, dy: Value, node: Node): Value => {
  const [x, y] = [input(node, 0), input(node, 1)]
  const right = node.op === "Min" ? Op.less(graph, y, x) : Op.less(graph, x, y)
  const share = operand === 1 ? right : Op.sub(graph, GraphModule.scalar(graph, 1, x.type), right)
  return Op.mul(graph, dy, share)
}

const matMul: Rule = ({ graph, needs, node, upstream }) => {
  const dy = upstream[0]!
  const [a, b] = [input(node, 0), input(node, 1)]
  const transA = node.attributes["transA"] === 1
  const transB = node.attributes["transB"] === 1
  const alpha = floatAttribute(node, "alpha", 1)
  // With op(a) op(b) = y: d op(a) = dy op(b)', d op(b) = op(a)' dy.
  const da = () =>
    transA
      ? Op.matMul(graph, b, dy, { transA: transB, transB: true, alpha })
      : Op.matMul(graph, dy, b, { transB: !transB, alpha })
  const db = () =>
    transB
      ? Op.matMul(graph, dy, a, { transA: true, transB: transA, alpha })
      : Op.matMul(graph, a, dy, { transA: !transA, alpha })
  return [needs[0] ? sumTo(graph, da(), a) : undefined, needs[1] ? sumTo(graph, db(), b) : undefined]
}

const sizesAlong = (graph: Graph, values: ReadonlyArray<Value>, axis: number): Value => {
  const dimensions = values.map((value) => value.shape[axis]!)
  if (dimensions.every((dimension) => typeof dimension === "number")) return GraphModule.integers(graph, dimensions)
  const sizes = values.map((value) => Op.gather(graph, Op.shapeOf(graph, value), GraphModule.integers(graph, [axis])))
  return Op.concat(graph, sizes, 0)
}

const floatAttribute = (node: Node, name: string, otherwise: number): number => {
  const attribute = node.attributes[name]
  return typeof attribute === "object" && "float" in attribute ? attribute.float : otherwise
}

export const gradients: Readonly<Record<string, Rule>> = {
  Add: binary((_, dy) => dy, (_, dy) => dy),
  Sub: binary((_, dy) => dy, (graph, dy) => Op.neg(graph, dy)),
  Mul: binary(
    (graph, dy, node) => Op.mul(graph, dy, input(node, 1)),
    (graph, dy, node) => Op.mul(graph, dy, input(node, 0))
  ),
  Div: binary(
    (graph, dy, node) => Op.div(graph, dy, input(node, 1)),
    (graph, dy, node) => Op.neg(graph, Op.div(graph, Op.mul(graph, dy, node.outputs[0]!), input(node, 1)))
  ),
  Min: binary(chosen(0), chosen(1)),
  Max: binary(chosen(0), chosen(1)),

  Identity: unary((_, dy) => dy),
  Neg: unary((graph, dy) => Op.neg(graph, dy)),
  Exp: unary((graph, dy, _, y) => Op.mul(graph, dy, y)),
  Log: unary((graph, dy, x) => Op.div(graph, dy, x)),
  Sqrt: unary((graph, dy, _, y) => Op.div(graph, Op.mul(graph, dy, GraphModule.scalar(graph, 0.5, y.type)), y)),
  Sigmoid: unary((graph, dy, _, y) => Op.mul(graph, dy, Op.sub(graph, y, Op.mul(graph, y, y)))),
  Tanh: unary((graph, dy, _, y) => Op.sub(graph, dy, Op.mul(graph, dy, Op.mul(graph, y, y)))),
  // y = x s with s = sigmoid(x): dy/dx = s + y (1 - s) = s + y - y s.
  QuickGelu: unary((graph, dy, x, y) => {
    const s = Op.sigmoid(graph, x)
    return Op.mul(graph, dy, Op.add(graph, s, Op.sub(graph, y, Op.mul(graph, y, s))))
  }),

  Erf: unary((graph, dy, x) => {
    const bell = Op.exp(graph, Op.neg(graph, Op.mul(graph, x, x)))
    return Op.mul(graph, dy, Op.mul(graph, bell, GraphModule.scalar(graph, 2 / Math.sqrt(Math.PI), x.type)))
  }),
  Gelu: unary((graph, dy, x, _, node) => {
    const number = (value: number) => GraphModule.scalar(graph, value, x.type)
    const squared = Op.mul(graph, x, x)
    if (node.attributes["approximate"] === "tanh") {
      // y = x (1 + t) / 2 with t = tanh(c (x + a x^3)): dy/dx = (1 + t) / 2 + x (1 - t^2) c (1 + 3 a x^2) / 2.
      const [c, a] = [Math.sqrt(2 / Math.PI), 0.044715]
      const inner = Op.mul(graph, x, Op.add(graph, number(c), Op.mul(graph, squared, number(c * a))))
      const t = Op.tanh(graph, inner)
      const slope = Op.mul(
        graph,
        Op.sub(graph, number(1), Op.mul(graph, t, t)),
        Op.add(graph, number(c / 2), Op.mul(graph, squared, number(1.5 * c * a)))
      )
      return Op.mul(
        graph,
        dy,
        Op.add(graph, Op.add(graph, number(0.5), Op.mul(graph, t, number(0.5))), Op.mul(graph, x, slope))
      )
    }
    // y = x F(x) with the normal distribution's F: dy/dx = F(x) + x F'(x).
    const density = Op.mul(
      graph,
      Op.exp(graph, Op.mul(graph, squared, number(-0.5))),
      number(1 / Math.sqrt(2 * Math.PI))
    )
    const distribution = Op.mul(
      graph,
      Op.add(graph, number(1), Op.erf(graph, Op.mul(graph, x, number(Math.SQRT1_2)))),
      number(0.5)
    )
    return Op.mul(graph, dy, Op.add(graph, distribution, Op.mul(graph, x, density)))
  }),

  // dx = y (dy - sum(dy y))
  Softmax: unary((graph, dy, _, y) => {
    const weighted = Op.mul(graph, dy, y)
    return Op.sub(graph, weighted, Op.mul(graph, y, Op.reduceSum(graph, weighted, [-1])))
  }),
  // dx = dy - exp(y) sum(dy)
  LogSoftmax: unary((graph, dy, _, y) =>
    Op.sub(graph, dy, Op.mul(graph, Op.exp(graph, y), Op.reduceSum(graph, dy, [-1])))
  ),

  MatMul: matMul,
  FusedMatMul: matMul,
  Gemm: matMul,

  ReduceSum: ({ graph, node, upstream: [dy] }) => {
    const x = input(node, 0)
    return [Op.expand(graph, dy!, x.shape, Op.shapeOf(graph, x))]
  },
  ReduceMean: ({ graph, node, upstream: [dy] }) => {
    const x = input(node, 0)
    const terms = Op.div(graph, Op.sizeOf(graph, x), Op.sizeOf(graph, node.outputs[0]!))
    return [Op.expand(graph, Op.div(graph, dy!, terms), x.shape, Op.shapeOf(graph, x))]
  },

  Reshape: ({ graph, node, upstream: [dy] }) => {
    const x = input(node, 0)
    return [Op.reshape(graph, dy!, x.shape, Op.shapeOf(graph, x))]
  },
  Transpose: ({ graph, node, upstream: [dy] }) => {
    const order = node.attributes["perm"] as ReadonlyArray<number>
    return [Op.transpose(graph, dy!, order.map((_, axis) => order.indexOf(axis)))]
  },
  Expand: ({ graph, node, upstream: [dy] }) => [sumTo(graph, dy!, input(node, 0))],
  Concat: ({ graph, node, upstream: [dy] }) => {
    const axis = node.attributes["axis"] as number
    const values = node.inputs as ReadonlyArray<Value>
    return Op.split(graph, dy!, axis, values.map((value) => value.shape[axis]!), sizesAlong(graph, values, axis))
  },
  Split: ({ graph, node, upstream }) => {
    const axis = node.attributes["axis"] as number
    const parts = upstream.map((dy, i) => dy ?? Op.zerosLike(graph, node.outputs[i]!))
    return [Op.concat(graph, parts, axis, input(node, 0).shape[axis])]
  },

  Gather: ({ graph, node, upstream: [dy] }) => {
    const [table, indices] = [input(node, 0), input(node, 1)]
    return [Op.scatterRows(graph, Op.zerosLike(graph, table), indices, dy!)]
  },
  GatherElements: ({ graph, node, upstream: [dy] }) => {
    const [x, indices] = [input(node, 0), input(node, 1)]
    return [Op.scatterAdd(graph, Op.zerosLike(graph, x), indices, dy!)]
  },

  // y = x r w with r = 1 / sqrt(mean(x^2) + epsilon), the kernel's second output:
  // dx = r (g - n mean(g n)) with n = x r and g = dy w; dw = sum(dy n).
  SimplifiedLayerNormalization: ({ graph, needs, node, upstream: [dy] }) => {
    const [x, scale] = [input(node, 0), input(node, 1)]
    const r = node.outputs[1]!
    const n = Op.mul(graph, x, r)
    const dx = () => {
      const g = Op.mul(graph, dy!, scale)
      const mean = Op.reduceMean(graph, Op.mul(graph, g, n), [-1])
      return Op.mul(graph, Op.sub(graph, g, Op.mul(graph, n, mean)), r)
    }
    return [needs[0] ? dx() : undefined, needs[1] ? sumTo(graph, Op.mul(graph, dy!, n), scale) : undefined]
  },
  // dlogits = dy (onehot - softmax)
  TargetLogprob: ({ graph, node, upstream: [dy] }) => {
    const probabilities = node.outputs[1]!
    return [Op.scatterAdd(graph, Op.mul(graph, probabilities, Op.neg(graph, dy!)), input(node, 1), dy!)]
  },
  // With weights w and y = w v: dv = w' dy, dw = dy v', and through the softmax ds = w (dw - sum(dw w)). The sum over
  // all blocks is sum(dy y) (Dao 2023, "FlashAttention-2", equation 4), which is over the size of a head and not over
  // the tokens.
  Attention: ({ graph, needs, node, upstream: [dy] }) => {
    const count = node.inputs.length / 3
    const scale = floatAttribute(node, "scale", 1)
    const y = node.outputs[0]!
    const shared = Op.reduceSum(graph, Op.mul(graph, dy!, y), [-1])
    return Array.from({ length: count }, (_, i) => {
      const [query, keys, values] = [input(node, 3 * i), input(node, 3 * i + 1), input(node, 3 * i + 2)]
      const [weights, flat] = [node.outputs[1 + i]!, node.outputs[1 + count + i]!]
      const dyBlock = Op.reshape(graph, dy!, query.shape, Op.shapeOf(graph, query))
      const dweights = Op.reshape(
        graph,
        Op.matMul(graph, dyBlock, values, { transB: true }),
        weights.shape,
        Op.shapeOf(graph, weights)
      )
      const dscores = Op.reshape(
        graph,
        Op.mul(graph, weights, Op.sub(graph, dweights, shared)),
        flat.shape,
        Op.shapeOf(graph, flat)
      )
      return [
        needs[3 * i] ? Op.matMul(graph, dscores, keys, { alpha: scale }) : undefined,
        needs[3 * i + 1] ? Op.matMul(graph, dscores, query, { transA: true, alpha: scale }) : undefined,
        needs[3 * i + 2] ? Op.matMul(graph, flat, dyBlock, { transA: true }) : undefined
      ]
    }).flat()
  },
  // A rotation: its adjoint turns the other way.
  RotaryEmbedding: ({ graph, node, upstream: [dy] }) => {
    const [, positions, cos, sin] = node.inputs as ReadonlyArray<Value>
    const { num_heads: heads, rotary_embedding_dim: turned } = node.attributes as Record<string, number>
    return [Op.rotary(graph, dy!, positions!, cos!, Op.neg(graph, sin!), heads!, turned)]
  }
}
