/**
 * The batch of a step that failed, as a file: a loss that is not finite can be looked at again (`memory-r1 inspect
 * batch`).
 *
 * @since 0.1.0
 */
import { Objective } from "@memory-r1/core/rl"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { FailedStep } from "./RunLog.ts"
import { TrainingError } from "./TrainingError.ts"

const Numbers = Schema.Array(Schema.Number)
const perToken = Object.fromEntries(
  (["mask", "oldLogp", "samplerLogp", "refLogp", "oldValue", "returns"] as const).map((
    name
  ) => [name, Schema.optional(Numbers)])
) as Record<"mask" | "oldLogp" | "samplerLogp" | "refLogp" | "oldValue" | "returns", Schema.optional<typeof Numbers>>

/**
 * The batch with what was asked of the learner, and in which step.
 *
 * @category schemas
 * @since 0.1.0
 */
export const FailedBatch = Schema.Struct({
  stage: Schema.String,
  step: Schema.Int,
  temperature: Schema.Number,
  objective: Objective.Objective,
  batch: Schema.Array(Schema.Struct({
    prompt: Schema.Array(Schema.Int),
    completions: Schema.Array(Schema.Struct({
      tokens: Schema.Array(Schema.Int),
      ...perToken,
      advantage: Schema.optional(Schema.Union([Schema.Number, Numbers]))
    }))
  }))
})

/**
 * The type of `FailedBatch`.
 *
 * @category models
 * @since 0.1.0
 */
export interface FailedBatch extends Schema.Schema.Type<typeof FailedBatch> {}

// JSON has no NaN and no Infinity: they become text.
const Text = Schema.fromJsonString(Schema.toCodecJson(FailedBatch))

const plain = (given: FailedStep): FailedBatch => ({
  ...given,
  batch: given.batch.map(({ completions, prompt }) => ({
    prompt,
    completions: completions.map(({ advantage, tokens, ...rest }) => ({
      tokens,
      ...Object.fromEntries(
        Object.entries(rest).flatMap(([name, numbers]) => numbers === undefined ? [] : [[name, Array.from(numbers)]])
      ),
      ...(advantage === undefined
        ? {}
        : { advantage: typeof advantage === "number" ? advantage : Array.from(advantage) })
    }))
  }))
})

/**
 * Writes it as JSON, with NaN and Infinity as text.
 *
 * @category formatting
 * @since 0.1.0
 */
export const encode = (given: FailedStep): string => Schema.encodeSync(Text)(plain(given))

/**
 * Reads it again; fails with a `TrainingError` for any other text.
 *
 * @category formatting
 * @since 0.1.0
 */
export const decode = (text: string): Effect.Effect<FailedBatch, TrainingError> =>
  Effect.mapError(
    Schema.decodeEffect(Text)(text),
    (error) => new TrainingError({ reason: `is not a batch that a run left: ${error.message}` })
  )
