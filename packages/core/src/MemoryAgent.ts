/**
 * The memory of an agent, end to end: from a turn to a new bank, from a question to an answer.
 */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { AnswerAgent } from "./AnswerAgent.ts"
import { FactExtractor } from "./FactExtractor.ts"
import type { Memory } from "./Memory.ts"
import * as MemoryBank from "./MemoryBank.ts"
import { type Decision, MemoryManager } from "./MemoryManager.ts"
import { MemoryStore } from "./MemoryStore.ts"
import { Retriever } from "./Retriever.ts"
import type { Scope } from "./Scope.ts"
import type { Turn } from "./Turn.ts"

/**
 * What became of a turn: a decision for each of its facts, in order.
 */
export interface Remembered {
  readonly decisions: ReadonlyArray<Decision>
}

/**
 * How many memories a decision and an answer get to see. The defaults are those of the paper's authors: 5 for each fact, 30 for
 * each speaker at question time.
 */
export interface Limits {
  readonly perFact?: number
  readonly perSpeaker?: number
}

/**
 * Extracts the facts of a turn, and for each: retrieves memories of its speaker, decides, commits. Where somebody else has
 * committed in between, the decision is made again on the new snapshot.
 *
 * @example
 * ```ts
 * import { AnswerAgent, FactExtractor, MemoryAgent, MemoryManager, MemoryStore, Retriever, Scope } from "@memory-r1/core"
 * import { Effect, Layer } from "effect"
 *
 * const scope = Scope.make({ user: "ann" })
 * const program = Effect.gen(function*() {
 *   yield* MemoryAgent.remember(scope, { id: "D1:1", speaker: "Ann", text: "I live in Oslo." })
 *   return (yield* MemoryAgent.ask(scope, "Where does Ann live?")).text
 * })
 * const layers = Layer.mergeAll(
 *   MemoryStore.layerInMemory, Retriever.layerBm25, FactExtractor.layerVerbatim,
 *   MemoryManager.layerAddOnly, AnswerAgent.layerExtractive
 * )
 * await Effect.runPromise(Effect.provide(program, layers)) // => "Oslo"
 * ```
 */
export const remember = Effect.fn("MemoryAgent.remember")(function*(scope: Scope, turn: Turn, limits: Limits = {}) {
  const extractor = yield* FactExtractor
  const manager = yield* MemoryManager
  const retriever = yield* Retriever
  const store = yield* MemoryStore
  const facts = yield* extractor.extract(turn)
  const decisions = yield* Effect.forEach(facts, (fact) =>
    Effect.gen(function*() {
      const { bank, revision } = yield* store.current(scope)
      const found = yield* retriever.retrieve(bank, { text: fact.text, speaker: fact.speaker, limit: limits.perFact ?? 5 })
      const snapshot = { revision, memories: inOrder(bank, found.map(({ memory }) => memory)) }
      const [decision] = yield* manager.decide([{ fact, snapshot }])
      yield* store.commit(scope, { base: revision, edits: decision!.edits })
      return decision!
    }).pipe(Effect.retry({ while: (error) => error._tag === "Conflict", schedule: Schedule.exponential("10 millis"), times: 8 })))
  return { decisions } satisfies Remembered
})

/**
 * Retrieves memories of every speaker and answers from them.
 */
export const ask = Effect.fn("MemoryAgent.ask")(function*(scope: Scope, question: string, limits: Limits = {}) {
  const agent = yield* AnswerAgent
  const { bank } = yield* (yield* MemoryStore).current(scope)
  const candidates = yield* candidatesFor(bank, question, limits.perSpeaker ?? 30)
  const [answer] = yield* agent.answer([{ question, candidates }])
  return answer!
})

/**
 * The memories of a scope, oldest first.
 */
export const memories = Effect.fn("MemoryAgent.memories")(function*(scope: Scope) {
  return MemoryBank.memories((yield* (yield* MemoryStore).current(scope)).bank)
})

/**
 * The candidates for a question: the best `perSpeaker` memories of each speaker (the paper: 30, so 60 of two), oldest first.
 */
export const candidatesFor = Effect.fnUntraced(function*(bank: MemoryBank.MemoryBank, question: string, perSpeaker: number) {
  const retriever = yield* Retriever
  const speakers = new Set(MemoryBank.memories(bank).map((memory) => memory.speaker))
  const found = yield* Effect.forEach(speakers, (speaker) =>
    retriever.retrieve(bank, { text: question, limit: perSpeaker, ...(speaker === undefined ? {} : { speaker }) }))
  return inOrder(bank, found.flat().map(({ memory }) => memory))
})

/**
 * The chosen memories in the bank's order, oldest first: the order in which models are shown them, so that the last word on a
 * subject comes last.
 */
export const inOrder = (bank: MemoryBank.MemoryBank, chosen: ReadonlyArray<Memory>): ReadonlyArray<Memory> => {
  const ids = new Set(chosen.map((memory) => memory.id))
  return MemoryBank.memories(bank).filter((memory) => ids.has(memory.id))
}
