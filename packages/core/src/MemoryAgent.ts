/**
 * The memory of an agent, end to end: from a turn to a new bank, from a question to an answer.
 */
import type { AiError } from "effect/ai"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { AnswerAgent } from "./AnswerAgent.ts"
import { FactExtractor, verbatim } from "./FactExtractor.ts"
import * as TurnRules from "./internal/turnRules.ts"
import type { Memory, MemoryId } from "./Memory.ts"
import * as MemoryBank from "./MemoryBank.ts"
import * as MemoryLog from "./MemoryLog.ts"
import { type Decision, MemoryManager } from "./MemoryManager.ts"
import { type Hit, MemoryStore } from "./MemoryStore.ts"
import * as NotExtracted from "./NotExtracted.ts"
import * as Recalled from "./Recalled.ts"
import type { SamplerError } from "./rl/Sampler.ts"
import type { Scope } from "./Scope.ts"
import type { Fact, Turn } from "./Turn.ts"

/**
 * A decision, and what became of it.
 *
 * - `edits`: as they were committed, with the ids that they were given; an ADD of what is there already became a
 *   `Noop`.
 * - `withheld`: deletions that nobody confirmed. They were not made.
 *
 * @category models
 * @since 0.1.0
 */
export interface Made extends Decision {
  readonly fact: Fact
  readonly withheld: ReadonlyArray<MemoryBank.Edit>
}

/**
 * What was kept as it was said, and why: a whole `turn` whose facts could not be found, or a `fact` on which nothing
 * was decided. `id` names the memory that has it, where that is a new one: what is there already is not kept twice.
 *
 * @category models
 * @since 0.1.0
 */
export interface Kept {
  readonly stage: NotExtracted.Stage
  readonly fact: Fact
  readonly id?: MemoryId | undefined
  readonly reason: string
}

/**
 * What became of a turn: a decision for each of its facts, in order. `repeated` are facts that only say again what had
 * been recalled for the turn; nothing was decided on them. `kept` is what a model failed on (`NotExtracted`); it is
 * absent where nothing failed.
 *
 * @category models
 * @since 0.1.0
 */
export interface Remembered {
  readonly decisions: ReadonlyArray<Made>
  readonly repeated: ReadonlyArray<Fact>
  readonly kept?: ReadonlyArray<Kept> | undefined
}

