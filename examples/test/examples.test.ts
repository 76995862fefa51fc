// Every example is short, and runs for real, in a process of its own.
// @module-tag slow
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFile } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { says, serve } from "../../packages/backend-hf/test/server.ts"

const folder = join(import.meta.dirname, "..")
const examples = readdirSync(folder).filter((name) => name.endsWith(".ts"))

// Something that each prints.
const prints: Readonly<Record<string, RegExp>> = {
  "ai-sdk.ts": /Assistant: Nice!\n {2}-> ADD\n.*\nAssistant: Your dog is called Buddy\.\n\[ 'Ann has a dog .*' \]\n$/,
  "custom-environment.ts": /^step 1: reward -?\d\.\d{3}\nstep 2: .*\nstep 3: /,
  "custom-reward.ts": /^ 1\.000 {2}Buddy and Scout {2}\{/,
  "custom-store.ts": /^m1 Ann has a dog named Buddy\n$/,
  "grpo-loop.ts": /^step 1: reward -?\d\.\d{3}, \d of 6 groups, .*\nstep 2: /,
  "grpo-memory-world.ts": /^step 1: reward -?\d\.\d{3}, [1-9]\d* token\/s\n[^]*^step 2: reward/m,
  "hf-manager.ts": /^hf-manager: skipped, HF_TOKEN is not set/,
  "local-checkpoint.ts": /^greedy: .*\nstep 0: loss (\d+\.\d+)\n(step .*\n){3}$/,
  "nano-memory.ts": /^I adopted a dog named Buddy\. {2}-> {2}ADD /,
  "off-policy.ts":
    /^(\d+) decisions, mean reward (-0\.\d{3})\ntemperature 1: \2 .* worth \1\.0 decisions\n(temperature .*\n){2}$/,
  "remember-and-ask.ts": /^Buddy\n7 May 2023\nBob: I live in Lima\.\n$/
}

// In an empty folder, which is empty afterwards: examples need no place of their own and leave nothing behind.
const run = (name: string, env: Readonly<Record<string, string>> = {}) =>
  Effect.acquireUseRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "memory-r1-example-"))),
    (cwd) =>
      Effect.callback<{ readonly stdout: string; readonly stderr: string }>((resume) => {
        const { HF_ENDPOINT: _, HF_MODEL: __, HF_TOKEN: ___, ...inherited } = process.env
        const child = execFile(process.execPath, [join(folder, name)], {
          cwd,
          env: { ...inherited, NO_COLOR: "1", ...env }
        }, (_, stdout, stderr) => {
          resume(Effect.sync(() => {
            assert.strictEqual(child.exitCode, 0, `${name}\n${stdout}${stderr}`)
            assert.deepStrictEqual(readdirSync(cwd), [])
            return { stdout, stderr }
          }))
        })
        return Effect.sync(() => child.kill())
      }),
    (cwd) => Effect.sync(() => rmSync(cwd, { recursive: true }))
  )

describe.each(examples)("examples/%s", (name) => {
  it("has fewer than 120 lines", () => {
    assert.isBelow(readFileSync(join(folder, name), "utf8").split("\n").length, 120)
  })

  it.effect("runs", () =>
    Effect.gen(function*() {
      assert.property(prints, name, "say above what this example prints")
      assert.match((yield* run(name)).stdout, prints[name]!)
    }), 300_000)
})

describe("examples/hf-manager.ts with a token", () => {
  const token = "hf_qPz7VtW1xLk9Rc"

  it.effect("asks the endpoint, and shows the token to nobody else", () =>
    Effect.gen(function*() {
      const { requests, url } = yield* serve(
        says(`{"memory": [{"id": "0", "text": "Ann has a dog named Buddy", "event": "ADD"}]}`)
      )
      const { stderr, stdout } = yield* run("hf-manager.ts", { HF_TOKEN: token, HF_ENDPOINT: url })
      assert.match(stdout, /-> ADD\n[^]*^Memories:\n {2}Ann has a dog named Buddy\n/m)
      assert.isAbove(requests.length, 3)
      for (const { headers } of requests) assert.strictEqual(headers.authorization, `Bearer ${token}`)
      assert.notInclude(stdout + stderr, token)
    }), 300_000)

  it.effect("runs on Hugging Face", (context) =>
    Effect.gen(function*() {
      if ((process.env.HF_TOKEN ?? "") === "") return context.skip("HF_TOKEN is not set")
      assert.match(
        (yield* run("hf-manager.ts", { HF_TOKEN: process.env.HF_TOKEN! })).stdout,
        /^Which dogs does Ann have\? .+/m
      )
    }), 300_000)
})
