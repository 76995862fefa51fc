// Data that is not part of the project: tests that want it are skipped, and say so, where it is not at hand.
import { describe } from "@effect/vitest"
import { existsSync } from "node:fs"
import { join } from "node:path"

const root = process.env["MEMORY_R1_SHARED"] ?? join(import.meta.dirname, "../../../../../shared")

export const shared = (path: string): string => join(root, path)

/** A suite over a shared file. */
export const describeShared = (name: string, path: string, suite: (file: string) => void): void => {
  const there = existsSync(shared(path))
  describe.skipIf(!there)(there ? name : `${name} (skipped: ${shared(path)} is not there; MEMORY_R1_SHARED names its folder)`, () =>
    suite(shared(path)))
}
