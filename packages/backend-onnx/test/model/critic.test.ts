// Value heads: on a model, on an adapter, and as they are kept.
// @module-tag slow
import { assert, describe, it } from "@effect/vitest"
import { Adapter, OnnxLearner, OnnxModel, Safetensors } from "@memory-r1/backend-onnx"
import { Learner, Objective } from "@memory-r1/core/rl"
import { learnerLaws } from "@memory-r1/core/testing"
import { Effect, Layer } from "effect"
import { existsSync, rmSync } from "node:fs"
import { join } from "node:path"
import * as Checkpoints from "../support/checkpoints.ts"
import { tokens } from "../support/models.ts"

const file = "value_head.safetensors"
const size = 24

// A copy of a model whose critic already has opinions: from zeros no gradient reaches the layers below.
const opinionated = Effect.gen(function*() {
  const folder = yield* Checkpoints.copy("qwen2")
  yield* Safetensors.writeFile(join(folder, file), [
    {
      name: "score.weight",
      shape: [1, size],
      data: Float32Array.from({ length: size }, (_, i) => 0.3 * Math.sin(3 * i))
    },
    { name: "score.bias", shape: [1], data: Float32Array.of(0.2) }
  ])
  return folder
})

learnerLaws(
  "onnx, a model with a value head",
  Layer.effect(
    Learner.Learner,
    Effect.gen(function*() {
      const model = yield* OnnxModel.load(yield* opinionated, { threads: 1 })
      return (yield* OnnxLearner.make(model, { critic: true, microBatchTokens: 100 })).learner
    })
  )
)

learnerLaws(
  "onnx, an adapter with a value head",
  Layer.effect(
    Learner.Learner,
    Effect.gen(function*() {
      const model = yield* OnnxModel.load(yield* opinionated, { threads: 1 })
      const adapter = yield* Adapter.initialize(model.checkpoint, { rank: 3 }, 1)
      return (yield* OnnxLearner.make(model, { adapter, critic: true, gradientCheckpointing: true })).learner
    })
  ),
  { learningRate: 1e-3 }
)

const groups = [{ prompt: tokens(7, 1), completions: [tokens(5, 2), tokens(3, 3)] }, {
  prompt: [4],
  completions: [[9]]
}]
const batch = groups.map(({ completions, prompt }) => ({
  prompt,
  completions: completions.map((tokens) => ({ tokens, returns: tokens.map(() => 1), oldValue: tokens.map(() => 0) }))
}))

describe("a critic", () => {
  it.effect("says zero at first, learns, and is kept beside the model", () =>
    Effect.gen(function*() {
      const folder = yield* Checkpoints.copy("qwen2")
      const { learner } = yield* OnnxLearner.make(yield* OnnxModel.load(folder), { critic: true })
      assert.deepStrictEqual((yield* learner.values(groups)).flat().map((row) => [...row]), [
        [0, 0, 0, 0, 0],
        [0, 0, 0],
        [0]
      ])
      for (let step = 0; step < 40; step++) {
        yield* learner.forwardBackward(batch, Objective.valueLoss())
        yield* learner.optimStep({ learningRate: 1e-2 })
      }
      const learned = yield* learner.values(groups)
      for (const value of learned.flat().flatMap((row) => [...row])) assert.closeTo(value, 1, 0.2)

      const saved = join(folder, "saved")
      yield* learner.save(saved)
      const { learner: again } = yield* OnnxLearner.make(yield* OnnxModel.load(saved), { critic: true })
      assert.deepStrictEqual(yield* again.values(groups), learned)
      const { learner: other } = yield* OnnxLearner.make(yield* OnnxModel.load(folder), { critic: true })
      yield* other.load(saved)
      assert.deepStrictEqual(yield* other.values(groups), learned)
      // A learner without a critic writes none.
      const { learner: plain } = yield* OnnxLearner.make(yield* OnnxModel.load(folder))
      yield* plain.save(join(folder, "plain"))
      assert.isFalse(existsSync(join(folder, "plain", file)))
    }))

  it.effect("a value does not see the token that it stands before, nor those after it", () =>
    Effect.gen(function*() {
      const { learner } = yield* OnnxLearner.make(yield* OnnxModel.load(yield* opinionated), { critic: true })
      const values = Effect.fnUntraced(function*(completion: ReadonlyArray<number>) {
        const [[found]] = (yield* learner.values([{ prompt: tokens(6, 4), completions: [completion] }])) as [
          [Float32Array]
        ]
        return [...found]
      })
      const one = yield* values([5, 6, 7, 8])
      const two = yield* values([5, 6, 20, 21])
      one.slice(0, 3).forEach((value, t) => assert.closeTo(two[t]!, value, 1e-6))
      assert.isAbove(Math.abs(one[3]! - two[3]!), 1e-4)
    }))

  it.effect("broken files are named, and leave the learner as it was", () =>
    Effect.gen(function*() {
      const folder = yield* opinionated
      const { learner } = yield* OnnxLearner.make(yield* OnnxModel.load(folder), { critic: true })
      const before = yield* learner.values(groups)
      const broken = join(folder, "broken")
      yield* learner.save(broken)
      yield* Safetensors.writeFile(join(broken, file), [{
        name: "score.weight",
        shape: [2, 2],
        data: new Float32Array(4)
      }])
      assert.include((yield* Effect.flip(learner.load(broken))).message, "has shape [2, 2], the model asks for [1, 24]")
      assert.include(
        (yield* Effect.flip(OnnxLearner.make(yield* OnnxModel.load(broken), { critic: true }))).message,
        "score.weight"
      )
      rmSync(join(broken, file))
      assert.include((yield* Effect.flip(learner.load(broken))).message, file)
      assert.deepStrictEqual(yield* learner.values(groups), before)
    }))
})
