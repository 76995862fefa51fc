import { assert, describe, it } from "@effect/vitest"
import * as Copying from "../src/Copying.ts"
import { seeds } from "./support/worlds.ts"

const word = /^\p{L}{3,}$/u

describe("Copying.repeats", () => {
  it.prop("a line of three to ten different words, and the same line again", { seed: seeds }, ({ seed }) => {
    const exercises = Copying.repeats(seed)
    assert.strictEqual(exercises.length, 32)
    for (const { completions, prompt } of exercises) {
      assert.strictEqual(completions.length, 1)
      assert.isUndefined(completions[0]!.context)
      assert.strictEqual(prompt, `${completions[0]!.target}\n`)
      const words = completions[0]!.target.split(" ")
      assert.isTrue(words.length >= 3 && words.length <= 10)
      assert.strictEqual(new Set(words).size, words.length)
      for (const one of words) assert.match(one, word)
    }
  }, { arbitrary: { runs: 50, seed: 1 } })

  it.prop("repeats itself from a seed, and is another for another", { seed: seeds }, ({ seed }) => {
    assert.deepStrictEqual(Copying.repeats(seed), Copying.repeats(seed))
    assert.notDeepEqual(Copying.repeats(seed), Copying.repeats(seed + 1))
  }, { arbitrary: { runs: 20, seed: 2 } })

  it("has names of both cases, most of them seen once", () => {
    const words = Array.from({ length: 40 }, (_, seed) => Copying.repeats(seed)).flat().flatMap(({ completions }) =>
      completions[0]!.target.split(" ")
    )
    assert.approximately(words.filter((one) => /^\p{Lu}/u.test(one)).length / words.length, 0.5, 0.03)
    assert.isAbove(new Set(words).size / words.length, 0.7)
  })
})

describe("Copying.lookUps", () => {
  it.prop(
    "the two words of a line are answered with it and the rest of it, any others with none",
    { seed: seeds },
    ({ seed }) => {
      const exercises = Copying.lookUps(seed)
      assert.strictEqual(exercises.length, 8)
      for (const { completions, prompt } of exercises) {
        const rows = prompt.trimEnd().split("\n").map((row) => row.split(" "))
        assert.isTrue(rows.length >= 2 && rows.length <= 14)
        assert.strictEqual(new Set(rows.map(([first, second]) => `${first} ${second}`)).size, rows.length)
        const rests = rows.flatMap((row) => row.slice(2))
        assert.strictEqual(new Set(rests).size, rests.length)
        assert.isTrue(completions.length >= 4 && completions.length <= 8)
        for (const { context, target } of completions) {
          const asked = context!.trimEnd().split(" ").toSorted().join(" ")
          const found = rows.filter(([first, second]) => [first!, second!].toSorted().join(" ") === asked)
          assert.deepStrictEqual(
            found.length === 0 ? ["= none"] : found.map((row) => `${row.join(" ")}\n= ${row.slice(2).join(" ")}`),
            [target]
          )
        }
      }
    },
    { arbitrary: { runs: 50, seed: 3 } }
  )

  it("asks now and then for words that no line has together, in both orders", () => {
    const asked = Array.from({ length: 40 }, (_, seed) => Copying.lookUps(seed)).flat().flatMap((
      { completions, prompt }
    ) =>
      completions.map(({ context, target }) => ({
        target,
        inOrder: `\n${prompt}`.includes(`\n${context!.trimEnd()} `)
      }))
    )
    assert.approximately(asked.filter(({ target }) => target === "= none").length / asked.length, 0.35, 0.05)
    const told = asked.filter(({ target }) => target !== "= none")
    assert.approximately(told.filter(({ inOrder }) => inOrder).length / told.length, 0.5, 0.05)
  })

  it.prop("repeats itself from a seed, and is another for another", { seed: seeds }, ({ seed }) => {
    assert.deepStrictEqual(Copying.lookUps(seed), Copying.lookUps(seed))
    assert.notDeepEqual(Copying.lookUps(seed), Copying.lookUps(seed + 1))
  }, { arbitrary: { runs: 20, seed: 4 } })
})

describe("Copying.additions", () => {
  it.prop("a line is written anew with the value at its end, a new line is added, a known value changes nothing", {
    seed: seeds
  }, ({ seed }) => {
    const exercises = Copying.additions(seed)
    assert.strictEqual(exercises.length, 8)
    for (const { completions, prompt } of exercises) {
      const rows = prompt.trimEnd().split("\n")
      const heads = rows.map((row) => row.split(" ").slice(0, 2))
      for (const { context, target } of completions) {
        const said = context!.trimEnd().split(" ")
        assert.isTrue(said.length === 3 || said.length === 4)
        const handle = heads.findIndex((head) => head.every((word) => said.includes(word)))
        if (handle < 0) {
          const [sign, ...text] = target.split(" ")
          assert.strictEqual(sign, "ADD")
          assert.deepStrictEqual(text.toSorted(), said.toSorted())
          continue
        }
        const value = said.filter((one) => !heads[handle]!.includes(one)).join(" ")
        const values = rows[handle]!.split(" ").slice(2).join(" ").split(" and ")
        assert.strictEqual(
          target,
          values.includes(value)
            ? "NOOP"
            : `UPDATE ${rows[handle]}\n= ${heads[handle]!.join(" ")} ${
              [...values, value].slice(0, -1).join(", ")
            } and ${value}`
        )
      }
    }
  }, { arbitrary: { runs: 50, seed: 5 } })

  it("has values of one word and of two", () => {
    const said = Array.from({ length: 40 }, (_, seed) => Copying.additions(seed)).flat().flatMap(({ completions }) =>
      completions.map(({ context }) => context!)
    )
    assert.approximately(said.filter((text) => text.trimEnd().split(" ").length === 4).length / said.length, 0.3, 0.05)
  })

  it.prop("repeats itself from a seed, and is another for another", { seed: seeds }, ({ seed }) => {
    assert.deepStrictEqual(Copying.additions(seed), Copying.additions(seed))
    assert.notDeepEqual(Copying.additions(seed), Copying.additions(seed + 1))
  }, { arbitrary: { runs: 20, seed: 6 } })
})
