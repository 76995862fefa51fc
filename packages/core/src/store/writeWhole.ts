import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type { PlatformError } from "effect/PlatformError"

/**
 * Writes a text file that is there whole or not at all, whenever the process or the machine stops: beside its place,
 * onto the disk, and then renamed. A failure leaves the file as it was.
 *
 * @category running
 * @since 0.1.0
 */
export const writeWhole = Effect.fnUntraced(
  function*(file: string, text: string): Effect.fn.Return<void, PlatformError, FileSystem.FileSystem> {
    const files = yield* FileSystem.FileSystem
    const temporary = `${file}.tmp`
    const written = Effect.gen(function*() {
      const handle = yield* files.open(temporary, { flag: "w" })
      yield* handle.writeAll(new TextEncoder().encode(text))
      yield* handle.sync
    })
    yield* Effect.andThen(Effect.scoped(written), files.rename(temporary, file)).pipe(
      Effect.onError(() => Effect.ignore(files.remove(temporary, { force: true })))
    )
  }
)
