/**
 * What the quickstart measured: the document that it prints, leaves in `results.json`, and that the report page shows.
 */
import * as Schema from "effect/Schema"
import * as WorldEvaluation from "./WorldEvaluation.ts"

/**
 * Results by system. `addOnly` reads with the warm-start answer agent, `addOnlyRlReader` with the trained one, as do
 * `bothRl` and `oracle`.
 */
export const Systems = Schema.Struct({
  addOnly: WorldEvaluation.Result,
  addOnlyRlReader: WorldEvaluation.Result,
  warmStart: WorldEvaluation.Result,
  managerRl: WorldEvaluation.Result,
  bothRl: WorldEvaluation.Result,
  oracle: WorldEvaluation.Result
})
export interface Systems extends Schema.Schema.Type<typeof Systems> {}

/**
 * The systems in the order of tables, with the names that they are shown under.
 */
export const systems: ReadonlyArray<readonly [key: keyof Systems, name: string]> = [
  ["addOnly", "ADD-only"],
  ["addOnlyRlReader", "ADD-only, RL answers"],
  ["warmStart", "warm start"],
  ["managerRl", "manager RL"],
  ["bothRl", "both RL"],
  ["oracle", "oracle operations"]
]

/**
 * A decision before and after training.
 */
export const Change = Schema.Struct({
  kind: Schema.String,
  turn: Schema.String,
  memories: Schema.Array(Schema.String),
  before: Schema.String,
  after: Schema.String
})
export interface Change extends Schema.Schema.Type<typeof Change> {}

/**
 * One moment in the history of a bank: what was said, what was decided, and the memories after it.
 */
export const Moment = Schema.Struct({
  fact: Schema.String,
  decision: Schema.String,
  memories: Schema.Array(Schema.String)
})
export interface Moment extends Schema.Schema.Type<typeof Moment> {}

/**
 * The whole document: `results` on held-out people and values, `resultsNewPhrasings` with held-out phrasings too;
 * `probe` is the case that memory layers are known to get wrong; `history` is what becomes of the bank of one held-out dialogue, decision by
 * decision, before and after training; paths are relative to the working directory.
 */
export const QuickstartResult = Schema.Struct({
  seed: Schema.Int,
  algorithm: Schema.String,
  order: Schema.Literals(["answer-first", "manager-first"]),
  seconds: Schema.Finite,
  peakRssBytes: Schema.Int,
  results: Systems,
  resultsNewPhrasings: Systems,
  probe: Change,
  changes: Schema.Array(Change),
  history: Schema.optionalKey(Schema.Struct({ before: Schema.Array(Moment), after: Schema.Array(Moment) })),
  run: Schema.String,
  report: Schema.String
})
export interface QuickstartResult extends Schema.Schema.Type<typeof QuickstartResult> {}
