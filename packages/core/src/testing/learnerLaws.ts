import type * as Layer from "effect/Layer"
import type { Learner } from "../rl/Learner.ts"
import { type Law, register } from "./law.ts"
import { objectiveLaws } from "./learnerObjectiveLaws.ts"
import { stepLaws } from "./learnerStepLaws.ts"
import type { LearnerLawsOptions } from "./learnerSupport.ts"

/**
 * The laws of a `Learner` as effects, for another test runner than vitest. Each needs a learner of its own, since steps
 * change its weights.
 *
 * @example
 * ```typescript
 * import { lawsOfLearner } from "@memory-r1/core/testing"
 * import { Effect } from "effect"
 * import { test } from "node:test"
 *
 * for (const { check, title } of lawsOfLearner()) {
 *   test(title, () => Effect.runPromise(Effect.scoped(Effect.provide(check, layer))))
 * }
 * ```
 */
export const lawsOfLearner = (
  options: LearnerLawsOptions = {}
): ReadonlyArray<Law<Learner>> => [...objectiveLaws(options), ...stepLaws(options)]

/**
 * The laws of a `Learner`, as a vitest suite over a layer.
 *
 * Use it in the test file of every training engine; a small model with random weights does. The layer is built anew for
 * every law, since steps change its weights. The laws: log-probabilities agree with the learner's sampler, losses agree
 * with `Objective.evaluate`, gradients are the slopes of the losses, add up and vanish where they should, steps are
 * those of AdamW, lower the loss and raise what has the higher advantage, the sampler follows, a checkpoint restores
 * the weights, and a saved state continues as it would have.
 *
 * An engine has to do what its `capabilities` declare, and to refuse the rest with a `LearnerError`. Declaring less is
 * honest. Declaring and refusing is a failure, and so is a number that was not declared.
 *
 * @example
 * ```typescript
 * import { learnerLaws } from "@memory-r1/core/testing"
 * import { OnnxLearner } from "@memory-r1/backend-onnx"
 *
 * learnerLaws("onnx", OnnxLearner.layer("models/tiny"))
 * ```
 */
export const learnerLaws = <E>(name: string, live: Layer.Layer<Learner, E>, options: LearnerLawsOptions = {}): void =>
  register(`Learner laws: ${name}`, lawsOfLearner(options), live, options.timeout ?? 60_000)
