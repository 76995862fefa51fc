// The laws bite: a learner that breaks its word is found out, one that promises less and keeps to it is not.
// @module-tag slow
import { assert, describe, it } from "@effect/vitest"
import { Learner, Objective } from "@memory-r1/core/rl"
import { lawsOfLearner } from "@memory-r1/core/testing"
import { Effect, Exit, Layer } from "effect"
import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import * as TinyModel from "./support/tinyModel.ts"

type Service = Learner.Learner["Service"]
type Forward = Service["forwardBackward"]

/** The first law that a learner breaks. */
const broken = Effect.fnUntraced(function*(wrap: (learner: Service) => Service) {
  for (const { check, title } of lawsOfLearner()) {
    const exit = yield* Effect.exit(
      Effect.scoped(Effect.provide(check, Layer.sync(Learner.Learner, () => wrap(TinyModel.makeLearner()))))
    )
    if (Exit.isFailure(exit)) return title
  }
  return undefined
})

const refusal = Effect.fail(new Learner.LearnerError({ reason: "this engine does not do that" }))
const forward = (change: (forward: Forward) => Forward) => (learner: Service): Service => ({
  ...learner,
  forwardBackward: change(learner.forwardBackward)
})
const refusing = (refuses: (objective: Objective.Objective) => boolean) =>
  forward((forward) => (batch, objective, options) => refuses(objective) ? refusal : forward(batch, objective, options))
const declaring = (capabilities: Partial<Learner.Capabilities>) => (learner: Service): Service => ({
  ...learner,
  capabilities: { ...learner.capabilities, ...capabilities }
})
const reads = (...names: ReadonlyArray<Objective.Quantity>) => (objective: Objective.Objective) =>
  names.some((name) => Objective.quantities(objective).has(name))
const overSequences = (objective: Objective.Objective) => JSON.stringify(objective.loss).includes("\"sequence")

// The right numbers, and the gradient of another objective.
const gradientOf = (other: (objective: Objective.Objective) => Objective.Objective) =>
  forward((forward) => (batch, objective, options) =>
    Effect.map(forward(batch, other(objective), options), (found) => {
      const entropies = found.entropies?.flat()
      const values = found.values?.flat()
      const sequences = batch.flatMap(({ completions }) => completions).map(({ advantage, tokens, ...rest }, i) => ({
        ...rest,
        logp: found.logprobs.flat()[i]!,
        advantage: typeof advantage === "number" ? tokens.map(() => advantage) : advantage,
        ...(entropies === undefined ? {} : { entropy: entropies[i]! }),
        ...(values === undefined ? {} : { value: values[i]! })
      }))
      return { ...found, loss: Objective.evaluate(objective, sequences) }
    })
  )

const minimal: Learner.Capabilities = {
  critic: false,
  entropy: false,
  fullFineTuning: false,
  reinforcement: false,
  sequenceTerms: false,
  settings: []
}
const beyondMinimal = (objective: Objective.Objective) => Learner.missing(minimal, objective).length > 0
const withoutSettings = (learner: Service): Service => ({
  ...learner,
  optimStep: (step) => Learner.unheeded(minimal, step).length > 0 ? refusal : learner.optimStep(step)
})
const withoutCritic = (learner: Service): Service => ({ ...learner, values: () => refusal })

