import { assert, describe, it } from "@effect/vitest"
import { Judge, Reward } from "@memory-r1/core/rl"
import { Effect, Layer, Stream } from "effect"
import { AiError, DecisionModel, LanguageModel } from "effect/ai"

const dogs = (prediction: string): Judge.Judged => ({
  question: "Which dogs does Ann have?",
  gold: "Buddy and Scout",
  prediction
})

// A model that says CORRECT where both dogs are named, and counts how often it was asked.
const model = (answer: (text: string) => string, asked: Array<string> = []) =>
  Layer.effect(
    LanguageModel.LanguageModel,
    LanguageModel.make({
      generateText: ({ prompt }) =>
        Effect.sync(() => {
          const text = JSON.stringify(prompt)
          asked.push(text)
          return [{ type: "text" as const, text: answer(text) }]
        }),
      streamText: () => Stream.empty
    })
  )
const verdict = (text: string) =>
  JSON.stringify({ label: /Answer: (?=.*Buddy)(?=.*Scout)/.test(text) ? "CORRECT" : "WRONG" })

const verdicts = (...predictions: ReadonlyArray<string>) =>
  Judge.Judge.use((judge) => judge.verdicts(predictions.map(dogs)))

describe("Judge.layerPrompted", () => {
  it.effect("asks about each answer once, and gives verdicts in their order", () =>
    Effect.gen(function*() {
      const asked: Array<string> = []
      const found = yield* Effect.gen(function*() {
        const first = yield* verdicts("Scout, and Buddy too", "Buddy", "Scout, and Buddy too")
        return [first, yield* verdicts("Buddy")]
      }).pipe(Effect.provide(Layer.provide(Judge.layerPrompted(), model(verdict, asked))))
      assert.deepStrictEqual(found, [[1, 0, 1], [0]])
      assert.lengthOf(asked, 2)
      assert.include(asked[0], "Right answer: Buddy and Scout")
    }))

  it.effect("fails where the model gives no verdict, and asks again the next time", () =>
    Effect.gen(function*() {
      let calls = 0
      const flaky = model((text) => calls++ === 0 ? "I would rather not say." : verdict(text))
      yield* Effect.gen(function*() {
        const error = yield* Effect.flip(verdicts("Buddy and Scout"))
        assert.isTrue(AiError.isAiError(error))
        assert.deepStrictEqual(yield* verdicts("Buddy and Scout"), [1])
      }).pipe(Effect.provide(Layer.provide(Judge.layerPrompted(), flaky)))
    }))
})

describe("Judge.layerDecided", () => {
  it.effect("gives the probability that the answer is right", () =>
    Effect.gen(function*() {
      const decides = Layer.effect(
        DecisionModel.DecisionModel,
        DecisionModel.make({
          decide: ({ state }) =>
            Effect.succeed({
              usage: { inputTokens: undefined, outputTokens: undefined },
              answers: {
                correct: {
                  _tag: "Probability",
                  probability: JSON.stringify(state).includes("and Scout\",\"answer\":\"Buddy\"") ? 0.25 : 0.75
                }
              }
            })
        })
      )
      assert.deepStrictEqual(
        yield* verdicts("Buddy", "both").pipe(Effect.provide(Layer.provide(Judge.layerDecided(), decides))),
        [0.25, 0.75]
      )
    }))
})

describe("Reward.judge", () => {
  it("is the verdict, and multiplies", () => {
    const outcome = { prediction: "Buddy", gold: "Buddy and Scout", verdict: 0.5 }
    assert.deepStrictEqual(Reward.judge(outcome), { value: 0.5, parts: { judge: 0.5 } })
    const both = Reward.product<Reward.JudgedOutcome>([Reward.setF1, Reward.judge])(outcome)
    assert.closeTo(both.value, 0.5 * Reward.setF1(outcome).value, 1e-12)
    assert.hasAllKeys(both.parts, ["setF1", "judge"])
  })
})
