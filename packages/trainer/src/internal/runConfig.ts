// The configuration in a run folder.
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Schema from "effect/Schema"
import type { Registry } from "../Registry.ts"
import * as TrainConfig from "../TrainConfig.ts"
import { writeJson } from "./runFiles.ts"

/**
 * A file of a run folder that is not what a run leaves. `reason` says in one line what is wrong, and what to do.
 *
 * @category errors
 * @since 0.1.0
 */
export class RunFolderError extends Schema.TaggedError<RunFolderError>()("RunFolderError", {
  file: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `${this.file}: ${this.reason}`
  }
}

/**
 * Writes the configuration.
 *
 * @category running
 * @since 0.1.0
 */
export const writeConfig = Effect.fnUntraced(function*(folder: string, config: TrainConfig.TrainConfig) {
  const path = yield* Path.Path
  yield* writeJson(path.join(folder, "training.json"), config)
})

const otherConfig = (file: string) => (error: { readonly message: string }) =>
  new RunFolderError({ file, reason: `is not the configuration that a run leaves\n${error.message}` })

/**
 * Reads the configuration. Fails with a `RunFolderError` that names the file.
 *
 * @category running
 * @since 0.1.0
 */
export const readConfig = Effect.fnUntraced(function*(folder: string, registry: Registry) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const file = path.join(folder, "training.json")
  const text = yield* Effect.mapError(
    files.readFileString(file),
    () =>
      new RunFolderError({
        file,
        reason: `cannot be read: is ${folder} the folder of a run of "memory-r1 train"?`
      })
  )
  return yield* Effect.mapError(
    Effect.flatMap(
      Schema.decodeEffect(Schema.fromJsonString(Schema.Unknown))(text),
      (json) => TrainConfig.decode(json, registry)
    ),
    otherConfig(file)
  )
})

const Formats = Schema.fromJsonString(Schema.Struct({
  format: Schema.String,
  managerTokens: Schema.Int,
  answerTokens: Schema.Int,
  model: Schema.optionalKey(
    Schema.Struct({ templateOptions: Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown)) })
  )
}))

/**
 * The format in which the agents of a run folder decide and answer, how long decisions and answers may be, and the
 * variables of the chat template; `undefined` if the folder has no configuration.
 *
 * @category running
 * @since 0.1.0
 */
export const limits = Effect.fnUntraced(function*(folder: string) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const file = path.join(folder, "training.json")
  if (!(yield* files.exists(file))) return undefined
  return yield* Effect.mapError(
    Effect.flatMap(files.readFileString(file), Schema.decodeEffect(Formats)),
    otherConfig(file)
  )
})
