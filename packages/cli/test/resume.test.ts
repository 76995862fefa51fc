// Runs that are killed: real processes, at random moments.
// @module-tag slow
import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Random } from "effect"
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Program from "./support/program.ts"
import * as Workplace from "./support/Workplace.ts"

const learningRate = { peak: 2e-3, warmup: 2 }
const reinforced = { groupsPerStep: 4, groupSize: 4, maxTokens: 12, learningRate }
const config = {
  seed: 5,
  model: { directory: "tiny" },
  data: { dataset: "memory-world" },
  managerTokens: 12,
  answerTokens: 12,
  checkpoints: { every: 2 },
  validation: { every: 4, dialogues: 1, questions: 8, keep: "best" },
  stages: [
    { kind: "sft", steps: 14, groupsPerStep: 6, learningRate: { peak: 1e-2, warmup: 2 } },
    {
      kind: "manager",
      steps: 8,
      unit: "session",
      sessions: 2,
      longest: 3,
      ...reinforced,
      beta: 0.05,
      kl: { place: "reward", adaptive: { target: 0.02, horizon: 64 } }
    },
    // Its dialogues are played again at every start.
    { kind: "answer", algorithm: "ppo", steps: 6, sessions: 1, ...reinforced, critic: { learningRate } }
  ]
}

type Line = Readonly<Record<string, unknown>>
const lines = (...parts: ReadonlyArray<string>): ReadonlyArray<Line> =>
  readFileSync(join(...parts), "utf8").trim().split("\n").map((line) => JSON.parse(line) as Line)
const metrics = (folder: string): ReadonlyArray<Line> =>
  lines(folder, "metrics.jsonl").map(({ at: _, seconds: __, tokensPerSecond: ___, ...values }) => values)
const hashes = (folder: string): unknown =>
  JSON.parse(
    readFileSync(join(folder, "checkpoints", readdirSync(join(folder, "checkpoints")).at(-1)!, "manifest.json"), "utf8")
  )
const trained = ["model", "manager", "answer", "answer-critic"]

const kills = 20

