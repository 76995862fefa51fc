import { assert, describe, it } from "@effect/vitest"
import { AnswerAgent, Retriever } from "@memory-r1/core"
import { type Environment, type Episode, ManagerFormat, Reward } from "@memory-r1/core/rl"
import { ManagerEnvironment } from "@memory-r1/trainer"
import { Effect, Layer } from "effect"

const fact = (text: string) => ({ text, speaker: "Ann", sources: ["D1:1"] })
const asked = (question: string, gold: string, weight: number): Episode.LinkedQuestion => ({
  id: question,
  question,
  gold,
  weight
})

const episode: Episode.Episode = {
  id: "one",
  steps: [
    { fact: fact("I live in Oslo."), questions: [asked("Where does Ann live?", "Oslo", 3)] },
    {
      fact: fact("I have a dog named Buddy."),
      questions: [asked("Which dog does Ann have?", "Buddy", 3), asked("Where does Ann live?", "Oslo", 1)]
    }
  ],
  questions: []
}

const environment = ManagerEnvironment.make({
  episodes: () => episode,
  format: ManagerFormat.compact,
  maxTokens: 10,
  perFact: 5,
  perSpeaker: 5
})

type Manager = Environment.Environment<ManagerEnvironment.ManagerState, ManagerEnvironment.Failure>

// The states of the next groups, and what texts in one of them earn.
const states = ({ groups }: Manager, count: number) => Effect.map(groups(count), (all) => all.map(({ state }) => state))
const score = ({ rewards }: Manager, state: ManagerEnvironment.ManagerState, texts: ReadonlyArray<string>) =>
  rewards([{ state, actions: texts.map((text) => ({ state, text })) }])

// The reader that core has without a model: it says nothing wrong about what is in the bank.
const layer = Layer.merge(AnswerAgent.layerExtractive, Retriever.layerBm25)

