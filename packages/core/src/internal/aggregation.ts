// What a loss is made of: an expression, and how its tokens become one number.
import * as Data from "effect/Data"
import type { Expr } from "./expr.ts"

/**
 * From a number per token to one number.
 *
 * - `SequenceMean`: the mean over each completion's tokens, then the mean over completions (GRPO as published).
 * - `TokenMean`: the mean over all tokens of the optimiser's step (DAPO).
 * - `ConstantLength`: the sum over tokens, divided by `length` times the number of completions (Dr. GRPO).
 * - `Sum`: the sum over all tokens.
 *
 * Completions and tokens are counted over everything that is given to one `forwardBackward`, so that splitting a batch
 * into micro-batches changes nothing.
 */
export type Aggregation = Data.TaggedEnum<{
  SequenceMean: {}
  TokenMean: {}
  ConstantLength: { readonly length: number }
  Sum: {}
}>
export const Aggregation = Data.taggedEnum<Aggregation>()

/**
 * The weight of every token of a completion in the loss, so that the loss is the weighted sum of the tokens' losses;
 * times the mask, where that is not 1. Counts are those of the whole batch: a micro-batch uses the weights of the batch
 * it is part of. For engines.
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
 */
export interface Objective {
  readonly name: string
  readonly loss: Expr
  readonly aggregation: Aggregation
}