/**
 * - `perFact`, `perSpeaker`: how many memories a decision and an answer get to see. The defaults are those of the
 *   paper's authors: 5 for each fact, 30 for each speaker at question time.
 * - `deletions`: how many memories one turn may delete before somebody has to agree; 2 by default. Whatever a
 *   turn says, it can only delete what was shown for it, and this limits how much of that.
 * - `confirmDeletions`: asked for those above that number; without it they are withheld.
 * - `recordSamples`: whether decisions of a policy on a `Sampler` keep the tokens of the prompt and of what was
 *   written, with their log-probabilities, for off-policy evaluation (`MemoryLog.sampledDecisions`); false by default.
 *   Tokens are text: an erasure takes them away with the memories that they quote.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly perFact?: number | undefined
  readonly perSpeaker?: number | undefined
  readonly deletions?: number | undefined
  readonly recordSamples?: boolean | undefined
  readonly confirmDeletions?: ((memories: ReadonlyArray<Memory>, turn: Turn) => Effect.Effect<boolean>) | undefined
}

// Models are shown memories oldest first, so that the last word on a subject comes last.
const oldestFirst = (hits: ReadonlyArray<Hit>): ReadonlyArray<Memory> =>
  [...hits].sort((a, b) => a.order - b.order).map(({ memory }) => memory)

// Of decisions that overlap one is committed in every round: enough rounds for more than thirty at once.
const rounds = {
  schedule: Schedule.exponential("10 millis").pipe(
    Schedule.jittered,
    Schedule.modifyDelay(({ duration }) => Effect.succeed(Duration.min(duration, Duration.seconds(1))))
  ),
  times: 32
}

// A turn, or what was kept of one: `waits` are the memories that are to be replaced by its facts.
interface Work {
  readonly turn: Turn
  readonly stage: NotExtracted.Stage
  readonly sources: ReadonlyArray<string>
  readonly waits?: Memory | undefined
}

const remembered = (
  decisions: ReadonlyArray<Made>,
  repeated: ReadonlyArray<Fact>,
  kept: ReadonlyArray<Kept>
): Remembered => ({
  decisions,
  repeated,
  ...(kept.length === 0 ? {} : { kept })
})

const workOn = Effect.fnUntraced(function*(scope: Scope, { sources, stage, turn, waits }: Work, options: Options) {
  const { confirmDeletions, deletions = 2, perFact = 5, recordSamples = false } = options
  const extractor = yield* FactExtractor
  const manager = yield* MemoryManager
  const store = yield* MemoryStore
  const told = verbatim({ ...turn, text: Recalled.strip(turn.text) }).map((fact) => ({ ...fact, sources }))
  const kept: Array<Kept> = []
  let deleted = 0
  // What was kept of these words before, and goes when they have been worked on.
  const waiting = new Map<MemoryId, Memory>(waits === undefined ? [] : [[waits.id, waits]])
  const isKept = (said: Pick<Memory, "text" | "speaker">): boolean =>
    kept.some(({ fact }) => MemoryBank.whoSays(fact) === MemoryBank.whoSays(said))
  const isWaiting = (memory: Memory, fact: Fact): boolean =>
    waiting.has(memory.id) || (!isKept(memory) && TurnRules.isKeptOf(memory, [fact, ...told]))

  const commit = Effect.fnUntraced(
    function*(base: number, edits: ReadonlyArray<MemoryBank.Edit>, decision: MemoryLog.DecisionRecord) {
      const committed = yield* store.commit(scope, { base, edits: TurnRules.inItsPlace(edits, waiting), decision })
      for (const id of committed.edits.flatMap((edit) => edit._tag === "Supersede" ? [edit.id] : [])) waiting.delete(id)
      return committed
    }
  )
  const commitNow = (
    editsOf: (bank: MemoryBank.MemoryBank) => ReadonlyArray<MemoryBank.Edit>,
    decision: MemoryLog.DecisionRecord
  ) =>
    Effect.flatMap(store.current(scope), ({ bank, revision }) => commit(revision, editsOf(bank), decision)).pipe(
      Effect.retry({ ...rounds, while: (error) => error._tag === "Conflict" })
    )

  const keep = Effect.fnUntraced(function*(stage: NotExtracted.Stage, fact: Fact, reason: string) {
    const before = [...waiting.values()].find((memory) =>
      MemoryBank.whoSays(memory) === MemoryBank.whoSays(fact) && NotExtracted.stageOf(memory) === stage
    )
    const add = TurnRules.asSaid(fact, stage)
    const [edit] = before === undefined
      ? (yield* commitNow(() => [add], { model: "as said", fact, shown: [] })).edits
      : []
    const id = before?.id ?? (edit?._tag === "Add" ? edit.id : edit?._tag === "Supersede" ? edit.newId : undefined)
    kept.push({ stage, fact, id, reason })
  })
  // What was kept of the words goes, unless it is kept on, or somebody has changed it since.
  const release = Effect.gen(function*() {
    const gone = [...waiting.values()].filter((memory) => !isKept(memory))
    if (gone.length === 0) return
    yield* commitNow((bank) => TurnRules.release(bank, gone), { model: "extracted", shown: gone.map(({ id }) => id) })
  })

  // The edits that may be made, and the deletions that nobody agreed to.
  const permitted = Effect.fnUntraced(function*(edits: ReadonlyArray<MemoryBank.Edit>, shown: ReadonlyArray<Memory>) {
    const limited = TurnRules.permitted(edits, deletions - deleted)
    if (limited.withheld.length === 0 || confirmDeletions === undefined) return limited
    const ids = new Set(TurnRules.deletions(edits).flatMap(MemoryBank.touched))
    return (yield* confirmDeletions(shown.filter(({ id }) => ids.has(id)), turn)) ? { edits, withheld: [] } : limited
  })

  const decide = Effect.fnUntraced(function*(fact: Fact) {
    const found = yield* store.search(scope, { text: fact.text, speaker: fact.speaker, limit: perFact + waiting.size })
    for (const { memory } of found.memories) if (isWaiting(memory, fact)) waiting.set(memory.id, memory)
    const news = found.memories.filter(({ memory }) => !waiting.has(memory.id))
    const snapshot = { revision: found.revision, memories: oldestFirst(news.slice(0, perFact)) }
    const [decision] = yield* manager.decide([{ fact, snapshot }])
    const { logProbability, model, prompt, raw, sample } = decision!
    const { edits, withheld } = yield* permitted(decision!.edits, snapshot.memories)
    const record: MemoryLog.DecisionRecord = {
      model,
      ...(prompt === undefined ? {} : { promptHash: yield* MemoryLog.hash(prompt) }),
      ...(logProbability !== undefined && Number.isFinite(logProbability) ? { logProbability } : {}),
      fact,
      shown: snapshot.memories.map(({ id }) => id),
      raw,
      ...(recordSamples && sample !== undefined && Array.from(sample.logprobs).every(Number.isFinite)
        ? { sample: { ...sample, logprobs: Array.from(sample.logprobs) } }
        : {})
    }
    const committed = yield* commit(found.revision, edits, record)
    deleted += TurnRules.deletions(edits).length
    return { ...decision!, fact, edits: committed.edits, withheld } satisfies Made
  })

  // The decisions on facts, until the model is out of reach: what is left is kept.
  const decideAll = Effect.fnUntraced(function*(facts: ReadonlyArray<Fact>) {
    const decisions: Array<Made> = []
    let unreached: AiError.AiError | SamplerError | undefined
    for (const fact of facts) {
      const made: Made | AiError.AiError | SamplerError = unreached ?? (yield* decide(fact).pipe(
        Effect.retry({ ...rounds, while: (error) => error._tag === "Conflict" }),
        Effect.catchTags({ AiError: (error) => Effect.succeed(error), SamplerError: (error) => Effect.succeed(error) })
      ))
      if ("_tag" in made) {
        yield* keep("fact", fact, made.message)
        if (NotExtracted.isOutOfReach(made)) unreached = made
      } else {
        decisions.push(made)
        if (TurnRules.isUndecided(made)) {
          yield* keep(
            "fact",
            fact,
            `nothing was decided on it: ${made.rejections.map(({ _tag }) => _tag).join(", ")}`
          )
        }
      }
    }
    return { decisions, unreached }
  })

  const extracted = stage === "fact"
    ? told
    : yield* extractor.extract({ ...turn, text: Recalled.strip(turn.text) }).pipe(
      Effect.map((facts) =>
        facts.filter(({ text }) => text.trim() !== "").map((fact) => waits === undefined ? fact : { ...fact, sources })
      ),
      Effect.catchTag(
        "AiError",
        Effect.fnUntraced(function*(error) {
          yield* Effect.forEach(
            told,
            (fact) => Recalled.repeats(fact, turn.recalled ?? []) ? Effect.void : keep("turn", fact, error.message)
          )
          return NotExtracted.isOutOfReach(error) ? yield* error : []
        })
      )
    )
  const repeated = extracted.filter((fact) => Recalled.repeats(fact, turn.recalled ?? []))
  const { decisions, unreached } = yield* decideAll(extracted.filter((fact) => !repeated.includes(fact)))
  yield* release
  if (unreached !== undefined) return yield* unreached
  return remembered(decisions, repeated, kept)
})

/**
 * Extracts the facts of a turn, and for each: retrieves memories of its speaker, decides, commits. Where somebody else
 * has committed in between, the decision is made again on the new snapshot. What was recalled for the turn is no news
 * (`Recalled`).
 *
 * Nothing that was said is lost where a model fails. The turn whose facts cannot be found, and the fact on which
 * nothing that can be read is decided, are kept as they were said, with speaker, time and source, and marked
 * (`NotExtracted`). Where the model was asked and failed for good (text that does not fit, a refusal, a prompt too
 * long), the result says so in `kept`. Where it could not be reached (a wrong key, no network, no credit, no answer in
 * time), the error is the caller's, and all the same what was said is kept. To tell the same again, or `extractAgain`,
 * puts the facts in its place.
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
 *
 * @category running
 * @since 0.1.0
 */
