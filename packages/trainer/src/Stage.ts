/**
 * A stage of training: what each of its steps learns from. The trainer does the rest.
 *
 * `PolicyGradient.stage` makes one of an environment and an algorithm, `Sft.stage` one of demonstrations.
 *
 * @since 0.1.0
 */
import type { Retriever } from "@memory-r1/core"
import type { Cursor, Learner, Objective, Sampler } from "@memory-r1/core/rl"
import type { AiError } from "effect/ai"
import type * as Effect from "effect/Effect"
import type { CheckpointsError } from "./Checkpoints.ts"
import type { RunLogError, Transcript } from "./RunLog.ts"
import type { TrainingError } from "./TrainingError.ts"
import type { Measured } from "./Validation.ts"

/**
 * What can go wrong besides the failures of an environment.
 *
 * @category errors
 * @since 0.1.0
 */
export type Failure =
  | AiError.AiError
  | CheckpointsError
  | Cursor.CursorError
  | Learner.LearnerError
  | Retriever.RetrieverError
  | RunLogError
  | Sampler.SamplerError
  | TrainingError

/**
 * One optimizer step: the gradient of an objective over prompt groups, then AdamW.
 *
 * - `role`: the log has the loss of the `policy` as `loss`, that of the `critic` as `valueLoss`.
 * - `temperature`: at which the tokens were sampled; 1 by default.
 * - `valueLoss`: the critic's part of the objective, where policy and critic share a network.
 *
 * @category models
 * @since 0.1.0
 */
export interface Update {
  readonly role: "critic" | "policy"
  readonly learner: Learner.Service
  readonly groups: ReadonlyArray<Learner.PromptGroup>
  readonly objective: Objective.Objective
  readonly optimStep: Learner.OptimStep
  readonly temperature?: number | undefined
  readonly valueLoss?: Objective.Objective | undefined
}

/**
 * What a step does.
 *
 * - `updates`: in their order; none where the batch teaches nothing.
 * - `metrics`: what the log should say, given how many seconds the step took.
 * - `rewards`: what each trajectory earned.
 * - `transcript`: what was written, where the log should show it.
 * - `maxMismatch`: how far the sampler's log-probability of a token may be from the learner's before the first update.
 * - `nextBeta`: the weight of the KL term in the next step.
 *
 * @category models
 * @since 0.1.0
 */
export interface Step {
  readonly updates: ReadonlyArray<Update>
  readonly metrics: (seconds: number) => Readonly<Record<string, number>>
  readonly rewards?: ReadonlyArray<number> | undefined
  readonly transcript?: Effect.Effect<Transcript> | undefined
  readonly maxMismatch?: number | undefined
  readonly nextBeta?: number | undefined
}

/**
 * Where the trainer is when it asks for a step, counted from 0.
 *
 * - `isResumed`: this is the first step after a resume.
 * - `drawnIn`: gives an effect the random numbers of an earlier step.
 *
 * @category models
 * @since 0.1.0
 */
export interface At {
  readonly step: number
  readonly beta: number
  readonly isResumed: boolean
  readonly drawnIn: (step: number) => <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/**
 * - `name`: in the log.
 * - `next`: what the next step learns from. What it draws from Effect's `Random` are the numbers of this step.
 * - `learners`: all learners that the stage uses, by the names of their folders; `trained` names those that it trains.
 * - `isStart`: later stages begin from the folder that this one leaves, so that its learners are in no later
 *   checkpoint.
 * - `beta`: the first weight of a KL term; 0 by default.
 * - `cursor`: where the data stand.
 * - `measure`: how well the agents do on validation data.
 *
 * @category models
 * @since 0.1.0
 */
export interface Stage<E = never> {
  readonly name: string
  readonly steps: number
  readonly next: (at: At) => Effect.Effect<Step, E | Failure>
  readonly learners: Readonly<Record<string, Learner.Service>>
  readonly trained: ReadonlyArray<string>
  readonly isStart?: boolean | undefined
  readonly beta?: number | undefined
  readonly cursor?: Cursor.Cursor | undefined
  readonly measure?: Effect.Effect<Measured, Failure> | undefined
}
