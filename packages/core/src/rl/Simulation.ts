/**
 * The agent over a bank, without a disk: what `MemoryAgent` is over a store. Training, evaluation and demonstrations
 * play dialogues with it, by the rules that production has.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { AnswerAgent } from "../AnswerAgent.ts"
import * as TurnRules from "../internal/turnRules.ts"
import type { Memory } from "../Memory.ts"
import * as MemoryBank from "../MemoryBank.ts"
import { type Decision, MemoryManager } from "../MemoryManager.ts"
import * as Retriever from "../Retriever.ts"
import type { Fact } from "../Turn.ts"
import type { Answer, AnswerRequest } from "./AnswerFormat.ts"
import type { Episode, LinkedQuestion } from "./Episode.ts"
import type { ManagerRequest } from "./ManagerFormat.ts"
import { Progress } from "./Progress.ts"

/**
 * The agent at one moment, an immutable value: a fork is a reference.
 *
 * - `now`: the time, in milliseconds since 1970, at which memories may have expired.
 * - `deletions`: how many memories one turn may delete; nobody is asked for more.
 * - `turn`: the sources of the facts that are worked on, and how many memories they have deleted.
 *
 * @category models
 * @since 0.1.0
 */
export interface Simulation {
  readonly bank: MemoryBank.MemoryBank
  readonly now: number
  readonly deletions: number
  readonly turn: { readonly sources: ReadonlyArray<string>; readonly deleted: number }
}

/**
 * What a manager is asked about a fact. `waiting` are memories that were kept as they were said, in the words of this
 * fact: the manager is not shown them, and what it decides takes their place.
 *
 * @category models
 * @since 0.1.0
 */
export interface Observation extends ManagerRequest {
  readonly fact: Fact
  readonly waiting: ReadonlyArray<Memory>
}

/**
 * A simulation after a decision. `edits` are those that were made, with the ids that they gave; `withheld` the
 * deletions above the limit of the turn.
 *
 * @category models
 * @since 0.1.0
 */
export interface Stepped {
  readonly simulation: Simulation
  readonly edits: ReadonlyArray<MemoryBank.Edit>
  readonly withheld: ReadonlyArray<MemoryBank.Edit>
}

/**
 * An agent over a bank: an empty one, unless another is given.
 *
 * @example
 * ```ts
 * import { MemoryBank, MemoryManager, Retriever } from "@memory-r1/core"
 * import { Simulation } from "@memory-r1/core/rl"
 * import { Effect, Layer } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const manager = yield* MemoryManager.MemoryManager
 *   const simulation = Simulation.make()
 *   const fact = { text: "I live in Oslo.", speaker: "Ann", sources: ["D1:1"] }
 *   const observation = yield* Simulation.observe(simulation, fact, { perFact: 5 })
 *   const [decision] = yield* manager.decide([observation])
 *   return Simulation.step(simulation, observation, decision!).simulation
 * })
 * const layers = Layer.merge(MemoryManager.layerAddOnly, Retriever.layerBm25)
 * const { bank } = await Effect.runPromise(Effect.provide(program, layers))
 * MemoryBank.size(bank) // => 1
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  { bank = MemoryBank.empty, deletions = 2, now = 0 }: {
    readonly bank?: MemoryBank.MemoryBank | undefined
    readonly deletions?: number | undefined
    readonly now?: number | undefined
  } = {}
): Simulation => ({ bank, now, deletions, turn: { sources: [], deleted: 0 } })

/**
 * What a manager is shown for a fact: the nearest `perFact` memories of the fact's speaker, oldest first.
 *
 * @category getters
 * @since 0.1.0
 */
export const observe = Effect.fnUntraced(function*(
  { bank }: Pick<Simulation, "bank">,
  fact: Fact,
  { perFact }: { readonly perFact: number }
) {
  const retriever = yield* Retriever.Retriever
  const found = yield* retriever.retrieve(Retriever.inBank(bank), {
    text: fact.text,
    speaker: fact.speaker,
    limit: perFact
  })
  const memories = found.map(({ memory }) => memory)
  const waiting = memories.filter((memory) => TurnRules.isKeptOf(memory, [fact]))
  const snapshot = {
    revision: bank.revision,
    memories: Retriever.inOrder(bank, memories.filter((memory) => !waiting.includes(memory)))
  }
  return { fact, snapshot, waiting } satisfies Observation
})

/**
 * Makes a decision on what was observed. Facts of one turn, which share their sources, share its limit of deletions. A
 * fact of which nothing in the decision can be made is kept as it was said (`NotExtracted`).
 *
 * @category combinators
 * @since 0.1.0
 */
export const step = (
  simulation: Simulation,
  { fact, waiting }: Pick<Observation, "fact" | "waiting">,
  decision: Pick<Decision, "edits" | "rejections">
): Stepped => {
  const { bank, deletions, now, turn } = simulation
  const isSameTurn = fact.sources.length > 0 && fact.sources.join("\n") === turn.sources.join("\n")
  const deleted = isSameTurn ? turn.deleted : 0
  const { edits, withheld } = TurnRules.permitted(decision.edits, deletions - deleted)
  const replaced = new Map(waiting.map((memory) => [memory.id, memory]))
  const isUndecided = TurnRules.isUndecided(decision)
  const asked = isUndecided
    ? waiting.length === 0 ? [TurnRules.asSaid(fact, "fact")] : []
    : TurnRules.inItsPlace(edits, replaced)
  const made = MemoryBank.transition(bank, asked, { now })
  const gone = isUndecided ? [] : TurnRules.release(made.bank, waiting)
  const released = MemoryBank.transition(made.bank, gone, { now })
  return {
    simulation: {
      ...simulation,
      bank: released.bank,
      turn: { sources: fact.sources, deleted: deleted + TurnRules.deletions(edits).length }
    },
    edits: isUndecided ? [] : made.edits,
    withheld
  }
}

