// What would another policy have earned? A served manager keeps what it sampled for each decision, and the log is
// scored again under other policies before they serve anyone. Run: node examples/off-policy.ts [DIALOGUES]
import { OnnxLearner, OnnxModel } from "@memory-r1/backend-onnx"
import {
  AnswerAgent,
  FactExtractor,
  MemoryAgent,
  MemoryLog,
  MemoryManager,
  MemoryStore,
  Retriever,
  Scope
} from "@memory-r1/core"
import { ManagerFormat, Sampler } from "@memory-r1/core/rl"
import { MemoryWorld } from "@memory-r1/memory-world"
import { directory } from "@memory-r1/nano"
import { OffPolicy } from "@memory-r1/trainer"
import { Effect, Layer, Random } from "effect"

const dialogues = Number(process.argv[2] ?? 2)

// What a decision earned, as far as the log can say: each memory that is added has a penalty, and so has a text in
// which nothing is an operation.
const reward = ({ decision, edits }: MemoryLog.SampledDecision) =>
  -0.15 * edits.filter(({ _tag }) => _tag === "Add").length -
  (/^(ADD|UPDATE|DELETE|NOOP)/.test(decision.raw ?? "") ? 0 : 0.25)

const program = Effect.gen(function*() {
  const { sampler } = (yield* OnnxLearner.make(yield* OnnxModel.load(directory))).learner
  const store = yield* MemoryStore.MemoryStore

  // Production: a policy that samples, since a greedy one says nothing about what it did not do. Without a seed
  // each decision draws anew.
  const scope = Scope.make({ user: "ann" })
  const manager = MemoryManager.fromSampler(sampler, {
    format: ManagerFormat.compact,
    maxTokens: 72,
    temperature: 1
  })
  for (const world of Array.from({ length: dialogues }, (_, i) => MemoryWorld.generate(42 + i))) {
    for (const { fact } of MemoryWorld.episode(world).steps) {
      yield* MemoryAgent.remember(
        scope,
        { id: fact.sources[0]!, speaker: fact.speaker, text: fact.text, observedAt: fact.observedAt },
        { recordSamples: true }
      ).pipe(Effect.provideService(MemoryManager.MemoryManager, manager))
    }
  }

  // The same decisions under other policies: here the same weights at other temperatures.
  const log = yield* OffPolicy.fromDecisions(MemoryLog.sampledDecisions(yield* store.log(scope)), reward)
  console.log(`${log.length} decisions, mean reward ${mean(log.map(({ reward }) => reward)).toFixed(3)}`)
  for (const temperature of [1, 1.5, 2]) {
    const weighted = yield* Effect.provideService(OffPolicy.weigh(log, { temperature }), Sampler.Sampler, sampler)
    const { effectiveSize, estimate, high, low } = yield* OffPolicy.withInterval(
      OffPolicy.weightedImportanceSampling,
      weighted
    )
    console.log(
      `temperature ${temperature}: ${estimate.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)}), worth ${
        effectiveSize.toFixed(1)
      } decisions`
    )
  }
})

const mean = (values: ReadonlyArray<number>) => values.reduce((sum, value) => sum + value, 0) / values.length

await Effect.runPromise(program.pipe(
  Effect.scoped,
  Random.withSeed(1),
  Effect.provide(Layer.mergeAll(
    MemoryStore.layerInMemory,
    Retriever.layerBm25,
    FactExtractor.layerVerbatim,
    AnswerAgent.layerExtractive
  ))
))
