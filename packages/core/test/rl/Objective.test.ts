import { assert, describe, it } from "@effect/vitest"
import { Objective } from "@memory-r1/core/rl"
import { Arbitrary, Schema } from "effect"
import { readFileSync } from "node:fs"

const { ConstantLength, SequenceMean, Sum, TokenMean } = Objective.Aggregation

const close = (actual: number, expected: number, message?: string) =>
  assert.isTrue(
    Math.abs(actual - expected) <= 1e-12 * Math.max(1, Math.abs(expected)),
    `${message ?? ""} ${actual} is not ${expected}`
  )

const evaluate = (
  loss: Objective.Expr,
  batch: ReadonlyArray<Objective.SequenceValues>,
  aggregation: Objective.Aggregation = Sum()
) => Objective.evaluate({ name: "test", loss, aggregation }, batch)

describe("Objective.sft", () => {
  it("is the mean negative log-likelihood over all tokens", () => {
    close(Objective.evaluate(Objective.sft, [{ logp: [-1, -2] }, { logp: [-6] }]), 3)
  })

  it("leaves masked tokens out of sum and count", () => {
    close(Objective.evaluate(Objective.sft, [{ logp: [-1, -100, -2], mask: [1, 0, 1] }, { logp: [-6] }]), 3)
    // What is masked may be anything: 0 times infinity is not a number.
    close(Objective.evaluate(Objective.sft, [{ logp: [-1, -Infinity, NaN], mask: [1, 0, 0] }]), 1)
  })
})

describe("Objective.grpo", () => {
  const loss = (ratio: number, advantage: number, options: Parameters<typeof Objective.grpo>[0] = {}) =>
    Objective.evaluate(Objective.grpo(options), [{ logp: [Math.log(ratio)], oldLogp: [0], advantage: [advantage] }])

  it("is minus the advantage where nothing has moved", () => {
    close(loss(1, 0.7), -0.7)
    close(loss(1, -0.7), 0.7)
  })

  it("clips what has moved too far with its advantage, and only that", () => {
    close(loss(1.5, 2), -1.2 * 2, "up, good")
    close(loss(1.5, -2), 1.5 * 2, "up, bad")
    close(loss(0.5, 2), -0.5 * 2, "down, good")
    close(loss(0.5, -2), 0.8 * 2, "down, bad")
    close(loss(1.1, 2), -1.1 * 2, "within")
  })

  it("has a bound of its own for ratios above 1", () => {
    close(loss(1.5, 1, { epsilon: 0.2, epsilonHigh: 0.28 }), -1.28)
    close(loss(0.5, -1, { epsilon: 0.2, epsilonHigh: 0.28 }), 0.8)
    close(loss(1.5, 1, { epsilon: 0.3 }), -1.3)
  })

  it("adds beta times the k3 estimate of the divergence from the reference", () => {
    const values = { logp: [-1, -2], oldLogp: [-1, -2], refLogp: [-1.5, -1], advantage: [0, 0] }
    // r = refLogp - logp = -0.5 and 1.
    const k3 = [Math.exp(-0.5) + 0.5 - 1, Math.exp(1) - 1 - 1]
    close(Objective.evaluate(Objective.grpo({ beta: 0.04 }), [values]), 0.04 * (k3[0]! + k3[1]!) / 2)
    close(evaluate(Objective.kl.k3, [values]), k3[0]! + k3[1]!)
    assert.strictEqual(evaluate(Objective.kl.k3, [{ logp: [-3], refLogp: [-3] }]), 0)
  })

  it("says what it reads", () => {
    assert.deepStrictEqual([...Objective.quantities(Objective.grpo())].sort(), ["advantage", "logp", "oldLogp"])
    assert.deepStrictEqual([...Objective.quantities(Objective.grpo({ beta: 0.1 }))].sort(), [
      "advantage",
      "logp",
      "oldLogp",
      "refLogp"
    ])
    assert.deepStrictEqual([...Objective.quantities(Objective.sft)], ["logp"])
    assert.throws(() => Objective.evaluate(Objective.grpo(), [{ logp: [0], advantage: [1] }]), RangeError, "oldLogp")
  })
})

