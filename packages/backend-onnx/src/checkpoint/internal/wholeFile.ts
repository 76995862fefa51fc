// Files that appear whole or not at all.
import { messageOf } from "@memory-r1/core"
import * as Effect from "effect/Effect"
import { open, rename, rm } from "node:fs/promises"
import { CheckpointError } from "../CheckpointError.ts"

/** The error of a file that cannot be written. */
export const failed = (file: string) => (cause: unknown): CheckpointError =>
  new CheckpointError({
    file,
    reason: `cannot be written (${messageOf(cause)}); is the folder writable, and is there room?`,
    cause
  })

/** Writes a file beside its place, syncs it to the disk, and renames it. */
export const write = (
  file: string,
  chunks: ReadonlyArray<Uint8Array | string>
): Effect.Effect<void, CheckpointError> => {
  const temporary = `${file}.${process.pid}.tmp`
  // An interruption waits for the chunk that is being written: a write that continued after it would bring back what
  // is removed.
  const attempt = <A>(run: () => Promise<A>) =>
    Effect.uninterruptible(Effect.tryPromise({ try: run, catch: failed(file) }))
  return Effect.acquireUseRelease(
    attempt(() => open(temporary, "w")),
    (handle) =>
      Effect.andThen(
        Effect.forEach(chunks, (chunk) => attempt(() => handle.writeFile(chunk)), { discard: true }),
        attempt(() => handle.sync())
      ),
    (handle) => Effect.promise(() => handle.close())
  ).pipe(
    Effect.andThen(attempt(() => rename(temporary, file))),
    Effect.onError(() => Effect.promise(() => rm(temporary, { force: true })))
  )
}
