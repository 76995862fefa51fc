import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Report } from "@memory-r1/report"
import { RunFolder, RunLog } from "@memory-r1/trainer"
import { Effect, FileSystem, Stdio } from "effect"
import { Command } from "effect/cli"
import { TestConsole } from "effect/testing"
import { report } from "../src/commands/report.ts"
import { Json } from "../src/Output.ts"
import * as RunFile from "../src/RunFile.ts"

const scratch = Effect.flatMap(FileSystem.FileSystem, (files) => files.makeTempDirectoryScoped())

const metrics: RunLog.Metrics = {
  stage: "manager",
  step: 1,
  steps: 4,
  values: { reward: 0.5, "share.add": 1, loss: NaN }
}

const transcript: RunLog.Transcript = {
  stage: "manager",
  step: 1,
  prompt: "Memories:\n",
  completions: [
    {
      text: "NOOP",
      reward: 0.5,
      advantage: NaN,
      parts: { answers: 0.5 },
      labels: ["noop"],
      result: "Which dogs? none (Buddy)"
    }
  ]
}

const args = ["quickstart", "--out", "runs/Ann's dogs", "--seed", "3"]

// A run folder as the commands and the run log write it.
const folderOf = Effect.fnUntraced(function*(end: Effect.Effect<void, string>) {
  const folder = `${yield* scratch}/run`
  yield* Effect.gen(function*() {
    yield* RunFile.write(folder, { seed: 3, algorithm: "grpo" }).pipe(
      Effect.provide(Stdio.layerTest({ args: Effect.succeed(args) }))
    )
    const log = yield* RunLog.RunLog
    yield* log.metrics(metrics)
    yield* log.transcript(transcript)
    yield* end
  }).pipe(Effect.provide(RunFolder.layerLog(folder)), Effect.ignore)
  return folder
})

layer(NodeServices.layer)("report", (it) => {
  it.effect(
    "reads what a run writes",
    Effect.fnUntraced(function*() {
      const {
        metrics: [first],
        ...input
      } = yield* Report.read(yield* folderOf(Effect.void))
      assert.deepStrictEqual([first!.stage, first!.step, first!.steps], ["manager", 1, 4])
      assert.deepStrictEqual(
        [...first!.values],
        [
          ["reward", 0.5],
          ["share.add", 1]
        ]
      )
      // NaN, which JSON does not have, comes back.
      assert.deepStrictEqual(input.transcripts, [transcript])
      assert.deepStrictEqual(input.status, { state: "done", stage: "manager", step: 1 })
      assert.deepStrictEqual(input.run, {
        command: `memory-r1 quickstart --out 'runs/Ann'\\''s dogs' --seed 3`,
        seed: 3,
        algorithm: "grpo"
      })
      assert.deepStrictEqual(input.skipped, [])
    })
  )

  it.effect(
    "says how a run failed",
    Effect.fnUntraced(function*() {
      const { status } = yield* Report.read(yield* folderOf(Effect.fail("the disk is full")))
      assert.deepStrictEqual([status?.state, status?.stage, status?.step], ["failed", "manager", 1])
      assert.include(status?.message, "the disk is full")
    })
  )

  it.effect(
    "writes the page and prints where it is",
    Effect.fnUntraced(function*() {
      const folder = yield* folderOf(Effect.void)
      yield* Command.runWith(report, { version: "0" })([folder]).pipe(Effect.provideService(Json, true))
      const [line] = yield* TestConsole.logLines
      assert.deepStrictEqual(JSON.parse(String(line)), { report: `${folder}/report.html` })
      const files = yield* FileSystem.FileSystem
      assert.include(
        yield* files.readFileString(`${folder}/report.html`),
        "<title>Memory-R1 quickstart, seed 3</title>"
      )
    })
  )

  it.effect(
    "fails where there is no run",
    Effect.fnUntraced(function*() {
      const folder = yield* scratch
      const error = yield* Effect.flip(Command.runWith(report, { version: "0" })([folder]))
      assert.strictEqual(error._tag, "FileUnusable")
      assert.include(error.message, `${folder}: no run folder`)
    })
  )
})
