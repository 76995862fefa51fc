// The optimizer steps of one training step, and what the log says of them.
import { Learner, Objective } from "@memory-r1/core/rl"
import * as Effect from "effect/Effect"
import { RunLog } from "../RunLog.ts"
import type { Step, Update } from "../Stage.ts"
import { TrainingError } from "../TrainingError.ts"

/** Where a step is in the run, for messages. */
export interface Place {
  readonly stage: string
  readonly step: number
}

/**
 * The probability ratios of prompt groups before an optimizer step: `ratio` and `clipped` are the mean ratio and the
 * share of tokens whose ratio is not within 0.2 of one, the usual clipping range. `mismatch` is the largest difference
 * between the sampler's log-probability of a token and the learner's, which on the first step after sampling is
 * numerical error alone.
 */
export const ratios = (
  groups: ReadonlyArray<Learner.PromptGroup>,
  logprobs: Learner.PerToken
): Readonly<Record<"ratio" | "clipped" | "mismatch", number>> => {
  let [sum, clipped, mismatch, count] = [0, 0, 0, 0]
  groups.forEach(({ completions }, i) =>
    completions.forEach(({ oldLogp, tokens }, g) => {
      for (let t = 0; t < tokens.length; t++) {
        const difference = logprobs[i]![g]![t]! - oldLogp![t]!
        const ratio = Math.exp(difference)
        sum += ratio
        count++
        mismatch = Math.max(mismatch, Math.abs(difference))
        if (Math.abs(ratio - 1) > 0.2) clipped++
      }
    })
  )
  return { ratio: sum / Math.max(count, 1), clipped: clipped / Math.max(count, 1), mismatch }
}

// The critic's part of a loss that it shares with the policy.
const sharedLoss = (
  valueLoss: Objective.Objective,
  groups: ReadonlyArray<Learner.PromptGroup>,
  values: Learner.PerToken
): number =>
  Objective.evaluate(
    valueLoss,
    groups.flatMap(({ completions }, i) =>
      completions.map(({ oldValue, returns }, g) => ({ value: values[i]![g]!, oldValue: oldValue!, returns: returns! }))
    )
  )

// If the learner fails, as for a loss that is not finite, the log keeps the batch, and the message says where.
const keepingBatch =
  ({ groups, objective, temperature = 1 }: Update, place: Place) =>
  <A, R>(effect: Effect.Effect<A, Learner.LearnerError, R>) =>
    Effect.catch(
      effect,
      Effect.fnUntraced(function*(error) {
        const file = yield* (yield* RunLog).batch({ ...place, objective, temperature, batch: groups })
        return yield* file === undefined
          ? error
          : new Learner.LearnerError({
            ...error,
            reason: `${error.reason}; the batch of step ${place.step} is in ${file}`
          })
      })
    )

/**
 * Makes the updates of a step. Before the first of the policy, the log-probabilities of the sampled tokens are compared
 * with the learner's: a sampler that does not follow its learner, or another engine without a correction, fails.
 */
export const learn = Effect.fnUntraced(function*({ maxMismatch = Infinity, updates }: Step, place: Place) {
  const metrics: Record<string, number> = {}
  let isFirst = true
  for (const update of updates) {
    const { groups, learner, objective, optimStep, role, temperature, valueLoss } = update
    const keeping = keepingBatch(update, place)
    const found = yield* keeping(learner.forwardBackward(groups, objective, { temperature }))
    if (role === "critic") {
      metrics["valueLoss"] = found.loss
    } else {
      metrics["loss"] = found.loss
      if (groups[0]?.completions[0]?.oldLogp !== undefined) Object.assign(metrics, ratios(groups, found.logprobs))
      if (valueLoss !== undefined) metrics["valueLoss"] = sharedLoss(valueLoss, groups, found.values!)
      if (isFirst && metrics["mismatch"]! > maxMismatch) {
        const reason =
          `sampler and learner disagree by ${metrics["mismatch"]!.toPrecision(3)} on the log-probability ` +
          `of a token, more than maxMismatch ${maxMismatch}: give a correction`
        return yield* new TrainingError({ reason })
      }
      isFirst = false
    }
    const { gradNorm } = yield* keeping(learner.optimStep(optimStep))
    if (role === "policy") metrics["gradNorm"] = gradNorm
  }
  return metrics
})
