import { assert, describe, it } from "@effect/vitest"
import { Safetensors } from "@memory-r1/backend-onnx"
import { Effect } from "effect"
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Checkpoints from "../support/checkpoints.ts"
import { bytes, bytesOf, entry, failure, open } from "../support/safetensorsFile.ts"

const floats = Float32Array.of(1, -2.5, 3e-40, 65504, Infinity, 0)

describe("Safetensors reads", () => {
  it.effect("what it writes, bit by bit", () =>
    Effect.gen(function*() {
      const file = join(yield* Checkpoints.temporary, "x.safetensors")
      yield* Safetensors.writeFile(file, [
        { name: "matrix", shape: [2, 3], data: floats },
        { name: "scalar", shape: [], data: Float32Array.of(7) },
        { name: "nothing", shape: [0, 4], data: new Float32Array() },
        // A view that does not begin where its buffer does.
        { name: "näme", shape: [2], data: floats.subarray(1, 3) }
      ], { format: "pt", made: "here" })
      const reader = yield* Safetensors.openFile(file)
      assert.deepStrictEqual([...reader.tensors.keys()], ["matrix", "scalar", "nothing", "näme"])
      assert.deepStrictEqual(reader.metadata, { format: "pt", made: "here" })
      const all = { matrix: floats, scalar: [7], nothing: [], näme: floats.subarray(1, 3) }
      for (const [name, expected] of Object.entries(all)) {
        const into = new Float32Array(expected.length)
        yield* reader.read(name, into)
        assert.deepStrictEqual(into, Float32Array.from(expected), name)
      }
      // Data begins on a border of eight bytes, as readers that map the file need it.
      assert.strictEqual(Number(readFileSync(file).readBigUInt64LE(0)) % 8, 0)
    }))

  it.effect("16- and 64-bit floats", () =>
    Effect.gen(function*() {
      const halves = Uint16Array.of(0x3c00, 0xc100, 0x0001, 0x7bff, 0x7c00, 0xfc00, 0x8000, 0x7e00)
      const brains = Uint16Array.of(0x3f80, 0xc020, 0x0001, 0x7f7f, 0x7f80, 0xff80, 0x8000, 0x7fc0)
      const doubles = Float64Array.of(1 / 3, -1e-300, 1e300)
      const data = Buffer.concat([halves, brains, doubles].map(bytesOf))
      const reader = yield* open(bytes({
        halves: entry("F16", [8], 0, 16),
        brains: entry("BF16", [2, 4], 16, 32),
        doubles: entry("F64", [3], 32, 56)
      }, data))
      const read = Effect.fnUntraced(function*(name: string, length: number) {
        const into = new Float32Array(length)
        yield* reader.read(name, into)
        return into
      })
      assert.deepStrictEqual([...yield* read("halves", 8)], [1, -2.5, 2 ** -24, 65504, Infinity, -Infinity, -0, NaN])
      assert.deepStrictEqual(
        [...yield* read("brains", 8)],
        [1, -2.5, 2 ** -133, (2 - 2 ** -7) * 2 ** 127, Infinity, -Infinity, -0, NaN]
      )
      assert.deepStrictEqual(yield* read("doubles", 3), Float32Array.of(1 / 3, -0, Infinity))
    }))

  it.effect("bfloat16 as it rounds: to the nearest, at a tie to the even", () =>
    Effect.gen(function*() {
      const file = join(yield* Checkpoints.temporary, "x.safetensors")
      const unit = 2 ** -7
      const above1 = [unit / 2, 1.5 * unit, 0.51 * unit, 0.49 * unit].map((part) => 1 + part)
      const data = Float32Array.of(...above1, -1 - 1.5 * unit, 3.4e38)
      yield* Safetensors.writeFile(file, [{ name: "x", shape: [6], data, dtype: "BF16" }])
      const reader = yield* Safetensors.openFile(file)
      const into = new Float32Array(6)
      yield* reader.read("x", into)
      assert.deepStrictEqual([...into], [1, 1 + 2 * unit, 1 + unit, 1, -1 - 2 * unit, Infinity])
    }))
})

