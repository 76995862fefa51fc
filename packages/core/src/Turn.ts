/**
 * The input: turns of a dialogue, and the facts extracted from them.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * One utterance in a dialogue. `id` comes from the data set, such as LoCoMo's `D1:3` (session 1, turn 3). `recalled`
 * are memories that the speaker was shown before; repeating them is not news.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Turn = Schema.Struct({
  id: Schema.String,
  speaker: Schema.String,
  text: Schema.String,
  observedAt: Schema.optional(Schema.String),
  recalled: Schema.optional(Schema.Array(Schema.String))
})

/**
 * The type of `Turn`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Turn extends Schema.Schema.Type<typeof Turn> {}

/**
 * One statement for the Memory Manager to decide on, with the turns that it comes from.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Fact = Schema.Struct({
  text: Schema.NonEmptyString,
  speaker: Schema.String,
  observedAt: Schema.optional(Schema.String),
  sources: Schema.Array(Schema.String)
})

/**
 * The type of `Fact`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Fact extends Schema.Schema.Type<typeof Fact> {}
