import { assert, describe, it } from "@effect/vitest"
import { Memory } from "@memory-r1/core"
import * as ExtractiveReader from "../../src/language/extractiveReader.ts"
import * as RelativeDate from "../../src/language/relativeDate.ts"

const memory = (n: number, speaker: string, text: string, observedAt = "1:56 pm on 8 May, 2023"): Memory.Memory => ({
  id: Memory.MemoryId.make(`m${n}`),
  text,
  speaker,
  observedAt,
  sources: [`D1:${n}`],
  revision: 0
})

const bank = [
  memory(1, "Ann", "Hey Bob! I moved to Oslo last month."),
  memory(2, "Bob", "Wow, Ann! How long have you been painting?"),
  memory(3, "Ann", "Thanks! About seven years now."),
  memory(5, "Bob", "I adopted a dog named Buddy yesterday."),
  memory(7, "Ann", "I go swimming twice a week, it clears my mind."),
  memory(9, "Bob", "My favorite book is \"The Hobbit\", I read it every winter."),
  memory(11, "Ann", "I quit my job because the hours were too long."),
  memory(13, "Bob", "I don't eat meat."),
  memory(15, "Ann", "Ann: Look at this! [image: a photo of a wooden sailing boat]"),
  memory(17, "Bob", "I have three sisters in Bergen.")
]

const ask = (question: string, candidates: ReadonlyArray<Memory.Memory> = bank) =>
  ExtractiveReader.read({ question, candidates })

describe("the extractive reader", () => {
  for (
    const [question, answer] of [
      ["When did Ann move?", "April 2023"],
      ["When did Bob adopt a dog?", "7 May 2023"],
      ["Where did Ann move to?", "Oslo"],
      ["What is the name of Bob's dog?", "Buddy"],
      ["How often does Ann swim?", "twice a week"],
      ["How many sisters does Bob have?", "three"],
      ["Which book is Bob's favorite?", "The Hobbit"],
      ["Why did Ann quit her job?", "hours were too long"],
      ["Does Bob eat meat?", "No"],
      ["Did Bob adopt a dog?", "Yes"]
    ] as const
  ) {
    it(question, () => {
      assert.strictEqual(ask(question).text, answer)
    })
  }

  it("takes the turn that replies to the question's words", () => {
    const answer = ask("How long has Ann been painting?")
    assert.strictEqual(answer.text, "seven years")
    assert.deepStrictEqual(answer.selected.map(({ id }) => String(id)), ["m3"])
  })

  it("reads what stands in brackets, and the name of the speaker is no part of the text", () => {
    assert.include(ask("What boat did Ann show?").text, "wooden sailing")
  })

  it("prefers what the person that the question names said", () => {
    const both = [memory(1, "Ann", "I play the violin."), memory(8, "Bob", "I play the drums.")]
    assert.strictEqual(ask("What instrument does Ann play?", both).text, "violin")
    assert.strictEqual(ask("What instrument does Bob play?", both).text, "drums")
  })

  it("prefers the newer of two equal memories", () => {
    const both = [memory(1, "Ann", "I live in Oslo."), memory(8, "Ann", "I live in Bergen.")]
    assert.strictEqual(ask("Where does Ann live?", both).text, "Bergen")
  })

  it("falls back to the day on which it was said", () => {
    assert.strictEqual(ask("When did Bob read The Hobbit?").text, "8 May 2023")
    assert.strictEqual(ask("When did Ann quit?", [memory(1, "Ann", "I quit", "session one")]).text, "session one")
  })

  it("tells when something will be, and not the day on which it was said", () => {
    const said = (text: string, question: string, observedAt?: string) =>
      ask(question, [memory(1, "Ann", text, observedAt)]).text
    assert.strictEqual(said("I will fly to Rome on Friday.", "When will Ann fly to Rome?"), "12 May 2023")
    assert.strictEqual(said("I will fly to Rome in two weeks.", "When does Ann fly to Rome?"), "22 May 2023")
    assert.strictEqual(said("My exam is in 3 days.", "When is Ann's exam?"), "11 May 2023")
    assert.strictEqual(said("I went to Crete last summer.", "When did Ann go to Crete?", "5 Dec 2023"), "Summer 2023")
    for (
      const text of [
        "I will fly to Rome.",
        "I'm going to fly to Rome.",
        "I will fly to Rome next summer.",
        "I want to fly to Rome.",
        "I can't decide when to fly to Rome.",
        "I hope to fly to Rome with Eva.",
        "I booked a flight to Rome on Friday.",
        "I fly to Rome on Fridays.",
        "I fly to Rome a week before the wedding.",
        "Years ago I had a flight to Rome.",
        "I saw Eva yesterday. I fly to Rome next summer."
      ]
    ) assert.strictEqual(said(text, "When does Ann fly to Rome?"), "none", text)
    // Nor the date of another memory.
    const both = [memory(1, "Ann", "I flew to Oslo yesterday."), memory(3, "Ann", "I fly to Rome next summer.")]
    assert.strictEqual(ask("When does Ann fly to Rome?", both).text, "none")
  })

  it("says none where nothing matches, and for an empty bank", () => {
    assert.deepStrictEqual(ask("Zebras?"), { text: "none", selected: [], wellFormed: true, raw: "none" })
    assert.strictEqual(ask("Where does Ann live?", []).text, "none")
  })

  it("reads questions and memories of any text", () => {
    const odd = ["", "???", "[", "\"", "...", "- —", "1.5", "ünïcödé 🎉", "a".repeat(2000)]
    const candidates = odd.filter((text) => text !== "").map((text, i) => memory(i, text, text))
    for (const question of odd) assert.isString(ask(question, candidates).text)
  })
})

describe("relative dates", () => {
  for (
    const [text, date] of [
      ["I went yesterday", "7 May 2023"],
      ["We met the day before yesterday", "6 May 2023"],
      ["tomorrow I fly", "9 May 2023"],
      ["two days ago", "6 May 2023"],
      ["last week we hiked", "The week before 8 May 2023"],
      ["last weekend", "The weekend before 8 May 2023"],
      ["three weeks ago", "Three weeks before 8 May 2023"],
      ["last Tues I joined", "The Tuesday before 8 May 2023"],
      ["next Friday", "The Friday after 8 May 2023"],
      ["six months ago", "November 2022"],
      ["next month", "June 2023"],
      ["a year ago", "2022"],
      ["this year", "2023"],
      ["on March 3rd, 2021", "3 March 2021"],
      ["on the 3rd of March 2021", "3 March 2021"],
      ["back in March 2021", "March 2021"],
      ["since 2016", "2016"],
      ["my birthday is 13 August", "13 August"]
    ] as const
  ) {
    it(text, () => {
      assert.strictEqual(RelativeDate.resolve(text, "1:56 pm on 8 May, 2023"), date)
    })
  }

  it("needs a time for what is relative, and finds nothing where no date is", () => {
    assert.isUndefined(RelativeDate.resolve("yesterday", undefined))
    assert.isUndefined(RelativeDate.resolve("yesterday", "some time"))
    assert.isUndefined(RelativeDate.resolve("I may march on", "2023-05-08"))
  })

  it("reads time stamps", () => {
    for (const text of ["1:56 pm on 8 May, 2023", "2023-05-08T13:56:00Z", "May 8, 2023", "8 May 2023"]) {
      assert.strictEqual(RelativeDate.day(text), "8 May 2023")
    }
    assert.isUndefined(RelativeDate.day("once"))
  })
})
