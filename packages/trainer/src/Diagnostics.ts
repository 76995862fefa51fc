/**
 * Signs that a stage goes wrong, read off its log: what re-implementations of Memory-R1 and users of other trainers
 * lost runs to.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import type { Metrics } from "./RunLog.ts"

/**
 * The schema of a line of `alarms.jsonl`: a sign that a stage goes wrong. A stage logs each `name` once.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Diagnostic = Schema.Struct({
  stage: Schema.String,
  step: Schema.Int,
  name: Schema.String,
  message: Schema.String
})

/**
 * The type of `Diagnostic`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Diagnostic extends Schema.Schema.Type<typeof Diagnostic> {}

// A sign has to be there for so many steps in a row.
const window = 5

type Values = Readonly<Record<string, number>>

const mean = (values: ReadonlyArray<number>): number => values.reduce((sum, value) => sum + value, 0) / values.length
const percent = (share: number): string => `${(100 * share).toFixed(0)} %`

interface Sight {
  readonly last: ReadonlyArray<Values>
  readonly first: ReadonlyArray<Values>
}

// The metric in all of the last steps, or in all of the first ones; nothing where one of them lacks it.
const all = (values: ReadonlyArray<Values>, name: string): ReadonlyArray<number> | undefined => {
  const found = values.flatMap((one) => one[name] ?? [])
  return found.length === values.length ? found : undefined
}

const always = (sight: Sight, name: string, holds: (value: number) => boolean): number | undefined => {
  const found = all(sight.last, name)
  return found?.every(holds) === true ? mean(found) : undefined
}

const when = <A>(value: A | undefined, message: (value: A) => string): string | undefined =>
  value === undefined ? undefined : message(value)

const rules: Readonly<Record<string, (sight: Sight) => string | undefined>> = {
  zeroVariance: (sight) =>
    when(
      always(sight, "zeroVariance", (share) => share >= 0.9),
      (share) =>
        `${
          percent(share)
        } of groups earn the same for every completion, and teach nothing: a warm start, a denser reward (exact \
match else F1), larger groups or a higher temperature make them differ`
    ),
  oneOperation: (sight) => {
    for (const name of Object.keys(sight.last.at(-1) ?? {})) {
      if (!/^share\.(add|update|delete|noop)$/.test(name)) continue
      const share = always(sight, name, (share) => share >= 0.98)
      if (share === undefined || (all(sight.first, name) ?? []).some((share) => share >= 0.98)) continue
      return `${percent(share)} of the operations are ${
        name.slice(6).toUpperCase()
      }, which was not so at first: the reward may pay for one operation alone`
    }
    return undefined
  },
  length: (sight) => {
    const first = mean(all(sight.first, "completionTokens") ?? [])
    return when(
      always(sight, "completionTokens", (tokens) => tokens >= 2 * first),
      (last) =>
        `completions have grown from ${first.toFixed(0)} to ${
          last.toFixed(0)
        } tokens: a judge, or F1, may pay for length`
    )
  },
  truncated: (sight) =>
    when(
      always(sight, "truncated", (share) => share >= 0.5),
      (share) =>
        `${percent(share)} of completions are cut off at maxTokens, before they have said what they are rewarded for`
    ),
  entropy: (sight) => {
    const first = mean(all(sight.first, "entropy") ?? [])
    return when(
      always(sight, "entropy", (entropy) => entropy <= 0.1 * first && entropy <= 0.02),
      (last) =>
        `the entropy has fallen from ${first.toPrecision(2)} to ${
          last.toPrecision(2)
        } nats a token: the policy has made up its mind, and samples hardly differ`
    )
  },
  clipped: (sight) =>
    when(
      always(sight, "clipped", (share) => share >= 0.3),
      (share) =>
        `${percent(share)} of the tokens' ratios are clipped: fewer passes over a batch or a lower learning rate`
    ),
  kl: (sight) =>
    when(
      always(sight, "kl", (kl) => kl >= 1),
      (kl) =>
        `the policy is ${kl.toFixed(2)} nats a token away from its reference: a larger beta or a lower learning rate`
    ),
  critic: (sight) =>
    when(
      always(sight, "explainedVariance", (share) => share < -0.5),
      (share) =>
        `the critic explains ${
          percent(share)
        } of the variance of returns, worse than a constant: a warm-up for it, or a higher learning rate`
    ),
  tooLong: (sight) =>
    when(
      always(sight, "tooLong", (count) => count > 0),
      () =>
        "prompts are omitted since they leave no room for a completion in the model's context: fewer memories " +
        "(perFact, perSpeaker), or a longer context"
    )
}

/**
 * What the steps of a stage so far say about it, the last of which was just logged.
 *
 * @example
 * ```ts
 * import { Diagnostics } from "@memory-r1/trainer"
 *
 * const step = (step: number) => ({ stage: "manager", step, steps: 40, values: { zeroVariance: 1 } })
 * Diagnostics.read([1, 2, 3, 4].map(step)) // => []
 * Diagnostics.read([1, 2, 3, 4, 5].map(step)).map(({ name }) => name) // => ["zeroVariance"]
 * ```
 *
 * @category getters
 * @since 0.1.0
 */
export const read = (
  steps: ReadonlyArray<Pick<Metrics, "values">>
): ReadonlyArray<Pick<Diagnostic, "name" | "message">> => {
  if (steps.length < window) return []
  const sight: Sight = {
    first: steps.slice(0, window).map(({ values }) => values),
    last: steps.slice(-window).map(({ values }) => values)
  }
  return Object.entries(rules).flatMap(([name, rule]) => {
    const message = rule(sight)
    return message === undefined ? [] : [{ name, message }]
  })
}
