/**
 * Values of flags and arguments: times, moments, and JSON.
 *
 * @since 0.1.0
 */
import { IsoTime, messageOf } from "@memory-r1/core"
import * as Flag from "effect/cli/Flag"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/**
 * A revision by its number, or a time.
 *
 * @category constructors
 * @since 0.1.0
 */
export const moment = (text: string): Option.Option<number | Date> =>
  /^\d{1,15}$/.test(text) ? Option.some(Number(text)) : Option.map(IsoTime.millis(text), (found) => new Date(found))

const units = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const

/**
 * When something ends: a time, or a duration from now.
 *
 * @category constructors
 * @since 0.1.0
 */
export const end = (text: string): Option.Option<(now: number) => number> => {
  const span = /^(\d{1,9})\s*(s|seconds?|m|minutes?|h|hours?|d|days?|w|weeks?)$/.exec(text)
  if (span === null) return Option.map(IsoTime.millis(text), (found) => () => found)
  const millis = Number(span[1]) * units[span[2]![0] as keyof typeof units]
  return Option.some((now) => now + millis)
}

/**
 * A flag whose value is JSON that matches a schema.
 *
 * @category constructors
 * @since 0.1.0
 */
export const json = <A>(name: string, schema: Schema.Codec<A, unknown>): Flag.Flag<A> =>
  Flag.String(name).pipe(
    Flag.mapTryCatch(Schema.decodeUnknownSync(Schema.fromJsonString(schema)), messageOf)
  )
