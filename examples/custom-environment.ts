// A run of the trainer with your own parts: an environment (a model learns to name the months), a reward of two
// parts, an advantage, and an objective. Nothing in the trainer knows of any of them. Run: node
// examples/custom-environment.ts [STEPS]
import { OnnxLearner, OnnxModel } from "@memory-r1/backend-onnx"
import { type Environment, Objective, Reward } from "@memory-r1/core/rl"
import { directory } from "@memory-r1/nano"
import { type Advantage, Grpo, PolicyGradient, RunLog, Trainer } from "@memory-r1/trainer"
import { Effect, Random } from "effect"

const steps = Number(process.argv[2] ?? 3)
const months = ["January", "February", "March", "April", "May", "June"]

// A reward is a function from an outcome to a number with its parts; this one is capped, so that the form cannot
// outweigh the content.
interface Outcome {
  readonly text: string
  readonly month: string
}
const reward = Reward.weightedSum<Outcome>([
  [Reward.make("month", ({ month, text }) => text.includes(month) ? 1 : 0), 1],
  [Reward.make("brevity", ({ text }) => -Math.min(1, text.length / 100)), 0.2]
])

// An environment gives groups, says what the policy observes, and what was earned. The members of a group begin in one
// state.
const environment: Environment.Environment<string> = {
  name: "months",
  maxTokens: 12,
  groups: (count) => Effect.succeed(Array.from({ length: count }, (_, i) => ({ state: months[i % months.length]! }))),
  observation: (month) => `Ann: I am going to Oslo in ${month}.\nIn which month?`,
  rewards: (groups) =>
    Effect.succeed(
      groups.map(({ actions, state: month }) =>
        actions.map(({ text }) => ({ reward: reward({ text, month }), labels: ["month"], result: text }))
      )
    )
}

// An advantage is a function of the rewards of all groups: here, whether a completion is the best of its group.
const best: Advantage.Estimator = (groups) =>
  groups.map((rewards) => rewards.map((value) => value === Math.max(...rewards) ? 1 : -1 / (rewards.length - 1)))

// An objective is an expression over tokens: here, a policy gradient whose ratio may rise by half and not fall.
const { advantage, mul, neg, ratio } = Objective
const objective: Objective.Objective = {
  name: "mine",
  loss: neg(mul(Objective.clip(ratio, 1, 1.5), advantage)),
  aggregation: Objective.Aggregation.TokenMean()
}

const records: Array<RunLog.Metrics | RunLog.Transcript> = []
const program = Effect.gen(function*() {
  const { learner } = yield* OnnxLearner.make(yield* OnnxModel.load(directory))
  const stage = yield* PolicyGradient.stage({
    environment,
    algorithm: Grpo.make({ groupSize: 6, objective, advantage: best }),
    learner,
    steps,
    groupsPerStep: 6,
    schedule: { peak: 1e-3, warmup: 1, decayFrom: 1, floor: 0 }
  })
  yield* Trainer.train(stage)
})
await Effect.runPromise(program.pipe(Effect.scoped, Random.withSeed(1), Effect.provide(RunLog.layerMemory(records))))
for (const record of records) {
  if ("values" in record) console.log(`step ${record.step}: reward ${record.values["reward"]!.toFixed(3)}`)
}
