// What the words of a text are; the laws of stores (`storeWordLaws`) say that every store finds by them.
import { assert, describe, it } from "@effect/vitest"
import { Bm25 } from "@memory-r1/core/store"
import { Arbitrary, Schema } from "effect"
import { words } from "../src/internal/words.ts"

const forms = ["NFC", "NFD", "NFKC", "NFKD"] as const
const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

// What is hard to read, among any characters: marks without letters, letters that are several, half of a pair, joiners.
const pieces = [
  "a",
  "Ann",
  " ",
  "'",
  "’",
  "-",
  "1",
  "٣",
  "e\u0301",
  "é",
  "\u0301",
  "\u0323",
  "\u0308",
  "ß",
  "ẞ",
  "İ",
  "ı",
  "ŉ",
  "ǰ",
  "ς",
  "Σ",
  "ﬁ",
  "Å",
  "Ⅳ",
  "²",
  "½",
  "…",
  "今",
  "天",
  "タ",
  "ﾀ",
  "ﾞ",
  "゛",
  "ー",
  "々",
  "〇",
  "가",
  "ᄀ",
  "ᅡ",
  "ㅋ",
  "ข้",
  "ำ",
  "ກ",
  "ເ",
  "ក្",
  "ရေ",
  "क़",
  "ि",
  "العَ",
  "ـ",
  "שׁ",
  "\u200c",
  "\u200d",
  "\u200b",
  "\u00ad",
  "\ufe0f",
  "\u034f",
  "ʼ",
  "ё",
  "ж",
  "\ud800",
  "\0",
  "𝒳",
  "豈"
]
const piece = Schema.Union([between(0, pieces.length - 1), between(-0x2ffff, -1)])
const textOf = (of: ReadonlyArray<number>) =>
  of.map((one) => one >= 0 ? pieces[one]! : String.fromCodePoint(-one)).join("")
const text = Arbitrary.map(Arbitrary.schema(Schema.Array(piece)), textOf)
const unsigned = Arbitrary.map(Arbitrary.schema(Schema.Array(piece)), (of) => textOf(of).replace(/\p{S}/gu, ""))
const run = Arbitrary.map(
  Arbitrary.schema(Schema.Struct({
    letters: Schema.Array(between(0, 9)).check(Schema.isMinLength(2)),
    from: between(0, 99),
    length: between(1, 99)
  })),
  ({ from, length, letters }) => {
    const all = letters.map((letter) => ["我", "天", "タ", "ー", "に", "가", "ข้", "ບ", "ក្", "ရေ"][letter]!)
    return { whole: all.join(""), part: all.slice(from % all.length, from % all.length + length).join("") }
  }
)

describe("words", () => {
  it("are those of every script", () => {
    const cases: ReadonlyArray<readonly [string, string]> = [
      ["Two DOGS, 3 cats; e-mail me@x.org", "two dogs 3 cats e mail me x org"],
      ["it’s “fine” — really…", "it s fine really"],
      ["成语接龙", "成 成语 语 语接 接 接龙 龙"],
      ["猫", "猫"],
      ["我用iPhone15拍照", "我 我用 用 iphone15 拍 拍照 照"],
      ["2023年5月", "2023 年 5 月"],
      ["T恤 Ｃ言語", "t 恤 c 言 言語 語"],
      ["タワーへ", "タ タワ ワ ワー ー ーへ へ"],
      ["ｶﾞﾗｽ", "ガ ガラ ラ ラス ス"],
      ["리스트는 Kim을", "리 리스 스 스트 트 트는 는 kim 을"],
      ["ข้าว", "ข้ ข้า า าว ว"],
      ["ရေ", "ရေ"],
      ["मेरी बेटी है", "मेरी बेटी है"],
      ["தமிழ் বাংলা ગુજરાતી", "தமிழ் বাংলা ગુજરાતી"],
      ["кошка ёлка сімʼя", "кошка ёлка сімʼя"],
      ["الْقَاهِرَة آب", "القاهرة آب"],
      ["שָׁלוֹם בGoogle ב2023", "שלום ב google ב 2023"],
      ["نمی\u200cدانم", "نمیدانم"],
      ["Straße İstanbul ΟΔΟΣ naïve", "strasse istanbul οδοσ naïve"],
      ["Acme™ ﬁnds №5 at 20℃", "acme tm finds no 5 at 20 c"],
      ["co\u00adoperate h\u200bi 1\ufe0f\u20e3", "cooperate h i 1"],
      ["?! 🐶 👩‍👩‍👧", ""]
    ]
    for (const [text, expected] of cases) {
      for (const form of ["NFC", "NFD"] as const) {
        assert.deepStrictEqual(words(text.normalize(form)).join(" "), expected.normalize("NFKC"), `${text}, ${form}`)
      }
    }
  })

  it("keep apart what is written differently", () => {
    const pairs = [["café", "cafe"], ["बेटा", "बेटी"], ["東京", "京東"], ["año", "ano"], ["آب", "اب"], [
      "й",
      "и"
    ]] as const
    for (const [one, other] of pairs) {
      assert.notDeepEqual(words(one), words(other), `${one}, ${other}`)
    }
  })

  it.prop("are the same in both canonical forms of any text, and in the compatible ones but for signs", {
    text,
    unsigned
  }, ({ text, unsigned }) => {
    for (const form of ["NFC", "NFD"] as const) assert.deepStrictEqual(words(text.normalize(form)), words(text))
    for (const form of forms) assert.deepStrictEqual(words(unsigned.normalize(form)), words(unsigned))
  }, { arbitrary: { runs: 3000, seed: 7 } })

  it.prop("hold letters, digits and their marks alone, so that spaces can part them", { text }, ({ text }) => {
    for (const word of words(text)) assert.match(word, /^[\p{L}\p{N}][\p{L}\p{N}\p{Mn}\p{Mc}]*$/u)
  }, { arbitrary: { runs: 2000, seed: 8 } })

  it.prop("of a part of what is written without spaces are words of the whole", { run }, ({ run: { part, whole } }) => {
    const all = new Set(words(whole))
    for (const word of words(part)) assert.isTrue(all.has(word), `${word} of ${part} in ${whole}`)
    for (const term of Bm25.termsOf(part)) assert.include(Bm25.tokens(`Ann: ${whole}!`), term)
  }, { arbitrary: { runs: 1000, seed: 9 } })

  // Every character alone and inside a word, which is what a text of that script is made of.
  it("are the same in capitals and in small letters, of every character", () => {
    for (let code = 1; code < 0x30000; code++) {
      const letter = String.fromCodePoint(code)
      if (letter.toUpperCase() === letter && letter.toLowerCase() === letter) continue
      for (const text of [letter, `a${letter}b`, `今${letter}`]) {
        assert.deepStrictEqual(words(text.toUpperCase()), words(text), text)
        assert.deepStrictEqual(words(text.toLowerCase()), words(text), text)
      }
    }
  })
})
