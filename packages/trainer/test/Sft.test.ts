import { assert, describe, it } from "@effect/vitest"
import { Demonstrations, RunLog, Sft, Trainer } from "@memory-r1/trainer"
import { Effect, Random } from "effect"
import * as Tiny from "./support/tiny.ts"

const demonstration = { prompt: "ab", completions: [{ target: "ba" }, { context: "c", target: "a" }] }
const schedule = { peak: 5e-3, warmup: 1, decayFrom: 1, floor: 0 }

describe("Sft", () => {
  it.effect("learns targets and end tokens, not contexts", () =>
    Effect.scoped(Effect.gen(function*() {
      const { sampler: { tokenizer } } = yield* Tiny.learner
      const { completions: [plain, asked], prompt } = Sft.tokenize(tokenizer, demonstration)
      const without = (text: string) => tokenizer.encode(text, { addSpecialTokens: false })
      assert.deepStrictEqual(prompt, tokenizer.encode("ab"))
      assert.deepStrictEqual(plain!.tokens, [...without("ba"), tokenizer.stopTokens[0]!])
      assert.isTrue(Array.from(plain!.mask!).every((mask) => mask === 1))
      assert.deepStrictEqual(Array.from(asked!.mask!), [...without("c").map(() => 0), ...without("a").map(() => 1), 1])
      const { completions: [text], prompt: [begin] } = Sft.asText({ prompt, completions: [plain!] })
      assert.deepStrictEqual([begin, ...text!.tokens], [...prompt, ...plain!.tokens])
    })))

  it.effect("leaves out what does not fit into the model's context, and counts it", () =>
    Effect.scoped(Effect.gen(function*() {
      const learner = yield* Tiny.learner
      const { contextLength, tokenizer } = learner.sampler
      const [short, long] = [{ target: "ba" }, { target: "a".repeat(contextLength) }]
      const group = Sft.tokenize(tokenizer, { prompt: "ab", completions: [short, long] })
      const exact = group.prompt.length + group.completions[0]!.tokens.length
      assert.strictEqual(Sft.fitting(group, exact).completions.length, 1)
      assert.strictEqual(Sft.fitting(group, exact - 1).completions.length, 0)

      const records: Array<RunLog.Metrics | RunLog.Transcript> = []
      // Every other demonstration has nothing that fits.
      const demonstrations = (i: number) => [{ prompt: "ab", completions: i % 2 === 0 ? [short, long] : [long] }]
      yield* Trainer.train(
        Sft.stage({
          learner,
          demonstrations: Demonstrations.counted(demonstrations),
          steps: 1,
          groupsPerStep: 2,
          schedule
        })
      ).pipe(
        Effect.provide(RunLog.layerMemory(records))
      )
      assert.strictEqual(records.length, 1)
      const [{ values }] = records as [RunLog.Metrics]
      assert.isAbove(values["tooLong"]!, 0)
      assert.isTrue(Number.isFinite(values["loss"]))

      const failure = yield* Effect.flip(
        Trainer.train(Sft.stage({
          learner,
          demonstrations: Demonstrations.counted(() => [{ prompt: "ab", completions: [long] }]),
          steps: 1,
          groupsPerStep: 2,
          schedule
        })).pipe(
          Effect.provide(RunLog.layerMemory([]))
        )
      )
      assert.include(failure.message, `context of ${contextLength} tokens`)
    })))

  it.effect("lowers the loss, logs every step, and repeats itself from its seed", () =>
    Effect.gen(function*() {
      const run = Effect.scoped(Effect.gen(function*() {
        const records: Array<RunLog.Metrics | RunLog.Transcript> = []
        yield* Trainer.train(Sft.stage({
          learner: yield* Tiny.learner,
          demonstrations: Demonstrations.counted((i) => [{ ...demonstration, prompt: "abc".slice(0, 1 + i % 3) }]),
          steps: 12,
          groupsPerStep: 2,
          schedule
        })).pipe(
          Effect.provide(RunLog.layerMemory(records)),
          Random.withSeed(3)
        )
        return records.map((record) => "values" in record ? record.values["loss"]! : NaN)
      }))
      const losses = yield* run
      assert.strictEqual(losses.length, 12)
      assert.isBelow(losses.at(-1)!, losses[0]! - 0.5)
      assert.deepStrictEqual(yield* run, losses)
    }))
})
