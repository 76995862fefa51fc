import { assert, describe, it } from "@effect/vitest"
import { Memory } from "@memory-r1/core"
import { Schema } from "effect"

const buddy: Memory.Memory = {
  id: Memory.MemoryId.make("m1"),
  text: "I have a dog named Buddy",
  speaker: "Ann",
  sources: ["D1:3"],
  revision: 0
}

describe("Memory", () => {
  it("shows a memory with its time", () => {
    assert.strictEqual(Memory.line({ text: "Ann has a dog", observedAt: "8 May 2023" }), "8 May 2023: Ann has a dog")
    assert.strictEqual(Memory.line({ text: "Ann has a dog" }), "Ann has a dog")
  })

  it("shows a memory with its speaker, unless it names them itself", () => {
    assert.strictEqual(Memory.attributed(buddy), "Ann: I have a dog named Buddy")
    assert.strictEqual(Memory.attributed({ ...buddy, text: "Ann has a dog" }), "Ann has a dog")
    assert.strictEqual(Memory.attributed({ text: "I have a dog" }), "I have a dog")
    assert.strictEqual(Memory.attributed({ text: "I have a dog", speaker: "" }), "I have a dog")
  })

  it("is read from elsewhere whole, and only where everything is as it has to be", () => {
    const decode = Schema.decodeUnknownSync(Memory.Memory)
    const full = {
      ...buddy,
      observedAt: "8 May 2023",
      metadata: { deep: [1, { x: null }] },
      supersedes: "m0",
      expiresAt: 8e15,
      revision: 3
    }
    assert.deepStrictEqual<unknown>(decode(JSON.parse(JSON.stringify(full))), full)
    const wrong: ReadonlyArray<object> = [
      { text: "" },
      { id: "" },
      { id: 1 },
      { sources: "D1" },
      { sources: [1] },
      { revision: 0.5 },
      { expiresAt: Number.POSITIVE_INFINITY },
      { speaker: null },
      { metadata: [] },
      { observedAt: 2023 }
    ]
    for (const one of wrong) {
      assert.throws(() => decode({ ...buddy, ...one }), undefined, undefined, JSON.stringify(one))
    }
  })
})
