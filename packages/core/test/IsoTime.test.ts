import { assert, describe, it } from "@effect/vitest"
import { IsoTime } from "@memory-r1/core"
import { Option, Schema } from "effect"

describe("IsoTime", () => {
  it("reads times, and nothing that JavaScript would guess", () => {
    const times: ReadonlyArray<readonly [string, number]> = [
      ["2024-02-29", Date.UTC(2024, 1, 29)],
      ["2023-05-08T10:00Z", Date.UTC(2023, 4, 8, 10)],
      ["2023-05-08T10:00:00.5+02:00", Date.UTC(2023, 4, 8, 8, 0, 0, 500)]
    ]
    for (const [text, millis] of times) assert.deepStrictEqual(IsoTime.millis(text), Option.some(millis), text)
    for (
      const text of [
        "31st of Octember",
        "2023-02-30",
        "2023-02-29",
        "1900-02-29",
        "2023-04-31",
        "2023-13-01",
        "2023-00-10",
        "2023-01-00",
        "",
        " ",
        "soon",
        "0",
        "1683540000",
        "2023",
        "2023-05",
        "5/8/2023",
        "May 8, 2023",
        "2023-05-08T25:00",
        "2023-05-08T10:60",
        "2023-05-08T10:00:00+25:00",
        "2023-05-08 10:00",
        " 2023-05-08",
        "2023-05-08Z",
        "2023-05-08T10:00:00z",
        "２０２３-05-08"
      ]
    ) {
      assert.deepStrictEqual(IsoTime.millis(text), Option.none(), text)
    }
  })

  it.prop(
    "reads every time that it writes",
    [Schema.Int.check(Schema.isBetween({ minimum: -62135596800000, maximum: 253402300799999 }))],
    ([millis]) => {
      assert.deepStrictEqual(IsoTime.millis(new Date(millis).toISOString()), Option.some(millis))
    }
  )
})
