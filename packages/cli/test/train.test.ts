// @module-tag slow
import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Adapter, Checkpoint } from "@memory-r1/backend-onnx"
import { Objective } from "@memory-r1/core/rl"
import { DialogueFile } from "@memory-r1/eval"
import { MemoryWorld } from "@memory-r1/memory-world"
import { Report } from "@memory-r1/report"
import { FailedBatch } from "@memory-r1/trainer"
import { Effect, Layer } from "effect"
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import type * as DryRun from "../src/DryRun.ts"
import * as Program from "./support/program.ts"
import * as Workplace from "./support/Workplace.ts"

const learningRate = { peak: 1e-3, warmup: 1 }
const supervised = { kind: "sft", steps: 3, groupsPerStep: 4, learningRate }
const reinforced = { steps: 2, groupsPerStep: 2, groupSize: 2, maxTokens: 6, learningRate }
const configOf = (...stages: ReadonlyArray<object>) => ({
  seed: 3,
  model: { directory: "tiny" },
  data: { dataset: "memory-world" },
  stages
})

// A server that answers chat completions.
const served = (answer: (body: unknown) => object) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<ReturnType<typeof createServer>>((resume) => {
        const server = createServer((request, response) => {
          const chunks: Array<Buffer> = []
          request.on("data", (chunk: Buffer) => chunks.push(chunk))
          request.on("end", () => {
            response.writeHead(200, { "content-type": "application/json" })
            response.end(
              JSON.stringify({
                object: "chat.completion",
                id: "1",
                created: 1,
                model: "some/judge",
                usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
                ...answer(JSON.parse(Buffer.concat(chunks).toString()))
              })
            )
          })
        })
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) =>
        Effect.sync(() => {
          server.close()
          server.closeAllConnections()
        })
    ),
    (server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  )

const bytes = (...parts: ReadonlyArray<string>) => readFileSync(join(...parts))

