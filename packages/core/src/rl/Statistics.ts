/**
 * Means, quantiles, and how far a mean can be trusted.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"

/**
 * A confidence interval of a mean, and what was drawn again for it: whole clusters, or items where there is but one
 * cluster.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Interval = Schema.Struct({
  low: Schema.Finite,
  high: Schema.Finite,
  resampledBy: Schema.Literals(["cluster", "item"])
})

/**
 * The type of `Interval`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Interval extends Schema.Schema.Type<typeof Interval> {}

/**
 * One measured value, and the cluster that it belongs to, such as the dialogue that its question is about.
 *
 * @category models
 * @since 0.1.0
 */
export interface Observation {
  readonly cluster: string
  readonly value: number
}

/**
 * The mean; 0 of nothing.
 *
 * @category getters
 * @since 0.1.0
 */
export const mean = (values: ReadonlyArray<number>): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length

/**
 * The value that a share of sorted values does not exceed, by the nearest rank: `share` 0 is the first value, 1 the
 * last. `undefined` of nothing.
 *
 * @example
 * ```ts
 * import { Statistics } from "@memory-r1/core/rl"
 *
 * Statistics.quantile([1, 2, 3, 4, 5], 0.5) // => 3
 * Statistics.quantile([1, 2, 3, 4, 5], 0.95) // => 5
 * ```
 *
 * @category getters
 * @since 0.1.0
 */
export const quantile = (sorted: ArrayLike<number>, share: number): number | undefined =>
  sorted[Math.round(share * (sorted.length - 1))]

const byCluster = (observations: ReadonlyArray<Observation>): ReadonlyArray<ReadonlyArray<Observation>> => {
  const groups = new Map<string, Array<Observation>>()
  for (const observation of observations) {
    const group = groups.get(observation.cluster)
    if (group === undefined) groups.set(observation.cluster, [observation])
    else group.push(observation)
  }
  return [...groups.values()]
}

/**
 * The percentile bootstrap of a mean over clusters: questions about one dialogue are not independent, so whole
 * dialogues are drawn with replacement (Field and Welsh 2007). With a single cluster, items are drawn instead, and the
 * interval says nothing about other dialogues. With as few clusters as LoCoMo's ten, intervals come out somewhat
 * narrow.
 *
 * Draws from Effect's `Random`: the same seed gives the same interval. An empty list gives 0 to 0.
 *
 * @example
 * ```ts
 * import { Statistics } from "@memory-r1/core/rl"
 * import { Effect, Random } from "effect"
 *
 * const observations = [1, 0, 1, 1, 0, 1].map((value, i) => ({ cluster: `dialogue ${i % 3}`, value }))
 * const bootstrap = Statistics.bootstrap(observations).pipe(Random.withSeed(1))
 * const { high, low, resampledBy } = await Effect.runPromise(bootstrap)
 * low <= 2 / 3 && 2 / 3 <= high // => true
 * resampledBy // => "cluster"
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const bootstrap = Effect.fnUntraced(function*(
  observations: ReadonlyArray<Observation>,
  options: { readonly resamples?: number | undefined; readonly level?: number | undefined } = {}
) {
  const { level = 0.95, resamples = 1000 } = options
  const clusters = byCluster(observations)
  const resampledBy = clusters.length > 1 ? "cluster" as const : "item" as const
  const units = (resampledBy === "cluster" ? clusters : observations.map((observation) => [observation])).map((
    unit
  ) => ({
    sum: unit.reduce((sum, { value }) => sum + value, 0),
    size: unit.length
  }))
  if (units.length === 0) return { low: 0, high: 0, resampledBy } satisfies Interval
  const random = yield* Random.Random
  const means = new Float64Array(resamples)
  for (let i = 0; i < resamples; i++) {
    let sum = 0
    let size = 0
    for (let drawn = 0; drawn < units.length; drawn++) {
      const unit = units[Math.floor(random.nextDoubleUnsafe() * units.length)]!
      sum += unit.sum
      size += unit.size
    }
    means[i] = sum / size
  }
  means.sort()
  return {
    low: quantile(means, (1 - level) / 2) ?? 0,
    high: quantile(means, (1 + level) / 2) ?? 0,
    resampledBy
  } satisfies Interval
})
