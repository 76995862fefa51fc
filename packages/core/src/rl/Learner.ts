/**
 * The port for training: tokens in, gradients kept inside, weights out.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import * as Objective from "./Objective.ts"
import type { Sampler, Sequences } from "./Sampler.ts"

/**
 * Training failed, or the engine would compute the request incorrectly. `reason` says why, in one line.
 *
 * @category errors
 * @since 0.1.0
 */
export class LearnerError extends Schema.TaggedError<LearnerError>()("LearnerError", {
  reason: Schema.String,
  cause: Schema.optional(Schema.Defect())
}) {
  override get message(): string {
    return this.reason
  }
}

/**
 * One completion to learn from, with the quantities that the objective reads; see `Objective.Quantity`. Every list has
 * one number per token; `advantage` may be one number for all tokens. Tokens with `mask` 0 are context: the model
 * attends to them, but they carry no loss.
 *
 * @category models
 * @since 0.1.0
 */
export interface TrainingCompletion {
  readonly tokens: ReadonlyArray<number>
  readonly mask?: ArrayLike<number> | undefined
  readonly advantage?: number | ArrayLike<number> | undefined
  readonly oldLogp?: ArrayLike<number> | undefined
  readonly samplerLogp?: ArrayLike<number> | undefined
  readonly refLogp?: ArrayLike<number> | undefined
  readonly oldValue?: ArrayLike<number> | undefined
  readonly returns?: ArrayLike<number> | undefined
}

/**
 * The unit of a batch: one prompt and its completions. An engine may compute the shared prompt once.
 *
 * @category models
 * @since 0.1.0
 */
export interface PromptGroup {
  readonly prompt: ReadonlyArray<number>
  readonly completions: ReadonlyArray<TrainingCompletion>
}

/**
 * One number for each token of each completion of each group.
 *
 * @category models
 * @since 0.1.0
 */
export type PerToken = ReadonlyArray<ReadonlyArray<Float32Array>>

/**
 * The result of a forward and backward pass: the loss and, with the weights before the step, the log-probabilities of
 * the completion tokens. `entropies` and `values` are present if the objective reads `entropy` and `value`.
 *
 * @category models
 * @since 0.1.0
 */
export interface ForwardBackward {
  readonly loss: number
  readonly logprobs: PerToken
  readonly entropies?: PerToken | undefined
  readonly values?: PerToken | undefined
}

/**
 * One step of AdamW (Loshchilov and Hutter 2019). With `weightDecay` 0, the default, it is Adam (Kingma and Ba 2015).
 * Gradients with a global norm above `maxGradNorm` are scaled down to it.
 *
 * @category models
 * @since 0.1.0
 */
export interface OptimStep {
  readonly learningRate: number
  readonly beta1?: number | undefined
  readonly beta2?: number | undefined
  readonly epsilon?: number | undefined
  readonly weightDecay?: number | undefined
  readonly maxGradNorm?: number | undefined
}

/**
 * A setting of a step that an engine may not support.
 *
 * @category models
 * @since 0.1.0
 */
export type OptimSetting = Exclude<keyof OptimStep, "learningRate">

/**
 * What a learner can do. It must do what it declares, and refuse the rest with a `LearnerError` that changes nothing;
 * `learnerLaws` checks both. Every learner supports losses of `logp` alone, such as supervised fine-tuning.
 *
 * - `critic`: it has a value head. Objectives may read `value`, and `values` returns it.
 * - `entropy`: objectives may read `entropy`.
 * - `fullFineTuning`: all weights are trained, not only those of an adapter.
 * - `reinforcement`: objectives may read quantities that a batch provides besides its tokens: `advantage`, `oldLogp`,
 *   `refLogp` and so on.
 * - `sequenceTerms`: objectives may contain means and sums over a completion, as in GSPO.
 * - `settings`: the settings of `OptimStep` that it supports.
 *
 * The last three are for engines with fewer capabilities. If omitted, the engine supports everything.
 *
 * @category models
 * @since 0.1.0
 */
