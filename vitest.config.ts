import { defineConfig } from "vitest/config"
import { BaseSequencer, type TestSpecification } from "vitest/node"
import { generate } from "./scripts/doctest.ts"
import SkippedReporter from "./tools/testing/SkippedReporter.ts"

generate(import.meta.dirname)

// The longest, longest first. Begun last, one of them would run alone in the end.
const longest = [
  "packages/cli/test/resume.test.ts",
  "packages/cli/test/train.test.ts",
  "packages/cli/test/quickstart.test.ts",
  "packages/store-sqlite/test/durability.test.ts",
  "packages/cli/test/memory.test.ts",
  "packages/cli/test/mcp.test.ts",
  "packages/backend-onnx/test/model/critic.test.ts",
  "packages/backend-onnx/test/graph/device.test.ts",
  "packages/backend-onnx/test/OnnxLearner.test.ts",
  "packages/store-postgres/test/faults.test.ts",
  "packages/store-postgres/test/PostgresStore.test.ts"
]
const rankOf = ({ moduleId }: TestSpecification): number => {
  const rank = longest.findIndex((file) => moduleId.endsWith(`/${file}`))
  return rank === -1 ? longest.length : rank
}

class LongestFirst extends BaseSequencer {
  override async sort(files: Array<TestSpecification>) {
    return (await super.sort(files)).toSorted((a, b) => rankOf(a) - rankOf(b))
  }
}

export default defineConfig({
  test: {
    include: ["packages/*/test/**/*.test.ts", "examples/test/*.test.ts", ".cache/doctest/*.test.ts"],
    // Two workers for two cores: more would only contend with the engine's own threads.
    maxWorkers: 2,
    isolate: false,
    sequence: { sequencer: LongestFirst },
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
