// Beside extractiveReader.test.ts, which has a case for each rule: where calendars bend, and what no rule may ever
// give.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as RelativeDate from "../../src/language/relativeDate.ts"

const resolve = (text: string, observedAt: string) => RelativeDate.resolve(text, observedAt)

describe("relativeDate", () => {
  it("crosses the ends of months and years", () => {
    assert.strictEqual(resolve("yesterday", "2023-01-01"), "31 December 2022")
    assert.strictEqual(resolve("yesterday", "2024-03-01"), "29 February 2024")
    assert.strictEqual(resolve("tomorrow", "31 December 2023"), "1 January 2024")
    assert.strictEqual(resolve("last month", "2023-01-31"), "December 2022")
    // Not March: a month ahead of 31 January is no day of February.
    assert.strictEqual(resolve("next month", "2023-01-31"), "February 2023")
    assert.strictEqual(resolve("14 months ago", "2023-05-08"), "March 2022")
  })

  it("reads the time stamps of LoCoMo and of LongMemEval", () => {
    assert.strictEqual(RelativeDate.parse("10:37 am on 27 June, 2023")?.toISOString(), "2023-06-27T00:00:00.000Z")
    assert.strictEqual(RelativeDate.parse("2023/05/20 (Sat) 02:21")?.toISOString(), "2023-05-20T00:00:00.000Z")
    assert.isUndefined(RelativeDate.parse("May 2023"))
  })

  // A text said on a Monday, and its date; without one the reader has to say that it does not know.
  const onMonday: ReadonlyArray<readonly [text: string, date: string | undefined]> = [
    ["I will fly to Rome on Friday.", "12 May 2023"],
    ["I will fly to Rome in two weeks.", "22 May 2023"],
    ["My exam is in 3 days.", "11 May 2023"],
    // Days of the week: the verb tells which.
    ["I flew to Rome on Friday.", "The Friday before 8 May 2023"],
    ["It was on Friday", "The Friday before 8 May 2023"],
    ["I saw Eva last Friday", "The Friday before 8 May 2023"],
    ["On Friday I went to Eva's", "The Friday before 8 May 2023"],
    ["On Friday I go to Eva's", "12 May 2023"],
    ["I'm flying Friday", "12 May 2023"],
    ["My flight leaves on Tuesday", "9 May 2023"],
    ["I have an exam on Monday", "15 May 2023"],
    ["I had an exam on Monday", "The Monday before 8 May 2023"],
    ["I didn't come on Friday", "The Friday before 8 May 2023"],
    ["I can't come on Friday", "12 May 2023"],
    ["I heard it will rain on Friday", "12 May 2023"],
    ["The party I was invited to is on Friday", "12 May 2023"],
    ["Ahmed is visiting on Friday", "12 May 2023"],
    ["I booked a table for Friday", "12 May 2023"],
    ["I met Tom on Tuesday last week", "2 May 2023"],
    ["Next week on Tuesday I fly", "16 May 2023"],
    ["I have been ill since Friday", "The Friday before 8 May 2023"],
    ["See you on Saturday", "13 May 2023"],
    // Spans.
    ["We meet the day after tomorrow", "10 May 2023"],
    ["I moved here a fortnight ago", "Two weeks before 8 May 2023"],
    ["The rent is due in a fortnight", "22 May 2023"],
    ["I leave two weeks from now", "22 May 2023"],
    ["I retire in six months", "November 2023"],
    ["I moved here half a year ago", "November 2022"],
    ["The week before last we hiked", "Two weeks before 8 May 2023"],
    ["I fly in a few days", "A few days after 8 May 2023"],
    ["I start next month", "June 2023"],
    ["I am hiking this weekend", "The weekend of 13 May 2023"],
    ["I went hiking this weekend", "The weekend of 6 May 2023"],
    // Months and days without a year.
    ["I went to Rome in March", "March 2023"],
    ["I've been to Rome in March", "March 2023"],
    ["I'm going to Rome in March", "March 2024"],
    ["The concert is in June", "June 2023"],
    ["The concert was in June", "June 2022"],
    ["Last May I ran", "May 2022"],
    ["I will marry on 13 August", "13 August 2023"],
    ["I married on 13 August", "13 August 2022"],
    ["I flew on the 15th", "15 April 2023"],
    ["I fly on the 15th", "15 May 2023"],
    ["My birthday is in August", "August"],
    // Seasons.
    ["I was in Crete last summer", "Summer 2022"],
    ["I was in Crete last winter", "Winter 2022–2023"],
    ["I was in Crete last spring", "Spring 2022"],
    ["I'll go to Crete this summer", "Summer 2023"],
    ["I went to Crete in the summer", "Summer 2022"],
    ["I was there in the fall of 2019", "Fall 2019"],
    // What is not certain.
    ["I quit my job on Friday", undefined],
    ["I booked a table on Friday", undefined],
    ["Eva told me to come on Friday", undefined],
    ["I could come on Friday", undefined],
    ["Dentist on Friday", undefined],
    ["I swim on Fridays", undefined],
    ["I work from Monday to Friday", undefined],
    ["I go to Crete next summer", undefined],
    ["I fly two weeks from Friday", undefined],
    ["I met him a week before the wedding", undefined],
    ["I met him the Friday before last", undefined],
    ["I read it in three days", undefined],
    ["I lived in Rome for two weeks", undefined],
    ["I sat down", undefined],
    ["This may be good", undefined]
  ]
  for (const [text, date] of onMonday) {
    it(`${text} ${date ?? "no date"}`, () => assert.strictEqual(resolve(text, "2023-05-08T13:56:00Z"), date))
  }

  it("knows the seasons of a December, and the turn of the year", () => {
    const december = [
      ["I went to Crete last summer", "Summer 2023"],
      ["I went to Crete last fall", "Fall 2023"],
      ["I went to Crete last spring", "Spring 2023"],
      ["I went skiing last winter", "Winter 2022–2023"],
      ["I will ski this winter", "Winter 2023–2024"],
      ["I go to Crete next summer", "Summer 2024"],
      ["I swam a lot this summer", "Summer 2023"],
      ["I flew to Rome in November", "November 2023"],
      ["I'll fly to Rome in January", "January 2024"],
      ["I'll fly on 3 January", "3 January 2024"],
      ["I'll fly in 30 days", "4 January 2024"],
      ["I moved here last December", "December 2022"]
    ] as const
    for (const [text, date] of december) assert.strictEqual(resolve(text, "5 Dec 2023"), date, text)
    assert.strictEqual(resolve("I fly on Monday", "31 December 2023"), "1 January 2024")
    assert.strictEqual(resolve("I was there last winter", "2024-01-15"), "Winter 2022–2023")
  })

  it("knows leap days, and which side of midnight a minute is on", () => {
    assert.strictEqual(resolve("I fly in two days", "2024-02-28"), "1 March 2024")
    assert.strictEqual(resolve("I was there on 29 February", "2024-02-28"), "29 February 2020")
    assert.strictEqual(resolve("I will be there on 29 February", "2024-02-28"), "29 February 2024")
    assert.strictEqual(resolve("I'll leave in 20 minutes", "2024-02-28T23:50:00Z"), "29 February 2024")
    assert.strictEqual(resolve("I left 3 hours ago", "1:05 am on 1 March, 2024"), "29 February 2024")
    assert.isUndefined(resolve("I left 3 hours ago", "1 March 2024"))
  })

  it.prop("never gives half a date", {
    words: Schema.Array(
      Schema.Literals([
        "last",
        "next",
        "this",
        "ago",
        "may",
        "March",
        "week",
        "days",
        "year",
        "month",
        "sun",
        "on",
        "in",
        "2023",
        "99",
        "0",
        "a",
        "few",
        "yesterday",
        "12",
        "1st"
      ])
    ),
    observedAt: Schema.Literals(["2023-05-08", "1:56 pm on 8 May, 2023", "99 May 2023", "some day", "2023-99-99"])
  }, ({ observedAt, words }) => {
    const date = resolve(words.join(" "), observedAt)
    if (date !== undefined) assert.match(date, /^(?!.*(?:undefined|NaN|Invalid))\S(?:.*\S)?$/)
  }, { arbitrary: { runs: 2000, seed: 41 } })
})
