// Values from environments, rewards, estimators and judges are checked where they enter.
import * as Effect from "effect/Effect"
import { format } from "effect/Formatter"
import * as Schema from "effect/Schema"
import { TrainingError } from "../TrainingError.ts"

const fail = (reason: string) => Effect.fail(new TrainingError({ reason }))

const show = (value: unknown): string => {
  const text = format(value)
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}

/** A list of as many as were asked for. */
export const expectCount = <A>(
  giver: string,
  expected: number,
  given: ReadonlyArray<A>
): Effect.Effect<ReadonlyArray<A>, TrainingError> =>
  Array.isArray(given) && given.length === expected
    ? Effect.succeed(given)
    : fail(`${giver}: ${expected} expected, ${Array.isArray(given) ? given.length : show(given)} given`)

/** A list for each one that was asked for, of as many: `expected` are the lengths. */
export const expectCounts = Effect.fnUntraced(function*<A>(
  giver: string,
  expected: ReadonlyArray<number>,
  given: ReadonlyArray<ReadonlyArray<A>>
) {
  const lists = yield* expectCount(giver, expected.length, given)
  return yield* Effect.forEach(lists, (list, i) => expectCount(`${giver} of group ${i}`, expected[i]!, list))
})

/** A number: `giver` says of what. */
export const expectNumber = (giver: string, given: unknown): Effect.Effect<number, TrainingError> =>
  typeof given === "number" && Number.isFinite(given) ? Effect.succeed(given) : fail(`${giver} ${show(given)}`)

const Numbers = Schema.Record(Schema.String, Schema.Finite)
const isOutcome = Schema.is(Schema.Struct({
  reward: Schema.Struct({ value: Schema.Finite, parts: Numbers }),
  labels: Schema.Array(Schema.String),
  metrics: Schema.optional(Numbers),
  result: Schema.String
}))

/** What is wrong with an outcome, if anything. */
export const flawOf = (given: unknown): string | undefined => {
  if (isOutcome(given)) return undefined
  const outcome = given as { readonly reward?: { readonly value?: unknown } | undefined } | null | undefined
  const value = outcome?.reward?.value
  return typeof value === "number" && Number.isFinite(value)
    ? `${show(outcome)}, which is not an outcome: parts and metrics are finite numbers, labels and the result are text`
    : show(value)
}
