import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert } from "vitest"

/** What `// =>` means in an example: deep equality; numbers to nine digits. */
export const same = (actual: unknown, expected: unknown): void => {
  if (typeof actual === "number" && typeof expected === "number") {
    assert.closeTo(actual, expected, 1e-9 * Math.max(1, Math.abs(expected)))
  } else assert.deepEqual(actual, expected)
}

/**
 * A path in a folder that nothing else uses.
 */
export const inFolder = (name: string): string => join(mkdtempSync(join(tmpdir(), "memory-r1-example-")), name)
