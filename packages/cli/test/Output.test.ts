import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestConsole } from "effect/testing"
import * as Output from "../src/Output.ts"

const document = Output.document({ text: "two\nlines" }, ["text", "two", "lines"])

describe("Output", () => {
  it.effect("is one line of JSON with --json", () =>
    Effect.gen(function*() {
      yield* Effect.provideService(document, Output.Json, true)
      assert.deepStrictEqual(yield* TestConsole.logLines, [`{"text":"two\\nlines"}`])
    }))

  it.effect("is lines for people without", () =>
    Effect.gen(function*() {
      yield* document
      assert.deepStrictEqual(yield* TestConsole.logLines, ["text\ntwo\nlines"])
    }))
})
