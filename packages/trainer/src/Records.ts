/**
 * The lines of a run folder: metrics, transcripts and validations.
 *
 * @since 0.1.0
 */
import type { Simulation } from "@memory-r1/core/rl"

/**
 * One line of `metrics.jsonl`: a stage, a step, numbers by name, and what each completion of the step earned, where
 * there are any.
 *
 * @category models
 * @since 0.1.0
 */
export interface Metrics {
  readonly stage: string
  readonly step: number
  readonly steps: number
  readonly values: Readonly<Record<string, number>>
  readonly rewards?: ReadonlyArray<number> | undefined
}

/**
 * One line of `transcripts.jsonl`: what was asked, what was written, what it earned. Of a sequence `text` is its first
 * decision and `later` those that followed.
 *
 * @category models
 * @since 0.1.0
 */
export interface Transcript {
  readonly stage: string
  readonly step: number
  readonly prompt: string
  readonly completions: ReadonlyArray<{
    readonly text: string
    readonly reward: number
    readonly advantage: number
    readonly parts: Readonly<Record<string, number>>
    readonly labels: ReadonlyArray<string>
    readonly result: string
    readonly later?: ReadonlyArray<string> | undefined
  }>
}

/**
 * One line of `validations.jsonl`: a few answers, and the history of one bank, as they are after a step. See
 * `Validation`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Validated {
  readonly stage: string
  readonly step: number
  readonly answers: ReadonlyArray<
    {
      readonly id: string
      readonly question: string
      readonly gold: string
      readonly answer: string
      readonly right: boolean
    }
  >
  readonly bank: ReadonlyArray<Simulation.Moment>
}
