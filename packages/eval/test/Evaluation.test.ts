// @module-tag slow
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it, layer } from "@effect/vitest"
import { AnswerAgent, MemoryBank, MemoryManager, Retriever } from "@memory-r1/core"
import { Dialogue } from "@memory-r1/core/rl"
import { Effect, Layer, Schema } from "effect"
import { describeWith, shared } from "../../../tools/testing/needs.ts"
import * as DialogueFile from "../src/DialogueFile.ts"
import * as Evaluation from "../src/Evaluation.ts"
import * as Locomo from "../src/Locomo.ts"
import * as Support from "./support/dialogues.ts"

const dialogues = Schema.decodeUnknownSync(DialogueFile.Dialogues)(Support.file)
const options = { dataset: "small", sha256: "0", dialogues, system: Evaluation.bm25 }
const texts = (bank: MemoryBank.MemoryBank) => MemoryBank.memories(bank).map(({ text }) => text)

layer(Evaluation.layerLexical)("Evaluation", (it) => {
  it.effect("answers every question but those of category 5", () =>
    Effect.gen(function*() {
      const result = yield* Evaluation.run(options)
      assert.deepStrictEqual(result.items.map(({ id, prediction }) => [id, prediction]), [
        ["conv-1/0", "2"],
        ["conv-1/1", "April 2023"],
        ["conv-1/2", "Tom"],
        ["conv-2/0", "Rome"]
      ])
      assert.strictEqual(result.n, 4)
      assert.deepStrictEqual(result.metrics.overall, {
        n: 4,
        exactMatch: 1,
        f1: 1,
        bleu1: 1,
        squadF1: 1,
        evidenceRecall: 1,
        evidenceRecallAt10: 1,
        evidenceRecallAt30: 1
      })
      assert.deepStrictEqual(Object.keys(result.metrics.byCategory), ["1", "2", "4"])
      assert.strictEqual(result.metrics.byCategory["4"]!.n, 2)
      assert.deepStrictEqual(result.intervals.overall["f1"], { low: 1, high: 1, resampledBy: "cluster" })
      assert.strictEqual(result.memories, 7)
      assert.deepStrictEqual([result.dataset, result.sha256, result.system], ["small", "0", "bm25"])
    }))

  it.effect("gives what its schema says, the same again for the same seed", () =>
    Effect.gen(function*() {
      const { seconds: _, ...result } = yield* Evaluation.run({ ...options, seed: 3 })
      const { seconds, ...again } = yield* Evaluation.run({ ...options, seed: 3 })
      assert.deepStrictEqual(again, result)
      const json = JSON.parse(JSON.stringify({ ...result, seconds }))
      assert.deepStrictEqual(yield* Schema.decodeUnknownEffect(Evaluation.Result)(json), { ...result, seconds })
    }))

  it.effect("asks the first questions only, or those of some categories", () =>
    Effect.gen(function*() {
      const ids = (result: Evaluation.Result) => result.items.map(({ id }) => id)
      assert.deepStrictEqual(ids(yield* Evaluation.run({ ...options, limit: 2 })), ["conv-1/0", "conv-1/1"])
      assert.deepStrictEqual(ids(yield* Evaluation.run({ ...options, categories: [5, 2] })), ["conv-1/1", "conv-1/3"])
      assert.deepStrictEqual(ids(yield* Evaluation.run({ ...options, dialogues: [] })), [])
    }))

  it.effect("measures recall at the candidates' limit, and by rank over the whole bank", () =>
    Effect.gen(function*() {
      const chatter = Array.from({ length: 20 }, (_, n) => ({
        id: `D1:${n}`,
        speaker: n % 2 === 0 ? "Ann" : "Bob",
        text: `We talk about topic ${n}.`
      }))
      const dialogue: Dialogue.Dialogue = {
        id: "conv-1",
        speakers: ["Ann", "Bob"],
        sessions: [{ index: 1, turns: [...chatter, { id: "D1:99", speaker: "Ann", text: "I live in Oslo." }] }],
        questions: [
          { id: "conv-1/0", question: "Where does Ann live?", answer: "Oslo", category: 4, evidence: ["D1:99", "D1:3"] }
        ],
        observations: []
      }
      const result = yield* Evaluation.run({ ...options, dialogues: [dialogue], perSpeaker: 1 })
      const { evidenceRecall, evidenceRecallAt10, evidenceRecallAt30 } = result.metrics.overall
      assert.deepStrictEqual([evidenceRecall, evidenceRecallAt10, evidenceRecallAt30], [0.5, 0.5, 1])
    }))

  it.effect("adds every fact", () =>
    Effect.gen(function*() {
      const turns = yield* Evaluation.addOnly().build(dialogues)
      const raw = yield* Evaluation.bm25.build(dialogues)
      assert.deepStrictEqual(turns.banks.map(texts), raw.banks.map(texts))
      assert.deepStrictEqual(turns.operations, { add: 7, update: 0, delete: 0, noop: 0, rejected: 0 })
      const facts = yield* Evaluation.addOnly({ facts: Evaluation.observationFacts }).build(dialogues)
      assert.deepStrictEqual(
        facts.banks.map(texts),
        dialogues.map(({ observations }) => observations.map(({ text }) => text))
      )
      assert.deepStrictEqual(
        MemoryBank.memories(facts.banks[0]!).map(({ sources }) => sources),
        [["D1:1"], ["D1:2"], ["D1:3", "D1:1"], ["D10:1"]]
      )
    }))

  it.effect("lets a manager decide on the facts of all dialogues together, each on its own bank", () =>
    Effect.gen(function*() {
      const batches: Array<ReadonlyArray<readonly [fact: string, shown: ReadonlyArray<string>]>> = []
      const spy = Layer.effect(
        MemoryManager.MemoryManager,
        Effect.map(MemoryManager.MemoryManager, (manager) => ({
          decide: (requests: Parameters<typeof manager.decide>[0]) => {
            batches.push(requests.map(({ fact, snapshot }) => [fact.text, snapshot.memories.map(({ text }) => text)]))
            return manager.decide(requests)
          }
        }))
      ).pipe(Layer.provide(MemoryManager.layerRuleBased()))
      const fact = (text: string, source: string) => ({ text, speaker: "Ann", sources: [source] })
      const facts: Record<string, ReturnType<typeof Evaluation.observationFacts>> = {
        "conv-1": [fact("Ann has a dog", "D1:1"), fact("Ann has a dog", "D1:2"), fact("Ann has a big dog", "D1:3")],
        "conv-2": [fact("Ann plays chess", "D1:1")]
      }
      const system = Evaluation.managed({ name: "rules", facts: ({ id }) => facts[id]!, perFact: 2 })
      const { banks, operations } = yield* Effect.provide(system.build(dialogues), spy)
      assert.deepStrictEqual(batches, [
        [["Ann has a dog", []], ["Ann plays chess", []]],
        [["Ann has a dog", ["Ann has a dog"]]],
        [["Ann has a big dog", ["Ann has a dog"]]]
      ])
      assert.deepStrictEqual(banks.map(texts), [["Ann has a big dog"], ["Ann plays chess"]])
      assert.deepStrictEqual(operations, { add: 2, update: 1, delete: 0, noop: 1, rejected: 0 })
    }))

  it.effect("compares lists in any order, and credits silence where there is no answer", () =>
    Effect.gen(function*() {
      const answers = (text: string) =>
        Layer.succeed(AnswerAgent.AnswerAgent, {
          answer: (requests) =>
            Effect.succeed(requests.map(() => ({ text, selected: [], wellFormed: true, raw: text })))
        })
      const run = (text: string) =>
        Effect.map(
          Evaluation.run({ ...options, dialogues: [Support.dialogue], categories: [1, 5] }).pipe(
            Effect.provide(Layer.merge(Retriever.layerBm25, answers(text)))
          ),
          ({ items }) => items.map(({ exactMatch }) => exactMatch)
        )
      assert.deepStrictEqual(yield* run("Scout, Buddy"), [1, 0])
      assert.deepStrictEqual(yield* run("none"), [0, 1])
      assert.deepStrictEqual(yield* run("This is not mentioned."), [0, 1])
    }))
})

