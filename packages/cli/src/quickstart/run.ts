/**
 * The whole story on the embedded model: measure, train both agents, measure again.
 */
import { OnnxLearner, OnnxModel } from "@memory-r1/backend-onnx"
import { AnswerAgent, MemoryBank, MemoryManager } from "@memory-r1/core"
import { Simulation } from "@memory-r1/core/rl"
import type { Learner } from "@memory-r1/core/rl"
import { MemoryWorld, type QuickstartResult, WorldEvaluation } from "@memory-r1/memory-world"
import { directory as nano } from "@memory-r1/nano"
import { Pipeline, Run } from "@memory-r1/trainer"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Path from "effect/Path"
import * as Progress from "../Progress.ts"
import * as Sources from "../Sources.ts"
import * as Settings from "./settings.ts"

/**
 * `model`: another checkpoint in place of the embedded one; `heldOutSeed`: other dialogues to measure on, for
 * development; `settings`: how much is trained and measured, less for a test.
 */
export interface Options {
  readonly seed: number
  readonly algorithm: Settings.Algorithm
  readonly order: Settings.Order
  readonly out: string
  readonly model?: string | undefined
  readonly heldOutSeed?: number | undefined
  readonly settings?: Settings.Settings | undefined
}

type Learning = Learner.Service

const { limits } = Settings

const probe = {
  fact: { text: "We adopted another dog, Scout!", speaker: "Ann", observedAt: "8 May 2023", sources: ["probe"] },
  bank: MemoryBank.applyAll(
    MemoryBank.empty,
    ["Ann lives in Oslo", "Ann has a dog named Buddy", "Ann enjoys chess"].map((text) =>
      MemoryBank.Edit.Add({ memory: { text, speaker: "Ann" } })
    )
  )
}

const probed = Effect.fnUntraced(function*(learner: Learning) {
  const snapshot = { revision: probe.bank.revision, memories: MemoryBank.memories(probe.bank) }
  const [decision] = yield* Pipeline.managerOf(learner, limits).decide([{ fact: probe.fact, snapshot }])
  return MemoryBank.inWords(probe.bank, decision!.edits)
})

// Everything that is measured on one kind of held-out dialogues, before and after training.
const evaluation = Effect.fnUntraced(
  function*(name: string, seed: number, dialogues: number, phrasing: "train" | "heldOut") {
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
    const answered = (played: Effect.Success<ReturnType<typeof play>>, reader: Learning) =>
      WorldEvaluation.measure(worlds, played, { perSpeaker: limits.perSpeaker }).pipe(
        Effect.provideService(AnswerAgent.AnswerAgent, Pipeline.answerAgentOf(reader, limits))
      )
    const managerOf = (learner: Learning) => Pipeline.managerOf(learner, limits)
    const raw = yield* WorldEvaluation.play(worlds, { perFact: limits.perFact, phrasing }).pipe(
      Effect.provide(MemoryManager.layerAddOnly)
    )

    const before = Effect.fnUntraced(function*(agents: Pipeline.Agents) {
      const played = yield* play("warm start", managerOf(agents.manager))
      return { addOnly: yield* answered(raw, agents.answer), warmStart: yield* answered(played, agents.answer), played }
    })
    const after = Effect.fnUntraced(function*(agents: Pipeline.Agents, warmReader: Learning) {
      const played = yield* play("both RL", managerOf(agents.manager))
      const oracle = yield* WorldEvaluation.play(worlds, { perFact: limits.perFact, phrasing }).pipe(
        Effect.provideService(MemoryManager.MemoryManager, WorldEvaluation.oracleManager(worlds))
      )
      return {
        addOnlyRlReader: yield* answered(raw, agents.answer),
        managerRl: yield* answered(played, warmReader),
        addOnlyStatements: yield* answered(played.map(WorldEvaluation.addOnly), agents.answer),
        bothRl: yield* answered(played, agents.answer),
        addOnlyOracle: yield* answered(oracle.map(WorldEvaluation.addOnly), agents.answer),
        oracle: yield* answered(oracle, agents.answer),
        played
      }
    })
    return { worlds, before, after }
  }
)

/**
 * Runs it. The run log and progress go to the provided services.
 */
export const run = Effect.fn("quickstart")(
  function*(
    { algorithm, heldOutSeed, model = nano, order, out, seed, settings = Settings.defaults[algorithm] }: Options
  ) {
    const path = yield* Path.Path
    const started = yield* Clock.currentTimeMillis
    const load = Effect.fnUntraced(function*(critic = false) {
      return (yield* OnnxLearner.make(yield* OnnxModel.load(model), { critic })).learner
    })
    const warmReader = yield* load()
    const critics = algorithm === "ppo" ? { critics: { manager: yield* load(true), answer: yield* load(true) } } : {}
    const agents: Pipeline.Agents = {
      manager: yield* load(),
      answer: yield* load(),
      reference: warmReader.sampler,
      ...critics
    }

    const first = heldOutSeed ?? Settings.heldOutSeed(seed)
    const values = yield* evaluation("new people", first, settings.heldOutDialogues, "train")
    const phrasings = yield* evaluation("new phrasings", first + 500, settings.heldOutDialogues, "heldOut")
    const before = {
      values: yield* values.before(agents),
      phrasings: yield* phrasings.before(agents),
      probe: yield* probed(agents.manager)
    }

    for (const { index, name, stage } of Run.plan({ rounds: 1, stages: Settings.orders[order](settings.stages) })) {
      if (stage.kind === "sft") continue
      const sources = Sources.memoryWorld({
        ...Settings.training(seed, index),
        perFact: limits.perFact,
        perSpeaker: limits.perSpeaker
      })
      yield* Progress.stage(
        `${algorithm.toUpperCase()}, ${name}`,
        stage.steps,
        Pipeline.reinforced(agents, stage, sources, limits, { stage: name })
      )
      yield* agents[stage.kind].save(path.join(out, stage.kind))
    }

    const after = {
      values: yield* values.after(agents, warmReader),
      phrasings: yield* phrasings.after(agents, warmReader),
      probe: yield* probed(agents.manager)
    }
    const systems = (kind: "values" | "phrasings"): QuickstartResult.Systems => {
      const { played: _, ...earlier } = before[kind]
      const { played: __, ...later } = after[kind]
      return { ...earlier, ...later }
    }
    const changes = WorldEvaluation.changes(values.worlds, before.values.played, after.values.played)
    return {
      seed,
      algorithm,
      order,
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
  }
)
