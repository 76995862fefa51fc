/**
 * Measures answers that somebody else gave, with the same metrics as `Evaluation`.
 *
 * @since 0.1.0
 */
import type { DataFile, Dialogue } from "@memory-r1/core/rl"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Schema from "effect/Schema"
import * as Evaluation from "./Evaluation.ts"
import * as PredictionFile from "./internal/predictionFile.ts"
import * as Scoring from "./internal/scoring.ts"

export { BrokenLine, type Prediction } from "./internal/predictionFile.ts"

/**
 * The predictions of a file, and the SHA-256 of its bytes.
 *
 * @category models
 * @since 0.1.0
 */
export interface Predictions {
  readonly predictions: ReadonlyArray<PredictionFile.Prediction>
  readonly sha256: string
}

/**
 * Predictions for questions that the data set does not have; `questions` are the first ones, with their places in the
 * file.
 *
 * @category errors
 * @since 0.1.0
 */
export class UnknownQuestions extends Schema.TaggedError<UnknownQuestions>()("UnknownQuestions", {
  file: Schema.String,
  count: Schema.Int,
  questions: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `${this.file}: ${this.count} predictions for questions that the data set does not have: ${
      this.questions.join(", ")
    }`
  }
}

/**
 * A question with two predictions; which one counts is not for the scorer to say.
 *
 * @category errors
 * @since 0.1.0
 */
export class DuplicatePrediction extends Schema.TaggedError<DuplicatePrediction>()("DuplicatePrediction", {
  file: Schema.String,
  id: Schema.String,
  at: Schema.String
}) {
  override get message(): string {
    return `${this.file}: ${this.at} is a second prediction for ${this.id}`
  }
}

