import { assert, describe, it } from "@effect/vitest"
import { type Memory, MemoryBank } from "@memory-r1/core"
import { AnswerFormat, type Episode, ManagerFormat } from "@memory-r1/core/rl"
import * as Demonstrations from "../src/Demonstrations.ts"
import * as MemoryWorld from "../src/MemoryWorld.ts"
import { between, seeds } from "./support/worlds.ts"

// The memories of a prompt, as far as a prompt tells.
const memoriesOf = (lines: ReadonlyArray<string>): ReadonlyArray<Memory.Memory> =>
  MemoryBank.memories(MemoryBank.applyAll(
    MemoryBank.empty,
    lines.map((line) => MemoryBank.Edit.Add({ memory: { text: line } }))
  ))
const rowsOf = (prompt: string): ReadonlyArray<string> => {
  const rows = prompt.split("\n")
  assert.deepStrictEqual([rows[0], rows.at(-1)], ["Memories:", ""])
  return rows.slice(1, -1)
}
const full = (demonstration: Episode.Demonstration, at: number): string =>
  demonstration.prompt + (demonstration.completions[at]!.context ?? "")

describe("Demonstrations.manager", () => {
  it.prop("shows a decision on every turn of a dialogue, as ManagerFormat.compact asks for it", {
    seed: seeds,
    perFact: between(1, 10),
    samples: between(1, 3)
  }, ({
    perFact,
    samples,
    seed
  }) => {
    const { events } = MemoryWorld.generate(seed)
    const shown = Demonstrations.manager(seed, { perFact, samples })
    assert.strictEqual(shown.length, events.length)
    shown.forEach(({ completions, prompt }, i) => {
      const { observedAt, speaker, text } = events[i]!.turn
      const snapshot = { revision: 0, memories: memoriesOf(rowsOf(prompt).slice(0, -1)) }
      assert.isAtMost(snapshot.memories.length, Math.min(perFact, i))
      // Only memories of the one who speaks.
      for (const memory of snapshot.memories) assert.include(memory.text, speaker)
      const fact = { text, speaker, observedAt: observedAt!, sources: [] }
      assert.strictEqual(prompt, ManagerFormat.compact.prompt({ fact, snapshot }))
      assert.strictEqual(completions.length, samples)
      for (const { context, target } of completions) {
        assert.isUndefined(context)
        const { edits, rejections } = ManagerFormat.compact.decode(target, { fact, snapshot })
        assert.deepStrictEqual(rejections, [], target)
        assert.isAbove(edits.length, 0, target)
      }
    })
  }, { arbitrary: { runs: 60, seed: 1 } })

  it.prop("repeats itself from a seed", { seed: seeds }, ({ seed }) => {
    assert.deepStrictEqual(Demonstrations.manager(seed), Demonstrations.manager(seed))
    assert.notDeepEqual(Demonstrations.manager(seed), Demonstrations.manager(seed + 1))
  }, { arbitrary: { runs: 20, seed: 2 } })

  it("takes the world's options, and shows every operation", () => {
    const options = { sessions: 1, turnsPerSession: 6, values: "heldOut", phrasing: "heldOut" } as const
    assert.deepStrictEqual(
      Demonstrations.manager(5, options).map(({ prompt }) => rowsOf(prompt).at(-1)),
      MemoryWorld.generate(5, options).events.map(({ turn }) => `[${turn.observedAt}] ${turn.speaker}: ${turn.text}`)
    )
    const targets = Array.from({ length: 20 }, (_, seed) => Demonstrations.manager(seed)).flat().flatMap((
      { completions }
    ) => completions)
    const words = new Set(targets.flatMap(({ target }) => target.split("\n").map((line) => line.split(" ")[0])))
    assert.deepStrictEqual(words, new Set(["ADD", "UPDATE", "=", "DELETE", "NOOP"]))
  })
})

describe("Demonstrations.answers", () => {
  it.prop("contexts continue the prompt to what AnswerFormat.compact asks, and targets are answers to it", {
    seed: seeds,
    perSpeaker: between(1, 14),
    questions: between(2, 8)
  }, ({ perSpeaker, questions, seed }) => {
    const { dialogue, events } = MemoryWorld.generate(seed)
    const shown = Demonstrations.answers(seed, { perSpeaker, questions })
    assert.strictEqual(shown.length, 2)
    for (const demonstration of shown) {
      assert.isTrue(demonstration.prompt.endsWith("\n"))
      assert.isTrue(demonstration.completions.length >= 1 && demonstration.completions.length <= questions)
      demonstration.completions.forEach(({ target }, at) => {
        const rows = rowsOf(full(demonstration, at))
        const candidates = memoriesOf(rows.slice(0, -1))
        assert.isAtMost(candidates.length, Math.min(2 * perSpeaker, events.length))
        const question = rows.at(-1)!.replace(/^Question: /, "")
        assert.strictEqual(full(demonstration, at), AnswerFormat.compact.prompt({ question, candidates }))
        assert.isTrue(dialogue.speakers.some((name) => question.includes(name)), question)
        const { text, wellFormed } = AnswerFormat.compact.decode(target, { question, candidates })
        assert.isTrue(wellFormed && text !== "", target)
      })
    }
  }, { arbitrary: { runs: 60, seed: 3 } })

  it.prop(
    "the prompt is all that the questions of a small bank have in common: its memories",
    { seed: seeds },
    ({ seed }) => {
      for (const demonstration of Demonstrations.answers(seed, { perSpeaker: 100 })) {
        if (demonstration.completions.length === 1) continue
        assert.isFalse(demonstration.prompt.includes("Question:"))
        for (const { context } of demonstration.completions) assert.match(context!, /^Question: [^\n]+\n$/)
      }
    },
    { arbitrary: { runs: 40, seed: 4 } }
  )

  it.prop("the last bank is that before the last turn: what that tells is not in it", { seed: seeds }, ({ seed }) => {
    const { kind, said, slot } = MemoryWorld.generate(seed).events.at(-1)!
    if (slot?.subject === "trips" || !["new", "additive", "replace"].includes(kind)) return
    const last = Demonstrations.answers(seed, { perSpeaker: 100 })[1]!
    last.completions.forEach((_, at) => assert.notMatch(full(last, at), new RegExp(`\\b${said[0]}\\b`, "i")))
  }, { arbitrary: { runs: 40, seed: 6 } })

  it.prop("repeats itself from a seed", { seed: seeds }, ({ seed }) => {
    assert.deepStrictEqual(Demonstrations.answers(seed), Demonstrations.answers(seed))
    assert.notDeepEqual(Demonstrations.answers(seed), Demonstrations.answers(seed + 1))
  }, { arbitrary: { runs: 20, seed: 5 } })

  it("shows answers of all kinds: one value, a list, none", () => {
    const targets = Array.from({ length: 20 }, (_, seed) => Demonstrations.answers(seed)).flat().flatMap((
      { completions }
    ) => completions)
    const answers = targets.map(({ target }) =>
      AnswerFormat.compact.decode(target, { question: "", candidates: [] }).text
    )
    assert.isTrue(answers.some((answer) => / and /.test(answer)))
    assert.isTrue(answers.some((answer) => answer !== "none" && /^\S+$/.test(answer)))
    assert.isTrue(answers.some((answer) => answer === "none"))
    assert.isTrue(answers.some((answer) => answer.endsWith(" 2023")))
  })
})
