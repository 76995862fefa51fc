/**
 * What the quickstart measured: the document that it prints, leaves in `results.json`, and that the report page shows.
 *
 * @since 0.1.0
 */
import { Simulation } from "@memory-r1/core/rl"
import * as Schema from "effect/Schema"
import * as WorldEvaluation from "./WorldEvaluation.ts"

/**
 * Results by system.
 *
 * - `addOnly`: every turn is added as it was said, and read by the warm-start answer agent. It was taught to read
 *   statements, not turns, so this is a floor. `addOnlyRlReader`: the same banks, read by the trained answer agent.
 * - `warmStart`: both agents before reinforcement learning. `managerRl`: the trained manager with the answer agent from
 *   before.
 * - `addOnlyStatements`: the fair baseline of `bothRl`. Every statement that the trained manager writes is added,
 *   nothing is changed or taken back (`WorldEvaluation.addOnly`), and the same trained answer agent reads.
 * - `bothRl`: both agents trained.
 * - `addOnlyOracle`: the fair baseline of `oracle`, with the oracle's statements.
 * - `oracle`: operations that are always right, and the trained answer agent.
 *
 * Documents of earlier versions lack `addOnlyStatements` and `addOnlyOracle`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Systems = Schema.Struct({
  addOnly: WorldEvaluation.Result,
  addOnlyRlReader: WorldEvaluation.Result,
  warmStart: WorldEvaluation.Result,
  managerRl: WorldEvaluation.Result,
  addOnlyStatements: Schema.optionalKey(WorldEvaluation.Result),
  bothRl: WorldEvaluation.Result,
  addOnlyOracle: Schema.optionalKey(WorldEvaluation.Result),
  oracle: WorldEvaluation.Result
})

/**
 * The type of `Systems`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Systems extends Schema.Schema.Type<typeof Systems> {}

/**
 * The systems in the order of tables, with the names that they are shown under. A baseline stands before what it is the
 * baseline of.
 *
 * @category models
 * @since 0.1.0
 */
export const systems: ReadonlyArray<readonly [key: keyof Systems, name: string]> = [
  ["addOnly", "raw turns, ADD-only"],
  ["addOnlyRlReader", "raw turns, RL answers"],
  ["warmStart", "warm start"],
  ["managerRl", "manager RL"],
  ["addOnlyStatements", "both RL, ADD-only"],
  ["bothRl", "both RL"],
  ["addOnlyOracle", "oracle, ADD-only"],
  ["oracle", "oracle operations"]
]

/**
 * The systems that were measured, in the order of tables.
 *
 * @category getters
 * @since 0.1.0
 */
export const measured = (
  results: Systems
): ReadonlyArray<{ readonly key: keyof Systems; readonly name: string; readonly result: WorldEvaluation.Result }> =>
  systems.flatMap(([key, name]) => {
    const result = results[key]
    return result === undefined ? [] : [{ key, name, result }]
  })

/**
 * A decision before and after training.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Change = Schema.Struct({
  kind: Schema.String,
  turn: Schema.String,
  memories: Schema.Array(Schema.String),
  before: Schema.String,
  after: Schema.String
})

/**
 * The type of `Change`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Change extends Schema.Schema.Type<typeof Change> {}

/**
 * The whole document: `results` on held-out people and values, `resultsNewPhrasings` with held-out phrasings too;
 * `probe` is the case that memory layers are known to get wrong; `history` is what becomes of the bank of one held-out
 * dialogue, decision by decision, before and after training; paths are relative to the working directory.
 *
 * @category schemas
 * @since 0.1.0
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
  history: Schema.optionalKey(
    Schema.Struct({ before: Schema.Array(Simulation.Moment), after: Schema.Array(Simulation.Moment) })
  ),
  run: Schema.String,
  report: Schema.String
})

/**
 * The type of `QuickstartResult`.
 *
 * @category models
 * @since 0.1.0
 */
export interface QuickstartResult extends Schema.Schema.Type<typeof QuickstartResult> {}
