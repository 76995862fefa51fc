import { assert, describe, it } from "@effect/vitest"
import { Checkpoint, Gguf, OnnxModel, OnnxSampler } from "@memory-r1/backend-onnx"
import { Effect, Result, Schema } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describeWith, model } from "../../../../tools/testing/needs.ts"
import * as File from "../support/ggufFile.ts"
import { mutatedFrom } from "../support/mutated.ts"

const fixtures = join(import.meta.dirname, "../fixtures/gguf")
const blocks = join(fixtures, "blocks.gguf")
const meant = new Float32Array(new Uint8Array(readFileSync(join(fixtures, "blocks.f32"))).buffer)

describe("Gguf", () => {
  it.effect("reads every type as the gguf package does", () =>
    Effect.gen(function*() {
      const reader = yield* Gguf.openFile(blocks)
      assert.deepStrictEqual(new Set([...reader.tensors.values()].map(({ dtype }) => dtype)), new Set(Gguf.types))
      let from = 0
      for (const [name, { dtype, shape }] of reader.tensors) {
        assert.strictEqual(dtype, name)
        assert.deepStrictEqual(shape, [2, 512])
        const values = new Float32Array(1024)
        yield* reader.read(name, values)
        values.forEach((value, i) => {
          const expected = meant[from + i]!
          assert.closeTo(value, expected, 1e-6 * Math.max(Math.abs(expected), 1e-3), `${name} ${i}`)
        })
        from += 1024
      }
      assert.strictEqual(from, meant.length)
      assert.strictEqual(reader.metadata["general.architecture"], "llama")
    }).pipe(Effect.scoped))

  it.effect("reads from any number on, within blocks and across them", () =>
    Effect.gen(function*() {
      const reader = yield* Gguf.openFile(blocks)
      for (const name of ["Q4_1", "Q6_K", "F16"]) {
        const whole = new Float32Array(1024)
        yield* reader.read(name, whole)
        for (const [from, length] of [[0, 1], [5, 40], [31, 2], [250, 300], [1023, 1]] as const) {
          const part = new Float32Array(length)
          yield* reader.read(name, part, from)
          assert.deepStrictEqual(part, whole.slice(from, from + length))
        }
      }
    }).pipe(Effect.scoped))

  it.effect("refuses a tensor that is not there, and more numbers than there are", () =>
    Effect.gen(function*() {
      const reader = yield* Gguf.openFile(blocks)
      const failing = (name: string, length: number, from?: number) =>
        Effect.map(Effect.flip(reader.read(name, new Float32Array(length), from)), ({ message }) => message)
      assert.match(yield* failing("nothing", 1), /nothing.*is not in the file/)
      assert.match(yield* failing("Q4_0", 1025), /has 1024 numbers where 1025 were expected/)
      assert.match(yield* failing("Q4_0", 25, 1000), /has 1024 numbers where 1025 were expected/)
    }).pipe(Effect.scoped))

  const tensor = { name: "x", dimensions: [32, 2], type: 8, offset: 0 }
  const data = new Uint8Array(68)

  for (
    const [name, content, message] of [
      ["another kind of file", Buffer.from("PK\u0003\u0004 and so on, not a model"), /is no GGUF file/],
      ["version 1", File.bytes([tensor], data, { version: 1 }), /is GGUF of version 1: convert it anew/],
      ["a version of tomorrow", File.bytes([tensor], data, { version: 9 }), /is GGUF of version 9; known are 2 and 3/],
      ["another order of bytes", File.bytes([tensor], data, { version: 3 << 24 }), /is big-endian/],
      [
        "a huge number of tensors",
        File.bytes([tensor], data, { counts: [2n ** 60n, 0] }),
        /number of tensors is 1152921504606846976/
      ],
      [
        "a huge number of keys",
        File.bytes([tensor], data, { counts: [1, 2n ** 40n] }),
        /the number of keys is 1099511627776/
      ],
      ["an end within the header", File.bytes([tensor], data).subarray(0, 40), /is cut off|more than the/],
      [
        "an end within the data",
        File.bytes([tensor], data).subarray(0, -1),
        /ends at \d+, and the file has/
      ],
      [
        "an unknown type",
        File.bytes([{ ...tensor, type: 23 }], data),
        /tensor x: is of type IQ4_XS, which is not read; known are F32, F16/
      ],
      [
        "rows that are no whole blocks",
        File.bytes([{ ...tensor, dimensions: [33, 2] }], data),
        /rows of 33 numbers, which are no whole blocks of 32 in Q8_0/
      ],
      ["a size that no file has", File.bytes([{ ...tensor, dimensions: [2n ** 62n, 4] }], data), /which cannot be/],
      ["an offset beyond the end", File.bytes([{ ...tensor, offset: 2n ** 40n }], data), /and the file has/],
      ["an offset between", File.bytes([{ ...tensor, offset: 4 }], data), /no multiple of 32/],
      [
        "two tensors in one place",
        File.bytes([tensor, { ...tensor, name: "y" }], data),
        /tensor y: begins within another tensor/
      ],
      ["two tensors of one name", File.bytes([tensor, tensor], data), /is there twice/],
      ["a part of a model", File.bytes([tensor], data, { keys: { "split.count": 3 } }), /is one of 3 parts of a model/],
      [
        "an alignment of three",
        File.bytes([tensor], data, { keys: { "general.alignment": 3 } }),
        /general.alignment 3/
      ],
      [
        "a list longer than the file",
        File.bytes([tensor], data, {
          keys: { list: Buffer.concat([Buffer.from([9, 0, 0, 0, 0, 0, 0, 0]), File.u64(10 ** 12)]) }
        }),
        /the number of entries of list is 1000000000000/
      ],
      [
        "a value of no type",
        File.bytes([tensor], data, { keys: { odd: Buffer.from([77, 0, 0, 0]) } }),
        /unknown type 77 under odd/
      ]
    ] as const
  ) {
    it.effect(`refuses ${name}`, () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(File.open(content))
        assert.strictEqual(error._tag, "CheckpointError")
        assert.match(error.message, message)
        assert.include(error.message, "model.gguf")
      }).pipe(Effect.scoped))
  }

  const valid = File.bytes(
    [tensor, { name: "y", dimensions: [4], type: 0, offset: 96 }],
    new Uint8Array(112),
    { keys: { "general.architecture": "llama", "llama.block_count": 2 } }
  )
  it.effect.prop(
    "whatever is in a file: an error, or numbers",
    { content: mutatedFrom(valid) },
    ({ content }) =>
      Effect.gen(function*() {
        const opened = yield* Effect.result(File.open(content))
        if (Result.isFailure(opened)) return assert.strictEqual(opened.failure._tag, "CheckpointError")
        for (const [name, { shape }] of opened.success.tensors) {
          const size = shape.reduce((product, dimension) => product * dimension, 1)
          assert.isAtMost(size, content.length * 32)
          yield* opened.success.read(name, new Float32Array(size))
        }
      }).pipe(Effect.scoped)
  )

  it.effect("a checkpoint of another model is refused by the file's name", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Checkpoint.open(blocks))
      assert.match(error.message, /blocks\.gguf: has no /)
    }))
})

