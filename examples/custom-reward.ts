// Your own reward: exact match, else F1, minus a penalty for long answers. Rewards are plain functions with a
// breakdown. Run: node examples/custom-reward.ts
import { Reward, TextMetrics } from "@memory-r1/core/rl"

const brevity = Reward.make(
  "brevity",
  ({ prediction }: Reward.AnswerOutcome) => -Math.max(0, TextMetrics.simpleTokens(prediction).length - 5)
)

const reward = Reward.weightedSum<Reward.AnswerOutcome>([
  [Reward.firstNonZero([Reward.exactMatch, Reward.setF1]), 1],
  [brevity, 0.02]
])

for (const prediction of ["Buddy and Scout", "Scout", "I think that the dogs are called Buddy and Scout", "no idea"]) {
  const { parts, value } = reward({ prediction, gold: "Buddy and Scout" })
  console.log(`${value.toFixed(3).padStart(6)}  ${prediction}  ${JSON.stringify(parts)}`)
}
