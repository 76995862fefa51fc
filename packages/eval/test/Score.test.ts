import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem, Schema } from "effect"
import { describeWith, shared } from "../../../tools/testing/needs.ts"
import * as DialogueFile from "../src/DialogueFile.ts"
import * as Locomo from "../src/Locomo.ts"
import * as Score from "../src/Score.ts"
import * as Support from "./support/dialogues.ts"

const dialogues = Schema.decodeUnknownSync(DialogueFile.Dialogues)(Support.file)
const against = { dataset: "small", sha256: "0", dialogues, file: "answers", system: "somebody" }

const fileWith = Effect.fnUntraced(function*(text: string, name = "answers.json") {
  const files = yield* FileSystem.FileSystem
  const file = `${yield* files.makeTempDirectoryScoped()}/${name}`
  yield* files.writeFileString(file, text)
  return file
})

const score = Effect.fnUntraced(function*(text: string, name?: string) {
  return yield* Score.against({ ...against, ...(yield* Score.read(yield* fileWith(text, name))), sha256: "0" })
})

const failure = Effect.fnUntraced(function*(text: string, name?: string) {
  const file = yield* fileWith(text, name)
  const error = yield* Effect.flip(
    Effect.flatMap(Score.read(file), (read) => Score.against({ ...against, ...read, file }))
  )
  return { tag: error._tag, message: error.message.slice(file.length) }
})

const answered = (result: { readonly items: ReadonlyArray<{ readonly id: string; readonly prediction: string }> }) =>
  Object.fromEntries(result.items.map(({ id, prediction }) => [id, prediction]))

const byQuestion = (question: string, response: string, more = {}) => ({ question, response, ...more })
const expected = { "conv-1/0": "2", "conv-1/1": "in May 2023", "conv-1/2": "", "conv-2/0": "Rome" }
const items = {
  "conv-1": [byQuestion("How many dogs does Bob have?", "2"), byQuestion("When did Ann move to  Oslo?", "in May 2023")],
  "conv-2": [byQuestion("Where does Cid live?", "Rome")]
}

