// What Autodiff.test.ts differentiates: small graphs, so that every rule meets every shape that it may meet.
import { Graph, Op } from "@memory-r1/backend-onnx"
import * as Engine from "./engine.ts"

type Size = number | readonly [name: string, size: number]

/** An input of a case. A gradient is wanted for it unless it is whole numbers or `fixed`. */
export interface Input {
  readonly declared: ReadonlyArray<Graph.Dimension>
  readonly numbers: Engine.Numbers
  readonly type: "float" | "int64"
  readonly fixed: boolean
}

type Values<K extends string> = Readonly<Record<K, Graph.Value>>

export interface Case {
  readonly name: string
  /** float32 where ONNX Runtime has no kernel in float64. */
  readonly type: "float32" | "float64"
  /** With the operators that GPUs have kernels for. */
  readonly portable: boolean
  readonly inputs: Readonly<Record<string, Input>>
  readonly build: (graph: Graph.Graph, values: Values<string>) => Graph.Value
  /** The step of the finite difference and what its result may differ by, relative to the larger of it and 1. */
  readonly step: number
  readonly tolerance: number
}

let seeds = 0

/** Normal numbers; `of` changes them, for operators that are not defined everywhere. */
export const input = (
  sizes: ReadonlyArray<Size>,
  { fixed = false, of = (x) => x }: {
    readonly of?: ((x: number) => number) | undefined
    readonly fixed?: boolean | undefined
  } = {}
): Input => {
  const numbers = Engine.noise(seeds++, sizes.map((size) => typeof size === "number" ? size : size[1]))
  return {
    declared: sizes.map((size) => typeof size === "number" ? size : size[0]),
    numbers: { ...numbers, data: numbers.data.map(of) },
    type: "float",
    fixed
  }
}

export const indices = (sizes: ReadonlyArray<Size>, data: ReadonlyArray<number>): Input => ({
  ...input(sizes),
  numbers: { shape: sizes.map((size) => typeof size === "number" ? size : size[1]), data },
  type: "int64"
})

const of = <K extends string>(
  name: string,
  inputs: Readonly<Record<K, Input>>,
  build: (graph: Graph.Graph, values: Values<K>) => Graph.Value,
  rest: Partial<Pick<Case, "type" | "portable" | "step" | "tolerance">> = {}
): Case => ({ name, inputs, build, type: "float64", portable: false, step: 1e-5, tolerance: 1e-8, ...rest })

const N = ["N", 2] as const
const M = ["M", 3] as const
const away = (x: number): number => x + 2 * Math.sign(x)
const positive = (x: number): number => Math.abs(x) + 0.5

const broadcasts: ReadonlyArray<readonly [string, ReadonlyArray<Size>, ReadonlyArray<Size>]> = [
  ["alike", [2, 3], [2, 3]],
  ["a scalar on the left", [], [2, 3]],
  ["a scalar on the right", [2, 3], []],
  ["a row on the left", [3], [2, 3]],
  ["a row on the right", [2, 3], [3]],
  ["a column on the right", [2, 3], [2, 1]],
  ["a column with a row", [2, 1], [1, 3]],
  ["ranks 4 and 2", [2, 1, 2, 1], [2, 3]],
  ["ranks 1 and 3", [1], [2, 1, 3]],
  ["names", [N, 1, M], [M]],
  ["names, on both sides", [N, 1], [N, M]]
]
const elementwise = (["add", "sub", "mul", "div", "min", "max"] as const).flatMap((op) =>
  broadcasts.map(([title, x, y]) =>
    of(
      `${op}: ${title}`,
      { x: input(x), y: input(y, op === "div" ? { of: away } : {}) },
      (graph, { x, y }) => Op[op](graph, x, y)
    )
  )
)

const unary = (["neg", "exp", "log", "sqrt", "sigmoid", "tanh", "softmax", "logSoftmax"] as const).flatMap((op) =>
  [[3, 2], [N, 2, M]].map((sizes) =>
    of(
      `${op} of rank ${sizes.length}`,
      { x: input(sizes, op === "log" || op === "sqrt" ? { of: positive } : {}) },
      (graph, { x }) => Op[op](graph, x)
    )
  )
)

