/**
 * Many episodes played side by side: each manager decision is a batch over the episodes, each episode's facts come
 * in their order.
 */
import * as Effect from "effect/Effect"
import { AnswerAgent } from "./AnswerAgent.ts"
import type { Answer } from "./AnswerFormat.ts"
import type { Episode, LinkedQuestion } from "./Episode.ts"
import type { Memory } from "./Memory.ts"
import * as MemoryBank from "./MemoryBank.ts"
import { type Decision, MemoryManager } from "./MemoryManager.ts"
import type { Snapshot } from "./MemoryOperation.ts"
import * as Retriever from "./Retriever.ts"

/**
 * An episode with the bank after each step (`banks[0]` is what it began with, `banks.at(-1)` the last one) and the
 * decision of each step.
 */
export interface Played {
  readonly episode: Episode
  readonly banks: ReadonlyArray<MemoryBank.MemoryBank>
  readonly decisions: ReadonlyArray<Decision>
}

/**
 * The memories that a decision about a fact gets to see: the nearest `perFact` of the fact's speaker, oldest first.
 */
export const snapshotFor = Effect.fnUntraced(function*(
  bank: MemoryBank.MemoryBank,
  fact: { readonly text: string; readonly speaker: string },
  perFact: number
) {
  const retriever = yield* Retriever.Retriever
  const found = yield* retriever.retrieve(bank, { text: fact.text, speaker: fact.speaker, limit: perFact })
  return {
    revision: bank.revision,
    memories: Retriever.inOrder(bank, found.map(({ memory }) => memory))
  } satisfies Snapshot
})

/**
 * Plays episodes with the manager at hand.
 *
 * @example
 * ```ts
 * import { MemoryBank, MemoryManager, Playthrough, Retriever } from "@memory-r1/core"
 * import { Effect, Layer } from "effect"
 *
 * const fact = { text: "I live in Oslo.", speaker: "Ann", sources: ["D1:1"] }
 * const episode = { id: "one", steps: [{ fact, questions: [] }], questions: [] }
 * const [played] = await Effect.runPromise(Playthrough.play([episode], { perFact: 5 }).pipe(
 *   Effect.provide(Layer.merge(MemoryManager.layerAddOnly, Retriever.layerBm25))
 * ))
 * played!.banks.map(MemoryBank.size) // => [0, 1]
 * ```
 */
export const play = Effect.fn("Playthrough.play")(function*(
  episodes: ReadonlyArray<Episode>,
  options: {
    readonly perFact: number
    readonly onStep?: ((step: number, steps: number) => Effect.Effect<void>) | undefined
  }
) {
  const manager = yield* MemoryManager
  const played = episodes.map((episode) => ({
    episode,
    banks: [episode.start ?? MemoryBank.empty],
    decisions: [] as Array<Decision>
  }))
  const steps = Math.max(0, ...episodes.map((episode) => episode.steps.length))
  for (let step = 0; step < steps; step++) {
    const open = played.filter(({ episode }) => step < episode.steps.length)
    const requests = yield* Effect.forEach(open, ({ banks, episode }) => {
      const { fact } = episode.steps[step]!
      return Effect.map(snapshotFor(banks.at(-1)!, fact, options.perFact), (snapshot) => ({ fact, snapshot }))
    })
    const decisions = yield* manager.decide(requests)
    open.forEach(({ banks, decisions: earlier }, i) => {
      earlier.push(decisions[i]!)
      banks.push(MemoryBank.applyAll(banks.at(-1)!, decisions[i]!.edits))
    })
    if (options.onStep !== undefined) yield* options.onStep(step + 1, steps)
  }
  return played satisfies ReadonlyArray<Played>
})

/**
 * One moment in the history of a bank: what was said, what was decided, and the memories after it.
 */
export interface Moment {
  readonly fact: string
  readonly decision: string
  readonly memories: ReadonlyArray<string>
}

/**
 * What became of a bank, decision by decision, in words.
 */
export const history = ({ banks, decisions, episode }: Played): ReadonlyArray<Moment> =>
  decisions.map(({ edits }, i) => {
    const { fact } = episode.steps[i]!
    return {
      fact: `${fact.speaker}: ${fact.text}`,
      decision: MemoryBank.inWords(banks[i]!, edits),
      memories: MemoryBank.memories(banks[i + 1]!).map(({ text }) => text)
    }
  })

/**
 * A question that was asked of a bank.
 */
export interface Asked {
  readonly question: LinkedQuestion
  readonly candidates: ReadonlyArray<Memory>
  readonly answer: Answer
}

/**
 * Asks questions of banks with the answer agent at hand; the result has the order of what is asked.
 */
export const ask = Effect.fn("Playthrough.ask")(function*(
  questions: ReadonlyArray<{ readonly bank: MemoryBank.MemoryBank; readonly question: LinkedQuestion }>,
  options: { readonly perSpeaker: number }
) {
  const agent = yield* AnswerAgent
  const candidates = yield* Effect.forEach(
    questions,
    ({ bank, question }) => Retriever.candidatesFor(bank, question.question, options.perSpeaker)
  )
  const answers = yield* agent.answer(
    questions.map(({ question }, i) => ({ question: question.question, candidates: candidates[i]! }))
  )
  return questions.map(({ question }, i): Asked => ({ question, candidates: candidates[i]!, answer: answers[i]! }))
})
