// @module-tag slow
import { assert, layer } from "@effect/vitest"
import { Safetensors } from "@memory-r1/backend-onnx"
import { Effect, Schema } from "effect"
import { copyFileSync, cpSync, readFileSync, truncateSync } from "node:fs"
import { join } from "node:path"
import * as Program from "./support/program.ts"
import * as Workplace from "./support/Workplace.ts"

const Numbers = Schema.Array(Schema.Finite)
const Text = Schema.Struct({ text: Schema.String, tokens: Schema.Array(Schema.Int), finishReason: Schema.String })
const Scores = Schema.Struct({ tokens: Schema.Array(Schema.Int), logprobs: Numbers })
const Gradient = Schema.Struct({ objective: Schema.Finite, file: Schema.String })
const Bench = Schema.Struct({
  stepSeconds: Numbers,
  medianStepSeconds: Schema.Finite,
  parts: Schema.Record(Schema.String, Schema.Finite),
  tokensPerSecond: Schema.Finite,
  gflops: Schema.Finite,
  peakRssBytes: Schema.Int
})

const decode = <S extends Schema.ConstraintDecoder<unknown>>(schema: S, finished: Program.Finished) =>
  Schema.decodeUnknownSync(schema)(Program.document(finished))

layer(Workplace.layer)("commands on a model", (it) => {
  it.effect(
    "generate repeats itself from its seed, and prints the same text with and without --json",
    () =>
      Effect.gen(function*() {
        const { folder } = yield* Workplace.Workplace
        const generate = (...more: ReadonlyArray<string>) =>
          Program.run(folder, ["generate", "--model", "tiny", "--prompt", "Ann: hello", "--max-tokens", "6", ...more])
        const warm = ["--temperature", "1", "--seed"]
        const [greedy, text, one, same, other] = yield* Program.table(
          [["--json"], [], [...warm, "7", "--json"], [...warm, "7", "--json"], [...warm, "8", "--json"]],
          (more) => generate(...more)
        )
        const found = decode(Text, greedy!)
        assert.lengthOf(found.tokens, 6)
        assert.strictEqual(found.finishReason, "length")
        assert.deepStrictEqual(text, { code: 0, stdout: `${found.text}\n`, stderr: "" })
        assert.deepStrictEqual(decode(Text, one!), decode(Text, same!))
        assert.notDeepEqual(decode(Text, one!).tokens, decode(Text, other!).tokens)
      }),
    Program.timeout
  )

  it.effect("inspect: the objective of gradients is the weighted sum of logprobs", () =>
    Effect.gen(function*() {
      const { folder } = yield* Workplace.Workplace
      const on = ["--model", "tiny", "--tokens", "5 6,7", "--json"]
      const [logprobs, gradients] = yield* Program.table([
        ["inspect", "logprobs", ...on],
        ["inspect", "gradients", ...on, "--weights", "0.5 -2", "--out", "g.safetensors"]
      ], (args) => Program.run(folder, args))
      const scores = decode(Scores, logprobs!)
      assert.deepStrictEqual(scores.tokens, [5, 6, 7])
      assert.lengthOf(scores.logprobs, 2)
      const { file, objective } = decode(Gradient, gradients!)
      assert.closeTo(objective, 0.5 * scores.logprobs[0]! - 2 * scores.logprobs[1]!, 1e-4)

      const names = (name: string) =>
        Effect.scoped(Effect.map(Safetensors.openFile(join(folder, name)), ({ tensors }) => [...tensors.keys()].sort()))
      assert.deepStrictEqual(yield* names(file), yield* names("tiny/model.safetensors"))

      const negative = ["inspect", "gradients", ...on, "--weights", "-0.5 0.5", "--out", "-g.safetensors"]
      const turned = decode(Gradient, yield* Program.run(folder, negative))
      assert.strictEqual(turned.file, "-g.safetensors")
      assert.closeTo(turned.objective, -0.5 * scores.logprobs[0]! + 0.5 * scores.logprobs[1]!, 1e-4)

      const lora = [
        "inspect",
        "gradients",
        ...on,
        "--weights",
        "0.5 -2",
        "--out",
        "lora.safetensors",
        "--lora-rank",
        "3",
        "--gradient-checkpointing"
      ]
      assert.closeTo(decode(Gradient, yield* Program.run(folder, lora)).objective, objective, 1e-4)
      assert.isTrue((yield* names("lora.safetensors")).every((name) =>
        /^base_model\.model\.model\.layers\.\d+\..*\.lora_[AB]\.weight$/.test(name)
      ))
    }), Program.timeout)

  it.effect("bench grpo-step measures whole steps and their parts", () =>
    Effect.gen(function*() {
      const { folder } = yield* Workplace.Workplace
      const sizes = ["--prompt", "8", "--group", "2", "--completion", "4", "--prompts", "2", "--steps", "3"]
      const found = decode(
        Bench,
        yield* Program.run(folder, ["bench", "grpo-step", "--model", "tiny", ...sizes, "--json"])
      )
      assert.lengthOf(found.stepSeconds, 3)
      assert.deepStrictEqual(Object.keys(found.parts), ["prefill", "decode", "score", "train", "optimizer"])
      const sum = Object.values(found.parts).reduce((total, seconds) => total + seconds, 0)
      assert.isAtMost(sum, found.stepSeconds.reduce((total, seconds) => total + seconds, 0))
      assert.isAbove(found.gflops, 0)
    }), Program.timeout)

  it.effect(
    "exits with 1 and names the file when a model, or what is asked of it, is broken",
    () =>
      Effect.gen(function*() {
        const { file, folder } = yield* Workplace.Workplace
        cpSync(join(folder, "tiny"), join(folder, "cut"), { recursive: true })
        truncateSync(join(folder, "cut/model.safetensors"), 30_000)
        cpSync(join(folder, "tiny"), join(folder, "spoilt"), { recursive: true })
        file("spoilt/config.json", readFileSync(join(folder, "tiny/config.json"), "utf8").slice(0, 40))
        copyFileSync(join(folder, "tiny/config.json"), join(folder, "file"))
        const tokens = ["inspect", "gradients", "--model", "tiny", "--tokens", "5 6 7", "--weights"]
        const failing = [
          [
            ["generate", "--model", "nowhere", "--prompt", "x"],
            /^nowhere\/config\.json: cannot be read .*is this a Hugging Face model directory\?\n$/
          ],
          [
            ["generate", "--model", "cut", "--prompt", "x", "--json"],
            /^cut\/model\.safetensors, tensor .*it is cut off/
          ],
          [["generate", "--model", "spoilt", "--prompt", "x"], /^spoilt\/config\.json: is broken JSON/],
          [
            ["generate", "--model", "tiny", "--prompt", "x", "--max-tokens", "5000"],
            /^prompt 0 has 2 tokens; with 5000 more .* 1024\b.*\n$/
          ],
          [["inspect", "logprobs", "--model", "tiny", "--tokens", "1 9999"], /token 9999; the vocabulary has 1024\n$/],
          [
            ["generate", "--model", "owner/name", "--prompt", "x"],
            /^owner\/name: it is neither a directory here nor in the cache .*HF_HUB_OFFLINE is set.*\n$/
          ],
          [
            ["generate", "--model", "tiny", "--prompt", "x", "--device", "dml"],
            /^device dml cannot be used here: it is DirectML, which onnxruntime-node has on Windows/
          ],
          [
            ["generate", "--model", "tiny", "--prompt", "x", "--adapter", "tiny"],
            /^tiny\/adapter_config\.json: cannot be read .*is this a PEFT adapter directory\?\n$/
          ],
          [[...tokens, "1 2 3", "--out", "g.safetensors"], /^--weights has 3 numbers; 3 tokens need 2\n$/],
          [[...tokens, "1 2", "--out", "file/g.safetensors"], /^file\/g\.safetensors: cannot be written/]
        ] as const
        yield* Program.table(failing, ([args, words]) =>
          Effect.map(Program.run(folder, args), (finished) =>
            assert.match(Program.failure(1, finished), words)))
      }),
    Program.timeout
  )

  it.effect("shows the stack of an error with --verbose", () =>
    Effect.gen(function*() {
      const { folder } = yield* Workplace.Workplace
      const { code, stderr, stdout } = yield* Program.run(folder, [
        "generate",
        "--model",
        "nowhere",
        "--prompt",
        "x",
        "--verbose"
      ])
      assert.deepStrictEqual({ code, stdout }, { code: 1, stdout: "" })
      assert.match(stderr, /CheckpointError: nowhere\/config\.json/)
      assert.match(stderr, /^\s+at /m)
    }), Program.timeout)
})
