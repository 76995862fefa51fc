/**
 * What a run folder says of itself: `run.json`, the command that makes the run, for the report page; `training.json`, the configuration with all of its
 * defaults (a `config.json` would look like a model's).
 */
import type { Report } from "@memory-r1/eval"
import type { TrainConfig } from "@memory-r1/trainer"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Schema from "effect/Schema"
import * as Stdio from "effect/Stdio"
import { ConfigError } from "./ConfigFile.ts"
import { completionTokens } from "./shared.ts"

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

/**
 * Writes the configuration.
 */
export const writeConfig = Effect.fnUntraced(function*(folder: string, config: TrainConfig.TrainConfig) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  yield* files.writeFileString(path.join(folder, "training.json"), `${JSON.stringify(config, null, 2)}\n`)
})

const Limits = Schema.Struct({
  format: Schema.Literals(["compact", "paper"]),
  managerTokens: Schema.Int,
  answerTokens: Schema.Int
})

/**
 * In which format the agents of a run folder decide and answer, and how long they may; that of the embedded model where no configuration says so.
 */
export const limits = Effect.fnUntraced(function*(folder: string) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const file = path.join(folder, "training.json")
  if (!(yield* files.exists(file))) return { format: "compact", ...completionTokens } satisfies typeof Limits.Type
  return yield* Effect.mapError(
    Effect.flatMap(files.readFileString(file), Schema.decodeEffect(Schema.fromJsonString(Limits))),
    (error) => new ConfigError({ file, reason: `is not the configuration that a run leaves\n${error.message}` })
  )
})
