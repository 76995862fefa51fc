// @module-tag slow
// Graphs on a GPU, or on a Vulkan driver that computes on the CPU. Skipped where there is neither.
import { assert, describe, it } from "@effect/vitest"
import { OnnxModel } from "@memory-r1/backend-onnx"
import { Effect, Schema } from "effect"
import { execFile } from "node:child_process"
import { dirname, join } from "node:path"
import { swiftShader } from "../../../../tools/testing/needs.ts"
import * as Checkpoints from "../support/checkpoints.ts"

const icd = swiftShader.path

const Work = Schema.Struct({
  scores: Schema.Array(Schema.Array(Schema.Finite)),
  greedy: Schema.Array(Schema.Int),
  loss: Schema.Finite,
  gradient: Schema.Array(Schema.Struct({ name: Schema.String, data: Schema.Array(Schema.Finite) })),
  after: Schema.Array(Schema.Array(Schema.Finite))
})
const Result = Schema.fromJsonString(Schema.Union([
  Schema.Struct({ unavailable: Schema.String }),
  Schema.Struct({ found: Work, expected: Work, logged: Schema.Array(Schema.String) })
]))

const run = (device: string, name: string, dtype: string) =>
  Effect.promise(() =>
    new Promise<typeof Result.Type>((resolve, reject) =>
      execFile(process.execPath, [join(import.meta.dirname, "../support/onDevice.ts"), device, name, dtype], {
        env: {
          ...process.env,
          ...(icd === undefined ? {} : {
            VK_ICD_FILENAMES: icd,
            // Chromium has the loader too, for systems without libvulkan.so.1.
            LD_LIBRARY_PATH: [process.env["LD_LIBRARY_PATH"], dirname(icd)].filter((path) => path !== undefined).join(
              ":"
            )
          })
        },
        maxBuffer: 1 << 26
      }, (error, stdout, stderr) => {
        if (error !== null) reject(new Error(`${error.message}\n${stderr}`))
        else resolve(Schema.decodeUnknownSync(Result)(stdout.trim().split("\n").at(-1)))
      })
    )
  )

const closeTo = (found: ReadonlyArray<ReadonlyArray<number>>, expected: ReadonlyArray<ReadonlyArray<number>>): void =>
  expected.forEach((list, i) =>
    list.forEach((logp, t) => assert.closeTo(found[i]![t]!, logp, 1e-3, `completion ${i}, token ${t}`))
  )

describe("device webgpu", () => {
  const cases = [["gemma3", "float32"], ["qwen2", "float16"], ["llama-tied", "int4"]] as const
  for (const [name, dtype] of cases) {
    it.effect(
      `${name} in ${dtype}: scores, greedy tokens, gradients and a GRPO step are the CPU's`,
      (context) =>
        Effect.gen(function*() {
          const result = yield* run("webgpu", name, dtype)
          if ("unavailable" in result) return context.skip(icd === undefined ? swiftShader.reason : result.unavailable)
          const { expected, found, logged } = result
          closeTo(found.scores, expected.scores)
          assert.deepStrictEqual(found.greedy, expected.greedy)
          assert.closeTo(found.loss, expected.loss, 1e-3)
          found.gradient.forEach(({ data, name }, i) => {
            const wanted = expected.gradient[i]!.data
            const size = Math.hypot(...wanted)
            const difference = Math.hypot(...data.map((x, j) => x - wanted[j]!))
            assert.isAtMost(difference, 1e-3 * Math.max(size, 1e-6), name)
          })
          closeTo(found.after, expected.after)
          // What the step changed was sent to the device again.
          assert.isAbove(Math.abs(found.after[0]![0]! - found.scores[0]![0]!), 1e-4)
          // Once for each graph, and none of the products of matrices.
          assert.deepStrictEqual(logged.map((line) => line.split(":")[0]).sort(), [
            "decode",
            "prefill",
            "score",
            "train"
          ])
          for (const line of logged) {
            assert.match(line, /: device webgpu left to the CPU /)
            assert.notMatch(line, /MatMul|Gemm|Softmax/)
          }
        }),
      300_000
    )
  }
})

describe("a device that is not there", () => {
  const absent = (["webgpu", "cuda", "dml", "coreml"] as const).filter((device) =>
    device === "dml"
      ? process.platform !== "win32"
      : device === "coreml"
      ? process.platform !== "darwin"
      : device === "cuda"
  )
  for (const device of absent) {
    it.effect(`${device}: says what is missing`, (context) =>
      Effect.gen(function*() {
        const result = yield* Effect.result(OnnxModel.load(Checkpoints.directory("llama-tied"), { device }))
        if (result._tag === "Success") return context.skip(`${device} is there`)
        assert.instanceOf(result.failure, OnnxModel.DeviceError)
        assert.strictEqual(result.failure.device, device)
        assert.match(result.failure.message, new RegExp(`^device ${device} cannot be used here: it (needs|is) `))
      }))
  }
})
