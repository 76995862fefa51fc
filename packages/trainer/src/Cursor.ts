/**
 * Where something that hands out data stands: a run that was stopped continues with what would have come next.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { TrainingError } from "./TrainingError.ts"

/**
 * - `save`: where it stands, as JSON.
 * - `restore`: goes there; fails with a `TrainingError` for what it has not saved itself.
 */
export interface Cursor {
  readonly save: () => unknown
  readonly restore: (saved: unknown) => Effect.Effect<void, TrainingError>
}

/**
 * A cursor over a state with a schema.
 *
 * @example
 * ```ts
 * import { Cursor } from "@memory-r1/trainer"
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
 */
export const make = <T, E>(
  schema: Schema.Codec<T, E>,
  { restore, save }: {
    readonly save: () => T
    readonly restore: (state: T) => void | Effect.Effect<void, TrainingError>
  }
): Cursor => {
  const encode = Schema.encodeSync(schema)
  return {
    save: () => encode(save()),
    restore: (saved) =>
      Effect.flatMap(
        Effect.mapError(Schema.decodeUnknownEffect(schema)(saved), (error) =>
          new TrainingError({ reason: `what was saved of the data's place is of another kind: ${error.message}` })),
        (state) =>
          restore(state) ?? Effect.void
      )
  }
}