const flipped = (
  sizes: ReadonlyArray<Size>
): ReadonlyArray<Size> => [...sizes.slice(0, -2), sizes.at(-1)!, sizes.at(-2)!]
const products: ReadonlyArray<readonly [string, ReadonlyArray<Size>, ReadonlyArray<Size>]> = [
  ["matrices", [2, 3], [3, 4]],
  ["one column", [2, 3], [3, 1]],
  ["one row", [1, 3], [3, 2]],
  ["a batch each", [2, 2, 3], [2, 3, 2]],
  ["two batch axes, with names", [N, 2, M, 2], [N, 2, 2, 3]],
  ["a batch on the left", [2, 2, 3], [3, 2]],
  ["a batch on the right", [2, 3], [2, 3, 2]],
  ["batches that broadcast", [2, 1, 2, 3], [3, 3, 2]],
  ["a batch of one", [1, 2, 3], [2, 3, 2]]
]
const matMuls = products.flatMap(([title, a, b]) =>
  [
    {},
    { transA: true },
    { transB: true },
    { transA: true, transB: true },
    { alpha: -0.5 },
    { transA: true, alpha: 2 },
    { transB: true, alpha: 0.3 }
  ].flatMap((
    options: {
      readonly transA?: boolean | undefined
      readonly transB?: boolean | undefined
      readonly alpha?: number | undefined
    }
  ) =>
    [false, true].map((portable) =>
      of(
        `matMul ${JSON.stringify(options)}${portable ? ", portable" : ""}: ${title}`,
        { a: input(options.transA === true ? flipped(a) : a), b: input(options.transB === true ? flipped(b) : b) },
        (graph, { a, b }) => Op.matMul(graph, a, b, options),
        { portable }
      )
    )
  )
)

const reductions = (["reduceSum", "reduceMean"] as const).flatMap((op) =>
  [[0], [-1], [1, -1], [0, 1, 2]].flatMap((axes) =>
    [[2, 3, 2], [N, 3, M]].map((sizes) =>
      of(
        `${op} over ${axes.join(" and ")}, ${sizes[0] === 2 ? "sizes" : "names"}`,
        { x: input(sizes) },
        (graph, { x }) => Op[op](graph, x, axes)
      )
    )
  )
)

const shapes = [
  of("reshape", { x: input([2, 6]) }, (graph, { x }) => Op.reshape(graph, x, [3, 4])),
  of("reshape to a scalar's shape", { x: input([1, 1]) }, (graph, { x }) => Op.reshape(graph, x, [])),
  of("reshape that keeps a name", { x: input([N, 6]) }, (graph, { x }) => Op.reshape(graph, x, ["N", 3, 2])),
  of(
    "reshape to sizes at run time",
    { x: input([N, M, 2]), like: input([["NM", 6], 2], { fixed: true }) },
    (graph, { like, x }) => Op.reshape(graph, x, like.shape, Op.shapeOf(graph, like))
  ),
  of("transpose", { x: input([2, 3, 4]) }, (graph, { x }) => Op.transpose(graph, x, [2, 0, 1])),
  of("transpose of names", { x: input([N, 2, M, 2]) }, (graph, { x }) => Op.transpose(graph, x, [0, 2, 1, 3])),
  of(
    "expand",
    { x: input([2, 1]), like: input([3, 2, 4], { fixed: true }) },
    (graph, { like, x }) => Op.expand(graph, x, like.shape, Op.shapeOf(graph, like))
  ),
  of(
    "expand to names",
    { x: input([1, M]), like: input([N, M], { fixed: true }) },
    (graph, { like, x }) => Op.expand(graph, x, like.shape, Op.shapeOf(graph, like))
  ),
  of("identity", { x: input([2, 2]) }, (graph, { x }) => Graph.node(graph, "Identity", [x], [x])[0]!)
]

const parts = [
  of(
    "concat along the last axis",
    { x: input([2, 1]), y: input([2, 3]) },
    (graph, { x, y }) => Op.concat(graph, [x, y], -1)
  ),
  of(
    "concat along the first axis, with names",
    { x: input([N, 2]), y: input([M, 2]) },
    (graph, { x, y }) => Op.concat(graph, [x, y], 0)
  ),
  of(
    "concat of a value with itself",
    { x: input([2, 2]) },
    (graph, { x }) => Op.concat(graph, [x, x, Op.neg(graph, x)], 1)
  ),
  of("split, all parts used", { x: input([2, 6]) }, (graph, { x }) => {
    const [a, b, c] = Op.split(graph, x, 1, [1, 2, 3])
    return Op.concat(graph, [Op.mul(graph, c!, c!), Op.exp(graph, a!), b!], 1)
  }),
  of(
    "split, one part used",
    { x: input([4, 2]) },
    (graph, { x }) => Op.exp(graph, Op.split(graph, x, 0, [1, 2, 1])[1]!)
  ),
  of("split, a part used twice", { x: input([2, 4]) }, (graph, { x }) => {
    const [a, b] = Op.split(graph, x, -1, [2, 2])
    return Op.add(graph, Op.mul(graph, a!, b!), a!)
  }),
  of("split at sizes at run time", {
    x: input([2, ["N+M", 5]]),
    a: input([N], { fixed: true }),
    b: input([M], { fixed: true })
  }, (graph, { a, b, x }) => {
    const sizes = Op.concat(graph, [Op.shapeOf(graph, a), Op.shapeOf(graph, b)], 0)
    const [left, right] = Op.split(graph, x, 1, ["N", "M"], sizes)
    return Op.concat(graph, [Op.exp(graph, right!), left!], 1)
  })
]

