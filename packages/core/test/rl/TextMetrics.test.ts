import { assert, describe, it } from "@effect/vitest"
import { TextMetrics } from "@memory-r1/core/rl"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describeWith, shared } from "../../../../tools/testing/needs.ts"
import { wordTokenize } from "../../src/internal/wordTokenize.ts"

const close = (actual: number, expected: number, message?: string) =>
  assert.isTrue(Math.abs(actual - expected) < 1e-12, message ?? `${actual} is not ${expected}`)

// What SQuAD's evaluation script says of pairs of answers: tools/parity/squad.py.
const squad: {
  readonly normalized: ReadonlyArray<readonly [answer: string, normalized: string]>
  readonly pairs: ReadonlyArray<
    { readonly prediction: string; readonly gold: string; readonly exactMatch: number; readonly f1: number }
  >
} = JSON.parse(readFileSync(join(import.meta.dirname, "../fixtures/squad.json"), "utf8"))

describe("TextMetrics, SQuAD", () => {
  it("normalizes as the evaluation script does", () => {
    for (const [answer, normalized] of squad.normalized) {
      assert.strictEqual(TextMetrics.squadNormalize(answer), normalized, JSON.stringify(answer))
    }
  })

  it("has its exact match and F1 for every pair", () => {
    const listed = new Map(squad.pairs.map((pair) => [JSON.stringify([pair.prediction, pair.gold]), pair]))
    for (const [prediction] of squad.normalized) {
      for (const [gold] of squad.normalized) {
        // The fixture leaves out pairs of which both are 0.
        const { exactMatch, f1 } = listed.get(JSON.stringify([prediction, gold])) ?? { exactMatch: 0, f1: 0 }
        const pair = `${JSON.stringify(prediction)} for ${JSON.stringify(gold)}`
        assert.strictEqual(TextMetrics.squadExactMatch(prediction, gold), exactMatch, pair)
        close(TextMetrics.squadF1(prediction, gold), f1, pair)
      }
    }
  })

  it("matches what is the same without punctuation and articles, be it another answer", () => {
    assert.strictEqual(TextMetrics.squadExactMatch("A dog.", "the Dog"), 1)
    assert.strictEqual(TextMetrics.squadExactMatch("7 May, 2023", "7 May 2023"), 1)
    assert.strictEqual(TextMetrics.squadExactMatch("Buddy", "Buddy and Scout"), 0)
    assert.strictEqual(TextMetrics.squadExactMatch("", "the"), 1)
    for (const [prediction, gold] of [["3.5", "35"], ["-5", "5"], ["C++", "C#"]] as const) {
      assert.strictEqual(TextMetrics.squadExactMatch(prediction, gold), 1)
    }
  })

  it("compares lists in any order, and item by item", () => {
    const matches = (prediction: string, gold: string) => TextMetrics.squadExactMatch(prediction, gold, true)
    assert.strictEqual(matches("Scout, Tom and Buddy", "Buddy; Scout; Tom"), 1)
    assert.strictEqual(matches("the sandy beach, and AND Andy", "Andy, Sandy Beach"), 1)
    assert.strictEqual(matches("Buddy", "Buddy and Scout"), 0)
    assert.strictEqual(matches("Buddy, Scout, Tom", "Buddy and Scout"), 0)
    assert.strictEqual(matches("Buddy, Buddy", "Buddy and Scout"), 0)
    assert.strictEqual(matches("Buddy, Buddy, Scout", "Buddy, Scout, Scout"), 1)
  })
})

describe("TextMetrics, F1", () => {
  it("setF1 is over sets of simple tokens", () => {
    // 2 of 3 and 2 of 4: 2 * 2 / (3 + 4).
    close(TextMetrics.setF1("a red dog", "the red dog, Buddy"), 4 / 7)
    // A repeated word counts once.
    close(TextMetrics.setF1("dog dog dog", "dog"), 1)
    // Hyphens and quotes stay in their words.
    assert.strictEqual(TextMetrics.setF1("well-known", "well known"), 0)
    assert.strictEqual(TextMetrics.setF1("Yes! No?", "no. yes,"), 1)
    assert.strictEqual(TextMetrics.setF1("", "dog"), 0)
    assert.strictEqual(TextMetrics.setF1("dog", ""), 0)
  })

  it("squadF1 is over multisets of normalised words", () => {
    // "dog" is shared once only: 2 * 1 / (3 + 1).
    close(TextMetrics.squadF1("dog dog dog", "the dog"), 0.5)
    close(TextMetrics.squadF1("the U.S. army", "US Army!"), 1)
    assert.strictEqual(TextMetrics.squadF1("", ""), 0)
  })
})

