/**
 * Proximal Policy Optimization with a critic (Schulman et al. 2017, algorithm 1), for language models as Ouyang et al.
 * 2022 and verl have it: a reward at the last token, a value before each token, generalized advantage estimation over
 * tokens.
 */
import { Learner, Objective } from "@memory-r1/core/rl"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Advantage from "./Advantage.ts"
import type { Environment } from "./Environment.ts"
import * as Kl from "./Kl.ts"
import * as Rollout from "./Rollout.ts"
import { RunLog } from "./RunLog.ts"
import * as Schedule from "./Schedule.ts"
import * as Stage from "./Stage.ts"
import { TrainingError } from "./TrainingError.ts"

/**
 * How the critic is trained.
 *
 * - `learner`: a learner with a value head: over a copy of the model, or over an adapter of its own. When it is left
 *   out the policy's learner has the head: both share a network, and its loss is added with weight `coefficient`.
 * - `schedule`: its learning rate, usually ten times that of the policy (the paper: 1e-5 and 1e-6); of no use for a
 *   shared network.
 * - `epsilon`: how far a value may move in one batch before its loss no longer falls; unbounded by default.
 * - `warmup`: steps in which the critic alone learns.
 */
export interface Critic {
  readonly learner?: Learner.Service | undefined
  readonly schedule: Schedule.Schedule
  readonly epsilon?: number | undefined
  readonly coefficient?: number | undefined
  readonly warmup?: number | undefined
}

/**
 * Beside those of every stage:
 *
 * - `groupSize`: completions of each task: one is enough, as the critic says what was to be expected.
 * - `gamma`, `lambda`: of the advantage estimation; 1 and 0.95. With both 1 an advantage is the return less the value.
 * - `epochs`: times that a batch of rollouts is gone through, in `miniBatches` optimiser steps each, in a new order.
 * - `epsilon`, `epsilonHigh`, `dualClip`: the clipping of the ratio; see `Objective.ppo`.
 * - `entropyBonus`: weight of the entropy; 0 by default.
 * - `kl`: in the reward of each token, unless it is said to be in the loss.
 * - `whiten`: advantages of a batch to mean 0 and deviation 1, which is the default.
 */
export interface Options extends Stage.Options {
  readonly groupSize?: number | undefined
  readonly gamma?: number | undefined
  readonly lambda?: number | undefined
  readonly epochs?: number | undefined
  readonly miniBatches?: number | undefined
  readonly epsilon?: number | undefined
  readonly epsilonHigh?: number | undefined
  readonly dualClip?: number | undefined
  readonly entropyBonus?: number | undefined
  readonly whiten?: boolean | undefined
  readonly critic: Critic
}

/**
 * Trains the provided learner and its critic in an environment. Draws from Effect's `Random`: the same seed gives the
 * same run.
 *
 * Fails with a `TrainingError` for a critic without a value head, an environment without tasks, and a reward that is no
 * number.
 */
