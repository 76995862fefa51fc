import { assert, describe, it } from "@effect/vitest"
import { Advantage } from "@memory-r1/trainer"
import { Arbitrary, Schema } from "effect"

const between = (minimum: number, maximum: number) => Schema.Finite.check(Schema.isBetween({ minimum, maximum }))
const group = Schema.Array(between(-2, 2)).check(Schema.isMinLength(2), Schema.isMaxLength(8))
const groups = Schema.Array(group).check(Schema.isMinLength(1), Schema.isMaxLength(5))
const total = (values: ReadonlyArray<number>) => values.reduce((sum, value) => sum + value, 0)
const { batchNormalized, gae, groupCentred, groupNormalized, leaveOneOut, whitened } = Advantage

describe("Advantage, of groups", () => {
  it("is (r - mean) / (sample std + 1e-4), as TRL computes it", () => {
    // mean 0.5, sample standard deviation sqrt(1/3)
    const [found] = groupNormalized([[0, 1, 1, 0]])
    for (const [i, sign] of [-1, 1, 1, -1].entries()) {
      assert.closeTo(found![i]!, sign * 0.5 / (Math.sqrt(1 / 3) + 1e-4), 1e-12)
    }
  })

  it("leaves one out: what a reward is above the mean of the others", () => {
    assert.deepStrictEqual(leaveOneOut([[1, 0, 0.5], [3]]), [[0.75, -0.75, 0], [0]])
  })

  it("divides by the deviation of the whole batch, as TRL does with scale_rewards=batch", () => {
    // Of 0, 1, 2, 4: mean 7/4, sample variance 35/12.
    const spread = Math.sqrt(35 / 12) + 1e-4
    const found = batchNormalized([[0, 1], [2, 4]])
    for (const [i, expected] of [-0.5, 0.5, -1, 1].entries()) assert.closeTo(found.flat()[i]!, expected / spread, 1e-12)
  })

  it.prop("sums to zero in each group and keeps the order of its rewards", { groups }, ({ groups }) => {
    for (const estimator of [groupNormalized, groupCentred, leaveOneOut, batchNormalized]) {
      estimator(groups).forEach((advantages, n) => {
        assert.closeTo(total(advantages), 0, 1e-6 * advantages.length)
        groups[n]!.forEach((a, i) =>
          groups[n]!.forEach((b, j) => void (a - b > 1e-9 && assert.isAbove(advantages[i]!, advantages[j]!)))
        )
      })
    }
  })

  it.prop("leave-one-out is the centred advantage times n / (n - 1)", { group }, ({ group }) => {
    const [[centred], [left]] = [groupCentred([group]), leaveOneOut([group])]
    left!.forEach((advantage, i) => assert.closeTo(advantage, centred![i]! * group.length / (group.length - 1), 1e-9))
  })

  const estimators = { groupNormalized, groupCentred, leaveOneOut, batchNormalized }
  const teachesNothing = (rewards: ReadonlyArray<number>): void => {
    assert.isTrue(Advantage.isZeroVariance(rewards), rewards.join())
    for (const [name, estimator] of Object.entries(estimators)) {
      // Beside a group that does differ, too.
      for (const groups of [[rewards], [rewards, [0, 1]]]) {
        for (const advantage of estimator(groups)[0]!) {
          assert.isTrue(Object.is(advantage, 0), `${name} of ${rewards.join()} is ${advantage}`)
        }
      }
    }
  }

  it("finds groups that teach nothing, since their rewards differ by no more than rounding", () => {
    const sum = (terms: ReadonlyArray<number>) => terms.reduce((sum, term) => sum + term, 0)
    const tenths = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    for (
      const rewards of [
        [0.25, 0.25, 0.25],
        [0.3, 0.1 + 0.2],
        [0.1 + 0.2 - 0.3, 0],
        [0.1 + 0.7, 0.8, 1 - 0.2],
        [-0.3, -0.1 - 0.2],
        [sum(tenths), sum(tenths.toReversed()), 2.8],
        [1e6 + 0.1 + 0.2, 1e6 + 0.3],
        [(1 / 3) * 3, 1, 0.1 * 10],
        [sum(new Array<number>(10).fill(0.1)), 1],
        [1 - 0.15 - 0.15, 0.7, 1 - 2 * 0.15],
        [1e-300, 0],
        [1e15 + 1, 1e15 + 1],
        [0.3, 0.3, 0.3],
        [-0, 0],
        [0.7]
      ]
    ) teachesNothing(rewards)
  })

  it("and none that do, be the difference ever so small", () => {
    for (
      const rewards of [
        [0.25, 0.25, 0],
        [0, 1e-6],
        [1, 1 + 1e-9],
        [0.3, 0.3 + 1e-12],
        [1e6, 1e6 + 1e-6],
        [-1e-9, 1e-9],
        [1e12, 1e12 + 1],
        [0, NaN]
      ]
    ) {
      assert.isFalse(Advantage.isZeroVariance(rewards), rewards.join())
    }
    for (const estimator of Object.values(estimators)) {
      const [less, more] = estimator([[0.5, 0.5 + 1e-6]])[0]!
      assert.isTrue(less! < 0 && more! > 0)
    }
  })

  it.prop("a sum is the same reward in whatever order its terms are added", {
    terms: Schema.Array(between(-1000, 1000)).check(Schema.isMinLength(1), Schema.isMaxLength(12)),
    difference: between(1e-6, 1)
  }, ({ difference, terms }) => {
    const largest = terms.reduce((largest, term) => Math.max(largest, Math.abs(term)), 1)
    const scaled = terms.map((term) => term / largest)
    // Pairwise, from either end, and by size.
    const pairwise = (values: ReadonlyArray<number>): number =>
      values.length < 2
        ? values[0] ?? 0
        : pairwise(values.slice(0, values.length >> 1)) + pairwise(values.slice(values.length >> 1))
    const rewards = [
      total(scaled),
      total(scaled.toReversed()),
      total(scaled.toSorted((a, b) => a - b)),
      pairwise(scaled)
    ]
    teachesNothing(rewards)
    assert.isFalse(Advantage.isZeroVariance([...rewards, rewards[0]! + difference]))
  })
})

