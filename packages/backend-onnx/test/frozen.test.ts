// Frozen models in fewer bits. What a model computes with them is compared with a float32 model whose weights are those
// that the bits mean, which is written out here a second time.
// @module-tag slow
import { assert, describe, it } from "@effect/vitest"
import { Adapter, Checkpoint, OnnxLearner, OnnxModel, OnnxSampler, Safetensors } from "@memory-r1/backend-onnx"
import { Objective } from "@memory-r1/core/rl"
import { Effect } from "effect"
import { join } from "node:path"
import * as Storage from "../src/model/storage.ts"
import * as Checkpoints from "./support/checkpoints.ts"
import { noise } from "./support/engine.ts"
import { tokens } from "./support/models.ts"

const types = ["float16", "int8", "int4"] as const

const halfOf = (bits: number): number => {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023]
  const sign = bits & 0x8000 ? -1 : 1
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25))
}

// The numbers that stored bits mean.
const meant = (feeds: OnnxModel.OnnxModel["weights"], name: string): Float32Array => {
  const { data } = feeds[name]!
  const scales = feeds[`${name}.scale`]?.data as Float32Array | undefined
  if (data instanceof Float32Array) return data
  const dims = feeds[name]!.dims
  if (data instanceof Uint8Array && dims.length === 2) {
    return Float32Array.from(data, (level, i) => (level - 128) * scales![Math.floor(i / dims[1]!)]!)
  }
  if (data instanceof Uint8Array) {
    return Float32Array.from({ length: data.length * 2 }, (_, i) => {
      const [block, place] = [Math.floor(i / 32), i % 32]
      const byte = data[block * 16 + place % 16]!
      return ((place < 16 ? byte & 15 : byte >> 4) - 8) * scales![block]!
    })
  }
  return Float32Array.from(data as unknown as Uint16Array, halfOf)
}

describe("storage", () => {
  const shape = [6, 64]
  const values = Float32Array.from(noise(3, shape).data, (x, i) => i < 64 ? 0 : x * 2 ** (i % 7 - 3))
  const stored = (type: Storage.WeightType, data = values, name = "x_proj.weight") => {
    const store = Storage.make({ name, shape }, type)
    // In two pieces, as files are read.
    store.fill(0, data.slice(0, 128))
    store.fill(2, data.slice(128))
    return meant(store.feeds, name)
  }

  it("float16 is the nearest half, at a tie the even one", () => {
    const nearest = (x: number): number => {
      let best = 0
      for (let bits = 0; bits < 0x7c00; bits++) {
        const [now, before] = [Math.abs(halfOf(bits) - Math.abs(x)), Math.abs(halfOf(best) - Math.abs(x))]
        if (now < before || (now === before && bits % 2 === 0)) best = bits
      }
      return Math.sign(x) * halfOf(best)
    }
    const edge = [
      1 + 2 ** -11,
      1 + 3 * 2 ** -11,
      2 ** -24,
      2 ** -25,
      1.5 * 2 ** -25,
      2 ** -14,
      2 ** -14 - 2 ** -26,
      65504,
      65519,
      1e-9,
      -0.1
    ]
    const given = Float32Array.from(values, (x, i) => edge[i] ?? x)
    stored("float16", given).forEach((x, i) => assert.strictEqual(x, nearest(given[i]!) + 0, `${given[i]}`))
    assert.deepStrictEqual(
      Array.from(stored("float16", given.map((_, i) => i === 0 ? 65520 : i === 1 ? -Infinity : 0)).slice(0, 2)),
      [Infinity, -Infinity]
    )
    assert.isNaN(stored("float16", given.fill(NaN))[5])
  })

  it("int8 errs by half a step of its row at most, int4 by one of its block, and rows of zeros stay zero", () => {
    const most = (x: Float32Array) => Math.max(...x.map(Math.abs))
    stored("int8").forEach((x, i) => {
      const row = Math.floor(i / 64) * 64
      assert.isAtMost(Math.abs(x - values[i]!), most(values.slice(row, row + 64)) / 127 / 2 * 1.0001)
    })
    stored("int4").forEach((x, i) => {
      const block = Math.floor(i / 32) * 32
      assert.isAtMost(Math.abs(x - values[i]!), most(values.slice(block, block + 32)) / 8 * 1.0001)
    })
    for (const type of ["int8", "int4"] as const) {
      assert.deepStrictEqual(Array.from(stored(type).slice(0, 64), Math.abs), new Array<number>(64).fill(0))
    }
  })

  it("norms stay as they are, and what int4 cannot hold takes eight bits", () => {
    const of = (name: string, shape: ReadonlyArray<number>) =>
      types.map((type) => Storage.typeOf({ name, shape }, type))
    assert.deepStrictEqual(of("model.norm.weight", [64]), ["float32", "float32", "float32"])
    assert.deepStrictEqual(of("model.embed_tokens.weight", [128, 64]), ["float16", "int8", "int8"])
    assert.deepStrictEqual(of("model.layers.0.mlp.up_proj.weight", [64, 40]), ["float16", "int8", "int8"])
    assert.deepStrictEqual(of("model.layers.0.mlp.up_proj.weight", [64, 96]), [...types])
  })
})

