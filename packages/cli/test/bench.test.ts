// @module-tag slow
import { assert, describe, it, layer } from "@effect/vitest"
import { EvidenceRecall } from "@memory-r1/eval"
import { Effect, Random, Schema } from "effect"
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { describeWith, shared } from "../../../tools/testing/needs.ts"
import * as Memories from "../src/bench/memories.ts"
import * as Program from "./support/program.ts"
import * as Workplace from "./support/Workplace.ts"

const Latency = { p50: Schema.Finite, p95: Schema.Finite }
const peer = <F extends Schema.Struct.Fields>(fields: F) =>
  Schema.Struct({ engine: Schema.String, ratio: Schema.Finite, ...fields })
const Searched = {
  lexical: Schema.Struct(Latency),
  dense: Schema.Struct({ ...Latency, recall: Schema.Finite }),
  hybrid: Schema.Struct(Latency),
  rssBytes: Schema.Int
}
const Retrieval = Schema.Struct({
  dimensions: Schema.Int,
  seed: Schema.Int,
  queries: Schema.Int,
  limit: Schema.Int,
  results: Schema.Array(Schema.Struct({
    memories: Schema.Int,
    stores: Schema.Struct({
      sqlite: Schema.Struct({ ...Searched, fileBytes: Schema.Int }),
      memory: Schema.Struct(Searched)
    }),
    peers: Schema.Struct({
      dense: peer({ ...Latency, n: Schema.Int, recall: Schema.Finite }),
      hybrid: Schema.optionalKey(peer({ ...Latency, n: Schema.Int }))
    })
  }))
})
const Single = Schema.Struct({ perSecond: Schema.Finite, peers: Schema.Array(peer({ perSecond: Schema.Finite })) })
const Written = {
  batchedPerSecond: Schema.Finite,
  mixedPerSecond: Schema.Finite,
  single: Single,
  embeddedPerSecond: Schema.Finite,
  rssBytes: Schema.Int
}
const Store = Schema.Struct({
  dimensions: Schema.Int,
  seed: Schema.Int,
  commits: Schema.Int,
  rounds: Schema.Int,
  empty: Schema.Struct({ single: Single }),
  results: Schema.Array(Schema.Struct({
    memories: Schema.Int,
    stores: Schema.Struct({
      sqlite: Schema.Struct({
        ...Written,
        fileBytes: Schema.Int,
        openSeconds: Schema.Finite,
        foldSeconds: Schema.Finite
      }),
      memory: Schema.Struct(Written)
    }),
    bank: Schema.Struct({ applyMicroseconds: Schema.Finite, forkMicroseconds: Schema.Finite })
  }))
})
const Evidence = Schema.Struct({
  dataset: Schema.Literal("locomo"),
  sha256: Schema.String,
  memories: Schema.Int,
  model: Schema.optionalKey(Schema.String),
  recall: Schema.Record(Schema.String, EvidenceRecall.Result)
})

const decode = <S extends Schema.ConstraintDecoder<unknown>>(schema: S, finished: Program.Finished) =>
  Schema.decodeUnknownSync(schema, { onExcessProperty: "error" })(Program.document(finished))

const dialogues = [{
  sample_id: "conv-1",
  conversation: {
    speaker_a: "Ann",
    speaker_b: "Bob",
    session_1_date_time: "1:56 pm on 8 May, 2023",
    session_1: [
      { speaker: "Ann", dia_id: "D1:1", text: "I have a dog named Buddy." },
      ...Array.from(
        { length: 12 },
        (_, i) => ({ speaker: "Bob", dia_id: `D1:${i + 2}`, text: `In my garden grows tree number ${i}.` })
      )
    ]
  },
  qa: [
    { question: "What is the name of Ann's dog?", answer: "Buddy", evidence: ["D1:1"], category: 4 },
    // Newer trees come first where nothing else tells: the tenth is beyond ten.
    { question: "Which trees are there?", answer: "many", evidence: ["D1:2", "D1:13"], category: 1 },
    { question: "Where does Bob's sister live?", evidence: [], category: 5, adversarial_answer: "Lima" }
  ]
}]

