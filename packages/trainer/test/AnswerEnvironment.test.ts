import { assert, describe, it } from "@effect/vitest"
import { MemoryManager, Retriever } from "@memory-r1/core"
import { AnswerFormat, type Episode, Judge, Progress, Reward } from "@memory-r1/core/rl"
import { AnswerEnvironment } from "@memory-r1/trainer"
import { Effect, Layer, Random } from "effect"

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

const options = {
  episodes: () => episode,
  format: AnswerFormat.compact,
  maxTokens: 10,
  perFact: 5,
  perSpeaker: 30,
  play: 1
}
const environment = AnswerEnvironment.make(options)
const layer = Layer.merge(MemoryManager.layerAddOnly, Retriever.layerBm25)

describe("AnswerEnvironment", () => {
  it.effect("shows 30 candidates of each speaker, 60 in all, out of the manager's bank", () =>
    Effect.gen(function*() {
      const { groups, observation } = yield* environment
      const task = (yield* groups(1))[0]?.state
      assert.strictEqual(task!.candidates.length, 60)
      for (const speaker of speakers) {
        assert.strictEqual(task!.candidates.filter((memory) => memory.speaker === speaker).length, 30)
      }
      assert.include(observation(task!), "Question: Which")
    }).pipe(Effect.provide(layer)))

  it.effect("rewards the exact answer, lists in any order, whatever its form", () =>
    Effect.gen(function*() {
      const { groups, rewards } = yield* environment
      const all = yield* groups(2)
      for (const { state: task } of all) {
        const texts = [
          `${task.candidates[3]!.speaker}: ${task.candidates[3]!.text}\n= 7`,
          "= 8 and 7",
          "7",
          "Thing number 99.\n= 7"
        ]
        const [outcomes] = yield* rewards([{ state: task, actions: texts.map((text) => ({ state: task, text })) }])
        const values = outcomes!.map(({ reward }) => reward.value)
        assert.deepStrictEqual(values, task.question.list === true ? [0, 1, 0, 0] : [1, 0, 1, 1])
      }
    }).pipe(Effect.provide(layer)))

  it.effect("goes on with the questions that were waiting, from the banks that they wait on", () =>
    Effect.gen(function*() {
      const [straight, other] = [yield* environment, yield* environment]
      const drawn = (of: typeof straight, seeds: ReadonlyArray<number>) =>
        Effect.forEach(seeds, (seed) => Effect.map(Random.withSeed(of.groups(1), seed), ([group]) => group))
      yield* drawn(straight, [1])
      yield* other.cursor!.restore(JSON.parse(JSON.stringify(straight.cursor!.save())))
      assert.deepStrictEqual(yield* drawn(other, [2, 3, 4]), yield* drawn(straight, [2, 3, 4]))
      // The order of tasks is drawn from the random numbers of the moment, not of the moment when the environment was
      // made.
      const [one, two] = [yield* Random.withSeed(environment, 1), yield* Random.withSeed(environment, 2)]
      assert.deepStrictEqual(yield* drawn(one, [5, 6, 7]), yield* drawn(two, [5, 6, 7]))
    }).pipe(Effect.provide(layer)))

  it.effect("pays for the format where that is asked, and for what a judge says", () =>
    Effect.gen(function*() {
      const judge = yield* Judge.make(({ gold, prediction }) => Effect.succeed(prediction.includes(gold) ? 1 : 0))
      const { groups, rewards } = yield* AnswerEnvironment.make({
        ...options,
        judge,
        reward: Reward.weightedSum<AnswerEnvironment.AnswerOutcome>([[Reward.judge, 1], [
          AnswerEnvironment.format,
          0.1
        ]])
      })
      const task = (yield* groups(1))[0]?.state
      const { gold } = task!.question
      const texts = [`= it is ${gold}, I think`, "= 99", gold]
      const actions = texts.map((text) => ({ state: task!, text }))
      const [outcomes] = yield* rewards([{ state: task!, actions }])
      assert.deepStrictEqual(outcomes!.map(({ reward }) => reward.value), [1.1, 0.1, 1])
      assert.deepStrictEqual(outcomes!.map(({ metrics }) => metrics!["wellFormed"]), [1, 1, 0])
      assert.strictEqual(outcomes![0]!.metrics!["answerWords"], 4 + gold.split(" ").length)
    }).pipe(Effect.provide(layer)))

  it.effect("gives every question of a dialogue before it plays the next", () =>
    Effect.gen(function*() {
      const { groups } = yield* environment
      const ids = (yield* groups(4)).map(({ state }) => state.question.id)
      assert.deepStrictEqual(ids.toSorted(), ["q0", "q0", "q1", "q1"])
    }).pipe(Effect.provide(layer)))

  it.effect("reports how far it is with the dialogues that it plays", () =>
    Effect.gen(function*() {
      const said: Array<string> = []
      const shown: Progress.Service = {
        line: () => Effect.void,
        phase: (_, __, run) => run({ update: () => Effect.void }),
        part: (name, total, run) =>
          run({ update: (done) => Effect.sync(() => void said.push(`${name}: ${done}/${total}`)) })
      }
      const { groups } = yield* environment
      yield* Effect.provideService(groups(1), Progress.Progress, shown)
      assert.lengthOf(said, 80)
      assert.strictEqual(said.at(-1), "play dialogues (1): 80/80")
    }).pipe(Effect.provide(layer)))
})
