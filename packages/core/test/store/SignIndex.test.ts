import { assert, describe, it } from "@effect/vitest"
import { SignIndex } from "@memory-r1/core/store"
import { Effect, Random } from "effect"

const gaussian = Effect.gen(function*() {
  return Math.sqrt(-2 * Math.log(1 - (yield* Random.next))) * Math.cos(2 * Math.PI * (yield* Random.next))
})
const unit = (vector: ReadonlyArray<number>) => vector.map((component) => component / Math.hypot(...vector))
const dot = (a: ReadonlyArray<number>, b: ReadonlyArray<number>) =>
  a.reduce((sum, component, i) => sum + component * b[i]!, 0)

describe("SignIndex", () => {
  it("counts the components that differ in sign, for any number of components", () => {
    for (const dimensions of [1, 5, 31, 32, 33, 384]) {
      const index = SignIndex.make(dimensions)
      const plus = Array.from({ length: dimensions }, () => 1)
      index.set(7, SignIndex.signs(plus))
      index.set(8, SignIndex.signs(plus.map((one) => -one)))
      index.set(9, SignIndex.signs(plus.map((one, i) => i === 0 ? -one : one)))
      assert.deepStrictEqual(index.nearest(SignIndex.signs(plus), 1), [7])
      assert.sameMembers(
        [...index.nearest(SignIndex.signs(plus.map((one) => -one)), 1)],
        dimensions === 1 ? [8, 9] : [8]
      )
    }
  })

  it.effect("agrees with a list, whatever comes and goes", () =>
    Effect.gen(function*() {
      const index = SignIndex.make(40)
      const known = new Map<number, ReadonlyArray<number>>()
      for (let round = 0; round < 2000; round++) {
        const key = yield* Random.nextIntBetween(0, 59)
        if (yield* Random.nextBoolean) {
          const vector = yield* Effect.all(Array.from({ length: 40 }, () => gaussian))
          index.set(key, SignIndex.signs(vector))
          known.set(key, vector)
        } else {
          index.remove(key)
          known.delete(key)
        }
      }
      assert.strictEqual(index.size(), known.size)
      const query = yield* Effect.all(Array.from({ length: 40 }, () => gaussian))
      const distance = (vector: ReadonlyArray<number>) =>
        vector.filter((component, i) => component > 0 !== query[i]! > 0).length
      const expected = [...known].map(([key, vector]) => ({ key, distance: distance(vector) })).sort((a, b) =>
        a.distance - b.distance
      )
      const limit = expected[9]!.distance
      assert.sameMembers(
        [...index.nearest(SignIndex.signs(query), 10)],
        expected.filter(({ distance }) => distance <= limit).map(({ key }) => key)
      )
    }).pipe(Random.withSeed("comes and goes")))

  it.effect("finds what an exact search finds, also where few may be found at all", () =>
    Effect.gen(function*() {
      const [count, dimensions, centers] = [6000, 96, 200]
      const random = Effect.all(Array.from({ length: dimensions }, () => gaussian))
      const subjects = yield* Effect.all(Array.from({ length: centers }, () => random))
      const near = Effect.gen(function*() {
        const subject = subjects[yield* Random.nextIntBetween(0, centers - 1)]!
        const noise = yield* random
        return unit(subject.map((component, i) => component + 0.8 * noise[i]!))
      })
      const vectors = yield* Effect.all(Array.from({ length: count }, () => near))
      const index = SignIndex.make(dimensions)
      vectors.forEach((vector, key) => index.set(key, SignIndex.signs(vector)))
      for (const accepts of [() => true, (key: number) => key % 97 === 0]) {
        let [same, all] = [0, 0]
        for (let round = 0; round < 20; round++) {
          const query = yield* near
          const rescore = (keys: ReadonlyArray<number>) =>
            keys.flatMap((key) => accepts(key) ? [{ key, score: dot(query, vectors[key]!) }] : [])
          const exact = new Set(
            [...rescore([...vectors.keys()])].sort((a, b) => b.score - a.score).slice(0, 30).map(({ key }) => key)
          )
          const found = SignIndex.search(index, SignIndex.signs(query), 30, rescore)
          assert.lengthOf(found, 30)
          same += found.filter(({ key }) => exact.has(key)).length
          all += 30
        }
        assert.isAtLeast(same / all, 0.99)
      }
    }).pipe(Random.withSeed("near")), 20_000)
})
