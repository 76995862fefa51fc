/**
 * The command tree. Names and JSON documents are fixed: other programs call them.
 *
 * @since 0.1.0
 */
import * as Command from "effect/cli/Command"
import type * as Bench from "./commands/bench.ts"
import { convert } from "./commands/convert.ts"
import { doctor } from "./commands/doctor.ts"
import { evaluate, score } from "./commands/evaluate.ts"
import { generate } from "./commands/generate.ts"
import { inspect } from "./commands/inspect.ts"
import { mcp } from "./commands/mcp.ts"
import { memory } from "./commands/memory.ts"
import { merge } from "./commands/merge.ts"
import { quickstart } from "./commands/quickstart.ts"
import { report } from "./commands/report.ts"
import { train } from "./commands/train.ts"
import { shared } from "./shared.ts"

/**
 * `memory-r1`, with the benchmarks that are there.
 *
 * @category running
 * @since 0.1.0
 */
export const root = (bench: Bench.Bench) =>
  Command.make("memory-r1").pipe(
    Command.withDescription("Agent memory that learns: train, evaluate and inspect Memory-R1 agents"),
    Command.withSharedFlags(shared),
    Command.withSubcommands([
      quickstart,
      train,
      evaluate,
      score,
      generate,
      inspect,
      convert,
      merge,
      bench,
      memory,
      mcp,
      report,
      doctor
    ])
  )
