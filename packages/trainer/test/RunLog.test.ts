import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Objective } from "@memory-r1/core/rl"
import { FailedBatch, RunFolder, RunLog, TensorBoard } from "@memory-r1/trainer"
import { Deferred, Effect, Exit, Fiber, FileSystem, Path, Schema } from "effect"

const metrics = { stage: "manager", step: 3, steps: 10, values: { reward: 0.5 } }

const inFolder = Effect.gen(function*() {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const folder = path.join(yield* files.makeTempDirectoryScoped(), "deep", "run")
  const status = Effect.flatMap(
    files.readFileString(path.join(folder, "status.json")),
    Schema.decodeEffect(Schema.fromJsonString(RunFolder.Status))
  )
  return { files, path, folder, status }
})

describe("RunLog", () => {
  it.effect("leaves metrics, transcripts and how it ended", () =>
    Effect.gen(function*() {
      const { files, folder, path, status } = yield* inFolder
      yield* Effect.gen(function*() {
        const log = yield* RunLog.RunLog
        assert.strictEqual((yield* status).state, "running")
        yield* log.metrics(metrics)
        yield* log.metrics({ ...metrics, step: 4 })
        yield* log.transcript({ stage: "manager", step: 4, prompt: "p", completions: [] })
      }).pipe(Effect.provide(RunFolder.layerLog(folder)))
      assert.deepStrictEqual(yield* status, { state: "done", stage: "manager", step: 4 })
      const lines = (yield* files.readFileString(path.join(folder, "metrics.jsonl"))).trim().split("\n").map((line) =>
        JSON.parse(line) as Record<string, unknown>
      )
      assert.deepStrictEqual(lines.map(({ reward, stage, step }) => ({ stage, step, reward })), [
        { stage: "manager", step: 3, reward: 0.5 },
        { stage: "manager", step: 4, reward: 0.5 }
      ])
      assert.include(yield* files.readFileString(path.join(folder, "transcripts.jsonl")), "\"prompt\":\"p\"")
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

  it.effect("goes on at a mark: what came after it is gone, and TensorBoard's file with it", () =>
    Effect.gen(function*() {
      const { files, folder, path, status } = yield* inFolder
      const at = (name: string) => files.readFileString(path.join(folder, name))
      const flat = (step: number) => ({ ...metrics, step, values: { zeroVariance: 1, reward: 0.5 }, rewards: [0.5, 1] })
      const writing = (steps: ReadonlyArray<number>) =>
        RunLog.RunLog.use((log) =>
          Effect.andThen(Effect.forEach(steps, (step) => log.metrics(flat(step)), { discard: true }), log.mark)
        )
      const mark = yield* Effect.provide(writing([1, 2, 3, 4]), RunFolder.layerLog(folder))
      const board = (yield* files.stat(path.join(folder, TensorBoard.fileName))).size
      assert.strictEqual(mark[TensorBoard.fileName], Number(board))
      assert.notProperty(mark, "alarms.jsonl")
      const before = yield* at("metrics.jsonl")

      yield* Effect.provide(writing([5, 6]), RunFolder.layerLog(folder, { resumeAt: mark }))
      // The fifth step in a row without a difference: seen, though four of them were logged by another process.
      assert.deepStrictEqual(
        (yield* at("alarms.jsonl")).trim().split("\n").map((line) =>
          (JSON.parse(line) as { readonly step: number }).step
        ),
        [5]
      )
      assert.include(yield* at("metrics.jsonl"), "\"rewards\":[0.5,1]")
      yield* Effect.provide(Effect.void, RunFolder.layerLog(folder, { resumeAt: mark }))
      assert.strictEqual(yield* at("metrics.jsonl"), before)
      assert.isFalse(yield* files.exists(path.join(folder, "alarms.jsonl")))
      assert.strictEqual((yield* files.stat(path.join(folder, TensorBoard.fileName))).size, board)
      assert.deepStrictEqual(yield* status, { state: "done", stage: "manager", step: 4 })

      // A file that lost its end, as after a loss of power, is not made longer.
      yield* files.writeFileString(path.join(folder, "metrics.jsonl"), before.slice(0, before.indexOf("\n") + 1))
      yield* Effect.provide(Effect.void, RunFolder.layerLog(folder, { resumeAt: mark }))
      assert.strictEqual((yield* status).step, 1)
    }).pipe(Effect.provide(NodeServices.layer)))

  it.effect("writes no event file where none is wanted, and a failed batch where there is one", () =>
    Effect.gen(function*() {
      const { files, folder, path } = yield* inFolder
      const objective = Objective.grpo({ beta: 0.1 })
      const batch = [{
        prompt: [1, 2],
        completions: [{ tokens: [3, 4], oldLogp: Float32Array.of(-1, NaN), advantage: Infinity, mask: [1, 0] }]
      }]
      const file = yield* Effect.provide(
        RunLog.RunLog.use((log) => log.batch({ stage: "manager", step: 3, temperature: 1, objective, batch })),
        RunFolder.layerLog(folder, { tensorBoard: false })
      )
      assert.isFalse(yield* files.exists(path.join(folder, TensorBoard.fileName)))
      const again = yield* FailedBatch.decode(yield* files.readFileString(file!))
      assert.deepStrictEqual(
        again,
        {
          stage: "manager",
          step: 3,
          temperature: 1,
          objective,
          batch: [{ prompt: [1, 2], completions: [{ ...batch[0]!.completions[0]!, oldLogp: [-1, NaN] }] }]
        } as FailedBatch.FailedBatch
      )
      assert.match((yield* Effect.flip(FailedBatch.decode("{}"))).message, /^is not a batch that a run left: /)
    }).pipe(Effect.provide(NodeServices.layer)))

  it.effect("says what failed", () =>
    Effect.gen(function*() {
      const { folder, status } = yield* inFolder
      const failing = Effect.andThen(RunLog.RunLog.use((log) => log.metrics(metrics)), Effect.fail("no more tokens"))
      const exit = yield* Effect.exit(Effect.provide(failing, RunFolder.layerLog(folder)))
      assert.isTrue(Exit.isFailure(exit))
      const { message, state, step } = yield* status
      assert.deepStrictEqual([state, step], ["failed", 3])
      assert.strictEqual(message, "no more tokens")
    }).pipe(Effect.provide(NodeServices.layer)))

  it.effect("begins anew in the folder of an earlier run", () =>
    Effect.gen(function*() {
      const { folder } = yield* inFolder
      const files = yield* FileSystem.FileSystem
      const path = yield* Path.Path
      for (const _ of [1, 2]) {
        yield* Effect.provide(RunLog.RunLog.use((log) => log.metrics(metrics)), RunFolder.layerLog(folder))
      }
      const lines = (yield* files.readFileString(path.join(folder, "metrics.jsonl"))).trim().split("\n")
      assert.lengthOf(lines, 1)
    }).pipe(Effect.provide(NodeServices.layer)))

  it.live("says where it was interrupted, and stays readable", () =>
    Effect.gen(function*() {
      const { folder, status } = yield* inFolder
      const reached = yield* Deferred.make<void>()
      const fiber = yield* Effect.forkChild(
        RunLog.RunLog.use((log) => log.metrics(metrics)).pipe(
          Effect.andThen(Deferred.succeed(reached, undefined)),
          Effect.andThen(Effect.never),
          Effect.provide(RunFolder.layerLog(folder))
        )
      )
      yield* Deferred.await(reached)
      yield* Fiber.interrupt(fiber)
      assert.isTrue(Exit.isFailure(yield* Fiber.await(fiber)))
      const { state, step } = yield* status
      assert.deepStrictEqual([state, step], ["interrupted", 3])
    }).pipe(Effect.provide(NodeServices.layer)))

  it.effect("names the folder that it cannot write", () =>
    Effect.gen(function*() {
      const { files, folder } = yield* inFolder
      const path = yield* Path.Path
      yield* files.makeDirectory(path.dirname(folder), { recursive: true })
      yield* files.writeFileString(folder, "a file where the folder should be")
      const error = yield* Effect.flip(Effect.provide(Effect.void, RunFolder.layerLog(folder)))
      assert.strictEqual(error._tag, "RunLogError")
      assert.include(error.message, folder)
      assert.include(error.message, "is the folder writable")
    }).pipe(Effect.provide(NodeServices.layer)))
})
