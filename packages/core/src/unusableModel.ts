/**
 * A model that `createMemory` cannot use.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * What was given as a model is none, or its package is not installed. `option` is the option of `createMemory` that
 * names it.
 *
 * @example
 * ```ts
 * import { createMemory, UnusableModel } from "@memory-r1/core"
 *
 * const error = await createMemory({ model: "gpt-5-mini" }).catch((error: unknown) => error)
 * error instanceof UnusableModel && error.option // => "model"
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export class UnusableModel extends Schema.TaggedError<UnusableModel>()("UnusableModel", {
  option: Schema.Literals(["model", "embedding"]),
  detail: Schema.String,
  cause: Schema.optional(Schema.Defect())
}) {
  override get message(): string {
    return `createMemory: the ${this.option} cannot be used: ${this.detail}`
  }
}
