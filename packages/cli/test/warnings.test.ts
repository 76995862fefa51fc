import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { join } from "node:path"

describe("quiet", () => {
  it("leaves out that node:sqlite is experimental, and nothing else", () => {
    const program = `
      import { quiet } from ${JSON.stringify(join(import.meta.dirname, "../src/warnings.ts"))}
      quiet()
      // As Node 22 says it.
      process.emitWarning("SQLite is an experimental feature and might change at any time", "ExperimentalWarning")
      process.emitWarning("the sky falls down", "SkyWarning", "SKY1")
      process.emitWarning(new Error("SQL is old"))`
    const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" })
    assert.strictEqual(status, 0, stderr)
    assert.notInclude(stderr, "SQLite")
    assert.include(stderr, "[SKY1] SkyWarning: the sky falls down")
    assert.include(stderr, "Error: SQL is old")
  })
})
