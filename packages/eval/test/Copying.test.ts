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
    const words = Array.from({ length: 40 }, (_, seed) => Copying.repeats(seed)).flat().flatMap(({ completions }) => completions[0]!.target.split(" "))
    assert.approximately(words.filter((one) => /^\p{Lu}/u.test(one)).length / words.length, 0.5, 0.03)
    assert.isAbove(new Set(words).size / words.length, 0.7)
  })
})

describe("Copying.lookUps", () => {
  it.prop("the first word of a line is answered with its number and the rest of it", { seed: seeds }, ({ seed }) => {
    const exercises = Copying.lookUps(seed)
    assert.strictEqual(exercises.length, 16)
    for (const { completions, prompt } of exercises) {
      const rows = prompt.trimEnd().split("\n").map((row) => row.split(" "))
      assert.isTrue(rows.length >= 2 && rows.length <= 9)
      assert.deepStrictEqual(rows.map(([handle]) => handle), rows.map((_, handle) => String(handle)))
      const words = rows.flatMap(([, ...words]) => words)
      assert.strictEqual(new Set(words).size, words.length)
      assert.strictEqual(completions.length, Math.min(4, rows.length))
      assert.strictEqual(new Set(completions.map(({ context }) => context)).size, completions.length)
      for (const { context, target } of completions) {
        const found = rows.filter(([, first]) => `${first}\n` === context)
        assert.deepStrictEqual(found.map(([handle, , ...rest]) => `${handle} = ${rest.join(" ")}`), [target])
      }
    }
  }, { arbitrary: { runs: 50, seed: 3 } })

  it.prop("repeats itself from a seed, and is another for another", { seed: seeds }, ({ seed }) => {
    assert.deepStrictEqual(Copying.lookUps(seed), Copying.lookUps(seed))
    assert.notDeepEqual(Copying.lookUps(seed), Copying.lookUps(seed + 1))
  }, { arbitrary: { runs: 20, seed: 4 } })
})