/**
 * What an answer agent is shown for a question: the best `perSpeaker` memories of each speaker, oldest first.
 *
 * @category getters
 * @since 0.1.0
 */
export const ask = (
  { bank }: Pick<Simulation, "bank">,
  question: string,
  { perSpeaker }: { readonly perSpeaker: number }
) =>
  Effect.map(
    Retriever.candidatesFor(bank, question, perSpeaker),
    (candidates): AnswerRequest => ({ question, candidates })
  )

/**
 * An episode that was played: the bank after each step (`banks[0]` is what it began with, `banks.at(-1)` the last one)
 * and the decision of each step, with the edits that were made.
 *
 * @category models
 * @since 0.1.0
 */
export interface EpisodeResult {
  readonly episode: Episode
  readonly banks: ReadonlyArray<MemoryBank.MemoryBank>
  readonly decisions: ReadonlyArray<Decision>
}

/**
 * Plays episodes side by side with the provided manager: the n-th facts of all episodes are one batch of decisions. It
 * reports to `Progress` how far it is, as `name`; or to `onStep`, if that is given.
 *
 * @example
 * ```ts
 * import { MemoryBank, MemoryManager, Retriever } from "@memory-r1/core"
 * import { Simulation } from "@memory-r1/core/rl"
 * import { Effect, Layer } from "effect"
 *
 * const said = (text: string, source: string) => ({ fact: { text, speaker: "Ann", sources: [source] }, questions: [] })
 * const steps = [said("I live in Oslo.", "D1:1"), said("I live in Oslo.", "D1:2"), said("I have a dog.", "D1:3")]
 * const [played] = await Effect.runPromise(
 *   Simulation.play([{ id: "one", steps, questions: [] }], { perFact: 5 }).pipe(
 *     Effect.provide(Layer.merge(MemoryManager.layerAddOnly, Retriever.layerBm25))
 *   )
 * )
 * played!.banks.map(MemoryBank.size) // => [0, 1, 1, 2]
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const play = Effect.fn("Simulation.play")(function*(
  episodes: ReadonlyArray<Episode>,
  options: {
    readonly perFact: number
    readonly name?: string | undefined
    readonly onStep?: ((step: number, steps: number) => Effect.Effect<void>) | undefined
  }
) {
  const manager = yield* MemoryManager
  const { name = "play dialogues", onStep } = options
  const played = episodes.map((episode) => {
    const simulation = make({ bank: episode.start })
    return { episode, simulation, banks: [simulation.bank], decisions: [] as Array<Decision> }
  })
  const steps = Math.max(0, ...episodes.map((episode) => episode.steps.length))
  const playAll = Effect.fnUntraced(function*(report: (step: number) => Effect.Effect<void>) {
    for (let at = 0; at < steps; at++) {
      const open = played.filter(({ episode }) => at < episode.steps.length)
      const observations = yield* Effect.forEach(
        open,
        ({ episode, simulation }) => observe(simulation, episode.steps[at]!.fact, options)
      )
      const decisions = yield* manager.decide(observations)
      open.forEach((one, i) => {
        const { edits, simulation } = step(one.simulation, observations[i]!, decisions[i]!)
        one.simulation = simulation
        one.banks.push(simulation.bank)
        one.decisions.push({ ...decisions[i]!, edits })
      })
      yield* report(at + 1)
    }
  })
  yield* onStep !== undefined
    ? playAll((step) => onStep(step, steps))
    : Progress.use(({ part }) => part(`${name} (${episodes.length})`, steps, ({ update }) => playAll(update)))
  return played.map(({ banks, decisions, episode }): EpisodeResult => ({ banks, decisions, episode }))
})

/**
 * The schema of one moment in the history of a bank: what was said, what was decided, and the memories after it.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Moment = Schema.Struct({
  fact: Schema.String,
  decision: Schema.String,
  memories: Schema.Array(Schema.String)
})

/**
 * The type of `Moment`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Moment extends Schema.Schema.Type<typeof Moment> {}

/**
 * What became of a bank, decision by decision, in words.
 *
 * @category formatting
 * @since 0.1.0
 */
export const history = ({ banks, decisions, episode }: EpisodeResult): ReadonlyArray<Moment> =>
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
 *
 * @category models
 * @since 0.1.0
 */
export interface Answered {
  readonly question: LinkedQuestion
  readonly candidates: ReadonlyArray<Memory>
  readonly answer: Answer
}

/**
 * Asks questions of banks with the provided answer agent, all in one batch; the result has the order of what is asked.
 *
 * @category running
 * @since 0.1.0
 */
export const answer = Effect.fn("Simulation.answer")(function*(
  questions: ReadonlyArray<{ readonly bank: MemoryBank.MemoryBank; readonly question: LinkedQuestion }>,
  options: { readonly perSpeaker: number }
) {
  const agent = yield* AnswerAgent
  const requests = yield* Effect.forEach(
    questions,
    ({ bank, question }) => ask({ bank }, question.question, options)
  )
  const answers = yield* agent.answer(requests)
  return questions.map(({ question }, i): Answered => ({
    question,
    candidates: requests[i]!.candidates,
    answer: answers[i]!
  }))
})
