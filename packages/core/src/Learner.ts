/**
 * The port for training: token in, gradient kept inside, weights out.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Objective } from "./Objective.ts"
import type { Sampler, Sequences } from "./Sampler.ts"

/**
 * Training failed, or was asked for something that this engine would compute wrongly. `reason` says what, in one line.
 */
export class LearnerError extends Schema.TaggedError<LearnerError>()("LearnerError", {
  reason: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return this.reason
  }
}

/**
 * One completion to learn from, with the quantities that the objective reads; see `Objective.Quantity`. Every list has one number per token;
 * `advantage` may be one number for all tokens.
 * Tokens with `mask` 0 are context: they are attended to, but carry no loss.
 */
export interface TrainingCompletion {
  readonly tokens: ReadonlyArray<number>
  readonly mask?: ArrayLike<number>
  readonly advantage?: number | ArrayLike<number>
  readonly oldLogp?: ArrayLike<number>
  readonly samplerLogp?: ArrayLike<number>
  readonly refLogp?: ArrayLike<number>
  readonly oldValue?: ArrayLike<number>
  readonly returns?: ArrayLike<number>
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
 * What a forward and backward pass found: the loss, and, under the weights before the step, the log-probabilities of the completions' tokens
 * and the quantities `entropy` and `value` where the objective reads them.
 */
export interface ForwardBackward {
  readonly loss: number
  readonly logprobs: PerToken
  readonly entropies?: PerToken
  readonly values?: PerToken
}

/**
 * One step of AdamW (Loshchilov and Hutter 2019); with `weightDecay` 0, the default, it is Adam (Kingma and Ba 2015).
 * Gradients whose global norm is above `maxGradNorm` are scaled down to it.
 */
export interface OptimStep {
  readonly learningRate: number
  readonly beta1?: number
  readonly beta2?: number
  readonly epsilon?: number
  readonly weightDecay?: number
  readonly maxGradNorm?: number
}

/**
 * What a learner can do. The trainer refuses a run that needs more.
 *
 * - `critic`: it has a value head: objectives may read `value`, and `values` gives it.
 * - `entropy`: objectives may read `entropy`.
 * - `fullFineTuning`: all weights are trained, not those of an adapter alone.
 */
export interface Capabilities {
  readonly critic: boolean
  readonly entropy: boolean
  readonly fullFineTuning: boolean
}

/**
 * The learner.
 *
 * - `forwardBackward`: adds the gradient of the objective over the batch to the gradient that is kept.
 * - `optimStep`: moves the weights by the kept gradient and forgets it; gives the gradient's norm before clipping.
 * - `save`, `load`: weights as a checkpoint directory.
 * - `saveState`, `loadState`: weights with all that the optimiser knows. A learner of the same model that loads what another one saved goes on
 *   as that one does, bit for bit where the engine repeats itself. A gradient that is kept is neither saved nor survives `loadState`.
 * - `sampler`: a sampler over the current weights; it follows every later step.
 * - `values`: the critic's estimates before each token of given completions; a learner without a critic fails.
 */
export interface Service {
  readonly capabilities: Capabilities
  readonly forwardBackward: (
    batch: ReadonlyArray<PromptGroup>,
    objective: Objective,
    options?: { readonly temperature?: number }
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
