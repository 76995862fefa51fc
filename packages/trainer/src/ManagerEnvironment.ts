/**
 * The Memory Manager's environment (paper, algorithm 5): a decision changes a fork of the bank, the frozen answer agent answers the
 * linked questions from it, and the answers are the reward.
 *
 * Several dialogues are open at a time; each goes on from the decision that the policy itself took, so that training sees the banks
 * that the policy makes.
 */
import { AnswerAgent, type Episode, type ManagerFormat, MemoryBank, type MemoryOperation, Playthrough, Retriever, Reward } from "@memory-r1/core"
import type { Sampler } from "@memory-r1/core"
import * as Effect from "effect/Effect"
import type { AiError } from "effect/ai"
import type { Attempt, Environment, Outcome } from "./Environment.ts"

/**
 * One decision: a step of a dialogue on the bank as it stands.
 */
export interface ManagerTask {
  readonly dialogue: number
  readonly step: Episode.Step
  readonly bank: MemoryBank.MemoryBank
  readonly snapshot: MemoryOperation.Snapshot
}

/**
 * What a decision led to; rewards are functions of it.
 *
 * - `answers`: the linked questions with their rewards, as answered from the changed bank.
 * - `growth`: how many memories the bank gained.
 * - `rejections`: pieces of the text that were no valid operation.
 */
export interface ManagerOutcome {
  readonly answers: ReadonlyArray<{ readonly value: number; readonly weight: number }>
  readonly growth: number
  readonly rejections: number
}

/**
 * The weighted mean of the answers' rewards.
 */
export const answersRight: Reward.Reward<ManagerOutcome> = Reward.make("answers", ({ answers }) => {
  const weight = answers.reduce((sum, answer) => sum + answer.weight, 0)
  return weight === 0 ? 0 : answers.reduce((sum, answer) => sum + answer.weight * answer.value, 0) / weight
})

/**
 * The default reward: right answers, less 0.15 for each memory that the bank gains and 0.25 where a part of the text is no operation.
 * Without the price on growth a manager that only adds looks as good as one that keeps the bank in order.
 */
export const defaultReward: Reward.Reward<ManagerOutcome> = Reward.weightedSum([
  [answersRight, 1],
  [Reward.make("growth", ({ growth }: ManagerOutcome) => -Math.max(0, growth)), 0.15],
  [Reward.make("rejected", ({ rejections }: ManagerOutcome) => rejections > 0 ? -1 : 0), 0.25]
])

/**
 * - `episodes`: the dialogue with a given number; numbers count up from 0.
 * - `open`: how many dialogues are open at a time. At least as many as tasks are asked for.
 * - `perFact`, `perSpeaker`: how many memories a decision and an answer get to see.
 * - `answerReward`: the reward of one answer, exact match by default (the paper's).
 */
export interface Options {
  readonly episodes: (index: number) => Episode.Episode
  readonly format: ManagerFormat.ManagerFormat
  readonly maxTokens: number
  readonly perFact: number
  readonly perSpeaker: number
  readonly reward?: Reward.Reward<ManagerOutcome>
  readonly answerReward?: Reward.Reward<Reward.AnswerOutcome>
}

interface Dialogue {
  readonly episode: Episode.Episode
  step: number
  bank: MemoryBank.MemoryBank
}

/**
 * Makes the environment over the answer agent and the retriever at hand.
 */
export const make = Effect.fn("ManagerEnvironment.make")(function*(options: Options) {
  const { answerReward = Reward.exactMatch, episodes, format, perFact, perSpeaker, reward = defaultReward } = options
  const context = yield* Effect.context<AnswerAgent.AnswerAgent | Retriever.Retriever>()
  const dialogues: Array<Dialogue> = []
  let opened = 0
  const open = (): Dialogue => {
    const episode = episodes(opened++)
    return { episode, step: 0, bank: episode.start ?? MemoryBank.empty }
  }

  const tasks = Effect.fnUntraced(function*(count: number) {
    const found: Array<ManagerTask> = []
    for (let dialogue = 0; dialogue < count; dialogue++) {
      let current = dialogues[dialogue] ?? open()
      while (current.step >= current.episode.steps.length) current = open()
      dialogues[dialogue] = current
      const step = current.episode.steps[current.step]!
      const snapshot = yield* Playthrough.snapshotFor(current.bank, step.fact, perFact)
      found.push({ dialogue, step, bank: current.bank, snapshot })
    }
    return found
  }, Effect.provideContext(context))

  const decided = ({ snapshot, step }: ManagerTask, text: string) => format.decode(text, { fact: step.fact, snapshot })

  const score = Effect.fnUntraced(function*(attempts: ReadonlyArray<Attempt<ManagerTask>>) {
    const forks = attempts.map(({ task, texts }) =>
      texts.map((text) => {
        const decoded = decided(task, text)
        return { decoded, bank: MemoryBank.applyAll(task.bank, decoded.edits) }
      })
    )
    const asked = attempts.flatMap(({ task }, i) =>
      forks[i]!.flatMap(({ bank }) => task.step.questions.map((question) => ({ bank, question })))
    )
    const answers = (yield* Playthrough.ask(asked, { perSpeaker })).values()
    return attempts.map(({ task, texts }, i) =>
      texts.map((_, g): Outcome => {
        const { bank, decoded } = forks[i]![g]!
        const scored = task.step.questions.map((question) => {
          const { answer } = answers.next().value!
          const { value } = answerReward({ prediction: answer.text, gold: question.gold, list: question.list === true })
          return { value, weight: question.weight ?? 1, text: `${question.question} ${answer.text} (${question.gold})` }
        })
        return {
          reward: reward({
            answers: scored,
            growth: MemoryBank.size(bank) - MemoryBank.size(task.bank),
            rejections: decoded.rejections.length
          }),
          labels: decoded.edits.map((edit) => edit._tag.toLowerCase()),
          result: scored.map(({ text }) => text).join("; ")
        }
      })
    )
  }, Effect.provideContext(context))

  return {
    name: "manager",
    maxTokens: options.maxTokens,
    tasks,
    prompt: ({ snapshot, step }) => format.prompt({ fact: step.fact, snapshot }),
    score,
    settle: (attempts, chosen) =>
      Effect.sync(() => {
        attempts.forEach(({ task, texts }, i) => {
          const dialogue = dialogues[task.dialogue]!
          dialogue.bank = MemoryBank.applyAll(task.bank, decided(task, texts[chosen[i]!]!).edits)
          dialogue.step++
        })
      })
  } satisfies Environment<ManagerTask, AiError.AiError | Sampler.SamplerError | Retriever.RetrieverError>
})
