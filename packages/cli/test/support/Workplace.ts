// A folder for the files of a test suite, with a tiny model in it.
import { Context, Effect, Layer } from "effect"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as TinyModel from "./tinyModel.ts"

export class Workplace extends Context.Service<Workplace, {
  readonly folder: string
  /** Writes a file, as JSON unless it is text, and gives its name. */
  readonly file: (name: string, content: unknown) => string
}>()("@memory-r1/cli/test/Workplace") {}

/** The model is the directory `tiny` in the folder. */
export const layer = Layer.effect(
  Workplace,
  Effect.gen(function*() {
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "memory-r1-cli-"))),
      (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
    )
    yield* TinyModel.write(join(folder, "tiny"))
    return {
      folder,
      file: (name: string, content: unknown) => {
        writeFileSync(join(folder, name), typeof content === "string" ? content : JSON.stringify(content))
        return name
      }
    }
  })
)
