// From predictions to metrics: one way for every system and for the answers of others.
import { type Dialogue, Statistics } from "@memory-r1/core/rl"
import { TextMetrics } from "@memory-r1/core/rl"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"

const recall = {
  evidenceRecall: Schema.optional(Schema.Finite),
  evidenceRecallAt10: Schema.optional(Schema.Finite),
  evidenceRecallAt30: Schema.optional(Schema.Finite)
}

/**
 * Means over questions.
 *
 * - `exactMatch`: SQuAD's, the published measure (`TextMetrics.squadExactMatch`); lists in any order.
 * - `f1`: over sets of tokens, as A-Mem, mem0 and Memory-R1 report it. `squadF1`: over multisets of normalized words.
 * - `bleu1`: NLTK's, as the same three report it.
 * - `evidenceRecall`: the share of the evidence turns that are among the sources of the candidates; `At10`, `At30`: of
 *   the 10 or 30 best memories of the whole bank. Only over questions that have evidence.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Metrics = Schema.Struct({
  n: Schema.Int,
  exactMatch: Schema.Finite,
  f1: Schema.Finite,
  bleu1: Schema.Finite,
  squadF1: Schema.Finite,
  ...recall
})

/**
 * The type of `Metrics`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Metrics extends Schema.Schema.Type<typeof Metrics> {}

/**
 * One question with its answer and what that is worth.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Item = Schema.Struct({
  id: Schema.String,
  category: Schema.Union([Schema.Int, Schema.String]),
  question: Schema.String,
  gold: Schema.String,
  prediction: Schema.String,
  exactMatch: Schema.Finite,
  f1: Schema.Finite,
  bleu1: Schema.Finite,
  squadF1: Schema.Finite,
  ...recall
})

/**
 * The type of `Item`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Item extends Schema.Schema.Type<typeof Item> {}

// What LoCoMo's own scorer takes for "the dialogue does not say", and "none", which this project's agents write.
const abstention =
  /^\s*(?:none|unknown|n\/?a|)[\s.]*$|\bno information available\b|\bnot mentioned\b|\bnot answerable\b/i

/** A question beside the answer that was given, with the cluster (dialogue) that it belongs to. */
export interface Scorable {
  readonly id: string
  readonly cluster: string
  readonly category: number | string
  readonly question: string
  readonly gold: string
  readonly kind?: Dialogue.Question["kind"] | undefined
  readonly prediction: string | undefined
  readonly recall?: Pick<Item, "evidenceRecall" | "evidenceRecallAt10" | "evidenceRecallAt30"> | undefined
}

export interface Scored {
  readonly cluster: string
  readonly item: Item
}

export const score = ({ category, cluster, gold, id, kind, prediction, question, recall }: Scorable): Scored => {
  const given = prediction ?? ""
  const abstained = Number(prediction !== undefined && abstention.test(given))
  const metrics = prediction === undefined
    ? { exactMatch: 0, f1: 0, bleu1: 0, squadF1: 0 }
    : gold.trim() === ""
    ? { exactMatch: abstained, f1: abstained, bleu1: abstained, squadF1: abstained }
    : {
      exactMatch: TextMetrics.squadExactMatch(given, gold, kind === "list"),
      f1: TextMetrics.setF1(given, gold),
      bleu1: TextMetrics.bleu1(given, gold),
      squadF1: TextMetrics.squadF1(given, gold)
    }
  return { cluster, item: { id, category, question, gold, prediction: given, ...metrics, ...recall } }
}

const names = [
  "exactMatch",
  "f1",
  "bleu1",
  "squadF1",
  "evidenceRecall",
  "evidenceRecallAt10",
  "evidenceRecallAt30"
] as const
type Name = typeof names[number]

const valuesOf = (scored: ReadonlyArray<Scored>, name: Name): ReadonlyArray<Statistics.Observation> =>
  scored.flatMap(({ cluster, item }) => item[name] === undefined ? [] : [{ cluster, value: item[name] }])

const summarize = Effect.fnUntraced(function*(scored: ReadonlyArray<Scored>) {
  const metrics: Partial<Record<Name, number>> = {}
  const intervals: Partial<Record<Name, Statistics.Interval>> = {}
  for (const name of names) {
    const values = valuesOf(scored, name)
    if (values.length === 0) continue
    metrics[name] = Statistics.mean(values.map(({ value }) => value))
    intervals[name] = yield* Statistics.bootstrap(values)
  }
  const { bleu1 = 0, exactMatch = 0, f1 = 0, squadF1 = 0, ...recall } = metrics
  return { metrics: { n: scored.length, exactMatch, f1, bleu1, squadF1, ...recall } satisfies Metrics, intervals }
})

/** Metrics and their intervals, over all and by category. */
export const summary = (scored: ReadonlyArray<Scored>, seed: number) =>
  Effect.gen(function*() {
    const categories = [...new Set(scored.map(({ item }) => String(item.category)))].sort()
    const overall = yield* summarize(scored)
    const parts = yield* Effect.forEach(categories, (category) =>
      Effect.map(
        summarize(scored.filter(({ item }) => String(item.category) === category)),
        (part) => [category, part] as const
      ))
    const byCategory = <T>(pick: (part: typeof overall) => T) =>
      Object.fromEntries(parts.map(([category, part]) => [category, pick(part)]))
    return {
      n: scored.length,
      metrics: { overall: overall.metrics, byCategory: byCategory((part) => part.metrics) },
      intervals: { overall: overall.intervals, byCategory: byCategory((part) => part.intervals) },
      items: scored.map(({ item }) => item)
    }
  }).pipe(Random.withSeed(seed))
