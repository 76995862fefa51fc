import { assert, describe, it } from "@effect/vitest"
import { Schedule } from "@memory-r1/trainer"

const at = (schedule: Schedule.Schedule, steps: number): ReadonlyArray<number> =>
  Array.from({ length: steps }, (_, step) => Schedule.at(schedule, step, steps))

describe("Schedule", () => {
  it("rises over the warm-up, stays, and falls to the floor", () => {
    const rates = at({ peak: 1, warmup: 4, decayFrom: 0.5, floor: 0.1 }, 100)
    assert.deepStrictEqual(rates.slice(0, 5), [0.25, 0.5, 0.75, 1, 1])
    assert.isTrue(rates.slice(4, 51).every((rate) => rate === 1))
    for (let step = 51; step < 100; step++) assert.isBelow(rates[step]!, rates[step - 1]!)
    assert.closeTo(rates[99]!, 0.1, 0.02)
  })

  it("is constant without warm-up and decay", () => {
    assert.deepStrictEqual(at({ peak: 3e-4, warmup: 0, decayFrom: 1, floor: 0 }, 3), [3e-4, 3e-4, 3e-4])
  })

  it("is never negative, whatever the shares", () => {
    for (const decayFrom of [0, 0.3, 1]) {
      for (const steps of [1, 2, 7]) {
        for (const rate of at({ peak: 1, warmup: 3, decayFrom, floor: 0 }, steps)) assert.isAtLeast(rate, 0)
      }
    }
  })
})
