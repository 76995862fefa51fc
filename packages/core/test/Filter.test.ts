import { assert, describe, it } from "@effect/vitest"
import { Filter } from "@memory-r1/core"
import { Schema } from "effect"

const { all, compare, equals, exists, matches, not, oneOf, some } = Filter

describe("Filter", () => {
  it("equality is of value and type; a missing key equals nothing", () => {
    const metadata = { n: 1, s: "1", t: true, z: null }
    const rows: ReadonlyArray<readonly [string, Filter.Value, boolean]> = [
      ["n", 1, true],
      ["n", "1", false],
      ["s", "1", true],
      ["s", 1, false],
      ["t", true, true],
      ["t", 1, false],
      ["z", null, true],
      ["missing", null, false],
      ["toString", "x", false],
      ["__proto__", null, false]
    ]
    for (const [key, value, expected] of rows) {
      assert.strictEqual(matches(equals(key, value), metadata), expected, `${key} ${value}`)
      assert.strictEqual(matches(oneOf(key, ["other", value]), metadata), expected, `${key} ${value}`)
      assert.strictEqual(matches(not(equals(key, value)), metadata), !expected, `${key} ${value}`)
    }
    assert.isFalse(matches(oneOf("n", []), metadata))
    assert.isTrue(matches(exists("z"), metadata))
    assert.isFalse(matches(exists("toString"), metadata))
  })

  it("compares numbers by size and texts by code points, and nothing with another type", () => {
    assert.isTrue(matches(compare("n", "<", 10), { n: 9 }))
    assert.isFalse(matches(compare("n", "<", "10"), { n: 9 }))
    assert.isFalse(matches(compare("n", ">=", 0), { n: "9" }))
    assert.isTrue(matches(compare("s", "<", "9"), { s: "10" }))
    assert.isTrue(matches(compare("s", ">=", "é"), { s: "é" }))
    // UTF-16 would have it the other way round.
    assert.isTrue(matches(compare("s", ">", "\uffff"), { s: "🐶" }))
    assert.isFalse(matches(compare("s", "<=", "x"), {}))
  })

  it("of no filters, all hold and some does not", () => {
    assert.isTrue(matches(all(), {}))
    assert.isFalse(matches(some(), {}))
    assert.isTrue(matches(all(exists("a"), not(some(exists("b"), exists("c")))), { a: [] }))
    assert.isFalse(matches(all(exists("a"), not(some(exists("b"), exists("c")))), { a: 1, c: 1 }))
  })

  it("is read from elsewhere only in its own form", () => {
    const decode = Schema.decodeUnknownSync(Filter.Filter)
    const filter = all(not(oneOf("a", [1, "x", null, false])), compare("b", ">=", 2), exists("c"))
    assert.deepStrictEqual(decode(JSON.parse(JSON.stringify(filter))), filter)
    const wrong: ReadonlyArray<unknown> = [
      null,
      "1=1",
      { _tag: "Raw", sql: "1=1" },
      { _tag: "Equals", key: "a" },
      { _tag: "Equals", key: "a", value: { $gt: "" } },
      { _tag: "Compare", key: "a", operator: "= 1 OR 1", value: 1 },
      { _tag: "Not", filter: { _tag: "All" } }
    ]
    for (const one of wrong) assert.throws(() => decode(one), undefined, undefined, JSON.stringify(one))
  })
})