describe("ManagerEnvironment", () => {
  it.effect("rewards what the answers from the changed bank earn", () =>
    Effect.gen(function*() {
      const made = yield* environment
      const [task] = yield* states(made, 1)
      const texts = [
        "ADD Ann lives in Oslo",
        "NOOP",
        "ADD Ann lives in Lima",
        "ADD Ann lives in Oslo\nADD Ann is here",
        "please"
      ]
      const [outcomes] = yield* score(made, task!, texts)
      assert.deepStrictEqual(outcomes!.map(({ reward }) => reward.parts["answers"]), [1, 0, 0, 1, 1])
      assert.deepStrictEqual(outcomes!.map(({ reward }) => Math.round(reward.value * 100) / 100), [
        0.85,
        0,
        -0.15,
        0.7,
        // What cannot be read is rejected, and the fact is kept as it was said, as a served agent keeps it.
        0.6
      ])
      assert.deepStrictEqual(outcomes!.map(({ labels }) => labels.join()), ["add", "noop", "add", "add,add", ""])
    }).pipe(Effect.provide(layer)))

  it.effect("says what a reward or a judge did not give", () =>
    Effect.gen(function*() {
      const reason = (more: Partial<ManagerEnvironment.Options>) =>
        Effect.gen(function*() {
          const made = yield* ManagerEnvironment.make({
            episodes: () => episode,
            format: ManagerFormat.compact,
            maxTokens: 10,
            perFact: 5,
            perSpeaker: 5,
            ...more
          })
          const [task] = yield* states(made, 1)
          const error = yield* Effect.flip(score(made, task!, ["ADD Ann lives in Oslo", "NOOP"]))
          assert.strictEqual(error._tag, "TrainingError")
          return error.message
        })
      for (const value of [undefined, NaN, "1"] as ReadonlyArray<unknown>) {
        const answerReward = Reward.make("broken", () => value as number)
        const shown = typeof value === "string" ? `"${value}"` : String(value)
        assert.strictEqual(
          yield* reason({ answerReward }),
          `answerReward rewards Where does Ann live? Oslo (Oslo) with ${shown}`
        )
      }
      const nothing = (() => undefined) as unknown as Reward.Reward<unknown>
      assert.match(yield* reason({ answerReward: nothing }), /with undefined$/)
      assert.strictEqual(
        yield* reason({ judge: { verdicts: () => Effect.succeed([1]) } }),
        "verdicts by the judge: 2 expected, 1 given"
      )
    }).pipe(Effect.provide(layer)))

  it.effect("differs within a group by the completion alone", () =>
    Effect.gen(function*() {
      const made = yield* environment
      const [task] = yield* states(made, 1)
      const same = new Array<string>(6).fill("ADD Ann lives in Oslo")
      const [outcomes] = yield* score(made, task!, same)
      for (const outcome of outcomes!) assert.deepStrictEqual(outcome, outcomes![0])
      // Scoring leaves no trace: the same text earns the same again, in another order too.
      const [again] = yield* score(made, task!, ["NOOP", ...same])
      assert.deepStrictEqual(again!.slice(1), outcomes!)
    }).pipe(Effect.provide(layer)))

  it.effect("goes on from the chosen completion, and opens the next dialogue at the end of one", () =>
    Effect.gen(function*() {
      const made = yield* environment
      const [first] = yield* states(made, 1)
      yield* made.advance!([{ state: first!, text: "ADD Ann lives in Oslo" }])
      const [second] = yield* states(made, 1)
      assert.strictEqual(second!.step.fact.text, "I have a dog named Buddy.")
      assert.deepStrictEqual(second!.observation.snapshot.memories.map(({ text }) => text), ["Ann lives in Oslo"])
      yield* made.advance!([{ state: second!, text: "NOOP" }])
      const [third] = yield* states(made, 1)
      assert.strictEqual(third!.step.fact.text, "I live in Oslo.")
      assert.deepStrictEqual(third!.observation.snapshot.memories, [])
    }).pipe(Effect.provide(layer)))

  it.effect("goes on with the dialogues that were open", () =>
    Effect.gen(function*() {
      const [straight, other] = [yield* environment, yield* environment]
      const [one, two] = yield* states(straight, 2)
      yield* straight.advance!([{ state: one!, text: "ADD Ann lives in Oslo" }, { state: two!, text: "NOOP" }])
      yield* other.cursor!.restore(JSON.parse(JSON.stringify(straight.cursor!.save())))
      assert.deepStrictEqual(yield* other.groups(3), yield* straight.groups(3))
    }).pipe(Effect.provide(layer)))

  it.effect("charges for banks that hold more than a share of what was said", () =>
    Effect.gen(function*() {
      const made = yield* ManagerEnvironment.make({
        episodes: () => episode,
        format: ManagerFormat.compact,
        maxTokens: 10,
        perFact: 5,
        perSpeaker: 5,
        reward: ManagerEnvironment.memorySize({ free: 0.5 })
      })
      // "I live in Oslo.": four words, of which two are free.
      const [outcomes] = yield* score(made, (yield* states(made, 1))[0]!, [
        "ADD Ann lives in Oslo",
        "ADD Oslo",
        "NOOP"
      ])
      assert.deepStrictEqual(outcomes!.map(({ reward }) => reward.value), [-0.5, 0, 0])
    }).pipe(Effect.provide(layer)))

  it.effect("weighs linked questions, and takes your reward", () =>
    Effect.gen(function*() {
      const made = yield* ManagerEnvironment.make({
        episodes: () => episode,
        format: ManagerFormat.compact,
        maxTokens: 10,
        perFact: 5,
        perSpeaker: 5,
        reward: Reward.cap(ManagerEnvironment.answersRight, 0.8)
      })
      const [first] = yield* states(made, 1)
      yield* made.advance!([{ state: first!, text: "ADD Ann lives in Oslo" }])
      const [task] = yield* states(made, 1)
      const [outcomes] = yield* score(made, task!, [
        "NOOP",
        "UPDATE 0 Ann has a dog named Buddy",
        "ADD Ann has a dog named Buddy"
      ])
      // Right about the home only: 1 of 4; about the dog only: 3 of 4; about both: 1, capped.
      assert.deepStrictEqual(outcomes!.map(({ reward }) => reward.value), [0.25, 0.75, 0.8])
    }).pipe(Effect.provide(layer)))
})
