// GRPO for the Memory Manager on the Memory World, from the embedded checkpoint: two steps, to see every part at work.
// Run: node examples/grpo-memory-world.ts [STEPS]
import { OnnxLearner, OnnxModel } from "@memory-r1/backend-onnx"
import { AnswerAgent, Retriever } from "@memory-r1/core"
import { AnswerFormat, ManagerFormat } from "@memory-r1/core/rl"
import { MemoryWorld } from "@memory-r1/memory-world"
import { directory } from "@memory-r1/nano"
import { Grpo, ManagerEnvironment, PolicyGradient, RunLog, Trainer } from "@memory-r1/trainer"
import { Effect, Layer, Random } from "effect"

const steps = Number(process.argv[2] ?? 2)
const records: Array<RunLog.Metrics | RunLog.Transcript> = []

const program = Effect.gen(function*() {
  const { learner } = yield* OnnxLearner.make(yield* OnnxModel.load(directory))

  // The frozen answer agent turns banks into answers, and answers into rewards.
  const reader = (yield* OnnxLearner.make(yield* OnnxModel.load(directory))).learner.sampler
  const environment = yield* ManagerEnvironment.make({
    episodes: (index) => MemoryWorld.episode(MemoryWorld.generate(42 + index)),
    format: ManagerFormat.compact,
    maxTokens: 72,
    perFact: 8,
    perSpeaker: 12
  }).pipe(
    Effect.provideService(
      AnswerAgent.AnswerAgent,
      AnswerAgent.fromSampler(reader, { format: AnswerFormat.compact, maxTokens: 64 })
    )
  )

  const stage = yield* PolicyGradient.stage({
    environment,
    algorithm: Grpo.make({ groupSize: 4 }),
    learner,
    steps,
    groupsPerStep: 8,
    schedule: { peak: 3e-4, warmup: 1, decayFrom: 1, floor: 0 }
  })
  yield* Trainer.train(stage)
})

await Effect.runPromise(program.pipe(
  Effect.scoped,
  Random.withSeed(1),
  Effect.provide(Layer.merge(Retriever.layerBm25, RunLog.layerMemory(records)))
))
for (const record of records) {
  if ("values" in record) {
    console.log(
      `step ${record.step}: reward ${record.values["reward"]!.toFixed(3)}, ${
        Math.round(record.values["tokensPerSecond"]!)
      } token/s`
    )
  } else console.log(`  ${record.completions[0]!.text}  ->  reward ${record.completions[0]!.reward.toFixed(2)}`)
}
