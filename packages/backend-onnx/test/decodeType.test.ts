// Decoding that reads matrices in fewer bits, beside the exact one.
import { assert, describe, it } from "@effect/vitest"
import { Adapter, Graph, OnnxLearner, OnnxModel, OnnxSampler, Op } from "@memory-r1/backend-onnx"
import { Effect, Schema } from "effect"
import * as Session from "../src/graph/session.ts"
import * as Packed from "../src/model/packed.ts"
import * as Checkpoints from "./support/checkpoints.ts"
import { noise } from "./support/engine.ts"
import { tokens } from "./support/models.ts"

const types = ["int8", "int4"] as const

const rowsOf = (values: ArrayLike<number>, columns: number) => (row: number, into: Float32Array) => {
  for (let i = 0; i < into.length; i++) into[i] = values[row * columns + i]!
}

// The numbers that a packed matrix means.
const unpack = ({ bits, columns, data, rows, scales }: Packed.Packed): Float32Array => {
  const blocks = Packed.blocksOf(columns)
  const middle = 1 << (bits - 1)
  const values = new Float32Array(rows * columns)
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const at = row * blocks + Math.floor(column / Packed.block)
      const inner = column % Packed.block
      const level = bits === 8
        ? data[at * Packed.block + inner]!
        : (data[at * Packed.block / 2 + (inner >> 1)]! >> (4 * (inner & 1))) & 15
      values[row * columns + column] = (level - middle) * scales[at]!
    }
  }
  return values
}

describe("packed matrices", () => {
  const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
  const cases = { rows: between(1, 5), columns: between(1, 100), bits: Schema.Literals([8, 4]), seed: between(0, 1000) }

  it.prop("err by a step of their block at most, and have zeros as zeros", cases, ({ bits, columns, rows, seed }) => {
    const values = noise(seed, [rows, columns]).data.map((x, i) => i % 5 === 0 ? 0 : x * 2 ** (i % 9))
    const packed = Packed.pack(rows, columns, bits, rowsOf(values, columns))
    assert.lengthOf(packed.data, rows * Packed.blocksOf(columns) * Packed.block * bits / 8)
    unpack(packed).forEach((x, i) => {
      const at = Math.floor(i / columns) * Packed.blocksOf(columns) + Math.floor(i % columns / Packed.block)
      assert.isAtMost(Math.abs(x - values[i]!), Math.abs(packed.scales[at]!) * 1.0001)
      if (values[i] === 0) assert.strictEqual(Math.abs(x), 0)
    })
  })

  for (const bits of [8, 4] as const) {
    it.effect(`are multiplied in ${bits} bits as their numbers are, but for what rounding the other side does`, () =>
      Effect.gen(function*() {
        for (const [rows, columns, count] of [[40, 64, 1], [33, 96, 5], [16, 80, 3]] as const) {
          const w = noise(1, [rows, columns]).data
          const x = noise(2, [count, columns]).data
          const packed = Packed.pack(rows, columns, bits, rowsOf(w, columns))
          const graph = Graph.make()
          const input = Graph.input(graph, "x", "float32", ["R", columns])
          Graph.output(graph, "y", Op.matMulBits(graph, input, { ...packed, block: Packed.block }))
          const { run } = yield* Session.make(graph)
          const y = (yield* Effect.promise(() =>
            run({ x: Session.float(Float32Array.from(x), [count, columns]) })
          ))["y"]!
            .data as Float32Array
          const numbers = unpack(packed)
          for (let i = 0; i < count; i++) {
            for (let row = 0; row < rows; row++) {
              let [sum, size] = [0, 0]
              for (let k = 0; k < columns; k++) {
                const product = x[i * columns + k]! * numbers[row * columns + k]!
                sum += product
                size += product * product
              }
              assert.closeTo(y[i * rows + row]!, sum, 0.03 * Math.sqrt(size) + 1e-6)
            }
          }
        }
      }).pipe(Effect.scoped))
  }
})

