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

// Creates a file that names this process; false where it is there already.
const created = Effect.fnUntraced(function*(file: string) {
  const files = yield* FileSystem.FileSystem
  return yield* Effect.catchIf(
    Effect.as(files.writeFileString(file, `${process.pid}`, { flag: "wx" }), true),
    ({ reason }: PlatformError.PlatformError) => reason._tag === "AlreadyExists",
    () => Effect.succeed(false)
  )
})

// The process that a lock names, 0 for none. The file is empty while it is being created.
const holderOf = Effect.fnUntraced(function*(file: string) {
  const files = yield* FileSystem.FileSystem
  const read = Effect.map(Effect.orElseSucceed(files.readFileString(file), () => ""), (text) => Number(text) || 0)
  const holder = yield* read
  return holder > 0 ? holder : yield* Effect.delay(read, "100 millis")
})

const isOther = (holder: number): boolean => holder > 0 && holder !== process.pid && isAlive(holder)

// Creates the lock, or tells which other process has it. A stale lock is removed only by whoever could create a file
// named after its holder, and only if it is still that holder's then: so nobody removes a lock that another process has
// just created in its place.
const take = Effect.fnUntraced(function*(file: string): Effect.fn.Return<
  number,
  PlatformError.PlatformError,
  FileSystem.FileSystem
> {
  const files = yield* FileSystem.FileSystem
  while (!(yield* created(file))) {
    const holder = yield* holderOf(file)
    if (isOther(holder)) return holder
    const taking = `${file}.${holder}`
    if (yield* created(taking)) {
      if ((yield* holderOf(file)) === holder) yield* files.remove(file, { force: true })
      yield* files.remove(taking, { force: true })
    } else if (isOther(yield* holderOf(taking))) yield* Effect.sleep("50 millis")
    // Whoever was about to take it was killed.
    else yield* files.remove(taking, { force: true })
  }
  return 0
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