describe("Advantage, of tokens", () => {
  const tokens = Arbitrary.schema(
    Schema.Array(Schema.Tuple([between(-1, 1), between(-1, 1)])).check(Schema.isMinLength(1), Schema.isMaxLength(12))
  )

  it.prop("generalized advantage estimation is the sum of discounted errors", {
    tokens,
    gamma: between(0, 1),
    lambda: between(0, 1)
  }, ({ gamma, lambda, tokens }) => {
    const [rewards, values] = [tokens.map(([reward]) => reward), tokens.map(([, value]) => value)]
    const { advantages, returns } = gae(rewards, values, { gamma, lambda })
    const error = (t: number) => rewards[t]! + gamma * (values[t + 1] ?? 0) - values[t]!
    tokens.forEach((_, t) => {
      const expected = total(tokens.slice(t).map((_, l) => (gamma * lambda) ** l * error(t + l)))
      assert.closeTo(advantages[t]!, expected, 1e-9)
      assert.closeTo(returns[t]!, expected + values[t]!, 1e-9)
    })
  })

  it.prop("with gamma and lambda 1 it is the sum of what is to come, less the value", { tokens }, ({ tokens }) => {
    const { advantages } = gae(tokens.map(([reward]) => reward), tokens.map(([, value]) => value), {
      gamma: 1,
      lambda: 1
    })
    tokens.forEach(([, value], t) =>
      assert.closeTo(advantages[t]!, total(tokens.slice(t).map(([reward]) => reward)) - value, 1e-9)
    )
  })

  it("whitens over all tokens, whatever completion they are of", () => {
    const found = whitened([[1, 2], [3, 6]]).flat()
    assert.closeTo(total(found), 0, 1e-12)
    assert.closeTo(Math.sqrt(total(found.map((x) => x * x)) / 3), 1, 1e-7)
    assert.deepStrictEqual(whitened([[2, 2]]), [[0, 0]])
    assert.deepStrictEqual(whitened([[0.3], [0.1 + 0.2]]), [[0], [0]])
  })

  it("says how much of the returns the values explain", () => {
    assert.strictEqual(Advantage.explainedVariance([1, 2, 3], [1, 2, 3]), 1)
    assert.strictEqual(Advantage.explainedVariance([1, 2, 3], [2, 2, 2]), 0)
    assert.isBelow(Advantage.explainedVariance([1, 2, 3], [3, 2, 1]), 0)
    assert.strictEqual(Advantage.explainedVariance([1, 1], [0, 5]), 0)
    assert.strictEqual(Advantage.explainedVariance([0.3, 0.1 + 0.2], [0, 5]), 0)
  })
})
