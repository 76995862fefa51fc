import { assert, describe, it } from "@effect/vitest"
import { Autodiff, Graph, Op } from "@memory-r1/backend-onnx"
import { Effect } from "effect"
import { gradients } from "../../src/graph/internal/gradients.ts"
import * as Engine from "../support/engine.ts"
import { type Case, cases } from "../support/gradientCases.ts"

const build = ({ build, inputs, portable, type }: Case) => {
  const graph = Graph.make({ portable })
  const values = Object.fromEntries(
    Object.entries(inputs).map((
      [name, { declared, type: kind }]
    ) => [name, Graph.input(graph, name, kind === "int64" ? "int64" : type, declared)])
  )
  return { graph, values, y: build(graph, values) }
}

const isLive = ({ inputs }: Case, name: string): boolean => inputs[name]!.type === "float" && !inputs[name]!.fixed

// The operators that a case differentiates.
const differentiated = (one: Case): ReadonlyArray<string> => {
  const { graph, values } = build(one)
  const active = new Set(Object.keys(values).filter((name) => isLive(one, name)).map((name) => values[name]))
  return graph.nodes.flatMap((node) => {
    if (node.stopsGradient || !node.inputs.some((value) => active.has(value))) return []
    for (const value of node.outputs) active.add(value)
    return [node.op]
  })
}

const check = Effect.fnUntraced(function*(one: Case) {
  const forward = build(one)
  Graph.output(forward.graph, "y", forward.y)
  const run = yield* Engine.load(forward.graph)
  const feeds = Object.fromEntries(Object.entries(one.inputs).map(([name, { numbers }]) => [name, numbers]))
  const y = (yield* run(feeds))["y"]!
  // The loss weighs every element of y differently, so that no two of them can be taken for each other.
  const upstream = Engine.noise(1000, y.shape)
  const loss = Effect.fnUntraced(function*(name: string, data: ReadonlyArray<number>) {
    return Engine.dot((yield* run({ ...feeds, [name]: { ...feeds[name]!, data } }))["y"]!.data, upstream.data)
  })

  const backward = build(one)
  const { graph, values } = backward
  const weighted = Op.mul(graph, backward.y, Graph.input(graph, "upstream", one.type, backward.y.shape))
  const names = Object.keys(values).filter((name) => isLive(one, name))
  const axes = [...weighted.shape.keys()]
  const total = axes.length === 0 ? weighted : Op.reduceSum(graph, weighted, axes)
  Autodiff.gradient(graph, total, names.map((name) => values[name]!)).forEach((value, i) =>
    Graph.output(graph, names[i]!, value!)
  )
  const found = yield* (yield* Engine.load(graph))({ ...feeds, upstream })

  for (const name of names) {
    const { data, shape } = feeds[name]!
    assert.deepStrictEqual(found[name]!.shape, [...shape], `the shape of the gradient of ${name}`)
    for (let i = 0; i < data.length; i++) {
      const above = yield* loss(name, data.with(i, data[i]! + one.step))
      const below = yield* loss(name, data.with(i, data[i]! - one.step))
      const slope = (above - below) / (2 * one.step)
      const difference = Math.abs(found[name]!.data[i]! - slope) / Math.max(1, Math.abs(slope))
      const message = `${name}[${i}] is ${found[name]!.data[i]}, the slope is ${slope}: ${difference}`
      assert.isTrue(difference <= one.tolerance, message)
    }
  }
})

describe("gradients are the slopes of finite differences", () => {
  for (const one of cases) it.effect(one.name, () => check(one))
})

