import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Bench from "../src/commands/bench.ts"

describe("bench", () => {
  it.effect("is loaded where arguments ask for it, and only there", () =>
    Effect.gen(function*() {
      const loaded = yield* Bench.load(["--json", "bench", "store"])
      assert.deepStrictEqual(
        loaded.subcommands.flatMap(({ commands }) => commands.map(({ name }) => name)),
        ["train-step", "decode", "grpo-step", "retrieval", "store"]
      )
      const other = yield* Bench.load(["memory", "add", "bench"], () => Promise.reject(new Error("it was loaded")))
      assert.strictEqual(other, Bench.listed)
    }))

  it.effect("says how to get the benchmarks where they are not there", () =>
    Effect.gen(function*() {
      // What Node says where the published program looks for them.
      const message =
        "Cannot find package '@memory-r1/bench' imported from /app/node_modules/@memory-r1/cli/dist/main.js"
      const error = yield* Effect.flip(Bench.load(["bench"], () => Promise.reject(new Error(message))))
      assert.instanceOf(error, Bench.NoBenchmarks)
      assert.include(error.message, "npm run setup")
    }))
})
