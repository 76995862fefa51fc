// @module-tag slow
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Checkpoint, OnnxLearner, OnnxModel } from "@memory-r1/backend-onnx"
import { Retriever } from "@memory-r1/core"
import { Learner } from "@memory-r1/core/rl"
import { Checkpointer, Checkpoints, Recipe, RunFolder, RunLog, TrainConfig, Trainer } from "@memory-r1/trainer"
import { Effect, FileSystem } from "effect"
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { registry } from "./support/letterData.ts"
import * as Tiny from "./support/tiny.ts"

const learningRate = { peak: 4e-3, warmup: 1 }
const small = { groupsPerStep: 3, groupSize: 3, maxTokens: 6, learningRate }
const sft = { kind: "sft", steps: 19, groupsPerStep: 3, managerShare: 0.6, learningRate: { peak: 1e-2, warmup: 1 } }
const manager = { kind: "manager", steps: 5, zeroVariance: "keep", ...small }
const answer = { kind: "answer", steps: 4, zeroVariance: "keep", ...small }

const configOf = (given: object) =>
  TrainConfig.decode({
    seed: 4,
    model: { directory: "tiny" },
    data: { dataset: "letters" },
    managerTokens: 6,
    answerTokens: 6,
    ...given
  }, registry)

// A learner of the tiny checkpoint, or of what a stage has saved.
const learners = (start: string | undefined, { critic }: { readonly critic: boolean }) =>
  Effect.gen(function*() {
    const checkpoint = yield* Checkpoint.load(start ?? Tiny.directory)
    return (yield* OnnxLearner.make(yield* OnnxModel.fromCheckpoint(checkpoint, { threads: 1 }), { critic })).learner
  })

class Killed extends Error {}

/**
 * Runs in a folder, from the beginning or from its newest checkpoint; `kill` dies at the n-th line of metrics, which is
 * written.
 */
const runIn = (
  folder: string,
  config: TrainConfig.TrainConfig,
  options: { readonly kill?: number | undefined; readonly make?: typeof learners | undefined } = {}
) =>
  Effect.gen(function*() {
    const resumed = yield* Checkpointer.newest(folder)
    let lines = 0
    const dying = Effect.updateService(RunLog.RunLog, (log: RunLog.Service): RunLog.Service => ({
      ...log,
      metrics: (record) =>
        Effect.andThen(
          log.metrics(record),
          Effect.suspend(() => ++lines === options.kill ? Effect.die(new Killed()) : Effect.void)
        )
    }))
    return yield* Effect.gen(function*() {
      const { stages } = yield* Recipe.make({ config, registry, folder, learners: options.make ?? learners })
      yield* Trainer.run(stages, {
        seed: config.seed,
        checkpointer: yield* Checkpointer.make(folder, { keepLast: config.checkpoints.keepLast, resumed }),
        checkpointEvery: config.checkpoints.every,
        validation: config.validation
      })
    }).pipe(
      dying,
      Effect.provide([
        RunFolder.layerLog(folder, resumed === undefined ? {} : { resumeAt: resumed.state.mark }),
        Retriever.layerBm25
      ]),
      Effect.scoped
    )
  })

const folder = Effect.flatMap(FileSystem.FileSystem, (files) => files.makeTempDirectoryScoped())
const lines = (folder: string, name: string): ReadonlyArray<Record<string, unknown>> =>
  existsSync(join(folder, name))
    ? readFileSync(join(folder, name), "utf8").split("\n").filter((line) => line !== "").map((line) =>
      JSON.parse(line) as Record<string, unknown>
    )
    : []
const metrics = (folder: string) =>
  lines(folder, "metrics.jsonl").map(({ at: _, seconds: __, tokensPerSecond: ___, ...values }) => values)
const bytes = (folder: string, ...parts: ReadonlyArray<string>) =>
  readFileSync(join(folder, ...parts)).toString("base64")

const test = (
  name: string,
  run: (folder: string) => Effect.Effect<void, unknown, NodeServices.NodeServices | import("effect").Scope.Scope>
) => it.effect(name, () => Effect.flatMap(folder, run).pipe(Effect.scoped, Effect.provide(NodeServices.layer)), 120_000)

