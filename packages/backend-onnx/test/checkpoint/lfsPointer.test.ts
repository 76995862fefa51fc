// What a clone without Git LFS has in place of large files, in place of every file of a checkpoint.
import { assert, describe, it } from "@effect/vitest"
import { Adapter, Checkpoint, OnnxEmbeddingModel, Safetensors } from "@memory-r1/backend-onnx"
import { Effect } from "effect"
import { EmbeddingModel } from "effect/ai"
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync
} from "node:fs"
import { join } from "node:path"
import * as Checkpoints from "../support/checkpoints.ts"

const oid = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"
const pointers = [
  `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize 12345\n`,
  `version https://git-lfs.github.com/spec/v1\r\noid sha256:${oid}\r\nsize 4976698672\r\n`,
  `version https://hawser.github.com/spec/v1\noid sha256:${oid}\nsize 1\n`
]

const assertNamed = (error: unknown, file: string): void => {
  if (!(error instanceof Checkpoint.CheckpointError)) return assert.fail(String(error))
  assert.strictEqual(error.file, file)
  assert.match(error.message, /is a Git LFS pointer and not the file itself: run "git lfs pull" in its folder/)
}

const embed = (model: string) =>
  Effect.scoped(
    Effect.provide(
      EmbeddingModel.EmbeddingModel.use((model) => model.embedMany(["x"])),
      OnnxEmbeddingModel.layer({ model })
    )
  )

describe("a Git LFS pointer", () => {
  for (
    const name of [
      "config.json",
      "tokenizer.json",
      "tokenizer_config.json",
      "generation_config.json",
      "special_tokens_map.json",
      "chat_template.jinja",
      "model.safetensors"
    ]
  ) {
    it.effect(`in place of ${name} says so`, () =>
      Effect.forEach(
        pointers,
        Effect.fnUntraced(function*(pointer) {
          const folder = yield* Checkpoints.copy("qwen2")
          writeFileSync(join(folder, name), pointer)
          assertNamed(yield* Effect.flip(Checkpoint.load(folder)), join(folder, name))
        })
      ))
  }

  it.effect("in place of an index or of a shard says so", () =>
    Effect.gen(function*() {
      const folder = yield* Checkpoints.copy("llama-tied")
      const shard = "model-00001-of-00001.safetensors"
      const index = join(folder, "model.safetensors.index.json")
      renameSync(join(folder, "model.safetensors"), join(folder, shard))
      const names = yield* Effect.scoped(
        Effect.map(Safetensors.openFile(join(folder, shard)), ({ tensors }) => [...tensors.keys()])
      )
      writeFileSync(index, JSON.stringify({ weight_map: Object.fromEntries(names.map((name) => [name, shard])) }))
      yield* Checkpoint.load(folder)
      writeFileSync(join(folder, shard), pointers[0]!)
      assertNamed(yield* Effect.flip(Checkpoint.load(folder)), join(folder, shard))
      writeFileSync(index, pointers[0]!)
      assertNamed(yield* Effect.flip(Checkpoint.load(folder)), index)
    }))

  for (const name of ["adapter_config.json", "adapter_model.safetensors"]) {
    it.effect(`in place of ${name} says so`, () =>
      Effect.gen(function*() {
        const base = yield* Checkpoint.open(Checkpoints.directory("qwen2"))
        const folder = yield* Checkpoints.copy("adapters/qwen2")
        writeFileSync(join(folder, name), pointers[0]!)
        assertNamed(yield* Effect.flip(Adapter.load(folder, base)), join(folder, name))
        if (name === "adapter_config.json") {
          assertNamed(yield* Effect.flip(Adapter.baseModel(folder)), join(folder, name))
        }
      }))
  }

  for (
    const name of [
      "config.json",
      "tokenizer.json",
      "modules.json",
      "1_Pooling/config.json",
      "model.safetensors",
      "onnx/model.onnx",
      "onnx/model.onnx_data"
    ]
  ) {
    it.effect(`in place of an encoder's ${name} says so`, () =>
      Effect.gen(function*() {
        const folder = yield* Checkpoints.copy("bert")
        if (name.startsWith("onnx/")) rmSync(join(folder, "model.safetensors"))
        mkdirSync(join(folder, name, ".."), { recursive: true })
        writeFileSync(join(folder, name), pointers[0]!)
        const error = yield* Effect.flip(embed(folder))
        assert.include(error.message, join(folder, name))
        assert.include(error.message, "git lfs pull")
      }))
  }

  it.effect("is not seen in what is no pointer", () =>
    Effect.gen(function*() {
      const folder = yield* Checkpoints.copy("qwen2")
      // A template may speak of anything.
      writeFileSync(
        join(folder, "chat_template.jinja"),
        `{# version https://git-lfs.github.com/spec/v1 #}{{ messages[0].content }}`
      )
      yield* Checkpoint.load(folder)
      for (const name of readdirSync(folder)) {
        assert.notInclude(readFileSync(join(folder, name), "latin1").slice(0, 9), "version h")
      }
      truncateSync(join(folder, "model.safetensors"), 7)
      assert.include((yield* Effect.flip(Checkpoint.load(folder))).message, "too short")
      truncateSync(join(folder, "model.safetensors"), 0)
      appendFileSync(join(folder, "model.safetensors"), "version 1 of nothing")
      assert.notInclude((yield* Effect.flip(Checkpoint.load(folder))).message, "LFS")
    }))
})
