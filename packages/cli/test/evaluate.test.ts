// @module-tag slow
import { assert, layer } from "@effect/vitest"
import { Evaluation } from "@memory-r1/eval"
import { Effect, Schema } from "effect"
import * as Program from "./support/program.ts"
import * as Workplace from "./support/Workplace.ts"

const dialogues = [{
  sample_id: "conv-1",
  conversation: {
    speaker_a: "Ann",
    speaker_b: "Bob",
    session_1_date_time: "1:56 pm on 8 May, 2023",
    session_1: [
      { speaker: "Ann", dia_id: "D1:1", text: "I have a dog named Buddy." },
      { speaker: "Bob", dia_id: "D1:2", text: "I live in Lima." }
    ]
  },
  qa: [
    { question: "What is the name of Ann's dog?", answer: "Buddy", evidence: ["D1:1"], category: 4 },
    { question: "Where does Bob live?", answer: "Lima", evidence: ["D1:2"], category: 1 },
    { question: "Where does Bob's sister live?", evidence: [], category: 5, adversarial_answer: "Lima" }
  ]
}]

const decode = (finished: Program.Finished) => Schema.decodeUnknownSync(Evaluation.Result)(Program.document(finished))

layer(Workplace.layer)("eval and score", (it) => {
  it.effect(
    "eval measures baselines and run folders; score measures the answers of eval the same",
    () =>
      Effect.gen(function*() {
        const { file, folder } = yield* Workplace.Workplace
        file("world.json", dialogues)
        const evaluate = (...args: ReadonlyArray<string>) =>
          Program.run(folder, ["eval", "--dataset", "locomo", "--data", "world.json", "--system", ...args])
        const [bm25, limited, lines] = yield* Program.table([
          ["bm25", "--json"],
          ["add-only", "--limit", "1", "--json"],
          ["add-only"]
        ], (args) => evaluate(...args))
        const found = decode(bm25!)
        assert.deepStrictEqual([found.dataset, found.system, found.n], ["locomo", "bm25", 2])
        assert.deepStrictEqual(Object.keys(found.metrics.byCategory), ["1", "4"])
        assert.deepStrictEqual(found.items.map(({ id }) => id), ["conv-1/0", "conv-1/1"])
        assert.strictEqual(found.metrics.overall.evidenceRecall, 1)
        assert.match(found.sha256, /^[0-9a-f]{64}$/)
        assert.deepStrictEqual(decode(limited!).items.map(({ id }) => id), ["conv-1/0"])
        assert.deepStrictEqual({ ...lines, stdout: "" }, { code: 0, stdout: "", stderr: "" })
        assert.match(lines!.stdout, /^add-only: 2 questions in .* s\ncategory .*\n1 .*\n4 .*\nall .*\n$/)

        file(
          "predictions.jsonl",
          found.items.map(({ id, prediction }) => `${JSON.stringify({ id, prediction })}\n`).join("")
        )
        const score = ["score", "--dataset", "locomo", "--data", "world.json", "--predictions", "predictions.jsonl"]
        const [json, text] = yield* Program.table([[...score, "--json"], score], (args) => Program.run(folder, args))
        const scored = decode(json!)
        // Somebody else's answers come without memories, so that nothing is known of their evidence.
        assert.match(text!.stdout, /^all +2 .* - +-\n$/m)
        for (const name of ["n", "exactMatch", "f1", "bleu1"] as const) {
          assert.strictEqual(scored.metrics.overall[name], found.metrics.overall[name])
        }
      }),
    Program.timeout
  )

  it.effect("flags do what they say", () =>
    Effect.gen(function*() {
      const { file, folder } = yield* Workplace.Workplace
      // Seven questions of seven categories: those of LoCoMo, LoCoMo's without a gold answer, and others.
      const turns = [
        "I live in Lima.",
        "I have a dog named Buddy.",
        "I have a cat named Tom.",
        "My sister lives in Rome."
      ]
      const asked = [
        "Where does Ann live?",
        "What is the name of Ann's dog?",
        "What is the name of Ann's cat?",
        "Where does Ann's sister live?"
      ]
      const question = (category: number, at: number, more: object) => ({
        question: asked[at],
        evidence: [`D1:${at + 1}`],
        category,
        ...more
      })
      const conversation = {
        speaker_a: "Ann",
        speaker_b: "Bob",
        session_1_date_time: "1:56 pm on 8 May, 2023",
        session_1: turns.map((text, i) => ({ speaker: "Ann", dia_id: `D1:${i + 1}`, text }))
      }
      const first = {
        sample_id: "conv-1",
        conversation,
        qa: [
          question(1, 0, { answer: "Lima" }),
          question(2, 1, { answer: "Buddy" }),
          question(3, 2, { answer: "Tom" }),
          question(4, 3, { answer: "Rome", evidence: ["D1:4", "D1:1"] }),
          question(5, 1, { adversarial_answer: "Buddy" })
        ],
        observation: { session_1_observation: { Ann: [["Ann has a dog named Buddy.", "D1:2"]] } }
      }
      const second = {
        sample_id: "conv-2",
        conversation,
        qa: [question(0, 0, { answer: "Lima" }), question(12, 1, { answer: "Buddy" })]
      }
      file("seven.json", [first, second])
      file("bare.json", [second])
      file("seven.jsonl", `{"id":"conv-1/4","prediction":"none"}\n{"id":"conv-2/0","prediction":"Lima"}\n`)
      const evaluate = (...flags: ReadonlyArray<string>) =>
        Effect.map(Program.run(folder, ["eval", "--data", "seven.json", "--json", ...flags]), decode)
      const world = ["--dataset", "memory-world", "--system"]
      const ids = ({ items }: Evaluation.Result) => items.map(({ id }) => id)
      const all = ["conv-1/0", "conv-1/1", "conv-1/2", "conv-1/3", "conv-1/4", "conv-2/0", "conv-2/1"]

      for (const system of ["bm25", "add-only"]) {
        const plain = yield* evaluate(...world, system)
        assert.deepStrictEqual(ids(plain), all)
        assert.deepStrictEqual(Object.keys(plain.metrics.byCategory), ["0", "1", "2", "3", "4", "5", "12"])
        assert.deepStrictEqual([plain.dataset, plain.system, plain.n, plain.memories], ["memory-world", system, 7, 8])
        assert.deepStrictEqual(ids(yield* evaluate("--dataset", "locomo", "--system", system)), all.slice(0, 4))
        for (const limit of [1, 6, 100]) {
          assert.deepStrictEqual(ids(yield* evaluate(...world, system, "--limit", String(limit))), all.slice(0, limit))
        }
        // Of the second dialogue nobody wrote down observations.
        const observed = yield* evaluate(...world, system, "--facts", "observations")
        assert.strictEqual(observed.memories, 1)
        assert.strictEqual(observed.items[1]!.prediction, "Buddy")
        assert.deepStrictEqual((yield* evaluate(...world, system, "--facts", "turns")).items, plain.items)
        // One memory of each speaker holds one of two pieces of evidence.
        assert.strictEqual(plain.items[3]!.evidenceRecall, 1)
        assert.strictEqual((yield* evaluate(...world, system, "--per-speaker", "1")).items[3]!.evidenceRecall, 1 / 2)
        const none = yield* Program.run(folder, [
          "eval",
          ...world,
          system,
          "--data",
          "bare.json",
          "--facts",
          "observations"
        ])
        assert.strictEqual(
          Program.failure(1, none),
          "bare.json: no observations to make memories from: use --facts turns\n"
        )
      }
      const score = (dataset: string) =>
        Effect.map(
          Program.run(folder, [
            "score",
            "--dataset",
            dataset,
            "--data",
            "seven.json",
            "--predictions",
            "seven.jsonl",
            "--json"
          ]),
          ({ stdout }) => Schema.decodeUnknownSync(Evaluation.Result)(JSON.parse(stdout))
        )
      const scored = yield* score("memory-world")
      assert.deepStrictEqual([scored.n, scored.missing, scored.metrics.overall.exactMatch], [7, 5, 2 / 7])
      assert.deepStrictEqual(ids(yield* score("locomo")), all.slice(0, 4))
    }), Program.timeout)

  it.effect(
    "score needs no data set where the predictions bring their gold answers",
    () =>
      Effect.gen(function*() {
        const { file, folder } = yield* Workplace.Workplace
        file("world.json", dialogues)
        const items = [
          { question: "What is the name of Ann's dog?", answer: "Buddy", response: "Buddy", category: "4" },
          { question: "Where does Bob live?", answer: "Lima", response: null, category: 1 },
          { question: "Where does Bob's sister live?", response: 7, category: 5 }
        ]
        file("nested.json", { "conv-1": items })
        file("flat.json", items)
        file("lines.jsonl", items.map((item) => JSON.stringify(item)).join("\n"))
        file(
          "ids.jsonl",
          items
            .map(({ question: _, response, ...item }, i) =>
              JSON.stringify({ id: `conv-1/${i}`, prediction: response, ...item })
            )
            .join("\n")
        )
        file("bare.jsonl", `{"id":"conv-1/0","prediction":2}\n{"id":"conv-1/1","prediction":null}\n`)
        file("empty.json", [])
        const score = (predictions: string, ...more: ReadonlyArray<string>) => [
          "score",
          "--predictions",
          predictions,
          "--dataset",
          ...more
        ]
        const forms = ["nested.json", "flat.json", "lines.jsonl", "ids.jsonl"]
        const results = yield* Program.table(forms, (name) => Program.run(folder, [...score(name, "locomo"), "--json"]))
        const compared = decode(
          yield* Program.run(folder, [...score("nested.json", "locomo", "--data", "world.json"), "--json"])
        )
        for (const [i, finished] of results.entries()) {
          const { dataset, items, metrics, missing, n, sha256, system } = decode(finished)
          assert.deepStrictEqual([dataset, n, missing, system], ["locomo", 2, 1, forms[i]])
          assert.deepStrictEqual(metrics, compared.metrics)
          assert.deepStrictEqual(
            items.map(({ exactMatch, prediction }) => [prediction, exactMatch]),
            [
              ["Buddy", 1],
              ["", 0]
            ]
          )
          // The gold answers are in this file.
          assert.match(sha256, /^[0-9a-f]{64}$/)
          assert.notStrictEqual(sha256, compared.sha256)
          assert.match(finished.stderr, /1 of 2 questions have no prediction/)
        }
        assert.strictEqual(compared.missing, 1)
        const bare = decode(
          yield* Program.run(folder, [...score("bare.jsonl", "locomo", "--data", "world.json"), "--json"])
        )
        assert.deepStrictEqual([bare.missing, bare.items.map(({ prediction }) => prediction)], [1, ["2", ""]])
        yield* Program.table(
          [
            [
              1,
              score("bare.jsonl", "locomo"),
              new RegExp(
                "^bare\\.jsonl: line 1 has no gold answer, line 2 has no gold answer \\(2 in all\\): " +
                  "add --data .* and category\\n$"
              )
            ],
            [
              1,
              score("flat.json", "mine"),
              /^flat\.json: \[2\] has no gold answer \(1 in all\): add --data with the data set/
            ],
            [1, score("empty.json", "mine"), /^empty\.json: nothing to score: add --data/],
            [2, score("flat.json", "mine", "--data", "world.json"), /"mine". Expected: "locomo" \| "memory-world"/]
          ] as const,
          ([code, args, words]) =>
            Effect.map(Program.run(folder, args), (finished) => assert.match(Program.failure(code, finished), words))
        )
      }),
    Program.timeout
  )

  it.effect("exits with 1 and names the file, and the place in it", () =>
    Effect.gen(function*() {
      const { file, folder } = yield* Workplace.Workplace
      file("world.json", dialogues)
      file("broken.json", JSON.stringify(dialogues).slice(0, 100))
      file("other.json", { a: 1 })
      file("broken.jsonl", `{"id":"conv-1/0","prediction":"Buddy"}\n{"id":`)
      const evaluate = (
        data: string,
        system = "bm25"
      ) => ["eval", "--dataset", "locomo", "--data", data, "--system", system, "--json"]
      const score = (
        predictions: string
      ) => ["score", "--dataset", "locomo", "--data", "world.json", "--predictions", predictions]
      yield* Program.table(
        [
          [evaluate("nowhere.json"), /^nowhere\.json: no such file\n$/],
          [evaluate("broken.json"), /^broken\.json:1:\d+: broken JSON/],
          [evaluate("other.json"), /^other\.json: at the top: Expected array\n$/],
          [evaluate("world.json", "nobody"), /^unknown system nobody: use bm25 or add-only, or a run folder/],
          [evaluate("world.json", "tiny"), /^tiny\/manager\/config\.json: cannot be read/],
          [score("nowhere.jsonl"), /^nowhere\.jsonl: no such file\n$/],
          [score("broken.jsonl"), /^broken\.jsonl:2: broken JSON/]
        ] as const,
        ([args, words]) =>
          Effect.map(Program.run(folder, args), (finished) => assert.match(Program.failure(1, finished), words))
      )
    }), Program.timeout)
})
