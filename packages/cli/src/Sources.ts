/**
 * Data sets by the names that configurations use.
 */
import { Copying, Demonstrations, MemoryWorld } from "@memory-r1/eval"
import type { Pipeline } from "@memory-r1/trainer"

/**
 * The Memory World as training data, from dialogue `firstSeed` on.
 */
export const memoryWorld = ({ firstSeed, ...options }: Demonstrations.Options & { readonly firstSeed: number }): Pipeline.Sources => ({
  episodes: (index) => MemoryWorld.episode(MemoryWorld.generate(firstSeed + index, options)),
  managerDemonstrations: (index, more) => Demonstrations.manager(firstSeed + index, { ...options, ...more }),
  answerDemonstrations: (index, more) => Demonstrations.answers(firstSeed + index, { ...options, ...more }),
  repeats: (index) => Copying.repeats(firstSeed + index),
  lookUps: (index) => Copying.lookUps(firstSeed + index),
  additions: (index) => Copying.additions(firstSeed + index)
})
