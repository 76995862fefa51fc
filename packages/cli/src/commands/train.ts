/**
 * `memory-r1 train --config FILE [--set KEY=VALUE] [--out DIR]`, `memory-r1 train --resume DIR`
 */
import { Adapter, Checkpoint, OnnxLearner, OnnxModel } from "@memory-r1/backend-onnx"
import { Retriever } from "@memory-r1/core"
import { type Learner } from "@memory-r1/core/rl"
import { Run, RunLog, type TrainConfig } from "@memory-r1/trainer"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as DryRun from "../DryRun.ts"
import * as Engine from "../Engine.ts"
import * as Judging from "../Judging.ts"
import * as Output from "../Output.ts"
import * as Progress from "../Progress.ts"
import * as RunFile from "../RunFile.ts"
import * as Sources from "../Sources.ts"

type LearnerFailure = Adapter.AdapterError | Checkpoint.CheckpointError | Learner.LearnerError | OnnxModel.DeviceError

// Learners that start from the model of a configuration, or from what one of its stages saved: each with weights of its
// own, or, with LoRA, each with an adapter of its own over one model.
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

const titleOf = ({ name, stage }: Run.Planned): string =>
  stage.kind === "sft" ? name.replace("sft", "supervised") : `${stage.algorithm.toUpperCase()}, ${name}`

// The stages of a configuration, from the beginning or from a checkpoint.
const run = Effect.fn("train")(
  function*(config: TrainConfig.TrainConfig, folder: string, resumed: Run.Resumed | undefined) {
    const { data, judge } = config
    const progress = yield* Progress.Progress
    // Before anything large is loaded.
    const sources = data.dataset === "locomo" ? yield* Sources.locomo(data, config.seed) : Sources.memoryWorld(data)
    const learners = yield* learnersOf(config)
    yield* Run.run({
      config,
      folder,
      sources,
      learners,
      around: (planned, run) =>
        Progress.stage(titleOf(planned), planned.stage.steps, run, {
          from: resumed?.state.stage === planned.index ? resumed.state.position?.step ?? 0 : 0
        }).pipe(
          Effect.provideService(Progress.Progress, progress)
        ),
      ...(judge === undefined ? {} : { judge: yield* Judging.make(judge) }),
      resumed
    })
    return { out: folder, stages: Run.plan(config).map(({ name }) => name) }
  }
)

/**
 * The command.
 */
export const train = Command.make(
  "train",
  {
    config: Flag.String("config").pipe(
      Flag.withDescription("the run as a file: JSON, JSON with comments, or YAML"),
      Flag.optional
    ),
    set: Flag.String("set").pipe(
      Flag.withDescription("one value of the configuration, as stages.0.steps=5; may be given several times"),
      Flag.atLeast(0)
    ),
    out: Flag.String("out").pipe(Flag.withDescription("the run folder (runs/train by default)"), Flag.optional),
    resume: Flag.String("resume").pipe(
      Flag.withDescription("the folder of a stopped run, to resume it"),
      Flag.optional
    ),
    dryRun: Flag.Boolean("dry-run").pipe(
      Flag.withDescription("says what the run would take, and does nothing"),
      Flag.withDefault(false)
    )
  },
  Effect.fn(function*({ config: file, dryRun, out, resume, set }) {
    const { config, folder } = yield* RunFile.chosen({
      file: Option.getOrUndefined(file),
      out: Option.getOrUndefined(out),
      resume: Option.getOrUndefined(resume),
      set
    })
    if (dryRun) {
      const expected = yield* Effect.scoped(DryRun.estimate(config))
      return yield* Output.document(expected, DryRun.lines(expected))
    }
    const { tensorBoard } = config
    const result = yield* Effect.scoped(Effect.gen(function*() {
      yield* Effect.mapError(
        RunFile.locked(folder),
        (error) => error._tag === "RunExists" ? error : new RunLog.RunLogError({ file: folder, cause: error })
      )
      const resumed = Option.isSome(resume) ? yield* Run.resume(folder) : undefined
      if (resumed === undefined) yield* RunFile.clear(folder)
      const described = Effect.andThen(
        RunFile.write(folder, { seed: config.seed }),
        RunFile.writeConfig(folder, config)
      )
      return yield* Effect.andThen(resumed === undefined ? described : Effect.void, run(config, folder, resumed)).pipe(
        Effect.provide([
          Retriever.layerBm25,
          RunLog.layerFolder(folder, {
            tensorBoard,
            ...(resumed === undefined ? {} : { resumeAt: resumed.state.mark })
          }),
          Progress.layer
        ])
      )
    }))
    yield* Output.document(result, [`done: ${folder}`])
  })
).pipe(Command.withDescription("Train: supervised, GRPO or PPO of the manager and of the answer agent"))
