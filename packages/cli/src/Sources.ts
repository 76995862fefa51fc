/**
 * Data sets by the names that configurations use.
 */
import { Copying, Demonstrations, MemoryWorld } from "@memory-r1/eval"
import type { Pipeline, TrainConfig } from "@memory-r1/trainer"

/**
 * The Memory World as training data, from dialogue `firstSeed` on.
 */
export const memoryWorld = ({ firstSeed, invented, perFact, perSpeaker }: TrainConfig.TrainConfig["data"]): Pipeline.Sources => {
  const options = { invented, perFact, perSpeaker }
  return {
    episodes: (index) => MemoryWorld.episode(MemoryWorld.generate(firstSeed + index, options)),
    managerDemonstrations: (index, more) => Demonstrations.manager(firstSeed + index, { ...options, ...more }),
    answerDemonstrations: (index, more) => Demonstrations.answers(firstSeed + index, { ...options, ...more }),
    repeats: (index) => Copying.repeats(firstSeed + index),
    lookUps: (index) => Copying.lookUps(firstSeed + index)
  }
}
