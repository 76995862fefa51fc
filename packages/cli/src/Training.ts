/**
 * A training run in its folder, of this program's registry and engine.
 */
import { Adapter, Checkpoint, OnnxLearner, OnnxModel } from "@memory-r1/backend-onnx"
import { Retriever } from "@memory-r1/core"
import { type Learner } from "@memory-r1/core/rl"
import { Checkpointer, Recipe, RunFolder, type TrainConfig, Trainer } from "@memory-r1/trainer"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Engine from "./Engine.ts"
import * as Judging from "./Judging.ts"
import * as Progress from "./Progress.ts"
import { registry } from "./registry.ts"
import * as RunFile from "./RunFile.ts"

type LearnerFailure = Adapter.AdapterError | Checkpoint.CheckpointError | Learner.LearnerError | OnnxModel.DeviceError

// Learners that start from the model of a configuration, or from the folder that one of its stages left: each has its
// own weights or, with LoRA, its own adapter over one model.
const learnersOf = Effect.fnUntraced(function*({ model, seed }: TrainConfig.TrainConfig) {
  const { device, dtype, gradientCheckpointing, initialize, lora, microBatchTokens, templateOptions, threads } = model
  const directory = yield* Engine.directory(model.directory)
  const sessions = { device, threads }
  const options = { gradientCheckpointing, microBatchTokens, templateOptions }
  const base = lora === undefined ? undefined : yield* OnnxModel.load(directory, { ...sessions, dtype })
  return Effect.fnUntraced(
    function*(
      start: string | undefined,
      { critic }: { readonly critic: boolean }
    ): Effect.fn.Return<Learner.Service, LearnerFailure, Scope.Scope> {
      if (lora === undefined || base === undefined) {
        const checkpoint = yield* initialize && start === undefined
          ? Checkpoint.initialize(directory, seed, model)
          : Checkpoint.load(start ?? directory)
        return (yield* OnnxLearner.make(yield* OnnxModel.fromCheckpoint(checkpoint, sessions), { ...options, critic }))
          .learner
      }
      const adapter = yield* start === undefined
        ? Adapter.initialize(base.checkpoint, lora, seed)
        : Adapter.load(start, base.checkpoint)
      return (yield* OnnxLearner.make(base, { ...options, adapter, critic })).learner
    }
  )
})

/**
 * A configuration, ready to run in a folder: its recipe, the run, which resumes from a checkpoint if there is one, and
 * learners as it makes them. Without a `seed` it draws from Effect's `Random`.
 */
export const make = Effect.fnUntraced(
  function*(
    config: TrainConfig.TrainConfig,
    folder: string,
    resumed: Checkpointer.Resumed | undefined,
    { seed }: { readonly seed: number | undefined } = { seed: config.seed }
  ) {
    const progress = yield* Progress.Progress
    const engine = yield* Effect.cached(learnersOf(config))
    const learner = (start: string | undefined, options: { readonly critic: boolean }) =>
      Effect.flatMap(engine, (make) => make(start, options))
    const recipe = yield* Recipe.make({
      config,
      registry,
      folder,
      learners: learner,
      judge: config.judge === undefined ? undefined : yield* Judging.make(config.judge)
    })
    const run = Effect.gen(function*() {
      yield* Trainer.run(recipe.stages, {
        seed,
        checkpointer: yield* Checkpointer.make(folder, { keepLast: config.checkpoints.keepLast, resumed }),
        checkpointEvery: config.checkpoints.every,
        validation: config.validation,
        around: ({ from, steps, title }, run) =>
          Effect.provideService(Progress.stage(title, steps, run, { from }), Progress.Progress, progress)
      })
    })
    return { learner, recipe, run }
  }
)

/**
 * Runs something in a run folder, which is locked meanwhile. A run that resumes gets its newest checkpoint; one that
 * begins removes what an earlier one has left, and describes itself.
 */
export const inFolder = Effect.fnUntraced(function*<A, E, R>(
  { config, evenStopped, folder, resume, ...about }: Omit<RunFolder.Run, "command"> & {
    readonly config: TrainConfig.TrainConfig
    readonly folder: string
    readonly resume: boolean
    readonly evenStopped?: boolean | undefined
  },
  run: (resumed: Checkpointer.Resumed | undefined) => Effect.Effect<A, E, R>
) {
  yield* RunFolder.locked(folder)
  const resumed = resume ? yield* Checkpointer.newest(folder) : undefined
  if (resumed === undefined) yield* RunFolder.clear(folder, { evenStopped })
  const described = Effect.andThen(RunFile.write(folder, about), RunFolder.writeConfig(folder, config))
  return yield* Effect.andThen(resumed === undefined ? described : Effect.void, run(resumed)).pipe(
    Effect.provide([
      Retriever.layerBm25,
      RunFolder.layerLog(folder, { tensorBoard: config.tensorBoard, resumeAt: resumed?.state.mark })
    ])
  )
}, Effect.scoped)
