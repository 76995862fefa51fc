/**
 * Rewards: plain functions from an outcome to a number with its parts, and combinators for them.
 *
 * @since 0.1.0
 */
import { sameAnswer, sameList } from "../language/sameAnswer.ts"
import * as TextMetrics from "./TextMetrics.ts"

/**
 * A reward and its parts.
 *
 * @category models
 * @since 0.1.0
 */
export interface Breakdown {
  readonly value: number
  readonly parts: Readonly<Record<string, number>>
}

/**
 * A reward for outcomes of type `O`.
 *
 * @category models
 * @since 0.1.0
 */
export type Reward<in O> = (outcome: O) => Breakdown

/**
 * An answer and its gold answer. `list` means that the order of items does not matter.
 *
 * @category models
 * @since 0.1.0
 */
export interface AnswerOutcome {
  readonly prediction: string
  readonly gold: string
  readonly list?: boolean | undefined
}

/**
 * An answer with a verdict: how right it is, from 0 to 1. See `Judge`.
 *
 * @category models
 * @since 0.1.0
 */
export interface JudgedOutcome extends AnswerOutcome {
  readonly verdict: number
}

/**
 * Makes a reward from a function that returns a number.
 *
 * @example
 * ```ts
 * import { Reward } from "@memory-r1/core/rl"
 *
 * const brief = Reward.make("brief", (outcome: Reward.AnswerOutcome) => outcome.prediction.length < 20 ? 1 : 0)
 * brief({ prediction: "Scout", gold: "Scout" }) // => { value: 1, parts: { brief: 1 } }
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <O>(name: string, score: (outcome: O) => number): Reward<O> => (outcome) => {
  const value = score(outcome)
  return { value, parts: { [name]: value } }
}

/**
 * 1 for the gold answer, 0 for any other answer. This is the default reward, as in Memory-R1.
 *
 * Every letter, mark, digit, sign, symbol and emoji counts. Ignored are case, Unicode normalization, white space,
 * punctuation at the end or around the answer, the style of quotes and dashes, thousands separators ("1,000"), the dots
 * of "a.m.", the article "the", and a leading "a" or "an". The published metric, `TextMetrics.squadExactMatch`, drops
 * all punctuation instead.
 *
 * @example
 * ```ts
 * import { Reward } from "@memory-r1/core/rl"
 *
 * Reward.exactMatch({ prediction: "The Scout!", gold: "scout" }).value // => 1
 * Reward.exactMatch({ prediction: "-5", gold: "5" }).value // => 0
 * Reward.exactMatch({ prediction: "Scout and Buddy", gold: "Buddy and Scout", list: true }).value // => 1
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const exactMatch: Reward<AnswerOutcome> = make(
  "exactMatch",
  ({ gold, list, prediction }) => (list === true ? sameList : sameAnswer)(prediction, gold) ? 1 : 0
)

/**
 * Set F1 of the answer and the gold answer. It is less sparse than `exactMatch`; use it if whole groups get zero.
 *
 * @category constructors
 * @since 0.1.0
 */
export const setF1: Reward<AnswerOutcome> = make("setF1", ({ gold, prediction }) => TextMetrics.setF1(prediction, gold))

/**
 * The verdict of the judge; NaN if no judge was asked.
 *
 * @category constructors
 * @since 0.1.0
 */
export const judge: Reward<JudgedOutcome> = make("judge", ({ verdict }) => verdict)

const join = (rewards: ReadonlyArray<Breakdown>, value: number): Breakdown => ({
  value,
  parts: Object.assign({}, ...rewards.map((reward) => reward.parts))
})

/**
 * The weighted sum of rewards.
 *
 * @example
 * ```ts
 * import { Reward } from "@memory-r1/core/rl"
 *
 * const reward = Reward.weightedSum([[Reward.exactMatch, 1], [Reward.setF1, 0.5]])
 * reward({ prediction: "Buddy and Scout", gold: "Scout" })
 * // => { value: 0.25, parts: { exactMatch: 0, setF1: 0.5 } }
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const weightedSum =
  <O>(terms: ReadonlyArray<readonly [reward: Reward<O>, weight: number]>): Reward<O> => (outcome) => {
    const scored = terms.map(([reward]) => reward(outcome))
    return join(scored, terms.reduce((sum, [, weight], i) => sum + weight * scored[i]!.value, 0))
  }

/**
 * The product of rewards, such as a judge's verdict times F1.
 *
 * @category combinators
 * @since 0.1.0
 */
export const product = <O>(rewards: ReadonlyArray<Reward<O>>): Reward<O> => (outcome) => {
  const scored = rewards.map((reward) => reward(outcome))
  return join(scored, scored.reduce((value, reward) => value * reward.value, 1))
}

/**
 * Caps a reward at `limit`. Agents with an uncapped format bonus learn only to format.
 *
 * @category combinators
 * @since 0.1.0
 */
export const cap = <O>(reward: Reward<O>, limit: number): Reward<O> => (outcome) => {
  const scored = reward(outcome)
  return { ...scored, value: Math.min(scored.value, limit) }
}

/**
 * The first reward that is not zero: `firstNonZero([exactMatch, setF1])` is exact match, else F1.
 *
 * @example
 * ```ts
 * import { Reward } from "@memory-r1/core/rl"
 *
 * const reward = Reward.firstNonZero([Reward.exactMatch, Reward.setF1])
 * reward({ prediction: "Buddy and Scout", gold: "Scout" }).value // => 0.5
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const firstNonZero = <O>(rewards: ReadonlyArray<Reward<O>>): Reward<O> => (outcome) => {
  const scored: Array<Breakdown> = []
  for (const reward of rewards) {
    const next = reward(outcome)
    scored.push(next)
    if (next.value !== 0) return join(scored, next.value)
  }
  return join(scored, 0)
}

/**
 * Adapts a reward to another type of outcome.
 *
 * @category combinators
 * @since 0.1.0
 */
export const contramap = <O, P>(reward: Reward<O>, f: (outcome: P) => O): Reward<P> => (outcome) => reward(f(outcome))
