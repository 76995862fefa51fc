import { assert, describe, it } from "@effect/vitest"
import { Gguf, Ollama } from "@memory-r1/backend-onnx"
import { Effect } from "effect"
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Checkpoints from "../support/checkpoints.ts"

const blocks = join(import.meta.dirname, "../fixtures/gguf/blocks.gguf")
const digest = `sha256:${"ab".repeat(32)}`

// A folder as Ollama writes it.
const folderWith = Effect.fnUntraced(function*(manifest: unknown, path: ReadonlyArray<string>) {
  const folder = yield* Checkpoints.temporary
  const place = join(folder, "manifests", "host.example", ...path.slice(0, -1))
  mkdirSync(place, { recursive: true })
  writeFileSync(join(place, path.at(-1)!), typeof manifest === "string" ? manifest : JSON.stringify(manifest))
  mkdirSync(join(folder, "blobs"))
  copyFileSync(blocks, join(folder, "blobs", digest.replace(":", "-")))
  return folder
})
const manifest = {
  layers: [
    { mediaType: "application/vnd.ollama.image.template", digest: `sha256:${"00".repeat(32)}` },
    { mediaType: "application/vnd.ollama.image.model", digest, size: 1 }
  ]
}

describe("Ollama", () => {
  for (
    const [model, path] of [
      ["ollama:smollm2:135m", ["library", "smollm2", "135m"]],
      ["ollama:smollm2", ["library", "smollm2", "latest"]],
      ["ollama:ann/mine:v1.2", ["ann", "mine", "v1.2"]]
    ] as const
  ) {
    it.effect(`finds the file of ${model}, which has no ending`, () =>
      Effect.gen(function*() {
        const folder = yield* folderWith(manifest, path)
        const file = yield* Ollama.resolve(model, { folder })
        assert.isTrue(Ollama.isName(model))
        assert.isTrue(Gguf.isFile(file))
        assert.isAbove((yield* Gguf.openFile(file)).tensors.size, 10)
      }).pipe(Effect.scoped))
  }

  it.effect("says what is missing", () =>
    Effect.gen(function*() {
      const path = ["library", "smollm2", "latest"]
      const failing = Effect.fnUntraced(function*(model: string, manifest: unknown) {
        const folder = yield* folderWith(manifest, path)
        return (yield* Effect.flip(Ollama.resolve(model, { folder }))).message
      })
      assert.match(
        yield* failing("ollama:qwen:7b", manifest),
        /has no model qwen:7b: fetch it with `ollama pull qwen:7b`/
      )
      assert.match(yield* failing("ollama:../../etc", manifest), /is no name of a model/)
      assert.match(yield* failing("ollama:smollm2", "{"), /latest: is no manifest of Ollama/)
      assert.match(yield* failing("ollama:smollm2", { layers: [] }), /latest: names no weights/)
      const hostile = { layers: [{ mediaType: "application/vnd.ollama.image.model", digest: "sha256:../../x" }] }
      assert.match(yield* failing("ollama:smollm2", hostile), /is no manifest of Ollama/)
    }).pipe(Effect.scoped))
})
