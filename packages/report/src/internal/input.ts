// What a page is made of: what the folder of a run holds, and what the quickstart measured.
import type { DataFile } from "@memory-r1/core/rl"
import { QuickstartResult } from "@memory-r1/memory-world"
import { RunFolder } from "@memory-r1/trainer"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"

/**
 * A run, as far as its folder tells. `results` is what the quickstart measured.
 *
 * @category models
 * @since 0.1.0
 */
export interface Input extends RunFolder.Contents {
  readonly results?: QuickstartResult.QuickstartResult | undefined
}

export const read = Effect.fnUntraced(function*(
  folder: string
): Effect.fn.Return<Input, DataFile.DataFileError, FileSystem.FileSystem | Path.Path> {
  const path = yield* Path.Path
  const contents = yield* RunFolder.read(folder)
  const file = path.join(folder, "results.json")
  return { ...contents, results: yield* RunFolder.document(file, QuickstartResult.QuickstartResult) }
})