const lookups = [
  of(
    "gather, rows taken twice",
    { x: input([4, 2]), at: indices([3], [2, 0, 2]) },
    (graph, { at, x }) => Op.gather(graph, x, at)
  ),
  of(
    "gather by a matrix, with names",
    { x: input([4, 3]), at: indices([N, M], [1, 1, 3, 0, 1, 2]) },
    (graph, { at, x }) => Op.gather(graph, x, at)
  ),
  of(
    "gather from a list",
    { x: input([4]), at: indices([2, 1], [3, 3]) },
    (graph, { at, x }) => Op.gather(graph, x, at)
  ),
  of(
    "gatherElements",
    { x: input([2, 3]), at: indices([2, 1], [2, 0]) },
    (graph, { at, x }) => Op.gatherElements(graph, x, at)
  ),
  of(
    "gatherElements, several and repeated",
    { x: input([N, 3]), at: indices([N, 4], [0, 2, 2, 1, 1, 1, 1, 0]) },
    (graph, { at, x }) => Op.gatherElements(graph, x, at)
  ),
  of(
    "targetLogprob",
    { logits: input([N, 4]), at: indices([N, 1], [3, 1]) },
    (graph, { at, logits }) => Op.targetLogprob(graph, logits, at)
  )
]

// A step that balances what rounding and what curvature do to the difference. (operators.json is closer.)
const inSingle = { type: "float32", step: 0.01, tolerance: 5e-4 } as const
const norms = [
  of(
    "rmsNorm",
    { x: input([2, 4]), scale: input([4]) },
    (graph, { scale, x }) => Op.rmsNorm(graph, x, scale, 1e-5),
    inSingle
  ),
  of(
    "rmsNorm of rank 3, a large epsilon",
    { x: input([N, M, 2]), scale: input([2]) },
    (graph, { scale, x }) => Op.rmsNorm(graph, x, scale, 0.3),
    inSingle
  ),
  of(
    "rmsNorm, portable",
    { x: input([N, M, 4]), scale: input([4]) },
    (graph, { scale, x }) => Op.rmsNorm(graph, x, scale, 1e-3),
    { portable: true }
  ),
  // Linear, so that a large step loses nothing.
  of(
    "rotary",
    {
      x: input([2, 3, 8]),
      positions: indices([2, 3], [0, 1, 2, 4, 3, 1]),
      cos: input([5, 2], { fixed: true }),
      sin: input([5, 2], { fixed: true })
    },
    (graph, { cos, positions, sin, x }) => Op.rotary(graph, x, positions, cos, sin, 2),
    { ...inSingle, step: 0.5, tolerance: 1e-5 }
  ),
  of(
    "rotary of a part of each head",
    {
      x: input([2, 3, 12]),
      positions: indices([2, 3], [0, 1, 2, 4, 3, 1]),
      cos: input([5, 2], { fixed: true }),
      sin: input([5, 2], { fixed: true })
    },
    (graph, { cos, positions, sin, x }) => Op.rotary(graph, x, positions, cos, sin, 2, 4),
    { ...inSingle, step: 0.5, tolerance: 1e-5 }
  ),
  of("silu", { x: input([2, 4]) }, (graph, { x }) => Op.silu(graph, x), inSingle),
  of("erf", { x: input([2, 4]) }, (graph, { x }) => Op.erf(graph, x), inSingle),
  of("gelu", { x: input([2, 4]) }, (graph, { x }) => Op.gelu(graph, x), inSingle),
  of(
    "gelu by a hyperbolic tangent",
    { x: input([2, 4]) },
    (graph, { x }) => Op.gelu(graph, x, { approximate: true }),
    inSingle
  )
]

const fixedFrame = (graph: Graph.Graph, shape: ReadonlyArray<number>): Op.AttentionFrame => ({
  shape,
  sizes: (sizes) => Graph.integers(graph, sizes.map(Number))
})
// What a causal mask does, without its size: masked scores of -1e9 are only noise to a finite difference.
const mask = (sizes: ReadonlyArray<Size>): Input => input(sizes, { fixed: true })

