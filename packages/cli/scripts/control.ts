// The control of docs/quickstart.md: the warm start with as many more seconds of supervised training, from the same
// teacher on the same dialogues, as `npm start` gives to reinforcement learning; measured on the same held-out
// dialogues. Usage: node packages/cli/scripts/control.ts [SEED] [STEPS] [HELD_OUT_SEED]
import * as NodeServices from "@effect/platform-node/NodeServices"
import { OnnxLearner, OnnxModel } from "@memory-r1/backend-onnx"
import { AnswerAgent, MemoryManager, Retriever } from "@memory-r1/core"
import { type Learner } from "@memory-r1/core/rl"
import { MemoryWorld, WorldEvaluation } from "@memory-r1/memory-world"
import { directory as nano } from "@memory-r1/nano"
import { Agents, Recipe, RunLog, TrainConfig, Trainer } from "@memory-r1/trainer"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Settings from "../src/quickstart/settings.ts"
import { registry } from "../src/registry.ts"

const [seed = 1, steps = 420, first = Settings.heldOutSeed(seed)] = process.argv.slice(2).map(Number)
const folder = mkdtempSync(join(tmpdir(), "control-"))

const percent = (share: number | undefined): string => share === undefined ? "-" : (100 * share).toFixed(1)

const measured = Effect.fnUntraced(function*(name: string, learner: Learner.Service, limits: Agents.Limits) {
  for (const phrasing of ["train", "heldOut"] as const) {
    const from = phrasing === "train" ? first : first + 500
    const worlds = Array.from(
      { length: Settings.defaults.grpo.heldOutDialogues },
      (_, i) => MemoryWorld.generate(from + i, { values: "heldOut", phrasing })
    )
    const played = yield* WorldEvaluation.play(worlds, { perFact: limits.perFact, phrasing }).pipe(
      Effect.provideService(MemoryManager.MemoryManager, Agents.managerOf(learner.sampler, limits))
    )
    const { byAnswerKind, exactMatch, intervals, operationAccuracy } = yield* WorldEvaluation.measure(
      worlds,
      played,
      limits
    ).pipe(
      Effect.provideService(AnswerAgent.AnswerAgent, Agents.answerAgentOf(learner.sampler, limits))
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

const program = Effect.gen(function*() {
  // The dialogues that the quickstart trains on.
  const { data } = yield* Settings.configOf({ seed, algorithm: "grpo", order: "answer-first", model: nano })
  const config = yield* TrainConfig.decode({
    seed,
    model: { directory: nano },
    data,
    stages: [{
      kind: "sft",
      steps,
      groupsPerStep: 16,
      managerShare: 0.75,
      samples: 3,
      learningRate: { peak: 3e-4, warmup: 10, decayFrom: 0.3, floor: 0.03 }
    }]
  }, registry)
  const { learner } = yield* OnnxLearner.make(yield* OnnxModel.load(nano), { microBatchTokens: 4096 })
  const { limits, stages } = yield* Recipe.make({ config, registry, folder, learners: () => Effect.succeed(learner) })
  yield* measured("warm start", learner, limits)
  const started = Date.now()
  yield* Trainer.run(stages, { seed })
  yield* Console.log(`${steps} steps in ${Math.round((Date.now() - started) / 1000)} s`)
  yield* measured("more SFT", learner, limits)
})

await Effect.runPromise(program.pipe(
  Effect.scoped,
  Effect.provide([Retriever.layerBm25, RunLog.layerMemory([])]),
  Effect.provide(NodeServices.layer)
))
