/**
 * The batch of a step that failed, as a file: a loss that is not finite can be looked at again (`memory-r1 inspect
 * batch`).
 */
import type { Objective } from "@memory-r1/core/rl"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { FailedStep } from "./RunLog.ts"
import { TrainingError } from "./TrainingError.ts"

const quantities = [
  "logp",
  "oldLogp",
  "samplerLogp",
  "refLogp",
  "entropy",
  "advantage",
  "value",
  "oldValue",
  "returns"
] as const satisfies ReadonlyArray<Objective.Quantity>

const Expr: Schema.Codec<Objective.Expr> = Schema.Union([
  Schema.Struct({ _tag: Schema.Literal("Quantity"), name: Schema.Literals(quantities) }),
  Schema.Struct({ _tag: Schema.Literal("Constant"), value: Schema.Number }),
  Schema.Struct({ _tag: Schema.Literal("Coefficient"), name: Schema.String, value: Schema.Number }),
  Schema.Struct({
    _tag: Schema.Literal("Unary"),
    op: Schema.Literals(["exp", "neg", "stopGradient", "sequenceMean", "sequenceSum"]),
    of: Schema.suspend((): Schema.Codec<Objective.Expr> => Expr)
  }),
  Schema.Struct({
    _tag: Schema.Literal("Binary"),
    op: Schema.Literals(["add", "sub", "mul", "min", "max", "less"]),
    left: Schema.suspend((): Schema.Codec<Objective.Expr> => Expr),
    right: Schema.suspend((): Schema.Codec<Objective.Expr> => Expr)
  })
])

const Numbers = Schema.Array(Schema.Number)
const perToken = Object.fromEntries(
  (["mask", "oldLogp", "samplerLogp", "refLogp", "oldValue", "returns"] as const).map((
    name
  ) => [name, Schema.optional(Numbers)])
) as Record<"mask" | "oldLogp" | "samplerLogp" | "refLogp" | "oldValue" | "returns", Schema.optional<typeof Numbers>>

/**
 * The batch with what was asked of the learner, and in which step.
 */
export const FailedBatch = Schema.Struct({
  stage: Schema.String,
  step: Schema.Int,
  temperature: Schema.Number,
  objective: Schema.Struct({
    name: Schema.String,
    loss: Expr,
    aggregation: Schema.Union([
      Schema.TaggedStruct("SequenceMean", {}),
      Schema.TaggedStruct("TokenMean", {}),
      Schema.TaggedStruct("ConstantLength", { length: Schema.Number }),
      Schema.TaggedStruct("Sum", {})
    ])
  }),
  batch: Schema.Array(Schema.Struct({
    prompt: Schema.Array(Schema.Int),
    completions: Schema.Array(Schema.Struct({
      tokens: Schema.Array(Schema.Int),
      ...perToken,
      advantage: Schema.optional(Schema.Union([Schema.Number, Numbers]))
    }))
  }))
})
export interface FailedBatch extends Schema.Schema.Type<typeof FailedBatch> {}

// In JSON a number that is none is text.
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
 * Writes it as JSON, with numbers that are none as text.
 */
export const encode = (given: FailedStep): string => Schema.encodeSync(Text)(plain(given))

/**
 * Reads it again; fails with a `TrainingError` for a text that is none.
 */
export const decode = (text: string): Effect.Effect<FailedBatch, TrainingError> =>
  Effect.mapError(
    Schema.decodeEffect(Text)(text),
    (error) => new TrainingError({ reason: `is no batch that a run left: ${error.message}` })
  )
