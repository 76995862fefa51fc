// No news is taken for what is known: over the rules, over a store, and in what was recalled.
import { assert, describe, it } from "@effect/vitest"
import { AnswerAgent, FactExtractor, MemoryAgent, MemoryManager, MemoryStore, Recalled, Scope } from "@memory-r1/core"
import { Journal } from "@memory-r1/core/store"
import { Arbitrary, Effect, Layer, Schema } from "effect"

const scope = Scope.make({ user: "ann" })
const parts = Layer.mergeAll(FactExtractor.layerVerbatim, AnswerAgent.layerExtractive)
const rules = Layer.merge(parts, MemoryManager.layerRuleBased())
const addOnly = Layer.merge(parts, MemoryManager.layerAddOnly)

/** What is known after a few turns, each of them said by the same person. */
const told = (texts: ReadonlyArray<string>, manager = rules) =>
  Effect.gen(function*() {
    for (const [at, text] of texts.entries()) {
      yield* MemoryAgent.remember(scope, { id: `D1:${at}`, speaker: "Ann", text })
    }
    return (yield* MemoryAgent.memories(scope)).map(({ text }) => text)
  }).pipe(Effect.provide(Layer.merge(manager, MemoryStore.layerInMemory)))

const replaces: ReadonlyArray<readonly [before: string, after: string]> = [
  ["I do not eat meat.", "I eat meat."],
  ["I eat meat.", "I do not eat meat."],
  ["The balance is -200 euros.", "The balance is 200 euros."],
  ["I don’t smoke.", "I smoke."],
  ["I can't swim.", "I can swim."],
  ["I will fly to Rome.", "I won't fly to Rome."],
  ["I never drink coffee.", "I drink coffee."],
  ["I no longer work at Acme.", "I work at Acme."],
  ["Tom doesn't have a car.", "Tom has a car."],
  ["Tom speaks Polish.", "Tom does not speak Polish anymore."],
  ["I have no dog.", "I have a dog."],
  ["I'm married.", "I am not married."],
  ["She isn't a vegan.", "She is a vegan."],
  ["I did not go to Rome.", "I went to Rome."],
  ["The price is 3.5 euros.", "The price is 35 euros."],
  ["The ticket is €20.", "The ticket is $20."],
  ["The ticket is 20 €.", "The ticket is 20 $."],
  ["It is -5 degrees.", "It is +5 degrees."],
  ["The tolerance is ±5 mm.", "The tolerance is 5 mm."],
  ["The limit is <5 items.", "The limit is >5 items."],
  ["My son is 5 years old.", "My son is 6 years old."],
  ["The meeting is at 5 pm.", "The meeting is at 6 pm."],
  ["I live in Oslo.", "I live in Bergen."],
  ["I live in Oslo.", "I live in New York."],
  ["My dog is called Buddy.", "My dog is called Scout."],
  ["My favorite color is green.", "My favorite color is blue."],
  ["Ann has a dog", "Ann has a big dog"]
]

const keeps: ReadonlyArray<readonly [before: string, after: string]> = [
  ["Tom lent money to Eva.", "Eva lent money to Tom."],
  ["I joined the review board after the Acme incident.", "I joined Acme."],
  ["I joined Acme.", "I joined the review board after the Acme incident."],
  ["I code in C#.", "I code in C++."],
  ["I code in C++.", "I code in C."],
  ["Mood today: 😀", "Mood today: 😭"],
  ["मेरा बेटा है", "मेरी बेटी है"],
  // Roles and order.
  ["Tom liebt Eva.", "Eva liebt Tom."],
  ["Pedro ayuda a Ana.", "Ana ayuda a Pedro."],
  ["Мария любит Ивана", "Ивана любит Мария"],
  ["张三打了李四", "李四打了张三"],
  ["I told Tom that Eva paid Bob last week", "I told Tom that Bob paid Eva last week"],
  ["The cat is on the mat", "The mat is on the cat"],
  // Part and whole.
  ["Ann has a dog named Buddy", "A dog named Buddy"],
  ["Ann has a big dog", "Ann has a dog"],
  ["Nobody believes that I live in Oslo", "I live in Oslo"],
  ["I have a dog", "I have a dog house"],
  // Negation of something else, or at another time.
  ["I do not eat meat on Fridays.", "I eat meat."],
  ["I did not vote.", "I vote."],
  ["I don't like Tom.", "I like Eva."],
  // Symbols, signs, points, marks, emoji.
  ["a = b", "a ≠ b"],
  ["x ± 5", "x ∓ 5"],
  ["The answer is 5!", "The answer is 5"],
  ["10² people came", "102 people came"],
  ["Go ← home", "Go → home"],
  ["Gate A/B", "Gate A&B"],
  ["50% of it", "50‰ of it"],
  ["I like ❤️ and 🐶", "I like ❤️ and 🐱"],
  ["👨‍👩‍👧 family", "👨‍👩‍👦 family"],
  ["👍🏻 from Ann", "👍🏿 from Ann"],
  ["año nuevo", "ano nuevo"],
  ["سَلَّمَ", "سُلِّمَ"],
  ["מָלַךְ", "מֶלֶךְ"],
  ["มา", "ม้า"],
  ["உலகம்", "உலகம"],
  ["はは", "ばば"],
  // People, events and lists stand side by side.
  ["I have a dog named Buddy", "I have a dog named Scout"],
  ["My brother lives in Oslo", "My sister lives in Oslo"],
  ["Tom lives in Oslo", "Eva lives in Oslo"],
  ["I am allergic to nuts", "I am allergic to milk"],
  ["I visited Oslo in May", "I visited Rome in May"],
  ["Bus 12 stops here", "Bus 13 stops here"],
  ["You live in Oslo.", "You live in Oslo?"]
]

