// The forms in which predictions come: JSON lines, and JSON nested in many ways.
import { DataFile } from "@memory-r1/core/rl"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/**
 * An answer, to a question that is named by its id, or by its words and, where the file is nested by conversation, by
 * the conversation's id or its place in the data set. `at` is the place in the file. A null is no answer: it counts as
 * missing.
 *
 * @category models
 * @since 0.1.0
 */
export type Prediction =
  | {
    readonly _tag: "ById"
    readonly at: string
    readonly id: string
    readonly prediction: string | null
    readonly question?: string | undefined
    readonly answer?: string | undefined
    readonly category?: string | undefined
  }
  | {
    readonly _tag: "ByQuestion"
    readonly at: string
    readonly conversation?: string | undefined
    readonly question: string
    readonly answer?: string | undefined
    readonly response: string | null
    readonly category?: string | undefined
  }

/**
 * A line of a JSON lines file that is no prediction.
 *
 * @category errors
 * @since 0.1.0
 */
export class BrokenLine extends Schema.TaggedError<BrokenLine>()("BrokenLine", {
  file: Schema.String,
  line: Schema.Int,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.file}:${this.line}: ${this.detail}`
  }
}

// What stands for a text: answers such as 2022 or true are written without quotes, and null is none.
const Text = Schema.Union([Schema.String, Schema.Finite, Schema.Boolean, Schema.Null])

const gold = {
  answer: Schema.optionalKey(Text),
  category: Schema.optionalKey(Schema.Union([Schema.Int, Schema.String, Schema.Null]))
}
const ById = Schema.Struct({
  ...gold,
  id: Schema.String,
  prediction: Text,
  question: Schema.optionalKey(Schema.String)
})
const ByQuestion = Schema.Struct({ ...gold, question: Schema.String, response: Text })

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

// The name under which an item has its answer: `response`, `prediction`, or LoCoMo's `<model>_prediction`.
const answerOf = (item: Readonly<Record<string, unknown>>): string =>
  ["response", "prediction", ...Object.keys(item).filter((name) => name.endsWith("_prediction"))].find(
    (name) => name in item
  ) ?? "response"

const text = (value: typeof Text.Type): string | null => value === null ? null : String(value)

const known = (
  { answer, category }: {
    readonly answer?: typeof Text.Type | undefined
    readonly category?: number | string | null | undefined
  }
) => ({
  ...(answer === undefined ? {} : { answer: String(answer ?? "") }),
  ...(category === undefined || category === null ? {} : { category: String(category) })
})

// One prediction, by its id or by the words of its question.
const byId = (file: string, item: unknown, at: string): Effect.Effect<Prediction, DataFile.WrongShape> =>
  Effect.map(DataFile.decode(file, ById, item), ({ id, prediction, question, ...gold }): Prediction => ({
    _tag: "ById",
    at,
    id,
    prediction: text(prediction),
    question,
    ...known(gold)
  }))

const byQuestion = (
  file: string,
  item: Readonly<Record<string, unknown>>,
  at: string,
  conversation?: string
): Effect.Effect<Prediction, DataFile.WrongShape> => {
  const name = answerOf(item)
  return DataFile.decode(file, ByQuestion, name in item ? { ...item, response: item[name] } : item).pipe(
    Effect.mapError((error) => error.place === "response" ? new DataFile.WrongShape({ ...error, place: name }) : error),
    Effect.map(({ question, response, ...gold }): Prediction => ({
      _tag: "ByQuestion",
      at,
      question,
      response: text(response),
      conversation,
      ...known(gold)
    }))
  )
}

const parsed = (text: string): unknown => DataFile.jsonError(text) === undefined ? JSON.parse(text) : undefined

// One prediction a line? Then the first line is one.
const isLines = (file: string, text: string): boolean => {
  if (/\.(?:jsonl|ndjson)$/.test(file)) return true
  const first = parsed(text.trimStart().split("\n", 1)[0]!)
  return isObject(first) && (("id" in first && "prediction" in first) || "question" in first)
}

const fromLines = (file: string, text: string) =>
  Effect.forEach(
    text.split("\n").map((content, i) => ({ content, line: i + 1 })).filter(({ content }) => content.trim() !== ""),
    ({ content, line }) => {
      const error = DataFile.jsonError(content)
      if (error !== undefined) {
        return Effect.fail(
          new BrokenLine({ file, line, detail: `broken JSON in column ${error.column}: ${error.detail}` })
        )
      }
      const item: unknown = JSON.parse(content)
      const isByQuestion = isObject(item) && "question" in item && !("id" in item)
      const read = isByQuestion ? byQuestion(file, item, `line ${line}`) : byId(file, item, `line ${line}`)
      return Effect.mapError(read, ({ detail, place }) =>
        new BrokenLine({ file, line, detail: `at ${place}: ${detail}` }))
    }
  )

const fromJson = (file: string, json: unknown) => {
  const visit = (
    value: unknown,
    at: string,
    conversation: string | undefined
  ): Effect.Effect<ReadonlyArray<Prediction>, DataFile.WrongShape> => {
    if (Array.isArray(value)) {
      return Effect.map(
        Effect.forEach(value, (item, i) => visit(item, `${at}[${i}]`, conversation)),
        (found) => found.flat()
      )
    }
    if (!isObject(value)) {
      const detail = "Expected predictions: objects or lists of them"
      return Effect.fail(new DataFile.WrongShape({ file, place: at || "the top", detail }))
    }
    const wrong = ({ detail, place }: DataFile.WrongShape) =>
      new DataFile.WrongShape({ file, place: `${at}.${place}`, detail })
    const one = "question" in value
      ? byQuestion(file, value, at, conversation)
      : "id" in value && "prediction" in value
      ? byId(file, value, at)
      : undefined
    if (one !== undefined) return Effect.mapBoth(one, { onFailure: wrong, onSuccess: (prediction) => [prediction] })
    if ("qa" in value) {
      return visit(value["qa"], `${at}.qa`, typeof value["sample_id"] === "string" ? value["sample_id"] : conversation)
    }
    return Effect.map(
      Effect.forEach(Object.entries(value), ([key, part]) => visit(part, at === "" ? key : `${at}.${key}`, key)),
      (found) => found.flat()
    )
  }
  return visit(json, "", undefined)
}

export const read = Effect.fnUntraced(function*(file: string) {
  const { sha256, text } = yield* DataFile.read(file)
  const predictions: ReadonlyArray<Prediction> = isLines(file, text)
    ? yield* fromLines(file, text)
    : yield* fromJson(file, yield* DataFile.parse(file, text))
  return { predictions, sha256 }
})