describe("Objective.evaluate, aggregations", () => {
  // Sums 1 + 3 = 4 over two tokens, and 6 over one; a third sequence has no token that counts.
  const batch = [{ logp: [1, 50, 3], mask: [1, 0, 1] }, { logp: [6] }, { logp: [50, 50], mask: [0, 0] }]

  it("SequenceMean: means of sequences, then their mean", () =>
    close(evaluate(Objective.logp, batch, SequenceMean()), (2 + 6 + 0) / 3))
  it("TokenMean: over all tokens that count", () => close(evaluate(Objective.logp, batch, TokenMean()), 10 / 3))
  it("ConstantLength: divided by length times sequences", () =>
    close(evaluate(Objective.logp, batch, ConstantLength({ length: 16 })), 10 / 48))
  it("Sum: over all tokens that count", () => close(evaluate(Objective.logp, batch, Sum()), 10))

  it("is 0 for nothing", () => {
    for (const aggregation of [SequenceMean(), TokenMean(), ConstantLength({ length: 4 }), Sum()]) {
      for (const none of [[], [{ logp: [] }], [{ logp: [5], mask: [0] }]]) {
        assert.strictEqual(evaluate(Objective.logp, none, aggregation), 0)
      }
    }
  })

  it("weighs by fractions of a mask", () =>
    close(evaluate(Objective.logp, [{ logp: [2, 4], mask: [1, 0.5] }], TokenMean()), 4 / 1.5))
})

describe("Objective.evaluate, expressions", () => {
  it("computes token by token", () => {
    const { add, clip, exp, max, min, mul, neg, stopGradient, sub } = Objective
    const values = [{ logp: [2], oldLogp: [3], refLogp: [-5], advantage: [0.5] }]
    close(evaluate(add(Objective.logp, Objective.oldLogp), values), 5)
    close(evaluate(sub(Objective.logp, 7), values), -5)
    close(evaluate(mul(Objective.logp, Objective.refLogp), values), -10)
    close(evaluate(min(Objective.logp, Objective.oldLogp), values), 2)
    close(evaluate(max(Objective.logp, 9), values), 9)
    close(evaluate(neg(Objective.advantage), values), -0.5)
    close(evaluate(exp(Objective.logp), values), Math.exp(2))
    close(evaluate(Objective.ratio, values), Math.exp(-1))
    close(evaluate(stopGradient(Objective.logp), values), 2)
    assert.deepStrictEqual([-9, 0.3, 9].map((x) => evaluate(clip(x, -1, 1), values)), [-1, 0.3, 1])
  })

  it("sequenceMean gives every token the mean over those that count", () => {
    const loss = Objective.mul(Objective.sequenceMean(Objective.logp), Objective.advantage)
    close(
      evaluate(loss, [{ logp: [1, 99, 3], advantage: [1, 1, 10], mask: [1, 0, 1] }, { logp: [7], advantage: [1] }]),
      2 * 1 + 2 * 10 + 7
    )
    assert.strictEqual(evaluate(loss, [{ logp: [1], advantage: [1], mask: [0] }]), 0)
  })

  it("reads typed arrays as well as lists", () => {
    close(evaluate(Objective.logp, [{ logp: Float32Array.of(-1.5, -2.5), mask: Uint8Array.of(1, 0) }]), -1.5)
  })
})

