/**
 * `memory-r1 report RUN_DIR`
 */
import { Report } from "@memory-r1/report"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Output from "../Output.ts"

/**
 * The command.
 */
export const report = Command.make(
  "report",
  {
    runs: Argument.String("run-dir").pipe(
      Argument.withDescription(
        "a folder that quickstart or train has written; several of them give a page over all, with intervals over seeds"
      ),
      Argument.atLeast(1)
    ),
    out: Flag.String("out").pipe(
      Flag.withDescription("the page over several runs (report.html beside the first folder when left out)"),
      Flag.optional
    )
  },
  Effect.fn(function*({ out, runs }) {
    const path = yield* Path.Path
    const file = runs.length === 1
      ? yield* Report.write(runs[0]!)
      : yield* Report.writeRuns(runs, Option.getOrElse(out, () => path.join(path.dirname(runs[0]!), "report.html")))
    yield* Output.document({ report: file }, [file])
  })
).pipe(
  Command.withDescription(
    "One self-contained HTML page about a run, or about several: results, decisions, curves, transcripts"
  )
)
