// A run folder that an earlier version left behind (of commit bb9ccdb, killed after its third step): it is read, and
// resumes. Since then the rules of memories have changed, and the demonstrations with them, so that metrics come close
// to those of the earlier version without a stop, but are not the same.
import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { cpSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Program from "./support/program.ts"
import * as Workplace from "./support/Workplace.ts"

const fixture = fileURLToPath(new URL("./fixtures/run-of-before", import.meta.url))

const metricsOf = (file: string): ReadonlyArray<Readonly<Record<string, unknown>>> =>
  readFileSync(file, "utf8").trim().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>)

layer(Layer.merge(Workplace.layer, NodeServices.layer))("a run of an earlier version", (it) => {
  it.effect("resumes where it was killed, step by step", () =>
    Effect.gen(function*() {
      const { folder } = yield* Workplace.Workplace
      cpSync(join(fixture, "run"), join(folder, "run"), { recursive: true })
      Program.document(yield* Program.run(folder, ["train", "--resume", "run", "--json"]))
      const expected = metricsOf(join(fixture, "metrics.jsonl"))
      const metrics = metricsOf(join(folder, "run/metrics.jsonl"))
      const places = (lines: typeof metrics) => lines.map(({ stage, step, steps }) => ({ stage, step, steps }))
      assert.deepStrictEqual(places(metrics), places(expected))
      for (const [i, { loss }] of expected.entries()) {
        if (typeof loss === "number") assert.closeTo(metrics[i]!["loss"] as number, loss, 0.05)
      }
    }), Program.timeout)

  it.effect("is shown by a report", () =>
    Effect.gen(function*() {
      const { folder } = yield* Workplace.Workplace
      cpSync(join(fixture, "run"), join(folder, "killed"), { recursive: true })
      const finished = yield* Program.run(folder, ["report", "killed", "--out", "page.html"])
      assert.strictEqual(finished.code, 0, finished.stderr)
      assert.include(readFileSync(join(folder, "page.html"), "utf8"), "Supervised warm start")
    }), Program.timeout)
})
