/**
 * `memory-r1 train --config FILE [--out DIR]`
 */
import { Checkpoint, OnnxLearner, OnnxModel } from "@memory-r1/backend-onnx"
import { Retriever } from "@memory-r1/core"
import { Pipeline, RunLog, TrainConfig } from "@memory-r1/trainer"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Output from "../Output.ts"
import * as Progress from "../Progress.ts"
import * as RunFile from "../RunFile.ts"
import * as Sources from "../Sources.ts"
import { completionTokens } from "../shared.ts"

/**
 * A configuration file that cannot be used.
 */
export class ConfigError extends Schema.TaggedError<ConfigError>()("ConfigError", { file: Schema.String, reason: Schema.String }) {
  override get message(): string {
    return `${this.file}: ${this.reason}`
  }
}

const readConfig = Effect.fnUntraced(function*(file: string) {
  const files = yield* FileSystem.FileSystem
  const text = yield* files.readFileString(file).pipe(
    Effect.mapError(() => new ConfigError({ file, reason: "cannot be read" }))
  )
  const json = yield* Effect.try({
    try: () => JSON.parse(text) as unknown,
    catch: (cause) => new ConfigError({ file, reason: `is broken JSON (${cause instanceof Error ? cause.message : String(cause)})` })
  })
  return yield* TrainConfig.decode(json).pipe(
    Effect.mapError((error) => new ConfigError({ file, reason: `is no training configuration\n${error.message}` }))
  )
})

/**
 * Runs the stages of a configuration. A supervised stage trains one model, which both agents then start from; the first
 * reinforcement stage makes two of it. Every stage leaves its checkpoint in the run folder.
 */
export const run = Effect.fn("train")(function*(config: TrainConfig.TrainConfig, out: string) {
  const path = yield* Path.Path
  const { data, model } = config
  const options = { ...(model.threads === undefined ? {} : { threads: model.threads }), microBatchTokens: model.microBatchTokens }
  const sources = Sources.memoryWorld(data)
  const limits = { perFact: data.perFact, perSpeaker: data.perSpeaker, ...completionTokens }
  const learnerOf = Effect.fnUntraced(function*(directory: string, initialize: boolean) {
    const checkpoint = yield* initialize ? Checkpoint.initialize(directory, config.seed, model) : Checkpoint.load(directory)
    return (yield* OnnxLearner.make(yield* OnnxModel.fromCheckpoint(checkpoint, options), options)).learner
  })

  let directory = model.directory
  let initialize = model.initialize
  let agents: Pipeline.Agents | undefined
  for (const [index, stage] of config.stages.entries()) {
    // A stage draws from a seed of its own: what it does depends on the weights that it is given, not on what was drawn before it.
    const seeded = Random.withSeed(`${config.seed}/${index}`)
    if (stage.kind === "sft") {
      const learner = yield* learnerOf(directory, initialize)
      const save = learner.save(path.join(out, "model"))
      yield* Progress.stage("supervised", stage.steps, Pipeline.supervised(learner, stage, sources, (step) =>
        step % stage.saveEvery === 0 ? save : Effect.void)).pipe(seeded)
      yield* save
      directory = path.join(out, "model")
      initialize = false
    } else {
      if (agents === undefined) {
        const [manager, answer] = [yield* learnerOf(directory, initialize), yield* learnerOf(directory, initialize)]
        // A third copy of the weights only where a stage holds on to it.
        const isHeld = config.stages.some((other) => other.kind !== "sft" && other.beta > 0)
        agents = { manager, answer, reference: (isHeld ? yield* learnerOf(directory, initialize) : manager).sampler }
      }
      yield* Progress.stage(`GRPO, ${stage.kind}`, stage.steps, Pipeline.reinforced(agents, stage, sources, limits)).pipe(seeded)
      yield* agents[stage.kind].save(path.join(out, stage.kind))
    }
  }
  return { out, stages: config.stages.map(({ kind }) => kind) }
})

/**
 * The command.
 */
export const train = Command.make("train", {
  config: Flag.String("config").pipe(Flag.withDescription("the run as a JSON file")),
  out: Flag.String("out").pipe(Flag.withDescription("the run folder (runs/train when left out)"), Flag.optional)
}, Effect.fn(function*({ config: file, out }) {
  const config = yield* readConfig(file)
  const folder = Option.getOrElse(out, () => "runs/train")
  const result = yield* RunFile.write(folder, { seed: config.seed }).pipe(
    Effect.andThen(run(config, folder)),
    Effect.scoped,
    Effect.provide([Retriever.layerBm25, RunLog.layerFolder(folder), Progress.layer])
  )
  yield* Output.document(result, [`done: ${folder}`])
})).pipe(Command.withDescription("Train: supervised, GRPO for the manager, GRPO for the answer agent"))
