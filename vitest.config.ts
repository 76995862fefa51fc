import { defineConfig } from "vitest/config"
import { generate } from "./scripts/doctest.ts"

generate(import.meta.dirname)

export default defineConfig({
  test: {
    include: ["packages/*/test/**/*.test.ts", "examples/test/*.test.ts", ".cache/doctest/*.test.ts"],
    // Two workers for two cores: more would only contend with the engine's own threads.
    maxWorkers: 2,
    isolate: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ["default", ["json", { outputFile: ".cache/test-results.json" }]]
  }
})