layer(Workplace.layer)("bench", (it) => {
  it.effect(
    "retrieval: what stores and sqlite-vec find is compared with an exact search",
    () =>
      Effect.gen(function*() {
        const { folder } = yield* Workplace.Workplace
        // So many in so few dimensions that the signs do not find all of them.
        const args = [
          "bench",
          "retrieval",
          "--sizes",
          "200, 3000",
          "--dimensions",
          "16",
          "--queries",
          "20",
          "--folder",
          folder
        ]
        const [json, lines] = yield* Program.table([[...args, "--seed", "2", "--json"], [
          "bench",
          "retrieval",
          "--sizes",
          "50",
          "--queries",
          "3"
        ]], (args) => Program.run(folder, args))
        const { results, ...asked } = decode(Retrieval, json!)
        assert.deepStrictEqual(asked, { dimensions: 16, seed: 2, queries: 20, limit: 30 })
        assert.deepStrictEqual(results.map(({ memories }) => memories), [200, 3000])
        for (const { memories, peers, stores } of results) {
          assert.strictEqual(peers.dense.engine, "sqlite-vec 0.1.9")
          assert.isAbove(peers.dense.recall, 0.995)
          for (const { dense: { recall } } of [stores.sqlite, stores.memory]) {
            if (memories === 200) assert.strictEqual(recall, peers.dense.recall)
            else assert.isTrue(recall > 0.5 && recall < 0.99, `recall ${recall}`)
          }
          assert.isAtLeast(stores.sqlite.fileBytes, memories * 16 * 4)
          assert.isUndefined(peers.hybrid)
        }
        assert.match(
          lines!.stdout,
          /^50 memories\n {2}SQLite lexical .*p95[^]*sqlite-vec 0\.1\.9 [^]*\nmem0 was not measured: --mem0 names .*\n$/
        )
        assert.deepStrictEqual(readdirSync(folder).filter((name) => name.startsWith("memory-r1-bench-")), [])
      }),
    Program.timeout
  )

  it.effect(
    "store: rates of commits beside plain SQLite, of embedding and opening; a bank",
    () =>
      Effect.gen(function*() {
        const { folder } = yield* Workplace.Workplace
        const args = [
          "bench",
          "store",
          "--sizes",
          "200",
          "--dimensions",
          "16",
          "--commits",
          "5",
          "--rounds",
          "2",
          "--folder",
          folder,
          "--json"
        ]
        const { empty, results: [result], ...asked } = decode(Store, yield* Program.run(folder, args))
        assert.deepStrictEqual(asked, { dimensions: 16, seed: 1, commits: 5, rounds: 2 })
        const { bank, memories, stores } = result!
        assert.strictEqual(memories, 200)
        for (const { peers, perSecond } of [empty.single, stores.sqlite.single]) {
          assert.match(peers.map(({ engine }) => engine).join(), /^SQLite 3\.\d+\.\d+$/)
          assert.isTrue(perSecond > 0 && peers[0]!.perSecond > 0 && peers[0]!.ratio > 0)
        }
        assert.deepStrictEqual(stores.memory.single.peers, [])
        assert.isAbove(bank.applyMicroseconds, 0)
        assert.deepStrictEqual(readdirSync(folder).filter((name) => name.startsWith("memory-r1-bench-")), [])
      }),
    Program.timeout
  )

  it.effect(
    "retrieval --locomo: recall of evidence by category, with an encoder of vectors too",
    () =>
      Effect.gen(function*() {
        const { file, folder } = yield* Workplace.Workplace
        file("garden.json", dialogues)
        const encoder = join(import.meta.dirname, "../../backend-onnx/test/fixtures/bert")
        const locomo = ["bench", "retrieval", "--locomo", "garden.json"]
        const [json, lines] = yield* Program.table(
          [[...locomo, "--model", encoder, "--json"], locomo],
          (args) => Program.run(folder, args)
        )
        const { memories, model, recall } = decode(Evidence, json!)
        assert.deepStrictEqual([memories, model], [13, encoder])
        const whole = { n: 1, at10: 1, at30: 1 }
        const half = { n: 1, at10: 0.5, at30: 1 }
        const byWords = { overall: { n: 2, at10: 0.75, at30: 1 }, byCategory: { "1": half, "4": whole } }
        assert.deepStrictEqual([recall["bank, words"], recall["SQLite, words"]], [byWords, byWords])
        assert.deepStrictEqual(Object.keys(recall), [
          "bank, words",
          "SQLite, words",
          "SQLite, vectors",
          "SQLite, both",
          "bank, both"
        ])
        for (const { overall: { at10, at30 } } of Object.values(recall).slice(2)) {
          assert.isTrue(at10 > 0 && at30 === 1)
        }
        assert.match(lines!.stdout, /^13 turns of 1 dialogues; [^]*\n {2}all +2 +0\.7500 +1\.0000\n/)
        assert.match(lines!.stdout, /1\.0000\nvectors were not measured: --model names an encoder\n$/)
      }),
    Program.timeout
  )

  it.effect("names what is wrong with mem0's folder, and with sizes", () =>
    Effect.gen(function*() {
      const { folder } = yield* Workplace.Workplace
      const missing = yield* Program.run(folder, [
        "bench",
        "retrieval",
        "--sizes",
        "10",
        "--queries",
        "1",
        "--mem0",
        "nowhere"
      ])
      assert.strictEqual(missing.code, 1)
      assert.match(
        missing.stderr,
        /nowhere: mem0 cannot be used \(Cannot find module 'mem0ai\/oss'\); npm install mem0ai better-sqlite3 there\n$/
      )
      const wrong = yield* Program.run(folder, ["bench", "store", "--sizes", "10,x"])
      assert.include(
        Program.failure(2, wrong),
        `Invalid value for flag --sizes: "10,x". Expected: whole numbers from 1 on, between commas`
      )
    }), Program.timeout)
})

