/**
 * Runs a memory system over dialogues and measures its answers.
 *
 * A system fills one bank per dialogue. For each question, candidates are retrieved from the bank of its dialogue and
 * an `AnswerAgent` answers from them. Any retriever and any answer agent can be put in; `layerLexical` needs no model.
 *
 * @since 0.1.0
 */
import { AnswerAgent, FactExtractor, MemoryBank, MemoryManager, Retriever, type Turn } from "@memory-r1/core"
import { Dialogue, Statistics } from "@memory-r1/core/rl"
import { type Episode, Progress, type Sampler, Simulation } from "@memory-r1/core/rl"
import type { AiError } from "effect/ai"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as EvidenceRecall from "./EvidenceRecall.ts"
import * as Scoring from "./internal/scoring.ts"

export { Item, Metrics } from "./internal/scoring.ts"

/**
 * How often the manager of a system decided what; `rejected` counts pieces of its text that were no valid operation.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Operations = Schema.Struct({
  add: Schema.Int,
  update: Schema.Int,
  delete: Schema.Int,
  noop: Schema.Int,
  rejected: Schema.Int
})

/**
 * The type of `Operations`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Operations extends Schema.Schema.Type<typeof Operations> {}

const Intervals = Schema.Record(Schema.String, Statistics.Interval)

/**
 * The outcome of an evaluation or of scoring, as `memory-r1 eval` and `memory-r1 score` print it.
 *
 * `sha256` is that of the data set's file. `intervals` are 95 % bootstrap intervals by dialogue, of the metric of the
 * same name. `missing` counts questions without a prediction; each has the metrics 0 and is part of `n`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Result = Schema.Struct({
  dataset: Schema.String,
  sha256: Schema.String,
  system: Schema.String,
  n: Schema.Int,
  metrics: Schema.Struct({ overall: Scoring.Metrics, byCategory: Schema.Record(Schema.String, Scoring.Metrics) }),
  intervals: Schema.Struct({ overall: Intervals, byCategory: Schema.Record(Schema.String, Intervals) }),
  items: Schema.Array(Scoring.Item),
  memories: Schema.optional(Schema.Int),
  operations: Schema.optional(Operations),
  missing: Schema.optional(Schema.Int),
  seconds: Schema.Finite
})

/**
 * The type of `Result`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Result extends Schema.Schema.Type<typeof Result> {}

/**
 * The banks that a system made of dialogues, in their order, and its decisions if it made any.
 *
 * @category models
 * @since 0.1.0
 */
export interface Built {
  readonly banks: ReadonlyArray<MemoryBank.MemoryBank>
  readonly operations?: Operations | undefined
}

/**
 * A way to fill banks. It gets all dialogues at once, so that a model can decide on many of them in one batch.
 *
 * @category models
 * @since 0.1.0
 */
export interface System<out E = never, out R = never> {
  readonly name: string
  readonly build: (dialogues: ReadonlyArray<Dialogue.Dialogue>) => Effect.Effect<Built, E, R>
}

/**
 * The baseline of plain retrieval: every fact is a memory, which is every turn as it was said unless other facts are
 * given.
 *
 * @category constructors
 * @since 0.1.0
 */
export const retrieval = ({ facts = turnFacts }: Partial<Pick<ManagedOptions, "facts">> = {}): System => ({
  name: "bm25",
  build: (dialogues) =>
    Effect.sync(() => ({
      banks: dialogues.map((dialogue) =>
        MemoryBank.applyAll(MemoryBank.empty, facts(dialogue).map((memory) => MemoryBank.Edit.Add({ memory })))
      )
    }))
})

/**
 * Every turn as one fact, word for word: `FactExtractor.verbatim` of `Dialogue.line`.
 *
 * @category getters
 * @since 0.1.0
 */
export const turnFacts = (dialogue: Dialogue.Dialogue): ReadonlyArray<Turn.Fact> =>
  Dialogue.turns(dialogue).flatMap((turn) => FactExtractor.verbatim({ ...turn, text: Dialogue.line(turn) }))

/**
 * The facts that come with the data set: LoCoMo's `observation`, extracted by gpt-3.5-turbo.
 *
 * @category getters
 * @since 0.1.0
 */
