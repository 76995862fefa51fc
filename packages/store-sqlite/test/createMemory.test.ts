import { assert, describe, it } from "@effect/vitest"
import { createMemory } from "@memory-r1/core"
import { sqlite } from "@memory-r1/store-sqlite"
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

  it("names the file that it cannot open", async () => {
    const failed = await createMemory({ store: sqlite("/no/such/folder/memory.db") }).then(
      () => undefined,
      (error: unknown) => error
    )
    assert.match(String(failed), /\/no\/such\/folder\/memory\.db/)
  })
})
