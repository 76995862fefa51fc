// The laws bite on a real engine too: core's own tests go through more faults, on a table of characters.
// @module-tag slow
import { assert, describe, it } from "@effect/vitest"
import { Adapter, OnnxLearner, OnnxModel } from "@memory-r1/backend-onnx"
import { Learner, Objective } from "@memory-r1/core/rl"
import { lawsOfLearner } from "@memory-r1/core/testing"
import { Effect, Exit, Layer } from "effect"
import { existsSync } from "node:fs"
import { join } from "node:path"
import * as Checkpoints from "./support/checkpoints.ts"

type Service = Learner.Learner["Service"]

const broken = Effect.fnUntraced(function*(wrap: (learner: Service) => Service) {
  const live = Layer.effect(Learner.Learner, Effect.map(Learner.Learner, wrap)).pipe(
    Layer.provide(Layer.fresh(OnnxLearner.layer(Checkpoints.directory("qwen2"), { threads: 1 })))
  )
  for (const { check, title } of lawsOfLearner()) {
    if (Exit.isFailure(yield* Effect.exit(Effect.scoped(Effect.provide(check, live))))) return title
  }
  return undefined
})

const refusal = Effect.fail(new Learner.LearnerError({ reason: "this engine does not do that" }))
const none: Learner.Capabilities = {
  critic: false,
  entropy: false,
  fullFineTuning: true,
  reinforcement: false,
  sequenceTerms: false,
  settings: []
}
const silent = (learner: Service): Service => ({ ...learner, capabilities: none })
const loss = "losses are those of the reference interpreter, and so are gradients with respect to log-probabilities"

const cases: ReadonlyArray<readonly [string, (learner: Service) => Service, string | undefined]> = [
  ["declares reinforcement and refuses it", (learner) => ({
    ...learner,
    forwardBackward: (batch, objective, options) =>
      Objective.given(objective).length > 0 ? refusal : learner.forwardBackward(batch, objective, options)
  }), loss],
  ["has twice the gradient in reinforcement", (learner) => ({
    ...learner,
    forwardBackward: (batch, objective, options) =>
      Effect.tap(
        learner.forwardBackward(batch, objective, options),
        () => objective.name === "grpo" ? learner.forwardBackward(batch, objective, options) : Effect.void
      )
  }), loss],
  [
    "declares a critic and has none",
    (learner) => ({ ...learner, capabilities: { ...learner.capabilities, critic: true } }),
    loss
  ],
  ["declares settings and refuses them", (learner) => ({
    ...learner,
    optimStep: (step) => Learner.unheeded(none, step).length > 0 ? refusal : learner.optimStep(step)
  }), "the gradient is the slope of the loss: sft, temperature 1"],
  ["declares nothing and does all", silent, loss],
  ["declares nothing and refuses all else", (learner) => ({
    ...silent(learner),
    forwardBackward: (batch, objective, options) =>
      Learner.missing(none, objective).length > 0 ? refusal : learner.forwardBackward(batch, objective, options),
    optimStep: (step) => Learner.unheeded(none, step).length > 0 ? refusal : learner.optimStep(step)
  }), undefined]
]

describe("the laws, of an ONNX learner that", () => {
  for (const [title, wrap, law] of cases) {
    it.effect(title, () => Effect.map(broken(wrap), (found) => assert.strictEqual(found, law)), 60_000)
  }
})

describe("fullFineTuning says what is saved:", () => {
  for (const isAdapted of [false, true]) {
    it.effect(isAdapted ? "an adapter" : "a model", () =>
      Effect.gen(function*() {
        const model = yield* OnnxModel.load(Checkpoints.directory("qwen2"))
        const { learner } = yield* OnnxLearner.make(
          model,
          isAdapted ? { adapter: yield* Adapter.initialize(model.checkpoint, { rank: 2 }, 1) } : {}
        )
        const folder = yield* Checkpoints.temporary
        yield* learner.save(folder)
        assert.strictEqual(learner.capabilities.fullFineTuning, existsSync(join(folder, "model.safetensors")))
        assert.strictEqual(!learner.capabilities.fullFineTuning, existsSync(join(folder, "adapter_model.safetensors")))
      }))
  }
})
