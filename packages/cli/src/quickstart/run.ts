/**
 * The whole story on the embedded model: measure, train both agents, measure again.
 */
import { AnswerAgent, MemoryBank, MemoryManager } from "@memory-r1/core"
import { Simulation } from "@memory-r1/core/rl"
import type { Sampler } from "@memory-r1/core/rl"
import { MemoryWorld, type QuickstartResult, WorldEvaluation } from "@memory-r1/memory-world"
import { Agents, type Checkpointer, type TrainConfig } from "@memory-r1/trainer"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Progress from "../Progress.ts"
import * as Training from "../Training.ts"
import * as Settings from "./settings.ts"

/**
 * - `config`: what is trained; see `Settings.configOf`.
 * - `heldOutSeed`: other dialogues to measure on, for development.
 * - `heldOutDialogues`: how many are measured on, of each kind.
 * - `resumed`: where training resumes. Agents before training are measured again.
 */
export interface Options {
  readonly config: TrainConfig.TrainConfig
  readonly folder: string
  readonly heldOutSeed?: number | undefined
  readonly heldOutDialogues: number
  readonly resumed?: Checkpointer.Resumed | undefined
}

const probe = {
  fact: { text: "We adopted another dog, Scout!", speaker: "Ann", observedAt: "8 May 2023", sources: ["probe"] },
  bank: MemoryBank.applyAll(
    MemoryBank.empty,
    ["Ann lives in Oslo", "Ann has a dog named Buddy", "Ann enjoys chess"].map((text) =>
      MemoryBank.Edit.Add({ memory: { text, speaker: "Ann" } })
    )
  )
}

const probed = Effect.fnUntraced(function*(sampler: Sampler.Service, limits: Agents.Limits) {
  const snapshot = { revision: probe.bank.revision, memories: MemoryBank.memories(probe.bank) }
  const [decision] = yield* Agents.managerOf(sampler, limits).decide([{ fact: probe.fact, snapshot }])
  return MemoryBank.inWords(probe.bank, decision!.edits)
})

// Everything that is measured on one kind of held-out dialogues, before and after training.
const evaluation = Effect.fnUntraced(
  function*(
    { dialogues, limits, name, phrasing, seed }: {
      readonly name: string
      readonly seed: number
      readonly dialogues: number
      readonly phrasing: "train" | "heldOut"
      readonly limits: Agents.Limits
    }
  ) {
    const progress = yield* Progress.Progress
    const worlds = Array.from(
      { length: dialogues },
      (_, i) => MemoryWorld.generate(seed + i, { values: "heldOut", phrasing })
    )
    const play = (label: string, manager: MemoryManager.MemoryManager["Service"]) =>
      progress.phase(`${name}: ${label}`, worlds[0]!.events.length, (phase) =>
        WorldEvaluation.play(worlds, {
          perFact: limits.perFact,
          phrasing,
          onStep: (step) => phase.update(step)
        }).pipe(
          Effect.provideService(MemoryManager.MemoryManager, manager)
        ))
    const answered = (played: Effect.Success<ReturnType<typeof play>>, reader: Sampler.Service) =>
      WorldEvaluation.measure(worlds, played, { perSpeaker: limits.perSpeaker }).pipe(
        Effect.provideService(AnswerAgent.AnswerAgent, Agents.answerAgentOf(reader, limits))
      )
    const managerOf = ({ manager }: Agents.Agents) => Agents.managerOf(manager.sampler, limits)
    const raw = yield* WorldEvaluation.play(worlds, { perFact: limits.perFact, phrasing }).pipe(
      Effect.provide(MemoryManager.layerAddOnly)
    )

    const before = Effect.fnUntraced(function*(agents: Agents.Agents) {
      const played = yield* play("warm start", managerOf(agents))
      return {
        addOnly: yield* answered(raw, agents.answer.sampler),
        warmStart: yield* answered(played, agents.answer.sampler),
        played
      }
    })
    const after = Effect.fnUntraced(function*(agents: Agents.Agents, warmReader: Sampler.Service) {
      const played = yield* play("both RL", managerOf(agents))
      const oracle = yield* WorldEvaluation.play(worlds, { perFact: limits.perFact, phrasing }).pipe(
        Effect.provideService(MemoryManager.MemoryManager, WorldEvaluation.oracleManager(worlds))
      )
      return {
        addOnlyRlReader: yield* answered(raw, agents.answer.sampler),
        managerRl: yield* answered(played, warmReader),
        addOnlyStatements: yield* answered(played.map(WorldEvaluation.addOnly), agents.answer.sampler),
        bothRl: yield* answered(played, agents.answer.sampler),
        addOnlyOracle: yield* answered(oracle.map(WorldEvaluation.addOnly), agents.answer.sampler),
        oracle: yield* answered(oracle, agents.answer.sampler),
        played
      }
    })
    return { worlds, before, after }
  }
)

/**
 * Runs it. The run log and progress go to the provided services; what is drawn comes from the seed.
 */
export const run = Effect.fn("quickstart")(
  function*({ config, folder, heldOutDialogues, heldOutSeed, resumed }: Options) {
    const { seed } = config
    const started = yield* Clock.currentTimeMillis
    const { learner, recipe, run } = yield* Training.make(config, folder, resumed, { seed: undefined })
    const { limits } = recipe
    const warmReader = (yield* learner(undefined, { critic: false })).sampler
    const agents = yield* recipe.agents

    const first = heldOutSeed ?? Settings.heldOutSeed(seed)
    const common = { dialogues: heldOutDialogues, limits }
    const values = yield* evaluation({ ...common, name: "new people", seed: first, phrasing: "train" })
    const phrasings = yield* evaluation({ ...common, name: "new phrasings", seed: first + 500, phrasing: "heldOut" })
    const before = {
      values: yield* values.before(agents),
      phrasings: yield* phrasings.before(agents),
      probe: yield* probed(agents.manager.sampler, limits)
    }

    yield* run

    const after = {
      values: yield* values.after(agents, warmReader),
      phrasings: yield* phrasings.after(agents, warmReader),
      probe: yield* probed(agents.manager.sampler, limits)
    }
    const systems = (kind: "values" | "phrasings"): QuickstartResult.Systems => {
      const { played: _, ...earlier } = before[kind]
      const { played: __, ...later } = after[kind]
      return { ...earlier, ...later }
    }
    const changes = WorldEvaluation.changes(values.worlds, before.values.played, after.values.played)
    return {
      seed,
      seconds: ((yield* Clock.currentTimeMillis) - started) / 1000,
      peakRssBytes: process.resourceUsage().maxRSS * 1024,
      results: systems("values"),
      resultsNewPhrasings: systems("phrasings"),
      probe: {
        kind: "additive",
        turn: `${probe.fact.speaker}: ${probe.fact.text}`,
        memories: MemoryBank.memories(probe.bank).filter(({ text }) => text.includes("dog")).map(({ text }) => text),
        before: before.probe,
        after: after.probe
      },
      // One of each kind first, so that three examples show three things.
      changes: [...new Map(changes.toReversed().map((change) => [change.kind, change])).values(), ...changes]
        .filter((change, i, all) => all.indexOf(change) === i).slice(0, 3),
      history: {
        before: Simulation.history(before.values.played[0]!),
        after: Simulation.history(after.values.played[0]!)
      }
    }
  },
  (run, { config }) => Random.withSeed(run, config.seed)
)