export const observationFacts = (dialogue: Dialogue.Dialogue): ReadonlyArray<Turn.Fact> => dialogue.observations

/**
 * Settings of a system with a `MemoryManager`. `facts` says what it decides on, one after the other; `perFact` how many
 * memories of the fact's speaker it is shown for each (the paper's authors: 5; 0 for managers that look at none).
 *
 * @category models
 * @since 0.1.0
 */
export interface ManagedOptions {
  readonly name: string
  readonly facts: (dialogue: Dialogue.Dialogue) => ReadonlyArray<Turn.Fact>
  readonly perFact?: number | undefined
}

/**
 * A system whose bank is kept by the `MemoryManager` of the context: prompted, trained or by rule.
 *
 * @category constructors
 * @since 0.1.0
 */
export const managed = (
  { facts: factsOf, name, perFact = 5 }: ManagedOptions
): System<
  AiError.AiError | Sampler.SamplerError | Retriever.RetrieverError,
  MemoryManager.MemoryManager | Retriever.Retriever
> => ({
  name,
  build: Effect.fn("Evaluation.managed")(function*(dialogues) {
    const episodes = dialogues.map((dialogue): Episode.Episode => ({
      id: dialogue.id,
      steps: factsOf(dialogue).map((fact) => ({ fact, questions: [] })),
      questions: []
    }))
    const played = yield* Simulation.play(episodes, { perFact })
    const operations = { add: 0, update: 0, delete: 0, noop: 0, rejected: 0 }
    for (const { edits, rejections } of played.flatMap(({ decisions }) => decisions)) {
      for (const edit of edits) operations[operationOf[edit._tag]]++
      operations.rejected += rejections.length
    }
    return { banks: played.map(({ banks }) => banks.at(-1)!), operations }
  })
})

const operationOf = { Add: "add", Update: "update", Supersede: "update", Delete: "delete", Noop: "noop" } as const

/**
 * The baseline that a manager has to beat: every fact is added, none is ever changed.
 *
 * @category constructors
 * @since 0.1.0
 */
export const addOnly = (options: Partial<Omit<ManagedOptions, "perFact">> = {}): System<
  AiError.AiError | Sampler.SamplerError | Retriever.RetrieverError,
  Retriever.Retriever
> => {
  const system = managed({ name: "add-only", facts: turnFacts, ...options, perFact: 0 })
  return { ...system, build: (dialogues) => Effect.provide(system.build(dialogues), MemoryManager.layerAddOnly) }
}

/**
 * `retrieval` of turns.
 *
 * @category constructors
 * @since 0.1.0
 */
export const bm25: System = retrieval()

/**
 * The systems that need no model, by name: what each makes of facts.
 *
 * @category models
 * @since 0.1.0
 */
export const baselines = { bm25: retrieval, "add-only": addOnly }

/**
 * Retrieval and answers without a model: `Retriever.layerBm25` and `AnswerAgent.layerExtractive`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerLexical: Layer.Layer<Retriever.Retriever | AnswerAgent.AnswerAgent> = Layer.mergeAll(
  Retriever.layerBm25,
  AnswerAgent.layerExtractive
)

/**
 * What is evaluated, and on what.
 *
 * - `categories`: those whose questions are asked; all but 5 unless given (see `Locomo.answered`).
 * - `limit`: at most that many questions, the first ones.
 * - `perSpeaker`: memories of each speaker that an answer agent is shown; 30 unless given, the paper's 60 of two.
 * - `seed`: of the bootstrap.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<E = never, R = never> {
  readonly dataset: string
  readonly sha256: string
  readonly dialogues: ReadonlyArray<Dialogue.Dialogue>
  readonly system: System<E, R>
  readonly categories?: ReadonlyArray<number> | undefined
  readonly limit?: number | undefined
  readonly perSpeaker?: number | undefined
  readonly seed?: number | undefined
}

/**
 * The questions that an evaluation asks, each with its dialogue.
 *
 * @category getters
 * @since 0.1.0
 */
