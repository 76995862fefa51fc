/**
 * `memory-r1 report RUN_DIR`
 */
import { Report } from "@memory-r1/eval"
import * as Effect from "effect/Effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Output from "../Output.ts"

/**
 * The command.
 */
export const report = Command.make("report", {
  run: Argument.String("run-dir").pipe(Argument.withDescription("a folder that quickstart or train has written"))
}, Effect.fn(function*({ run }) {
  const file = yield* Report.write(run)
  yield* Output.document({ report: file }, [file])
})).pipe(Command.withDescription("One self-contained HTML page about a run: results, decisions, curves, transcripts"))
