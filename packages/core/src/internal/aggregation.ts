// A loss: an expression, and how its per-token values become one number.
import * as Data from "effect/Data"
import * as Schema from "effect/Schema"
import { Expr } from "./expr.ts"

const AggregationSchema = Schema.TaggedUnion({
  SequenceMean: {},
  TokenMean: {},
  ConstantLength: { length: Schema.Number },
  Sum: {}
})

/**
 * How numbers per token become one number.
 *
 * - `SequenceMean`: the mean over the tokens of each completion, then over completions (GRPO as published).
 * - `TokenMean`: the mean over all tokens of an optimizer step (DAPO).
 * - `ConstantLength`: the sum over tokens, divided by `length` times the number of completions (Dr. GRPO).
 * - `Sum`: the sum over all tokens.
 *
 * Completions and tokens are counted over everything in one `forwardBackward`, so that splitting a batch into
 * micro-batches changes nothing.
 *
 * @category models
 * @since 0.1.0
 */
export type Aggregation = typeof AggregationSchema.Type

/**
 * Constructors and matching for aggregations: `Aggregation.TokenMean()`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const Aggregation = Data.taggedEnum<Aggregation>()

/**
 * The weight of every token of a completion, so that the loss is the weighted sum of the token losses; multiplied by
 * the mask where that is not 1. Counts refer to the whole batch: a micro-batch uses the weights of its batch. For
 * engines.
 *
 * @category getters
 * @since 0.1.0
 */
export const tokenWeight = (aggregation: Aggregation, counts: {
  readonly sequences: number
  readonly tokens: number
  readonly tokensOfSequence: number
}): number =>
  Aggregation.$match(aggregation, {
    SequenceMean: () => counts.tokensOfSequence === 0 ? 0 : 1 / (counts.tokensOfSequence * counts.sequences),
    TokenMean: () => counts.tokens === 0 ? 0 : 1 / counts.tokens,
    ConstantLength: ({ length }) => 1 / (length * Math.max(counts.sequences, 1)),
    Sum: () => 1
  })

/**
 * A loss.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Objective = Schema.Struct({ name: Schema.String, loss: Expr, aggregation: AggregationSchema })

/**
 * The type of `Objective`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Objective extends Schema.Schema.Type<typeof Objective> {}