describe("bench: made-up memories", () => {
  it.effect("are the same for the same seed; an exact search sorts all of them", () =>
    Effect.gen(function*() {
      const made = Random.withSeed(Memories.corpus(400, { dimensions: 24, questions: 5 }), "a seed")
      const corpus = yield* made
      assert.deepStrictEqual(yield* made, corpus)
      assert.lengthOf(new Set(corpus.texts), 400)
      for (const { vector } of corpus.questions) {
        const cosines = corpus.texts.map((_, i) =>
          Memories.vectorAt(corpus, i).reduce((sum, component, d) => sum + component * vector[d]!, 0)
        )
        const sorted = Array.from(cosines.keys()).sort((a, b) => cosines[b]! - cosines[a]!)
        assert.deepStrictEqual(Memories.nearest(corpus, vector, 30), sorted.slice(0, 30))
        assert.closeTo(Math.hypot(...vector), 1, 1e-6)
      }
    }))

  it("recall is the share of what is nearest that was found", () => {
    assert.strictEqual(Memories.recall([[1, 2, 9], [5, 4]], [[1, 2, 3, 4], [4, 5, 6, 7]]), 0.5)
    assert.strictEqual(Memories.recall([[3, 1]], [[1, 3]]), 1)
    assert.strictEqual(Memories.recall([[]], [[1, 3]]), 0)
  })
})

describeWith(shared("data/locomo/locomo10.json"), "bench retrieval over LoCoMo", (file) => {
  layer(Workplace.layer)((it) => {
    it.effect(
      "words alone find at least .51 of the evidence among ten memories, in a bank and in a file",
      () =>
        Effect.gen(function*() {
          const { folder } = yield* Workplace.Workplace
          const { memories, recall } = decode(
            Evidence,
            yield* Program.run(folder, ["bench", "retrieval", "--locomo", file, "--json"])
          )
          assert.strictEqual(memories, 5882)
          for (const name of ["bank, words", "SQLite, words"]) {
            const { byCategory, overall } = recall[name]!
            assert.deepStrictEqual(Object.values(byCategory).map(({ n }) => n), [282, 321, 92, 841])
            assert.isAtLeast(overall.at10, 0.51, name)
            assert.isAtLeast(overall.at30, 0.65, name)
          }
        }),
      Program.timeout
    )
  })
})