for (const type of types) {
  for (const name of ["llama-tied", "phi3", "llama-yarn"]) {
    describe(`${name}, frozen in ${type}`, () => {
      // The same model in float32, with the weights that the bits mean.
      const both = Effect.gen(function*() {
        const folder = yield* Checkpoints.copy(name)
        const frozen = yield* OnnxModel.load(folder, { dtype: type })
        const written = join(yield* Checkpoints.temporary, "widened")
        const checkpoint = yield* Checkpoint.load(folder)
        for (const { parts } of checkpoint.layout.parameters) {
          for (const part of parts) checkpoint.weights.set(meant(frozen.weights, part.name), part.offset)
        }
        yield* Checkpoint.save(checkpoint, written)
        return { frozen, widened: yield* OnnxModel.load(written) }
      })
      const prompt = tokens(9, 1)
      const completions = [tokens(6, 2), tokens(4, 3)]

      it.effect("samples and scores as the float32 model of the same numbers", () =>
        Effect.gen(function*() {
          const models = yield* both
          const [frozen, widened] = [yield* OnnxSampler.make(models.frozen), yield* OnnxSampler.make(models.widened)]
          const [[scores], [expected]] = [
            yield* frozen.score({ groups: [{ prompt, completions }] }),
            yield* widened.score({ groups: [{ prompt, completions }] })
          ]
          scores!.forEach((list, i) => list.forEach((logp, t) => assert.closeTo(logp, expected![i]![t]!, 1e-4)))
          const request = { prompts: [prompt], maxTokens: 12, temperature: 0, stopTokens: [] }
          const [sampled, wanted] = [(yield* frozen.sample(request))[0]![0], (yield* widened.sample(request))[0]![0]]
          assert.deepStrictEqual(sampled!.tokens, wanted!.tokens)
          const rescored = (yield* frozen.score({ groups: [{ prompt, completions: [sampled!.tokens] }] }))[0]![0]!
          rescored.forEach((logp, t) => assert.closeTo(sampled!.logprobs[t]!, logp, 1e-4))
          // It is not the model that it was made of.
          const [original] = yield* (yield* OnnxSampler.make(yield* OnnxModel.load(Checkpoints.directory(name)))).score(
            { groups: [{ prompt, completions }] }
          )
          assert.notDeepEqual(scores, original)
        }))

      it.effect("gives adapters the gradient of that model", () =>
        Effect.gen(function*() {
          const models = yield* both
          const found = yield* Effect.forEach(
            [models.frozen, models.widened],
            Effect.fnUntraced(function*(model) {
              const adapter = yield* Adapter.initialize(model.checkpoint, { rank: 3 }, 1)
              for (const { offset, size } of adapter.layout.parameters) {
                for (let i = 0; i < size; i++) adapter.weights[offset + i]! += 0.05 * Math.sin(offset + i)
              }
              const { gradients, learner } = yield* OnnxLearner.make(model, { adapter })
              yield* learner.forwardBackward(
                [{ prompt, completions: completions.map((tokens) => ({ tokens })) }],
                Objective.sft
              )
              return gradients()
            })
          )
          found[0]!.forEach(({ data, name }, i) => {
            const expected = found[1]![i]!.data
            const difference = Math.hypot(...data.map((x, j) => x - expected[j]!)) / Math.hypot(...expected)
            assert.isTrue(difference <= 1e-5, `${name} differs by ${difference} of its norm`)
          })
        }))
    })
  }

  it.effect(`a model in ${type} does not train its own weights`, () =>
    Effect.gen(function*() {
      const model = yield* OnnxModel.load(Checkpoints.directory("qwen2"), { dtype: type })
      const error = yield* Effect.flip(OnnxLearner.make(model))
      assert.strictEqual(error.message, `a model in ${type} is frozen: train an adapter of it, or load it in float32`)
    }))
}

it.effect("a vocabulary of several pieces", () =>
  Effect.gen(function*() {
    const folder = yield* Checkpoints.copy("qwen2", { "config.json": (json) => ({ ...json, vocab_size: 40_000 }) })
    const made = yield* Checkpoint.initialize(folder, 1)
    // Logits that differ, so that a piece in another's place shows.
    for (let i = 0; i < made.weights.length; i++) made.weights[i]! *= 20
    yield* Checkpoint.save(made, folder)
    const frozen = yield* OnnxModel.load(folder, { dtype: "int8" })
    const checkpoint = yield* Checkpoint.load(folder)
    for (const part of checkpoint.layout.parameters) {
      checkpoint.weights.set(meant(frozen.weights, part.name), part.offset)
    }
    const widened = yield* OnnxModel.fromCheckpoint(checkpoint)
    const groups = [{ prompt: [5, 39_999, 20_000], completions: [[16_383, 16_384, 39_999, 3], [32_768]] }]
    const [found, expected] = yield* Effect.forEach(
      [frozen, widened],
      (model) => Effect.flatMap(OnnxSampler.make(model), ({ score }) => score({ groups }))
    )
    found![0]!.forEach((list, i) => list.forEach((logp, t) => assert.closeTo(logp, expected![0]![i]![t]!, 1e-4)))
  }))

it.effect("what a frozen model is read from may be broken: it is named", () =>
  Effect.gen(function*() {
    const folder = yield* Checkpoints.copy("llama-tied")
    const checkpoint = yield* Checkpoint.load(folder)
    const { parameters } = checkpoint.layout
    yield* Safetensors.writeFile(
      join(folder, "model.safetensors"),
      parameters.slice(1).map(({ name, offset, shape, size }) => ({
        name,
        shape,
        data: checkpoint.weights.slice(offset, offset + size)
      }))
    )
    const error = yield* Effect.flip(OnnxModel.load(folder, { dtype: "int8" }))
    assert.instanceOf(error, Checkpoint.CheckpointError)
    assert.strictEqual(error.tensor, parameters[0]!.name)
  }))