layer(Layer.merge(Workplace.layer, NodeServices.layer))("resume", (it) => {
  it.effect(`goes on exactly after kill -9, ${kills} times at random moments`, () =>
    Effect.gen(function*() {
      const { file, folder } = yield* Workplace.Workplace
      file("run.json", config)
      const started = performance.now()
      Program.document(yield* Program.run(folder, ["train", "--config", "run.json", "--out", "straight", "--json"]))
      const whole = performance.now() - started
      const straight = metrics(join(folder, "straight"))
      assert.lengthOf(straight.filter((line) => "reward" in line || "loss" in line), 28)

      let killed = 0
      for (let round = 0; killed < kills; round++) {
        const out = `killed-${round}`
        const start = () => [
          "train",
          ...(existsSync(join(folder, out, "training.json"))
            ? ["--resume", out]
            : ["--config", "run.json", "--out", out]),
          "--json"
        ]
        for (;;) {
          // From the first moments of the process to a while after its first steps.
          const after = killed < kills ? Math.round(150 + (yield* Random.next) * 0.75 * whole) : undefined
          const finished = yield* Program.run(folder, start(), after === undefined ? {} : { killAfter: after })
          if (finished.code === null) {
            killed++
            continue
          }
          assert.strictEqual(finished.code, 0, finished.stderr)
          break
        }
        const found = join(folder, out)
        assert.deepStrictEqual(metrics(found), straight)
        for (const name of ["transcripts.jsonl", "validations.jsonl"]) {
          assert.deepStrictEqual(lines(found, name), lines(folder, "straight", name))
        }
        for (const name of trained) {
          assert.isTrue(
            readFileSync(join(found, name, "model.safetensors")).equals(
              readFileSync(join(folder, "straight", name, "model.safetensors"))
            ),
            name
          )
        }
        // The moments of the optimiser as well.
        const state = (folder: string) =>
          (hashes(folder) as { readonly files: Readonly<Record<string, unknown>> }).files
        const [one, other] = [state(found), state(join(folder, "straight"))]
        for (const [name, hash] of Object.entries(other)) {
          if (name !== "state.json") {
            assert.deepStrictEqual(one[name], hash, name)
          }
        }
        assert.deepStrictEqual(readdirSync(found).filter((name) => name.endsWith(".tmp") || name === "run.lock"), [])
      }
    }).pipe(Random.withSeed(11)), Program.timeout)

  it.effect("says what it cannot go on with", () =>
    Effect.gen(function*() {
      const { file, folder } = yield* Workplace.Workplace
      const { validation: _, ...plain } = config
      file("short.json", {
        ...plain,
        stages: [{ ...plain.stages[0]!, steps: 6 }, {
          ...plain.stages[2]!,
          steps: 4,
          algorithm: "grpo",
          critic: undefined
        }]
      })
      file("other.json", { ...plain, seed: 6, stages: [{ ...plain.stages[0]!, steps: 6 }] })
      const metricsOf = (name: string) => join(folder, name, "metrics.jsonl")
      yield* Program.run(folder, ["train", "--config", "short.json", "--out", "stopped", "--json"], {
        interruptWhen: () =>
          existsSync(metricsOf("stopped")) && readFileSync(metricsOf("stopped"), "utf8").split("\n").length > 8
      })
      mkdirSync(join(folder, "empty"))
      cpSync(join(folder, "stopped"), join(folder, "busy"), { recursive: true })
      writeFileSync(join(folder, "busy/run.lock"), String(process.pid))
      const [again, nowhere, busy, differing, ...usage] = yield* Program.table([
        ["--config", "short.json", "--out", "stopped"],
        ["--resume", "empty"],
        ["--resume", "busy"],
        ["--resume", "stopped", "--config", "other.json"],
        [],
        ["--resume", "stopped", "--out", "elsewhere"],
        ["--resume", "stopped", "--set", "seed=7"]
      ], (args) => Program.run(folder, ["train", ...args, "--json"]))
      assert.match(
        Program.failure(1, again!),
        /^stopped: holds a run that was stopped, with a checkpoint after \d+ steps: .* --resume stopped, or .* --out\n$/
      )
      assert.match(Program.failure(1, nowhere!), /^empty\/training\.json: cannot be read: is empty the folder of a run/)
      assert.match(
        Program.failure(1, busy!),
        new RegExp(`^busy: process ${process.pid} is running in it; if that is not a run, remove busy/run\\.lock\n$`)
      )
      assert.match(
        Program.failure(1, differing!),
        /^other\.json: differs at seed from the configuration that the run in stopped began with/
      )
      assert.match(Program.failure(2, usage[0]!), /config/)
      assert.match(Program.failure(2, usage[1]!), /--out: "elsewhere".*a run resumes in its own folder/)
      assert.match(Program.failure(2, usage[2]!), /--set: "seed=7".*its own configuration/)

      // Damage is named, and the checkpoint before it is used.
      const newest = readdirSync(join(folder, "stopped/checkpoints")).at(-1)!
      const damaged = `stopped/checkpoints/${newest}/state.json`
      truncateSync(join(folder, damaged), 10)
      const finished = yield* Program.run(folder, ["train", "--resume", "stopped", "--config", "short.json", "--json"])
      assert.deepStrictEqual(Program.document(finished), { out: "stopped", stages: ["sft", "answer"] })
      assert.match(
        finished.stderr,
        new RegExp(`${damaged}: is damaged: it has 10 bytes of \\d+; the checkpoint before it is used`)
      )
      // Done, it has nothing left to do, and makes room for another.
      assert.deepStrictEqual(Program.document(yield* Program.run(folder, ["train", "--resume", "stopped", "--json"])), {
        out: "stopped",
        stages: ["sft", "answer"]
      })
      assert.lengthOf(metrics(join(folder, "stopped")), 10)
    }), Program.timeout)
})
