// A checkpoint comes from anywhere. Whatever the file holds: a CheckpointError or a true read, never a crash, a hang,
// or more memory than the file is long.
import { assert, describe, it } from "@effect/vitest"
import { Checkpoint } from "@memory-r1/backend-onnx"
import { Arbitrary, Effect, Result, Schema } from "effect"
import { mutatedFrom } from "../support/mutated.ts"
import { bytes, bytesOf, entry, open } from "../support/safetensorsFile.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const valid = bytes({
  __metadata__: { format: "pt" },
  first: entry("F32", [2, 3], 0, 24),
  second: entry("BF16", [4], 24, 32),
  third: entry("F16", [2, 1], 32, 36)
}, bytesOf(Float32Array.from({ length: 9 }, (_, i) => i - 4)))

const mutated = mutatedFrom(valid)

const widths: Readonly<Record<string, number>> = { F32: 4, F16: 2, BF16: 2, F64: 8 }

// Entries that follow each other as they should, but for some.
const often = <A>(right: A, ...wrong: ReadonlyArray<A>): ReadonlyArray<A> => [...new Array<A>(40).fill(right), ...wrong]
const headers = Arbitrary.map(
  Arbitrary.schema(
    Schema.Array(Schema.Struct({
      name: Schema.Literals(["a", "b", "c", "d", ...often("e", "__metadata__", "__proto__", "constructor")]),
      dtype: Schema.Literals(["F32", "F16", "BF16", "F64", "I8", "constructor"]),
      shape: Schema.Array(Schema.Literals(often(2, 0, 1, 3, -1, 0.5, 1e15, 1e300))),
      gap: Schema.Literals(often(0, -4, 8, 0.5, 2 ** 53, -(2 ** 53))),
      slack: Schema.Literals(often(0, 4, -4, 1e300))
    })).check(Schema.isMinLength(1), Schema.isMaxLength(4))
  ),
  (entries) => {
    let end = 0
    return entries.map(({ dtype, gap, name, shape, slack }, i) => {
      const dimensions = shape.slice(0, 3)
      const from = end + gap
      end = from + dimensions.reduce((product, size) => product * size, 1) * (widths[dtype] ?? 1) + slack
      return `${JSON.stringify(name === "e" ? `e${i}` : name)}: ${JSON.stringify(entry(dtype, dimensions, from, end))}`
    })
  }
)

// Reads every tensor of a file and compares with what stands at its place.
const readAll = Effect.fnUntraced(function*(file: Buffer) {
  const opened = yield* Effect.result(open(file))
  if (Result.isFailure(opened)) {
    assert.instanceOf(opened.failure, Checkpoint.CheckpointError)
    assert.match(opened.failure.message, /^\/.*model\.safetensors(, tensor .*)?: \S/s)
    return
  }
  const { read, tensors } = opened.success
  const dataStart = 8 + Number(file.readBigUInt64LE(0))
  for (const [name, { data_offsets: [from, to], dtype, shape }] of tensors) {
    const width = Object.hasOwn(widths, dtype) ? widths[dtype]! : undefined
    const elements = shape.reduce((product, size) => product * size, 1)
    if (width === undefined) {
      assert.strictEqual((yield* Effect.flip(read(name, new Float32Array(1))))._tag, "CheckpointError")
      continue
    }
    // What a reader allocates for it.
    assert.isAtMost(elements * width, file.length - dataStart)
    const into = new Float32Array(elements)
    yield* read(name, into)
    const stored = file.subarray(dataStart + from, dataStart + to)
    assert.lengthOf(stored, elements * width)
    if (dtype === "F32") assert.isTrue(stored.equals(bytesOf(into)), name)
    if (dtype === "BF16") {
      const halves = new Uint16Array(bytesOf(into).slice().buffer).filter((_, i) => i % 2 === 1)
      assert.isTrue(stored.equals(bytesOf(halves)), name)
    }
    if (dtype === "F64") into.forEach((value, i) => assert.strictEqual(value, Math.fround(stored.readDoubleLE(8 * i))))
  }
})

describe("Safetensors", () => {
  it.effect("the file that is spoilt is right", () => readAll(valid))

  it.effect.prop("reads spoilt bytes rightly or says what is wrong", { file: mutated }, ({ file }) => readAll(file), {
    arbitrary: { runs: 400, seed: 1 }
  })

  it.effect.prop(
    "takes headers that say anything",
    {
      header: headers,
      size: Arbitrary.schema(between(20, 200))
    },
    ({ header, size }) => readAll(bytes(`{${header.join()}}`, new Uint8Array(size).fill(64))),
    {
      arbitrary: { runs: 400, seed: 2 }
    }
  )
})
