import { assert, describe, it } from "@effect/vitest"
import { FactExtractor } from "@memory-r1/core"
import { Effect, Layer } from "effect"
import * as RecordedModel from "./support/recordedModel.ts"

const turn = { id: "D1:3", speaker: "Ann", text: " I adopted a dog. He is called Buddy.\n", observedAt: "8 May 2023" }

const extract = FactExtractor.FactExtractor.use((extractor) => extractor.extract(turn))

describe("FactExtractor", () => {
  it.effect("verbatim gives the turn as one fact, and none for a blank turn", () =>
    Effect.gen(function*() {
      const expected = [{
        text: "I adopted a dog. He is called Buddy.",
        speaker: "Ann",
        sources: ["D1:3"],
        observedAt: "8 May 2023"
      }]
      assert.deepStrictEqual(yield* extract, expected)
      assert.deepStrictEqual(FactExtractor.verbatim(turn), expected)
      assert.deepStrictEqual(FactExtractor.verbatim({ ...turn, text: " \n" }), [])
      assert.deepStrictEqual(FactExtractor.verbatim({ id: "1", speaker: "Ann", text: "Hi" }), [{
        text: "Hi",
        speaker: "Ann",
        sources: ["1"]
      }])
    }).pipe(Effect.provide(FactExtractor.layerVerbatim)))

  it.effect("prompted gives what the model finds, with the turn's provenance", () =>
    Effect.gen(function*() {
      const from = { speaker: "Ann", sources: ["D1:3"], observedAt: "8 May 2023" }
      assert.deepStrictEqual(yield* extract, [{ text: "Ann adopted a dog", ...from }, {
        text: "Ann's dog is called Buddy",
        ...from
      }])
    }).pipe(Effect.provide(Layer.provide(
      FactExtractor.layerPrompted(),
      RecordedModel.layer((prompt) =>
        prompt.includes("[8 May 2023] Ann:  I adopted a dog.")
          ? JSON.stringify({ facts: ["Ann adopted a dog", " ", " Ann's dog is called Buddy "] })
          : undefined
      )
    ))))

  it.effect("prompted may find none, and fails with what the model did wrong", () =>
    Effect.gen(function*() {
      const from = (answer: string | undefined) =>
        Layer.provide(FactExtractor.layerPrompted({ retries: 0 }), RecordedModel.layer(() => answer))
      assert.deepStrictEqual(yield* Effect.provide(extract, from("{\"facts\": []}")), [])
      for (const answer of ["{\"facts\": \"none\"}", "no JSON", undefined]) {
        assert.strictEqual((yield* Effect.flip(Effect.provide(extract, from(answer))))._tag, "AiError")
      }
    }))
})
