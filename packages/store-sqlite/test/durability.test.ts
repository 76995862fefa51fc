// Real processes: killed while they write, and writing at the same time.
// @module-tag slow
import { assert, describe, it } from "@effect/vitest"
import { MemoryBank, MemoryStore, Scope } from "@memory-r1/core"
import { SqliteStore } from "@memory-r1/store-sqlite"
import { Effect, Random } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll } from "vitest"
import { crashes, isFold, isWhole } from "./support/crash.ts"
import { built, run } from "./support/programs.ts"

const directory = mkdtempSync(join(tmpdir(), "memory-r1-durability-"))
afterAll(() => rmSync(directory, { recursive: true }))

describe("a file whose writer is killed", () => {
  it.live("has every acknowledged commit and no half one, 200 times", () =>
    Effect.gen(function*() {
      const acknowledged = yield* crashes(yield* built("writer"), directory, 200)
      assert.isAbove(acknowledged, 200)
    }).pipe(Random.withSeed("kills")), 300_000)
})

describe("a file with several writers", () => {
  it.live("loses no update of 16 writers in 2 processes over 10,000 commits", () =>
    Effect.gen(function*() {
      const program = yield* built("writer")
      const file = join(directory, "shared.db")
      const both = yield* Effect.all(
        [0, 1].map(() => run(process.execPath, [program, file, "everybody", "5000", "8"])),
        { concurrency: 2 }
      )
      for (const { code, stderr } of both) assert.strictEqual(code, 0, stderr)
      const told = both.flatMap(({ stdout }) => stdout.split("\n").slice(0, -1).map(Number)).sort((a, b) => a - b)
      const all = Array.from({ length: 10_000 }, (_, i) => i + 1)
      assert.deepStrictEqual(told, all)
      yield* Effect.gen(function*() {
        const { bank, entries } = yield* isFold(Scope.make({ user: "everybody" }))
        assert.strictEqual(entries.length, 10_000)
        const [counters, notes] = ["counter", "notes"].map((speaker) =>
          MemoryBank.memories(bank).filter((memory) => memory.speaker === speaker).map(({ text }) => text)
        )
        assert.deepStrictEqual(counters, ["counter 10000"])
        assert.deepStrictEqual(notes!.map((text) => Number(text.split(" ")[1])), all)
        // Both took part.
        assert.strictEqual(new Set(notes!.map((text) => text.split(" of ")[1])).size, 2)
      }).pipe(Effect.provide(SqliteStore.layer({ file })))
      isWhole(file)
    }), 300_000)

  it.live("shows a reader one moment, while somebody writes", () =>
    Effect.gen(function*() {
      const file = join(directory, "read.db")
      const scope = Scope.make({ user: "writer" })
      const program = yield* built("writer")
      yield* Effect.gen(function*() {
        const store = yield* MemoryStore.MemoryStore
        const writing = yield* Effect.forkChild(run(process.execPath, [program, file, "writer", "1500", "4"]))
        let seen = 0
        while (seen < 1500) {
          yield* Effect.sleep("1 millis")
          const { bank, revision } = yield* store.current(scope)
          assert.isAtLeast(revision, seen)
          seen = revision
          if (revision > 0) assert.strictEqual(MemoryBank.size(bank), revision + 1)
          const hit = yield* store.search(scope, { text: "counter", limit: 1, speaker: "counter" })
          if (hit.revision > 0) assert.strictEqual(hit.memories[0]?.memory.text, `counter ${hit.revision}`)
        }
        yield* Effect.yieldNow
        return writing
      }).pipe(Effect.provide(SqliteStore.layer({ file })))
    }), 120_000)
})