const attentions = [
  of("attention over one block", {
    query: input([2, 3, 2]),
    keys: input([2, 4, 2]),
    values: input([2, 4, 2]),
    mask: mask([3, 4])
  }, (graph, block) => Op.attention(graph, [{ ...block }], fixedFrame(graph, [2, 3]), 0.7)),
  of("attention over two blocks, whose queries are one value", {
    query: input([2, 3, 2]),
    keys: input([2, 4, 2]),
    values: input([2, 4, 2]),
    mask: mask([2, 1, 4]),
    ownKeys: input([2, 3, 2, 2]),
    ownValues: input([2, 3, 2, 2]),
    ownMask: mask([3, 2])
  }, (graph, { keys, mask, ownKeys, ownMask, ownValues, query, values }) =>
    Op.attention(
      graph,
      [
        { query, keys, values, mask },
        { query: Op.reshape(graph, query, [2, 3, 1, 2]), keys: ownKeys, values: ownValues, mask: ownMask }
      ],
      fixedFrame(graph, [2, 3]),
      0.7
    )),
  of("attention whose weights are computed again", {
    query: input([2, 3, 2]),
    keys: input([2, 4, 2]),
    values: input([2, 4, 2]),
    mask: mask([3, 4])
  }, (graph, block) => Op.attention(graph, [{ ...block }], fixedFrame(graph, [2, 3]), 0.7, { recompute: true })),
  of(
    "attention of a value to itself",
    { x: input([1, 3, 2]), mask: mask([3, 3]) },
    (graph, { mask, x }) => Op.attention(graph, [{ query: x, keys: x, values: x, mask }], fixedFrame(graph, [1, 3]), 1)
  )
]

const reuse = [
  of("a value that is used five times", { x: input([2, 2]) }, (graph, { x }) => {
    const y = Op.mul(graph, x, x)
    const turned = Op.matMul(graph, y, x, { transA: true })
    return Op.add(graph, Op.matMul(graph, x, y), Op.sub(graph, Op.exp(graph, x), turned))
  }),
  of("two ways from one value, that meet again", { x: input([2, 3]) }, (graph, { x }) => {
    const root = Op.tanh(graph, x)
    return Op.mul(graph, Op.softmax(graph, root), Op.logSoftmax(graph, Op.neg(graph, root)))
  }),
  of(
    "a stopped value beside a live one",
    { x: input([2, 2]), fixed: input([2, 2], { fixed: true }) },
    (graph, { fixed, x }) => Op.mul(graph, x, Op.stopGradient(graph, Op.exp(graph, fixed)))
  ),
  of("a small network", {
    x: input([3, 2]),
    w: input([4, 2]),
    b: input([4]),
    v: input([4, 2])
  }, (graph, { b, v, w, x }) => {
    const hidden = Op.tanh(graph, Op.add(graph, Op.matMul(graph, x, w, { transB: true }), b))
    return Op.logSoftmax(graph, Op.matMul(graph, hidden, v))
  })
]

const checkpoints = [
  of("a checkpoint", { x: input([2, 3]), w: input([3, 3]) }, (graph, { w, x }) => {
    const [y] = Op.checkpoint(graph, [x, w], ([x, w]) => [Op.tanh(graph, Op.matMul(graph, Op.exp(graph, x!), w!))])
    return Op.mul(graph, y!, y!)
  }),
  of(
    "a checkpoint with two results, one of them unused, behind another",
    { x: input([N, 2]), w: input([2, 2]) },
    (graph, { w, x }) => {
      const layer = (x: Graph.Value) =>
        Op.checkpoint(graph, [x, w], ([x, w]) => {
          const hidden = Op.sigmoid(graph, Op.matMul(graph, x!, w!))
          return [Op.add(graph, x!, hidden), Op.neg(graph, hidden)]
        })
      return layer(layer(x)[0]!)[0]!
    }
  ),
  of(
    "attention that is computed again, in a checkpoint",
    {
      x: input([1, 3, 2]),
      mask: mask([3, 3])
    },
    (graph, { mask, x }) =>
      Op.checkpoint(
        graph,
        [x],
        (
          [x]
        ) => [
          Op.attention(graph, [{ query: x!, keys: x!, values: x!, mask }], fixedFrame(graph, [1, 3]), 1, {
            recompute: true
          })
        ]
      )[0]!
  )
]

export const cases: ReadonlyArray<Case> = [
  ...elementwise,
  ...unary,
  ...matMuls,
  ...reductions,
  ...shapes,
  ...parts,
  ...lookups,
  ...norms,
  ...attentions,
  ...checkpoints,
  ...reuse
]
