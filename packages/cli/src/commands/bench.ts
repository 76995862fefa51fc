/**
 * `memory-r1 bench train-step | decode | grpo-step | retrieval | store`
 */
import * as Command from "effect/cli/Command"
import { grpoStep } from "../bench/grpoStep.ts"
import { decode, trainStep } from "../bench/parts.ts"
import { retrieval } from "../bench/retrieval.ts"
import { store } from "../bench/store.ts"

/**
 * The command.
 */
export const bench = Command.make("bench").pipe(
  Command.withDescription("Measure the engine and the stores, beside peers where they are given"),
  Command.withSubcommands([trainStep, decode, grpoStep, retrieval, store])
)
