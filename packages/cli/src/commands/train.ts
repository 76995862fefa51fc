/**
 * `memory-r1 train --config FILE [--set KEY=VALUE] [--out DIR]`, `memory-r1 train --resume DIR`
 */
import { Recipe } from "@memory-r1/trainer"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as DryRun from "../DryRun.ts"
import * as Output from "../Output.ts"
import * as RunFile from "../RunFile.ts"
import * as Training from "../Training.ts"

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
    yield* Training.inFolder(
      { config, folder, resume: Option.isSome(resume), seed: config.seed },
      (resumed) => Effect.flatMap(Training.make(config, folder, resumed), ({ run }) => run)
    )
    const result = { out: folder, stages: Recipe.plan(config).map(({ name }) => name) }
    yield* Output.document(result, [`done: ${folder}`])
  })
).pipe(Command.withDescription("Train: supervised, GRPO or PPO of the manager and of the answer agent"))