describe("Safetensors refuses", () => {
  const data = bytesOf(floats)
  const header = { a: entry("F32", [2], 0, 8), b: entry("F32", [4], 8, 24) }
  const whole = bytes(header, data)
  const dataStart = whole.length - 24
  const lengths: ReadonlyArray<readonly [title: string, length: number, reason: RegExp, tensor?: string]> = [
    ["an empty file", 0, /is 0 bytes long, too short for a safetensors file; fetch it again/],
    ["a file cut in its length", 7, /is 7 bytes long, too short/],
    ["a file cut after its length", 8, /claims a header of \d+ bytes in a file of 8: it is cut off/],
    ["a file cut in its header", 40, /claims a header of \d+ bytes in a file of 40/],
    ["a file cut at its header's last byte", dataStart - 1, /claims a header/],
    ["a file cut before its data", dataStart, /its bytes end at 8, but the file holds 0 bytes of data/, "a"],
    ["a file cut in its first tensor", dataStart + 5, /its bytes end at 8, but the file holds 5/, "a"],
    ["a file cut between tensors", dataStart + 8, /its bytes end at 24, but the file holds 8/, "b"],
    ["a file without its last byte", whole.length - 1, /its bytes end at 24, but the file holds 23/, "b"]
  ]
  for (const [title, length, reason, tensor] of lengths) {
    it.effect(title, () =>
      Effect.gen(function*() {
        const found = yield* failure(whole.subarray(0, length))
        assert.match(found.reason, reason)
        assert.strictEqual(found.tensor, tensor)
      }))
  }

  for (const claimed of [0n, 1n, 17n, 2n ** 31n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n]) {
    it.effect(`a header length of ${claimed}`, () =>
      Effect.gen(function*() {
        const spoilt = Buffer.from(whole)
        spoilt.writeBigUInt64LE(claimed)
        const { reason } = yield* failure(spoilt)
        assert.match(reason, claimed > 100n ? /claims a header of/ : /has a header that is no safetensors header/)
      }))
  }

  const headers: ReadonlyArray<readonly [title: string, header: unknown, reason: RegExp, tensor?: string]> = [
    ["a header that is no JSON", "{\"a\": ", /no safetensors header/],
    ["a header that is a list", [], /no safetensors header/],
    ["an entry that is a number", { a: 1 }, /no safetensors header/],
    ["an entry without offsets", { a: { dtype: "F32", shape: [1] } }, /no safetensors header/],
    ["an entry of texts", { a: { dtype: "F32" } }, /broken entry/, "a"],
    ["metadata that is a tensor", { __metadata__: entry("F32", [1], 0, 4) }, /broken entry/, "__metadata__"],
    ["a shape below zero", { a: entry("F32", [-1, -1], 0, 4) }, /no safetensors header/],
    ["a shape that is no whole number", { a: entry("F32", [1.5, 2], 0, 12) }, /no safetensors header/],
    ["an offset that is no whole number", { a: entry("F32", [1], 0, 4.5) }, /no safetensors header/],
    ["an offset below zero", { a: entry("F32", [1], -4, 0) }, /its bytes -4 to 0/, "a"],
    ["offsets the wrong way round", { a: entry("F32", [1], 8, 4) }, /its bytes 8 to 4/, "a"],
    ["tensors that overlap", { a: entry("F32", [2], 0, 8), b: entry("F32", [2], 4, 12) }, /bytes 4 to 12 overlap/, "b"],
    ["tensors in one place", { a: entry("F32", [2], 0, 8), b: entry("F32", [2], 0, 8) }, /bytes 0 to 8 overlap/, "b"],
    ["an end beyond the file", { a: entry("F32", [7], 0, 28) }, /its bytes end at 28, but the file holds 24/, "a"],
    ["an absurd end", { a: entry("F32", [1e15], 0, 4e15) }, /its bytes end at 4000000000000000/, "a"],
    ["a shape that needs more bytes", { a: entry("F32", [3], 0, 8) }, /\[3\] of F32 does not fit into 8 bytes/, "a"],
    ["a shape that needs fewer bytes", { a: entry("BF16", [1], 0, 8) }, /\[1\] of BF16 does not fit into 8 bytes/, "a"],
    ["a shape whose size overflows", { a: entry("F32", [1e200, 1e200], 0, 8) }, /no safetensors header|does not fit/]
  ]
  for (const [title, header, reason, tensor] of headers) {
    it.effect(title, () =>
      Effect.gen(function*() {
        const found = yield* failure(bytes(header, data))
        assert.match(found.reason, reason)
        if (tensor !== undefined) assert.strictEqual(found.tensor, tensor)
      }))
  }

  it.effect("to read what is not there, not of a known type, or of another size", () =>
    Effect.gen(function*() {
      const reader = yield* open(bytes({ a: entry("F32", [2], 0, 8), n: entry("I64", [1], 8, 16) }, data))
      const message = (name: string, length: number) =>
        Effect.flip(reader.read(name, new Float32Array(length))).pipe(
          Effect.map((error) => error.message.slice(reader.file.length))
        )
      assert.strictEqual(yield* message("c", 2), ", tensor c: is not in the file")
      assert.strictEqual(yield* message("n", 1), ", tensor n: has type I64; F32, F16, BF16, F64 can be read")
      assert.strictEqual(yield* message("a", 3), ", tensor a: has 2 elements where 3 were expected")
    }))

  it.effect("a file that is not there, and one that is a folder", () =>
    Effect.gen(function*() {
      const folder = yield* Checkpoints.temporary
      const missing = yield* Effect.flip(Safetensors.openFile(join(folder, "none.safetensors")))
      assert.strictEqual(
        missing.message,
        `${join(folder, "none.safetensors")}: cannot be opened; is the path right, and is the checkpoint complete?`
      )
      assert.strictEqual((yield* Effect.flip(Safetensors.openFile(folder)))._tag, "CheckpointError")
    }))

  it.effect("a file that shrinks after it was opened", () =>
    Effect.gen(function*() {
      const reader = yield* open(whole)
      writeFileSync(reader.file, whole.subarray(0, whole.length - 1))
      const error = yield* Effect.flip(reader.read("b", new Float32Array(4)))
      assert.deepStrictEqual([error._tag, error.tensor, error.reason], ["CheckpointError", "b", "cannot be read"])
    }))
})

