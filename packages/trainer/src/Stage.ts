/**
 * What every stage of training is told, how it goes from step to step, and how it can fail.
 */
import type { Retriever } from "@memory-r1/core"
import { Learner } from "@memory-r1/core/rl"
import type { Objective, Sampler } from "@memory-r1/core/rl"
import type { AiError } from "effect/ai"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import type { CheckpointsError } from "./Checkpoints.ts"
import type { Cursor } from "./Cursor.ts"
import type * as Kl from "./Kl.ts"
import { RunLog, type RunLogError } from "./RunLog.ts"
import type * as Schedule from "./Schedule.ts"
import type { TrainingError } from "./TrainingError.ts"

/**
 * Where a stage stands between two steps: steps that were done, the weight of the KL term, and where its data stand.
 * With the state of the learners this is all that the rest of the stage depends on.
 */
export const Position = Schema.Struct({ step: Schema.Int, beta: Schema.Finite, data: Schema.Unknown })
export interface Position extends Schema.Schema.Type<typeof Position> {}

/**
 * What can go wrong beside an environment's own failures.
 */
export type Failure =
  | AiError.AiError
  | CheckpointsError
  | Learner.LearnerError
  | Retriever.RetrieverError
  | RunLogError
  | Sampler.SamplerError
  | TrainingError

/**
 * Hears of every step that was done: to save, to evaluate. Says whether the stage continues.
 */
export type OnStep = (step: number, position: () => Position) => Effect.Effect<boolean, Failure, RunLog>

/**
 * How a stage continues from an earlier one, and who hears of its steps.
 */
export interface Steps {
  readonly steps: number
  readonly from?: Position | undefined
  readonly onStep?: OnStep | undefined
}

/**
 * - `stage`: its name in the log, that of the environment by default.
 * - `groupsPerStep`: tasks of a step, whose completions are sampled at `temperature` (1).
 * - `kl`: a KL term to a reference; none by default.
 * - `schedule`, `weightDecay` (0), `maxGradNorm` (1): of AdamW.
 * - `transcriptEvery`: how often one group is written to the transcripts (every 10 steps).
 * - `from`: where an earlier run of the stage was stopped, at its beginning by default; `onStep` hears of
 *   every step.
 */
export interface Options extends Steps {
  readonly stage?: string | undefined
  readonly groupsPerStep: number
  readonly temperature?: number | undefined
  readonly kl?: Kl.Kl | undefined
  readonly schedule: Schedule.Schedule
  readonly maxGradNorm?: number | undefined
  readonly weightDecay?: number | undefined
  readonly transcriptEvery?: number | undefined
}

/**
 * Runs the steps of a stage, each with random numbers of its own, drawn from Effect's `Random` and the number of the
 * step. So a stage that resumes from a position draws what it would have drawn. `one` makes a step with the present
 * weight of the KL term and gives the next one; `drawnIn` gives an effect the random numbers of an earlier step.
 */
export const loop = Effect.fnUntraced(function*<E, R>(
  { from, onStep = () => Effect.succeed(true), steps }: Steps,
  { beta: first = 0, cursor }: { readonly cursor: Cursor | undefined; readonly beta?: number | undefined },
  one: (
    step: number,
    beta: number,
    drawnIn: (step: number) => <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  ) => Effect.Effect<number, E, R>
) {
  const seed = yield* Random.nextInt
  const drawnIn = (step: number) => Random.withSeed(`${seed}/${step}`)
  if (from !== undefined) yield* cursor?.restore(from.data) ?? Effect.void
  let beta = from?.beta ?? first
  for (let step = from?.step ?? 0; step < steps; step++) {
    beta = yield* drawnIn(step)(one(step, beta, drawnIn))
    const position = (): Position => ({ step: step + 1, beta, data: cursor?.save() ?? null })
    if (!(yield* onStep(step + 1, position))) return
  }
})

/**
 * A pass or a step of a learner; where it fails, as for a loss that is not finite, the log keeps the batch, and the
 * message says where.
 */
export const keepingBatch = (
  batch: ReadonlyArray<Learner.PromptGroup>,
  about: {
    readonly stage: string
    readonly step: number
    readonly objective: Objective.Objective
    readonly temperature?: number | undefined
  }
) =>
<A, R>(effect: Effect.Effect<A, Learner.LearnerError, R>) =>
  Effect.catch(
    effect,
    Effect.fnUntraced(function*(error) {
      const file = yield* (yield* RunLog).batch({ ...about, temperature: about.temperature ?? 1, batch })
      return yield* file === undefined
        ? error
        : new Learner.LearnerError({
          ...error,
          reason: `${error.reason}; the batch of step ${about.step} is in ${file}`
        })
    })
  )
