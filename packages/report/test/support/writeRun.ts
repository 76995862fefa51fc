// Writes a synthetic run folder with its page: node packages/report/test/support/writeRun.ts quickstart /tmp/run
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Report from "../../src/Report.ts"
import * as Runs from "./runs.ts"

/** Writes the files of a run folder. */
export const write = Effect.fnUntraced(function*(folder: string, content: Runs.Folder) {
  const files = yield* FileSystem.FileSystem
  yield* files.makeDirectory(folder, { recursive: true })
  yield* Effect.forEach(Object.entries(content), ([name, text]) => files.writeFileString(`${folder}/${name}`, text))
})

const [kind, folder] = process.argv.slice(2)

if (import.meta.main) {
  const runs: Readonly<Record<string, Runs.Folder>> = {
    quickstart: Runs.quickstart,
    interrupted: Runs.interrupted,
    training: Runs.training,
    failed: Runs.failed
  }
  const program = Effect.gen(function*() {
    const content = runs[kind ?? ""]
    if (content === undefined || folder === undefined) {
      return yield* Effect.fail(new Error(`usage: writeRun.ts ${Object.keys(runs).join("|")} FOLDER`))
    }
    yield* write(folder, content)
    yield* Console.log(yield* Report.write(folder))
  })
  NodeRuntime.runMain(Effect.provide(program, NodeServices.layer))
}
