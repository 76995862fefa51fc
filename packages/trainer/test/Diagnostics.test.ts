import { assert, describe, it } from "@effect/vitest"
import { Diagnostics } from "@memory-r1/trainer"

type Values = Readonly<Record<string, number>>
type Part = readonly [count: number, values: Values]
const steps = (...parts: ReadonlyArray<Part>) =>
  parts.flatMap(([count, values]) => Array.from({ length: count }, () => ({ values })))
const names = (...parts: ReadonlyArray<Part>) => Diagnostics.read(steps(...parts)).map(({ name }) => name)

const healthy: Values = {
  zeroVariance: 0.4,
  "share.add": 0.6,
  "share.noop": 0.4,
  completionTokens: 20,
  truncated: 0.02,
  entropy: 0.8,
  clipped: 0.05,
  kl: 0.02,
  explainedVariance: 0.3
}

describe("Diagnostics", () => {
  it("say nothing of a healthy run, of a short one, and of supervised training", () => {
    assert.deepStrictEqual(names([40, healthy]), [])
    assert.deepStrictEqual(names([4, { ...healthy, zeroVariance: 1, truncated: 1 }]), [])
    assert.deepStrictEqual(names([40, { loss: 2, gradNorm: 1 }]), [])
  })

  const collapses: ReadonlyArray<readonly [name: string, values: Values, said: RegExp]> = [
    ["zeroVariance", { zeroVariance: 0.95 }, /^95 % of groups earn the same/],
    [
      "oneOperation",
      { "share.noop": 1, "share.add": 0 },
      /^100 % of the operations are NOOP, which was not so at first/
    ],
    ["length", { completionTokens: 45 }, /^completions have grown from 20 to 45 tokens/],
    ["truncated", { truncated: 0.7 }, /^70 % of completions are cut off at maxTokens/],
    ["entropy", { entropy: 0.01 }, /^the entropy has fallen from 0\.80 to 0\.010 nats/],
    ["clipped", { clipped: 0.5 }, /^50 % of the tokens' ratios are clipped/],
    ["kl", { kl: 3 }, /^the policy is 3\.00 nats a token away/],
    ["critic", { explainedVariance: -2 }, /^the critic explains -200 % of the variance/],
    ["tooLong", { tooLong: 2 }, /^prompts are omitted/]
  ]
  for (const [name, values, said] of collapses) {
    it(`tell of ${name}, after five steps of it and not before`, () => {
      const bad = { ...healthy, ...values }
      assert.deepStrictEqual(names([10, healthy], [4, bad]), [])
      const [alarm, ...others] = Diagnostics.read(steps([10, healthy], [5, bad]))
      assert.deepStrictEqual([alarm?.name, others], [name, []])
      assert.match(alarm!.message, said)
      assert.deepStrictEqual(names([10, healthy], [5, bad], [1, healthy]), [])
    })
  }

  it("do not mind an operation that was the only one from the beginning", () => {
    assert.deepStrictEqual(names([20, { ...healthy, "share.noop": 0, "share.add": 1 }]), [])
  })
})