const unit = Schema.Finite.check(Schema.isBetween({ minimum: -3, maximum: 3 }))
const batches = Arbitrary.schema(
  Schema.Array(Schema.Array(Schema.Struct({
    logp: unit,
    oldLogp: unit,
    refLogp: unit,
    advantage: unit,
    mask: Schema.Literals([0, 1, 1])
  })))
).pipe(Arbitrary.map((sequences) =>
  sequences.map((tokens) => ({
    logp: tokens.map(({ logp }) => logp),
    oldLogp: tokens.map(({ oldLogp }) => oldLogp),
    refLogp: tokens.map(({ refLogp }) => refLogp),
    advantage: tokens.map(({ advantage }) => advantage),
    mask: tokens.map(({ mask }) => mask)
  }))
))

describe("Objective, micro-batches", () => {
  const near = (actual: number, expected: number) =>
    assert.isTrue(Math.abs(actual - expected) <= 1e-9 * Math.max(1, Math.abs(expected)), `${actual} is not ${expected}`)

  it.prop("a Sum is the sum of its parts, however a batch is split", {
    batch: batches,
    at: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20 }))
  }, ({ at, batch }) => {
    const objective = Objective.grpo({ beta: 0.04, aggregation: Sum() })
    near(
      Objective.evaluate(objective, batch.slice(0, at)) + Objective.evaluate(objective, batch.slice(at)),
      Objective.evaluate(objective, batch)
    )
  }, { arbitrary: { runs: 300, seed: 21 } })

  it.prop("the other aggregations are the Sum over their own count", { batch: batches }, ({ batch }) => {
    const of = (aggregation: Objective.Aggregation) =>
      Objective.evaluate(Objective.grpo({ beta: 0.04, aggregation }), batch)
    const total = of(Sum())
    const tokens = batch.flatMap(({ mask }) => mask).filter((kept) => kept === 1).length
    near(of(TokenMean()) * Math.max(tokens, 1), total)
    near(of(ConstantLength({ length: 7 })) * 7 * Math.max(batch.length, 1), total)
    near(
      of(SequenceMean()) * Math.max(batch.length, 1),
      batch.reduce(
        (sum, one) => sum + Objective.evaluate(Objective.grpo({ beta: 0.04, aggregation: TokenMean() }), [one]),
        0
      )
    )
  }, { arbitrary: { runs: 300, seed: 22 } })

  it.prop("k3 is never negative", { logp: unit, refLogp: unit }, ({ logp, refLogp }) => {
    assert.isAtLeast(evaluate(Objective.kl.k3, [{ logp: [logp], refLogp: [refLogp] }]), -1e-15)
  }, { arbitrary: { runs: 300, seed: 23 } })
})

