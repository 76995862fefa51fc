// The forms in which predictions come: JSON lines, and JSON nested in many ways.
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Prediction } from "../Score.ts"
import * as DataFile from "./dataFile.ts"
import { errorIn } from "./jsonError.ts"

/** A line of a JSON lines file that is no prediction. */
export class BrokenLine extends Schema.TaggedError<BrokenLine>()("BrokenLine", {
  file: Schema.String,
  line: Schema.Int,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.file}:${this.line}: ${this.detail}`
  }
}

const Line = Schema.Struct({ id: Schema.String, prediction: Schema.String })

const Text = Schema.Union([Schema.String, Schema.Finite, Schema.Null])

const ByQuestion = Schema.Struct({
  question: Schema.String,
  answer: Schema.optionalKey(Text),
  response: Text,
  category: Schema.optionalKey(Schema.Union([Schema.Int, Schema.String]))
})

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const parsed = (text: string): unknown => errorIn(text) === undefined ? JSON.parse(text) : undefined

// One prediction a line? Then the first line is an object of its own, with a prediction.
const isLines = (file: string, text: string): boolean => {
  if (/\.(?:jsonl|ndjson)$/.test(file)) return true
  const first = parsed(text.trimStart().split("\n", 1)[0]!)
  return isObject(first) && "id" in first && "prediction" in first
}

const fromLines = (file: string, text: string) =>
  Effect.forEach(
    text.split("\n").map((content, i) => ({ content, line: i + 1 })).filter(({ content }) => content.trim() !== ""),
    ({ content, line }) => {
      const error = errorIn(content)
      if (error !== undefined) {
        return Effect.fail(new BrokenLine({ file, line, detail: `broken JSON in column ${error.column}: ${error.detail}` }))
      }
      return Schema.decodeUnknownEffect(Line)(JSON.parse(content)).pipe(
        Effect.mapError((error) => {
          const { detail, place } = DataFile.explain(error)
          return new BrokenLine({ file, line, detail: `at ${place}: ${detail}` })
        }),
        Effect.map(({ id, prediction }): Prediction => ({ _tag: "ById", at: `line ${line}`, id, prediction }))
      )
    }
  )

// The answer of an item under the names that are in use: `response`, `prediction`, or LoCoMo's `<model>_prediction`.
const withResponse = (item: Record<string, unknown>): Record<string, unknown> => {
  const keys = ["response", "prediction", ...Object.keys(item).filter((name) => name.endsWith("_prediction"))]
  const key = keys.find((name) => name in item)
  return key === undefined ? item : { ...item, response: item[key] }
}

const fromJson = (file: string, json: unknown) => {
  const visit = (
    value: unknown,
    at: string,
    conversation: string | undefined
  ): Effect.Effect<ReadonlyArray<Prediction>, DataFile.WrongShape> => {
    if (Array.isArray(value)) {
      return Effect.map(Effect.forEach(value, (item, i) => visit(item, `${at}[${i}]`, conversation)), (found) => found.flat())
    }
    if (!isObject(value)) {
      const detail = "Expected predictions: objects or lists of them"
      return Effect.fail(new DataFile.WrongShape({ file, place: at || "the top", detail }))
    }
    const wrong = ({ detail, place }: DataFile.WrongShape) => new DataFile.WrongShape({ file, place: `${at}.${place}`, detail })
    if ("question" in value) {
      return DataFile.decode(file, ByQuestion, withResponse(value)).pipe(
        Effect.mapError(wrong),
        Effect.map(({ answer, category, question, response }): ReadonlyArray<Prediction> => [{
          _tag: "ByQuestion",
          at,
          question,
          response: String(response ?? ""),
          ...(conversation === undefined ? {} : { conversation }),
          ...(answer === undefined ? {} : { answer: String(answer ?? "") }),
          ...(category === undefined ? {} : { category: String(category) })
        }])
      )
    }
    if ("id" in value && "prediction" in value) {
      return DataFile.decode(file, Line, value).pipe(
        Effect.mapError(wrong),
        Effect.map(({ id, prediction }): ReadonlyArray<Prediction> => [{ _tag: "ById", at, id, prediction }])
      )
    }
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
