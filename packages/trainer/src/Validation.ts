/**
 * How well both agents do on dialogues that are not trained on, while one of them is trained.
 *
 * @since 0.1.0
 */
import { AnswerAgent, MemoryBank, MemoryManager } from "@memory-r1/core"
import type { Retriever } from "@memory-r1/core"
import { type Episode, Simulation, Statistics, TextMetrics } from "@memory-r1/core/rl"
import type { Sampler } from "@memory-r1/core/rl"
import type { AiError } from "effect/ai"
import * as Effect from "effect/Effect"
import type * as RunLog from "./RunLog.ts"

/**
 * - `episodes`: what is played by the manager and then asked about.
 * - `questions`: at most so many of them, spread evenly; all by default.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly episodes: ReadonlyArray<Episode.Episode>
  readonly perFact: number
  readonly perSpeaker: number
  readonly questions?: number | undefined
}

/**
 * What was found: metrics, and the answers and the bank that they come from, as the log shows them.
 *
 * @category models
 * @since 0.1.0
 */
export interface Measured {
  readonly values: Readonly<Record<"exactMatch" | "f1" | "memories", number>>
  readonly answers: RunLog.Validation["answers"]
  readonly bank: RunLog.Validation["bank"]
}

// As many as a reader wants to see.
const shown = { answers: 24, decisions: 48 } as const

// Every so many of a list, the first among them.
const spread = <A>(items: ReadonlyArray<A>, limit: number): ReadonlyArray<A> =>
  items.length <= limit
    ? items
    : Array.from({ length: limit }, (_, i) => items[Math.floor((i * items.length) / limit)]!)

type Failure = AiError.AiError | Retriever.RetrieverError | Sampler.SamplerError

/**
 * The agents that are measured.
 *
 * @category models
 * @since 0.1.0
 */
export interface Agents {
  readonly manager: MemoryManager.MemoryManager["Service"]
  readonly answer: AnswerAgent.AnswerAgent["Service"]
}

/**
 * Plays the episodes with a manager.
 *
 * @category running
 * @since 0.1.0
 */
export const play = (
  { episodes, perFact }: Options,
  { manager }: Pick<Agents, "manager">
): Effect.Effect<ReadonlyArray<Simulation.EpisodeResult>, Failure, Retriever.Retriever> =>
  Effect.provideService(Simulation.play(episodes, { perFact, name: "validate" }), MemoryManager.MemoryManager, manager)

/**
 * Asks an answer agent about what was played.
 *
 * @category running
 * @since 0.1.0
 */
export const measure = Effect.fn("Validation.measure")(function*(
  played: ReadonlyArray<Simulation.EpisodeResult>,
  { perSpeaker, questions = Infinity }: Options,
  { answer }: Pick<Agents, "answer">
): Effect.fn.Return<Measured, Failure, Retriever.Retriever> {
  const all = played.flatMap(({ banks, episode }) =>
    episode.questions.map((question) => ({ bank: banks.at(-1)!, question }))
  )
  const asked = yield* Effect.provideService(
    Simulation.answer(spread(all, questions), { perSpeaker }),
    AnswerAgent.AnswerAgent,
    answer
  )
  const scored = asked.map(({ answer, question }) => ({
    question,
    answer: answer.text,
    exactMatch: TextMetrics.squadExactMatch(answer.text, question.gold, question.list),
    f1: TextMetrics.setF1(answer.text, question.gold)
  }))
  return {
    values: {
      exactMatch: Statistics.mean(scored.map(({ exactMatch }) => exactMatch)),
      f1: Statistics.mean(scored.map(({ f1 }) => f1)),
      memories: Statistics.mean(played.map(({ banks }) => MemoryBank.size(banks.at(-1)!)))
    },
    answers: spread(scored, shown.answers).map(({ answer, exactMatch, question: { gold, id, question } }) => ({
      id,
      question,
      gold,
      answer,
      right: exactMatch === 1
    })),
    bank: played[0] === undefined ? [] : Simulation.history(played[0]).slice(0, shown.decisions)
  }
})