const faults: Readonly<Record<string, (learner: Service) => Service>> = {
  "declares reinforcement and refuses GRPO": refusing((objective) => objective.name === "grpo"),
  "refuses all but supervised fine-tuning": refusing((objective) => objective.name !== "sft"),
  "refuses supervised fine-tuning too": refusing(() => true),
  "refuses one aggregation": refusing((objective) => objective.aggregation._tag === "ConstantLength"),
  "declares entropy and refuses it": refusing(reads("entropy")),
  "declares a critic and refuses its loss": refusing(reads("value")),
  "declares a critic and gives no values": withoutCritic,
  "declares sequence terms and refuses them": refusing(overSequences),
  "declares no reinforcement and does it": declaring({ reinforcement: false }),
  "declares no sequence terms and does them": declaring({ sequenceTerms: false }),
  "declares no entropy and takes it": declaring({ entropy: false }),
  "declares no critic and has one": declaring({ critic: false }),
  "declares no critic, refuses its loss, and gives values": (learner) =>
    refusing(reads("value"))(declaring({ critic: false })(learner)),
  "declares no settings and takes them": declaring({ settings: [] }),
  "declares less of the settings than it takes": declaring({ settings: ["beta1", "beta2", "epsilon", "maxGradNorm"] }),
  "declares settings and refuses one": (learner) => ({
    ...learner,
    optimStep: (step) => step.weightDecay === undefined ? learner.optimStep(step) : refusal
  }),
  "refuses by a defect": forward((forward) => (batch, objective, options) =>
    reads("entropy")(objective) ? Effect.die("not that") : forward(batch, objective, options)
  ),
  "refuses what it does not declare, and keeps its gradient": (learner) => ({
    ...declaring({ entropy: false })(learner),
    forwardBackward: (batch, objective, options) => {
      const pass = learner.forwardBackward(batch, objective, options)
      return reads("entropy")(objective) ? Effect.andThen(pass, refusal) : pass
    }
  }),
  "has the gradient of the other sign": gradientOf((objective) => ({
    ...objective,
    loss: Objective.neg(objective.loss)
  })),
  "has the gradient of the other sign in reinforcement": gradientOf((objective) =>
    reads("advantage")(objective) ? { ...objective, loss: Objective.neg(objective.loss) } : objective
  ),
  "takes a sum for a mean": gradientOf((objective) => ({ ...objective, aggregation: Objective.Aggregation.Sum() })),
  "has twice the gradient of a clipped loss": gradientOf((objective) =>
    reads("oldLogp")(objective) ? { ...objective, loss: Objective.mul(2, objective.loss) } : objective
  ),
  "has no gradient in reinforcement": gradientOf((objective) =>
    reads("advantage")(objective) ? { ...objective, loss: Objective.stopGradient(objective.loss) } : objective
  ),
  "has no gradient of the entropy": gradientOf((objective) =>
    objective.name === "with an entropy bonus"
      ? {
        ...objective,
        loss: Objective.add(
          Objective.grpo().loss,
          Objective.stopGradient(Objective.sub(objective.loss, Objective.grpo().loss))
        )
      }
      : objective
  ),
  "has no gradient of the critic": gradientOf((objective) =>
    objective.name === "a critic" ? { ...objective, loss: Objective.stopGradient(objective.loss) } : objective
  ),
  "has the gradient of another temperature": forward((forward) => (batch, objective, options) =>
    Effect.flatMap(
      forward(batch, { ...objective, loss: Objective.stopGradient(objective.loss) }, options),
      (found) => Effect.as(forward(batch, objective), found)
    )
  ),
  "never clips": gradientOf((objective) =>
    objective.name === "grpo"
      ? { ...objective, loss: Objective.neg(Objective.mul(Objective.ratio, Objective.advantage)) }
      : objective
  ),
  "reports half the entropy": forward((forward) => (batch, objective, options) =>
    Effect.map(forward(batch, objective, options), (found) => ({
      ...found,
      ...(found.entropies === undefined
        ? {}
        : { entropies: found.entropies.map((group) => group.map((list) => list.map((x) => x / 2))) })
    }))
  ),
  "reports a loss that it did not compute": forward((forward) => (batch, objective, options) =>
    Effect.map(
      forward(batch, objective, options),
      (found) => ({ ...found, loss: reads("advantage")(objective) ? 0 : found.loss })
    )
  ),
  ...Object.fromEntries((["beta1", "beta2", "epsilon", "weightDecay", "maxGradNorm"] as const).map((name) => [
    `declares ${name} and ignores it`,
    (learner: Service): Service => ({ ...learner, optimStep: ({ [name]: _, ...step }) => learner.optimStep(step) })
  ])),
  "couples the decay to the gradient": (learner) => ({
    ...learner,
    optimStep: (step) =>
      learner.optimStep({ ...step, weightDecay: (step.weightDecay ?? 0) / ((step.epsilon ?? 0) + 1) })
  }),
  "refuses a step without a gradient": (learner) => {
    let kept = false
    return {
      ...learner,
      forwardBackward: (...given) =>
        Effect.tap(learner.forwardBackward(...given), () => Effect.sync(() => void (kept = true))),
      optimStep: (step) =>
        kept ? Effect.tap(learner.optimStep(step), () => Effect.sync(() => void (kept = false))) : refusal
    }
  },
  "saves no moments": (learner) => ({ ...learner, saveState: learner.save, loadState: learner.load }),
  "has a sampler that stays behind": (learner) => ({ ...learner, sampler: TinyModel.makeLearner().sampler })
}

