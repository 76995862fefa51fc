// What a run folder holds: what `RunLog.layerFolder` and the commands write, as the report reads it.
import { QuickstartResult } from "@memory-r1/memory-world"
import * as Schema from "effect/Schema"

/**
 * `run.json`: the command that made the run, and what it was given.
 */
export const Run = Schema.Struct({
  command: Schema.String,
  seed: Schema.optional(Schema.Int),
  algorithm: Schema.optional(Schema.String),
  order: Schema.optional(Schema.String)
})
export interface Run extends Schema.Schema.Type<typeof Run> {}

/**
 * `status.json`: where the run stands.
 */
export const Status = Schema.Struct({
  state: Schema.Literals(["running", "done", "interrupted", "failed"]),
  stage: Schema.String,
  step: Schema.Int,
  message: Schema.optional(Schema.String)
})
export interface Status extends Schema.Schema.Type<typeof Status> {}

/**
 * `results.json`: what the quickstart measured.
 */
export const Results = QuickstartResult.QuickstartResult

/**
 * A line of `metrics.jsonl`: a stage, a step, figures by name, and what each completion of the step earned. `at` is in
 * milliseconds since 1970.
 */
export interface Metrics {
  readonly stage: string
  readonly step: number
  readonly steps?: number | undefined
  readonly at?: number | undefined
  readonly values: ReadonlyMap<string, number>
  readonly rewards?: ReadonlyArray<number> | undefined
}

// JSON has null for NaN.
const Figure = Schema.NullOr(Schema.Finite)

/**
 * A line of `transcripts.jsonl`: what was asked, what was written, what it was (`labels`, the operations of a manager),
 * what it earned, and of a sequence what was written after it.
 */
export const Transcript = Schema.Struct({
  stage: Schema.String,
  step: Schema.Int,
  prompt: Schema.String,
  completions: Schema.Array(
    Schema.Struct({
      text: Schema.String,
      reward: Figure,
      advantage: Figure,
      parts: Schema.Record(Schema.String, Figure),
      labels: Schema.optional(Schema.Array(Schema.String)),
      result: Schema.String,
      later: Schema.optional(Schema.Array(Schema.String))
    })
  )
})
export interface Transcript extends Schema.Schema.Type<typeof Transcript> {}

/**
 * A line of `validations.jsonl`: answers to a few questions, and what became of one bank, as the agents were after a
 * step.
 */
export const Validated = Schema.Struct({
  stage: Schema.String,
  step: Schema.Int,
  answers: Schema.Array(
    Schema.Struct({
      id: Schema.String,
      question: Schema.String,
      gold: Schema.String,
      answer: Schema.String,
      right: Schema.Boolean
    })
  ),
  bank: Schema.Array(QuickstartResult.Moment)
})
export interface Validated extends Schema.Schema.Type<typeof Validated> {}

/**
 * A line of `alarms.jsonl`: a sign that a stage goes wrong.
 */
export const Alarm = Schema.Struct({
  stage: Schema.String,
  step: Schema.Int,
  name: Schema.String,
  message: Schema.String
})
export interface Alarm extends Schema.Schema.Type<typeof Alarm> {}

/**
 * Lines that could not be read. `partial`: the last of them is the unfinished end of the file.
 */
export interface Skipped {
  readonly file: string
  readonly lines: number
  readonly partial: boolean
}

/**
 * A run, as far as its folder tells.
 */
export interface Input {
  readonly folder: string
  readonly run?: Run | undefined
  readonly status?: Status | undefined
  readonly results?: QuickstartResult.QuickstartResult | undefined
  readonly metrics: ReadonlyArray<Metrics>
  readonly transcripts: ReadonlyArray<Transcript>
  readonly validations?: ReadonlyArray<Validated> | undefined
  readonly alarms?: ReadonlyArray<Alarm> | undefined
  readonly skipped: ReadonlyArray<Skipped>
}
