import { NodeServices } from "@effect/platform-node"
import { assert, describe, it, layer } from "@effect/vitest"
import { MemoryBank } from "@memory-r1/core"
import type { Dialogue } from "@memory-r1/core/rl"
import { Effect } from "effect"
import { describeWith, shared } from "../../../tools/testing/needs.ts"
import * as Locomo from "../src/Locomo.ts"
import * as LocomoEpisodes from "../src/LocomoEpisodes.ts"

const at = "1:56 pm on 8 May, 2023"
const turn = (n: number, speaker: string, text: string) => ({ id: `D1:${n}`, speaker, text, observedAt: at })
const fact = (n: number, speaker: string, text: string) => ({ text, speaker, sources: [`D1:${n}`], observedAt: at })
const question = (n: number, category: number, ...evidence: ReadonlyArray<number>) => ({
  id: `conv-1/${n}`,
  question: `question ${n}`,
  answer: `answer ${n}`,
  category,
  evidence: evidence.map((turn) => `D1:${turn}`)
})

const dialogue: Dialogue.Dialogue = {
  id: "conv-1",
  speakers: ["Ann", "Bob"],
  sessions: [{
    index: 1,
    observedAt: at,
    turns: [
      turn(1, "Ann", "Hi Bob!"),
      turn(2, "Bob", "I moved to Oslo."),
      turn(3, "Ann", "I have a dog."),
      turn(4, "Bob", "And I a cat, in Oslo."),
      turn(5, "Ann", "Fine.")
    ]
  }],
  questions: [question(0, 4, 2), question(1, 1, 2, 4), question(2, 5, 3), question(3, 4, 5)],
  observations: [
    fact(2, "Bob", "Bob lives in Oslo"),
    fact(3, "Ann", "Ann has a dog"),
    fact(4, "Bob", "Bob has a cat"),
    fact(4, "Bob", "Bob's cat lives in Oslo")
  ]
}

const texts = (bank: MemoryBank.MemoryBank | undefined) =>
  MemoryBank.memories(bank ?? MemoryBank.empty).map(({ text }) => text)

describe("LocomoEpisodes.decisions", () => {
  it("has an episode for each turn that questions depend on, from the bank of the turns before", () => {
    const episodes = LocomoEpisodes.decisions([dialogue])
    assert.deepStrictEqual(episodes.map(({ id }) => id), ["conv-1/D1:2", "conv-1/D1:4", "conv-1/D1:5"])
    assert.deepStrictEqual(episodes.map(({ start }) => texts(start)), [
      [],
      ["Bob lives in Oslo", "Ann has a dog"],
      ["Bob lives in Oslo", "Ann has a dog", "Bob has a cat", "Bob's cat lives in Oslo"]
    ])
    // A fact each, with the questions whose evidence the turn is; where nobody saw a fact, the turn itself.
    assert.deepStrictEqual(
      episodes.map(({ steps }) => steps.map(({ fact, questions }) => [fact.text, ...questions.map(({ id }) => id)])),
      [
        [["Bob lives in Oslo", "conv-1/0", "conv-1/1"]],
        [["Bob has a cat", "conv-1/1"], ["Bob's cat lives in Oslo", "conv-1/1"]],
        [["Fine.", "conv-1/3"]]
      ]
    )
    assert.deepStrictEqual(episodes[0]!.steps[0]!.questions[0], {
      id: "conv-1/0",
      question: "question 0",
      gold: "answer 0"
    })
  })

  it("keeps to its window, to categories, and to turns as they were said", () => {
    assert.deepStrictEqual(texts(LocomoEpisodes.decisions([dialogue], { window: 1 })[1]!.start), ["Ann has a dog"])
    assert.deepStrictEqual(LocomoEpisodes.decisions([dialogue], { categories: [5] }).map(({ id }) => id), [
      "conv-1/D1:3"
    ])
    const [first] = LocomoEpisodes.decisions([dialogue], { facts: "turns" })
    assert.deepStrictEqual(texts(first!.start), ["Hi Bob!"])
    assert.deepStrictEqual(first!.steps.map(({ fact }) => fact), [{
      text: "I moved to Oslo.",
      speaker: "Bob",
      sources: ["D1:2"],
      observedAt: at
    }])
  })
})

