/**
 * The Answer Agent's environment (paper, algorithm 4): a question with its candidate memories, rewarded by the final
 * answer.
 *
 * The banks are those of a fixed manager: dialogues are played with it, and every one of their questions is a state.
 *
 * @since 0.1.0
 */
import { MemoryBank, MemoryManager, Retriever } from "@memory-r1/core"
import type { Memory } from "@memory-r1/core"
import { type AnswerFormat, Cursor, type Environment, type Episode, Reward, Simulation } from "@memory-r1/core/rl"
import type { Judge, Sampler } from "@memory-r1/core/rl"
import type { AiError } from "effect/ai"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import { judged } from "./internal/judging.ts"
import { TrainingError } from "./TrainingError.ts"

/**
 * A question with its candidates.
 *
 * @category models
 * @since 0.1.0
 */
export interface AnswerState {
  readonly question: Episode.LinkedQuestion
  readonly candidates: ReadonlyArray<Memory.Memory>
}

/**
 * An answer with the gold answer, and whether it followed the format, which the default reward does not ask; rewards
 * are functions of it.
 *
 * @category models
 * @since 0.1.0
 */
export interface AnswerOutcome extends Reward.JudgedOutcome {
  readonly wellFormed: boolean
}

/**
 * The default reward: exact match, the paper's. There is no penalty on the form: a text that does not follow it is
 * seldom right anyway, and a penalty falls on every line that is quoted with a slip, never on "= none".
 *
 * @category rewards
 * @since 0.1.0
 */
export const defaultReward: Reward.Reward<AnswerOutcome> = Reward.exactMatch

/**
 * 1 for an answer in the format. Give it a small weight: rewarded with more than 0.2 agents learn the format and
 * nothing else.
 *
 * @category rewards
 * @since 0.1.0
 */
export const format: Reward.Reward<AnswerOutcome> = Reward.make("format", ({ wellFormed }) => wellFormed ? 1 : 0)

