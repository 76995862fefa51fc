// A data set for whole runs: facts and questions about letters, which a model of characters can be asked about.
import type { Episode } from "@memory-r1/core/rl"
import { Dataset, Registry } from "@memory-r1/trainer"
import { Effect, Schema } from "effect"

const letters = "abcdefgh"

const episode = (index: number, sessions = 2): Episode.Episode => {
  const steps = Array.from({ length: 2 * sessions }, (_, i): Episode.Step => {
    const letter = letters[(3 * index + i) % letters.length]!
    return {
      fact: { text: `the ${letter}`, speaker: "Ann", sources: [`D${index}:${i}`] },
      session: 1 + Math.floor(i / 2),
      questions: [{ id: `${index}/${i}`, question: "what", gold: `the ${letter}`, subject: "what" }]
    }
  })
  return { id: `letters-${index}`, steps, questions: steps.flatMap(({ questions }) => questions) }
}

// What decisions look like, so that some are operations and some are not.
const demonstration = (index: number): Episode.Demonstration => ({
  prompt: `Memories:\nAnn: the ${letters[index % letters.length]!}\n`,
  completions: [{ target: index % 2 === 0 ? "NOOP" : "ADD" }, { context: "a", target: "cat".slice(0, 1 + index % 3) }]
})

export const letterData = Dataset.define({
  options: Schema.Struct({ first: Schema.optional(Schema.Int) }),
  limits: { perFact: 8, perSpeaker: 12 },
  load: () =>
    Effect.succeed({
      episodes: {
        decision: ({ sessions }) => (index) => episode(index, sessions),
        session: ({ sessions }) => (index) => episode(index, sessions),
        answer: ({ sessions }) => (index) => episode(index, sessions)
      },
      play: 2,
      validation: (dialogues) => Array.from({ length: dialogues }, (_, i) => episode(1000 + i)),
      teacher: {
        // Of different numbers, so that a pool ends in the middle of one.
        decisions: () => (index) => Array.from({ length: 1 + index % 4 }, (_, i) => demonstration(5 * index + i)),
        answers: () => (index) => Array.from({ length: index % 3 }, (_, i) => demonstration(7 * index + i))
      },
      exercises: { repeats: (index) => [demonstration(index), demonstration(index + 1), demonstration(index + 2)] }
    })
})

export const registry = Registry.make({ datasets: { letters: letterData } })
