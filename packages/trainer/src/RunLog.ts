/**
 * The log of a run: metrics, transcripts and validations, as they come. `RunFolder.layerLog` writes it into a folder.
 *
 * @since 0.1.0
 */
import { messageOf } from "@memory-r1/core"
import { Simulation } from "@memory-r1/core/rl"
import type { Learner, Objective } from "@memory-r1/core/rl"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"

/**
 * The log cannot be written.
 *
 * @category errors
 * @since 0.1.0
 */
export class RunLogError extends Schema.TaggedError<RunLogError>()("RunLogError", {
  file: Schema.String,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `${this.file} cannot be written (${messageOf(this.cause)}); is the folder writable, and is there room?`
  }
}

/**
 * The metrics of one step of a stage by name, and what each completion of the step earned, if anything was sampled.
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

// JSON has null for NaN.
const Figure = Schema.NullOr(Schema.Finite).pipe(Schema.decodeTo(
  Schema.Number,
  SchemaTransformation.transform({
    decode: (value) => value ?? NaN,
    encode: (value) => Number.isFinite(value) ? value : null
  })
))

/**
 * The schema of a line of `transcripts.jsonl`: a prompt and its completions, with what each one was (`labels`, such as
 * the operations of a manager), what it earned, and how that came about (`result`). If a completion was followed by
 * others before it was rewarded, those are `later`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Transcript = Schema.Struct({
  stage: Schema.String,
  step: Schema.Int,
  prompt: Schema.String,
  completions: Schema.Array(Schema.Struct({
    text: Schema.String,
    reward: Figure,
    advantage: Figure,
    parts: Schema.Record(Schema.String, Figure),
    labels: Schema.optional(Schema.Array(Schema.String)),
    result: Schema.String,
    later: Schema.optional(Schema.Array(Schema.String))
  }))
})

/**
 * The type of `Transcript`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Transcript extends Schema.Schema.Type<typeof Transcript> {}

/**
 * The schema of a line of `validations.jsonl`: answers to a few questions and the history of one bank, after a step.
 * See `Validation`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Validation = Schema.Struct({
  stage: Schema.String,
  step: Schema.Int,
  answers: Schema.Array(Schema.Struct({
    id: Schema.String,
    question: Schema.String,
    gold: Schema.String,
    answer: Schema.String,
    right: Schema.Boolean
  })),
  bank: Schema.Array(Simulation.Moment)
})

/**
 * The type of `Validation`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Validation extends Schema.Schema.Type<typeof Validation> {}

/**
 * What a learner was given when it failed.
 *
 * @category models
 * @since 0.1.0
 */
export interface FailedStep {
  readonly stage: string
  readonly step: number
  readonly temperature: number
  readonly objective: Objective.Objective
  readonly batch: ReadonlyArray<Learner.PromptGroup>
}

/**
 * The schema of how many bytes of each file belong to a run up to some moment.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Mark = Schema.Record(Schema.String, Schema.Int)

/**
 * The type of `Mark`.
 *
 * @category models
 * @since 0.1.0
 */
export type Mark = typeof Mark.Type

/**
 * The log of a run.
 *
 * - `metrics`: logs the metrics of a step, and what `Diagnostics` reads in them.
 * - `transcript`, `validation`: what was written, beside the metrics.
 * - `batch`: keeps the batch of a step that failed. Returns the file, or `undefined` if no files are kept.
 * - `mark`: where the log is now.
 *
 * @category models
 * @since 0.1.0
 */
export interface Service {
  readonly metrics: (record: Metrics) => Effect.Effect<void, RunLogError>
  readonly transcript: (record: Transcript) => Effect.Effect<void, RunLogError>
  readonly validation: (record: Validation) => Effect.Effect<void, RunLogError>
  readonly batch: (failed: FailedStep) => Effect.Effect<string | undefined, RunLogError>
  readonly mark: Effect.Effect<Mark, RunLogError>
}

/**
 * The log as a service.
 *
 * @category services
 * @since 0.1.0
 */
export class RunLog extends Context.Service<RunLog, Service>()("@memory-r1/trainer/RunLog") {}

const silent: Service = {
  metrics: () => Effect.void,
  transcript: () => Effect.void,
  validation: () => Effect.void,
  batch: () => Effect.succeed(undefined),
  mark: Effect.succeed({})
}

/**
 * Keeps nothing.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerNone: Layer.Layer<RunLog> = Layer.succeed(RunLog, silent)

/**
 * Appends metrics and transcripts to a list. Use it in tests, and in programs that show progress themselves.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemory = (records: Array<Metrics | Transcript>): Layer.Layer<RunLog> => {
  const push = (record: Metrics | Transcript) => Effect.sync(() => void records.push(record))
  return Layer.succeed(RunLog, { ...silent, metrics: push, transcript: push })
}
