import { assert, describe, it } from "@effect/vitest"
import { Graph, Model, Op } from "@memory-r1/backend-onnx"
import { Effect } from "effect"
import * as Engine from "../support/engine.ts"

const text = (graph: Graph.Graph): string => Buffer.from(Model.write(graph)).toString("latin1")

describe("Graph", () => {
  it("holds equal small constants once, of each type and shape", () => {
    const graph = Graph.make()
    assert.strictEqual(Graph.scalar(graph, 1), Graph.scalar(graph, 1))
    assert.notStrictEqual(Graph.scalar(graph, 1), Graph.scalar(graph, 1, "float64"))
    assert.notStrictEqual(Graph.scalar(graph, 1), Graph.constant(graph, Float32Array.of(1), [1]))
    assert.strictEqual(Graph.integers(graph, [2, -1]), Graph.integers(graph, [2, -1]))
    assert.lengthOf(graph.constants, 4)
  })

  it("leaves out of the model what no output needs", () => {
    const graph = Graph.make()
    const x = Graph.input(graph, "x", "float32", [2])
    Graph.output(graph, "y", Op.exp(graph, x))
    Op.tanh(graph, Graph.constant(graph, Float32Array.of(7), [1]))
    const model = text(graph)
    assert.include(model, "Exp")
    assert.notInclude(model, "Tanh")
    assert.strictEqual(model.length, text({ ...graph, nodes: graph.nodes.slice(0, 1), constants: [] }).length)
  })

  it("a composite is not part of the model", () => {
    const graph = Graph.make()
    const x = Graph.input(graph, "x", "float32", [2, 2])
    Graph.output(graph, "y", Graph.composite(graph, "Twice", [x], () => [Op.add(graph, x, x)])[0]!)
    assert.notInclude(text(graph), "Twice")
  })

  it.effect("an input can be an output, and a value can be two", () =>
    Effect.gen(function*() {
      const graph = Graph.make()
      const x = Graph.input(graph, "x", "float32", ["N"])
      const y = Op.neg(graph, x)
      Graph.output(graph, "same", x)
      Graph.output(graph, "one", y)
      Graph.output(graph, "two", y)
      const found = yield* (yield* Engine.load(graph))({ x: { shape: [2], data: [1, -2] } })
      assert.deepStrictEqual(found, {
        same: { shape: [2], data: [1, -2] },
        one: { shape: [2], data: [-1, 2] },
        two: { shape: [2], data: [-1, 2] }
      })
    }))

  it.effect("writes attributes of every kind, and constants of every type", () =>
    Effect.gen(function*() {
      const graph = Graph.make()
      const x = Graph.input(graph, "x", "float32", [1, 3])
      // A list, a float, a whole number (below zero too) and a text.
      const turned = Op.transpose(graph, x, [1, 0])
      const [leaky] = Graph.node(graph, "LeakyRelu", [turned], [turned], { attributes: { alpha: { float: 0.25 } } })
      const flat = Op.concat(graph, [leaky!, Graph.constant(graph, Float32Array.of(9), [1, 1])], 0)
      const [normal] = Graph.node(graph, "LpNormalization", [flat], [flat], { attributes: { axis: -2, p: 1 } })
      const [sum] = Graph.node(graph, "Einsum", [normal], [{ type: "float32", shape: [1] }], {
        attributes: { equation: "ij->j" }
      })
      Graph.output(graph, "flat", flat)
      Graph.output(graph, "sum", sum!)
      Graph.output(graph, "wide", Op.neg(graph, Graph.scalar(graph, 1 / 3, "float64")))
      const wholes = [Graph.integers(graph, [-(2 ** 40)]), Graph.integers(graph, [3])]
      Graph.output(graph, "whole", Op.concat(graph, wholes, 0))
      const found = yield* (yield* Engine.load(graph))({ x: { shape: [1, 3], data: [1, -2, 4] } })
      assert.deepStrictEqual(found["flat"], { shape: [4, 1], data: [1, -0.5, 4, 9] })
      assert.closeTo(found["sum"]!.data[0]!, 13.5 / 14.5, 1e-6)
      assert.deepStrictEqual(found["wide"]!.data, [-1 / 3])
      assert.deepStrictEqual(found["whole"]!.data, [-(2 ** 40), 3])
    }))
})
