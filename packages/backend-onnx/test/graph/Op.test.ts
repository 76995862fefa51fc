// Operators and their gradients beside PyTorch's: fixtures/operators.json, written by tools/parity/operators.py.
import { assert, describe, it } from "@effect/vitest"
import { Autodiff, Graph, Op } from "@memory-r1/backend-onnx"
import { Effect } from "effect"
import { hidden } from "../../src/model/batch.ts"
import fixture from "../fixtures/operators.json" with { type: "json" }
import * as Engine from "../support/engine.ts"

type Values = Readonly<Record<string, Graph.Value>>
type Build = (graph: Graph.Graph, values: Values) => Graph.Value

// What a token may see of its own row: itself and what is before it.
const triangle = (graph: Graph.Graph, size: number): Graph.Value => {
  const mask = Float32Array.from({ length: size * size }, (_, i) => i % size > Math.floor(i / size) ? hidden : 0)
  return Graph.constant(graph, mask, [size, size])
}

// [rows, heads, tokens, size] as the decoder has its queries: [rows, heads of keys, repeats * tokens, size].
const attention: Build = (graph, { keys, query, values }) => {
  const sizes = (shape: ReadonlyArray<Graph.Dimension>) => Graph.integers(graph, shape.map(Number))
  const rows = Op.reshape(graph, query!, [2, 2, 6, 4])
  const block = { query: rows, keys: keys!, values: values!, mask: triangle(graph, 3) }
  const mixed = Op.attention(graph, [block], { shape: [2, 2, 2, 3], sizes }, 0.5)
  return Op.reshape(graph, mixed, [2, 4, 3, 4])
}

const packedAttention: Build = (graph, { keys, own_keys, own_values, query, values }) => {
  const sizes = (shape: ReadonlyArray<Graph.Dimension>) => Graph.integers(graph, shape.map(Number))
  const visible = Graph.constant(graph, new Float32Array(4), [1, 1, 1, 1, 4])
  return Op.attention(
    graph,
    [
      { query: Op.reshape(graph, query!, [1, 2, 6, 4]), keys: keys!, values: values!, mask: visible },
      { query: query!, keys: own_keys!, values: own_values!, mask: triangle(graph, 2) }
    ],
    { shape: [1, 2, 3, 2], sizes },
    0.5
  )
}

const rotary: Build = (graph, { positions, x }) => {
  const angles = Array.from({ length: 16 }, (_, position) => [position, position / 10]).flat()
  const table = (of: (angle: number) => number) => Graph.constant(graph, Float32Array.from(angles, of), [16, 2])
  return Op.rotary(graph, x!, positions!, table(Math.cos), table(Math.sin), 2)
}

const binary = (["add", "sub", "mul", "div", "min", "max"] as const).map((
  op
): [string, Build] => [op, (graph, { x, y }) => Op[op](graph, x!, y!)])
const unary = (["neg", "exp", "log", "sqrt", "sigmoid", "tanh", "silu", "softmax", "logSoftmax"] as const)
  .map((op): [string, Build] => [op, (graph, { x }) => Op[op](graph, x!)])

const builds: Readonly<Record<string, Build>> = {
  ...Object.fromEntries([...binary, ...unary]),
  matMul: (graph, { a, b }) => Op.matMul(graph, a!, b!),
  matMulTransposed: (graph, { a, b }) => Op.matMul(graph, a!, b!, { transA: true, transB: true, alpha: 0.5 }),
  reduceMean: (graph, { x }) => Op.reduceMean(graph, x!, [0, 2]),
  embedding: (graph, { at, x }) => Op.gather(graph, x!, at!),
  targetLogprob: (graph, { logits, targets }) => Op.targetLogprob(graph, logits!, targets!),
  rmsNorm: (graph, { scale, x }) => Op.rmsNorm(graph, x!, scale!, 1e-5),
  rotary,
  attention,
  packedAttention
}

interface Fixture {
  readonly inputs: Readonly<Record<string, Engine.Numbers>>
  readonly upstream: Engine.Numbers
  readonly output: Engine.Numbers
  readonly gradients: Readonly<Record<string, Engine.Numbers>>
}
const fixtures: Readonly<Record<string, Fixture>> = fixture

