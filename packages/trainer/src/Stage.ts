/**
 * What every stage of reinforcement learning is told, and how it can fail.
 */
import type { Learner, Sampler } from "@memory-r1/core"
import type * as Kl from "./Kl.ts"
import type { RunLogError } from "./RunLog.ts"
import type * as Schedule from "./Schedule.ts"
import type { TrainingError } from "./TrainingError.ts"

/**
 * - `stage`: its name in the log, that of the environment when it is left out.
 * - `groupsPerStep`: tasks of a step, whose completions are sampled at `temperature` (1).
 * - `kl`: a KL term to a reference; none when left out.
 * - `schedule`, `weightDecay` (0), `maxGradNorm` (1): of AdamW.
 * - `transcriptEvery`: how often one group is written to the transcripts (every 10 steps).
 */
export interface Options {
  readonly stage?: string
  readonly steps: number
  readonly groupsPerStep: number
  readonly temperature?: number
  readonly kl?: Kl.Kl
  readonly schedule: Schedule.Schedule
  readonly maxGradNorm?: number
  readonly weightDecay?: number
  readonly transcriptEvery?: number
}

/**
 * What can go wrong beside the environment's own failures.
 */
export type Failure = Learner.LearnerError | RunLogError | Sampler.SamplerError | TrainingError
