import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as ConfigFile from "../src/ConfigFile.ts"
import { registry } from "../src/registry.ts"
import * as RunFile from "../src/RunFile.ts"

const value = (json: unknown, assignment: string): unknown => Result.getOrThrow(ConfigFile.assign(json, assignment))
const reason = (json: unknown, assignment: string): string =>
  Result.getOrThrow(Result.flip(ConfigFile.assign(json, assignment)))

describe("ConfigFile.assign", () => {
  const json = { seed: 1, stages: [{ kind: "manager", steps: 3 }, { kind: "answer" }] }

  it("sets what is there, what is not, and what stands in lists", () => {
    assert.deepStrictEqual(value(json, "seed=7"), { ...json, seed: 7 })
    assert.deepStrictEqual(value(json, "stages.1.steps=5"), {
      seed: 1,
      stages: [{ kind: "manager", steps: 3 }, { kind: "answer", steps: 5 }]
    })
    assert.deepStrictEqual(value(json, "model.lora.rank=8"), { ...json, model: { lora: { rank: 8 } } })
    assert.deepStrictEqual(value(json, "model.directory=a=b/c"), { ...json, model: { directory: "a=b/c" } })
    assert.deepStrictEqual(value({}, "categories=[1, 2]"), { categories: [1, 2] })
    assert.deepStrictEqual(value({}, "x=true"), { x: true })
    assert.deepStrictEqual(json.stages[1], { kind: "answer" }, "what was given has changed")
  })

  it("says what is wrong", () => {
    assert.strictEqual(reason(json, "seed"), "seed is no key=value, such as stages.0.steps=5")
    assert.strictEqual(reason(json, "a..b=1"), "a..b=1 is no key=value, such as stages.0.steps=5")
    assert.strictEqual(reason(json, "stages.2.steps=1"), "stages.2.steps: 2 is no place in a list of 2")
    assert.strictEqual(reason(json, "seed.x=1"), "seed.x: what x stands in is 1")
    assert.strictEqual(reason(json, "a=[1"), "[1 is no value of a")
    assert.strictEqual(reason(json, "__proto__.x=1"), "__proto__.x is no path")
  })
})

describe("ConfigFile.read", () => {
  const stage = { kind: "manager", steps: 2, learningRate: { peak: 1e-3 } }
  const read = (config: object, ...assignments: ReadonlyArray<string>) =>
    Effect.acquireUseRelease(
      Effect.sync(() => {
        const folder = mkdtempSync(join(tmpdir(), "config-file-"))
        writeFileSync(join(folder, "run.json"), JSON.stringify(config))
        return folder
      }),
      (folder) => ConfigFile.read(join(folder, "run.json"), assignments),
      (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
    ).pipe(Effect.provide(NodeServices.layer))
  const config = { model: { directory: "x" }, data: { dataset: "memory-world" }, stages: [stage] }

  const examples = join(import.meta.dirname, "../../../examples/configs")
  for (const name of readdirSync(examples)) {
    it.effect(`takes examples/configs/${name}`, () =>
      Effect.gen(function*() {
        const { data, format } = yield* ConfigFile.read(join(examples, name))
        assert.deepStrictEqual([data.dataset, format], ["locomo", "paper"])
      }).pipe(Effect.provide(NodeServices.layer)))
  }

  it.effect("a run folder without a configuration is of the embedded model, one with a broken one is refused", () =>
    Effect.acquireUseRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "run-file-"))),
      Effect.fnUntraced(function*(folder) {
        assert.strictEqual((yield* RunFile.limits(folder)).format, registry.formats["compact"])
        writeFileSync(join(folder, "training.json"), `{ "format": "paper", "managerTokens": 9, "answerTokens": 8 }`)
        const { format, ...tokens } = yield* RunFile.limits(folder)
        assert.strictEqual(format, registry.formats["paper"])
        assert.deepStrictEqual(tokens, { managerTokens: 9, answerTokens: 8 })
        writeFileSync(join(folder, "training.json"), `{ "format": `)
        assert.match(
          (yield* Effect.flip(RunFile.limits(folder))).message,
          /training\.json: is not the configuration that a run leaves/
        )
      }),
      (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
    ).pipe(Effect.provide(NodeServices.layer)))

  it.effect("what the command line sets is checked like the rest", () =>
    Effect.gen(function*() {
      const found = yield* read(config, "stages.0.groupSize=4", "seed=9")
      assert.deepStrictEqual([found.seed, (found.stages[0] as { readonly groupSize: number }).groupSize], [9, 4])
      const error = yield* Effect.flip(read(config, "stages.0.steps=0"))
      assert.include(error.message, `a value greater than 0\n  at ["stages"][0]["steps"]`)
      assert.include(
        (yield* Effect.flip(read(config, "stages.5=1"))).message,
        "run.json: --set stages.5: 5 is no place in a list of 1"
      )
    }))

  it.effect("a key that nobody knows is refused, with the one that was probably meant", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(read({ ...config, sed: 1, stages: [{ ...stage, groupSiz: 3 }] }))
      assert.include(error.message, `["sed"]: did you mean "seed"?`)
      assert.include(error.message, `["stages"][0]["groupSiz"]: did you mean "groupSize"?`)
      assert.notInclude((yield* Effect.flip(read({ ...config, wholesale: 1 }))).message, "did you mean")
    }))
})
