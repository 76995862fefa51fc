/**
 * Rewards: plain functions from an outcome to a number with a breakdown, and combinators of them.
 */
import { sameAnswer, sameList } from "./language/sameAnswer.ts"
import * as TextMetrics from "./TextMetrics.ts"

/**
 * A number and what it is made of.
 */
export interface Breakdown {
  readonly value: number
  readonly parts: Readonly<Record<string, number>>
}

/**
 * A reward for outcomes of type `O`.
 */
export type Reward<in O> = (outcome: O) => Breakdown

/**
 * An answer beside the gold answer. `list` says that the order of the items does not matter.
 */
export interface AnswerOutcome {
  readonly prediction: string
  readonly gold: string
  readonly list?: boolean | undefined
}

/**
 * An answer that somebody has judged: how right it is, from 0 to 1. See `Judge`.
 */
export interface JudgedOutcome extends AnswerOutcome {
  readonly verdict: number
}

/**
 * A reward out of a function that gives a number.
 *
 * @example
 * ```ts
 * import { Reward } from "@memory-r1/core"
 *
 * const brief = Reward.make("brief", (outcome: Reward.AnswerOutcome) => outcome.prediction.length < 20 ? 1 : 0)
 * brief({ prediction: "Scout", gold: "Scout" }) // => { value: 1, parts: { brief: 1 } }
 * ```
 */
export const make = <O>(name: string, score: (outcome: O) => number): Reward<O> => (outcome) => {
  const value = score(outcome)
  return { value, parts: { [name]: value } }
}

/**
 * 1 for the gold answer, 0 for any other: the default reward, as Memory-R1's is an exact match.
 *
 * Every letter, mark, digit, sign, symbol and emoji of an answer counts. What does not: case, Unicode normalization,
 * white space, punctuation that ends or surrounds, how quotes and dashes are set, thousands separators ("1,000"), the
 * dots of "a.m.", and the articles "the", or "a" and "an" in front. `TextMetrics.squadExactMatch`, the published
 * measure, drops all punctuation instead.
 *
 * @example
 * ```ts
 * import { Reward } from "@memory-r1/core"
 *
 * Reward.exactMatch({ prediction: "The Scout!", gold: "scout" }).value // => 1
 * Reward.exactMatch({ prediction: "-5", gold: "5" }).value // => 0
 * Reward.exactMatch({ prediction: "Scout and Buddy", gold: "Buddy and Scout", list: true }).value // => 1
 * ```
 */
export const exactMatch: Reward<AnswerOutcome> = make(
  "exactMatch",
  ({ gold, list, prediction }) => (list === true ? sameList : sameAnswer)(prediction, gold) ? 1 : 0
)

/**
 * Set F1 of answer and gold answer. Less sparse than `exactMatch`; use it where groups are all-zero.
 */
export const setF1: Reward<AnswerOutcome> = make("setF1", ({ gold, prediction }) => TextMetrics.setF1(prediction, gold))

/**
 * What the judge says of an answer; no number where nobody was asked.
 */
export const judge: Reward<JudgedOutcome> = make("judge", ({ verdict }) => verdict)

const join = (rewards: ReadonlyArray<Breakdown>, value: number): Breakdown => ({
  value,
  parts: Object.assign({}, ...rewards.map((reward) => reward.parts))
})

/**
 * The weighted sum.
 *
 * @example
 * ```ts
 * import { Reward } from "@memory-r1/core"
 *
 * const reward = Reward.weightedSum([[Reward.exactMatch, 1], [Reward.setF1, 0.5]])
 * reward({ prediction: "Buddy and Scout", gold: "Scout" })
 * // => { value: 0.25, parts: { exactMatch: 0, setF1: 0.5 } }
 * ```
 */
export const weightedSum =
  <O>(terms: ReadonlyArray<readonly [reward: Reward<O>, weight: number]>): Reward<O> => (outcome) => {
    const scored = terms.map(([reward]) => reward(outcome))
    return join(scored, terms.reduce((sum, [, weight], i) => sum + weight * scored[i]!.value, 0))
  }

/**
 * The product, such as a judge's verdict times F1.
 */
export const product = <O>(rewards: ReadonlyArray<Reward<O>>): Reward<O> => (outcome) => {
  const scored = rewards.map((reward) => reward(outcome))
  return join(scored, scored.reduce((value, reward) => value * reward.value, 1))
}

/**
 * A reward that is never above `limit`. A format bonus that is not capped ends in agents that only format.
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
 * import { Reward } from "@memory-r1/core"
 *
 * const reward = Reward.firstNonZero([Reward.exactMatch, Reward.setF1])
 * reward({ prediction: "Buddy and Scout", gold: "Scout" }).value // => 0.5
 * ```
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
 * The same reward for outcomes of another type.
 */
export const contramap = <O, P>(reward: Reward<O>, f: (outcome: P) => O): Reward<P> => (outcome) => reward(f(outcome))
