/**
 * `memory-r1 bench train-step | decode | grpo-step`
 */
import * as Command from "effect/cli/Command"
import { grpoStep } from "../bench/grpoStep.ts"
import { decode, trainStep } from "../bench/parts.ts"

/**
 * The command.
 */
export const bench = Command.make("bench").pipe(
  Command.withDescription("Measure the engine, beside a peer where a Python with it is given"),
  Command.withSubcommands([trainStep, decode, grpoStep])
)