describe("Evaluation without answers", () => {
  it.effect("fails with what the retriever fails with", () =>
    Effect.gen(function*() {
      const broken = Layer.succeed(Retriever.Retriever, {
        retrieve: () => Effect.fail(new Retriever.RetrieverError({ cause: new Error("offline") }))
      })
      const error = yield* Effect.flip(
        Effect.provide(Evaluation.run(options), Layer.merge(AnswerAgent.layerExtractive, broken))
      )
      assert.strictEqual(error._tag, "RetrieverError")
    }))
})

describeWith(shared("data/locomo/locomo10.json"), "LoCoMo without a model", (file) => {
  layer(Layer.merge(NodeServices.layer, Evaluation.layerLexical))((it) => {
    it.effect("plain retrieval over turns", () =>
      Effect.gen(function*() {
        const { metrics } = yield* Evaluation.run({ ...(yield* Locomo.load(file)), system: Evaluation.bm25 })
        assert.strictEqual(metrics.overall.n, 1540)
        assert.isAbove(metrics.overall.evidenceRecallAt10!, 0.6)
        assert.isAbove(metrics.overall.evidenceRecallAt30!, 0.7)
        assert.isAbove(metrics.overall.f1, 0.26)
        assert.isAbove(metrics.byCategory["2"]!.f1, 0.56)
      }))
  })
})