describe("TextMetrics.bleu1", () => {
  it("is clipped precision times the brevity penalty", () => {
    close(TextMetrics.bleu1("The cat sat on the mat", "the cat is on the mat"), 5 / 6)
    // Papineni's example: "the" is in the gold answer twice.
    close(TextMetrics.bleu1("the the the the the the the", "the cat is on the mat"), 2 / 7)
    close(TextMetrics.bleu1("cat", "the cat sat"), Math.exp(1 - 3))
    close(TextMetrics.bleu1("a cat sat there", "the cat sat"), 2 / 4)
  })

  it("counts punctuation marks as tokens", () => {
    // 3 of 3 tokens, against 4: "," is one.
    close(TextMetrics.bleu1("19 January 2023", "19 January, 2023"), Math.exp(1 - 4 / 3))
    close(TextMetrics.bleu1("Adoption agencies.", "Adoption agencies"), 2 / 3)
  })

  it("is 0 where nothing is shared or said", () => {
    assert.strictEqual(TextMetrics.bleu1("dog", "cat"), 0)
    assert.strictEqual(TextMetrics.bleu1("", "cat"), 0)
    assert.strictEqual(TextMetrics.bleu1("cat", ""), 0)
  })
})

describe("wordTokenize", () => {
  // From the documentation and the tests of NLTK.
  const cases: ReadonlyArray<readonly [text: string, tokens: string]> = [
    [
      "Good muffins cost $3.88\nin New York.  Please buy me\ntwo of them.\n\nThanks.",
      "Good muffins cost $ 3.88 in New York . Please buy me two of them . Thanks ."
    ],
    ["They'll save and invest more.", "They 'll save and invest more ."],
    ["hi, my name can't hello,", "hi , my name ca n't hello ,"],
    ["I cannot cannot work under these conditions!", "I can not can not work under these conditions !"],
    ["The company spent $30,000,000 last year.", "The company spent $ 30,000,000 last year ."],
    ["The company spent 40.75% of its income last year.", "The company spent 40.75 % of its income last year ."],
    ["He arrived at 3:00 pm.", "He arrived at 3:00 pm ."],
    ["I bought these items: books, pencils, and pens.", "I bought these items : books , pencils , and pens ."],
    ["There were 300,000, but that wasn't enough.", "There were 300,000 , but that was n't enough ."],
    ["It's more'n enough.", "It 's more 'n enough ."],
    [
      "\"We beat some pretty good teams to get here,\" Slocum said.",
      "`` We beat some pretty good teams to get here , '' Slocum said ."
    ]
  ]
  it.each(cases)("%s", (text, tokens) => assert.deepStrictEqual(wordTokenize(text), tokens.split(" ")))

  it("parts brackets, dashes, ellipses and closing quotes", () => {
    assert.deepStrictEqual(wordTokenize("so (a b)--a 'c d' e..."), "so ( a b ) -- a ' c d ' e ...".split(" "))
  })

  it("ends sentences where Punkt does", () => {
    assert.deepStrictEqual(wordTokenize("7 days. 8 days too."), ["7", "days", ".", "8", "days", "too", "."])
    assert.deepStrictEqual(wordTokenize("with dr. who and j. smith in st. john"), [
      "with",
      "dr.",
      "who",
      "and",
      "j.",
      "smith",
      "in",
      "st.",
      "john"
    ])
    assert.deepStrictEqual(wordTokenize("1. go home"), ["1.", "go", "home"])
    assert.deepStrictEqual(wordTokenize(""), [])
  })
})

// Answers of other systems with the scores that their authors published.
interface Scored {
  readonly answer: string
  readonly response: string
  readonly f1_score: number
  readonly bleu_score: number
}

describeWith(shared("data/peer-outputs"), "TextMetrics, published scores", (folder) => {
  // One BLEU of Memobase differs: a list of names with initials, which Punkt takes apart by what it was trained on.
  it.for(
    [
      ["memobase/memobase_eval_0710_3000.json", 1540, 1],
      ["memory-r2/longmemeval_evaluation_metrics.json", 500, 0],
      ["memory-r2/msc_evaluation_metrics.json", 500, 0]
    ] as const
  )("setF1 and bleu1 agree with %s", ([file, count, differing]) => {
    const items = Object.values(
      JSON.parse(readFileSync(join(folder, file), "utf8")) as Record<string, ReadonlyArray<Scored>>
    ).flat()
    const off = (metric: (prediction: string, gold: string) => number, published: "f1_score" | "bleu_score") =>
      items.filter((item) => !(Math.abs(metric(item.response, item.answer) - item[published]) < 1e-6))
    assert.lengthOf(items, count)
    assert.deepStrictEqual(off(TextMetrics.setF1, "f1_score"), [])
    assert.lengthOf(off(TextMetrics.bleu1, "bleu_score"), differing)
  })
})
