/**
 * `memory-r1 bench train-step | decode | grpo-step | retrieval | store`
 */
import * as Command from "effect/cli/Command"
import { grpoStep } from "./grpoStep.ts"
import { decode, trainStep } from "./parts.ts"
import { retrieval } from "./retrieval.ts"
import { store } from "./store.ts"

/**
 * The command.
 */
export const bench = Command.make("bench").pipe(
  Command.withDescription("Measure the engine and the stores, beside peers where they are given"),
  Command.withSubcommands([trainStep, decode, grpoStep, retrieval, store])
)
