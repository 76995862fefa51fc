// The control of docs/quickstart.md: the warm start with as many more seconds of supervised training, from the same
// teacher on the same dialogues, as `npm start` gives to reinforcement learning; measured on the same held-out
// dialogues. Usage: node packages/cli/scripts/control.ts [SEED] [STEPS] [HELD_OUT_SEED]
import * as NodeServices from "@effect/platform-node/NodeServices"
import { OnnxLearner, OnnxModel } from "@memory-r1/backend-onnx"
import { AnswerAgent, MemoryManager, Retriever } from "@memory-r1/core"
import { type Learner } from "@memory-r1/core/rl"
import { MemoryWorld, WorldEvaluation } from "@memory-r1/memory-world"
import { directory as nano } from "@memory-r1/nano"
import { Pipeline, RunLog, TrainConfig } from "@memory-r1/trainer"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Settings from "../src/quickstart/settings.ts"
import * as Sources from "../src/Sources.ts"

const [seed = 1, steps = 420, first = Settings.heldOutSeed(seed)] = process.argv.slice(2).map(Number)
const { limits } = Settings

const percent = (share: number | undefined): string => share === undefined ? "-" : (100 * share).toFixed(1)

const measured = Effect.fnUntraced(function*(name: string, learner: Learner.Service) {
  for (const phrasing of ["train", "heldOut"] as const) {
    const from = phrasing === "train" ? first : first + 500
    const worlds = Array.from(
      { length: Settings.defaults.grpo.heldOutDialogues },
      (_, i) => MemoryWorld.generate(from + i, { values: "heldOut", phrasing })
    )
    const played = yield* WorldEvaluation.play(worlds, { perFact: limits.perFact, phrasing }).pipe(
      Effect.provideService(MemoryManager.MemoryManager, Pipeline.managerOf(learner, limits))
    )
    const { byAnswerKind, exactMatch, intervals, operationAccuracy } = yield* WorldEvaluation.measure(
      worlds,
      played,
      limits
    ).pipe(
      Effect.provideService(AnswerAgent.AnswerAgent, Pipeline.answerAgentOf(learner, limits))
    )
    const { high, low } = intervals.exactMatch
    const kinds = Object.entries(byAnswerKind).map(([kind, of]) => `${kind} ${percent(of.exactMatch)}`)
    const events = Object.entries(operationAccuracy.byEvent).map(([kind, share]) => `${kind} ${percent(share)}`)
    yield* Console.log(
      `${name}, ${phrasing === "train" ? "people and values" : "phrasings too"}: EM ${percent(exactMatch)} (${
        percent(low)
      }-${percent(high)}), ${kinds.join(", ")}; ` +
        `right ${percent(operationAccuracy.overall)}, ${events.join(", ")}`
    )
  }
})

const { stages } = await Effect.runPromise(TrainConfig.decode({
  model: { directory: nano },
  data: { dataset: "memory-world" },
  stages: [{
    kind: "sft",
    steps,
    groupsPerStep: 16,
    managerShare: 0.75,
    samples: 3,
    learningRate: { peak: 3e-4, warmup: 10, decayFrom: 0.3, floor: 0.03 }
  }]
}))
const [stage] = stages

const program = Effect.gen(function*() {
  const options = { microBatchTokens: 4096 }
  const { learner } = yield* OnnxLearner.make(yield* OnnxModel.load(nano), options)
  yield* measured("warm start", learner)
  const started = Date.now()
  if (stage.kind === "sft") {
    const sources = Sources.memoryWorld({
      ...Settings.training(seed, 0),
      perFact: limits.perFact,
      perSpeaker: limits.perSpeaker
    })
    yield* Pipeline.supervised(learner, stage, sources)
  }
  yield* Console.log(`${steps} steps in ${Math.round((Date.now() - started) / 1000)} s`)
  yield* measured("more SFT", learner)
})

await Effect.runPromise(program.pipe(
  Effect.scoped,
  Random.withSeed(seed),
  Effect.provide([Retriever.layerBm25, RunLog.layerMemory([])]),
  Effect.provide(NodeServices.layer)
))