describe("LocomoEpisodes.sessions", () => {
  const later = (n: number, text: string) => ({ ...turn(n, "Ann", text), id: `D2:${n}` })
  const longer: Dialogue.Dialogue = {
    ...dialogue,
    sessions: [...dialogue.sessions, { index: 2, observedAt: at, turns: [later(1, "My dog is called Rex.")] }],
    questions: [
      ...dialogue.questions,
      { ...question(4, 4), evidence: ["D2:1"] },
      { ...question(5, 1), evidence: ["D1:3", "D2:1"] },
      { ...question(6, 4), evidence: [] }
    ]
  }

  it("has a step for each fact, with its session and the questions that its turn answers", () => {
    const [episode] = LocomoEpisodes.sessions([longer])
    assert.deepStrictEqual(
      episode!.steps.map(({ fact, questions, session }) => [session, fact.text, ...questions.map(({ id }) => id)]),
      [
        [1, "Bob lives in Oslo", "conv-1/0", "conv-1/1"],
        [1, "Ann has a dog", "conv-1/5"],
        [1, "Bob has a cat", "conv-1/1"],
        [1, "Bob's cat lives in Oslo", "conv-1/1"],
        [1, "Fine.", "conv-1/3"],
        [2, "My dog is called Rex.", "conv-1/4", "conv-1/5"]
      ]
    )
  })

  it("of the beginning of a dialogue has the questions that it answers alone", () => {
    const asked = (episodes: ReturnType<typeof LocomoEpisodes.sessions>) =>
      episodes.flatMap(({ questions }) => questions.map(({ id }) => id))
    assert.deepStrictEqual(asked(LocomoEpisodes.readings([longer], { sessions: 1 })), [
      "conv-1/0",
      "conv-1/1",
      "conv-1/3"
    ])
    assert.deepStrictEqual(
      asked(LocomoEpisodes.readings([longer], { sessions: 2 })),
      asked(LocomoEpisodes.readings([longer]))
    )
    assert.lengthOf(LocomoEpisodes.sessions([longer], { sessions: 1 })[0]!.steps, 5)
    assert.lengthOf(LocomoEpisodes.decisions([longer], { sessions: 1 }), 3)
  })
})

describe("LocomoEpisodes.readings", () => {
  it("has all facts of a dialogue in order, and all its questions at the end", () => {
    const [episode] = LocomoEpisodes.readings([dialogue])
    assert.deepStrictEqual(episode!.steps.map(({ fact }) => fact.text), [
      "Bob lives in Oslo",
      "Ann has a dog",
      "Bob has a cat",
      "Bob's cat lives in Oslo",
      "Fine."
    ])
    assert.deepStrictEqual(episode!.questions.map(({ id }) => id), ["conv-1/0", "conv-1/1", "conv-1/3"])
  })
})

describeWith(shared("data/locomo/locomo10.json"), "LocomoEpisodes", (file) => {
  layer(NodeServices.layer)((it) => {
    it.effect("has every question of the paper's training dialogue, each with a turn that it depends on", () =>
      Effect.gen(function*() {
        const { train } = Locomo.split((yield* Locomo.load(file)).dialogues, "paper")
        const decisions = LocomoEpisodes.decisions(train)
        const asked = new Set(
          decisions.flatMap(({ steps }) => steps.flatMap(({ questions }) => questions.map(({ id }) => id)))
        )
        const withEvidence = Locomo.questions(train).filter(({ evidence }) => evidence.length > 0)
        assert.strictEqual(asked.size, withEvidence.length)
        for (const { start, steps } of decisions) {
          assert.isNotEmpty(steps)
          // Some turns have several observations, none has ten.
          assert.isAtMost(MemoryBank.size(start ?? MemoryBank.empty), 500)
        }
        const [reading] = LocomoEpisodes.readings(train)
        assert.lengthOf(reading!.questions, 152)
      }))
  })
})
