import { assert, describe, it } from "@effect/vitest"
import { Reward } from "@memory-r1/core"

const outcome = (prediction: string, gold: string, list?: boolean): Reward.AnswerOutcome => ({
  prediction,
  gold,
  ...(list === undefined ? {} : { list })
})

const half = outcome("Buddy and Scout", "Scout")

const constant = (name: string, value: number) => Reward.make<unknown>(name, () => value)

describe("Reward", () => {
  it("exactMatch is 1 for the gold answer, and for a list in any order where order does not matter", () => {
    assert.deepStrictEqual(Reward.exactMatch(outcome("the Scout!", "Scout")), { value: 1, parts: { exactMatch: 1 } })
    assert.strictEqual(Reward.exactMatch(half).value, 0)
    assert.strictEqual(Reward.exactMatch(outcome("Scout and Buddy", "Buddy and Scout")).value, 0)
    assert.strictEqual(Reward.exactMatch(outcome("Scout and Buddy", "Buddy and Scout", true)).value, 1)
  })

  it("setF1 is the F1 of the paper's scorer", () => {
    assert.deepStrictEqual(Reward.setF1(half), { value: 0.5, parts: { setF1: 0.5 } })
  })

  it("weightedSum adds up, and keeps the parts as they were", () => {
    const reward = Reward.weightedSum([[constant("a", 2), 3], [constant("b", 0.5), -1]])
    assert.deepStrictEqual(reward(null), { value: 5.5, parts: { a: 2, b: 0.5 } })
    assert.deepStrictEqual(Reward.weightedSum([])(null), { value: 0, parts: {} })
  })

  it("product multiplies", () => {
    assert.deepStrictEqual(Reward.product([constant("judge", 0.5), constant("f1", 0.5)])(null), { value: 0.25, parts: { judge: 0.5, f1: 0.5 } })
    assert.strictEqual(Reward.product([constant("judge", 0), constant("f1", 0.5)])(null).value, 0)
  })

  it("cap bounds from above only, and shows what was capped", () => {
    assert.deepStrictEqual(Reward.cap(constant("format", 5), 0.2)(null), { value: 0.2, parts: { format: 5 } })
    assert.strictEqual(Reward.cap(constant("format", -5), 0.2)(null).value, -5)
  })

  it("firstNonZero stops at the first reward that says something", () => {
    let asked = 0
    const last = Reward.make<unknown>("last", () => {
      asked++
      return 1
    })
    assert.deepStrictEqual(Reward.firstNonZero([constant("a", 0), constant("b", -1), last])(null), { value: -1, parts: { a: 0, b: -1 } })
    assert.strictEqual(asked, 0)
    assert.deepStrictEqual(Reward.firstNonZero([constant("a", 0)])(null), { value: 0, parts: { a: 0 } })
    assert.strictEqual(Reward.firstNonZero([Reward.exactMatch, Reward.setF1])(half).value, 0.5)
  })

  it("contramap reads another outcome", () => {
    const reward = Reward.contramap(Reward.exactMatch, (text: string) => outcome(text, "Scout"))
    assert.deepStrictEqual([reward("Scout").value, reward("Buddy").value], [1, 0])
  })
})
