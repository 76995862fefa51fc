// Beside extractiveReader.test.ts, which has a case for each rule: where calendars bend, and what no rule may ever give.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as RelativeDate from "../src/internal/relativeDate.ts"

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

  it.prop("never gives half a date", {
    words: Schema.Array(Schema.Literals(["last", "next", "this", "ago", "may", "March", "week", "days", "year", "month", "sun", "on", "in", "2023", "99", "0", "a", "few", "yesterday", "12", "1st"])),
    observedAt: Schema.Literals(["2023-05-08", "1:56 pm on 8 May, 2023", "99 May 2023", "some day", "2023-99-99"])
  }, ({ observedAt, words }) => {
    const date = resolve(words.join(" "), observedAt)
    if (date !== undefined) assert.match(date, /^(?!.*(?:undefined|NaN|Invalid))\S(?:.*\S)?$/)
  }, { arbitrary: { runs: 2000, seed: 41 } })
})
