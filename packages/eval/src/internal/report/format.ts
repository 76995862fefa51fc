// What a run folder holds: what `RunLog.layerFolder` and the commands write, as the report reads it.
import * as Schema from "effect/Schema"
import * as QuickstartResult from "../../QuickstartResult.ts"

/**
 * `run.json`: the command that made the run, and what it was given.
 */
export const Run = Schema.Struct({
  command: Schema.String,
  seed: Schema.optionalKey(Schema.Int),
  algorithm: Schema.optionalKey(Schema.String),
  order: Schema.optionalKey(Schema.String)
})
export interface Run extends Schema.Schema.Type<typeof Run> {}

/**
 * `status.json`: where the run stands.
 */
export const Status = Schema.Struct({
  state: Schema.Literals(["running", "done", "interrupted", "failed"]),
  stage: Schema.String,
  step: Schema.Int,
  message: Schema.optionalKey(Schema.String)
})
export interface Status extends Schema.Schema.Type<typeof Status> {}

/**
 * `results.json`: what the quickstart measured.
 */
export const Results = QuickstartResult.QuickstartResult

/**
 * A line of `metrics.jsonl`: a stage, a step, and figures by name. `at` is in milliseconds since 1970.
 */
export interface Metrics {
  readonly stage: string
  readonly step: number
  readonly steps?: number
  readonly at?: number
  readonly values: ReadonlyMap<string, number>
}

// JSON has null for what is no number.
const Figure = Schema.NullOr(Schema.Finite)

/**
 * A line of `transcripts.jsonl`: what was asked, what was written, what it earned.
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
      result: Schema.String
    })
  )
})
export interface Transcript extends Schema.Schema.Type<typeof Transcript> {}

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
  readonly run?: Run
  readonly status?: Status
  readonly results?: QuickstartResult.QuickstartResult
  readonly metrics: ReadonlyArray<Metrics>
  readonly transcripts: ReadonlyArray<Transcript>
  readonly skipped: ReadonlyArray<Skipped>
}
