import { assert, describe, it } from "@effect/vitest"
import { TrainConfig } from "@memory-r1/trainer"
import { Effect } from "effect"
import { registry } from "./support/letterData.ts"

const minimal = {
  model: { directory: "nano" },
  data: { dataset: "letters" },
  stages: [{ kind: "manager", steps: 10, learningRate: { peak: 3e-4 } }]
}

describe("TrainConfig", () => {
  it.effect("fills in defaults", () =>
    Effect.gen(function*() {
      const config = yield* TrainConfig.decode(minimal, registry)
      assert.strictEqual(config.seed, 1)
      assert.strictEqual(config.data.perFact, 8)
      const [stage] = config.stages
      assert.deepStrictEqual([stage.kind, stage.groupsPerStep], ["manager", 16])
      assert.deepStrictEqual(stage.learningRate, { peak: 3e-4, warmup: 10, decayFrom: 1, floor: 0 })
    }))

  it.effect("refuses a misspelt key, and says where it stands", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(
        TrainConfig.decode({ ...minimal, stages: [{ ...minimal.stages[0], groupSze: 4 }] }, registry)
      )
      assert.include(String(error), "groupSze")
    }))

  it.effect("refuses what cannot be run", () =>
    Effect.gen(function*() {
      for (
        const stages of [
          [],
          [{ kind: "manager", steps: 0, learningRate: { peak: 1 } }],
          [{ kind: "ppo", steps: 1, learningRate: { peak: 1 } }],
          [{ kind: "answer", steps: 1, learningRate: { peak: -1 } }],
          [...minimal.stages, { kind: "sft", steps: 1, learningRate: { peak: 1 } }]
        ]
      ) {
        yield* Effect.flip(TrainConfig.decode({ ...minimal, stages }, registry))
      }
    }))
})