/**
 * Reads predictions: JSON lines `{id, prediction}`, or JSON of `{question, answer, response, category}` items, as a
 * list, a line each, or nested in objects by conversation. `prediction` and LoCoMo's `<model>_prediction` are read as
 * `response`, and its list of `{sample_id, qa}` as well. Numbers and booleans are read as texts; null is no prediction.
 *
 * Fails with `BrokenLine` (a line of JSON lines, by number), and with `FileUnusable`, `BrokenJson` and `WrongShape` as
 * `DialogueFile.read` does.
 *
 * @example
 * ```ts
 * import { Score } from "@memory-r1/eval"
 * import { Effect, FileSystem } from "effect"
 *
 * const text = `{"id": "conv-1/0", "prediction": "Oslo"}\n{"id": "conv-1/1"}\n`
 * const files = FileSystem.layerNoop({ readFile: () => Effect.succeed(new TextEncoder().encode(text)) })
 * const error = await Effect.runPromise(Effect.provide(Effect.flip(Score.read("answers.jsonl")), files))
 * error.message // => "answers.jsonl:2: at prediction: Missing key"
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const read = Effect.fn("Score.read")(function*(
  file: string
): Effect.fn.Return<Predictions, PredictionFile.BrokenLine | DataFile.DataFileError, FileSystem.FileSystem> {
  return yield* PredictionFile.read(file)
})

/**
 * What predictions are measured against. `file` is theirs, for messages; `system` names who made them.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly dataset: string
  readonly sha256: string
  readonly dialogues: ReadonlyArray<Dialogue.Dialogue>
  readonly predictions: ReadonlyArray<PredictionFile.Prediction>
  readonly file: string
  readonly system: string
  readonly categories?: ReadonlyArray<number> | undefined
  readonly limit?: number | undefined
  readonly seed?: number | undefined
}

const normal = (text: string): string => text.trim().replace(/\s+/g, " ")

// The question that a prediction names. Of several with the same words, one with the same answer and category, else the
// first that has no prediction yet.
const finder = (dialogues: ReadonlyArray<Dialogue.Dialogue>) => {
  const byId = new Map(dialogues.flatMap(({ questions }) => questions).map((question) => [question.id, question]))
  const byText = new Map(
    dialogues.map((dialogue) => [dialogue, Map.groupBy(dialogue.questions, ({ question }) => normal(question))])
  )
  return (
    prediction: PredictionFile.Prediction,
    taken: { has(id: string): boolean }
  ): Dialogue.Question | undefined => {
    if (prediction._tag === "ById") return byId.get(prediction.id)
    const { answer, category, conversation, question } = prediction
    const place = conversation !== undefined && /^\d+$/.test(conversation) ? dialogues[Number(conversation)] : undefined
    const named = dialogues.find(({ id }) => id === conversation) ?? place
    const found = (named === undefined ? dialogues : [named])
      .flatMap((dialogue) => byText.get(dialogue)!.get(normal(question)) ?? [])
    const agreement = (one: Dialogue.Question): number =>
      (taken.has(one.id) ? 0 : 4) + (answer !== undefined && normal(one.answer) === normal(answer) ? 2 : 0) +
      (category === String(one.category) ? 1 : 0)
    return found.toSorted((a, b) => agreement(b) - agreement(a))[0]
  }
}

const warned = (file: string, missing: number, all: number) =>
  Effect.when(
    Effect.logWarning(`${file}: ${missing} of ${all} questions have no prediction; each counts as 0`),
    Effect.succeed(missing > 0)
  )

/**
 * Measures predictions against the gold answers of a data set.
 *
 * Questions are selected as in `Evaluation.run`; a prediction for a question that is not selected is left aside. A
 * selected question without a prediction has the metrics 0, and `missing` says how many there are. Fails with
 * `UnknownQuestions`, and with `DuplicatePrediction`.
 *
 * @example
 * ```ts
 * import { type Dialogue } from "@memory-r1/core/rl"
 * import { Score } from "@memory-r1/eval"
 * import { Effect } from "effect"
 *
 * const dialogue: Dialogue.Dialogue = {
 *   id: "conv-1",
 *   speakers: ["Ann", "Bob"],
 *   sessions: [],
 *   questions: [
 *     { id: "conv-1/0", question: "Where does Ann live?", answer: "Oslo", category: 4, evidence: [] },
 *     { id: "conv-1/1", question: "Where does Bob live?", answer: "Bergen", category: 4, evidence: [] }
 *   ],
 *   observations: []
 * }
 * const result = await Effect.runPromise(Score.against({
 *   dataset: "mine", sha256: "", dialogues: [dialogue], file: "answers.jsonl", system: "somebody",
 *   predictions: [{ _tag: "ById", at: "line 1", id: "conv-1/0", prediction: "in Oslo" }]
 * }))
 * result.metrics.overall.exactMatch // => 0
 * result.items.map(({ f1 }) => f1) // => [2 / 3, 0]
 * result.missing // => 1
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const against = Effect.fn("Score.against")(function*(options: Options) {
  const { dataset, dialogues, file, predictions, seed = 1, sha256, system } = options
  const started = yield* Clock.currentTimeMillis
  const find = finder(dialogues)
  const given = new Map<string, string | null>()
  const unknown: Array<string> = []
  for (const prediction of predictions) {
    const question = find(prediction, given)
    if (question === undefined) {
      unknown.push(
        `${prediction._tag === "ById" ? prediction.id : JSON.stringify(prediction.question)} (${prediction.at})`
      )
    } else if (given.has(question.id)) {
      return yield* new DuplicatePrediction({ file, id: question.id, at: prediction.at })
    } else given.set(question.id, prediction._tag === "ById" ? prediction.prediction : prediction.response)
  }
  if (unknown.length > 0) {
    return yield* new UnknownQuestions({ file, count: unknown.length, questions: unknown.slice(0, 5) })
  }
  const scored = Evaluation.selectQuestions(options).map(({ dialogue, question }) =>
    Scoring.score({
      ...question,
      cluster: dialogue.id,
      gold: question.answer,
      prediction: given.get(question.id) ?? undefined
    })
  )
  const missing = scored.filter(({ item }) => (given.get(item.id) ?? null) === null).length
  yield* warned(file, missing, scored.length)
  const summary = yield* Scoring.summary(scored, seed)
  const ended = yield* Clock.currentTimeMillis
  const result: Evaluation.Result = { dataset, sha256, system, ...summary, missing, seconds: (ended - started) / 1000 }
  return result
})

/**
 * Measures predictions that bring their gold answers with them, without the data set itself. Ids are the
 * predictions' own, or `conversation/index`. With `categories`, predictions of other numbers are left aside. Nulls have
 * the metrics 0, and `missing` says how many there are. Items without a gold answer fail with `UnknownQuestions`, two
 * of one id with `DuplicatePrediction`.
 *
 * @example
 * ```ts
 * import { Score } from "@memory-r1/eval"
 * import { Effect } from "effect"
 *
 * const result = await Effect.runPromise(Score.standalone({
 *   dataset: "msc", sha256: "", file: "answers.json", system: "somebody",
 *   predictions: [{
 *     _tag: "ByQuestion", at: "9[0]", conversation: "9", question: "Which pet?", answer: "a cat", response: "cat"
 *   }]
 * }))
 * result.items[0]?.id // => "9/0"
 * result.metrics.overall.exactMatch // => 1
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const standalone = Effect.fn("Score.standalone")(function*(options: Omit<Options, "dialogues" | "limit">) {
  const { categories, dataset, file, predictions, seed = 1, sha256, system } = options
  const started = yield* Clock.currentTimeMillis
  const counts = new Map<string, number>()
  const ids = new Set<string>()
  const unknown: Array<string> = []
  const scored: Array<Scoring.Scored> = []
  let missing = 0
  for (const prediction of predictions) {
    const { answer, category: named = "none", question = "" } = prediction
    const category = /^\d+$/.test(named) ? Number(named) : named
    const cluster = prediction._tag === "ById" ? prediction.id.split("/", 1)[0]! : prediction.conversation ?? "0"
    const place = counts.get(cluster) ?? 0
    counts.set(cluster, place + 1)
    if (categories !== undefined && typeof category === "number" && !categories.includes(category)) continue
    if (answer === undefined) {
      unknown.push(`${prediction.at} has no gold answer`)
      continue
    }
    const id = prediction._tag === "ById" ? prediction.id : `${cluster}/${place}`
    if (ids.has(id)) return yield* new DuplicatePrediction({ file, id, at: prediction.at })
    ids.add(id)
    const given = prediction._tag === "ById" ? prediction.prediction : prediction.response
    if (given === null) missing++
    scored.push(Scoring.score({ id, cluster, category, question, gold: answer, prediction: given ?? undefined }))
  }
  if (unknown.length > 0) {
    return yield* new UnknownQuestions({ file, count: unknown.length, questions: unknown.slice(0, 5) })
  }
  yield* warned(file, missing, scored.length)
  const summary = yield* Scoring.summary(scored, seed)
  const ended = yield* Clock.currentTimeMillis
  const result: Evaluation.Result = { dataset, sha256, system, ...summary, missing, seconds: (ended - started) / 1000 }
  return result
})
