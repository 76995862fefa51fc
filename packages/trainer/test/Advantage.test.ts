import { assert, describe, it } from "@effect/vitest"
import { Advantage } from "@memory-r1/trainer"
import { Schema } from "effect"

const rewards = Schema.Array(Schema.Finite.check(Schema.isBetween({ minimum: -2, maximum: 2 }))).check(Schema.isMinLength(2))

describe("Advantage", () => {
  it("is (r - mean) / (sample std + 1e-4), as TRL computes it", () => {
    // mean 0.5, sample standard deviation sqrt(1/3)
    const found = Advantage.groupNormalized([0, 1, 1, 0])
    for (const [i, sign] of [-1, 1, 1, -1].entries()) assert.closeTo(found[i]!, sign * 0.5 / (Math.sqrt(1 / 3) + 1e-4), 1e-12)
  })

  it.prop("sums to zero and keeps the order of the rewards", { rewards }, ({ rewards }) => {
    for (const advantages of [Advantage.groupNormalized(rewards), Advantage.groupCentred(rewards)]) {
      assert.closeTo(advantages.reduce((sum, value) => sum + value, 0), 0, 1e-6 * rewards.length)
      rewards.forEach((a, i) =>
        rewards.forEach((b, j) => {
          if (a - b > 1e-9) assert.isAbove(advantages[i]!, advantages[j]!)
        })
      )
    }
  })

  it("finds groups that teach nothing", () => {
    assert.isTrue(Advantage.isZeroVariance([0.25, 0.25, 0.25]))
    assert.isFalse(Advantage.isZeroVariance([0.25, 0.25, 0]))
    assert.deepStrictEqual(Advantage.groupNormalized([0.25, 0.25]), [0, 0])
  })
})
