import { assert, describe, it } from "@effect/vitest"
import { Checkpoint, OnnxModel, OnnxSampler } from "@memory-r1/backend-onnx"
import { Effect } from "effect"
import * as Parameters from "../../src/model/parameters.ts"
import * as Checkpoints from "../support/checkpoints.ts"

type Json = Readonly<Record<string, unknown>>

const initialize = Effect.fnUntraced(function*(name: string, lookBack: number, config: Json = {}) {
  const folder = yield* Checkpoints.copy(name, { "config.json": (json) => ({ ...json, ...config }) })
  return yield* Checkpoint.initialize(folder, 7, { lookBack })
})

const parameter = ({ layout, weights }: Checkpoint.Checkpoint, name: string) =>
  Parameters.view(weights, layout.parameters.find((one) => one.name === name)!)

// The score of a key `distance` positions before its query, both turned to their positions: the real part of the sum of
// q conj(k), with the halves of a head as real and imaginary parts.
const scoreAt = (checkpoint: Checkpoint.Checkpoint, head: number, position: number, distance: number): number => {
  const { headSize, heads, keyValueHeads, ropes } = checkpoint.decoder
  const of = (projection: string, index: number) =>
    parameter(checkpoint, `model.layers.0.self_attn.${projection}_proj.bias`).subarray(
      index * headSize,
      (index + 1) * headSize
    )
  const [query, key] = [of("q", head), of("k", Math.floor(head * keyValueHeads / heads))]
  const half = headSize / 2
  const turned = (vector: Float32Array, f: number, at: number) => {
    const angle = at * ropes[0]!.inverseFrequencies[f]!
    const [x, y] = [vector[f]!, vector[f + half]!]
    return [x * Math.cos(angle) - y * Math.sin(angle), y * Math.cos(angle) + x * Math.sin(angle)] as const
  }
  let score = 0
  for (let f = 0; f < half; f++) {
    const [qx, qy] = turned(query, f, position)
    const [kx, ky] = turned(key, f, position - distance)
    score += qx * kx + qy * ky
  }
  return score / Math.sqrt(headSize)
}

const cases: ReadonlyArray<readonly [title: string, name: string, lookBack: number, config: Json]> = [
  ["heads of size 8, one key each", "qwen2", 3, {}],
  ["heads of size 12 that share one key", "llama-bias", 4, {}],
  ["heads of size 32", "qwen2", 3, { head_dim: 32, rope_parameters: { rope_theta: 1e4 } }],
  ["heads of size 64, two of them to a key", "llama-bias", 4, {
    head_dim: 64,
    num_key_value_heads: 2,
    rope_parameters: { rope_theta: 1e6 }
  }]
]

describe("lookBack", () => {
  for (const [title, name, lookBack, config] of cases) {
    it.effect(`the score is that of the closed form, and largest at each head's distance: ${title}`, () =>
      Effect.gen(function*() {
        const checkpoint = yield* initialize(name, lookBack, config)
        const { contextLength, headSize, ropes } = checkpoint.decoder
        const frequencies = Array.from(
          { length: Math.min(6, headSize / 2) },
          (_, f) => ropes[0]!.inverseFrequencies[f]!
        )
        for (let head = 0; head < lookBack; head++) {
          const asked = head + 1
          const position = contextLength - 1
          const scores = Array.from(
            { length: contextLength },
            (_, distance) => scoreAt(checkpoint, head, position, distance)
          )
          scores.forEach((score, distance) => {
            const sum = frequencies.reduce((total, frequency) => total + Math.cos((distance - asked) * frequency), 0)
            assert.closeTo(score, 25 * sum / Math.sqrt(headSize), 1e-4, `head ${head}, ${distance} before`)
          })
          assert.strictEqual(scores.indexOf(Math.max(...scores)), asked)
          // It is a matter of distance alone.
          assert.closeTo(scoreAt(checkpoint, head, 40, asked), scores[asked]!, 1e-4)
          // Its neighbours have a seventh of its weight, or less.
          for (const beside of [asked - 1, asked + 1]) {
            assert.isAbove(scores[asked]! - scores[beside]!, 2, `head ${head}, ${beside} before`)
          }
        }
      }))
  }

  it.effect("a model of one layer depends most on the token at the distance of the head that is heard", () =>
    Effect.gen(function*() {
      const config = { head_dim: 32, rope_parameters: { rope_theta: 1e4 }, num_hidden_layers: 1 }
      for (const head of [0, 1, 2]) {
        const checkpoint = yield* initialize("qwen2", 3, config)
        const { headSize, heads } = checkpoint.decoder
        // The output projection hears this head only.
        parameter(checkpoint, "model.layers.0.self_attn.o_proj.weight").forEach((_, i, matrix) => {
          if (Math.floor(i % (heads * headSize) / headSize) !== head) matrix[i] = 0
        })
        const sampler = yield* OnnxSampler.make(yield* OnnxModel.fromCheckpoint(checkpoint, { threads: 1 }))
        const prompt = Array.from({ length: 24 }, (_, i) => 3 + i)
        const distances = Array.from({ length: 20 }, (_, i) => i + 1)
        const others = Array.from({ length: 16 }, (_, i) => 60 + i)
        const prompts = [
          prompt,
          ...distances.flatMap((distance) => others.map((other) => prompt.with(prompt.length - 1 - distance, other)))
        ]
        const completions = Array.from({ length: checkpoint.decoder.vocabularySize }, (_, token) => [token])
        const [before, ...after] = yield* sampler.score({ groups: prompts.map((prompt) => ({ prompt, completions })) })
        const changes = distances.map((_, i) =>
          Math.sqrt(
            others.reduce((sum, _, j) =>
              sum + after[i * others.length + j]!.reduce((part, [logp], token) =>
                part + (logp! - before![token]![0]!) ** 2, 0), 0)
          )
        )
        const most = Math.max(...changes)
        assert.strictEqual(changes.indexOf(most), head, changes.join(" "))
        assert.isTrue(changes.every((change, i) => i === head || change < most / 4), changes.join(" "))
      }
    }))

  it.effect("sets the biases of its heads and nothing else", () =>
    Effect.gen(function*() {
      const without = yield* initialize("qwen2", 0)
      const checkpoint = yield* initialize("qwen2", 2)
      const { headSize } = checkpoint.decoder
      for (const { name, offset, size } of checkpoint.layout.parameters) {
        const found = checkpoint.weights.subarray(offset, offset + size)
        const plain = without.weights.subarray(offset, offset + size)
        if (/^model\.layers\.0\.self_attn\.[qk]_proj\.bias$/.test(name)) {
          assert.isTrue(plain.every((x) => x === 0), name)
          for (const head of [0, 1, 2]) {
            const own = found.subarray(head * headSize, (head + 1) * headSize)
            assert.strictEqual(own.some((x) => x !== 0), head < 2, `${name}, head ${head}`)
          }
        } else {
          assert.deepStrictEqual(found, plain, name)
        }
      }
    }))
})
