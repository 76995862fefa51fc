import { assert, describe, it } from "@effect/vitest"
import { Reward } from "@memory-r1/core/rl"
import { Schema } from "effect"

const outcome = (prediction: string, gold: string, list?: boolean): Reward.AnswerOutcome => ({
  prediction,
  gold,
  list
})

const half = outcome("Buddy and Scout", "Scout")

const constant = (name: string, value: number) => Reward.make<unknown>(name, () => value)

describe("Reward", () => {
  it("exactMatch is 1 for the gold answer, and for a list in any order where order does not matter", () => {
    assert.deepStrictEqual(Reward.exactMatch(outcome("the Scout!", "Scout")), { value: 1, parts: { exactMatch: 1 } })
    assert.strictEqual(Reward.exactMatch(half).value, 0)
    assert.strictEqual(Reward.exactMatch(outcome("Scout and Buddy", "Buddy and Scout")).value, 0)
    assert.strictEqual(Reward.exactMatch(outcome("Scout and Buddy", "Buddy and Scout", true)).value, 1)
  })

  describe("exactMatch pays the gold answer alone", () => {
    const others = [
      ["€20", "$20"],
      ["🐶", "🐱"],
      ["año", "ño"],
      ["3.5", "35"],
      ["-5", "5"],
      ["C++", "C#"],
      ["20%", "20"],
      ["½", "1"],
      ["1/2", "12"],
      ["not in Oslo", "in Oslo"],
      ["बेटा", "बेटी"],
      ["बेटी", "बेट"],
      ["👍🏽", "👍"],
      ["3:30", "330"],
      ["1-2", "12"],
      ["1–2", "1.2"],
      ["-0.5", "0.5"],
      ["−3", "3"],
      [".5", "5"],
      ["9 a.m.", "9 p.m."],
      ["20°", "20"],
      ["20 °C", "20 °F"],
      ["C", "C#"],
      ["F#", "F"],
      ["A+", "A"],
      ["A-", "A+"],
      ["A*", "A"],
      ["<5", ">5"],
      ["~5", "5"],
      ["+5", "-5"],
      ["£1", "¥1"],
      ["5¢", "5"],
      ["x²", "x2"],
      ["10³", "103"],
      ["#1", "1"],
      ["@ann", "ann"],
      ["Tom & Ann", "Tom Ann"],
      ["yes / no", "yes no"],
      ["5*3", "53"],
      ["vitamin A", "vitamin"],
      ["plan a", "plan"],
      ["an", ""],
      ["the", ""],
      ["ano", "año"],
      ["Zoë", "Zoe"],
      ["an\u0303o", "ano"],
      ["5'", "5\""],
      ["5′", "5″"],
      ["6'2\"", "62"],
      ["1,5", "15"],
      ["1.000", "1000"],
      ["1,00", "100"],
      ["12,34", "1234"],
      ["1 000", "1"],
      [":)", ":("],
      ["sad :(", "sad :)"],
      ["?", "!"],
      ["...", ""],
      ["-", ""],
      ["😀", ""],
      ["👨‍👩‍👧", "👨👩👧"],
      ["🇳🇴", "🇸🇪"],
      ["♀", "♂"],
      ["♠", "♥"],
      ["we're", "were"],
      ["can't", "cant"],
      ["re-sign", "resign"],
      ["f(x)", "fx"],
      ["int[]", "int"],
      ["main()", "main"],
      [".NET", "net"],
      ["192.168.1.1", "19216811"],
      ["v1.10", "v1.1"],
      ["2023-05-08", "20230508"],
      ["5/8", "58"],
      ["ハハ", "ババ"],
      ["が", "か"],
      ["A. Smith", "Smith"],
      ["ça", "ca"],
      ["שָׁלוֹם", "שלום"],
      ["no", "on"],
      ["Ann loves Bob", "Bob loves Ann"],
      ["√4", "4"],
      ["3×4", "34"],
      ["∞", "8"],
      ["node.js", "nodejs"],
      ["100 kg", "100 g"],
      ["snake_case", "snakecase"],
      ["$5", "5$US"],
      ["5‰", "5%"],
      ["©", "®"],
      ["", "Oslo"]
    ] as const
    it.each(others)("%s is not %s", (prediction, gold) => {
      assert.strictEqual(Reward.exactMatch(outcome(prediction, gold)).value, 0)
      assert.strictEqual(Reward.exactMatch(outcome(gold, prediction)).value, 0)
      assert.strictEqual(Reward.exactMatch(outcome(prediction, gold, true)).value, 0)
      assert.strictEqual(Reward.exactMatch(outcome(`Scout and ${prediction}`, `${gold} and Scout`, true)).value, 0)
    })

    const same = [
      ["Oslo.", "oslo"],
      ["  OSLO !", "Oslo"],
      ["“Oslo”", "Oslo"],
      ["'Oslo'", "Oslo"],
      ["« Oslo »", "\" Oslo \""],
      ["(Oslo)", "Oslo"],
      ["Oslo (Norway)", "Oslo, Norway"],
      ["Oslo…", "Oslo..."],
      ["¿Oslo?", "Oslo"],
      ["東京。", "東京"],
      ["「東京」", "東京"],
      ["नहीं।", "नहीं"],
      ["हाँ", "हाँ."],
      ["the dog", "a dog"],
      ["A dog.", "the Dog"],
      ["an owl", "Owl"],
      ["walks the dog", "walks dog"],
      ["7 May, 2023", "7 May 2023"],
      ["Oslo,Norway", "Oslo, Norway"],
      ["1,000", "1000"],
      ["1,234,567.50", "1234567.50"],
      ["-2,000", "−2000"],
      ["1\u00a0000", "1,000"],
      ["$1,000", "$ 1000"],
      ["caf\u00e9", "cafe\u0301"],
      ["It’s", "it's"],
      ["1–2", "1-2"],
      ["10 a.m.", "10 AM"],
      ["U.S.", "US"],
      ["Dr. Who", "Dr Who"],
      ["20 %", "20%"],
      ["20 °C", "20°C"],
      ["20 €", "20€"],
      ["❤️", "❤"],
      ["Ｃ＋＋", "c++"],
      ["the flight \"5\"", "flight 5"],
      ["3:30.", "3:30"],
      ["C++.", "c++"],
      ["año", "An\u0303o"],
      ["a  b\tc\n", "a b c"],
      ["Vitamin A", "vitamin a"],
      ["the A", "The a"],
      ["zero\u200bwidth", "zerowidth"],
      ["!", " ! "]
    ] as const
    it.each(same)("%s is %s", (prediction, gold) => {
      assert.strictEqual(Reward.exactMatch(outcome(prediction, gold)).value, 1)
      assert.strictEqual(Reward.exactMatch(outcome(gold, prediction)).value, 1)
    })

    it("compares lists item by item, in any order", () => {
      const list = (prediction: string, gold: string) => Reward.exactMatch(outcome(prediction, gold, true)).value
      assert.strictEqual(list("C++ and C#", "C#, C++"), 1)
      assert.strictEqual(list("the cat; a dog", "Dog and cat."), 1)
      assert.strictEqual(list("1,000 and 300", "300; 1000"), 1)
      assert.strictEqual(list("東京、大阪", "大阪、東京"), 1)
      assert.strictEqual(list("Sandy and Andy", "Andy, Sandy"), 1)
      assert.strictEqual(list("C++ and C++", "C#, C++"), 0)
      assert.strictEqual(list("-5 and 3", "5, 3"), 0)
      assert.strictEqual(list("🐶, 🐱", "🐶, 🐭"), 0)
      assert.strictEqual(list("Buddy", "Buddy and Scout"), 0)
    })

    // Words of letters, marks, digits, signs and symbols, of which none stands for another.
    const part = Schema.Literals([
      "a",
      "n",
      "o",
      "z",
      "é",
      "ñ",
      "ि",
      "ी",
      "5",
      "7",
      "½",
      "²",
      "-",
      "+",
      "#",
      "$",
      "€",
      "%",
      "°",
      "&",
      "/",
      "@",
      "🐶",
      "🐱",
      "🏽",
      "日",
      "が"
    ])
    const word = Schema.Array(part).check(Schema.isMinLength(1), Schema.isMaxLength(5))
    it.prop("an answer with one character more, less or in place of another is not the same", {
      word,
      other: part,
      at: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 })),
      remove: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
    }, ({ at, other, remove, word }) => {
      const text = ["x", ...word, "x"].join("").normalize("NFC")
      const changed = ["x", ...word.toSpliced(at, remove, other), "x"].join("").normalize("NFC")
      assert.strictEqual(Reward.exactMatch(outcome(changed, text)).value, changed === text ? 1 : 0)
      for (const same of [text.normalize("NFD"), ` ${text.toUpperCase()}.`, `“${text}”`, `the ${text}!`]) {
        assert.strictEqual(Reward.exactMatch(outcome(same, text)).value, 1)
      }
    })
  })

  it("setF1 is the F1 of the paper's scorer", () => {
    assert.deepStrictEqual(Reward.setF1(half), { value: 0.5, parts: { setF1: 0.5 } })
  })

  it("weightedSum adds up, and keeps the parts as they were", () => {
    const reward = Reward.weightedSum([[constant("a", 2), 3], [constant("b", 0.5), -1]])
    assert.deepStrictEqual(reward(null), { value: 5.5, parts: { a: 2, b: 0.5 } })
    assert.deepStrictEqual(Reward.weightedSum([])(null), { value: 0, parts: {} })
  })

  it("product multiplies", () => {
    assert.deepStrictEqual(Reward.product([constant("judge", 0.5), constant("f1", 0.5)])(null), {
      value: 0.25,
      parts: { judge: 0.5, f1: 0.5 }
    })
    assert.strictEqual(Reward.product([constant("judge", 0), constant("f1", 0.5)])(null).value, 0)
  })

  it("cap bounds from above only, and shows what was capped", () => {
    assert.deepStrictEqual(Reward.cap(constant("format", 5), 0.2)(null), { value: 0.2, parts: { format: 5 } })
    assert.strictEqual(Reward.cap(constant("format", -5), 0.2)(null).value, -5)
  })

  it("firstNonZero stops at the first reward that says something", () => {
    let asked = 0
    const last = Reward.make<unknown>("last", () => {
      asked++
      return 1
    })
    assert.deepStrictEqual(Reward.firstNonZero([constant("a", 0), constant("b", -1), last])(null), {
      value: -1,
      parts: { a: 0, b: -1 }
    })
    assert.strictEqual(asked, 0)
    assert.deepStrictEqual(Reward.firstNonZero([constant("a", 0)])(null), { value: 0, parts: { a: 0 } })
    assert.strictEqual(Reward.firstNonZero([Reward.exactMatch, Reward.setF1])(half).value, 0.5)
  })

  it("contramap reads another outcome", () => {
    const reward = Reward.contramap(Reward.exactMatch, (text: string) => outcome(text, "Scout"))
    assert.deepStrictEqual([reward("Scout").value, reward("Buddy").value], [1, 0])
  })
})
