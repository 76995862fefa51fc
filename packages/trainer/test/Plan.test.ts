// What playing and validation add to a plan, counted in steps of decoding: each takes one second.
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Plan, TrainConfig } from "@memory-r1/trainer"
import { Effect } from "effect"
import { registry } from "./support/letterData.ts"
import * as Tiny from "./support/tiny.ts"

const planned = Effect.fnUntraced(function*(stage: object, more: object = {}) {
  const { sampler: { tokenizer } } = yield* Tiny.learner
  const config = yield* TrainConfig.decode({
    model: { directory: "tiny" },
    data: { dataset: "letters" },
    stages: [{ steps: 6, groupsPerStep: 8, groupSize: 2, learningRate: { peak: 1e-3 }, ...stage }],
    ...more
  }, registry)
  const { stages } = yield* Plan.make({
    config,
    registry,
    engine: {
      tokenizer,
      contextLength: 100_000,
      forward: () => 0,
      decode: () => 1,
      gradient: () => 0,
      memoryBytes: () => ({ weights: 0, training: 0, activations: 0, total: 0 })
    }
  })
  return stages[0]!
})
const test = <E>(name: string, run: Effect.Effect<void, E, NodeServices.NodeServices | import("effect").Scope.Scope>) =>
  it.effect(name, () => run.pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

const validation = { validation: { every: 2, dialogues: 3 } }

describe("Plan", () => {
  test(
    "dialogues that the trained manager plays for the answer agent are part of the time; a manager by name is not",
    Effect.gen(function*() {
      const [trained, named] = [
        yield* planned({ kind: "answer" }),
        yield* planned({ kind: "answer", manager: "addOnly" })
      ]
      // One second to sample in each step.
      assert.strictEqual(named.seconds, 6)
      // 48 questions, of which two dialogues that are played side by side have eight: six times four decisions.
      assert.closeTo(trained.seconds - named.seconds, 24, 1e-9)
    })
  )

  test(
    "validation plays its dialogues again and again while the manager is trained, and once while it is frozen",
    Effect.gen(function*() {
      // Before the first step and after every second one: four times, one second to ask and four to play.
      const manager = yield* planned({ kind: "manager" }, validation)
      assert.closeTo(manager.validationSeconds, 4 * (1 + 4), 1e-9)
      assert.closeTo(manager.seconds - (yield* planned({ kind: "manager" })).seconds, 20, 1e-9)
      assert.closeTo((yield* planned({ kind: "answer" }, validation)).validationSeconds, 4 + 4, 1e-9)
    })
  )
})
