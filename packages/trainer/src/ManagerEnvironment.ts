/**
 * The Memory Manager's environment (paper, algorithm 5): a decision changes a fork of the bank, the frozen answer agent
 * answers the linked questions from it, and the answers are the reward.
 *
 * Several dialogues are open at a time; each continues from the decision that the policy itself took, so that training
 * sees the banks that the policy makes.
 *
 * @since 0.1.0
 */
import { AnswerAgent, MemoryBank, Retriever } from "@memory-r1/core"
import { type Environment, type Episode, type ManagerFormat, Reward, Simulation } from "@memory-r1/core/rl"
import type { Judge, Sampler } from "@memory-r1/core/rl"
import type { AiError } from "effect/ai"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Dialogues from "./internal/dialogues.ts"
import * as Given from "./internal/given.ts"
import { judged } from "./internal/judging.ts"
import type { TrainingError } from "./TrainingError.ts"

/**
 * One decision: a step of a dialogue, and the agent before it. `place` is that of the dialogue among those that are
 * open.
 *
 * @category models
 * @since 0.1.0
 */
export interface ManagerState {
  readonly place: number
  readonly step: Episode.Step
  readonly simulation: Simulation.Simulation
  readonly observation: Simulation.Observation
  readonly toldWords: number
}

/**
 * What a decision, or a sequence of decisions, led to; rewards are functions of it.
 *
 * - `answers`: the linked questions with their rewards, as answered from the changed bank.
 * - `growth`: how many memories the bank gained.
 * - `rejections`: pieces of the text that were no valid operation.
 * - `bankWords`, `toldWords`: how many words the bank holds, and how many were said in the dialogue so far.
 *
 * @category models
 * @since 0.1.0
 */
export interface ManagerOutcome {
  readonly answers: ReadonlyArray<{ readonly value: number; readonly weight: number }>
  readonly growth: number
  readonly rejections: number
  readonly bankWords: number
  readonly toldWords: number
}

/**
 * The weighted mean of the answers' rewards.
 *
 * @category rewards
 * @since 0.1.0
 */
export const answersRight: Reward.Reward<ManagerOutcome> = Reward.make("answers", ({ answers }) => {
  const weight = answers.reduce((sum, answer) => sum + answer.weight, 0)
  return weight === 0 ? 0 : answers.reduce((sum, answer) => sum + answer.weight * answer.value, 0) / weight
})

/**
 * -1 for each memory that the bank gains.
 *
 * @category rewards
 * @since 0.1.0
 */
export const growth: Reward.Reward<ManagerOutcome> = Reward.make("growth", ({ growth }) => -Math.max(0, growth))

/**
 * -1 if a part of the text is not an operation.
 *
 * @category rewards
 * @since 0.1.0
 */
export const rejected: Reward.Reward<ManagerOutcome> = Reward.make(
  "rejected",
  ({ rejections }) => rejections > 0 ? -1 : 0
)

/**
 * What Memory-R2 (arXiv 2605.21768) charges for size: nothing while the bank holds no more than the share `free` of the
 * words that were said, then how many more it holds, as a share of them: `-max(0, bankWords - free toldWords) /
 * toldWords`. Weighted with 0.2 there.
 *
 * @example
 * ```ts
 * import { ManagerEnvironment } from "@memory-r1/trainer"
 *
 * const size = ManagerEnvironment.memorySize({ free: 0.5 })
 * const outcome = { answers: [], growth: 0, rejections: 0, toldWords: 100 }
 * size({ ...outcome, bankWords: 50 }).value // => 0
 * size({ ...outcome, bankWords: 75 }).value // => -0.25
 * ```
 *
 * @category rewards
 * @since 0.1.0
 */
export const memorySize = (
  { free = 0.7 }: { readonly free?: number | undefined } = {}
): Reward.Reward<ManagerOutcome> =>
  Reward.make("memorySize", ({ bankWords, toldWords }) => {
    const over = bankWords - free * toldWords
    return over <= 0 ? 0 : -over / Math.max(toldWords, 1)
  })

/**
 * The default reward: right answers, less 0.15 for each memory that the bank gains and 0.25 if a part of the text
 * is not an operation. Without the penalty on growth a manager that only adds looks as good as one that keeps the bank
 * in order.
 *
 * @category rewards
 * @since 0.1.0
 */
export const defaultReward: Reward.Reward<ManagerOutcome> = Reward.weightedSum([[answersRight, 1], [growth, 0.15], [
  rejected,
  0.25
]])

/**
 * - `episodes`: the dialogue with a given number; numbers count up from 0.
 * - `perFact`, `perSpeaker`: how many memories a decision and an answer get to see.
 * - `reward`: of what a decision led to; `answerReward`: of one answer, exact match by default (the paper's).
 * - `judge`: whom an `answerReward` asks that reads verdicts.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly episodes: (index: number) => Episode.Episode
  readonly format: ManagerFormat.ManagerFormat
  readonly maxTokens: number
  readonly perFact: number
  readonly perSpeaker: number
  readonly reward?: Reward.Reward<ManagerOutcome> | undefined
  readonly answerReward?: Reward.Reward<Reward.JudgedOutcome> | undefined
  readonly judge?: Judge.Judge["Service"] | undefined
}

/**
 * What can go wrong in it. A `TrainingError` is for a reward, a judge or an answer agent that does not give what it was
 * asked for.
 *
 * @category models
 * @since 0.1.0
 */
