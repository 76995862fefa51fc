import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Prefixes from "../../src/model/prefixes.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

// Few tokens, so that prompts begin alike often; a trunk that some of them have.
const prompts = Schema.Array(Schema.Struct({
  trunk: between(0, 6),
  rest: Schema.Array(between(0, 1)).check(Schema.isMinLength(1), Schema.isMaxLength(6))
}))
const trunk = [1, 0, 1, 1, 0, 0]

describe("Prefixes.group", () => {
  it.prop("each prompt once, with what it shares", { prompts, minimum: between(1, 4), largest: between(1, 4) }, ({
    largest,
    minimum,
    prompts: given
  }) => {
    const all = given.map(({ rest, trunk: length }) => [...trunk.slice(0, length), ...rest])
    const groups = Prefixes.group(all, { minimum, largest })
    assert.deepStrictEqual(groups.flatMap(({ members }) => members).sort((a, b) => a - b), [...all.keys()])
    for (const { members, shared } of groups) {
      assert.isAtMost(members.length, largest)
      if (members.length > 1) assert.isAtLeast(shared, minimum)
      for (const member of members) {
        assert.isBelow(shared, all[member]!.length, "the last token is the first input of generation")
        assert.deepStrictEqual(all[member]!.slice(0, shared), all[members[0]!]!.slice(0, shared))
        if (members.length > 1) assert.isAtLeast(shared * 2, all[member]!.length)
      }
    }
  }, { arbitrary: { runs: 500, seed: 1 } })

  it("finds what begins alike, whatever the order", () => {
    const long = Array.from({ length: 20 }, (_, i) => i)
    const all = [[...long, 7], [99, 98], [...long, 8, 9], long, [...long, 7]]
    const groups = Prefixes.group(all, { minimum: 16, largest: 12 })
    const sorted = groups.map(({ members, shared }) => ({ members: [...members].sort(), shared }))
    assert.deepStrictEqual(sorted, [{ members: [0, 2, 3, 4], shared: 19 }, { members: [1], shared: 1 }])
  })
})
