// Beside transformers: fixtures/bert, which tools/parity/encoder.py wrote.
import { assert, describe, it } from "@effect/vitest"
import { Hub, OnnxEmbeddingModel } from "@memory-r1/backend-onnx"
import { Effect, Schema } from "effect"
import { EmbeddingModel } from "effect/ai"
import { existsSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs"
import { basename, join } from "node:path"
import { describeWith, model } from "../../../tools/testing/needs.ts"
import { CheckpointError } from "../src/checkpoint/CheckpointError.ts"
import * as Checkpoints from "./support/checkpoints.ts"
import * as HubServer from "./support/hubServer.ts"

const directory = Checkpoints.directory("bert")
const Vectors = Schema.Array(Schema.Array(Schema.Finite))
const Both = Schema.Struct({ mean: Vectors, cls: Vectors })
const golden = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Struct({
  texts: Schema.Array(Schema.Struct({ text: Schema.String, ids: Schema.Array(Schema.Int) })),
  weights: Both,
  graph: Both
})))(readFileSync(join(directory, "golden.json"), "utf8"))
const texts = golden.texts.map(({ text }) => text)

const embed = (options: OnnxEmbeddingModel.LayerOptions, inputs: ReadonlyArray<string> = texts) =>
  Effect.map(
    Effect.provide(
      EmbeddingModel.EmbeddingModel.use((model) => model.embedMany(inputs)),
      OnnxEmbeddingModel.layer(options)
    ),
    ({ embeddings, usage }) => ({ vectors: embeddings.map(({ vector }) => vector), usage })
  )
const closeTo = (found: ReadonlyArray<ReadonlyArray<number>>, expected: ReadonlyArray<ReadonlyArray<number>>): void => {
  assert.lengthOf(found, expected.length)
  expected.forEach((vector, i) =>
    vector.forEach((x, d) => assert.closeTo(found[i]![d]!, x, 1e-4, `text ${i}, number ${d}`))
  )
}
const whole = { normalize: false, maxTokens: 64 }

// Its graph alone, as some directories are.
const graphOnly = Effect.gen(function*() {
  const folder = yield* Checkpoints.copy("bert")
  rmSync(join(folder, "model.safetensors"))
  return folder
})

describe("OnnxEmbeddingModel beside transformers", () => {
  for (const pooling of ["mean", "cls"] as const) {
    it.effect(`weights, pooled by ${pooling}, texts of all lengths together`, () =>
      Effect.gen(function*() {
        const { usage, vectors } = yield* embed({ model: directory, config: { ...whole, pooling } })
        closeTo(vectors, golden.weights[pooling])
        assert.strictEqual(usage.inputTokens, golden.texts.reduce((sum, { ids }) => sum + ids.length, 0))
      }))

    it.effect(`an exported graph, pooled by ${pooling}`, () =>
      Effect.gen(function*() {
        const { vectors } = yield* embed({ model: yield* graphOnly, config: { ...whole, pooling } })
        closeTo(vectors, golden.graph[pooling])
      }))
  }

  it.effect("what the files of sentence-transformers say holds: the mean, cut at 12 tokens, of length 1", () =>
    Effect.gen(function*() {
      const { vectors } = yield* embed({ model: directory })
      vectors.forEach((vector, i) => {
        assert.closeTo(Math.hypot(...vector), 1, 1e-6)
        if (golden.texts[i]!.ids.length > 12) return
        const expected = golden.weights.mean[i]!
        closeTo([vector], [expected.map((x) => x / Math.hypot(...expected))])
      })
      const long = texts.findIndex((_, i) => golden.texts[i]!.ids.length > 12)
      const { vectors: [shortened] } = yield* embed({ model: directory, config: { maxTokens: 12 } }, [texts[long]!])
      closeTo([vectors[long]!], [shortened!])
    }))

  it.effect("options of one effect, and a prompt before each text", () =>
    Effect.gen(function*() {
      const layer = OnnxEmbeddingModel.layer({ model: directory })
      const of = (text: string, prompt: string) =>
        EmbeddingModel.EmbeddingModel.use((model) => model.embed(text)).pipe(
          OnnxEmbeddingModel.withConfigOverride({ prompt }),
          Effect.map(({ vector }) => vector),
          Effect.provide(layer)
        )
      closeTo([yield* of("the cat", "query: ")], [yield* of("query: the cat", "")])
    }))

  it.effect("a masked language model holds its encoder under a name of its own", () =>
    Effect.gen(function*() {
      const folder = yield* Checkpoints.copy("bert", {
        "config.json": (json) => ({ ...json, architectures: ["BertForMaskedLM"] })
      })
      const file = join(folder, "model.safetensors")
      const bytes = readFileSync(file)
      const length = Number(bytes.readBigUInt64LE(0))
      const header = JSON.parse(bytes.subarray(8, 8 + length).toString()) as Record<string, unknown>
      const renamed = Buffer.from(
        JSON.stringify(
          Object.fromEntries(
            Object.entries(header).map(([name, entry]) => [name === "__metadata__" ? name : `bert.${name}`, entry])
          )
        )
      )
      const prefix = Buffer.alloc(8)
      prefix.writeBigUInt64LE(BigInt(renamed.length))
      writeFileSync(file, Buffer.concat([prefix, renamed, bytes.subarray(8 + length)]))
      closeTo((yield* embed({ model: folder, config: whole })).vectors, golden.weights.mean)
    }))

  it.live("is fetched from a hub with all that belongs to it", () =>
    Effect.gen(function*() {
      const server = yield* HubServer.serve(directory)
      const model = yield* Hub.resolve("owner/name", {
        cacheDirectory: join(yield* Checkpoints.temporary, "hub"),
        endpoint: server.endpoint,
        token: "hf_x",
        offline: false
      })
      assert.isTrue(existsSync(join(model, "1_Pooling/config.json")))
      assert.isFalse(existsSync(join(model, "onnx")))
      closeTo((yield* embed({ model, config: whole })).vectors, golden.weights.mean)
    }))
})

