/**
 * `memory-r1 quickstart [--seed N] [--out DIR]`
 */
import { type QuickstartResult } from "@memory-r1/memory-world"
import { directory as nano } from "@memory-r1/nano"
import { Report } from "@memory-r1/report"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Output from "../Output.ts"
import { run } from "../quickstart/run.ts"
import * as Settings from "../quickstart/settings.ts"
import { lines } from "../quickstart/tables.ts"
import * as RunFile from "../RunFile.ts"
import * as Training from "../Training.ts"

/**
 * The command.
 */
export const quickstart = Command.make(
  "quickstart",
  {
    seed: Flag.Int("seed").pipe(Flag.withDescription("of training and of the held-out dialogues"), Flag.withDefault(1)),
    out: Flag.String("out").pipe(
      Flag.withDescription("the run folder (runs/quickstart-N by default)"),
      Flag.optional
    ),
    order: Flag.Literals("order", ["answer-first", "manager-first"]).pipe(
      Flag.withDescription("which agent is trained first"),
      Flag.withDefault(Settings.defaultOrder)
    ),
    algorithm: Flag.Literals("algorithm", ["grpo", "ppo"]).pipe(
      Flag.withDescription("grpo compares completions of one prompt, ppo has a critic"),
      Flag.withDefault("grpo" as const)
    ),
    model: Flag.String("model").pipe(
      Flag.withDescription("a checkpoint directory in place of the embedded model"),
      Flag.optional
    ),
    resume: Flag.Boolean("resume").pipe(
      Flag.withDescription("resumes a run that was stopped in its folder"),
      Flag.withDefault(false)
    ),
    heldOutSeed: Flag.Int("held-out-seed").pipe(
      Flag.withDescription(
        "measure on other dialogues, so that those of the seeds stay fresh while something is tuned"
      ),
      Flag.optional
    )
  },
  Effect.fn(function*({ algorithm, heldOutSeed, model, order, out, resume, seed }) {
    const files = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const folder = Option.getOrElse(out, () => path.join("runs", `quickstart-${seed}`))
    const config = yield* Settings.configOf({ seed, algorithm, order, model: Option.getOrElse(model, () => nano) })
    if (resume) yield* RunFile.expectSame(folder, config)
    // What an earlier one left here would be taken for this one's.
    yield* Effect.forEach(
      ["results.json", "report.html"],
      (name) => files.remove(path.join(folder, name), { force: true })
    )
    const result = yield* Training.inFolder(
      { config, folder, resume, evenStopped: true, seed, algorithm, order },
      Effect.fnUntraced(function*(resumed) {
        const found = yield* run({
          config,
          folder,
          heldOutDialogues: Settings.defaults[algorithm].heldOutDialogues,
          heldOutSeed: Option.getOrUndefined(heldOutSeed),
          resumed
        })
        const document: QuickstartResult.QuickstartResult = {
          algorithm,
          order,
          ...found,
          run: folder,
          report: path.join(folder, "report.html")
        }
        yield* files.writeFileString(path.join(folder, "results.json"), `${JSON.stringify(document, null, 2)}\n`)
        return document
      })
    )
    // When the log is closed, so that the page says how the run ended.
    yield* Report.write(folder)
    yield* Output.document(result, lines(result))
  })
).pipe(Command.withDescription("Train both agents of the embedded model on this machine, and show what they learned"))