describe("Autodiff", () => {
  it("every rule of the table is covered by a case", () => {
    const covered = new Set(cases.flatMap(differentiated))
    assert.deepStrictEqual(Object.keys(gradients).filter((op) => !covered.has(op)), [])
  })

  for (const op of ["min", "max"] as const) {
    it.effect(`${op} gives the whole gradient of a tie to the left`, () =>
      Effect.gen(function*() {
        const graph = Graph.make()
        const [x, y] = ["x", "y"].map((name) => Graph.input(graph, name, "float32", [2]))
        const loss = Op.reduceSum(graph, Op[op](graph, x!, y!), [0])
        Autodiff.gradient(graph, loss, [x!, y!]).forEach((value, i) => Graph.output(graph, `d${i}`, value!))
        const numbers = { shape: [2], data: [1, 2] }
        const found = yield* (yield* Engine.load(graph))({ x: numbers, y: numbers })
        assert.deepStrictEqual([found["d0"]!.data, found["d1"]!.data], [[1, 1], [0, 0]])
      }))
  }

  it.effect("no gradient flows through stopGradient, and the value does", () =>
    Effect.gen(function*() {
      const graph = Graph.make()
      const x = Graph.input(graph, "x", "float32", [2])
      const loss = Op.reduceSum(graph, Op.mul(graph, x, Op.stopGradient(graph, Op.mul(graph, x, x))), [0])
      const [dx] = Autodiff.gradient(graph, loss, [x])
      Graph.output(graph, "loss", loss)
      Graph.output(graph, "dx", dx!)
      const found = yield* (yield* Engine.load(graph))({ x: { shape: [2], data: [2, 3] } })
      assert.deepStrictEqual([found["loss"]!.data, found["dx"]!.data], [[35], [4, 9]])
    }))

  it.effect("the gradient of a row that is looked up many times is the sum of all, on several threads", () =>
    Effect.gen(function*() {
      const [rows, lookUps, width] = [4, 8192, 32]
      const graph = Graph.make()
      const table = Graph.input(graph, "table", "float32", [rows, width])
      const indices = Graph.input(graph, "indices", "int64", [lookUps])
      const loss = Op.reduceSum(graph, Op.gather(graph, table, indices), [0, 1])
      Graph.output(graph, "dtable", Autodiff.gradient(graph, loss, [table])[0]!)
      const run = yield* Engine.load(graph, 4)
      const found = yield* run({
        table: { shape: [rows, width], data: new Array<number>(rows * width).fill(0) },
        indices: { shape: [lookUps], data: Array.from({ length: lookUps }, (_, i) => i % rows) }
      })
      assert.deepStrictEqual(found["dtable"]!.data, new Array<number>(rows * width).fill(lookUps / rows))
    }))

  it("a parameter that the loss does not depend on has none", () => {
    const graph = Graph.make()
    const [x, y, z] = ["x", "y", "z"].map((name) => Graph.input(graph, name, "float32", [2]))
    const loss = Op.reduceSum(graph, Op.add(graph, x!, Op.stopGradient(graph, y!)), [0])
    const found = Autodiff.gradient(graph, loss, [x!, y!, z!])
    assert.deepStrictEqual(found.map((value) => value !== undefined), [true, false, false])
  })

  it("an operator without a rule is named, with its node", () => {
    const graph = Graph.make()
    const x = Graph.input(graph, "x", "float32", [2])
    const [y] = Graph.node(graph, "Sinh", [x], [x])
    const loss = Op.reduceSum(graph, y!, [0])
    try {
      Autodiff.gradient(graph, loss, [x])
      assert.fail("it was differentiated")
    } catch (error) {
      assert.instanceOf(error, Autodiff.UnknownGradient)
      assert.deepStrictEqual([error.op, error.node], ["Sinh", y!.name])
      assert.strictEqual(error.message, `no gradient rule for operator Sinh (node ${y!.name})`)
    }
  })

  it("an operator without a rule is no matter where no gradient passes", () => {
    const graph = Graph.make()
    const [x, y] = ["x", "y"].map((name) => Graph.input(graph, name, "float32", [2]))
    const beside = Graph.node(graph, "Sinh", [y], [y!])[0]!
    const stopped = Op.stopGradient(graph, Graph.node(graph, "Sinh", [x], [x!])[0]!)
    // One that the loss does not read.
    Graph.node(graph, "Sinh", [x], [x!])
    const loss = Op.reduceSum(graph, Op.mul(graph, x!, Op.add(graph, beside, stopped)), [0])
    assert.deepStrictEqual(Autodiff.gradient(graph, loss, [x!])[0]?.shape, [2])
  })
})
