import * as Schema from "effect/Schema"

/**
 * A checkpoint that cannot be used, or a place that cannot be written: names the file, and the tensor where there is
 * one, and says what to do.
 *
 * @category errors
 * @since 0.1.0
 */
export class CheckpointError extends Schema.TaggedError<CheckpointError>()("CheckpointError", {
  file: Schema.String,
  tensor: Schema.optional(Schema.String),
  reason: Schema.String,
  cause: Schema.optional(Schema.Defect())
}) {
  override get message(): string {
    return `${this.file}${this.tensor === undefined ? "" : `, tensor ${this.tensor}`}: ${this.reason}`
  }
}
