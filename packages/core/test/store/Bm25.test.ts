import { assert, describe, it } from "@effect/vitest"
import { Bm25 } from "@memory-r1/core/store"

const close = (actual: number, expected: number) =>
  assert.isTrue(Math.abs(actual - expected) < 1e-12, `${actual} is not ${expected}`)

describe("Bm25.tokens", () => {
  it("folds plurals and verbal endings to one key", () => {
    for (
      const [one, other] of [
        ["dogs", "dog"],
        ["cities", "city"],
        ["movies", "movie"],
        ["hobbies", "hobby"],
        ["flies", "fly"],
        ["playing", "plays"],
        ["adopted", "adopting"],
        ["studied", "studying"],
        ["dances", "dancing"],
        ["boxes", "box"]
      ] as const
    ) assert.deepStrictEqual(Bm25.tokens(one), Bm25.tokens(other), `${one}, ${other}`)
  })

  it("keeps apart what is not the same", () => {
    for (
      const [one, other] of [["bus", "bu"], ["class", "clas"], ["this", "thi"], ["king", "k"], ["red", "r"], [
        "day",
        "dai"
      ]] as const
    ) {
      assert.notDeepEqual(Bm25.tokens(one), Bm25.tokens(other), `${one}, ${other}`)
    }
  })

  it("reads words of any script, and drops the rest", () => {
    assert.deepStrictEqual(Bm25.tokens("Ölaf's 3 кошка — 猫!"), ["ölaf", "s", "3", "кошка", "猫"])
    assert.deepStrictEqual(Bm25.tokens("?! 🐶"), [])
  })
})

describe("Bm25.make", () => {
  // Three documents of 2, 3 and 1 words, mean 2. With N = 3 and df = 2: idf = ln(1 + (3 - 2 + 0.5) / (2 + 0.5)) =
  // ln(1.6).
  const documents = ["cat bird", "cat cat fish", "bird"]

  it("gives the score of the formula", () => {
    const index = Bm25.make(documents, { k1: 1.2, b: 0.75 })
    const scores = index.scores("cat")
    const idf = Math.log(1.6)
    // Length 2 is the mean, so the denominator is 1 + 1.2.
    close(scores[0]!, idf * 1 * 2.2 / (1 + 1.2))
    // Length 3: 2 + 1.2 (0.25 + 0.75 * 3 / 2).
    close(scores[1]!, idf * 2 * 2.2 / (2 + 1.2 * 1.375))
    assert.strictEqual(scores[2], 0)
    assert.strictEqual(index.size, 3)
  })

  it("adds up over the query's words, each once", () => {
    const index = Bm25.make(documents)
    const [cat, fish] = [index.scores("cat"), index.scores("fish")]
    index.scores("cats fish CAT").forEach((score, i) => close(score, cat[i]! + fish[i]!))
  })

  it("ignores length with b 0, and repetition with k1 0", () => {
    const flat = Bm25.make(documents, { k1: 1.2, b: 0 }).scores("cat")
    close(flat[1]! / flat[0]!, (2 * 2.2 / 3.2) / (2.2 / 2.2))
    const binary = Bm25.make(documents, { k1: 0, b: 0.75 }).scores("cat")
    close(binary[1]!, binary[0]!)
  })

  it("weighs rare words more", () => {
    const scores = Bm25.make(["cat fish", "cat bird", "cat worm"]).scores("cat fish")
    assert.isAbove(scores[0]!, 2 * scores[1]!)
  })

  it("is 0 for queries without words, and empty without documents", () => {
    assert.deepStrictEqual(Array.from(Bm25.make(documents).scores("?!")), [0, 0, 0])
    assert.deepStrictEqual(Array.from(Bm25.make(["", "cat"]).scores("cat"), (score) => score > 0), [false, true])
    assert.strictEqual(Bm25.make([]).scores("cat").length, 0)
  })

  // "who", "is" and "the" are rare in statements, and once outranked the word that the question is about.
  it("looks for grammar only where a query has nothing else", () => {
    const index = Bm25.make(["The one who is tall", "Ann has a dog"])
    assert.deepStrictEqual(Array.from(index.scores("who is the owner of the dog"), (score) => score > 0), [false, true])
    assert.deepStrictEqual(Array.from(index.scores("who is"), (score) => score > 0), [true, false])
  })
})
