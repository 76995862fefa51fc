/**
 * Values of flags and arguments: times, moments, and JSON.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Flag from "effect/cli/Flag"

const isoTime = /^(\d{4})-(\d{2})-(\d{2})(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})?)?$/

/**
 * How times are given. As everywhere in ISO 8601, one without an offset is that of the place; a date alone is its midnight in UTC.
 */
export const times = "a time in ISO 8601, such as 2026-11-28 or 2026-11-28T14:30:00Z"

const time = (text: string): Option.Option<number> => {
  const parts = isoTime.exec(text)
  if (parts === null) return Option.none()
  const [year, month, day] = parts.slice(1, 4).map(Number) as [number, number, number]
  // JavaScript takes 30 February for 2 March.
  const isDay = day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate()
  const found = isDay ? Date.parse(text) : Number.NaN
  return Number.isNaN(found) ? Option.none() : Option.some(found)
}

/**
 * Whether it is a time.
 */
export const isTime = (text: string): boolean => Option.isSome(time(text))

/**
 * A revision by its number, or a time.
 */
export const moment = (text: string): Option.Option<number | Date> =>
  /^\d{1,15}$/.test(text) ? Option.some(Number(text)) : Option.map(time(text), (found) => new Date(found))

const units = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const

/**
 * When something ends: a time, or how long from now on.
 */
export const end = (text: string): Option.Option<(now: number) => number> => {
  const span = /^(\d{1,9})\s*(s|seconds?|m|minutes?|h|hours?|d|days?|w|weeks?)$/.exec(text)
  if (span === null) return Option.map(time(text), (found) => () => found)
  const millis = Number(span[1]) * units[span[2]![0] as keyof typeof units]
  return Option.some((now) => now + millis)
}

/**
 * A flag whose value is JSON that fits a schema.
 */
export const json = <A>(name: string, schema: Schema.Codec<A, unknown>): Flag.Flag<A> =>
  Flag.String(name).pipe(
    Flag.mapTryCatch(Schema.decodeUnknownSync(Schema.fromJsonString(schema)), (error) => error instanceof Error ? error.message : String(error))
  )
