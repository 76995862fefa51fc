import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { tmpdir } from "node:os"
import * as Program from "./support/program.ts"

const Found = Schema.Struct({
  node: Schema.String,
  cores: Schema.Int,
  memory: Schema.Struct({ total: Schema.Int, free: Schema.Int }),
  gflops: Schema.Finite,
  devices: Schema.Array(Schema.Struct({ device: Schema.String, needs: Schema.optionalKey(Schema.String) })),
  models: Schema.Array(Schema.Struct({
    model: Schema.String,
    parameters: Schema.Int,
    bytes: Schema.Finite,
    fits: Schema.Boolean,
    seconds: Schema.Finite
  }))
})

describe("doctor", () => {
  it.effect("says what the machine can do, in about ten lines", () =>
    Effect.gen(function*() {
      const { stdout } = yield* Program.run(tmpdir(), ["doctor"])
      const lines = stdout.trim().split("\n")
      assert.isAtMost(lines.length, 11)
      assert.isTrue(lines.every((line) => line.length < 300))
      const found = Schema.decodeUnknownSync(Found)(
        Program.document(yield* Program.run(tmpdir(), ["doctor", "--json"]))
      )
      assert.deepStrictEqual(found.devices[0], { device: "cpu" })
      assert.isAbove(found.gflops, 0)
      const [embedded, smol, qwen] = found.models
      assert.closeTo(smol!.parameters, 134.5e6, 0.5e6)
      assert.closeTo(qwen!.parameters, 494e6, 2e6)
      assert.isTrue(embedded!.seconds < smol!.seconds && smol!.seconds < qwen!.seconds)
      assert.isTrue(found.models.every(({ bytes, fits }) => fits === bytes < found.memory.total))
    }), Program.timeout)
})