export type Failure = AiError.AiError | Sampler.SamplerError | Retriever.RetrieverError | TrainingError

const words = (text: string): number => text.split(/\s+/).filter((word) => word !== "").length

/**
 * Words that were said before the end of a step, those of the bank that the dialogue began with among them.
 *
 * @category getters
 * @since 0.1.0
 */
export const toldWords = ({ start, steps }: Episode.Episode, step: number): number =>
  [...(start === undefined ? [] : MemoryBank.memories(start)), ...steps.slice(0, step + 1).map(({ fact }) => fact)]
    .reduce((sum, { text }) => sum + words(text), 0)

/**
 * A bank that decisions led to, with what is to be asked of it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Reached {
  readonly before: MemoryBank.MemoryBank
  readonly after: MemoryBank.MemoryBank
  readonly edits: ReadonlyArray<MemoryBank.Edit>
  readonly rejections: number
  readonly questions: ReadonlyArray<Episode.LinkedQuestion>
  readonly toldWords: number
}

/**
 * What banks earn: the frozen answer agent answers the questions of each from it.
 *
 * @category running
 * @since 0.1.0
 */
export const outcomesOf = Effect.fn("ManagerEnvironment.outcomesOf")(function*(
  reached: ReadonlyArray<Reached>,
  { answerReward = Reward.exactMatch, judge, perSpeaker, reward = defaultReward }: Pick<
    Options,
    "answerReward" | "judge" | "perSpeaker" | "reward"
  >
) {
  const asked = yield* Simulation.answer(
    reached.flatMap(({ after, questions }) => questions.map((question) => ({ bank: after, question }))),
    { perSpeaker }
  )
  yield* Given.expectCount(
    "answers by the answer agent",
    asked.length,
    asked.filter(({ answer }) => answer !== undefined)
  )
  const answers = yield* judged(
    asked.map(({ answer, question }) => ({
      question: question.question,
      prediction: answer.text,
      gold: question.gold,
      list: question.list === true,
      weight: question.weight ?? 1
    })),
    judge
  )
  const values = (yield* Effect.forEach(answers, (answer) => {
    const text = `${answer.question} ${answer.prediction} (${answer.gold})`
    return Effect.map(
      Given.expectNumber(`answerReward rewards ${text} with`, answerReward(answer)?.value),
      (value) => ({ value, weight: answer.weight, text })
    )
  })).values()
  return reached.map(({ after, before, edits, questions, rejections, toldWords }): Environment.Outcome => {
    const scored = questions.map(() => values.next().value!)
    const bankWords = MemoryBank.memories(after).reduce((sum, { text }) => sum + words(text), 0)
    return {
      reward: reward({
        answers: scored,
        growth: MemoryBank.size(after) - MemoryBank.size(before),
        rejections,
        bankWords,
        toldWords
      }),
      labels: edits.map((edit) => edit._tag.toLowerCase()),
      metrics: { memories: MemoryBank.size(after), rejections },
      result: scored.map(({ text }) => text).join("; ")
    }
  })
})

/**
 * Makes the environment over the provided answer agent and retriever.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fn("ManagerEnvironment.make")(function*(
  options: Options
): Effect.fn.Return<
  Environment.Environment<ManagerState, Failure>,
  never,
  AnswerAgent.AnswerAgent | Retriever.Retriever
> {
  const { episodes, format, perFact } = options
  const context = Context.pick(AnswerAgent.AnswerAgent, Retriever.Retriever)(
    yield* Effect.context<AnswerAgent.AnswerAgent | Retriever.Retriever>()
  )
  const dialogues = Dialogues.make(episodes)

  const groups = Effect.fnUntraced(function*(count: number) {
    const places = Array.from({ length: count }, (_, place) => place)
    return yield* Effect.forEach(
      places,
      Effect.fnUntraced(function*(place) {
        const { episode, simulation, step } = dialogues.at(place)
        const observation = yield* Simulation.observe(simulation, episode.steps[step]!.fact, { perFact })
        const told = toldWords(episode, step)
        return { state: { place, step: episode.steps[step]!, simulation, observation, toldWords: told } }
      })
    )
  }, Effect.provideContext(context))

  const decide = ({ state: { observation, simulation }, text }: Environment.Action<ManagerState>) => {
    const decoded = format.decode(text, observation)
    return { ...decoded, ...Simulation.step(simulation, observation, decoded) }
  }

  const rewards = Effect.fnUntraced(function*(finished: ReadonlyArray<Environment.FinishedGroup<ManagerState>>) {
    const reached = finished.flatMap(({ actions }) =>
      actions.map((action): Reached => {
        const { edits, rejections, simulation } = decide(action)
        const { simulation: before, step, toldWords } = action.state
        return {
          before: before.bank,
          after: simulation.bank,
          edits,
          rejections: rejections.length,
          questions: step.questions,
          toldWords
        }
      })
    )
    const outcomes = (yield* outcomesOf(reached, options)).values()
    return finished.map(({ actions }) => actions.map(() => outcomes.next().value!))
  }, Effect.provideContext(context))

  return {
    name: "manager",
    maxTokens: options.maxTokens,
    groups,
    observation: ({ observation }) => format.prompt(observation),
    rewards,
    advance: (actions) =>
      Effect.sync(() => {
        for (const action of actions) {
          const dialogue = dialogues.at(action.state.place)
          dialogue.simulation = decide(action).simulation
          dialogue.step++
        }
      }),
    cursor: dialogues.cursor
  }
})
