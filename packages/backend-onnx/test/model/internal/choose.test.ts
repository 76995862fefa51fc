import { assert, describe, it } from "@effect/vitest"
import * as Choose from "../../../src/model/internal/choose.ts"
import * as Random from "../../../src/model/random.ts"
import * as Statistics from "../../support/statistics.ts"

const none = { topK: undefined, topP: undefined }
// Two equal tokens, one that cannot be, and what stands before and behind the row.
const row = [0.3, 0.05, 0, 0.3, 0.2, 0.1, 0.05]
const probabilities = Float32Array.from([0.9, 0.1, ...row, 0.9])
const draws = 20_000

const frequencies = (filter: Choose.Filter): ReadonlyArray<number> => {
  const counts = row.map(() => 0)
  const key = Random.stream(5)
  for (let i = 0; i < draws; i++) counts[Choose.sample(probabilities, 2, row.length, Random.uniform(key, i), filter)]!++
  return counts
}

const kept = (...tokens: ReadonlyArray<number>): ReadonlyArray<number> => {
  const total = tokens.reduce((sum, token) => sum + row[token]!, 0)
  return row.map((p, token) => tokens.includes(token) ? p / total : 0)
}

describe("Choose", () => {
  it("greedy takes the likeliest token, the first of equals", () => {
    assert.strictEqual(Choose.greedy(probabilities, 2, row.length), 0)
    assert.strictEqual(Choose.greedy(probabilities, 3, row.length - 1), 2)
    assert.strictEqual(Choose.greedy(Float32Array.of(0.1, 0.2, 0.7), 0, 3), 2)
  })

  const filters: ReadonlyArray<readonly [title: string, filter: Choose.Filter, expected: ReadonlyArray<number>]> = [
    ["all tokens", none, kept(0, 1, 3, 4, 5, 6)],
    ["topK 3", { ...none, topK: 3 }, kept(0, 3, 4)],
    ["topK 1, of equals the first", { ...none, topK: 1 }, kept(0)],
    ["topK above the vocabulary", { ...none, topK: 100 }, kept(0, 1, 3, 4, 5, 6)],
    ["topP 0.55", { ...none, topP: 0.55 }, kept(0, 3)],
    ["topP 0.65", { ...none, topP: 0.65 }, kept(0, 3, 4)],
    ["topP near 0", { ...none, topP: 1e-9 }, kept(0)],
    ["topP 1", { ...none, topP: 1 }, kept(0, 1, 3, 4, 5, 6)],
    ["topK, the narrower of both", { topK: 2, topP: 0.9 }, kept(0, 3)],
    ["topP, the narrower of both", { topK: 5, topP: 0.65 }, kept(0, 3, 4)],
    ["minP 0.5", { ...none, minP: 0.5 }, kept(0, 3, 4)],
    ["minP 1", { ...none, minP: 1 }, kept(0, 3)],
    ["minP 0", { ...none, minP: 0 }, kept(0, 1, 3, 4, 5, 6)],
    ["minP, the narrower of all", { topK: 5, topP: 0.99, minP: 0.5 }, kept(0, 3, 4)]
  ]
  for (const [title, filter, expected] of filters) {
    it(`draws as likely as they are: ${title}`, () => Statistics.assertFrequencies(frequencies(filter), expected))
  }

  it("draws from a large vocabulary as from one that is sorted", () => {
    const size = 5000
    const key = Random.stream(9)
    const logits = Float32Array.from({ length: size }, (_, i) => Math.exp(2 * Random.normal(key, i)))
    const total = logits.reduce((sum, x) => sum + x, 0)
    const large = logits.map((x) => x / total)
    const sorted = Array.from(large.keys()).sort((a, b) => large[b]! - large[a]! || a - b)
    for (
      const filter of [{ topK: 40, topP: 0.9 }, { topK: 3000, topP: undefined }, { topK: undefined, topP: 0.5 }, {
        topK: undefined,
        topP: 0.9999
      }, { topK: 4000, topP: 0.99, minP: 0.01 }]
    ) {
      const { minP = 0, topK = size, topP = 1 } = filter as Choose.Filter & { readonly minP?: number | undefined }
      let mass = 0
      const allowed = sorted.slice(0, topK).filter((token, i) => {
        const isIn = (i === 0 || mass < topP) && large[token]! >= minP * large[sorted[0]!]!
        mass += large[token]!
        return isIn
      })
      const sum = allowed.reduce((sum, token) => sum + large[token]!, 0)
      for (let i = 0; i < 50; i++) {
        const u = Random.uniform(Random.stream(11), i)
        let left = u * sum
        const expected = allowed.find((token) => (left -= large[token]!) < 0)
        assert.strictEqual(Choose.sample(large, 0, size, u, filter), expected, `${JSON.stringify(filter)} at ${u}`)
      }
    }
  })

  it("gives a possible token for any draw", () => {
    for (const u of [0, 1e-12, 0.5, 1 - 2 ** -32, 1 - 2 ** -53]) {
      for (const filter of [none, { ...none, topK: 6 }, { ...none, topP: 0.9999 }]) {
        const token = Choose.sample(probabilities, 2, row.length, u, filter)
        assert.isAbove(row[token]!, 0, `token ${token} at ${u}`)
      }
    }
    // A set that has just the probability of topP needs no further token.
    const halves = Float32Array.of(0.25, 0.5, 0.25)
    assert.strictEqual(Choose.sample(halves, 0, 3, 0.99, { ...none, topP: 0.5 }), 1)
    // Probabilities that sum to a little less than 1, as those of a softmax may.
    assert.strictEqual(Choose.sample(Float32Array.of(0.4, 0.5, 0), 0, 3, 0.99, none), 1)
  })
})

