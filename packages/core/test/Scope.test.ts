import { assert, describe, it } from "@effect/vitest"
import { Scope } from "@memory-r1/core"
import { Schema } from "effect"

const text = Schema.Literals([
  "",
  "a",
  "b",
  "&",
  "=",
  "%",
  "%26",
  "user=",
  "a&user=b",
  "\0",
  "\ud800",
  "\udc00",
  "\ufffd",
  "%ud800",
  "ä/b c",
  "🐶",
  "default"
])
const Parts = Schema.Struct({
  tenant: Schema.optionalKey(text),
  user: Schema.optionalKey(text),
  agent: Schema.optionalKey(text),
  session: Schema.optionalKey(text)
})

describe("Scope", () => {
  it("gives one key to one set of parts", () => {
    const parts = [
      {},
      { user: "a" },
      { agent: "a" },
      { user: "a", agent: "b" },
      { user: "a&agent=b" },
      { user: "" },
      { tenant: "user=a" },
      { session: "ä/b c" },
      { user: "default" }
    ]
    assert.strictEqual(new Set(parts.map(Scope.make)).size, parts.length)
    assert.strictEqual(Scope.make({ agent: "b", user: "a" }), Scope.make({ user: "a", agent: "b" }))
    assert.strictEqual(Scope.make({}), "default")
  })

  // A user's name with half of an emoji in it once ended in a URIError.
  it("takes any text, also what has no percent-encoding", () => {
    assert.strictEqual(Scope.make({ user: "a\ud83d" }), "user=a%ud83d")
    assert.strictEqual(Scope.make({ user: "🐶" }), `user=${encodeURIComponent("🐶")}`)
    assert.match(Scope.make({ tenant: "\0\ud800\n", user: "שלום" }), /^[\x21-\x7e]+$/)
  })

  it.prop("different parts never have the same key", { one: Parts, other: Parts }, ({ one, other }) => {
    const same = (["tenant", "user", "agent", "session"] as const).every((name) => one[name] === other[name])
    assert.strictEqual(Scope.make(one) === Scope.make(other), same)
  }, { arbitrary: { runs: 3000, seed: 31 } })

  it.prop("any text is a part", { user: Schema.String, tenant: Schema.String }, ({ tenant, user }) => {
    assert.notStrictEqual(Scope.make({ user }), Scope.make({ tenant: user }))
    assert.strictEqual(Scope.make({ user, tenant }) === Scope.make({ user: tenant, tenant: user }), user === tenant)
  }, { arbitrary: { runs: 500, seed: 32 } })

  it("is a text that is not empty, and of its own type", () => {
    const decode = Schema.decodeUnknownSync(Scope.Scope)
    assert.strictEqual(decode("user=ann"), Scope.make({ user: "ann" }))
    for (const wrong of ["", 1, null, { user: "ann" }]) assert.throws(() => decode(wrong))
  })
})