layer(NodeServices.layer)("Score", (it) => {
  it.effect("reads JSON lines, counts what is missing as 0", () =>
    Effect.gen(function*() {
      const lines = Object.entries(expected).filter(([, prediction]) => prediction !== "")
        .map(([id, prediction]) => JSON.stringify({ id, prediction }))
      const result = yield* score(`${lines.join("\n\n")}\n`)
      assert.deepStrictEqual(answered(result), expected)
      assert.strictEqual(result.missing, 1)
      assert.strictEqual(result.n, 4)
      assert.deepStrictEqual(result.items.map(({ f1 }) => f1), [1, 0.4, 0, 1])
      assert.strictEqual(result.metrics.overall.f1, 0.6)
      assert.strictEqual(result.metrics.byCategory["4"]!.exactMatch, 0.5)
      assert.strictEqual((yield* score(lines[0]!)).missing, 3)
      assert.strictEqual((yield* score(lines[0]!, "answers.jsonl")).missing, 3)
    }))

  it.effect("reads items nested by conversation, by id, by place or not at all, indented or not", () =>
    Effect.gen(function*() {
      for (
        const form of [
          items,
          { 1: items["conv-2"], 0: items["conv-1"] },
          Object.values(items).flat(),
          Object.values(items),
          Object.entries(items).map(([sample_id, qa]) => ({
            sample_id,
            qa: qa.map(({ question, response }) => ({ question, "gpt_prediction": response }))
          })),
          Object.entries(expected).filter(([, prediction]) => prediction !== "").map(([id, prediction]) => ({
            id,
            prediction
          }))
        ]
      ) {
        for (const indent of [undefined, 2]) {
          const result = yield* score(JSON.stringify(form, undefined, indent))
          assert.deepStrictEqual(answered(result), expected)
        }
      }
    }))

  it.effect("tells questions with the same words apart", () =>
    Effect.gen(function*() {
      const [conversation] = Support.file
      const qa = [
        { question: "Which pet?", answer: "a cat", evidence: [], category: 4 },
        { question: "Which pet?", answer: "a dog", evidence: [], category: 1 },
        { question: "Which pet?", evidence: [], category: 5 }
      ]
      const twins = yield* Schema.decodeUnknownEffect(DialogueFile.Dialogues)([{ ...conversation, qa }])
      const scoreTwins = Effect.fnUntraced(function*(...predictions: ReadonlyArray<object>) {
        const read = yield* Score.read(yield* fileWith(JSON.stringify(predictions)))
        return Object.values(answered(yield* Score.against({ ...against, ...read, dialogues: twins })))
      })
      const cat = (more = {}) => byQuestion("Which pet?", "cat", more)
      const dog = (more = {}) => byQuestion("Which pet?", "dog", more)
      assert.deepStrictEqual(yield* scoreTwins(dog({ answer: "a dog" }), cat({ answer: "a cat" })), ["cat", "dog"])
      assert.deepStrictEqual(yield* scoreTwins(dog({ category: "1" }), cat({ category: 4 })), ["cat", "dog"])
      assert.deepStrictEqual(yield* scoreTwins(cat(), dog()), ["cat", "dog"])
    }))

  it.effect("names what it does not know", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* failure(`{"id": "conv-1/0", "prediction": "2"}\n{"id": "conv-9/0", "prediction": "2"}`),
        {
          tag: "UnknownQuestions",
          message: ": 1 predictions for questions that the data set does not have: conv-9/0 (line 2)"
        }
      )
      assert.include((yield* failure(JSON.stringify({ 0: [byQuestion("Who?", "Ann")] }))).message, "\"Who?\" (0[0])")
      assert.deepStrictEqual(
        yield* failure(`{"id": "conv-1/0", "prediction": "2"}\n{"id": "conv-1/0", "prediction": "3"}`),
        {
          tag: "DuplicatePrediction",
          message: ": line 2 is a second prediction for conv-1/0"
        }
      )
    }))

  it.effect("names broken lines, and broken places of JSON", () =>
    Effect.gen(function*() {
      const fine = `{"id": "conv-1/0", "prediction": "2"}\n`
      assert.deepStrictEqual(yield* failure(`${fine}\n{"id": "conv-1/1", "prediction": }\n`), {
        tag: "BrokenLine",
        message: ":3: broken JSON in column 34: value expected, found \"}\""
      })
      assert.deepStrictEqual(yield* failure(`${fine}{"id": "conv-1/1"}\n`), {
        tag: "BrokenLine",
        message: ":2: at prediction: Missing key"
      })
      assert.deepStrictEqual(yield* failure(`{"id": "conv-1/1",\n`, "answers.jsonl"), {
        tag: "BrokenLine",
        message: ":1: broken JSON in column 19: key expected, the file ends"
      })
      assert.deepStrictEqual(yield* failure("[{\"question\": \"Who?\",\n}]"), {
        tag: "BrokenJson",
        message: ":2:1: broken JSON: key expected, found \"}]\""
      })
      assert.deepStrictEqual(yield* failure(`{"conv-1": [{"question": "Who?"}]}`), {
        tag: "WrongShape",
        message: ": at conv-1[0].response: Missing key"
      })
      assert.strictEqual((yield* failure("[1]")).message, ": at [0]: Expected predictions: objects or lists of them")
      assert.strictEqual(
        (yield* Effect.flip(Score.read("/nowhere/answers.json"))).message,
        "/nowhere/answers.json: no such file"
      )
    }))

  it.effect("reads numbers and booleans as texts and null as missing, in all forms", () =>
    Effect.gen(function*() {
      const given: ReadonlyArray<readonly [unknown, string, boolean]> = [
        [2, "2", false],
        [0, "0", false],
        [-1.5, "-1.5", false],
        [2022, "2022", false],
        ["2", "2", false],
        ["", "", false],
        [true, "true", false],
        [false, "false", false],
        [null, "", true]
      ]
      for (const [value, text, isMissing] of given) {
        const item = { question: "How many dogs does Bob have?", category: 4, answer: 2 }
        const forms: ReadonlyArray<readonly [string, string?]> = [
          [JSON.stringify({ id: "conv-1/0", prediction: value })],
          [JSON.stringify({ id: "conv-1/0", prediction: value, ...item }), "answers.jsonl"],
          [JSON.stringify([{ id: "conv-1/0", prediction: value }])],
          [`${JSON.stringify({ ...item, response: value })}\n\n`, "answers.ndjson"],
          [
            `${JSON.stringify({ ...item, response: value })}\n${
              JSON.stringify({ question: "Where does Cid live?", response: null })
            }`
          ],
          [JSON.stringify([{ ...item, response: value }])],
          [JSON.stringify([{ ...item, prediction: value }])],
          [JSON.stringify({ "conv-1": [{ ...item, gpt_prediction: value }] }, undefined, 2)],
          [JSON.stringify([{ sample_id: "conv-1", qa: [{ ...item, gpt_prediction: value }] }])]
        ]
        for (const [content, name] of forms) {
          const result = yield* score(content, name)
          assert.strictEqual(answered(result)["conv-1/0"], text, content)
          assert.strictEqual(result.missing, isMissing ? 4 : 3, content)
          assert.strictEqual(result.items[0]?.exactMatch, text === "2" ? 1 : 0, content)
        }
      }
    }))

  it.effect("names the line and the field of what is no text, in all forms", () =>
    Effect.gen(function*() {
      for (const value of [[], ["2"], {}, { text: "2" }]) {
        const json = JSON.stringify(value)
        const table: ReadonlyArray<readonly [string, string]> = [
          [`{"id": "conv-1/1", "prediction": "x"}\n{"id": "conv-1/0", "prediction": ${json}}`, ":2: at prediction: "],
          [`{"question": "Who?", "response": "x"}\n{"question": "Who?", "response": ${json}}`, ":2: at response: "],
          [
            `{"question": "Who?", "response": "x"}\n{"question": "Who?", "answer": ${json}, "response": "x"}`,
            ":2: at answer: "
          ],
          [`{"id": 5, "prediction": "x"}`, ":1: at id: "],
          [`[{"question": "Who?", "response": ${json}}]`, ": at [0].response: "],
          [`{"9": [{"question": "Who?", "gpt_prediction": ${json}}]}`, ": at 9[0].gpt_prediction: "],
          [`[{"id": "conv-1/0", "prediction": ${json}}]`, ": at [0].prediction: "]
        ]
        for (const [content, words] of table) assert.include((yield* failure(content)).message, words, content)
      }
    }))

  it.effect("measures predictions by id that bring their gold answers, and counts nulls", () =>
    Effect.gen(function*() {
      const file = yield* fileWith(
        [
          { id: "c1/0", prediction: "cat", question: "Which pet?", answer: "a cat", category: 4 },
          { id: "c1/1", prediction: null, answer: "Rome", category: "2" },
          { id: "c2/0", prediction: 3, answer: 3, category: null },
          { id: "c2/1", prediction: "x", category: 5 }
        ]
          .map((item) => JSON.stringify(item))
          .join("\n")
      )
      const read = yield* Score.read(file)
      const result = yield* Score.standalone({ ...against, ...read, categories: [1, 2, 3, 4] })
      assert.deepStrictEqual(
        result.items.map(({ category, exactMatch, id }) => [id, category, exactMatch]),
        [
          ["c1/0", 4, 1],
          ["c1/1", 2, 0],
          ["c2/0", "none", 1]
        ]
      )
      assert.deepStrictEqual([result.n, result.missing], [3, 1])
      assert.include(
        (yield* Effect.flip(Score.standalone({ ...against, ...read }))).message,
        "line 4 has no gold answer"
      )
      const twice = [...read.predictions.slice(0, 1), ...read.predictions.slice(0, 1)]
      assert.strictEqual(
        (yield* Effect.flip(Score.standalone({ ...against, predictions: twice })))._tag,
        "DuplicatePrediction"
      )
    }))

  it.effect("measures answers that bring their gold answers", () =>
    Effect.gen(function*() {
      const file = yield* fileWith(JSON.stringify({
        9: [
          byQuestion("Which pet?", "cat", { answer: "a cat", category: "pets" }),
          byQuestion("How many?", "3", { answer: 2 })
        ]
      }))
      const result = yield* Score.standalone({ ...against, ...(yield* Score.read(file)) })
      assert.deepStrictEqual(result.items.map(({ category, exactMatch, id }) => ({ id, category, exactMatch })), [
        { id: "9/0", category: "pets", exactMatch: 1 },
        { id: "9/1", category: "none", exactMatch: 0 }
      ])
      const without = yield* Score.read(yield* fileWith(JSON.stringify([byQuestion("Which pet?", "cat")])))
      assert.strictEqual((yield* Effect.flip(Score.standalone({ ...against, ...without })))._tag, "UnknownQuestions")
    }))
})

