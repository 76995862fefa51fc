// Documents and lines of a run folder. A line that cannot be read is skipped and counted, since a run that was killed
// leaves its last line unfinished.
import { DataFile } from "@memory-r1/core/rl"
import { writeWhole } from "@memory-r1/core/store"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import type * as Schema from "effect/Schema"

/**
 * Lines that could not be read. `partial`: the last of them is the unfinished end of the file.
 *
 * @category models
 * @since 0.1.0
 */
export interface Skipped {
  readonly file: string
  readonly lines: number
  readonly partial: boolean
}

/**
 * A document of a run folder with a schema, or `undefined` if there is none.
 *
 * Fails with `FileUnusable`, `BrokenJson` or `WrongShape`.
 *
 * @category running
 * @since 0.1.0
 */
export const document = Effect.fnUntraced(function*<T, E>(file: string, schema: Schema.Codec<T, E>) {
  const text = yield* textOf(file)
  return text === undefined ? undefined : yield* DataFile.decode(file, schema, yield* DataFile.parse(file, text))
})

const textOf = Effect.fnUntraced(function*(file: string) {
  const files = yield* FileSystem.FileSystem
  const there = yield* Effect.mapError(
    files.exists(file),
    (error) => new DataFile.FileUnusable({ file, detail: error.message })
  )
  return there ? (yield* DataFile.read(file)).text : undefined
})

interface Lines<T> {
  readonly found: ReadonlyArray<T>
  readonly skipped: ReadonlyArray<Skipped>
}

/** The lines of a file that `read` can read. */
export const lines = Effect.fnUntraced(
  function*<T>(folder: string, name: string, read: (line: string) => Option.Option<T>) {
    const path = yield* Path.Path
    const text = yield* textOf(path.join(folder, name))
    const found: Array<T> = []
    let [skipped, partial] = [0, false]
    const all = (text ?? "").split("\n")
    all.forEach((line, i) => {
      if (line.trim() === "") return
      const value = read(line)
      if (Option.isSome(value)) found.push(value.value)
      else {
        skipped++
        // What a file ends with, where no line break follows, was still being written.
        partial = i === all.length - 1
      }
    })
    return { found, skipped: skipped === 0 ? [] : [{ file: name, lines: skipped, partial }] } satisfies Lines<T>
  }
)

/** Writes a value as JSON: the file is there whole or not at all, whenever the process or the machine stops. */
export const writeJson = (file: string, value: unknown) => writeWhole(file, `${JSON.stringify(value, null, 2)}\n`)
