/**
 * A run that cannot go on, or would go on in vain.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * `reason` says in one line what is wrong, and what to do.
 *
 * @category errors
 * @since 0.1.0
 */
export class TrainingError extends Schema.TaggedError<TrainingError>()("TrainingError", { reason: Schema.String }) {
  override get message(): string {
    return this.reason
  }
}
