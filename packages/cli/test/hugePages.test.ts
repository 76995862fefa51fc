import { assert, describe, it } from "@effect/vitest"
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as HugePages from "../src/hugePages.ts"

describe("huge pages", () => {
  it("are asked for once, beside what is set already", () => {
    assert.deepStrictEqual(HugePages.environment({ A: "1" }), { A: "1", GLIBC_TUNABLES: "glibc.malloc.hugetlb=1" })
    assert.deepStrictEqual(HugePages.environment({ GLIBC_TUNABLES: "glibc.malloc.arena_max=1" }), {
      GLIBC_TUNABLES: "glibc.malloc.arena_max=1:glibc.malloc.hugetlb=1"
    })
    for (const set of ["", "glibc.malloc.hugetlb=0", "glibc.malloc.hugetlb=1"]) {
      assert.isUndefined(HugePages.environment({ GLIBC_TUNABLES: set }))
    }
  })

  it("are not asked for by what this program starts", () => {
    for (const env of [{ A: "1" }, { A: "1", GLIBC_TUNABLES: "glibc.malloc.arena_max=1" }]) {
      assert.deepStrictEqual(HugePages.without(HugePages.environment(env)!), env)
    }
  })

  it("begin the program again as it is: process, arguments, exit code, and nothing more on any output", () => {
    const folder = mkdtempSync(join(tmpdir(), "huge-pages-"))
    try {
      const program = join(folder, "program.mjs")
      const file = join(import.meta.dirname, "../src/hugePages.ts")
      writeFileSync(
        program,
        `
import { use } from ${JSON.stringify(file)}
console.log(process.pid, process.argv.slice(2).join(), process.env.GLIBC_TUNABLES ?? "")
use()
`
      )
      const env = { ...HugePages.without(process.env) } as NodeJS.ProcessEnv
      const lines = execFileSync(process.execPath, [program, "a", "--b"], {
        env,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "inherit"]
      }).trim().split("\n")
      const [first, second] = lines
      const begun = process.platform === "linux" && process.execve !== undefined
      assert.lengthOf(lines, begun ? 2 : 1)
      assert.match(first!, /^\d+ a,--b ?$/)
      if (begun) assert.strictEqual(second, `${first!.trim()} glibc.malloc.hugetlb=1`)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