describe("Safetensors writes the whole file or nothing", () => {
  const tensors = [{ name: "x", shape: [6], data: floats }]
  const withOne = Effect.gen(function*() {
    const folder = yield* Checkpoints.temporary
    const file = join(folder, "x.safetensors")
    yield* Safetensors.writeFile(file, tensors)
    return { folder, file, before: readFileSync(file) }
  })
  const cannot = /: cannot be written \((.*)\); is the folder writable, and is there room\?$/

  it.effect("to a folder that is not there", () =>
    Effect.gen(function*() {
      const file = join(yield* Checkpoints.temporary, "none", "x.safetensors")
      const { message } = yield* Effect.flip(Safetensors.writeFile(file, tensors))
      assert.isTrue(message.startsWith(file), message)
      assert.match(message, cannot)
    }))

  it.effect.skipIf(!existsSync("/dev/full"))(
    "to a full disk: the old file stays, and no rest of the new one",
    () =>
      Effect.gen(function*() {
        const { before, file, folder } = yield* withOne
        // What is written goes to a file of this name first.
        symlinkSync("/dev/full", `${file}.${process.pid}.tmp`)
        const { message } = yield* Effect.flip(Safetensors.writeFile(file, tensors))
        assert.match(message, cannot)
        assert.include(message, "ENOSPC")
        assert.deepStrictEqual(readFileSync(file), before)
        assert.deepStrictEqual(readdirSync(folder), ["x.safetensors"])
      })
  )

  it.effect("to a place that a folder takes", () =>
    Effect.gen(function*() {
      const { folder } = yield* withOne
      mkdirSync(join(folder, "taken", "inside"), { recursive: true })
      assert.match((yield* Effect.flip(Safetensors.writeFile(join(folder, "taken"), tensors))).message, cannot)
      assert.deepStrictEqual(readdirSync(folder).sort(), ["taken", "x.safetensors"])
    }))

  it.effect("and refuses data that have not the size of their shape", () =>
    Effect.gen(function*() {
      const { before, file } = yield* withOne
      const error = yield* Effect.flip(Safetensors.writeFile(file, [{ name: "x", shape: [2, 2], data: floats }]))
      assert.strictEqual(error.tensor, "x")
      assert.strictEqual(error.reason, "[2, 2] is no shape of 6 elements; nothing was written")
      assert.deepStrictEqual(readFileSync(file), before)
    }))
})
