import { NodeServices } from "@effect/platform-node"
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import { describeWith, shared } from "../../../tools/testing/needs.ts"
import * as Locomo from "../src/Locomo.ts"
import * as Support from "./support/dialogues.ts"

const dialogue = (id: string) => ({ ...Support.dialogue, id })
const ids = (dialogues: ReadonlyArray<{ readonly id: string }>) => dialogues.map(({ id }) => id)

describe("Locomo", () => {
  it("divides dialogues by name; what no split names is for testing", () => {
    const dialogues = ["conv-26", "conv-30", "conv-43", "conv-44", "conv-47", "mine"].map(dialogue)
    const paper = Locomo.split(dialogues, "paper")
    assert.deepStrictEqual([ids(paper.train), ids(paper.validation)], [["conv-26"], ["conv-30"]])
    assert.deepStrictEqual(ids(paper.test), ["conv-43", "conv-44", "conv-47", "mine"])
    const r2 = Locomo.split(dialogues, "memoryR2")
    assert.deepStrictEqual([ids(r2.train), ids(r2.validation)], [["conv-43", "conv-47"], ["conv-44"]])
    assert.deepStrictEqual(ids(r2.test), ["conv-26", "conv-30", "mine"])
  })

  it("leaves category 5 out unless it is asked for", () => {
    assert.deepStrictEqual(ids(Locomo.questions([Support.dialogue])), ["world-1/0"])
    assert.deepStrictEqual(ids(Locomo.questions([Support.dialogue], { categories: [5] })), ["q-9"])
  })
})

describeWith(shared("data/locomo/locomo10.json"), "LoCoMo", (file) => {
  layer(NodeServices.layer)((it) => {
    it.effect("has 1,540 questions with answers, divided as the papers say", () =>
      Effect.gen(function*() {
        const { dataset, dialogues, dropped, sha256 } = yield* Locomo.load(file)
        assert.strictEqual(dataset, "locomo")
        assert.strictEqual(sha256, "79fa87e90f04081343b8c8debecb80a9a6842b76a7aa537dc9fdf651ea698ff4")
        assert.strictEqual(Locomo.questions(dialogues).length, 1540)
        assert.strictEqual(Locomo.questions(dialogues, { categories: [1, 2, 3, 4, 5] }).length, 1986)
        const counts = [1, 2, 3, 4, 5].map((category) => Locomo.questions(dialogues, { categories: [category] }).length)
        assert.deepStrictEqual(counts, [282, 321, 96, 841, 446])
        const { test, train, validation } = Locomo.split(dialogues, "paper")
        assert.deepStrictEqual([train, validation, test].map((part) => Locomo.questions(part).length), [152, 81, 1307])
        assert.deepStrictEqual(dropped.map(({ at, reason, reference }) => `${at} ${reference} ${reason}`), [
          "conv-42/58 D10:19 unknown turn",
          "conv-42/88 D malformed",
          "conv-43/18 D:11:26 malformed",
          "conv-47/38 D4:36 unknown turn"
        ])
        assert.strictEqual(Locomo.questions(dialogues).filter(({ answer }) => answer === "").length, 0)
        assert.strictEqual(dialogues.reduce((n, { observations }) => n + observations.length, 0), 2541)
        assert.deepStrictEqual(dialogues[0]!.questions[37]!.evidence.slice(0, 2), ["D8:6", "D9:17"])
        assert.deepStrictEqual(dialogues[9]!.questions[69]!.evidence.includes("D30:5"), true)
      }))
  })
})
