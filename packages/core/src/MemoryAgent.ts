/**
 * The memory of an agent, end to end: from a turn to a new bank, from a question to an answer.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { AnswerAgent } from "./AnswerAgent.ts"
import { FactExtractor } from "./FactExtractor.ts"
import type { Memory } from "./Memory.ts"
import * as MemoryBank from "./MemoryBank.ts"
import { type Decision, MemoryManager } from "./MemoryManager.ts"
import * as MemoryLog from "./MemoryLog.ts"
import { type Hit, MemoryStore } from "./MemoryStore.ts"
import * as Recalled from "./Recalled.ts"
import type { Scope } from "./Scope.ts"
import type { Fact, Turn } from "./Turn.ts"

/**
 * A decision, and what became of it.
 *
 * - `edits`: as they were committed, with the ids that they were given; an ADD of what is there already became a `Noop`.
 * - `withheld`: deletions that nobody confirmed. They were not made.
 */
export interface Made extends Decision {
  readonly fact: Fact
  readonly withheld: ReadonlyArray<MemoryBank.Edit>
}

/**
 * What became of a turn: a decision for each of its facts, in order. `repeated` are facts that only say again what had been recalled for the turn; nothing was
 * decided on them.
 */
export interface Remembered {
  readonly decisions: ReadonlyArray<Made>
  readonly repeated: ReadonlyArray<Fact>
}

/**
 * - `perFact`, `perSpeaker`: how many memories a decision and an answer get to see. The defaults are those of the paper's authors: 5 for each fact, 30 for each
 *   speaker at question time.
 * - `deletions`: how many memories one turn may delete before somebody has to agree; 2 when it is left out. Whatever a turn says, it can only delete what was
 *   shown for it, and this limits how much of that.
 * - `confirmDeletions`: asked for those above that number; where it is left out they are withheld.
 */
export interface Options {
  readonly perFact?: number
  readonly perSpeaker?: number
  readonly deletions?: number
  readonly confirmDeletions?: (memories: ReadonlyArray<Memory>, turn: Turn) => Effect.Effect<boolean>
}

// Models are shown memories oldest first, so that the last word on a subject comes last.
const oldestFirst = (hits: ReadonlyArray<Hit>): ReadonlyArray<Memory> => [...hits].sort((a, b) => a.order - b.order).map(({ memory }) => memory)

const deletes = (edit: MemoryBank.Edit): boolean => edit._tag === "Delete" || edit._tag === "Supersede"

// Of decisions that overlap one is committed in every round: enough rounds for more than thirty at once.
const rounds = {
  schedule: Schedule.exponential("10 millis").pipe(Schedule.jittered, Schedule.modifyDelay(({ duration }) => Effect.succeed(Duration.min(duration, Duration.seconds(1))))),
  times: 32
}

/**
 * Extracts the facts of a turn, and for each: retrieves memories of its speaker, decides, commits. Where somebody else has
 * committed in between, the decision is made again on the new snapshot. What was recalled for the turn is no news (`Recalled`).
 *
 * @example
 * ```ts
 * import { AnswerAgent, FactExtractor, MemoryAgent, MemoryManager, MemoryStore, Scope } from "@memory-r1/core"
 * import { Effect, Layer } from "effect"
 *
 * const scope = Scope.make({ user: "ann" })
 * const program = Effect.gen(function*() {
 *   yield* MemoryAgent.remember(scope, { id: "D1:1", speaker: "Ann", text: "I live in Oslo." })
 *   return (yield* MemoryAgent.ask(scope, "Where does Ann live?")).text
 * })
 * const layers = Layer.mergeAll(
 *   MemoryStore.layerInMemory, FactExtractor.layerVerbatim, MemoryManager.layerAddOnly, AnswerAgent.layerExtractive
 * )
 * await Effect.runPromise(Effect.provide(program, layers)) // => "Oslo"
 * ```
 */
export const remember = Effect.fn("MemoryAgent.remember")(function*(scope: Scope, turn: Turn, options: Options = {}) {
  const { confirmDeletions, deletions = 2, perFact = 5 } = options
  const extractor = yield* FactExtractor
  const manager = yield* MemoryManager
  const store = yield* MemoryStore
  const facts = (yield* extractor.extract({ ...turn, text: Recalled.strip(turn.text) })).filter(({ text }) => text.trim() !== "")
  const repeated = facts.filter((fact) => Recalled.repeats(fact, turn.recalled ?? []))
  let deleted = 0

  // The edits that may be made, and the deletions that nobody agreed to.
  const permitted = Effect.fnUntraced(function*(edits: ReadonlyArray<MemoryBank.Edit>, shown: ReadonlyArray<Memory>) {
    const asked = edits.filter(deletes)
    if (deleted + asked.length <= deletions) return { edits, withheld: [] }
    const ids = new Set(asked.flatMap(MemoryLog.touched))
    if (confirmDeletions !== undefined && (yield* confirmDeletions(shown.filter(({ id }) => ids.has(id)), turn))) return { edits, withheld: [] }
    const left = Math.max(0, deletions - deleted)
    const withheld = new Set(asked.slice(left))
    return { edits: edits.filter((edit) => !withheld.has(edit)), withheld: [...withheld] }
  })

  const decide = Effect.fnUntraced(function*(fact: Fact) {
    const found = yield* store.search(scope, { text: fact.text, speaker: fact.speaker, limit: perFact })
    const snapshot = { revision: found.revision, memories: oldestFirst(found.memories) }
    const [decision] = yield* manager.decide([{ fact, snapshot }])
    const { logProbability, model, prompt, raw } = decision!
    const { edits, withheld } = yield* permitted(decision!.edits, snapshot.memories)
    const record: MemoryLog.Decision = {
      ...(model === undefined ? {} : { model }),
      ...(prompt === undefined ? {} : { promptHash: yield* MemoryLog.hash(prompt) }),
      ...(logProbability !== undefined && Number.isFinite(logProbability) ? { logProbability } : {}),
      fact,
      shown: snapshot.memories.map(({ id }) => id),
      raw
    }
    const committed = yield* store.commit(scope, { base: found.revision, edits, decision: record })
    deleted += edits.filter(deletes).length
    return { ...decision!, fact, edits: committed.edits, withheld } satisfies Made
  })

  const decisions = yield* Effect.forEach(facts.filter((fact) => !repeated.includes(fact)), (fact) =>
    decide(fact).pipe(Effect.retry({ ...rounds, while: (error) => error._tag === "Conflict" })))
  return { decisions, repeated } satisfies Remembered
})

/**
 * Retrieves memories of every speaker and answers from them.
 */
export const ask = Effect.fn("MemoryAgent.ask")(function*(scope: Scope, question: string, options: Options = {}) {
  const agent = yield* AnswerAgent
  const store = yield* MemoryStore
  const { memories } = yield* store.search(scope, { text: question, limit: options.perSpeaker ?? 30, perSpeaker: true })
  const [answer] = yield* agent.answer([{ question, candidates: oldestFirst(memories) }])
  return answer!
})

/**
 * The memories of a scope, oldest first.
 */
export const memories = Effect.fn("MemoryAgent.memories")(function*(scope: Scope) {
  const store = yield* MemoryStore
  return (yield* store.list(scope)).map(({ memory }) => memory)
})
