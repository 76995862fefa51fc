/**
 * A run as one web page: what it reached, what changed, and how training went.
 *
 * The page is whole in itself. It fetches nothing, and texts of the run (a transcript may hold anything) are shown,
 * never run.
 *
 * @since 0.1.0
 */
import { DataFile } from "@memory-r1/core/rl"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Input from "./internal/input.ts"
import { page } from "./internal/page.ts"
import { runsPage } from "./internal/runs.ts"

export type { Input } from "./internal/input.ts"

/**
 * The page of a run, as HTML.
 *
 * @example
 * ```ts
 * import { Report } from "@memory-r1/report"
 *
 * const page = Report.html({
 *   folder: "runs/mine",
 *   run: { command: "memory-r1 train --config mine.json", seed: 7 },
 *   status: { state: "failed", stage: "manager", step: 3, message: "<script>alert(1)</script>" },
 *   metrics: [{ stage: "manager", step: 3, steps: 40, values: new Map([["reward", 0.5]]) }],
 *   transcripts: [],
 *   skipped: []
 * })
 * page.includes("<title>Memory-R1 training run, seed 7</title>") // => true
 * page.includes("This run failed at step 3 of 40") // => true
 * page.includes("<script>alert(1)") // => false
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const html = (input: Input.Input): string => page(input)

/**
 * Reads a run folder: `results.json`, `metrics.jsonl`, `transcripts.jsonl`, `status.json`, and `run.json` with the
 * command that made it. What is missing is omitted; lines that cannot be read, such as the last one of a run that was
 * killed, are skipped and counted.
 *
 * Fails with `FileUnusable` where the folder holds none of these or a file cannot be read, and with `BrokenJson` and
 * `WrongShape` for the documents among them.
 *
 * @example
 * ```ts
 * import { NodeServices } from "@effect/platform-node"
 * import { Report } from "@memory-r1/report"
 * import { Effect } from "effect"
 *
 * const program = Effect.flip(Report.read("no/such/run"))
 * const error = await Effect.runPromise(Effect.provide(program, NodeServices.layer))
 * error._tag // => "FileUnusable"
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const read = Effect.fn("Report.read")(function*(
  folder: string
): Effect.fn.Return<Input.Input, DataFile.DataFileError, FileSystem.FileSystem | Path.Path> {
  return yield* Input.read(folder)
})

/**
 * Writes `file` (by default `report.html` in the run folder) from what is there, and gives its path. Fails as `read`
 * does, and with `FileUnusable` where the page cannot be written.
 *
 * @example
 * ```ts
 * import { NodeServices } from "@effect/platform-node"
 * import { Report } from "@memory-r1/report"
 * import { Effect, FileSystem } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const files = yield* FileSystem.FileSystem
 *   const folder = yield* files.makeTempDirectoryScoped()
 *   yield* files.writeFileString(`${folder}/metrics.jsonl`, `{"stage": "manager", "step": 1, "reward": 0.5}\n`)
 *   const report = yield* Report.write(folder)
 *   return yield* files.readFileString(report)
 * })
 * const page = await Effect.runPromise(program.pipe(Effect.scoped, Effect.provide(NodeServices.layer)))
 * page.startsWith("<!doctype html>") // => true
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const write = Effect.fn("Report.write")(function*(
  folder: string,
  file?: string
): Effect.fn.Return<string, DataFile.DataFileError, FileSystem.FileSystem | Path.Path> {
  const out = file ?? (yield* Path.Path).join(folder, "report.html")
  yield* DataFile.write(out, html(yield* read(folder)))
  return out
})

/**
 * Writes a page over several run folders into a file: what they reached, with intervals over their seeds, and their
 * curves as bands. Runs of other algorithms stand beside each other. Fails as `read` does, and with `FileUnusable`
 * where the page cannot be written.
 *
 * @category running
 * @since 0.1.0
 */
export const writeRuns = Effect.fn("Report.writeRuns")(function*(
  folders: ReadonlyArray<string>,
  file: string
): Effect.fn.Return<string, DataFile.DataFileError, FileSystem.FileSystem | Path.Path> {
  yield* DataFile.write(file, runsPage(yield* Effect.forEach(folders, (folder) => read(folder))))
  return file
})
