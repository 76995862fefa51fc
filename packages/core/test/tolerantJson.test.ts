import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as TolerantJson from "../src/internal/tolerantJson.ts"

const value = (text: string) => TolerantJson.parse(text, 0).value

const error = (text: string) => TolerantJson.parse(text, 0).error

const plain = (json: unknown): unknown => JSON.parse(JSON.stringify(json) ?? "null")

describe("tolerantJson", () => {
  it("reads JSON", () => {
    for (
      const text of [
        `{"a": [1, -2.5, 3e2, -0.1E-3], "b": {"c": null, "d": true, "e": false}, "": "x"}`,
        `"\\u00e9 \\" \\\\ \\n \\/"`,
        "[]",
        "{}",
        " [ [ ] , { } ] ",
        "0"
      ]
    ) {
      assert.deepStrictEqual(plain(value(text)), JSON.parse(text))
      assert.isUndefined(error(text))
    }
  })

  it.prop("reads what JSON.stringify writes", { json: Schema.Json }, ({ json }) => {
    const text = JSON.stringify(json)
    const parsed = TolerantJson.parse(text, 0)
    assert.isUndefined(parsed.error)
    assert.strictEqual(parsed.end, text.length)
    assert.strictEqual(JSON.stringify(parsed.value), text)
  }, { arbitrary: { runs: 500, seed: 31 } })

  it.prop("never throws, ends within the text, and says why it stopped", {
    json: Schema.Json,
    at: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 999 })),
    junk: Schema.String
  }, ({ at, json, junk }) => {
    const whole = JSON.stringify([json, json])
    const cut = Math.floor(at * whole.length / 1000)
    for (
      const text of [
        whole.slice(0, cut),
        whole.slice(0, cut) + junk,
        whole.slice(0, cut) + junk + whole.slice(cut),
        junk
      ]
    ) {
      const parsed = TolerantJson.parse(text, 0)
      assert.isAtMost(parsed.end, text.length)
      if (parsed.error !== undefined) assert.isTrue(parsed.error.position >= 0 && parsed.error.position <= text.length)
      for (const object of parsed.incomplete) assert.isTrue(parsed.positions.has(object))
      if (parsed.incomplete.size > 0) assert.isDefined(parsed.error)
    }
    // A list without its end is never complete.
    assert.isDefined(TolerantJson.parse(whole.slice(0, cut), 0).error)
  }, { arbitrary: { runs: 1000, seed: 32 } })

  it("allows trailing commas and raw control characters in strings", () => {
    assert.deepStrictEqual(plain(value(`{"a": [1, 2,], "b": 3,}`)), { a: [1, 2], b: 3 })
    assert.strictEqual(value("\"one\ntwo\tthree\u0000\""), "one two three ")
  })

  it("allows what models write: comments, single and curly quotes, Python's literals", () => {
    for (
      const [text, expected] of [
        ["{ // one\n \"a\": 1, /* two\n three */ \"b\": [/**/] } ", { a: 1, b: [] }],
        ["{'a': 'it\\'s', 'b': 'it's \"so\"'}", { a: "it's", b: "it's \"so\"" }],
        ["{\"a\": \"it\\'s\"}", { a: "it's" }],
        ["{\u201ca\u201d: \u201cb \"c\"\u201d}", { a: "b \"c\"" }],
        ["[True, False, None, true]", [true, false, null, true]],
        ["{\"a\": \"// no comment /* nor this */ 'x'\"}", { a: "// no comment /* nor this */ 'x'" }]
      ] as const
    ) {
      assert.deepStrictEqual(plain(value(text)), expected as unknown, text)
      assert.isUndefined(error(text), text)
    }
    // No words are values, and a comment that never ends is none.
    for (const text of ["[Truely]", "[Nonesuch]", "{ /* \"a\": 1}", "['a]"]) assert.isDefined(error(text), text)
  })

  it("starts where it is told to, and tells where it ends", () => {
    const text = "see {\"a\": [1]} for more"
    const { end, error, positions, value } = TolerantJson.parse(text, 4)
    assert.isUndefined(error)
    assert.strictEqual(text.slice(end), " for more")
    assert.deepStrictEqual([...positions.values()], [4, 10])
    assert.deepStrictEqual(plain(value), { a: [1] })
  })

  it("keeps what was complete when the text stops, and marks what was not", () => {
    const { error, incomplete, positions, value } = TolerantJson.parse(`[{"a": 1}, {"b": [2`, 0)
    assert.deepStrictEqual(plain(value), [{ a: 1 }, { b: [2] }])
    assert.deepStrictEqual(error, { position: 19, reason: "the text ends inside a list" })
    assert.deepStrictEqual([...positions].map(([object, at]) => [at, incomplete.has(object)]), [[0, true], [1, false], [
      11,
      true
    ], [17, true]])
  })

  it("says what was wrong, and where", () => {
    for (
      const [text, position, reason] of [
        ["", 0, "the text ends where a value was expected"],
        ["x", 0, "a value was expected"],
        ["{a 1}", 1, "a key or } was expected"],
        [`{"a" 1}`, 5, "a : was expected"],
        [`{"a": 1 "b": 2}`, 8, "a , or } was expected"],
        ["[1 2]", 3, "a , or ] was expected"],
        [`{"a"`, 4, "the text ends inside an object"],
        [`["abc`, 5, "the text ends inside a string"],
        [`["\\x"]`, 1, "a string with a broken escape"],
        [`["abc\\`, 6, "the text ends inside a string"]
      ] as const
    ) assert.deepStrictEqual(error(text), { position, reason }, text)
  })

  // What follows a broken string is read on from its end: its inside is text, whatever it looks like.
  it("ends behind a string with a broken escape", () => {
    assert.strictEqual(TolerantJson.parse(`["\\x [1]", 2]`, 0).end, 9)
  })

  it("gives up on depth rather than on the stack", () => {
    assert.strictEqual(error("[".repeat(100_000))?.reason, "nested too deeply")
    assert.isUndefined(error("[".repeat(60) + "]".repeat(60)))
  })

  it("reads keys without quotes, and no prose in braces", () => {
    assert.deepStrictEqual(plain(value(`{memory: [{id: 0, event: "DELETE", old_memory: null}], größe1 : 2}`)), {
      memory: [{ id: 0, event: "DELETE", old_memory: null }],
      größe1: 2
    })
    for (const prose of ["{the turn}", "{see above: it}", "{1: 2}"]) assert.isDefined(error(prose), prose)
  })

  it("takes the last of two equal keys, and keys of prototypes for keys", () => {
    assert.deepStrictEqual(plain(value(`{"a": 1, "a": 2}`)), { a: 2 })
    const odd = value(`{"__proto__": {"polluted": true}, "constructor": 1}`)
    assert.deepStrictEqual(Object.keys(odd as object), ["__proto__", "constructor"])
    assert.strictEqual(Object.getPrototypeOf(odd), Object.prototype)
    assert.isFalse("polluted" in {})
  })
})
