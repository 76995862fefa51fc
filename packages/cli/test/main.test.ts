import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit } from "effect"
import { CliError } from "effect/cli"
import { report } from "../src/main.ts"

const error = new Error("the disk is full")

describe("report", () => {
  it("gives failures and defects 1, with their message", () => {
    assert.deepStrictEqual(report(Cause.fail(error), false), { message: "the disk is full", code: 1 })
    assert.deepStrictEqual(report(Cause.die(error), false), { message: "the disk is full", code: 1 })
    assert.deepStrictEqual(report(Cause.fail("no room"), false), { message: "no room", code: 1 })
  })

  it("shows the stack only when asked to", () => {
    const { message } = report(Cause.fail(error), true)
    assert.match(message!, /the disk is full\n\s+at /)
  })

  it.effect("gives interruption 130", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(Effect.interrupt)
      assert.isTrue(Exit.isFailure(exit))
      if (Exit.isFailure(exit)) assert.deepStrictEqual(report(exit.cause, false), { message: "interrupted", code: 130 })
    }))

  it("gives wrong usage 2, and help that was asked for 0", () => {
    const missing = new CliError.MissingOption({ option: "model" })
    assert.deepStrictEqual(report(Cause.fail(missing), false), {
      message: "Missing required flag: --model\nSee: memory-r1 --help",
      code: 2
    })
    const help = (errors: ReadonlyArray<CliError.NonShowHelpErrors>) =>
      new CliError.ShowHelp({ commandPath: ["memory-r1"], errors })
    assert.strictEqual(report(Cause.fail(help([missing])), false).code, 2)
    assert.deepStrictEqual(report(Cause.fail(help([])), false), { message: undefined, code: 0 })
  })
})
