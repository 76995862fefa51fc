import { assert, describe, it } from "@effect/vitest"
import { AnswerAgent, MemoryBank, Retriever } from "@memory-r1/core"
import { type Episode, ManagerFormat } from "@memory-r1/core/rl"
import { Batch, Rollout, SessionEnvironment } from "@memory-r1/trainer"
import { Effect, Layer, Random } from "effect"
import * as Scripted from "./support/scripted.ts"

const said = (text: string, session: number, questions: ReadonlyArray<Episode.LinkedQuestion>): Episode.Step => ({
  fact: { text, speaker: "Ann", sources: [`D${session}`] },
  session,
  questions
})
const home = (gold: string, weight = 1): Episode.LinkedQuestion => ({
  id: `home ${gold}`,
  question: "Where does Ann live?",
  gold,
  subject: "home",
  weight
})
const dog: Episode.LinkedQuestion = { id: "dog", question: "Which dog does Ann have?", gold: "Buddy" }

const episode: Episode.Episode = {
  id: "one",
  steps: [
    said("I live in Oslo.", 1, [home("Oslo", 3)]),
    said("I have a dog named Buddy.", 1, [dog]),
    said("I moved to Lima.", 1, [home("Lima")]),
    said("I have a cat named Tom.", 2, [dog])
  ],
  questions: []
}

const make = (options: Partial<SessionEnvironment.Options> = {}) =>
  SessionEnvironment.make({
    episodes: () => episode,
    format: ManagerFormat.compact,
    maxTokens: 24,
    perFact: 5,
    perSpeaker: 5,
    ...options
  })

const layer = Layer.merge(AnswerAgent.layerExtractive, Retriever.layerBm25)

// Decides by what was said, rightly or not.
const right: Readonly<Record<string, string>> = {
  Oslo: "ADD Ann lives in Oslo",
  Buddy: "ADD Ann has a dog named Buddy",
  Lima: "UPDATE Ann lives in Oslo\n= Ann lives in Lima",
  Tom: "ADD Ann has a cat named Tom"
}

const collect = (
  environment: Effect.Success<ReturnType<typeof make>>,
  decide: (prompt: string, member: number) => string,
  count = 1,
  groupSize = 2
) => Rollout.collect(environment, Scripted.sampler(decide), { count, groupSize, temperature: 1 })

const about = (prompt: string): string =>
  Object.keys(right).findLast((name) => prompt.slice(prompt.lastIndexOf("\n", prompt.length - 2)).includes(name))!

