/**
 * Group Relative Policy Optimization (Shao et al. 2024, "DeepSeekMath", algorithm 1), and what came of it: an objective
 * and an advantage of your choice.
 */
import { Learner, Objective } from "@memory-r1/core/rl"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Advantage from "./Advantage.ts"
import type { Environment } from "./Environment.ts"
import * as Given from "./internal/given.ts"
import * as Kl from "./Kl.ts"
import * as Rollout from "./Rollout.ts"
import { RunLog } from "./RunLog.ts"
import * as Schedule from "./Schedule.ts"
import * as Stage from "./Stage.ts"
import { TrainingError } from "./TrainingError.ts"

/**
 * Beside those of every stage:
 *
 * - `groupSize`: completions of each task, two or more.
 * - `objective`: the loss without its KL term, `Objective.grpo` by default.
 * - `advantage`: from rewards to advantages, `Advantage.groupNormalized` by default.
 * - `zeroVariance`: groups whose rewards are all the same (`Advantage.isZeroVariance`) are dropped (the default), or
 *   kept, so that they count in means and for a KL term.
 * - `overlong`: completions that were cut off count like others (the default), or carry no loss (DAPO's overlong
 *   filtering).
 * - `iterations`: optimiser steps on each batch of rollouts (mu in the paper); above 1 the clipping of the ratio comes
 *   into play.
 * - `correction`: for a sampler that is another engine than the learner; log-probabilities are then computed again with
 *   the learner's own.
 * - `maxMismatch`: how far the two engines' log-probabilities of a token may lie apart, without a correction; 0.1 when
 *   it is left out.
 */
export interface Options extends Stage.Options {
  readonly groupSize: number
  readonly objective?: Objective.Objective | undefined
  readonly advantage?: Advantage.Estimator | undefined
  readonly zeroVariance?: "drop" | "keep" | undefined
  readonly overlong?: "keep" | "mask" | undefined
  readonly iterations?: number | undefined
  readonly correction?: Objective.Correction | undefined
  readonly maxMismatch?: number | undefined
}

/**
 * Trains the provided learner in an environment. Draws from Effect's `Random`: the same seed gives the same run.
 *
 * Fails with a `TrainingError` for a group of one, an environment without tasks or with more or fewer outcomes than
 * completions, a reward that is not finite, and a sampler that disagrees with the learner.
 */