// The files bring the scores that their makers published, question by question.
const Published = Schema.Record(
  Schema.String,
  Schema.Array(Schema.Struct({
    question: Schema.String,
    response: Schema.String,
    f1_score: Schema.Number,
    bleu_score: Schema.Number
  }))
)

const published = Effect.fnUntraced(function*(file: string) {
  const files = yield* FileSystem.FileSystem
  return yield* Schema.decodeUnknownEffect(Schema.fromJsonString(Published))(yield* files.readFileString(file))
})

describeWith(shared("data/peer-outputs"), "answers of other systems", (folder) => {
  layer(NodeServices.layer)((it) => {
    it.effect("agrees with the scores that memobase published on LoCoMo", () =>
      Effect.gen(function*() {
        const file = `${folder}/memobase/memobase_eval_0710_3000.json`
        const locomo = yield* Locomo.load(shared("data/locomo/locomo10.json").path!)
        const { predictions } = yield* Score.read(file)
        const result = yield* Score.against({ ...locomo, predictions, file, system: "memobase" })
        const key = (question: string, response: string) => `${question}\n${response}`
        const theirs = new Map(
          Object.values(yield* published(file)).flat().map((item) => [key(item.question, item.response), item])
        )
        const theirsOn = ({ prediction, question }: typeof result.items[number]) =>
          theirs.get(key(question, prediction))!
        assert.strictEqual(result.missing, 0)
        assert.strictEqual(result.n, 1540)
        for (const item of result.items) assert.approximately(item.f1, theirsOn(item).f1_score, 1e-9)
        // NLTK's trained sentence splitter ends a sentence between two of the initials of J. R. R. Tolkien; our rule
        // does not.
        const differing = result.items.filter((item) => Math.abs(item.bleu1 - theirsOn(item).bleu_score) > 1e-9)
        assert.isAtMost(differing.length, 1, differing.map(({ prediction }) => prediction).join("\n"))
      }))

    for (const name of ["msc", "longmemeval"]) {
      it.effect(`agrees with the scores that Memory-R2 published on ${name}`, () =>
        Effect.gen(function*() {
          const file = `${folder}/memory-r2/${name}_evaluation_metrics.json`
          const read = yield* Score.read(file)
          const result = yield* Score.standalone({ dataset: name, ...read, file, system: "memory-r2" })
          const theirs = Object.values(yield* published(file)).flat()
          assert.strictEqual(result.n, 500)
          assert.strictEqual(result.missing, 0)
          for (const [i, item] of result.items.entries()) {
            assert.approximately(item.f1, theirs[i]!.f1_score, 1e-9)
            assert.approximately(item.bleu1, theirs[i]!.bleu_score, 1e-9, `${item.prediction} | ${item.gold}`)
          }
        }))
    }

    it.effect("reads LoCoMo's own form, with three conversations of ten", () =>
      Effect.gen(function*() {
        const file = `${folder}/locomo-official/luxiaraqian_outputs4_gpt35_4k_3convs.json`
        const locomo = yield* Locomo.load(shared("data/locomo/locomo10.json").path!)
        const { predictions } = yield* Score.read(file)
        const result = yield* Score.against({ ...locomo, predictions, file, system: "gpt-3.5-turbo" })
        assert.strictEqual(predictions.length, 497)
        assert.strictEqual(result.missing, 1540 - 385)
        assert.isAbove(result.metrics.overall.f1, 0.05)
      }))
  })
})
