import { defineConfig } from "vitest/config"
import { generate } from "./scripts/doctest.ts"
import SkippedReporter from "./tools/testing/SkippedReporter.ts"

generate(import.meta.dirname)

export default defineConfig({
  test: {
    include: ["packages/*/test/**/*.test.ts", "examples/test/*.test.ts", ".cache/doctest/*.test.ts"],
    // Two workers for two cores: more would only contend with the engine's own threads.
    maxWorkers: 2,
    isolate: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    tags: [{ name: "slow", description: "Trains, or starts many processes. Left out of npm test -- --fast." }],
    reporters: [
      "default",
      ["json", { outputFile: ".cache/test-results.json" }],
      new SkippedReporter({ outputFile: ".cache/skipped-tests.json" })
    ]
  }
})
