import { assert, describe, it } from "@effect/vitest"
import type { Episode } from "@memory-r1/core/rl"
import { Demonstrations } from "@memory-r1/trainer"

const named = (kind: string, count: number) => (index: number): ReadonlyArray<Episode.Demonstration> =>
  Array.from({ length: count }, (_, i) => ({ prompt: `${kind} ${index}.${i}`, completions: [{ target: "" }] }))

const dealt = (managerShare: number, count: number) => {
  const next = Demonstrations.mixed(
    { decisions: named("decision", 3), answers: named("answer", 2) },
    { managerShare }
  )
  return Array.from({ length: count }, () => next.deal()).flat().map(({ prompt }) => prompt)
}

describe("Demonstrations.mixed", () => {
  it("deals decisions and answers in turn, each in their own order", () => {
    assert.deepStrictEqual(dealt(0.5, 8), [
      "answer 0.0",
      "decision 0.0",
      "answer 0.1",
      "decision 0.1",
      "answer 1.0",
      "decision 0.2",
      "answer 1.1",
      "decision 1.0"
    ])
  })

  it("keeps to the share, the ends included", () => {
    for (const share of [0, 0.2, 0.55, 1]) {
      assert.strictEqual(
        dealt(share, 100).filter((prompt) => prompt.startsWith("decision")).length,
        Math.round(100 * share)
      )
    }
  })

  it("deals nothing where a dialogue has none of a kind, and does not search for ever", () => {
    const next = Demonstrations.mixed({
      decisions: (index) => index % 2 === 0 ? [] : named("decision", 1)(index),
      answers: () => []
    }, { managerShare: 0.5 })
    assert.deepStrictEqual(Array.from({ length: 8 }, () => next.deal().map(({ prompt }) => prompt)), [
      [],
      [],
      [],
      ["decision 1.0"],
      [],
      [],
      [],
      ["decision 3.0"]
    ])
  })
})