export interface Capabilities {
  readonly critic: boolean
  readonly entropy: boolean
  readonly fullFineTuning: boolean
  readonly reinforcement?: boolean | undefined
  readonly sequenceTerms?: boolean | undefined
  readonly settings?: ReadonlyArray<OptimSetting> | undefined
}

/**
 * What an objective needs and the learner does not have. Use it in an engine to refuse what it would compute
 * incorrectly.
 *
 * @example
 * ```ts
 * import { Learner, Objective } from "@memory-r1/core/rl"
 *
 * const capabilities = { critic: false, entropy: true, fullFineTuning: true }
 * Learner.missing(capabilities, Objective.grpo()) // => []
 * Learner.missing(capabilities, Objective.valueLoss()) // => ["critic"]
 * Learner.missing({ ...capabilities, reinforcement: false }, Objective.gspo()) // => ["reinforcement"]
 * ```
 *
 * @category getters
 * @since 0.1.0
 */
export const missing = (
  capabilities: Capabilities,
  objective: Objective.Objective
): ReadonlyArray<keyof Capabilities> => {
  const read = Objective.quantities(objective)
  let overSequences = false
  Objective.visit(objective.loss, (expr) => {
    overSequences ||= expr._tag === "Unary" && (expr.op === "sequenceMean" || expr.op === "sequenceSum")
  })
  const needed: ReadonlyArray<readonly [keyof Capabilities, boolean]> = [
    ["critic", read.has("value")],
    ["entropy", read.has("entropy")],
    ["reinforcement", Objective.given(objective).length > 0],
    ["sequenceTerms", overSequences]
  ]
  return needed.flatMap(([name, isNeeded]) => isNeeded && capabilities[name] === false ? [name] : [])
}

/**
 * The settings of a step that a learner does not support. Use it in an engine to refuse the step.
 *
 * @category getters
 * @since 0.1.0
 */
export const unheeded = ({ settings }: Capabilities, step: OptimStep): ReadonlyArray<OptimSetting> =>
  settings === undefined
    ? []
    : Struct.keys(step).filter((name): name is OptimSetting =>
      name !== "learningRate" && step[name] !== undefined && !settings.includes(name)
    )

/**
 * - `forwardBackward`: adds the gradient of the objective over the batch to the kept gradient.
 * - `optimStep`: updates the weights with the kept gradient and clears it; returns the norm of the gradient before
 *   clipping.
 * - `save`, `load`: the weights, as a checkpoint directory.
 * - `saveState`, `loadState`: the weights and the state of the optimizer. A learner of the same model that loads a
 *   saved state continues exactly like the learner that saved it, bit for bit if the engine is deterministic. The kept
 *   gradient is not saved, and does not survive `loadState`.
 * - `sampler`: a sampler over the current weights; it follows every later step.
 * - `values`: the critic's estimates before each token of the given completions; fails for a learner without a critic.
 *
 * @category models
 * @since 0.1.0
 */
export interface Service {
  readonly capabilities: Capabilities
  readonly forwardBackward: (
    batch: ReadonlyArray<PromptGroup>,
    objective: Objective.Objective,
    options?: { readonly temperature?: number | undefined }
  ) => Effect.Effect<ForwardBackward, LearnerError>
  readonly optimStep: (step: OptimStep) => Effect.Effect<{ readonly gradNorm: number }, LearnerError>
  readonly save: (directory: string) => Effect.Effect<void, LearnerError>
  readonly load: (directory: string) => Effect.Effect<void, LearnerError>
  readonly saveState: (directory: string) => Effect.Effect<void, LearnerError>
  readonly loadState: (directory: string) => Effect.Effect<void, LearnerError>
  readonly sampler: Sampler["Service"]
  readonly values: (groups: ReadonlyArray<Sequences>) => Effect.Effect<PerToken, LearnerError>
}

/**
 * The learner as a service.
 *
 * @category services
 * @since 0.1.0
 */
export class Learner extends Context.Service<Learner, Service>()("@memory-r1/core/Learner") {}
