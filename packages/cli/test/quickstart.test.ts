// The quickstart with its real parts, on a tiny model and for a few steps. What it reaches with the embedded model is
// in docs/quickstart.md.
// @module-tag slow
import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Checkpoint } from "@memory-r1/backend-onnx"
import { Retriever } from "@memory-r1/core"
import { QuickstartResult } from "@memory-r1/memory-world"
import { Checkpointer, RunLog } from "@memory-r1/trainer"
import { Effect, Layer } from "effect"
import { existsSync } from "node:fs"
import { join } from "node:path"
import * as Progress from "../src/Progress.ts"
import { run as quickstart } from "../src/quickstart/run.ts"
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

const layerProgress = (said: Array<string>) =>
  Layer.succeed(Progress.Progress, {
    line: (text) => Effect.sync(() => void said.push(text)),
    part: (_, __, run) => run({ update: () => Effect.void }),
    phase: (name, total, run) =>
      Effect.andThen(Effect.sync(() => void said.push(`${name}: ${total}`)), run({ update: () => Effect.void }))
  })

// Runs it in a folder, with what the log has; `kill` dies at the n-th training step.
const run = Effect.fnUntraced(function*(
  folder: string,
  out: string,
  { algorithm = "grpo", kill, resumed, said = [] }: {
    readonly algorithm?: Settings.Algorithm
    readonly kill?: number
    readonly resumed?: Checkpointer.Resumed | undefined
    readonly said?: Array<string>
  }
) {
  const records: Array<RunLog.Metrics | RunLog.Transcript> = []
  const config = yield* Settings.configOf({
    seed: 3,
    algorithm,
    order: "manager-first",
    model: join(folder, "tiny"),
    settings: smallerOf(algorithm)
  })
  let steps = 0
  const dying = Effect.updateService(RunLog.RunLog, (log: RunLog.Service): RunLog.Service => ({
    ...log,
    metrics: (record) =>
      Effect.andThen(
        log.metrics(record),
        Effect.suspend(() => "reward" in record.values && ++steps === kill ? Effect.interrupt : Effect.void)
      )
  }))
  const found = yield* Effect.exit(
    quickstart({
      // A model with random weights never stops by itself.
      config: {
        ...config,
        model: { ...config.model, threads: 1 },
        managerTokens: 8,
        answerTokens: 8,
        checkpoints: { every: 1, keepLast: 1 },
        validation: { every: 44, metric: "exactMatch", keep: "last", dialogues: 1, questions: 4 }
      },
      folder: out,
      heldOutDialogues: 1,
      resumed
    })
      .pipe(
        Effect.scoped,
        dying,
        Effect.provide([Retriever.layerBm25, RunLog.layerMemory(records), layerProgress(said)])
      )
  )
  const training = records.flatMap((record) => "values" in record && "reward" in record.values ? [record] : [])
  return { found, steps: training }
})

const placesOf = (steps: ReadonlyArray<RunLog.Metrics>) => steps.map(({ stage, step, steps }) => [stage, step, steps])

layer(Layer.merge(Workplace.layer, NodeServices.layer))("quickstart", (it) => {
  it.effect(
    "measures, trains both agents in the order asked for, measures again; resumes when it was killed",
    () =>
      Effect.gen(function*() {
        const { folder } = yield* Workplace.Workplace
        const said: Array<string> = []
        const out = join(folder, "run")
        const result = yield* run(folder, out, { said })
        const found = yield* result.found
        assert.deepStrictEqual(
          placesOf(result.steps),
          [["manager", 1, 2], ["manager", 2, 2], ["answer", 1, 1], ["answer 2", 1, 1]]
        )
        const phases = said.filter((line) => /: \d+$/.test(line)).map((line) => line.replace(/: \d+$/, ""))
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
          for (const { key, result } of QuickstartResult.measured(results)) assert.strictEqual(result.dialogues, 1, key)
          // A perfect bank holds what is asked for, so the oracle's is right after every turn.
          assert.strictEqual(results.oracle.operationAccuracy.overall, 1)
          assert.strictEqual(results.addOnly.operations.add, results.addOnly.memories)
          // The same statements, and nothing updated or deleted.
          for (
            const [added, kept] of [[results.addOnlyStatements!, results.bothRl], [
              results.addOnlyOracle!,
              results.oracle
            ]] as const
          ) {
            assert.deepStrictEqual([added.operations.update, added.operations.delete], [0, 0])
            // A fact that nothing was decided on is a memory without an operation.
            assert.isAtMost(added.operations.add, added.memories)
            assert.isAtMost(added.operations.add, kept.operations.add + kept.operations.update)
            assert.isAtLeast(added.memories, kept.memories)
          }
          assert.isAbove(results.addOnlyOracle!.memories, results.oracle.memories)
        }
        assert.strictEqual(found.seed, 3)
        assert.isNotEmpty(found.probe.memories)

        const document = {
          algorithm: "grpo",
          order: "manager-first",
          ...found,
          run: out,
          report: join(out, "report.html")
        } as QuickstartResult.QuickstartResult
        const text = lines(document).join("\n")
        for (const [, name] of QuickstartResult.systems) assert.include(text, name)
        assert.include(text, "1 dialogue")
        assert.notMatch(text, /NaN|undefined/)

        // The same again, killed in the middle and resumed.
        const second = join(folder, "killed")
        const killed = yield* run(folder, second, { kill: 2 })
        assert.strictEqual(killed.found._tag, "Failure")
        const rest = yield* run(folder, second, { resumed: yield* Checkpointer.newest(second) })
        assert.deepStrictEqual(placesOf(rest.steps), [["manager", 2, 2], ["answer", 1, 1], ["answer 2", 1, 1]])
        const resumed = yield* rest.found
        assert.deepStrictEqual([resumed.results, resumed.probe], [found.results, found.probe])
      }),
    Program.timeout
  )

  it.effect("PPO: trains each agent with a critic of its own", () =>
    Effect.gen(function*() {
      const { folder } = yield* Workplace.Workplace
      const { found, steps } = yield* run(folder, join(folder, "run"), { algorithm: "ppo" })
      yield* found
      const metrics = steps.map(({ values }) => values)
      assert.lengthOf(metrics, 4)
      for (const values of metrics) {
        assert.containsAllKeys(values, ["explainedVariance", "value", "valueLoss", "reward"])
      }
    }), Program.timeout)

  it.effect("answer-first trains the reader that rewards the manager before and after it", () =>
    Effect.gen(function*() {
      const options = { seed: 3, algorithm: "grpo", order: "answer-first", model: "tiny" } as const
      const { stages } = yield* Settings.configOf(options)
      assert.deepStrictEqual(stages.map(({ kind }) => kind), ["answer", "manager", "answer"])
    }))

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
