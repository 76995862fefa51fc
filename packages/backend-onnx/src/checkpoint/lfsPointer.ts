// Files of a repository that was cloned without Git LFS: a few lines of text in place of each large file.
import * as Effect from "effect/Effect"
import { open } from "node:fs/promises"
import { CheckpointError } from "./CheckpointError.ts"

const pointer = /^version https:\/\/(?:git-lfs|hawser)\.github\.com\/spec\//

// Pointers are shorter.
const length = 128

const startOf = async (file: string): Promise<string> => {
  const handle = await open(file, "r")
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, 0)
    return buffer.toString("latin1", 0, bytesRead)
  } finally {
    await handle.close()
  }
}

/** Fails where a file is such a pointer. One that is not there, or cannot be read, is for its reader to say. */
export const refuse = Effect.fnUntraced(function*(file: string) {
  const start = yield* Effect.promise(() => startOf(file).catch(() => ""))
  if (!pointer.test(start)) return
  return yield* new CheckpointError({
    file,
    reason: "is a Git LFS pointer and not the file itself: run \"git lfs pull\" in its folder, or fetch it again"
  })
})
