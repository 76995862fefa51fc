// One process writes a run folder.
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import type * as PlatformError from "effect/PlatformError"
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

// Creates the lock, or tells which process has it. Only one of two processes can create the file, and only one can move
// a stale file away.
const take: (file: string) => Effect.Effect<number, PlatformError.PlatformError, FileSystem.FileSystem> = Effect
  .fnUntraced(function*(file) {
    const files = yield* FileSystem.FileSystem
    const holderOf = (file: string) =>
      Effect.map(Effect.orElseSucceed(files.readFileString(file), () => ""), (text) => Number(text) || 0)
    const create = Effect.as(files.writeFileString(file, `${process.pid}`, { flag: "wx" }), 0)
    return yield* Effect.catchIf(create, ({ reason }) => reason._tag === "AlreadyExists", () =>
      Effect.gen(function*() {
        // The file is empty while it is being created.
        const holder = yield* Effect.flatMap(holderOf(file), (found) =>
          found > 0 ? Effect.succeed(found) : Effect.delay(holderOf(file), "100 millis"))
        if (holder > 0 && holder !== process.pid && isAlive(holder)) {
          return holder
        }
        const stale = `${file}.${process.pid}`
        yield* Effect.ignore(files.rename(file, stale))
        const moved = yield* holderOf(stale)
        // Another process took the folder in between: the lock is its own.
        if (moved !== holder && moved > 0 && isAlive(moved)) {
          yield* Effect.ignore(files.rename(stale, file))
          return moved
        }
        yield* files.remove(stale, { force: true })
        return yield* take(file)
      }))
  })

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
  const holder = yield* Effect.acquireRelease(
    failing(take(file)),
    (holder) => holder === 0 ? Effect.ignore(files.remove(file)) : Effect.void
  )
  if (holder > 0) {
    return yield* new RunExists({
      folder,
      reason: `process ${holder} is running in it; if that is not a run, remove ${file}`
    })
  }
})
