/**
 * The port for training: token in, gradient kept inside, weights out.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import * as Objective from "./Objective.ts"
import type { Sampler, Sequences } from "./Sampler.ts"

/**
 * Training failed, or was asked for something that this engine would compute wrongly. `reason` says what, in one line.
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
 * one number per token; `advantage` may be one number for all tokens. Tokens with `mask` 0 are context: they are
 * attended to, but carry no loss.
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
 */
export interface PromptGroup {
  readonly prompt: ReadonlyArray<number>
  readonly completions: ReadonlyArray<TrainingCompletion>
}

/**
 * One number for each token of each completion of each group.
 */
export type PerToken = ReadonlyArray<ReadonlyArray<Float32Array>>

/**
 * What a forward and backward pass found: the loss, and, under the weights before the step, the log-probabilities of
 * the completions' tokens and the quantities `entropy` and `value` where the objective reads them.
 */
export interface ForwardBackward {
  readonly loss: number
  readonly logprobs: PerToken
  readonly entropies?: PerToken | undefined
  readonly values?: PerToken | undefined
}

/**
 * One step of AdamW (Loshchilov and Hutter 2019); with `weightDecay` 0, the default, it is Adam (Kingma and Ba 2015).
 * Gradients whose global norm is above `maxGradNorm` are scaled down to it.
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
 * The settings of a step that an engine may be without.
 */
export type OptimSetting = Exclude<keyof OptimStep, "learningRate">

/**
 * What a learner can do. It does what it declares, and refuses the rest with a `LearnerError` that changes nothing;
 * `learnerLaws` checks both. Losses of `logp` alone, such as supervised fine-tuning, are what every learner can do.
 *
 * - `critic`: it has a value head: objectives may read `value`, and `values` gives it.
 * - `entropy`: objectives may read `entropy`.
 * - `fullFineTuning`: all weights are trained, not those of an adapter alone.
 * - `reinforcement`: objectives may read what a batch gives beside its tokens: `advantage`, `oldLogp`, `refLogp` and so
 *   on.
 * - `sequenceTerms`: objectives may hold means and sums over a completion, as that of GSPO does.
 * - `settings`: those of `OptimStep` that it heeds.
 *
 * The last three are for engines that can do less: whoever leaves them out can do all.
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
 * What a learner would need for an objective and does not have. Use it in an engine, to refuse what it would compute
 * wrongly.
 *
 * @example
 * ```ts
 * import { Learner, Objective } from "@memory-r1/core"
 *
 * const capabilities = { critic: false, entropy: true, fullFineTuning: true }
 * Learner.missing(capabilities, Objective.grpo()) // => []
 * Learner.missing(capabilities, Objective.valueLoss()) // => ["critic"]
 * Learner.missing({ ...capabilities, reinforcement: false }, Objective.gspo()) // => ["reinforcement"]
 * ```
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
 * The settings of a step that a learner does not heed. Use it in an engine, to refuse the step.
 */
export const unheeded = ({ settings }: Capabilities, step: OptimStep): ReadonlyArray<OptimSetting> =>
  settings === undefined
    ? []
    : Struct.keys(step).filter((name): name is OptimSetting =>
      name !== "learningRate" && step[name] !== undefined && !settings.includes(name)
    )

/**
 * The learner.
 *
 * - `forwardBackward`: adds the gradient of the objective over the batch to the gradient that is kept.
 * - `optimStep`: moves the weights by the kept gradient and forgets it; gives the gradient's norm before clipping.
 * - `save`, `load`: weights as a checkpoint directory.
 * - `saveState`, `loadState`: weights with all that the optimiser knows. A learner of the same model that loads what
 *   another one saved goes on as that one does, bit for bit where the engine repeats itself. A gradient that is kept is
 *   neither saved nor survives `loadState`.
 * - `sampler`: a sampler over the current weights; it follows every later step.
 * - `values`: the critic's estimates before each token of given completions; a learner without a critic fails.
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
 * The tag of the service.
 */
export class Learner extends Context.Service<Learner, Service>()("@memory-r1/core/Learner") {}
