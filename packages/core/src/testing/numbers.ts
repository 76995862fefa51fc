import { assert } from "@effect/vitest"

/** Two lists of numbers agree to a tolerance, number by number. */
export const assertClose = (
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  message: string
): void => {
  assert.strictEqual(actual.length, expected.length, `${message}: length`)
  for (let i = 0; i < expected.length; i++) {
    // Written so that NaN fails.
    if (!(Math.abs(actual[i]! - expected[i]!) <= tolerance)) {
      assert.fail(`${message}: [${i}] is ${actual[i]}, not ${expected[i]} (tolerance ${tolerance})`)
    }
  }
}

export const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((total, value) => total + value, 0)
