// Whether counts are those of a distribution.
import { assert } from "@effect/vitest"

/**
 * Pearson's chi-square test of counts against probabilities, at four standard deviations; what has probability 0 must
 * not occur. Cells that expect less than five are taken together.
 */
export const assertFrequencies = (counts: ReadonlyArray<number>, probabilities: ReadonlyArray<number>): void => {
  const total = counts.reduce((sum, count) => sum + count, 0)
  const cells: Array<{ found: number; expected: number }> = []
  let rare = { found: 0, expected: 0 }
  counts.forEach((found, i) => {
    const expected = total * probabilities[i]!
    if (expected === 0) assert.strictEqual(found, 0, `${i} cannot be`)
    else if (expected >= 5) cells.push({ found, expected })
    else rare = { found: rare.found + found, expected: rare.expected + expected }
  })
  if (rare.expected > 0) cells.push(rare)
  const chiSquare = cells.reduce((sum, { expected, found }) => sum + (found - expected) ** 2 / expected, 0)
  const freedom = cells.length - 1
  assert.isAtMost(chiSquare, freedom + 4 * Math.sqrt(2 * freedom), `chi-square of ${counts.join(" ")}`)
}