export const remember = Effect.fn("MemoryAgent.remember")((scope: Scope, turn: Turn, options: Options = {}) =>
  workOn(scope, { turn, stage: "turn", sources: [turn.id] }, options)
)

/**
 * Works again on what was kept as it was said (`NotExtracted`), the oldest first: its facts take its place. What a
 * model fails on again stays as it is, and is in `kept`. Where the model cannot be reached the error is the caller's,
 * and what is left can be worked on later.
 *
 * @category running
 * @since 0.1.0
 */
export const extractAgain = Effect.fn("MemoryAgent.extractAgain")(function*(scope: Scope, options: Options = {}) {
  const store = yield* MemoryStore
  const waiting = yield* store.list(scope, { filter: NotExtracted.filter })
  const done = yield* Effect.forEach(
    waiting,
    Effect.fnUntraced(function*({ memory: { id } }) {
      // What became of one before it may have changed it.
      const memory = Option.getOrUndefined(MemoryBank.get((yield* store.current(scope)).bank, id))
      const stage = memory && NotExtracted.stageOf(memory)
      if (memory === undefined || stage === undefined) return remembered([], [], [])
      const { observedAt, sources, speaker = "", text } = memory
      const turn: Turn = {
        id: sources.at(-1) ?? id,
        speaker,
        text,
        observedAt
      }
      return yield* workOn(scope, { turn, stage, sources, waits: memory }, options)
    })
  )
  return remembered(
    done.flatMap(({ decisions }) => decisions),
    done.flatMap(({ repeated }) => repeated),
    done.flatMap(({ kept = [] }) => kept)
  )
})

/**
 * Retrieves memories of every speaker and answers from them.
 *
 * @category running
 * @since 0.1.0
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
 *
 * @category running
 * @since 0.1.0
 */
export const memories = Effect.fn("MemoryAgent.memories")(function*(scope: Scope) {
  const store = yield* MemoryStore
  return (yield* store.list(scope)).map(({ memory }) => memory)
})
