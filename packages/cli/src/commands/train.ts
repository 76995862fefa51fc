/**
 * `memory-r1 train --config FILE [--set KEY=VALUE] [--out DIR]`
 */
import { Adapter, Checkpoint, OnnxLearner, OnnxModel } from "@memory-r1/backend-onnx"
import { Retriever } from "@memory-r1/core"
import { Pipeline, RunLog, type TrainConfig } from "@memory-r1/trainer"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Random from "effect/Random"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as ConfigFile from "../ConfigFile.ts"
import * as Engine from "../Engine.ts"
import * as Output from "../Output.ts"
import * as Progress from "../Progress.ts"
import * as RunFile from "../RunFile.ts"
import * as Sources from "../Sources.ts"

// Learners that start from the model of a configuration, or from what one of its stages saved: each with weights of its own, or, with
// LoRA, each with an adapter of its own over one model.
const learnersOf = Effect.fnUntraced(function*({ model, seed }: TrainConfig.TrainConfig) {
  const { device, dtype, gradientCheckpointing, initialize, lora, microBatchTokens, threads } = model
  const directory = yield* Engine.directory(model.directory)
  const sessions = { device, ...(threads === undefined ? {} : { threads }) }
  const options = { gradientCheckpointing, microBatchTokens }
  if (lora === undefined) {
    return Effect.fnUntraced(function*(start: string | undefined, critic = false) {
      const checkpoint = yield* initialize && start === undefined ? Checkpoint.initialize(directory, seed, model) : Checkpoint.load(start ?? directory)
      return yield* OnnxLearner.make(yield* OnnxModel.fromCheckpoint(checkpoint, sessions), { ...options, critic })
    })
  }
  const base = yield* OnnxModel.load(directory, { ...sessions, dtype })
  return Effect.fnUntraced(function*(start: string | undefined, critic = false) {
    const adapter = yield* start === undefined ? Adapter.initialize(base.checkpoint, lora, seed) : Adapter.load(start, base.checkpoint)
    return yield* OnnxLearner.make(base, { ...options, adapter, critic })
  })
})

/**
 * Runs the stages of a configuration. A supervised stage trains one model, which both agents then start from; the first
 * reinforcement stage makes two of it. Every stage leaves its checkpoint in the run folder.
 */
export const run = Effect.fn("train")(function*(config: TrainConfig.TrainConfig, out: string) {
  const path = yield* Path.Path
  const { data } = config
  // Before anything large is loaded.
  const sources = data.dataset === "locomo" ? yield* Sources.locomo(data, config.seed) : Sources.memoryWorld(data)
  const { answerTokens, format, managerTokens } = config
  const limits = { perFact: data.perFact, perSpeaker: data.perSpeaker, format, managerTokens, answerTokens }
  const learners = yield* learnersOf(config)

  // What an earlier stage saved, once there is one.
  let start: string | undefined
  let agents: Pipeline.Agents | undefined
  for (const [index, stage] of config.stages.entries()) {
    // A stage draws from a seed of its own: what it does depends on the weights that it is given, not on what was drawn before it.
    const seeded = Random.withSeed(`${config.seed}/${index}`)
    if (stage.kind === "sft") {
      const { learner } = yield* learners(start)
      const save = learner.save(path.join(out, "model"))
      yield* Progress.stage("supervised", stage.steps, Pipeline.supervised(learner, stage, sources, (step) =>
        step % stage.saveEvery === 0 ? save : Effect.void)).pipe(seeded)
      yield* save
      start = path.join(out, "model")
    } else {
      if (agents === undefined) {
        const algorithms = config.stages.flatMap((other) => other.kind === "sft" ? [] : [other])
        const hasCritic = (kind: "manager" | "answer", shared: boolean) =>
          algorithms.some((other) => other.algorithm === "ppo" && other.kind === kind && other.critic.shared === shared)
        const from = start
        const made = Effect.fnUntraced(function*(critic: boolean) {
          return (yield* learners(from, critic)).learner
        })
        const manager = yield* made(hasCritic("manager", true))
        const answer = yield* made(hasCritic("answer", true))
        const critics = {
          ...(hasCritic("manager", false) ? { manager: yield* made(true) } : {}),
          ...(hasCritic("answer", false) ? { answer: yield* made(true) } : {})
        }
        // A third copy of the weights only where a stage holds on to it.
        const isHeld = config.stages.some((other) => other.kind !== "sft" && other.beta > 0)
        agents = { manager, answer, reference: (isHeld ? yield* made(false) : manager).sampler, critics }
      }
      yield* Progress.stage(`${stage.algorithm.toUpperCase()}, ${stage.kind}`, stage.steps, Pipeline.reinforced(agents, stage, sources, limits)).pipe(seeded)
      yield* agents[stage.kind].save(path.join(out, stage.kind))
      if (stage.algorithm === "ppo") yield* agents.critics?.[stage.kind]?.save(path.join(out, `${stage.kind}-critic`)) ?? Effect.void
    }
  }
  return { out, stages: config.stages.map(({ kind }) => kind) }
})

/**
 * The command.
 */
export const train = Command.make("train", {
  config: Flag.String("config").pipe(Flag.withDescription("the run as a file: JSON, JSON with comments, or YAML")),
  set: Flag.String("set").pipe(
    Flag.withDescription("one value of the configuration, as stages.0.steps=5; may be given several times"),
    Flag.atLeast(0)
  ),
  out: Flag.String("out").pipe(Flag.withDescription("the run folder (runs/train when left out)"), Flag.optional)
}, Effect.fn(function*({ config: file, out, set }) {
  const config = yield* ConfigFile.read(file, set)
  const folder = Option.getOrElse(out, () => "runs/train")
  const result = yield* RunFile.write(folder, { seed: config.seed }).pipe(
    Effect.andThen(RunFile.writeConfig(folder, config)),
    Effect.andThen(run(config, folder)),
    Effect.scoped,
    Effect.provide([Retriever.layerBm25, RunLog.layerFolder(folder), Progress.layer])
  )
  yield* Output.document(result, [`done: ${folder}`])
})).pipe(Command.withDescription("Train: supervised, GRPO for the manager, GRPO for the answer agent"))
