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
  it.effect("eval measures baselines and run folders; score measures the answers of eval the same", () =>
    Effect.gen(function*() {
      const { file, folder } = yield* Workplace.Workplace
      file("world.json", dialogues)
      const evaluate = (...args: ReadonlyArray<string>) =>
        Program.run(folder, ["eval", "--dataset", "locomo", "--data", "world.json", "--system", ...args])
      const [bm25, limited, lines] = yield* Program.table([["bm25", "--json"], ["add-only", "--limit", "1", "--json"], ["add-only"]], (args) =>
        evaluate(...args))
      const found = decode(bm25!)
      assert.deepStrictEqual([found.dataset, found.system, found.n], ["locomo", "bm25", 2])
      assert.deepStrictEqual(Object.keys(found.metrics.byCategory), ["1", "4"])
      assert.deepStrictEqual(found.items.map(({ id }) => id), ["conv-1/0", "conv-1/1"])
      assert.strictEqual(found.metrics.overall.evidenceRecall, 1)
      assert.match(found.sha256, /^[0-9a-f]{64}$/)
      assert.deepStrictEqual(decode(limited!).items.map(({ id }) => id), ["conv-1/0"])
      assert.deepStrictEqual({ ...lines, stdout: "" }, { code: 0, stdout: "", stderr: "" })
      assert.match(lines!.stdout, /^add-only: 2 questions in .* s\ncategory .*\n1 .*\n4 .*\nall .*\n$/)

      file("predictions.jsonl", found.items.map(({ id, prediction }) => `${JSON.stringify({ id, prediction })}\n`).join(""))
      const score = ["score", "--dataset", "locomo", "--data", "world.json", "--predictions", "predictions.jsonl"]
      const [json, text] = yield* Program.table([[...score, "--json"], score], (args) => Program.run(folder, args))
      const scored = decode(json!)
      // Somebody else's answers come without memories, so that nothing is known of their evidence.
      assert.match(text!.stdout, /^all +2 .* - +-\n$/m)
      for (const name of ["n", "exactMatch", "f1", "bleu1"] as const) {
        assert.strictEqual(scored.metrics.overall[name], found.metrics.overall[name])
      }
    }), Program.timeout)

  it.effect("exits with 1 and names the file, and the place in it", () =>
    Effect.gen(function*() {
      const { file, folder } = yield* Workplace.Workplace
      file("world.json", dialogues)
      file("broken.json", JSON.stringify(dialogues).slice(0, 100))
      file("other.json", { a: 1 })
      file("broken.jsonl", `{"id":"conv-1/0","prediction":"Buddy"}\n{"id":`)
      const evaluate = (data: string, system = "bm25") => ["eval", "--dataset", "locomo", "--data", data, "--system", system, "--json"]
      const score = (predictions: string) => ["score", "--dataset", "locomo", "--data", "world.json", "--predictions", predictions]
      yield* Program.table([
        [evaluate("nowhere.json"), /^nowhere\.json: no such file\n$/],
        [evaluate("broken.json"), /^broken\.json:1:\d+: broken JSON/],
        [evaluate("other.json"), /^other\.json: at the top: Expected array\n$/],
        [evaluate("world.json", "nobody"), /^nobody is no system: give bm25 or add-only, or a run folder/],
        [evaluate("world.json", "tiny"), /^tiny\/manager\/config\.json: cannot be read/],
        [score("nowhere.jsonl"), /^nowhere\.jsonl: no such file\n$/],
        [score("broken.jsonl"), /^broken\.jsonl:2: broken JSON/]
      ] as const, ([args, words]) =>
        Effect.map(Program.run(folder, args), (finished) => assert.match(Program.failure(1, finished), words)))
    }), Program.timeout)
})
