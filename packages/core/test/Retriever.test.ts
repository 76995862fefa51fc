import { assert, describe, it } from "@effect/vitest"
import { Bm25, MemoryBank, Retriever } from "@memory-r1/core"
import { Effect } from "effect"

const add = (speaker: string, text: string) => MemoryBank.Edit.Add({ memory: { text, speaker } })

const bank = MemoryBank.applyAll(MemoryBank.empty, [
  add("Ann", "Ann has a dog named Buddy"),
  add("Ann", "Ann lives in Oslo"),
  add("Ben", "Ben has a dog named Rex"),
  add("Ann", "Ann plays chess"),
  add("Ann", "Ann plays chess")
])
const texts = (found: ReadonlyArray<Retriever.Scored>) => found.map(({ memory }) => memory.text)

describe("Retriever.bm25", () => {
  it("ranks by the score of the index, best first", () => {
    const found = Retriever.bm25(bank, { text: "Where does Ann live?", limit: 5 })
    const index = Bm25.make(MemoryBank.memories(bank).map(({ text }) => text))
    assert.strictEqual(found[0]?.memory.text, "Ann lives in Oslo")
    assert.deepStrictEqual(found.map(({ score }) => score), Array.from(index.scores("Where does Ann live?")).sort((a, b) => b - a))
  })

  it("gives the newer of two equals first", () => {
    const [first, second] = Retriever.bm25(bank, { text: "chess", limit: 2 })
    assert.deepStrictEqual([first?.memory.id, second?.memory.id].map(String), ["m5", "m4"])
    assert.strictEqual(first?.score, second?.score)
  })

  it("keeps to the limit and to the speaker", () => {
    assert.lengthOf(Retriever.bm25(bank, { text: "dog", limit: 2 }), 2)
    assert.deepStrictEqual(texts(Retriever.bm25(bank, { text: "dog", limit: 9, speaker: "Ben" })), ["Ben has a dog named Rex"])
    assert.deepStrictEqual(Retriever.bm25(bank, { text: "dog", limit: 9, speaker: "Cleo" }), [])
    assert.deepStrictEqual(Retriever.bm25(bank, { text: "dog", limit: 0 }), [])
  })

  it("weighs words within the speaker's memories only", () => {
    const [ann] = Retriever.bm25(bank, { text: "dog", limit: 1, speaker: "Ann" })
    const alone = Bm25.make(MemoryBank.memories(bank).filter(({ speaker }) => speaker === "Ann").map(({ text }) => text))
    assert.strictEqual(ann?.score, alone.scores("dog")[0])
  })

  it("gives a bank that is no larger than the limit whole, also what shares no word", () => {
    assert.lengthOf(Retriever.bm25(bank, { text: "xyzzy", limit: 5 }), 5)
    assert.deepStrictEqual(Retriever.bm25(MemoryBank.empty, { text: "dog", limit: 5 }), [])
  })

  it("sees the bank it is given, not an earlier one", () => {
    const after = MemoryBank.applyAll(bank, [MemoryBank.Edit.Delete({ id: MemoryBank.memories(bank)[1]!.id }), add("Ann", "Ann lives in Bergen")])
    assert.strictEqual(texts(Retriever.bm25(after, { text: "lives", limit: 1 }))[0], "Ann lives in Bergen")
    assert.strictEqual(texts(Retriever.bm25(bank, { text: "lives", limit: 1 }))[0], "Ann lives in Oslo")
  })

  it.effect("is the service without a model", () =>
    Effect.gen(function*() {
      const query = { text: "dog", limit: 3 }
      assert.deepStrictEqual(yield* (yield* Retriever.Retriever).retrieve(bank, query), Retriever.bm25(bank, query))
    }).pipe(Effect.provide(Retriever.layerBm25)))
})