const honest: Readonly<Record<string, (learner: Service) => Service>> = {
  "can do all": (learner) => learner,
  "declares nothing and refuses all that it does not declare": (learner) =>
    refusing(beyondMinimal)(withoutCritic(withoutSettings(declaring(minimal)(learner)))),
  "declares no critic and refuses it": (learner) =>
    refusing(reads("value"))(withoutCritic(declaring({ critic: false })(learner))),
  "declares no entropy and refuses it": (learner) => refusing(reads("entropy"))(declaring({ entropy: false })(learner)),
  "declares no reinforcement and refuses it": (learner) =>
    refusing((objective) => Objective.given(objective).length > 0)(declaring({ reinforcement: false })(learner)),
  "declares no sequence terms and refuses them": (learner) =>
    refusing(overSequences)(declaring({ sequenceTerms: false })(learner)),
  "declares epsilon alone and refuses the other settings": (learner) => {
    const capabilities = { ...learner.capabilities, settings: ["epsilon"] as const }
    return {
      ...learner,
      capabilities,
      optimStep: (step) => Learner.unheeded(capabilities, step).length > 0 ? refusal : learner.optimStep(step)
    }
  }
}

describe("the laws of a learner", () => {
  for (const [title, wrap] of Object.entries(faults)) {
    it.effect(`find out one that ${title}`, () => Effect.map(broken(wrap), (title) => assert.isDefined(title)))
  }
  for (const [title, wrap] of Object.entries(honest)) {
    it.effect(`pass one that ${title}`, () => Effect.map(broken(wrap), (title) => assert.isUndefined(title)))
  }
})

describe("published laws", () => {
  it("wait for nothing: time is a test's clock", () => {
    const files = globSync(join(import.meta.dirname, "../src/testing/*.ts"))
    assert.isAbove(files.length, 5)
    for (const file of files) {
      assert.notMatch(readFileSync(file, "utf8"), /\b(sleep|delay|setTimeout|setInterval|timeoutOption)\b/, file)
    }
  })
})

describe("what an objective needs", () => {
  const all = declaring({})(TinyModel.makeLearner()).capabilities
  const cases: ReadonlyArray<readonly [Objective.Objective, ReadonlyArray<keyof Learner.Capabilities>]> = [
    [Objective.sft, []],
    [Objective.reinforce, ["reinforcement"]],
    [Objective.grpo({ beta: 0.1 }), ["reinforcement"]],
    [Objective.gspo(), ["reinforcement", "sequenceTerms"]],
    [Objective.withEntropy(Objective.sft, 0.1), ["entropy"]],
    [Objective.valueLoss(), ["critic", "reinforcement"]],
    [Objective.withTerm(Objective.withEntropy(Objective.ppo(), 0.1), Objective.valueLoss(), 0.5), [
      "critic",
      "entropy",
      "reinforcement"
    ]],
    [Objective.withCorrection(Objective.dapo(), { level: "sequence", mode: "mask", cap: 2 }), [
      "reinforcement",
      "sequenceTerms"
    ]]
  ]
  for (const [objective, needed] of cases) {
    it(objective.name, () => {
      assert.deepStrictEqual(Learner.missing(minimal, objective), needed)
      assert.deepStrictEqual(Learner.missing(all, objective), [])
    })
  }

  it("settings that are given and not heeded", () => {
    const step = { learningRate: 1, beta1: 0.5, epsilon: 1e-8 }
    assert.deepStrictEqual(Learner.unheeded(minimal, step), ["beta1", "epsilon"])
    assert.deepStrictEqual(Learner.unheeded({ ...minimal, settings: ["beta1"] }, step), ["epsilon"])
    assert.deepStrictEqual(Learner.unheeded(all, step), [])
  })
})
