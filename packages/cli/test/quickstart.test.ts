// The quickstart with its real parts, on a tiny model and for a few steps. What it reaches with the embedded model is
// in docs/quickstart.md.
// @module-tag slow
import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Checkpoint } from "@memory-r1/backend-onnx"
import { Retriever } from "@memory-r1/core"
import { QuickstartResult } from "@memory-r1/memory-world"
import { RunLog } from "@memory-r1/trainer"
import { Effect, Layer, Random } from "effect"
import { existsSync } from "node:fs"
import { join } from "node:path"
import * as Progress from "../src/Progress.ts"
import { run } from "../src/quickstart/run.ts"
import * as Settings from "../src/quickstart/settings.ts"
import { lines } from "../src/quickstart/tables.ts"
import * as Program from "./support/program.ts"
import * as Workplace from "./support/Workplace.ts"

const smallerOf = (algorithm: Settings.Algorithm): Settings.Settings => {
  const { stages } = Settings.defaults[algorithm]
  return {
    heldOutDialogues: 2,
    stages: {
      answer: { ...stages.answer, steps: 1, groupsPerStep: 2, groupSize: 2, maxTokens: 6 },
      manager: { ...stages.manager, steps: 2, groupsPerStep: 2, groupSize: 2, maxTokens: 6 }
    }
  }
}
const smaller = smallerOf("grpo")

const layerProgress = (said: Array<string>) =>
  Layer.succeed(Progress.Progress, {
    line: (text) => Effect.sync(() => void said.push(text)),
    phase: (name, total, run) =>
      Effect.andThen(Effect.sync(() => void said.push(`${name}: ${total}`)), run({ update: () => Effect.void }))
  })

layer(Layer.merge(Workplace.layer, NodeServices.layer))("quickstart", (it) => {
  it.effect("measures, trains both agents in the order asked for, measures again", () =>
    Effect.gen(function*() {
      const { folder } = yield* Workplace.Workplace
      const said: Array<string> = []
      const records: Array<RunLog.Metrics | RunLog.Transcript> = []
      const out = join(folder, "run")
      const found = yield* run({
        seed: 3,
        algorithm: "grpo",
        order: "manager-first",
        out,
        model: join(folder, "tiny"),
        settings: smaller
      }).pipe(
        Effect.scoped,
        Random.withSeed(3),
        Effect.provide([Retriever.layerBm25, RunLog.layerMemory(records), layerProgress(said)])
      )
      assert.deepStrictEqual(
        records.flatMap((record) => "values" in record ? [[record.stage, record.step, record.steps]] : []),
        [["manager", 1, 2], ["manager", 2, 2], ["answer", 1, 1], ["answer 2", 1, 1]]
      )
      const phases = said.map((line) => line.replace(/: \d+$/, ""))
      const measured = (label: string) => [`new people: ${label}`, `new phrasings: ${label}`]
      assert.deepStrictEqual(phases, [
        ...measured("warm start"),
        "GRPO, manager",
        "GRPO, answer",
        "GRPO, answer 2",
        ...measured("both RL")
      ])
      for (const agent of ["manager", "answer"]) yield* Checkpoint.load(join(out, agent))

      for (const results of [found.results, found.resultsNewPhrasings]) {
        assert.deepStrictEqual(
          QuickstartResult.measured(results).map(({ key }) => key),
          QuickstartResult.systems.map(([key]) => key)
        )
        for (const { key, result } of QuickstartResult.measured(results)) assert.strictEqual(result.dialogues, 2, key)
        // A perfect bank holds what is asked for, so the oracle's is right after every turn.
        assert.strictEqual(results.oracle.operationAccuracy.overall, 1)
        assert.strictEqual(results.addOnly.operations.add, results.addOnly.memories * 2)
        // The same statements, and nothing updated or deleted.
        for (
          const [added, kept] of [[results.addOnlyStatements!, results.bothRl], [
            results.addOnlyOracle!,
            results.oracle
          ]] as const
        ) {
          assert.deepStrictEqual([added.operations.update, added.operations.delete], [0, 0])
          // A fact that nothing was decided on is a memory without an operation.
          assert.isAtMost(added.operations.add, added.memories * 2)
          assert.isAtMost(added.operations.add, kept.operations.add + kept.operations.update)
          assert.isAtLeast(added.memories, kept.memories)
        }
        assert.isAbove(results.addOnlyOracle!.memories, results.oracle.memories)
      }
      assert.deepStrictEqual([found.seed, found.order, found.algorithm], [3, "manager-first", "grpo"])
      assert.isNotEmpty(found.probe.memories)

      const document = { ...found, run: out, report: join(out, "report.html") } as QuickstartResult.QuickstartResult
      const text = lines(document).join("\n")
      for (const [, name] of QuickstartResult.systems) assert.include(text, name)
      assert.include(text, "2 dialogues")
      assert.notMatch(text, /NaN|undefined/)
    }), Program.timeout)

  it.effect("PPO: trains each agent with a critic of its own", () =>
    Effect.gen(function*() {
      const { folder } = yield* Workplace.Workplace
      const records: Array<RunLog.Metrics | RunLog.Transcript> = []
      const settings = { ...smallerOf("ppo"), heldOutDialogues: 1 }
      const found = yield* run({
        seed: 3,
        algorithm: "ppo",
        order: "manager-first",
        out: join(folder, "run"),
        model: join(folder, "tiny"),
        settings
      }).pipe(
        Effect.scoped,
        Random.withSeed(3),
        Effect.provide([Retriever.layerBm25, RunLog.layerMemory(records), layerProgress([])])
      )
      assert.strictEqual(found.algorithm, "ppo")
      const metrics = records.flatMap((record) => "values" in record ? [record.values] : [])
      assert.lengthOf(metrics, 4)
      for (const values of metrics) {
        assert.containsAllKeys(values, ["explainedVariance", "value", "valueLoss", "reward"])
      }
    }), Program.timeout)

  it.effect(
    "answer-first: trains the reader that rewards the manager, then the manager, then the reader again",
    () =>
      Effect.gen(function*() {
        const { folder } = yield* Workplace.Workplace
        const records: Array<RunLog.Metrics | RunLog.Transcript> = []
        yield* run({
          seed: 3,
          algorithm: "grpo",
          order: "answer-first",
          out: join(folder, "run"),
          model: join(folder, "tiny"),
          settings: { ...smaller, heldOutDialogues: 1 }
        }).pipe(
          Effect.scoped,
          Random.withSeed(3),
          Effect.provide([Retriever.layerBm25, RunLog.layerMemory(records), layerProgress([])])
        )
        assert.deepStrictEqual(
          records.flatMap((record) => "values" in record ? [[record.stage, record.step, record.steps]] : []),
          [["answer", 1, 1], ["manager", 1, 2], ["manager", 2, 2], ["answer 2", 1, 1]]
        )
      }),
    Program.timeout
  )

  it.effect(
    "exits with 1 when the model is missing, and removes what an earlier run left",
    () =>
      Effect.gen(function*() {
        const { file, folder } = yield* Workplace.Workplace
        for (const name of ["results.json", "metrics.jsonl"]) file(name, "{}")
        const finished = yield* Program.run(folder, ["quickstart", "--model", "nowhere", "--out", ".", "--json"])
        assert.match(Program.failure(1, finished), /^nowhere\/config\.json: cannot be read/)
        assert.isFalse(existsSync(join(folder, "results.json")))
        assert.isFalse(existsSync(join(folder, "metrics.jsonl")))
      }),
    Program.timeout
  )
})