describe("decoding in fewer bits", () => {
  const prompt = tokens(9, 1)

  for (const name of Checkpoints.families) {
    it.effect(`${name} samples nearly what it scores, and the same again from its seed`, () =>
      Effect.gen(function*() {
        for (const decode of types) {
          const sampler = yield* OnnxSampler.make(yield* OnnxModel.load(Checkpoints.directory(name), { decode }))
          const request = {
            prompts: [prompt, tokens(5, 2)],
            n: 3,
            maxTokens: 10,
            temperature: 1,
            seed: 4,
            stopTokens: []
          }
          const sampled = yield* sampler.sample(request)
          assert.deepStrictEqual(yield* sampler.sample(request), sampled)
          const scores = yield* sampler.score({
            groups: sampled.map((group, i) => ({
              prompt: request.prompts[i]!,
              completions: group.map(({ tokens }) => tokens)
            }))
          })
          const errors = sampled.flatMap((group, i) =>
            group.flatMap(({ logprobs }, g) => Array.from(logprobs, (logp, t) => Math.abs(logp - scores[i]![g]![t]!)))
          )
          const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length
          assert.isBelow(mean, decode === "int8" ? 0.1 : 0.8)
          assert.isAbove(mean, 0)
        }
      }).pipe(Effect.scoped))
  }

  it.effect("adapters stay in float32 beside it", () =>
    Effect.gen(function*() {
      const model = yield* OnnxModel.load(Checkpoints.directory("qwen2"), { decode: "int8" })
      const adapter = yield* Adapter.initialize(model.checkpoint, { rank: 3 }, 1)
      const [plain, adapted] = [yield* OnnxSampler.make(model), yield* OnnxSampler.make(model, { adapter })]
      for (const { offset, size } of adapter.layout.parameters) {
        for (let i = 0; i < size; i++) adapter.weights[offset + i]! += 0.2 * Math.sin(offset + i)
      }
      OnnxModel.changed(adapter.weights)
      const request = { prompts: [prompt], maxTokens: 12, temperature: 0, stopTokens: [] }
      const before = (yield* plain.sample(request))[0]![0]!
      const after = (yield* adapted.sample(request))[0]![0]!
      const groups = [{ prompt, completions: [after.tokens] }]
      const own = (yield* adapted.score({ groups }))[0]![0]!
      const other = (yield* plain.score({ groups }))[0]![0]!
      const far = (scores: Float32Array) => Math.max(...after.logprobs.map((logp, t) => Math.abs(logp - scores[t]!)))
      assert.isBelow(far(own), 0.2)
      assert.isAbove(far(other), 2 * far(own))
      assert.lengthOf(before.tokens, 12)
    }).pipe(Effect.scoped))

  for (const dtype of ["float16", "int8", "int4"] as const) {
    it.effect(`a base that is held in ${dtype} decodes in int8`, () =>
      Effect.gen(function*() {
        const model = yield* OnnxModel.load(Checkpoints.directory("llama-tied"), { dtype, decode: "int8" })
        const sampler = yield* OnnxSampler.make(model)
        const request = { prompts: [prompt], maxTokens: 12, temperature: 0, stopTokens: [] }
        const sampled = (yield* sampler.sample(request))[0]![0]!
        const scores = (yield* sampler.score({ groups: [{ prompt, completions: [sampled.tokens] }] }))[0]![0]!
        sampled.logprobs.forEach((logp, t) => assert.closeTo(logp, scores[t]!, 0.3))
      }).pipe(Effect.scoped))
  }

  it.effect("weights that are trained are not decoded in fewer bits", () =>
    Effect.gen(function*() {
      const model = yield* OnnxModel.load(Checkpoints.directory("qwen2"), { decode: "int4" })
      const error = yield* Effect.flip(OnnxLearner.make(model))
      assert.strictEqual(
        error.message,
        "a model that decodes in int4 is frozen: train an adapter of it, or decode in float32"
      )
    }).pipe(Effect.scoped))
})
