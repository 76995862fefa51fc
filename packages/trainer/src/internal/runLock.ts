// One process writes a run folder.
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Schema from "effect/Schema"
import { RunLogError } from "../RunLog.ts"

/**
 * A folder that holds a run which can resume, or that another process is writing.
 *
 * @category errors
 * @since 0.1.0
 */
export class RunExists extends Schema.TaggedError<RunExists>()("RunExists", {
  folder: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `${this.folder}: ${this.reason}`
  }
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (cause) {
    // Another user's process is alive too.
    return cause instanceof Error && "code" in cause && cause.code === "EPERM"
  }
}

/**
 * Keeps a run folder for this process as long as the scope is open: two processes that write into it would spoil it. A
 * lock that a killed process left behind does not matter.
 *
 * Fails with `RunExists`, and with a `RunLogError` for a folder that cannot be written.
 *
 * @category running
 * @since 0.1.0
 */
export const locked = Effect.fnUntraced(function*(folder: string) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const file = path.join(folder, "run.lock")
  const failing = Effect.mapError((cause: unknown) => new RunLogError({ file: folder, cause }))
  yield* failing(files.makeDirectory(folder, { recursive: true }))
  const holder = Number(yield* Effect.orElseSucceed(files.readFileString(file), () => ""))
  if (holder > 0 && holder !== process.pid && isAlive(holder)) {
    return yield* new RunExists({
      folder,
      reason: `process ${holder} is running in it; if that is not a run, remove ${file}`
    })
  }
  yield* Effect.acquireRelease(
    failing(files.writeFileString(file, `${process.pid}`)),
    () => Effect.ignore(files.remove(file))
  )
})