export const selectQuestions = (
  { categories, dialogues, limit }: Pick<Options, "categories" | "dialogues" | "limit">
): ReadonlyArray<{ readonly dialogue: Dialogue.Dialogue; readonly question: Dialogue.Question }> =>
  dialogues.flatMap((dialogue) => dialogue.questions.map((question) => ({ dialogue, question })))
    .filter(({ question }) =>
      categories === undefined ? question.category !== 5 : categories.includes(question.category)
    )
    .slice(0, limit)

const answerAll = Effect.fnUntraced(function*(
  dialogue: Dialogue.Dialogue,
  questions: ReadonlyArray<Dialogue.Question>,
  bank: MemoryBank.MemoryBank,
  perSpeaker: number
) {
  const retriever = yield* Retriever.Retriever
  const agent = yield* AnswerAgent.AnswerAgent
  const requests = yield* Effect.forEach(
    questions,
    ({ question }) => Simulation.ask({ bank }, question, { perSpeaker })
  )
  const ranked = yield* Effect.forEach(
    questions,
    ({ question }) => retriever.retrieve(Retriever.inBank(bank), { text: question, limit: EvidenceRecall.depth })
  )
  const answers = yield* agent.answer(requests)
  return questions.map(({ answer, evidence, ...question }, i): Scoring.Scored => {
    const best = ranked[i]!.map(({ memory }) => memory)
    return Scoring.score({
      ...question,
      cluster: dialogue.id,
      gold: answer,
      prediction: answers[i]!.text,
      ...(evidence.length === 0 ? {} : {
        recall: {
          evidenceRecall: EvidenceRecall.of(evidence, requests[i]!.candidates),
          evidenceRecallAt10: EvidenceRecall.of(evidence, best.slice(0, 10)),
          evidenceRecallAt30: EvidenceRecall.of(evidence, best)
        }
      })
    })
  })
})

/**
 * Builds the banks, asks every question and measures the answers. Fails with what the system, the retriever or the
 * answer agent fails with.
 *
 * @example
 * ```ts
 * import { type Dialogue } from "@memory-r1/core/rl"
 * import { Evaluation } from "@memory-r1/eval"
 * import { Effect } from "effect"
 *
 * const dialogue: Dialogue.Dialogue = {
 *   id: "conv-1",
 *   speakers: ["Ann", "Bob"],
 *   sessions: [{ index: 1, turns: [{ id: "D1:1", speaker: "Ann", text: "I live in Oslo." }] }],
 *   questions: [{ id: "conv-1/0", question: "Where does Ann live?", answer: "Oslo", category: 4, evidence: ["D1:1"] }],
 *   observations: []
 * }
 * const options = { dataset: "mine", sha256: "", dialogues: [dialogue], system: Evaluation.bm25 }
 * const result = await Effect.runPromise(Effect.provide(Evaluation.run(options), Evaluation.layerLexical))
 * result.items[0]?.prediction // => "Oslo"
 * result.metrics.byCategory["4"]?.f1 // => 1
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const run = Effect.fn("Evaluation.run")(function*<E, R>(options: Options<E, R>) {
  const { dataset, dialogues, perSpeaker = 30, seed = 1, sha256, system } = options
  const started = yield* Clock.currentTimeMillis
  const selected = selectQuestions(options)
  const asked = dialogues.flatMap((dialogue) => {
    const questions = selected.filter((one) => one.dialogue === dialogue).map(({ question }) => question)
    return questions.length === 0 ? [] : [{ dialogue, questions }]
  })
  const { banks, operations } = yield* system.build(asked.map(({ dialogue }) => dialogue))
  const scored = yield* Progress.Progress.use(({ part }) =>
    part(
      "answer the questions of dialogues",
      asked.length,
      ({ update }) =>
        Effect.forEach(asked, ({ dialogue, questions }, i) =>
          Effect.tap(answerAll(dialogue, questions, banks[i]!, perSpeaker), () =>
            update(i + 1)))
    )
  )
  const summary = yield* Scoring.summary(scored.flat(), seed)
  const ended = yield* Clock.currentTimeMillis
  const result: Result = {
    dataset,
    sha256,
    system: system.name,
    ...summary,
    memories: banks.reduce((sum, bank) => sum + MemoryBank.size(bank), 0),
    ...(operations === undefined ? {} : { operations }),
    seconds: (ended - started) / 1000
  }
  return result
})
