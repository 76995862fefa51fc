/**
 * What goes in: turns of a dialogue, and the facts that an extractor finds in them.
 */
import * as Schema from "effect/Schema"

/**
 * One utterance of a dialogue. `id` is the data set's own, such as LoCoMo's `D1:3` (session 1, turn 3). `recalled` are
 * memories that the speaker was shown before: what only repeats them is no news.
 */
export const Turn = Schema.Struct({
  id: Schema.String,
  speaker: Schema.String,
  text: Schema.String,
  observedAt: Schema.optional(Schema.String),
  recalled: Schema.optional(Schema.Array(Schema.String))
})
export interface Turn extends Schema.Schema.Type<typeof Turn> {}

/**
 * One statement worth a decision of the Memory Manager, with the turns that it comes from.
 */
export const Fact = Schema.Struct({
  text: Schema.NonEmptyString,
  speaker: Schema.String,
  observedAt: Schema.optional(Schema.String),
  sources: Schema.Array(Schema.String)
})
export interface Fact extends Schema.Schema.Type<typeof Fact> {}
