/**
 * Where something that hands out data stands. A run that was stopped resumes with what would have come next.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/**
 * What was saved is not the position of this data source.
 *
 * @category errors
 * @since 0.1.0
 */
export class CursorError extends Schema.TaggedError<CursorError>()("CursorError", { reason: Schema.String }) {
  override get message(): string {
    return this.reason
  }
}

/**
 * - `save`: the position, as JSON.
 * - `restore`: returns to a position; fails with a `CursorError` for one that it did not save itself.
 *
 * @category models
 * @since 0.1.0
 */
export interface Cursor {
  readonly save: () => unknown
  readonly restore: (saved: unknown) => Effect.Effect<void, CursorError>
}

/**
 * A cursor over a state with a schema.
 *
 * @example
 * ```ts
 * import { Cursor } from "@memory-r1/core/rl"
 * import { Effect, Schema } from "effect"
 *
 * let next = 0
 * const cursor = Cursor.make(Schema.Int, { save: () => next, restore: (saved) => void (next = saved) })
 * next = 7
 * const saved = cursor.save()
 * next = 9
 * await Effect.runPromise(cursor.restore(saved))
 * next // => 7
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <T, E>(
  schema: Schema.Codec<T, E>,
  { restore, save }: {
    readonly save: () => T
    readonly restore: (state: T) => void | Effect.Effect<void, CursorError>
  }
): Cursor => {
  const encode = Schema.encodeSync(schema)
  return {
    save: () => encode(save()),
    restore: (saved) =>
      Effect.flatMap(
        Effect.mapError(
          Schema.decodeUnknownEffect(schema)(saved),
          (error) =>
            new CursorError({ reason: `the saved position of the data is not one of this data: ${error.message}` })
        ),
        (state) => restore(state) ?? Effect.void
      )
  }
}
