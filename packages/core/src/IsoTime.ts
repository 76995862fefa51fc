/**
 * Strict ISO 8601 times. Where a time decides what is kept or shown, an error is better than a guess.
 *
 * @since 0.1.0
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/**
 * The expected form of a time, for messages.
 *
 * @category formatting
 * @since 0.1.0
 */
export const form = "a time in ISO 8601, such as 2026-11-28 or 2026-11-28T14:30:00Z"

const pattern = /^(\d{4})-(\d{2})-(\d{2})(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})?)?$/

/**
 * A time in milliseconds since 1970. As in ISO 8601, a time without an offset is local, and a date alone is midnight
 * UTC. `None` for any other form, and for invalid times such as February 30.
 *
 * @example
 * ```ts
 * import { IsoTime } from "@memory-r1/core"
 * import { Option } from "effect"
 *
 * IsoTime.millis("1970-01-02T00:00:00+01:00") // => Option.some(82_800_000)
 * IsoTime.millis("31st of Octember") // => Option.none()
 * ```
 *
 * @category getters
 * @since 0.1.0
 */
export const millis = (text: string): Option.Option<number> => {
  const parts = pattern.exec(text)
  if (parts === null) return Option.none()
  const [year, month, day] = parts.slice(1, 4).map(Number) as [number, number, number]
  // JavaScript reads February 30 as March 2.
  const isDay = day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate()
  const found = isDay ? Date.parse(text) : Number.NaN
  return Number.isNaN(found) ? Option.none() : Option.some(found)
}

/**
 * A string that is a valid ISO 8601 time.
 *
 * @example
 * ```ts
 * import { IsoTime } from "@memory-r1/core"
 * import { Schema } from "effect"
 *
 * const isTime = Schema.is(IsoTime.IsoTime)
 * isTime("2026-02-28") // => true
 * isTime("2026-02-30") // => false
 * ```
 *
 * @category schemas
 * @since 0.1.0
 */
export const IsoTime = Schema.String.check(
  Schema.makeFilter((text: string) => Option.isSome(millis(text)), { expected: form })
)
