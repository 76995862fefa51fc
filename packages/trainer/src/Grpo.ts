/**
 * Group Relative Policy Optimization (Shao et al. 2024, "DeepSeekMath", algorithm 1).
 */
import { Learner, Objective } from "@memory-r1/core"
import type { Sampler } from "@memory-r1/core"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Advantage from "./Advantage.ts"
import type { Environment } from "./Environment.ts"
import * as Rollout from "./Rollout.ts"
import { RunLog } from "./RunLog.ts"
import * as Schedule from "./Schedule.ts"

/**
 * - `groupsPerStep` tasks a step, `groupSize` completions each, sampled at `temperature`.
 * - `iterations`: optimiser steps on each batch of rollouts (mu in the paper); above 1 the clipping of the ratio comes into play.
 * - `epsilon`, `epsilonHigh`: the clipping range.
 * - `kl`: a KL term of weight `beta` to a frozen `reference`, such as the weights that training began with; none when left out.
 * - `advantage`: from a group's rewards to advantages.
 * - `transcriptEvery`: how often one group is written to the transcripts.
 */
export interface Options {
  readonly stage?: string
  readonly steps: number
  readonly groupsPerStep: number
  readonly groupSize: number
  readonly temperature?: number
  readonly iterations?: number
  readonly epsilon?: number
  readonly epsilonHigh?: number
  readonly kl?: { readonly beta: number; readonly reference: Sampler.Service }
  readonly advantage?: (rewards: ReadonlyArray<number>) => ReadonlyArray<number>
  readonly schedule: Schedule.Schedule
  readonly maxGradNorm?: number
  readonly transcriptEvery?: number
}

/**
 * Trains the learner at hand in an environment. Draws from Effect's `Random`: the same seed gives the same run.
 */
export const run = Effect.fn("Grpo.run")(function*<Task, E>(environment: Environment<Task, E>, options: Options) {
  const learner = yield* Learner.Learner
  const log = yield* RunLog
  const { advantage = Advantage.groupNormalized, groupSize, groupsPerStep, iterations = 1, kl, maxGradNorm = 1, steps, temperature = 1 } = options
  const { stage = environment.name, transcriptEvery = 10 } = options
  const objective = Objective.grpo({
    ...(kl === undefined ? {} : { beta: kl.beta }),
    ...(options.epsilon === undefined ? {} : { epsilon: options.epsilon }),
    ...(options.epsilonHigh === undefined ? {} : { epsilonHigh: options.epsilonHigh })
  })

  for (let step = 0; step < steps; step++) {
    const started = yield* Clock.currentTimeMillis
    // 1. Sample a group of completions for each task, and let the environment score them.
    const groups = yield* Rollout.collect(environment, learner.sampler, { count: groupsPerStep, groupSize, temperature })

    // 2. Advantages within each group. A group whose rewards are all the same teaches nothing and is left out, and counted.
    const useful = groups.filter(({ outcomes }) => !Advantage.isZeroVariance(outcomes.map(({ reward }) => reward.value)))
    const advantages = useful.map(({ outcomes }) => advantage(outcomes.map(({ reward }) => reward.value)))
    const references = kl === undefined ? undefined : yield* kl.reference.score({
      groups: useful.map(({ completions, prompt }) => ({ prompt, completions: completions.map(({ tokens }) => tokens) })),
      temperature
    })
    const batch = useful.map(({ completions, prompt }, i): Learner.PromptGroup => ({
      prompt,
      completions: completions.map(({ logprobs, tokens }, g) => ({
        tokens,
        oldLogp: logprobs,
        advantage: advantages[i]![g]!,
        ...(references === undefined ? {} : { refLogp: references[i]![g]! })
      }))
    }))

    // 3. Step on the clipped objective.
    const updates: Array<Rollout.Update> = []
    for (let iteration = 0; iteration < iterations && batch.length > 0; iteration++) {
      const { logprobs, loss } = yield* learner.forwardBackward(batch, objective, { temperature })
      const { gradNorm } = yield* learner.optimStep({
        learningRate: Schedule.at(options.schedule, step, steps),
        beta2: 0.98,
        maxGradNorm
      })
      updates.push({ loss, gradNorm, ...Rollout.ratios(batch, logprobs, options) })
    }

    const seconds = ((yield* Clock.currentTimeMillis) - started) / 1000
    yield* log.metrics({
      stage,
      step: step + 1,
      steps,
      values: {
        ...Rollout.summary(groups, seconds),
        zeroVariance: 1 - useful.length / groups.length,
        ...(references === undefined ? {} : { kl: Rollout.kl(useful, references) }),
        ...updates.at(-1),
        seconds
      }
    })
    if (step % transcriptEvery === 0) {
      const shown = yield* Random.nextIntBetween(0, groups.length, { halfOpen: true })
      yield* log.transcript(Rollout.transcript(stage, step + 1, groups[shown]!, advantage))
    }
  }
})