const same: ReadonlyArray<readonly [before: string, after: string]> = [
  ["Ann lives in Oslo", "Ann lives in Oslo."],
  ["Ann lives in Oslo", " ann  LIVES in\tOslo! "],
  ["Zoë sings", "Zoe\u0308 sings"],
  ["मेरा बेटा है", "मेरा बेटा है।"],
  ["ICH WOHNE IN KÖLN", "ich wohne in Köln"]
]

describe("sameness", () => {
  for (const [before, after] of replaces) {
    it.effect(`${after} replaces: ${before}`, () =>
      Effect.map(told([before, after]), (known) => assert.deepStrictEqual(known, [after])))
  }
  for (const [before, after] of keeps) {
    it.effect(`${after} stands beside: ${before}`, () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* told([before, after]), [before, after])
        assert.deepStrictEqual(yield* told([before, after], addOnly), [before, after])
        assert.isFalse(Recalled.repeats({ text: after }, [before]))
      }))
  }
  for (const [before, after] of same) {
    it.effect(`${after} is: ${before}`, () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* told([before, after]), [before])
        assert.isTrue(Recalled.repeats({ text: after }, [before]))
      }))
  }

  const words = [
    "I",
    "Tom",
    "Eva",
    "do",
    "eat",
    "meat",
    "is",
    "in",
    "Oslo",
    "-200",
    "200",
    "3.5",
    "C#",
    "बेटा",
    "ñandú",
    "日本",
    "😀",
    "a",
    "the",
    "euros"
  ]
  // A letter, digit, sign, symbol, mark or emoji of nearly every kind.
  const signs = [
    "x",
    "é",
    "ß",
    "Ж",
    "中",
    "ي",
    "7",
    "٣",
    "²",
    "+",
    "-",
    "−",
    "±",
    "≠",
    "<",
    "=",
    "~",
    "$",
    "€",
    "₹",
    "#",
    "%",
    "&",
    "@",
    "*",
    "/",
    "°",
    "→",
    "♀",
    "\u093f",
    "\u0301",
    "\u064e",
    "\u05b6",
    "\u0e49",
    "😭",
    "🏽",
    "\u200d",
    "🇳🇴"
  ]
  const place = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 999 }))
  const changed = Arbitrary.map(
    Arbitrary.schema(Schema.Struct({
      words: Schema.NonEmptyArray(Schema.Literals(words)),
      kind: Schema.Literals(["insert", "put", "remove", "swap", "negate", "drop"]),
      sign: Schema.Literals(signs),
      at: place,
      other: place
    })),
    ({ at, kind, other, sign, words }) => {
      const before = words.join(" ")
      const letters = Array.from(before)
      const [i, j, k] = [at % letters.length, at % words.length, other % words.length]
      const after = kind === "insert"
        ? letters.toSpliced(i, 0, sign).join("")
        : kind === "put"
        ? letters.with(i, sign).join("")
        : kind === "remove"
        ? letters.toSpliced(i, 1).join("")
        : kind === "swap"
        ? words.with(j, words[k]!).with(k, words[j]!).join(" ")
        : (kind === "negate" ? words.toSpliced(j, 0, sign.length > 1 ? "never" : "not") : words.toSpliced(j, 1)).join(
          " "
        )
      return { before, after }
    }
  )
  // What is compared, said independently: the characters without white space, in one form and case.
  const characters = (text: string): string => text.normalize("NFC").toLowerCase().replace(/\s/gu, "")

  it.effect.prop(
    "a letter, digit, sign or symbol makes another statement, wherever it stands",
    { pair: changed },
    ({ pair: { after, before } }) =>
      Effect.gen(function*() {
        if (characters(after) === characters(before) || after.trim() === "") return
        assert.isFalse(Recalled.repeats({ text: after }, [before]), `${before} / ${after}`)
        assert.notStrictEqual(Journal.folded(after), Journal.folded(before))
        for (const manager of [rules, addOnly]) {
          assert.include(yield* told([before, after], manager), after.trim(), before)
        }
      }),
    { arbitrary: { runs: 500, seed: 11 } }
  )
})