describe("OnnxEmbeddingModel refuses, and names the file", () => {
  const failure = Effect.fnUntraced(function*(folder: string) {
    const error = yield* Effect.flip(embed({ model: folder }))
    assert.instanceOf(error, CheckpointError)
    return [basename(error.file), error.reason] as const
  })
  it.effect("what is missing, broken, or of another kind", () =>
    Effect.gen(function*() {
      const missing = yield* failure("nowhere")
      assert.deepStrictEqual(missing, ["config.json", "cannot be read; is this a Hugging Face model directory?"])
      const other = yield* failure(Checkpoints.directory("llama-tied"))
      assert.match(other[1], /^names architecture LlamaForCausalLM; known encoders are BertModel/)
      const act = yield* failure(
        yield* Checkpoints.copy("bert", { "config.json": (json) => ({ ...json, hidden_act: "relu" }) })
      )
      assert.match(act[1], /^asks for hidden_act relu/)
      const heads = yield* failure(
        yield* Checkpoints.copy("bert", { "config.json": (json) => ({ ...json, num_attention_heads: 5 }) })
      )
      assert.match(heads[1], /has 5 heads, which do not divide 24/)
      const pooling = yield* failure(
        yield* Checkpoints.copy("bert", { "1_Pooling/config.json": () => ({ pooling_mode_max_tokens: true }) })
      )
      assert.match(pooling[1], /asks for another pooling/)
      const cut = yield* Checkpoints.copy("bert")
      truncateSync(join(cut, "model.safetensors"), 20_000)
      assert.strictEqual((yield* failure(cut))[0], "model.safetensors")
      const wide = yield* failure(
        yield* Checkpoints.copy("bert", { "config.json": (json) => ({ ...json, intermediate_size: 44 }) })
      )
      assert.match(wide[1], /has shape \[40, 24\], config.json asks for \[44, 24\]/)
      const graph = yield* graphOnly
      writeFileSync(join(graph, "onnx/model.onnx"), "no graph")
      assert.match((yield* failure(graph))[1], /is no graph that ONNX Runtime takes/)
      const none = yield* graphOnly
      renameSync(join(none, "onnx"), join(none, "else"))
      assert.strictEqual((yield* failure(none))[0], "model.safetensors")
    }))
})

describeWith(model("all-MiniLM-L6-v2"), "OnnxEmbeddingModel on a real model", (directory) => {
  it.effect("gives the similarities that sentence-transformers publishes for it", () =>
    Effect.gen(function*() {
      const texts = [
        "That is a happy person",
        "That is a happy dog",
        "That is a very happy person",
        "Today is a sunny day"
      ]
      const { vectors: [source, ...others] } = yield* embed({ model: directory }, texts)
      const similarity = (vector: ReadonlyArray<number>) => vector.reduce((sum, x, d) => sum + x * source![d]!, 0)
      const published = [0.6945773, 0.942915, 0.2568761]
      others.forEach((vector, i) => assert.closeTo(similarity(vector), published[i]!, 1e-6, texts[i + 1]))
    }))
})