/**
 * - `episodes`: the dialogue with a given number; numbers count up from 0.
 * - `play`: how many dialogues are played at a time.
 * - `perFact`, `perSpeaker`: how many memories the manager's decisions and the answers get to see (the paper: 30 for
 *   each of two speakers, so 60 candidates at most).
 * - `judge`: whom a reward asks that reads verdicts.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly episodes: (index: number) => Episode.Episode
  readonly format: AnswerFormat.AnswerFormat
  readonly maxTokens: number
  readonly perFact: number
  readonly perSpeaker: number
  readonly play?: number | undefined
  readonly reward?: Reward.Reward<AnswerOutcome> | undefined
  readonly judge?: Judge.Judge["Service"] | undefined
}

// A question that waits, and where it is asked: at the end of an episode, or at one of its steps.
interface Waiting {
  readonly bank: MemoryBank.MemoryBank
  readonly index: number
  readonly step: number | null
  readonly place: number
  readonly question: Episode.LinkedQuestion
}

const questionsAt = (
  { questions, steps }: Episode.Episode,
  step: number | null
): ReadonlyArray<Episode.LinkedQuestion> => step === null ? questions : steps[step]!.questions

// Banks are many questions' own: each is saved once.
const Saved = Schema.Struct({
  played: Schema.Int,
  banks: Schema.Array(MemoryBank.Json),
  waiting: Schema.Array(
    Schema.Struct({ bank: Schema.Int, index: Schema.Int, step: Schema.NullOr(Schema.Int), place: Schema.Int })
  )
})

// So many dialogues in a row may have no question.
const patience = 1000

const words = (text: string): number => text.split(/\s+/).filter((word) => word !== "").length

/**
 * Makes the environment over the provided manager and retriever. The order of questions is drawn from Effect's
 * `Random`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fn("AnswerEnvironment.make")(function*(
  options: Options
): Effect.fn.Return<
  Environment.Environment<
    AnswerState,
    AiError.AiError | Sampler.SamplerError | Retriever.RetrieverError | TrainingError
  >,
  never,
  MemoryManager.MemoryManager | Retriever.Retriever
> {
  const { episodes, format, judge, perFact, perSpeaker, play = 32, reward = defaultReward } = options
  // These alone: random numbers are those of the step.
  const context = Context.pick(MemoryManager.MemoryManager, Retriever.Retriever)(
    yield* Effect.context<MemoryManager.MemoryManager | Retriever.Retriever>()
  )
  let waiting: Array<Waiting> = []
  let played = 0

  const groups = Effect.fnUntraced(function*(count: number) {
    const random = yield* Random.Random
    const before = played
    while (waiting.length < count) {
      if (waiting.length === 0 && played - before >= patience) {
        return yield* new TrainingError({ reason: `${patience} dialogues in a row have no question` })
      }
      const first = played
      played += play
      const results = yield* Simulation.play(Array.from({ length: play }, (_, i) => episodes(first + i)), {
        perFact
      })
      for (const [i, { banks, episode }] of results.entries()) {
        const all = (bank: MemoryBank.MemoryBank, step: number | null) =>
          questionsAt(episode, step).map((question, place): Waiting => ({
            bank,
            index: first + i,
            step,
            place,
            question
          }))
        waiting.push(...all(banks.at(-1)!, null))
        // And banks on the way there, with the questions that were linked to that step.
        const middle = Math.floor(random.nextDoubleUnsafe() * episode.steps.length)
        waiting.push(...all(banks[middle + 1]!, middle))
      }
    }
    return yield* Effect.forEach(Array.from({ length: count }), () => {
      const [{ bank, question }] = waiting.splice(Math.floor(random.nextDoubleUnsafe() * waiting.length), 1) as [
        Waiting
      ]
      return Effect.map(
        Simulation.ask({ bank }, question.question, { perSpeaker }),
        ({ candidates }) => ({ state: { question, candidates } })
      )
    })
  }, Effect.provideContext(context))

  const rewards = Effect.fnUntraced(function*(finished: ReadonlyArray<Environment.FinishedGroup<AnswerState>>) {
    const answers = finished.flatMap(({ actions, state: { candidates, question } }) =>
      actions.map(({ text }) => {
        const { text: prediction, wellFormed } = format.decode(text, { question: question.question, candidates })
        return {
          question: question.question,
          prediction,
          gold: question.gold,
          list: question.list === true,
          kind: question.kind ?? "answer",
          wellFormed
        }
      })
    )
    const outcomes = (yield* judged(answers, judge)).values()
    return finished.map(({ actions }) =>
      actions.map((): Environment.Outcome => {
        const answer = outcomes.next().value!
        return {
          reward: reward(answer),
          labels: [answer.kind],
          metrics: { answerWords: words(answer.prediction), wellFormed: answer.wellFormed ? 1 : 0 },
          result: `${answer.question} ${answer.prediction} (${answer.gold})`
        }
      })
    )
  })

  return {
    name: "answer",
    maxTokens: options.maxTokens,
    groups,
    observation: ({ candidates, question }) => format.prompt({ question: question.question, candidates }),
    rewards,
    cursor: Cursor.make(Saved, {
      save: () => {
        const banks = [...new Set(waiting.map(({ bank }) => bank))]
        const places = new Map(banks.map((bank, place) => [bank, place]))
        return {
          played,
          banks: banks.map(MemoryBank.toJson),
          waiting: waiting.map(({ bank, index, place, step }) => ({ index, place, step, bank: places.get(bank)! }))
        }
      },
      restore: (saved) => {
        const banks = saved.banks.map(MemoryBank.fromJson)
        played = saved.played
        waiting = saved.waiting.map(({ bank, index, place, step }) => ({
          bank: banks[bank]!,
          index,
          place,
          step,
          question: questionsAt(episodes(index), step)[place]!
        }))
      }
    })
  }
})