const assertClose = (found: Engine.Numbers, expected: Engine.Numbers, what: string): void => {
  assert.deepStrictEqual(found.shape, expected.shape, `${what}: shape`)
  expected.data.forEach((value, i) => {
    const difference = Math.abs(found.data[i]! - value) / Math.max(1, Math.abs(value))
    assert.isTrue(difference <= 1e-5, `${what}[${i}] is ${found.data[i]}, PyTorch has ${value}`)
  })
}

describe("operators and their gradients are PyTorch's", () => {
  it("for every operator of the fixture", () => {
    assert.deepStrictEqual(Object.keys(fixtures).sort(), Object.keys(builds).sort())
  })

  for (const [name, { gradients, inputs, output, upstream }] of Object.entries(fixtures)) {
    it.effect(name, () =>
      Effect.gen(function*() {
        const graph = Graph.make()
        const values = Object.fromEntries(
          Object.entries(inputs).map((
            [key, { shape }]
          ) => [key, Graph.input(graph, key, gradients[key] === undefined ? "int64" : "float32", shape)])
        )
        const y = builds[name]!(graph, values)
        Graph.output(graph, "y", y)
        const weighted = Op.mul(graph, y, Graph.input(graph, "upstream", "float32", upstream.shape))
        const loss = Op.reduceSum(graph, weighted, [...upstream.shape.keys()])
        const wanted = Object.keys(gradients)
        Autodiff.gradient(graph, loss, wanted.map((key) => values[key]!)).forEach((value, i) =>
          Graph.output(graph, `d${wanted[i]}`, value!)
        )
        const found = yield* (yield* Engine.load(graph))({ ...inputs, upstream })
        assertClose(found["y"]!, output, "y")
        for (const key of wanted) assertClose(found[`d${key}`]!, gradients[key]!, `the gradient of ${key}`)
      }))
  }
})

describe("Op", () => {
  const graph = Graph.make()
  const value = (...shape: ReadonlyArray<Graph.Dimension>) => Graph.input(graph, `x${shape.join()}`, "float32", shape)

  it("gives shapes, with names where sizes are known at run time only", () => {
    assert.deepStrictEqual(Op.broadcast(["N", 1, 3], [2, 1]), ["N", 2, 3])
    const product = Op.matMul(graph, value("N", 3, 2), value(4, 3), { transA: true, transB: true })
    assert.deepStrictEqual(product.shape, ["N", 2, 4])
    assert.deepStrictEqual(Op.concat(graph, [value("N", 2), value(3, 2)], 0).shape, ["N+3", 2])
    const at = Graph.input(graph, "at", "int64", ["N", 3])
    assert.deepStrictEqual(Op.gather(graph, value(5, 2), at).shape, ["N", 3, 2])
    assert.deepStrictEqual(Op.reduceSum(graph, value("N", 2, 3), [-1, 0]).shape, [1, 2, 1])
    assert.deepStrictEqual(Op.reshape(graph, value("N", 6), ["N", 2, 3]).shape, ["N", 2, 3])
    assert.deepStrictEqual(Op.transpose(graph, value("N", 2, 3), [2, 0, 1]).shape, [3, "N", 2])
  })

  for (
    const [what, run, message] of [
      ["shapes that do not broadcast", () => Op.add(graph, value(2, 3), value(2)), "shapes [2, 3] and [2] do not fit"],
      ["a name beside a number", () => Op.mul(graph, value("N"), value(2)), "shapes [N] and [2] do not fit"],
      ["matrices whose inner sizes differ", () => Op.matMul(graph, value(2, 3), value(2, 3)), "3 is not 2"],
      ["two free sizes in a reshape", () => Op.reshape(graph, value(6), ["N", "M"]), "needs the sizes at run time"],
      ["a named part of a split", () => Op.split(graph, value(5), 0, ["N", 2]), "needs the sizes at run time"]
    ] as const
  ) {
    it(`refuses ${what}`, () => assert.throws(run, RangeError, message))
  }
})