export const run = Effect.fn("Grpo.run")(function*<Task, E>(
  environment: Environment<Task, E>,
  options: Options
): Effect.fn.Return<void, E | Stage.Failure, Learner.Learner | RunLog> {
  const learner = yield* Learner.Learner
  const log = yield* RunLog
  const {
    advantage = Advantage.groupNormalized,
    groupSize,
    groupsPerStep,
    iterations = 1,
    kl,
    steps,
    temperature = 1
  } = options
  const { correction, maxMismatch = 0.1, objective = Objective.grpo(), overlong = "keep", zeroVariance = "drop" } =
    options
  const { maxGradNorm = 1, stage = environment.name, transcriptEvery = 10, weightDecay = 0 } = options
  if (groupSize < 2) {
    return yield* new TrainingError({
      reason: `groupSize is ${groupSize}: a completion is compared with others of its group, so give 2 or more`
    })
  }

  yield* Stage.loop(
    options,
    { cursor: environment.cursor, beta: kl?.beta },
    Effect.fnUntraced(function*(step, beta) {
      const started = yield* Clock.currentTimeMillis
      // 1. Sample a group of completions for each task, and let the environment score them.
      const collected = yield* Rollout.collect(environment, learner.sampler, {
        count: groupsPerStep,
        groupSize,
        temperature
      })
      const { groups } = collected
      const decided = Rollout.decided(groups)
      const score = (sampler: typeof learner.sampler) =>
        sampler.score({ groups: Rollout.sequences(decided), temperature })
      const old = correction === undefined ? Rollout.sampled(decided) : yield* score(learner.sampler)

      // 2. How far the policy has moved from its reference, as a part of the reward where it is meant to be.
      const references = kl === undefined ? undefined : yield* score(kl.reference)
      const divergence = references === undefined ? undefined : Kl.perToken(old, references, kl?.estimate)
      const moved = kl?.place === "reward" ? Rollout.ofMembers(groups, decided, divergence!) : undefined
      const rewards = groups.map(({ outcomes }, i) =>
        outcomes.map(({ reward }, g) => reward.value - (moved === undefined ? 0 : beta * moved[i]![g]!))
      )

      // 3. Advantages. A group whose rewards are all the same teaches nothing.
      const advantages = yield* Given.expectCounts(
        "advantages by the estimator",
        rewards.map(({ length }) => length),
        advantage(rewards)
      )
      const flat = rewards.map(Advantage.isZeroVariance)
      const batch = decided.flatMap(({ completions, group, members, prompt }, d): ReadonlyArray<Learner.PromptGroup> =>
        flat[group] && zeroVariance === "drop" ? [] : [{
          prompt,
          completions: completions.map(({ finishReason, logprobs, tokens }, c) => ({
            tokens,
            oldLogp: old[d]![c]!,
            advantage: advantages[group]![members[c]!]!,
            ...(correction === undefined ? {} : { samplerLogp: logprobs }),
            ...(references === undefined ? {} : { refLogp: references[d]![c]! }),
            ...(overlong === "mask" && finishReason === "length" ? { mask: tokens.map(() => 0) } : {})
          }))
        }]
      )

      // 4. Step on the objective.
      const corrected = correction === undefined ? objective : Objective.withCorrection(objective, correction)
      const loss = kl === undefined || kl.place === "reward"
        ? corrected
        : Objective.withKl(corrected, Objective.coefficient("beta", beta), kl.estimate)
      const keepingBatch = Stage.keepingBatch(batch, { stage, step: step + 1, objective: loss, temperature })
      const updates: Array<Rollout.Update> = []
      const counts = batch.some(({ completions }) => completions.some(({ mask }) => mask === undefined))
      for (let iteration = 0; iteration < iterations && counts; iteration++) {
        const found = yield* keepingBatch(learner.forwardBackward(batch, loss, { temperature }))
        const ratios = Rollout.ratios(batch, found.logprobs)
        if (iteration === 0 && ratios.mismatch > maxMismatch) {
          const reason = `sampler and learner disagree by ${
            ratios.mismatch.toPrecision(3)
          } on the log-probability of a token, more than maxMismatch ${maxMismatch}: give a correction`
          return yield* new TrainingError({ reason })
        }
        const learningRate = Schedule.at(options.schedule, step, steps)
        const { gradNorm } = yield* keepingBatch(
          learner.optimStep({ learningRate, beta2: 0.98, maxGradNorm, weightDecay })
        )
        updates.push({ loss: found.loss, gradNorm, ...ratios })
      }

      const seconds = ((yield* Clock.currentTimeMillis) - started) / 1000
      const measured = divergence === undefined ? undefined : Rollout.mean(divergence.flat(2))
      yield* log.metrics({
        stage,
        step: step + 1,
        steps,
        values: {
          ...Rollout.summary(collected, seconds),
          zeroVariance: flat.filter((isFlat) => isFlat).length / groups.length,
          ...(measured === undefined ? {} : { kl: measured, beta }),
          ...(correction === undefined ? {} : Rollout.importance(decided, old)),
          ...updates.at(-1),
          seconds
        },
        rewards: Rollout.rewards(groups)
      })
      if (step % transcriptEvery === 0) {
        const shown = yield* Random.nextIntBetween(0, groups.length, { halfOpen: true })
        yield* log.transcript(Rollout.transcript(stage, step + 1, groups[shown]!, advantages[shown]!))
      }
      return kl?.adaptive === undefined ? beta : Kl.adapted(beta, measured!, groups.length * groupSize, kl.adaptive)
    })
  )
})
