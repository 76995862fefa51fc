// What a configuration names: registered, or a module.
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Retriever } from "@memory-r1/core"
import type { Reward } from "@memory-r1/core/rl"
import { Recipe, Registry, RunLog, TrainConfig, Trainer } from "@memory-r1/trainer"
import { Effect, FileSystem } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { registry } from "./support/letterData.ts"
import * as Tiny from "./support/tiny.ts"

const mine = `
export const reward = ({ prediction }) => ({ value: prediction.length / 10, parts: { length: prediction.length / 10 } })
export const broken = 7
export const exercise = (index) => [{ prompt: "ab", completions: [{ target: "ba".repeat(1 + index % 2) }] }]
export const format = {
  manager: {
    prompt: ({ fact }) => fact.text,
    decode: () => ({ edits: [], operations: [{ _tag: "Noop" }], rejections: [], raw: "" })
  },
  answer: { prompt: ({ question }) => question, decode: (text) => ({ text, wellFormed: true }) }
}
`

const withModule = <A, E, R>(run: (folder: string) => Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const folder = yield* (yield* FileSystem.FileSystem).makeTempDirectoryScoped()
    writeFileSync(join(folder, "mine.mjs"), mine)
    return yield* run(folder)
  }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))

const rate = { peak: 1e-3, warmup: 1 }

describe("Registry", () => {
  it.effect("finds names, and says which are known", () =>
    Effect.gen(function*() {
      const all = Registry.make({ rewards: { brief: () => ({ value: 1, parts: {} }) } })
      assert.strictEqual((yield* Registry.find(all, "rewards", "brief"))({} as Reward.JudgedOutcome).value, 1)
      const error = yield* Effect.flip(Registry.find(all, "rewards", "exactmatch"))
      assert.strictEqual(
        error.message,
        "there is no reward named \"exactmatch\": known are exactMatch, exactMatchElseF1, f1, f1TimesJudge, judge, " +
          "brief; or give the path of a module and its export, such as ./mine.ts#reward"
      )
      assert.match((yield* Effect.flip(Registry.find(all, "datasets", "locomo"))).message, /^there is no data set/)
      // A name of every object is no name here.
      assert.match((yield* Effect.flip(Registry.find(all, "rewards", "toString"))).message, /^there is no reward/)
    }))

  it.effect("finds what a module exports, and says what is wrong with it", () =>
    withModule((folder) =>
      Effect.gen(function*() {
        const at = (name: string) => join(folder, name)
        const found = yield* Registry.find(registry, "rewards", at("mine.mjs#reward"))
        assert.strictEqual(found({ prediction: "four" } as Reward.JudgedOutcome).value, 0.4)
        const reason = (kind: keyof Registry.Registry, name: string) =>
          Effect.map(
            Effect.flip(Registry.find(registry, kind, at(name))),
            (error) => error.message.replace(folder, ".")
          )
        assert.match(yield* reason("rewards", "none.mjs#reward"), /^reward \.\/none\.mjs#reward: the module cannot be/)
        assert.strictEqual(
          yield* reason("rewards", "mine.mjs#rewards"),
          "reward ./mine.mjs#rewards: the module has no export rewards; it exports reward, broken, exercise, format"
        )
        assert.match(yield* reason("rewards", "mine.mjs"), /has no export default/)
        assert.match(yield* reason("rewards", "mine.mjs#broken"), /the export is not a function/)
        assert.match(yield* reason("datasets", "mine.mjs#reward"), /the export is not what Dataset\.define returns/)
        assert.match(yield* reason("managers", "mine.mjs#format"), /the export is not a layer of a MemoryManager/)
      })
    ))

  it.effect(
    "trains with a reward, a format and exercises of a module, named in the configuration",
    () =>
      withModule((folder) =>
        Effect.gen(function*() {
          const config = yield* TrainConfig.decode(
            {
              model: { directory: "tiny" },
              data: { dataset: "letters" },
              format: "./mine.mjs#format",
              managerTokens: 4,
              answerTokens: 4,
              stages: [
                { kind: "sft", steps: 1, groupsPerStep: 2, data: "./mine.mjs#exercise", learningRate: rate },
                {
                  kind: "answer",
                  manager: "addOnly",
                  steps: 1,
                  groupsPerStep: 2,
                  groupSize: 2,
                  maxTokens: 4,
                  reward: { answer: "./mine.mjs#reward" },
                  learningRate: rate
                }
              ]
            },
            registry,
            { folder }
          )
          // Absolute, so that a run resumes from anywhere.
          assert.strictEqual(config.format, `${join(folder, "mine.mjs")}#format`)
          const learner = yield* Tiny.learner
          const { stages } = yield* Recipe.make({ config, registry, folder, learners: () => Effect.succeed(learner) })
          const records: Array<RunLog.Metrics | RunLog.Transcript> = []
          yield* Trainer.run(stages, { seed: 1 }).pipe(
            Effect.provide([RunLog.layerMemory(records), Retriever.layerBm25])
          )
          const metrics = records.flatMap((record) => "values" in record ? [record] : [])
          assert.deepStrictEqual(metrics.map(({ stage }) => stage), ["sft", "answer"])
          assert.property(metrics[1]!.values, "reward.length")
        })
      ),
    60_000
  )

  it.effect("refuses options that a data set does not declare, and an unknown data set", () =>
    Effect.gen(function*() {
      const json = (data: object) => ({
        model: { directory: "tiny" },
        data,
        stages: [{ kind: "manager", steps: 1, learningRate: rate }]
      })
      const reason = (data: object) =>
        Effect.map(Effect.flip(TrainConfig.decode(json(data), registry)), (error) => error.message)
      assert.match(yield* reason({ dataset: "letters", alphabet: 1 }), /^data: Expected no excess property\n.*alphabet/)
      assert.match(
        yield* reason({ dataset: "memory-world" }),
        /^there is no data set named "memory-world": known are let/
      )
      assert.match(yield* reason({ dataset: "letters", perFact: 0 }), /perFact/)
    }))
})