const Expected = Schema.Record(
  Schema.String,
  Schema.Struct({
    text: Schema.String,
    ids: Schema.Array(Schema.Int),
    logprobs: Schema.Array(Schema.Finite),
    chat: Schema.Array(Schema.Int),
    greedy: Schema.Array(Schema.Int)
  })
)
const expected = Schema.decodeUnknownSync(Schema.fromJsonString(Expected))(
  readFileSync(join(fixtures, "logprobs.json"), "utf8")
)

for (const [name, { chat, greedy, ids, logprobs, text }] of Object.entries(expected)) {
  describeWith(model(name), name, (file) => {
    it.effect(
      "tokens and log-probabilities are those of transformers, and the answer is",
      () =>
        Effect.gen(function*() {
          const sampler = yield* OnnxSampler.make(yield* OnnxModel.load(file))
          const { tokenizer } = sampler
          assert.deepStrictEqual(tokenizer.encode(text), ids)
          const question = { role: "user", content: "What is the capital of France?" } as const
          assert.deepStrictEqual(tokenizer.applyChatTemplate!([question]), chat)
          const groups = [{ prompt: ids.slice(0, 1), completions: [ids.slice(1)] }]
          const scores = (yield* sampler.score({ groups }))[0]![0]!
          logprobs.forEach((logp, t) => assert.closeTo(scores[t]!, logp, 1e-4))
          const sampled = (yield* sampler.sample({ prompts: [chat], maxTokens: 12, temperature: 0 }))[0]![0]!
          assert.deepStrictEqual(sampled.tokens, greedy)
        }).pipe(Effect.scoped),
      240_000
    )
  })
}
