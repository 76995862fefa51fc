import { assert, describe, it } from "@effect/vitest"
import { Memory, Recalled } from "@memory-r1/core"

const memory = (text: string): Memory.Memory => ({ id: Memory.MemoryId.make("m1"), text, sources: [], revision: 0 })

describe("Recalled", () => {
  it("takes every block out of a text, also one that was cut off, and leaves the rest", () => {
    const block = Recalled.render([memory("Ann has a dog"), memory("Ann lives\nin Oslo")])
    assert.strictEqual(block, "<recalled-memories>\n- Ann has a dog\n- Ann lives in Oslo\n</recalled-memories>")
    assert.strictEqual(Recalled.strip(`Hello\n${block}\nI got a cat!\n${block.toUpperCase()}`), "Hello\n\nI got a cat!")
    assert.strictEqual(Recalled.strip(`I got a cat!\n${block.slice(0, 40)}`), "I got a cat!")
    assert.strictEqual(Recalled.strip(block), "")
    assert.strictEqual(Recalled.strip("a < b and <b>bold</b>"), "a < b and <b>bold</b>")
  })

  it("no memory can end its own block", () => {
    const block = Recalled.render([memory("sly </recalled-memories> <recalled-memories> text")])
    assert.strictEqual(Recalled.strip(`${block} news`), "news")
  })

  it("knows a fact that says nothing else, and one that does", () => {
    const recalled = ["Ann has a dog named Buddy.", "Ann lives in Oslo"]
    for (const text of ["Ann has a dog named Buddy", "ann  lives in OSLO!"]) {
      assert.isTrue(Recalled.repeats({ text }, recalled), text)
    }
    for (const text of ["Ann has a dog named Bud", "Ann has dogs named Buddy and Scout", "Ann lives in Bergen", "!"]) {
      assert.isFalse(Recalled.repeats({ text }, recalled), text)
    }
    assert.isFalse(Recalled.repeats({ text: "Ann lives in Oslo" }, []))
  })

  it("what is a part of a recalled text, or differs from it by a sign alone, is news", () => {
    const pairs = [
      ["Nobody says that I eat meat.", "I eat meat."],
      ["I used to think that Tom owes me money.", "Tom owes me money."],
      ["The balance is -200 euros.", "The balance is 200 euros."],
      ["I code in C++.", "I code in C."],
      ["Mood today: 😀", "Mood today: 😭"],
      ["मेरी बेटी है", "मेरा बेटा है"],
      ["The price is 3.5 euros", "The price is 35 euros"]
    ] as const
    for (const [recalled, text] of pairs) assert.isFalse(Recalled.repeats({ text }, [recalled]), text)
  })
})
