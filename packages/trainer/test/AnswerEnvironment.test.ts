import { assert, describe, it } from "@effect/vitest"
import { AnswerFormat, type Episode, MemoryManager, Retriever } from "@memory-r1/core"
import { AnswerEnvironment } from "@memory-r1/trainer"
import { Effect, Layer } from "effect"

const speakers = ["Ann", "Bob"] as const
const episode: Episode.Episode = {
  id: "one",
  steps: Array.from({ length: 80 }, (_, i) => ({
    fact: { text: `Thing number ${i}.`, speaker: speakers[i % 2]!, sources: [`D1:${i}`] },
    questions: []
  })),
  questions: [
    { id: "q0", question: "Which thing?", gold: "7" },
    { id: "q1", question: "Which two things?", gold: "7 and 8", list: true }
  ]
}

let draws = 0
const environment = AnswerEnvironment.make({
  episodes: () => episode,
  format: AnswerFormat.compact,
  maxTokens: 10,
  perFact: 5,
  perSpeaker: 30,
  play: 1,
  random: () => (draws++ % 7) / 7
})
const layer = Layer.merge(MemoryManager.layerAddOnly, Retriever.layerBm25)

describe("AnswerEnvironment", () => {
  it.effect("shows 30 candidates of each speaker, 60 in all, out of the manager's bank", () =>
    Effect.gen(function*() {
      const { prompt, tasks } = yield* environment
      const [task] = yield* tasks(1)
      assert.strictEqual(task!.candidates.length, 60)
      for (const speaker of speakers) assert.strictEqual(task!.candidates.filter((memory) => memory.speaker === speaker).length, 30)
      assert.include(prompt(task!), "Question: Which")
    }).pipe(Effect.provide(layer)))

  it.effect("rewards the exact answer, lists in any order, whatever its form", () =>
    Effect.gen(function*() {
      const { score, tasks } = yield* environment
      const all = yield* tasks(2)
      for (const task of all) {
        const texts = [`${task.candidates[3]!.speaker}: ${task.candidates[3]!.text}\n= 7`, "= 8 and 7", "7", "Thing number 99.\n= 7"]
        const [outcomes] = yield* score([{ task, texts }])
        const values = outcomes!.map(({ reward }) => reward.value)
        assert.deepStrictEqual(values, task.question.list === true ? [0, 1, 0, 0] : [1, 0, 1, 1])
      }
    }).pipe(Effect.provide(layer)))

  it.effect("gives every question of a dialogue before it plays the next", () =>
    Effect.gen(function*() {
      const { tasks } = yield* environment
      const ids = (yield* tasks(4)).map(({ question }) => question.id)
      assert.deepStrictEqual(ids.toSorted(), ["q0", "q0", "q1", "q1"])
    }).pipe(Effect.provide(layer)))
})
