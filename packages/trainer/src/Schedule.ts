/**
 * The learning rate over a run.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * `warmup` steps of linear increase to `peak`, then constant, then from the share `decayFrom` of all steps on linear
 * decrease to `floor` times the peak. `decayFrom` 1 never decreases.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Schedule = Schema.Struct({
  peak: Schema.Finite.check(Schema.isGreaterThan(0)),
  warmup: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
  decayFrom: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 })),
  floor: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
})

/**
 * The type of `Schedule`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Schedule extends Schema.Schema.Type<typeof Schedule> {}

/**
 * The learning rate of a step, counted from 0.
 *
 * @example
 * ```ts
 * import { Schedule } from "@memory-r1/trainer"
 *
 * const schedule = { peak: 1, warmup: 2, decayFrom: 0.5, floor: 0 }
 * [0, 1, 4, 6].map((step) => Schedule.at(schedule, step, 8)) // => [0.5, 1, 1, 0.5]
 * ```
 *
 * @category getters
 * @since 0.1.0
 */
export const at = ({ decayFrom, floor, peak, warmup }: Schedule, step: number, steps: number): number => {
  const rise = Math.min(1, (step + 1) / Math.max(warmup, 1))
  const start = decayFrom * steps
  const fall = step < start ? 1 : 1 - (1 - floor) * (step - start) / Math.max(steps - start, 1)
  return peak * rise * fall
}
