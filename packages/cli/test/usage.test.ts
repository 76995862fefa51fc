// @module-tag slow
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { tmpdir } from "node:os"
import * as Program from "./support/program.ts"

const run = (line: string) => Program.run(tmpdir(), line.split(" "))

// What is wrong, and what is said about it.
const wrong = [
  ["nonsense", `Unknown subcommand "nonsense"`],
  ["generate --modle x --prompt x", "--model"],
  ["generate --prompt x", "Missing required flag: --model"],
  [
    "generate --model x --prompt x --max-tokens 0",
    `Invalid value for flag --max-tokens: "0". Expected: a whole number from 1 on`
  ],
  ["eval --dataset mars --data x --system bm25", `"locomo" | "memory-world"`],
  ["eval --dataset locomo --data x --system bm25 --limit -1", "--limit"],
  [
    "inspect logprobs --model x --tokens 1,x",
    `Invalid value for flag --tokens: "1,x". Expected: token ids, separated by spaces or commas`
  ],
  ["memory list --db x --limt 3", "Did you mean this?\n    --limit"],
  ["memory search --db x --bar", "Unrecognized flag: --bar"],
  ["memory add --db x one -two", "Unexpected"],
  ["generate --model x --prompt", "--prompt"],
  ["inspect everything", `Unknown subcommand "everything"`],
  ["quickstart --seed one --json", "--seed"]
] as const

describe("usage", () => {
  it.effect(
    "exits with 2 when the usage is wrong, and says on stderr what is",
    () =>
      Program.table(
        wrong,
        ([line, words]) => Effect.map(run(line), (finished) => assert.include(Program.failure(2, finished), words))
      ),
    Program.timeout
  )

  it.effect("prints help and the version on stdout when asked to", () =>
    Program.table([
      ["--help", "quickstart"],
      ["eval --help", "--dataset"],
      ["--version", "memory-r1 v"]
    ], ([line, words]) =>
      Effect.map(run(line!), ({ code, stderr, stdout }) => {
        assert.deepStrictEqual({ code, stderr }, { code: 0, stderr: "" })
        assert.include(stdout, words!)
      })), Program.timeout)
})