describe("SessionEnvironment", () => {
  it.effect("rewards a session at its end, by the last question about each subject", () =>
    Effect.gen(function*() {
      const environment = yield* make({ local: 0 })
      const { groups: [group] } = yield* collect(environment, (prompt, member) =>
        member === 0 ? right[about(prompt)]! : "NOOP")
      // Three decisions, of which the second and the third followed the first; the cat is of another session.
      assert.deepStrictEqual(
        group!.trajectories.map(({ transitions }) =>
          transitions.length
        ),
        [3, 3]
      )
      assert.strictEqual(group!.credit, "all")
      const [good, bad] = group!.trajectories.map(({ outcome }) => outcome)
      assert.strictEqual(good!.reward.parts["answers"], 1)
      assert.deepStrictEqual(good!.labels, ["add", "add", "update"])
      // Nothing was said of Oslo, so it cannot be changed, and the fact is kept as it was said: of the two subjects the
      // dog is right, with a weight of 1 in 4.
      assert.deepStrictEqual(bad!.reward.parts, { answers: 0.25, growth: -2, rejected: -1 })
      assert.deepStrictEqual(bad!.labels, ["noop", "add"])
      assert.include(good!.result, "Where does Ann live? Lima (Lima)")
      assert.notInclude(good!.result, "(Oslo)")
    }).pipe(Effect.provide(layer), Random.withSeed(1)))

  it.effect("goes on from the sequence that was drawn, session by session", () =>
    Effect.gen(function*() {
      const environment = yield* make({ local: 0 })
      yield* collect(environment, (prompt) => right[about(prompt)]!)
      const [group] = yield* environment.groups(1)
      const next = group?.state
      assert.strictEqual(next!.episode.steps[next!.at]!.fact.text, "I have a cat named Tom.")
      assert.deepStrictEqual(MemoryBank.memories(next!.simulation.bank).map(({ text }) => text), [
        "Ann lives in Lima",
        "Ann has a dog named Buddy"
      ])
      assert.strictEqual(next!.until, 4)
    }).pipe(Effect.provide(layer), Random.withSeed(1)))

  it.effect("rolls out again from states that the policy reached; credits the decision on the shared snapshot", () =>
    Effect.gen(function*() {
      const environment = yield* make({ local: 0.5 })
      const first = yield* collect(environment, (prompt) => right[about(prompt)]!, 2)
      // There is no state to begin from before the first session was played.
      assert.deepStrictEqual(first.groups.map(({ credit }) => credit), ["all", "all"])
      const { groups } = yield* collect(
        environment,
        (prompt, member) => member === 0 ? right[about(prompt)]! : "NOOP",
        2
      )
      const [whole, local] = groups
      assert.deepStrictEqual([whole!.credit, local!.credit], ["all", "first"])
      // It begins on a bank that holds what was decided before.
      assert.include(local!.observation, "Ann lives in Oslo")
      assert.deepStrictEqual(Batch.promptGroups([local!]).map(({ completions }) => completions.length), [2])
      // What follows is the policy's, and is rewarded at the session's end: the same questions for all.
      const asked = local!.trajectories.map(({ outcome: { result } }) => result.replaceAll(/\? .*? \(/g, "? ("))
      assert.strictEqual(asked[0], asked[1])
    }).pipe(Effect.provide(layer), Random.withSeed(2)))

  it.effect("differs within a group by the completions alone", () =>
    Effect.gen(function*() {
      const environment = yield* make({ local: 0.5 })
      for (let round = 0; round < 2; round++) {
        const { groups } = yield* collect(environment, (prompt) => right[about(prompt)]!, 2, 5)
        for (const { trajectories: [first, ...others] } of groups) {
          for (const { outcome } of others) assert.deepStrictEqual(outcome, first!.outcome)
        }
      }
    }).pipe(Effect.provide(layer), Random.withSeed(3)))

  it.effect("cuts long sessions, and goes on from where it was saved", () =>
    Effect.gen(function*() {
      const straight = yield* make({ longest: 2 })
      const steps = function*(environment: typeof straight, count: number, from: number) {
        const seen: Array<unknown> = []
        for (let step = from; step < from + count; step++) {
          const { groups } = yield* collect(environment, (prompt, member) =>
            member === step % 2 ? right[about(prompt)]! : "NOOP", 3).pipe(Random.withSeed(step))
          seen.push(groups.map(({ credit, observation, trajectories }) => [
            observation,
            credit,
            trajectories.map(({ outcome, transitions }) => [
              transitions.map(({ text }) =>
                text
              ),
              outcome
            ])
          ]))
          for (const { transitions } of groups.flatMap(({ trajectories }) => trajectories)) {
            assert.isAtMost(transitions.length, 2)
          }
        }
        return seen
      }
      const all = yield* steps(straight, 6, 0)
      const stopped = yield* make({ longest: 2 })
      const before = yield* steps(stopped, 3, 0)
      const saved: unknown = JSON.parse(JSON.stringify(stopped.cursor!.save()))
      const resumed = yield* make({ longest: 2 })
      yield* resumed.cursor!.restore(saved)
      assert.deepStrictEqual([...before, ...(yield* steps(resumed, 3, 3))], all)
    }).pipe(Effect.provide(layer)))
})