layer(Layer.merge(Workplace.layer, NodeServices.layer))("train", (it) => {
  it.effect("leaves a run folder that says what was done, with a checkpoint that loads", () =>
    Effect.gen(function*() {
      const { file, folder } = yield* Workplace.Workplace
      file("sft.json", configOf(supervised))
      const args = ["train", "--config", "sft.json", "--out", "runs/sft"]
      const finished = yield* Program.run(folder, [...args, "--json"])
      assert.deepStrictEqual(Program.document(finished), { out: "runs/sft", stages: ["sft"] })
      assert.match(finished.stderr, /^supervised: 1\/3, .*\n(.*\n)*supervised: done in \d+ s\n$/)

      const run = join(folder, "runs/sft")
      assert.deepStrictEqual(readdirSync(run).sort(), [
        "checkpoints",
        "events.out.tfevents.0.memory-r1",
        "metrics.jsonl",
        "model",
        "run.json",
        "status.json",
        "training.json"
      ])
      const read = yield* Report.read(run)
      assert.deepStrictEqual(read.run, { command: `memory-r1 ${args.join(" ")} --json`, seed: 3 })
      assert.deepStrictEqual(read.status, { state: "done", stage: "sft", step: 3 })
      assert.deepStrictEqual(read.metrics.map(({ stage, step, steps }) => [stage, step, steps]), [["sft", 1, 3], [
        "sft",
        2,
        3
      ], ["sft", 3, 3]])
      assert.deepStrictEqual(read.skipped, [])
      const trained = yield* Checkpoint.load(join(run, "model"))
      assert.notDeepEqual(trained.weights, (yield* Checkpoint.load(join(folder, "tiny"))).weights)
      for (const name of ["metrics.jsonl", "run.json", "status.json"]) {
        assert.notInclude(bytes(run, name).toString(), Program.secret)
      }
    }), Program.timeout)

  it.effect(
    "trains both agents, bit for bit the same from the same seed; the other commands take the run folder",
    () =>
      Effect.gen(function*() {
        const { file, folder } = yield* Workplace.Workplace
        file(
          "both.json",
          configOf(
            { ...supervised, steps: 1 },
            { kind: "manager", ...reinforced, beta: 0.1, advantage: "groupCentred" },
            { kind: "answer", ...reinforced }
          )
        )
        const [first] = yield* Program.table(
          ["one", "two"],
          (out) => Program.run(folder, ["train", "--config", "both.json", "--out", out, "--json"])
        )
        assert.deepStrictEqual(Program.document(first!), { out: "one", stages: ["sft", "manager", "answer"] })
        for (const weights of ["manager/model.safetensors", "answer/model.safetensors"]) {
          assert.isTrue(bytes(folder, "one", weights).equals(bytes(folder, "two", weights)), weights)
        }
        assert.deepStrictEqual(bytes(folder, "one/transcripts.jsonl"), bytes(folder, "two/transcripts.jsonl"))

        const [report, generated, evaluated] = yield* Program.table([
          ["report", "one", "--json"],
          ["generate", "--model", "one/manager", "--prompt", "x", "--max-tokens", "2", "--json"],
          ["eval", "--dataset", "memory-world", "--data", file("none.json", []), "--system", "one", "--json"]
        ], (args) => Program.run(folder, args))
        assert.deepStrictEqual(Program.document(report!), { report: "one/report.html" })
        assert.include(bytes(folder, "one/report.html").toString(), "<!doctype html>")
        assert.property(Program.document(generated!), "text")
        assert.propertyVal(Program.document(evaluated!), "system", "one")
      }),
    Program.timeout
  )

  it.effect(
    "asks through a chat template without a system role; one that refuses says which file it is in",
    () =>
      Effect.gen(function*() {
        const { file, folder } = yield* Workplace.Workplace
        cpSync(join(folder, "tiny"), join(folder, "instruct"), { recursive: true })
        const config = JSON.parse(bytes(folder, "instruct/config.json").toString()) as object
        file("instruct/config.json", { ...config, max_position_embeddings: 8192 })
        const template = (text: string) => writeFileSync(join(folder, "instruct/chat_template.jinja"), text)
        // As Mistral 7B Instruct has it, but for its tokens.
        template(
          "{{ bos_token }}{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ " +
            "raise_exception('roles must alternate') }}{% endif %}[INST] {{ m.content }} [/INST]" +
            "{{ 'plain' if quick }}{% endfor %}"
        )
        const stages = [{ kind: "manager", ...reinforced, steps: 1 }, { kind: "answer", ...reinforced, steps: 1 }]
        const asked = (more: object = {}) => ({
          ...configOf(...stages),
          format: "paper",
          managerTokens: 4,
          answerTokens: 4,
          model: { directory: "instruct", ...more }
        })
        file("instruct.json", asked({ templateOptions: { quick: true } }))
        file("unknown.json", asked({ templateOptions: { enable_thinking: false } }))
        const [trained, dry] = yield* Program.table(
          [[], ["--dry-run"]],
          (more) =>
            Program.run(folder, ["train", "--config", "instruct.json", "--out", "instructed", "--json", ...more])
        )
        assert.deepStrictEqual(Program.document(trained!), { out: "instructed", stages: ["manager", "answer"] })
        assert.isAbove((Program.document(dry!) as { readonly tokens: number }).tokens, 0)
        const evaluated = yield* Program.run(folder, [
          "eval",
          "--dataset",
          "memory-world",
          "--data",
          file("none.json", []),
          "--system",
          "instructed",
          "--json"
        ])
        assert.propertyVal(Program.document(evaluated), "system", "instructed")
        const unknown = yield* Program.run(folder, ["train", "--config", "unknown.json", "--out", "not"])
        assert.match(
          Program.failure(1, unknown),
          /chat_template\.jinja has a chat template that does not know enable_thinking\n$/
        )
        template("{{ raise_exception('System role not supported') }}")
        file("refusing.json", asked())
        const refused = yield* Program.run(folder, ["train", "--config", "refusing.json", "--out", "nothing"])
        assert.match(
          Program.failure(1, refused),
          /chat_template\.jinja has a chat template that refuses the messages \(system, user\): System role .*\n$/
        )
      }),
    Program.timeout
  )

  it.effect("trains adapters over one frozen model; generate, merge and eval take them", () =>
    Effect.gen(function*() {
      const { file, folder } = yield* Workplace.Workplace
      const stages = [{ ...supervised, steps: 2, promptLoss: true }, { kind: "manager", ...reinforced, beta: 0.1 }, {
        kind: "answer",
        ...reinforced
      }]
      file("lora.json", {
        ...configOf(...stages),
        model: {
          directory: "tiny",
          dtype: "int8",
          gradientCheckpointing: true,
          lora: { rank: 2, targetModules: ["q_proj", "down_proj"] }
        }
      })
      const finished = yield* Program.run(folder, ["train", "--config", "lora.json", "--out", "lora", "--json"])
      assert.deepStrictEqual(Program.document(finished), { out: "lora", stages: ["sft", "manager", "answer"] })
      for (const stage of ["model", "manager", "answer"]) {
        assert.deepStrictEqual(readdirSync(join(folder, "lora", stage)).sort(), [
          "adapter_config.json",
          "adapter_model.safetensors"
        ])
      }
      const learned = yield* Adapter.load(join(folder, "lora/model"), yield* Checkpoint.open(join(folder, "tiny")))
      for (const { name, offset, size } of learned.layout.parameters) {
        assert.isTrue(learned.weights.subarray(offset, offset + size).some((weight) => weight !== 0), name)
      }
      const generate = (
        ...more: ReadonlyArray<string>
      ) => ["generate", "--prompt", "x", "--max-tokens", "4", "--json", "--model", ...more]
      const [adapted, merged, , evaluated] = yield* Effect.flatMap(
        Program.run(folder, ["merge", "--model", "tiny", "--adapter", "lora/model", "--out", "merged", "--json"]),
        (finished) => {
          assert.deepStrictEqual(Program.document(finished), { out: "merged" })
          return Program.table([
            generate("tiny", "--adapter", "lora/model"),
            generate("merged"),
            generate("tiny", "--adapter", "lora/model", "--dtype", "int4"),
            ["eval", "--dataset", "memory-world", "--data", file("none.json", []), "--system", "lora", "--json"]
          ], (args) => Program.run(folder, args))
        }
      )
      assert.deepStrictEqual(Program.document(adapted!), Program.document(merged!))
      assert.propertyVal(Program.document(evaluated!), "system", "lora")
    }), Program.timeout)

  it.effect(
    "trains adapters on a file of LoCoMo's kind, in the paper's format, from YAML and from JSON with comments",
    () =>
      Effect.gen(function*() {
        const { file, folder } = yield* Workplace.Workplace
        // As long as the paper's prompts are, and with a chat template, which they need.
        const chat = join(folder, "chat")
        cpSync(join(folder, "tiny"), chat, { recursive: true })
        const config = JSON.parse(bytes(chat, "config.json").toString()) as object
        writeFileSync(join(chat, "config.json"), JSON.stringify({ ...config, max_position_embeddings: 8192 }))
        writeFileSync(
          join(chat, "chat_template.jinja"),
          "{% for message in messages %}{{ message.content }}\n{% endfor %}"
        )
        const dialogue = MemoryWorld.generate(11, { sessions: 2 }).dialogue
        yield* DialogueFile.write(join(folder, "dialogues.json"), [{ ...dialogue, id: "conv-26" }, {
          ...dialogue,
          id: "conv-30"
        }])

        file(
          "locomo.yaml",
          `
# a comment
seed: 2
model: { directory: chat, lora: { rank: 2 }, microBatchTokens: 20000 }
data: { dataset: locomo, file: ${join(folder, "dialogues.json")}, categories: [1, 2, 3, 4, 5], window: 10 }
format: paper
managerTokens: 4
answerTokens: 4
stages:
  - { kind: manager, steps: 1, groupsPerStep: 2, groupSize: 2, maxTokens: 6, learningRate: { peak: 1.0e-3 } }
  - { kind: answer, algorithm: ppo, steps: 1, groupsPerStep: 2, maxTokens: 6, learningRate: { peak: 1.0e-3 }, \
critic: { learningRate: { peak: 1.0e-3 } } }
`
        )
        const finished = yield* Program.run(folder, ["train", "--config", "locomo.yaml", "--out", "locomo", "--json"])
        assert.deepStrictEqual(Program.document(finished), { out: "locomo", stages: ["manager", "answer"] })
        // What is logged goes to stderr, like progress.
        assert.match(finished.stderr, /dialogues\.json: \d+ of \d+ questions name no turn as evidence/)
        const { metrics } = yield* Report.read(join(folder, "locomo"))
        assert.deepStrictEqual(metrics.map(({ stage }) => stage), ["manager", "answer"])
        assert.deepStrictEqual(readdirSync(join(folder, "locomo/answer-critic")).sort(), [
          "adapter_config.json",
          "adapter_model.safetensors",
          "value_head.safetensors"
        ])

        file(
          "wrong.jsonc",
          `{ // a comment
        "model": { "directory": "chat" },
        "data": { "dataset": "locomo", "file": "dialogues.json", "split": "memoryR2", },
        "stages": [{ "kind": "manager", "steps": 1, "learningRate": { "peak": 1e-3 } }],
      }`
        )
        file("broken.jsonc", "{ // a comment\n \"seed\" 1 }")
        file("broken.yaml", "seed: [1\nmodel: 2")
        const said = yield* Program.table(
          ["wrong.jsonc", "broken.jsonc", "broken.yaml"],
          (name) => Program.run(folder, ["train", "--config", name, "--out", "no"])
        )
        assert.deepStrictEqual(said.map(({ code }) => code), [1, 1, 1])
        assert.include(
          said[0]!.stderr,
          "dialogues.json: has no question to train on: split memoryR2 trains on conv-43 and conv-47, and the file " +
            "has conv-26, conv-30"
        )
        assert.include(said[1]!.stderr, "broken.jsonc: is broken JSON at 2:9 (ColonExpected)")
        assert.match(said[2]!.stderr, /broken\.yaml: is broken YAML \(.+ at line 2/)
      }),
    Program.timeout
  )

  it.effect(
    "asks a judge where a reward does, on Hugging Face, and says what is wrong where it cannot",
    () =>
      Effect.gen(function*() {
        const { file, folder } = yield* Workplace.Workplace
        const judged: Array<string> = []
        const url = yield* served((body) => {
          judged.push(JSON.stringify(body))
          return {
            choices: [{
              index: 0,
              message: { role: "assistant", content: `{"label":"${judged.length % 2 === 0 ? "WRONG" : "CORRECT"}"}` },
              finish_reason: "stop"
            }]
          }
        })
        const stage = { kind: "answer", ...reinforced, steps: 1, reward: { answer: "judge", format: 0.1 } }
        file("judged.json", { ...configOf(stage), judge: { provider: "hf", model: "some/judge" } })
        const finished = yield* Program.run(folder, ["train", "--config", "judged.json", "--out", "judged", "--json"], {
          env: { HF_ENDPOINT: url }
        })
        assert.deepStrictEqual(Program.document(finished), { out: "judged", stages: ["answer"] })
        const { metrics: [step] } = yield* Report.read(join(folder, "judged"))
        assert.isTrue(step!.values.has("reward.judge") && step!.values.has("reward.format"))
        assert.isAbove(judged.length, 0)
        assert.include(judged[0], "Right answer:")

        file("unjudged.json", configOf(stage))
        file("format.json", configOf({ ...stage, reward: { format: 0.5 } }))
        file("units.json", configOf({ ...stage, unit: "session", reward: {} }))
        const [unjudged, format, units] = yield* Program.table(["unjudged.json", "format.json", "units.json"], (name) =>
          Effect.map(
            Program.run(folder, ["train", "--config", name, "--out", "no", "--json"]),
            (finished) =>
              Program.failure(1, finished)
          ))
        assert.include(unjudged, "a reward asks a judge, and there is none: give \"judge\"")
        assert.match(format!, /a value between 0 and 0\.2[\s\S]*\["format"\]/)
        assert.include(units, "an answer is one decision")
      }).pipe(Effect.scoped),
    Program.timeout
  )

  it.effect("says before what a run would take, and does nothing", () =>
    Effect.gen(function*() {
      const { file, folder } = yield* Workplace.Workplace
      file("dry.json", {
        ...configOf(
          supervised,
          { kind: "manager", ...reinforced, unit: "session", beta: 0.1 },
          { kind: "answer", ...reinforced, algorithm: "ppo", critic: { learningRate } }
        ),
        rounds: 2
      })
      const finished = yield* Program.run(folder, [
        "train",
        "--config",
        "dry.json",
        "--out",
        "dry",
        "--dry-run",
        "--json"
      ])
      const found = Program.document(finished) as DryRun.Estimate
      assert.deepStrictEqual(found.stages.map(({ name, steps }) => [name, steps]), [
        ["sft", 3],
        ["manager", 2],
        ["answer", 2],
        ["manager 2", 2],
        ["answer 2", 2]
      ])
      const { parameters, trained } = found
      assert.strictEqual(parameters, trained)
      assert.strictEqual(
        parameters,
        (yield* Checkpoint.open(join(folder, "tiny"))).layout.parameters.reduce((sum, { size }) => sum + size, 0)
      )
      const [, manager] = found.stages
      // Two groups of two completions, of six tokens in each of sixteen decisions.
      assert.strictEqual(manager!.completionTokens, 2 * 2 * 6 * 16)
      for (const stage of found.stages) {
        assert.isAbove(stage.promptTokens, 0)
        assert.isTrue(0 < stage.seconds && stage.seconds <= stage.mostSeconds)
      }
      // Two agents, a critic and the reference that the KL term holds on to: four copies of the weights.
      assert.strictEqual(found.memoryBytes.weights, 4 * 4 * parameters)
      assert.strictEqual(found.memoryBytes.training, 3 * 16 * parameters)
      assert.isFalse(existsSync(join(folder, "dry")))

      file("long.json", configOf({ kind: "answer", ...reinforced, maxTokens: 1000 }))
      const long = yield* Program.run(folder, ["train", "--config", "long.json", "--dry-run"])
      assert.match(
        long.stderr,
        /answer: prompts have up to \d+ tokens, and 1000 more do not fit into the model's context of 1024/
      )
      assert.match(
        long.stdout,
        /^[\d,]+ parameters, all trained.*\nanswer: 2 steps.*\nmemory: .*\nin all at most .*; nothing was trained\n$/
      )
    }), Program.timeout)

  it.effect(
    "inspect batch says which completion of a failed step has a loss that is not finite",
    () =>
      Effect.gen(function*() {
        const { file, folder } = yield* Workplace.Workplace
        const completions = [[7, 8, 9], [10, 11]].map((tokens, i) => ({
          tokens,
          advantage: 1,
          oldLogp: tokens.map(() => i === 0 ? -3 : -1e5)
        }))
        file(
          "failed-batch.json",
          FailedBatch.encode({
            stage: "manager",
            step: 4,
            temperature: 1,
            objective: Objective.reinforce,
            batch: [{ prompt: [5, 6], completions }]
          })
        )
        const exploding = {
          ...Objective.grpo(),
          loss: Objective.mul(Objective.exp(Objective.exp(Objective.ratio)), Objective.advantage)
        }
        file(
          "exploding.json",
          FailedBatch.encode({
            stage: "manager",
            step: 4,
            temperature: 1,
            objective: exploding,
            batch: [{ prompt: [5, 6], completions }]
          })
        )
        const inspect = (name: string, ...more: ReadonlyArray<string>) =>
          Program.run(folder, ["inspect", "batch", "--model", "tiny", "--batch", name, ...more])
        const fine = yield* inspect("failed-batch.json")
        assert.match(fine.stdout, /^manager, step 4: reinforce over 2 completions of 1 prompts\n/)
        assert.match(fine.stdout, /\nprompt 0, completion 0: 3 tokens, least log-probability -\d+\.\d\d, loss \d/)
        assert.match(fine.stdout, /every loss is finite with these weights\n$/)
        const found = Program.document(yield* inspect("exploding.json", "--json")) as {
          readonly completions: ReadonlyArray<{ readonly loss: string }>
        }
        assert.strictEqual(found.completions[1]!.loss, "Infinity")
        assert.isTrue(Number.isFinite(Number(found.completions[0]!.loss)))
        assert.match(Program.failure(1, yield* inspect("nowhere.json")), /^nowhere\.json: cannot be read\n$/)
        file("none.json", {})
        assert.match(Program.failure(1, yield* inspect("none.json")), /^none\.json: is not a batch that a run left: /)
      }),
    Program.timeout
  )

  it.effect(
    "exits with 130 when interrupted; the folder says where it stopped, and what was saved loads",
    () =>
      Effect.gen(function*() {
        const { file, folder } = yield* Workplace.Workplace
        file("long.json", { ...configOf({ ...supervised, steps: 1_000_000 }), checkpoints: { every: 1 } })
        const run = join(folder, "long")
        const metrics = join(run, "metrics.jsonl")
        const finished = yield* Program.run(folder, ["train", "--config", "long.json", "--out", "long", "--json"], {
          interruptWhen: () => existsSync(metrics) && readFileSync(metrics, "utf8").split("\n").length > 3
        })
        assert.deepStrictEqual(finished, { code: 130, stdout: "", stderr: "interrupted\n" })

        const read = yield* Report.read(run)
        assert.deepStrictEqual(read.skipped, [])
        assert.deepStrictEqual([read.status?.state, read.status?.stage], ["interrupted", "sft"])
        // The step is noted before its line is written.
        assert.oneOf(read.status!.step - read.metrics.at(-1)!.step, [0, 1])
        const [, newest] = readdirSync(join(run, "checkpoints"))
        yield* Checkpoint.load(join(run, "checkpoints", newest!, "model"))
        assert.deepStrictEqual(readdirSync(join(run, "checkpoints")).filter((name) => name.startsWith(".")), [])
        assert.isFalse(existsSync(join(run, "run.lock")))
      }),
    Program.timeout
  )

  it.effect(
    "exits with 1 and names the file, and the key, of a configuration that is no good",
    () =>
      Effect.gen(function*() {
        const { file, folder } = yield* Workplace.Workplace
        file("broken.json", `{ "seed": 1, `)
        file("misspelt.json", configOf({ ...supervised, steps: 0, groupPerStep: 8 }))
        file("kind.json", configOf({ ...supervised, kind: "ppo2" }))
        file("lost.json", { ...configOf(supervised), model: { directory: "nowhere" } })
        file("sft.json", configOf(supervised))
        file("frozen.json", { ...configOf(supervised), model: { directory: "tiny", dtype: "int8" } })
        file("target.json", {
          ...configOf(supervised),
          model: { directory: "tiny", lora: { rank: 2, targetModules: ["c_attn"] } }
        })
        const said = yield* Program.table([
          ["nowhere.json"],
          ["broken.json"],
          ["misspelt.json"],
          ["kind.json"],
          ["lost.json", "--out", "lost"],
          ["sft.json", "--out", "sft.json/run"],
          ["frozen.json"],
          ["target.json", "--out", "target"]
        ], ([config, ...more]) =>
          Effect.map(
            Program.run(folder, ["train", "--config", config!, ...more, "--json"]),
            (finished) => Program.failure(1, finished)
          ))
        assert.strictEqual(said[0], "nowhere.json: cannot be read\n")
        assert.match(said[1]!, /^broken\.json: is broken JSON/)
        assert.match(said[2]!, /^misspelt\.json: is no training configuration\n/)
        assert.include(said[2], `a value greater than 0\n  at ["stages"][0]["steps"]`)
        assert.include(said[2], `["stages"][0]["groupPerStep"]`)
        assert.match(said[3]!, /^kind\.json: is no training configuration\n/)
        assert.include(said[3], `Expected "sft" | "manager" | "answer"\n  at ["stages"][0]["kind"]`)
        assert.match(said[4]!, /^nowhere\/config\.json: cannot be read/)
        assert.match(said[5]!, /^sft\.json\/run cannot be written .*is the folder writable/)
        assert.include(said[6], `weights in int8 are frozen: give "lora" for adapters to train`)
        assert.match(said[7]!, /^the target module c_attn is none of this model's projections: q_proj, /)
        // A configuration that cannot be used leaves no folder behind.
        assert.isFalse(existsSync(join(folder, "runs/train")))

        const { status } = yield* Report.read(join(folder, "lost"))
        assert.strictEqual(status?.state, "failed")
        assert.include(status?.message, "nowhere/config.json")
        rmSync(join(folder, "lost"), { recursive: true })
      }),
    Program.timeout
  )
})