describe("Objective.differentiate", () => {
  // Two thousandths apart from each other, so that a difference crosses no corner.
  const shifted = batches.pipe(Arbitrary.map((batch) =>
    batch.map(({ advantage, logp, mask, oldLogp, refLogp }) => {
      const apart = (values: ReadonlyArray<number>, by: number) => values.map((x) => Math.round(x * 100) / 100 + by)
      return {
        logp: apart(logp, 0.0037),
        oldLogp,
        refLogp: apart(refLogp, 0.0011),
        advantage: apart(advantage, 0.0005),
        value: apart(oldLogp, 0.0023),
        oldValue: apart(refLogp, 0),
        returns: apart(advantage, 0.0017),
        entropy: apart(logp, 4),
        samplerLogp: apart(oldLogp, 0.0061),
        mask
      }
    })
  ))
  const objectives = [
    Objective.sft,
    Objective.grpo({ beta: 0.1 }),
    Objective.gspo({ epsilon: 0.2 }),
    Objective.dapo({ beta: Objective.coefficient("beta", 0.2) }),
    Objective.withTerm(
      Objective.withEntropy(Objective.ppo({ dualClip: 2 }), 0.1),
      Objective.valueLoss({ epsilon: 0.3 }),
      0.5
    ),
    Objective.withKl(Objective.grpo(), 0.3, "k2"),
    Objective.withCorrection(Objective.gspo(), { level: "sequence", mode: "truncate", cap: 1.5 })
  ]
  for (const objective of objectives) {
    it.prop(
      `has the slopes of ${objective.name}, ${[...Objective.quantities(objective)].join()}`,
      { batch: shifted },
      ({ batch }) => {
        const { derivatives, loss } = Objective.differentiate(objective, batch)
        close(loss, Objective.evaluate(objective, batch))
        batch.forEach((sequence, s) =>
          Objective.trained.forEach((name) =>
            sequence[name].forEach((x, t) => {
              const at = (by: number) =>
                Objective.evaluate(objective, batch.with(s, { ...sequence, [name]: sequence[name].with(t, x + by) }))
              const expected = (at(1e-6) - at(-1e-6)) / 2e-6
              const found = derivatives[s]![name][t]!
              assert.isAtMost(
                Math.abs(found - expected),
                2e-5 * Math.max(1, Math.abs(expected), Math.abs(loss)),
                `${name} ${t} of sequence ${s}: ${found}, ${expected}`
              )
            })
          )
        )
      },
      { arbitrary: { runs: 60, seed: 31 } }
    )
  }

  it("nothing flows behind a stopped gradient, through an indicator, or from what is masked", () => {
    const batch = [{ logp: [-1, -2], mask: [1, 0] }]
    const slopes = (
      loss: Objective.Expr
    ) => [...Objective.differentiate({ name: "test", loss, aggregation: Sum() }, batch).derivatives[0]!.logp]
    assert.deepStrictEqual(slopes(Objective.stopGradient(Objective.logp)), [0, 0])
    assert.deepStrictEqual(slopes(Objective.less(Objective.logp, 0)), [0, 0])
    assert.deepStrictEqual(slopes(Objective.mul(Objective.stopGradient(Objective.logp), Objective.logp)), [-1, 0])
    assert.deepStrictEqual(slopes(Objective.sequenceSum(Objective.logp)), [1, 0])
  })

  it("the weighted log-likelihood of its derivatives has the gradient of the loss", () => {
    const batch = [{ logp: [-1, -0.5], oldLogp: [-1.1, -0.9], advantage: [0.7, 0.7] }]
    const objective = Objective.grpo({ epsilon: 0.5 })
    const { derivatives } = Objective.differentiate(objective, batch)
    // d ratio / d logp = ratio.
    close(derivatives[0]!.logp[0]!, -0.7 * Math.exp(0.1) / 2)
    close(derivatives[0]!.logp[1]!, -0.7 * Math.exp(0.4) / 2)
  })
})

describe("Objective, the critic and the rest of PPO", () => {
  it("dual clip bounds what a bad token can cost", () => {
    const loss = (ratio: number, advantage: number) =>
      Objective.evaluate(Objective.ppo({ dualClip: 3 }), [{
        logp: [Math.log(ratio)],
        oldLogp: [0],
        advantage: [advantage]
      }])
    close(loss(10, -2), 6, "at most 3 |A|")
    close(loss(2, -2), 4, "below it, the ratio")
    close(loss(0.5, -2), 1.6, "clipped below")
    close(loss(10, 2), -2.4, "no change where the advantage is above 0")
    close(loss(0.5, 2), -1)
  })

  it("the value's loss is half the squared error, of the worse of two where it moved far", () => {
    const values = (value: number) => [{ value: [value], oldValue: [1], returns: [2] }]
    close(Objective.evaluate(Objective.valueLoss(), values(1.5)), 0.125)
    close(Objective.evaluate(Objective.valueLoss({ epsilon: 0.2 }), values(1.5)), 0.32, "1.2 counts")
    close(Objective.evaluate(Objective.valueLoss({ epsilon: 0.2 }), values(0.5)), 1.125, "0.5 counts")
  })

  it("a coefficient counts as the number that it has", () => {
    const batch = [{ logp: [-1], refLogp: [-1.5], oldLogp: [-1], advantage: [0.5] }]
    const beta = Objective.coefficient("beta", 0.3)
    close(Objective.evaluate(Objective.grpo({ beta }), batch), Objective.evaluate(Objective.grpo({ beta: 0.3 }), batch))
    assert.deepStrictEqual([...Objective.coefficients(Objective.grpo({ beta }))], [["beta", 0.3]])
  })
})