describe("Random", () => {
  it("first draws are uniform over streams, seeds and steps", () => {
    const ways: ReadonlyArray<(i: number) => number> = [
      (i) => Random.uniform(Random.stream(1, 0, i), 0),
      (i) => Random.uniform(Random.stream(1, i, 0), 0),
      (i) => Random.uniform(Random.stream(i), 0),
      (i) => Random.uniform(Random.stream(-i, 3), 5),
      (i) => Random.uniform(Random.stream(1, 2, 3), i),
      (i) => Random.uniform(Random.stream(2 ** 40 + i, i % 7, i % 3), i % 11)
    ]
    for (const way of ways) {
      const counts = new Array<number>(50).fill(0)
      for (let i = 0; i < draws; i++) {
        const u = way(i)
        assert.isTrue(u >= 0 && u < 1)
        counts[Math.floor(u * 50)]!++
      }
      Statistics.assertFrequencies(counts, counts.map(() => 1 / 50))
    }
  })

  it("neighbouring streams and steps have nothing to do with each other", () => {
    const pairs: ReadonlyArray<(i: number) => readonly [number, number]> = [
      (i) => [Random.uniform(Random.stream(7, i), 0), Random.uniform(Random.stream(7, i + 1), 0)],
      (i) => [Random.uniform(Random.stream(7, i), 0), Random.uniform(Random.stream(7, i), 1)],
      (i) => [Random.uniform(Random.stream(i, 0), 0), Random.uniform(Random.stream(i + 1, 0), 0)],
      (i) => [Random.uniform(Random.stream(i, 0, 1), 0), Random.uniform(Random.stream(i, 1, 0), 0)]
    ]
    for (const pair of pairs) {
      const counts = new Array<number>(64).fill(0)
      for (let i = 0; i < draws; i++) {
        const [u, v] = pair(i)
        counts[Math.floor(u * 8) * 8 + Math.floor(v * 8)]!++
      }
      Statistics.assertFrequencies(counts, counts.map(() => 1 / 64))
    }
  })

  it("normal draws have mean 0, deviation 1, and the tails of a bell", () => {
    const key = Random.stream(9)
    const values = Array.from({ length: draws }, (_, i) => Random.normal(key, i))
    const mean = values.reduce((sum, x) => sum + x, 0) / draws
    assert.closeTo(mean, 0, 0.03)
    assert.closeTo(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / draws, 1, 0.05)
    const beyond = (limit: number) => values.filter((x) => Math.abs(x) > limit).length / draws
    assert.closeTo(beyond(1), 0.3173, 0.02)
    assert.closeTo(beyond(2), 0.0455, 0.008)
  })
})
