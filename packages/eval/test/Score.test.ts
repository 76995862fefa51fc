import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem, Schema } from "effect"
import * as Dialogue from "../src/Dialogue.ts"
import * as Locomo from "../src/Locomo.ts"
import * as Score from "../src/Score.ts"
import * as Support from "./support/dialogues.ts"
import { describeWith, shared } from "../../../tools/testing/needs.ts"

const dialogues = Schema.decodeUnknownSync(Dialogue.Dialogues)(Support.file)
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
  const error = yield* Effect.flip(Effect.flatMap(Score.read(file), (read) => Score.against({ ...against, ...read, file })))
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
          Object.entries(expected).filter(([, prediction]) => prediction !== "").map(([id, prediction]) => ({ id, prediction }))
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
      const twins = yield* Schema.decodeUnknownEffect(Dialogue.Dialogues)([{ ...conversation, qa }])
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
      assert.deepStrictEqual(yield* failure(`{"id": "conv-1/0", "prediction": "2"}\n{"id": "conv-9/0", "prediction": "2"}`), {
        tag: "UnknownQuestions",
        message: ": 1 predictions for questions that the data set does not have: conv-9/0 (line 2)"
      })
      assert.include((yield* failure(JSON.stringify({ 0: [byQuestion("Who?", "Ann")] }))).message, "\"Who?\" (0[0])")
      assert.deepStrictEqual(yield* failure(`{"id": "conv-1/0", "prediction": "2"}\n{"id": "conv-1/0", "prediction": "3"}`), {
        tag: "DuplicatePrediction",
        message: ": line 2 is a second prediction for conv-1/0"
      })
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
      assert.strictEqual((yield* Effect.flip(Score.read("/nowhere/answers.json"))).message, "/nowhere/answers.json: no such file")
    }))

  it.effect("measures answers that bring their gold answers", () =>
    Effect.gen(function*() {
      const file = yield* fileWith(JSON.stringify({
        9: [byQuestion("Which pet?", "cat", { answer: "a cat", category: "pets" }), byQuestion("How many?", "3", { answer: 2 })]
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
        const theirsOn = ({ prediction, question }: typeof result.items[number]) => theirs.get(key(question, prediction))!
        assert.strictEqual(result.missing, 0)
        assert.strictEqual(result.n, 1540)
        for (const item of result.items) assert.approximately(item.f1, theirsOn(item).f1_score, 1e-9)
        // NLTK's trained sentence splitter ends a sentence between two of the initials of J. R. R. Tolkien; our rule does not.
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