const cases: Readonly<Record<string, object>> = {
  "supervised, then both agents by GRPO with a KL term": {
    stages: [sft, { ...manager, beta: 0.1, kl: { place: "reward", adaptive: { target: 0.01, horizon: 9 } } }, answer]
  },
  "whole sessions, and validation": {
    stages: [sft, { ...manager, unit: "session", longest: 2 }],
    validation: { every: 2, dialogues: 2, keep: "best" }
  },
  "PPO with critics, in rounds": {
    rounds: 2,
    stages: [
      { ...manager, zeroVariance: undefined, steps: 2, algorithm: "ppo", critic: { learningRate } },
      { ...answer, zeroVariance: undefined, steps: 2, algorithm: "ppo", critic: { shared: true, learningRate } }
    ].map(({ zeroVariance: _, ...stage }) => stage)
  }
}

describe("Trainer", () => {
  for (const [name, given] of Object.entries(cases)) {
    test(
      `goes on exactly, wherever it is killed: ${name}`,
      Effect.fnUntraced(function*(root) {
        const config = yield* configOf({ checkpoints: { every: 2 }, ...given })
        const straight = join(root, "straight")
        yield* runIn(straight, config)
        const all = metrics(straight)
        const folders = [...new Set(Recipe.plan(config).map(({ stage: { kind } }) => kind === "sft" ? "model" : kind))]
        for (let kill = 1; kill <= all.length; kill += 4) {
          const stopped = join(root, `killed-${kill}`)
          const exit = yield* Effect.exit(runIn(stopped, config, { kill }))
          assert.strictEqual(exit._tag, "Failure")
          // Once more soon after.
          if (kill + 2 < all.length) yield* Effect.exit(runIn(stopped, config, { kill: 2 }))
          yield* runIn(stopped, config)
          assert.deepStrictEqual(metrics(stopped), all, `killed at ${kill}`)
          assert.deepStrictEqual(lines(stopped, "transcripts.jsonl"), lines(straight, "transcripts.jsonl"))
          assert.deepStrictEqual(lines(stopped, "validations.jsonl"), lines(straight, "validations.jsonl"))
          for (const name of folders) {
            assert.strictEqual(
              bytes(stopped, name, "model.safetensors"),
              bytes(straight, name, "model.safetensors"),
              `${name}, killed at ${kill}`
            )
          }
          rmSync(stopped, { recursive: true })
        }
      })
    )
  }

  test(
    "uses the checkpoint before a damaged one, and says which that is",
    Effect.fnUntraced(function*(root) {
      const config = yield* configOf({
        checkpoints: { every: 1, keepLast: 3 },
        stages: [{ ...sft, steps: 12 }, manager]
      })
      const [straight, stopped] = [join(root, "straight"), join(root, "stopped")]
      yield* runIn(straight, config)
      yield* Effect.exit(runIn(stopped, config, { kill: 12 + 4 }))
      assert.deepStrictEqual(readdirSync(join(stopped, "checkpoints")), ["000013", "000014", "000015"])
      const file = join(stopped, "checkpoints/000015/manager/optimizer.safetensors")
      const content = readFileSync(file)
      content[content.length - 7]! ^= 4
      writeFileSync(file, content)
      assert.strictEqual((yield* Checkpointer.newest(stopped))!.state.steps, 14)
      yield* runIn(stopped, config)
      assert.deepStrictEqual(metrics(stopped), metrics(straight))
    })
  )

  test(
    "validates, keeps the best, and ends where nothing gets better",
    Effect.fnUntraced(function*(folder) {
      // The rate is far too high: what comes after the first steps is worse, or no better.
      const config = yield* configOf({
        validation: { every: 1, dialogues: 2, metric: "f1", patience: 2, keep: "best" },
        checkpoints: { every: 50, keepLast: 1 },
        stages: [sft, { ...answer, steps: 40, learningRate: { peak: 0.3, warmup: 1 } }]
      })
      yield* runIn(folder, config)
      const found = metrics(folder).filter((values) => "validation.f1" in values)
      const scores = found.map((values) => values["validation.f1"] as number)
      assert.deepStrictEqual(found.map(({ step }) => step), scores.map((_, i) => i))
      const best = scores.indexOf(Math.max(...scores))
      assert.isBelow(found.at(-1)!["step"] as number, 40)
      assert.strictEqual(scores.length - 1 - best, 2)
      // 19 supervised steps before it.
      assert.deepStrictEqual(readdirSync(join(folder, "checkpoints")), [`${19 + scores.length - 1}`.padStart(6, "0")])
      const kept = yield* Checkpoint.load(join(folder, "answer"))
      if (best === 0) assert.deepStrictEqual(kept.weights, (yield* Checkpoint.load(join(folder, "model"))).weights)
      const validated = lines(folder, "validations.jsonl")
      assert.lengthOf(validated, scores.length)
      const [{ answers, bank }] = validated as [RunLog.Validation & Record<string, unknown>]
      assert.hasAllKeys(answers[0]!, ["id", "question", "gold", "answer", "right"])
      assert.strictEqual(bank.length, 4)
    })
  )

  test(
    "names the stages of rounds, and trains each agent again on what the other has become",
    Effect.fnUntraced(function*(folder) {
      const config = yield* configOf({ rounds: 2, stages: [{ ...manager, steps: 1 }, { ...answer, steps: 1 }] })
      yield* runIn(folder, config)
      assert.deepStrictEqual(metrics(folder).map(({ stage, step, steps }) => [stage, step, steps]), [
        ["manager", 1, 1],
        ["answer", 1, 1],
        ["manager 2", 1, 1],
        ["answer 2", 1, 1]
      ])
    })
  )

  test(
    "a curriculum has dialogues of more and more sessions",
    Effect.fnUntraced(function*(folder) {
      const config = yield* configOf({
        stages: [1, 3].map((sessions) => ({ ...manager, steps: 1, unit: "session", sessions, longest: 9, local: 0 }))
      })
      yield* runIn(folder, config)
      assert.deepStrictEqual(metrics(folder).map(({ stage }) => stage), ["manager", "manager 2"])
    })
  )

  test(
    "a loss that is no number stops the run; weights and batch are kept",
    Effect.fnUntraced(function*(folder) {
      const config = yield* configOf({ checkpoints: { every: 1 }, stages: [manager] })
      let passes = 0
      const failing: typeof learners = (start, options) =>
        Effect.map(learners(start, options), (learner) => ({
          ...learner,
          forwardBackward: (...given) =>
            ++passes === 3
              ? Effect.fail(new Learner.LearnerError({ reason: "the loss is NaN" }))
              : learner.forwardBackward(...given)
        }))
      const error = yield* Effect.flip(runIn(folder, config, { make: failing }))
      assert.strictEqual(
        (error as Error).message,
        `the loss is NaN; the batch of step 3 is in ${join(folder, "failed-batch.json")}`
      )
      yield* Checkpoint.load(join(folder, "failed"))
      assert.strictEqual((yield* Checkpointer.newest(folder))!.state.steps, 2)
      const status = JSON.parse(readFileSync(join(folder, "status.json"), "utf8")) as RunFolder.Status
      assert.deepStrictEqual([status.state, status.stage, status.step], ["failed", "manager", 2])
    })
  )

  test(
    "a finished run has nothing left to do; a checkpoint of another version is refused",
    Effect.fnUntraced(function*(folder) {
      const config = yield* configOf({ checkpoints: { every: 1 }, stages: [{ ...manager, steps: 1 }] })
      yield* runIn(folder, config)
      assert.strictEqual((yield* Checkpointer.newest(folder))!.state.stage, 1)
      const before = metrics(folder)
      yield* runIn(folder, config)
      assert.deepStrictEqual(metrics(folder), before)
      yield* Checkpoints.write<never, never>(folder, { number: 7, state: `{"stage":"1"}`, learners: {} }, {
        keepLast: 2
      })
      const error = yield* Effect.flip(Checkpointer.newest(folder))
      assert.match(error.message, /: checkpoint 7 is of another version of this program: /)
    })
  )
})
