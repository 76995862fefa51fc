import { assert, describe, it } from "@effect/vitest"
import { createMemory, FactExtractor, MemoryManager } from "@memory-r1/core"
import { MemoryOperation } from "@memory-r1/core/rl"
import { sqlite } from "@memory-r1/store-sqlite"
import { Effect, Layer } from "effect"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

describe("createMemory, with a file", () => {
  it("remembers from one start to the next, tells its history, goes back and forgets", async () => {
    const directory = mkdtempSync(join(tmpdir(), "memory-r1-create-"))
    const file = join(directory, "memory.db")
    const store = sqlite(file)
    const first = await createMemory({ store, scope: { user: "ann" } })
    await first.remember({ speaker: "Ann", text: "I live in Oslo." })
    await first.remember({ speaker: "Ann", text: "I live in Bergen." })
    await first.close()

    const second = await createMemory({ store, scope: { user: "ann" } })
    const [home] = await second.recall("Where does Ann live?")
    assert.strictEqual(home?.text, "I live in Bergen.")
    assert.deepStrictEqual((await second.history(home!.id)).map(({ text }) => text), [
      "I live in Oslo.",
      "I live in Bergen."
    ])
    assert.strictEqual((await second.answer("Where does Ann live?")).text, "Bergen")
    await second.revert(1)
    assert.deepStrictEqual((await second.memories()).map(({ text }) => text), ["I live in Oslo."])

    // What the assistant was shown, and says again, is no news.
    const context = await second.context("Where does Ann live?")
    const { decisions } = await second.remember({
      speaker: "Assistant",
      text: `${context}\nYou live in Oslo.`,
      recalled: ["you live in Oslo"]
    })
    assert.deepStrictEqual(decisions, [])

    await second.forget(home!.id)
    assert.deepStrictEqual(await second.memories(), [])
    const unknown = await second.forget(home!.id).then(() => undefined, (error: unknown) => error)
    assert.match(String(unknown), /has no memory m1/)
    await second.close()
    assert.isFalse(readFileSync(file).includes("Oslo"))

    const other = await createMemory({ store, scope: { user: "ben" } })
    assert.deepStrictEqual(await other.memories(), [])
    await other.close()
    rmSync(directory, { recursive: true })
  })

  it("leaves nothing half-written, wherever it is aborted", async () => {
    const directory = mkdtempSync(join(tmpdir(), "memory-r1-create-"))
    const store = sqlite(join(directory, "memory.db"))
    // Three facts a turn, and a manager that takes a few ticks for each.
    const memory = await createMemory({
      store,
      extractor: Layer.succeed(FactExtractor.FactExtractor, {
        extract: ({ speaker, text }) =>
          Effect.succeed(["a", "b", "c"].map((part) => ({ text: `${text}${part}`, speaker, sources: [] })))
      }),
      manager: Layer.succeed(MemoryManager.MemoryManager, {
        decide: (requests) =>
          Effect.promise(async () => {
            await Promise.resolve()
            return requests.map(({ fact, snapshot }) => {
              const raw = `ADD ${fact.text}`
              return { ...MemoryOperation.decode(raw, snapshot, fact), raw }
            })
          })
      })
    })
    const reason = new Error("the user has left")
    const done: Array<string> = []
    const outcomes = new Set<string>()
    for (let ticks = 0; ticks < 60; ticks++) {
      const controller = new AbortController()
      const text = `fact ${ticks}`
      const turn = memory.remember({ speaker: "Ann", text }, controller).then(
        () => {
          done.push(`${text}a`, `${text}b`, `${text}c`)
          return "done"
        },
        (error: unknown) => error === reason ? "aborted" : `${error}`
      )
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve()
      controller.abort(reason)
      outcomes.add(await turn)
    }
    assert.deepStrictEqual([...outcomes].sort(), ["aborted", "done"])
    const kept = await memory.memories()
    await memory.close()

    const again = await createMemory({ store })
    assert.deepStrictEqual(await again.memories(), kept)
    for (const { id, text } of kept) {
      assert.match(text, /^fact \d+[abc]$/)
      assert.deepStrictEqual((await again.history(id)).map(({ text }) => text), [text])
      assert.deepStrictEqual((await again.recall(text, { limit: 1 })).map(({ id }) => id), [id])
    }
    assert.includeMembers(kept.map(({ text }) => text), done)
    // Some turns were aborted between two of their facts.
    assert.isAbove(kept.length, done.length)
    await again.remember({ speaker: "Ann", text: "the last one" })
    assert.lengthOf(await again.memories(), kept.length + 1)
    await again.close()
    rmSync(directory, { recursive: true })
  })

  it("names the file that it cannot open", async () => {
    const failed = await createMemory({ store: sqlite("/no/such/folder/memory.db") }).then(
      () => undefined,
      (error: unknown) => error
    )
    assert.match(String(failed), /\/no\/such\/folder\/memory\.db/)
  })
})