// Made by tools/parity/objectives.py of TRL's own loss.
const Rows = Schema.Array(Schema.Array(Schema.Finite))
const Fixture = Schema.fromJsonString(Schema.Struct({
  trl: Schema.String,
  maxLength: Schema.Int,
  batch: Schema.Struct({
    logp: Rows,
    oldLogp: Rows,
    samplerLogp: Rows,
    refLogp: Rows,
    entropy: Rows,
    advantage: Schema.Array(Schema.Finite)
  }),
  cases: Schema.Array(Schema.Struct({
    loss_type: Schema.Literals(["grpo", "dr_grpo", "dapo", "bnpo", "cispo"]),
    level: Schema.Literals(["token", "sequence"]),
    epsilon: Schema.Finite,
    epsilon_high: Schema.Finite,
    beta: Schema.Finite,
    delta: Schema.NullOr(Schema.Finite),
    entropy: Schema.Finite,
    correction: Schema.NullOr(Schema.Struct({
      level: Schema.Literals(["token", "sequence"]),
      mode: Schema.Literals(["truncate", "mask"]),
      cap: Schema.Finite
    })),
    loss: Schema.Finite,
    gradient: Rows,
    entropyGradient: Schema.NullOr(Rows)
  }))
}))

describe("Objective beside TRL", () => {
  const { batch: given, cases, maxLength, trl } = Schema.decodeUnknownSync(Fixture)(
    readFileSync(new URL("../fixtures/objectives.json", import.meta.url), "utf8")
  )
  const { advantage, ...rows } = given
  const batch = advantage.map((advantage, i) => ({
    ...Object.fromEntries(Object.entries(rows).map(([name, values]) => [name, values[i]!])),
    advantage: rows.logp[i]!.map(() => advantage)
  })) as ReadonlyArray<Objective.SequenceValues>

  for (
    const {
      beta,
      correction,
      entropy,
      entropyGradient,
      epsilon,
      epsilon_high: epsilonHigh,
      gradient,
      level,
      loss,
      loss_type: type
    } of cases
  ) {
    const name = [
      type,
      level,
      `epsilon ${epsilon} to ${epsilonHigh}`,
      `beta ${beta}`,
      ...(correction === null ? [] : Object.values(correction)),
      ...(entropy === 0 ? [] : ["entropy"])
    ].join(", ")
    it(`${name} (TRL ${trl})`, () => {
      const range = { epsilon, epsilonHigh }
      const policy = {
        grpo: () => level === "sequence" ? Objective.gspo(range) : Objective.grpo(range),
        dr_grpo: () => Objective.drGrpo({ ...range, length: maxLength }),
        dapo: () => Objective.dapo(range),
        bnpo: () => Objective.bnpo(range),
        cispo: () => Objective.cispo({ ceiling: epsilonHigh })
      }[type]()
      const corrected = correction === null ? policy : Objective.withCorrection(policy, correction)
      const objective = Objective.withEntropy(Objective.withKl(corrected, beta), entropy)
      const found = Objective.differentiate(objective, batch)
      assert.closeTo(found.loss, loss, 1e-9)
      gradient.forEach((row, i) =>
        row.forEach((slope, t) => assert.closeTo(found.derivatives[i]!.logp[t]!, slope, 1e-9, `logp ${t} of ${i}`))
      )
      entropyGradient?.forEach((row, i) =>
        row.forEach((slope, t) =>
          assert.closeTo(found.derivatives[i]!.entropy[t]!, slope, 1e-9, `entropy ${t} of ${i}`)
        )
      )
    })
  }
})
