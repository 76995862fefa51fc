/**
 * `run.json` in a run folder: the command that makes the run, for the report page.
 */
import type { Report } from "@memory-r1/eval"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Stdio from "effect/Stdio"

const quoted = (argument: string): string =>
  /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`

/**
 * Writes it: the arguments of this program as a shell takes them, and what the run was given.
 */
export const write = Effect.fnUntraced(function*(folder: string, given: Omit<Report.Run, "command">) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const args = yield* (yield* Stdio.Stdio).args
  const run: Report.Run = { command: ["memory-r1", ...args].map(quoted).join(" "), ...given }
  yield* files.writeFileString(path.join(folder, "run.json"), `${JSON.stringify(run, null, 2)}\n`)
})