export const run = Effect.fn("Ppo.run")(function*<Task, E>(
  environment: Environment<Task, E>,
  options: Options
): Effect.fn.Return<void, E | Stage.Failure, Learner.Learner | RunLog> {
  const policy = yield* Learner.Learner
  const log = yield* RunLog
  const {
    critic,
    entropyBonus = 0,
    epochs = 1,
    gamma = 1,
    groupSize = 1,
    groupsPerStep,
    kl,
    lambda = 0.95,
    miniBatches = 1,
    steps,
    temperature = 1
  } = options
  const { maxGradNorm = 1, stage = environment.name, transcriptEvery = 10, weightDecay = 0, whiten = true } = options
  const estimator = critic.learner ?? policy
  const isShared = critic.learner === undefined
  if (!estimator.capabilities.critic) {
    return yield* new TrainingError({ reason: "the critic has no value head: make its learner with one" })
  }

  const clipping = Object.fromEntries(
    (["epsilon", "epsilonHigh", "dualClip"] as const).flatMap((name) =>
      options[name] === undefined ? [] : [[name, options[name]]]
    )
  )
  const surrogate = Objective.withEntropy(Objective.ppo(clipping), entropyBonus)
  const valueLoss = Objective.valueLoss(critic.epsilon === undefined ? {} : { epsilon: critic.epsilon })
  const isInReward = kl !== undefined && kl.place !== "loss"

  yield* Stage.loop(
    options,
    { cursor: environment.cursor, beta: kl?.beta },
    Effect.fnUntraced(function*(step, beta) {
      const started = yield* Clock.currentTimeMillis
      // 1. Sample, and let the environment score.
      const collected = yield* Rollout.collect(environment, policy.sampler, {
        count: groupsPerStep,
        groupSize,
        temperature
      })
      const { groups } = collected
      const decided = Rollout.decided(groups)
      const sequences = Rollout.sequences(decided)
      const old = Rollout.sampled(decided)
      const values = yield* estimator.values(sequences)
      const references = kl === undefined ? undefined : yield* kl.reference.score({ groups: sequences, temperature })
      const divergence = references === undefined ? undefined : Kl.perToken(old, references, kl?.estimate ?? "k1")

      // 2. A reward for each token: what the completion earned at its last one, less the divergence of each.
      const estimated = decided.map(({ completions, group, members }, d) =>
        completions.map(({ tokens }, c) =>
          Advantage.gae(
            tokens.map((_, t) =>
              (t === tokens.length - 1 ? groups[group]!.outcomes[members[c]!]!.reward.value : 0) -
              (isInReward ? beta * divergence![d]![c]![t]! : 0)
            ),
            values[d]![c]!,
            { gamma, lambda }
          )
        )
      )

      // 3. Advantages of all tokens of the batch, to mean 0 and deviation 1.
      const raw = estimated.flatMap((completions) => completions.map(({ advantages }) => advantages))
      const scaled = (whiten ? Advantage.whitened(raw) : raw).values()
      const advantages = estimated.map((completions) => completions.map(() => scaled.next().value!))
      const batch = decided.map(({ completions, prompt }, d): Learner.PromptGroup => ({
        prompt,
        completions: completions.map(({ tokens }, c) => ({
          tokens,
          oldLogp: old[d]![c]!,
          advantage: advantages[d]![c]!,
          oldValue: values[d]![c]!,
          returns: estimated[d]![c]!.returns,
          ...(references === undefined ? {} : { refLogp: references[d]![c]! })
        }))
      }))

      // 4. Several passes over the batch, in parts: the policy on the clipped surrogate, the critic on its error.
      const policyLoss = kl !== undefined && !isInReward
        ? Objective.withKl(surrogate, Objective.coefficient("beta", beta), kl.estimate)
        : surrogate
      const isWarmup = step < (critic.warmup ?? 0)
      const loss = isShared ? Objective.withTerm(policyLoss, valueLoss, critic.coefficient ?? 0.5) : policyLoss
      const updates: Array<Rollout.Update> = []
      const criticLosses: Array<number> = []
      const update = Effect.fnUntraced(
        function*(
          learner: Learner.Service,
          part: typeof batch,
          objective: Objective.Objective,
          schedule: Schedule.Schedule
        ) {
          const keepingBatch = Stage.keepingBatch(part, { stage, step: step + 1, objective, temperature })
          const found = yield* keepingBatch(learner.forwardBackward(part, objective, { temperature }))
          const { gradNorm } = yield* keepingBatch(
            learner.optimStep({
              learningRate: Schedule.at(schedule, step, steps),
              beta2: 0.98,
              maxGradNorm,
              weightDecay
            })
          )
          return { ...found, gradNorm }
        }
      )
      for (let epoch = 0; epoch < epochs; epoch++) {
        const order = yield* Random.shuffle(batch)
        const size = Math.ceil(order.length / miniBatches)
        for (let from = 0; from < order.length; from += size) {
          const part = order.slice(from, from + size)
          if (!isShared || isWarmup) {
            criticLosses.push((yield* update(estimator, part, valueLoss, critic.schedule)).loss)
          }
          if (isWarmup) continue
          const found = yield* update(policy, part, loss, options.schedule)
          updates.push({ loss: found.loss, gradNorm: found.gradNorm, ...Rollout.ratios(part, found.logprobs) })
          if (isShared) criticLosses.push(Rollout.lossOf(valueLoss, part, found.values!))
        }
      }

      const seconds = ((yield* Clock.currentTimeMillis) - started) / 1000
      const returns = estimated.flat().flatMap((completion) => completion.returns)
      const measured = divergence === undefined ? undefined : Rollout.mean(divergence.flat(2))
      yield* log.metrics({
        stage,
        step: step + 1,
        steps,
        values: {
          ...Rollout.summary(collected, seconds),
          value: Rollout.mean(values.flat().flatMap((row) => [...row])),
          explainedVariance: Advantage.explainedVariance(returns, values.flat().flatMap((row) => [...row])),
          ...(measured === undefined ? {} : { kl: measured, beta }),
          valueLoss: criticLosses.at(-1)!,
          ...updates.at(-1),
          seconds
        },
        rewards: Rollout.rewards(groups)
      })
      if (step % transcriptEvery === 0) {
        const shown = yield* Random.nextIntBetween(0, groups.length, { halfOpen: true })
        const first = decided.findIndex(({ group }) => group === shown)
        yield* log.transcript(Rollout.transcript(stage, step + 1, groups[shown]!, advantages[first]!.map(Rollout.mean)))
      }
      return kl?.adaptive === undefined ? beta : Kl.adapted(beta, measured!, groups.length * groupSize, kl.adaptive)
    })
  )
})
