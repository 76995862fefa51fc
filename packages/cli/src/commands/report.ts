/**
 * `memory-r1 report RUN_DIR`
 *
 * @since 0.1.0
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
 *
 * @category running
 * @since 0.1.0
 */
export const report = Command.make(
  "report",
  {
    runs: Argument.String("run-dir").pipe(
      Argument.withDescription(
        "a run folder of quickstart or train; several make one page, with intervals over seeds"
      ),
      Argument.atLeast(1)
    ),
    out: Flag.String("out").pipe(
      Flag.withDescription("the page (default: report.html in the folder of one run, beside the first of several)"),
      Flag.optional
    )
  },
  Effect.fn(function*({ out, runs }) {
    const path = yield* Path.Path
    const file = runs.length === 1
      ? yield* Report.write(runs[0]!, Option.getOrUndefined(out))
      : yield* Report.writeRuns(runs, Option.getOrElse(out, () => path.join(path.dirname(runs[0]!), "report.html")))
    yield* Output.document({ report: file }, [file])
  })
).pipe(
  Command.withDescription(
    "Write a self-contained HTML page about one or more runs: results, decisions, curves, transcripts"
  )
)
