import { assert, describe, it } from "@effect/vitest"
import { Effect, Random } from "effect"
import * as Statistics from "../../src/rl/Statistics.ts"

// Ten clusters that differ much from one another, and hardly within.
const clustered = Array.from({ length: 200 }, (_, i) => ({ cluster: `c${i % 10}`, value: i % 10 < 5 ? 1 : 0 }))
const alone = clustered.map(({ value }, i) => ({ cluster: `c${i}`, value }))

const width = ({ high, low }: Statistics.Interval) => high - low

describe("Statistics", () => {
  it.effect("draws whole clusters", () =>
    Effect.gen(function*() {
      const byCluster = yield* Statistics.bootstrap(clustered)
      const byItem = yield* Statistics.bootstrap(alone)
      assert.strictEqual(byCluster.resampledBy, "cluster")
      // The standard error of ten coin tosses is 0.158, that of two hundred 0.035.
      assert.isAbove(width(byCluster), 0.45)
      assert.isBelow(width(byCluster), 0.75)
      assert.isAbove(width(byItem), 0.1)
      assert.isBelow(width(byItem), 0.17)
      for (const { high, low } of [byCluster, byItem]) assert.isTrue(low <= 0.5 && 0.5 <= high)
    }).pipe(Random.withSeed(7)))

  it.effect("gives the same interval for the same seed, another for another", () =>
    Effect.gen(function*() {
      const draw = (seed: number) => Random.withSeed(Statistics.bootstrap(alone, { resamples: 50 }), seed)
      assert.deepStrictEqual(yield* draw(1), yield* draw(1))
      assert.notDeepEqual(yield* draw(1), yield* draw(2))
    }))

  it.effect("draws items where there is one cluster, and nothing of nothing", () =>
    Effect.gen(function*() {
      const one = yield* Statistics.bootstrap([1, 0, 1, 0].map((value) => ({ cluster: "only", value })))
      assert.strictEqual(one.resampledBy, "item")
      assert.isAbove(width(one), 0)
      assert.deepStrictEqual(yield* Statistics.bootstrap([]), { low: 0, high: 0, resampledBy: "item" })
    }))

  it.effect("is wider at a higher level", () =>
    Effect.gen(function*() {
      const narrow = yield* Statistics.bootstrap(alone, { level: 0.5 })
      const wide = yield* Statistics.bootstrap(alone, { level: 0.99 })
      assert.isBelow(width(narrow), width(wide))
    }).pipe(Random.withSeed(7)))

  it("takes the mean of nothing for 0", () => {
    assert.strictEqual(Statistics.mean([]), 0)
    assert.strictEqual(Statistics.mean([1, 2]), 1.5)
  })
})
