/**
 * Data sets by the names that configurations use.
 */
import { Demonstrations, MemoryWorld } from "@memory-r1/eval"
import type { Pipeline, TrainConfig } from "@memory-r1/trainer"

/**
 * The Memory World as training data, from dialogue `firstSeed` on.
 */
export const memoryWorld = ({ firstSeed, invented, perFact, perSpeaker }: TrainConfig.TrainConfig["data"]): Pipeline.Sources => {
  const options = { invented, perFact, perSpeaker }
  return {
    episodes: (index) => MemoryWorld.episode(MemoryWorld.generate(firstSeed + index, options)),
    managerDemonstrations: (index) => Demonstrations.manager(firstSeed + index, { ...options, samples: 3 }),
    answerDemonstrations: (index) => Demonstrations.answers(firstSeed + index, options)
  }
}
