/**
 * The Answer Agent's environment (paper, algorithm 4): a question with its candidate memories, rewarded by the final answer.
 *
 * The banks are those of a fixed manager: dialogues are played with it, and every one of their questions is a task.
 */
import { type AnswerFormat, type Episode, MemoryAgent, type MemoryBank, MemoryManager, Playthrough, Retriever, Reward } from "@memory-r1/core"
import type { Memory, Sampler } from "@memory-r1/core"
import * as Effect from "effect/Effect"
import type { AiError } from "effect/ai"
import type { Environment, Outcome } from "./Environment.ts"

/**
 * One question with its candidates.
 */
export interface AnswerTask {
  readonly question: Episode.LinkedQuestion
  readonly candidates: ReadonlyArray<Memory.Memory>
}

/**
 * An answer with the gold answer, and whether it followed the format, which the default reward does not ask; rewards are functions of it.
 */
export interface AnswerOutcome extends Reward.AnswerOutcome {
  readonly wellFormed: boolean
}

/**
 * The default reward: exact match, the paper's. There is no price on the form: a text out of it is seldom right anyway, and and
 * a price on it falls on every line that is quoted with a slip, never on "= none".
 */
export const defaultReward: Reward.Reward<AnswerOutcome> = Reward.exactMatch

/**
 * - `episodes`: the dialogue with a given number; numbers count up from 0.
 * - `play`: how many dialogues are played at a time.
 * - `perFact`, `perSpeaker`: how many memories the manager's decisions and the answers get to see (the paper: 30 for each of two
 *   speakers, so 60 candidates at most).
 */
export interface Options {
  readonly episodes: (index: number) => Episode.Episode
  readonly format: AnswerFormat.AnswerFormat
  readonly maxTokens: number
  readonly perFact: number
  readonly perSpeaker: number
  readonly play?: number
  readonly reward?: Reward.Reward<AnswerOutcome>
  /** A number in [0, 1) that decides the order of tasks. */
  readonly random: () => number
}

/**
 * Makes the environment over the manager and the retriever at hand.
 */
export const make = Effect.fn("AnswerEnvironment.make")(function*(options: Options) {
  const { episodes, format, perFact, perSpeaker, play = 32, random, reward = defaultReward } = options
  const context = yield* Effect.context<MemoryManager.MemoryManager | Retriever.Retriever>()
  const waiting: Array<{ readonly bank: MemoryBank.MemoryBank; readonly question: Episode.LinkedQuestion }> = []
  let played = 0

  const tasks = Effect.fnUntraced(function*(count: number) {
    while (waiting.length < count) {
      const batch = Array.from({ length: play }, () => episodes(played++))
      for (const { banks, episode } of yield* Playthrough.play(batch, { perFact })) {
        const bank = banks.at(-1)!
        waiting.push(...episode.questions.map((question) => ({ bank, question })))
        // And banks on the way there, with the questions that were linked to that step.
        const middle = Math.floor(random() * episode.steps.length)
        waiting.push(...episode.steps[middle]!.questions.map((question) => ({ bank: banks[middle + 1]!, question })))
      }
    }
    return yield* Effect.forEach(Array.from({ length: count }), () => {
      const [{ bank, question }] = waiting.splice(Math.floor(random() * waiting.length), 1) as [typeof waiting[number]]
      return Effect.map(
        MemoryAgent.candidatesFor(bank, question.question, perSpeaker),
        (candidates): AnswerTask => ({ question, candidates })
      )
    })
  }, Effect.provideContext(context))

  return {
    name: "answer",
    maxTokens: options.maxTokens,
    tasks,
    prompt: ({ candidates, question }) => format.prompt({ question: question.question, candidates }),
    score: (attempts) =>
      Effect.sync(() =>
        attempts.map(({ task: { candidates, question }, texts }) =>
          texts.map((text): Outcome => {
            const answer = format.decode(text, { question: question.question, candidates })
            return {
              reward: reward({
                prediction: answer.text,
                gold: question.gold,
                list: question.list === true,
                wellFormed: answer.wellFormed
              }),
              labels: [question.kind ?? "answer"],
              result: `${question.question} ${answer.text} (${question.gold})`
            }
          })
        )
      ),
    settle: () => Effect.void
  } satisfies Environment<AnswerTask, AiError.AiError | Sampler.SamplerError | Retriever.RetrieverError>
})
