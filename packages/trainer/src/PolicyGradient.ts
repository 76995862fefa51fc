/**
 * Reinforcement learning of one agent: trajectories from an environment, advantages and an objective from an algorithm.
 *
 * @since 0.1.0
 */
import { type Environment, type Learner, Objective, Statistics } from "@memory-r1/core/rl"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { Algorithm } from "./Algorithm.ts"
import * as Batch from "./Batch.ts"
import * as Kl from "./Kl.ts"
import * as Rollout from "./Rollout.ts"
import * as Schedule from "./Schedule.ts"
import type * as Stage from "./Stage.ts"
import { TrainingError } from "./TrainingError.ts"

/**
 * - `learner`: whose policy is trained.
 * - `learners`: all learners that the stage uses, by the names of their folders, of which `trained` change; by default
 *   those of the policy and of the critic.
 * - `groupsPerStep`: groups of a step, sampled at `temperature` (1).
 * - `schedule`, `weightDecay` (0), `maxGradNorm` (1): of AdamW.
 * - `kl`: a KL term to a reference; none by default.
 * - `name`: in the log; the name of the environment by default.
 * - `maxMismatch`: how far the log-probability of a sampled token may be from the learner's (0.1). A sampler that does
 *   not follow the learner fails.
 * - `transcriptEvery`: how often one group is written to the transcripts; every 10 steps by default.
 * - `measure`: how well the agents do on validation data.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<State, E> {
  readonly environment: Environment.Environment<State, E>
  readonly algorithm: Algorithm
  readonly learner: Learner.Service
  readonly steps: number
  readonly groupsPerStep: number
  readonly schedule: Schedule.Schedule
  readonly temperature?: number | undefined
  readonly kl?: Kl.Kl | undefined
  readonly maxGradNorm?: number | undefined
  readonly weightDecay?: number | undefined
  readonly name?: string | undefined
  readonly maxMismatch?: number | undefined
  readonly transcriptEvery?: number | undefined
  readonly learners?: Readonly<Record<string, Learner.Service>> | undefined
  readonly trained?: ReadonlyArray<string> | undefined
  readonly measure?: Stage.Stage["measure"] | undefined
}

// A batch in parts, in a new order; or all of it.
const partsOf = Effect.fnUntraced(function*<A>(items: ReadonlyArray<A>, parts: number | undefined) {
  if (parts === undefined) return [items]
  const order = yield* Random.shuffle(items)
  const size = Math.ceil(order.length / parts)
  return Array.from({ length: Math.ceil(order.length / size) }, (_, i) => order.slice(i * size, (i + 1) * size))
})

/**
 * Makes the stage. Fails with a `TrainingError` for a critic without a value head.
 *
 * @category constructors
 * @since 0.1.0
 */
export const stage = Effect.fn("PolicyGradient.stage")(function*<State, E>({
  algorithm,
  environment,
  groupsPerStep,
  kl,
  learner,
  maxGradNorm = 1,
  maxMismatch = 0.1,
  measure,
  name = environment.name,
  schedule,
  steps,
  temperature = 1,
  transcriptEvery = 10,
  weightDecay = 0,
  ...options
}: Options<State, E>): Effect.fn.Return<Stage.Stage<E>, TrainingError> {
  const { correction, critic, epochs, groupSize, klDefaults, miniBatches } = algorithm
  const place = kl?.place ?? klDefaults.place
  const estimate = kl?.estimate ?? (place === "loss" ? "k3" : klDefaults.estimate)
  const valued = critic === undefined ? undefined : critic.learner ?? learner
  const own = critic?.learner === undefined ? {} : { [`${name}-critic`]: critic.learner }
  const { learners = { [name]: learner, ...own } } = options
  if (valued?.capabilities.critic === false) {
    return yield* new TrainingError({ reason: "the critic has no value head: make its learner with one" })
  }
  const valueLoss = Objective.valueLoss({ epsilon: critic?.epsilon })

  // The loss of the policy in a step: the algorithm's, with what the stage adds to it.
  const lossAt = (beta: number): Objective.Objective => {
    const own = correction === undefined
      ? algorithm.objective
      : Objective.withCorrection(algorithm.objective, correction)
    const held = kl === undefined || place === "reward"
      ? own
      : Objective.withKl(own, Objective.coefficient("beta", beta), estimate)
    return critic === undefined || critic.learner !== undefined
      ? held
      : Objective.withTerm(held, valueLoss, critic.coefficient ?? 0.5)
  }

  const updatesOf = Effect.fnUntraced(
    function*(groups: ReadonlyArray<Learner.PromptGroup>, step: number, beta: number) {
      const updates: Array<Stage.Update> = []
      const optimStep = (schedule: Schedule.Schedule): Learner.OptimStep => ({
        learningRate: Schedule.at(schedule, step, steps),
        beta2: 0.98,
        maxGradNorm,
        weightDecay
      })
      const isWarmup = step < (critic?.warmup ?? 0)
      const isShared = critic !== undefined && critic.learner === undefined
      const objective = lossAt(beta)
      for (let epoch = 0; epoch < epochs; epoch++) {
        for (const part of yield* partsOf(groups, miniBatches)) {
          const common = { groups: part, temperature }
          if (critic !== undefined && (!isShared || isWarmup)) {
            updates.push({
              ...common,
              role: "critic",
              learner: valued!,
              objective: valueLoss,
              optimStep: optimStep(critic.schedule)
            })
          }
          if (isWarmup) continue
          updates.push({
            ...common,
            role: "policy",
            learner,
            objective,
            optimStep: optimStep(schedule),
            valueLoss: isShared ? valueLoss : undefined
          })
        }
      }
      return updates
    }
  )

  const next = Effect.fnUntraced(function*({ beta, step }: Stage.At) {
    // 1. Play groups of trajectories, and have them rewarded.
    const sampled = yield* Rollout.collect(environment, learner.sampler, {
      count: groupsPerStep,
      groupSize,
      temperature
    })

    // 2. Add what the algorithm needs to know of each token.
    const score = (sampler: typeof learner.sampler) => (groups: Parameters<typeof sampler.score>[0]["groups"]) =>
      sampler.score({ groups, temperature })
    let batch: Batch.Batch = sampled
    if (correction !== undefined) batch = yield* Batch.withQuantity(batch, "oldLogp", score(learner.sampler))
    if (valued !== undefined) batch = yield* Batch.withQuantity(batch, "oldValue", valued.values)
    if (kl !== undefined) batch = yield* Batch.withQuantity(batch, "refLogp", score(kl.reference))

    // 3. From rewards to advantages.
    const penalty: Kl.Penalty | undefined = kl === undefined || place === "loss"
      ? undefined
      : (transition) => Kl.perToken(transition, estimate).map((divergence) => beta * divergence)
    const estimated = yield* algorithm.estimate(batch, penalty)

    // 4. The optimizer steps. Where every token is masked, there is nothing to learn.
    const groups = Batch.promptGroups(estimated.learned)
    const isEmpty = groups.every(({ completions }) => completions.every(({ mask }) => mask !== undefined))
    const updates = isEmpty ? [] : yield* updatesOf(groups, step, beta)

    const divergence = kl === undefined
      ? undefined
      : Statistics.mean(Batch.transitions(batch).flatMap((transition) => Kl.perToken(transition, estimate)))
    return {
      updates,
      maxMismatch,
      metrics: (seconds) => ({
        ...Batch.metrics(batch, seconds),
        ...estimated.metrics,
        ...(divergence === undefined ? {} : { kl: divergence, beta }),
        ...(correction === undefined ? {} : Batch.importance(batch))
      }),
      rewards: batch.groups.flatMap(({ trajectories }) => trajectories.map(({ outcome }) => outcome.reward.value)),
      transcript: step % transcriptEvery !== 0
        ? undefined
        : Effect.map(
          Random.nextIntBetween(0, batch.groups.length, { halfOpen: true }),
          (shown) => Batch.transcript(name, step + 1, estimated.batch.groups[shown]!)
        ),
      nextBeta: kl?.adaptive === undefined
        ? beta
        : Kl.adapted(beta, divergence!, batch.groups.length * groupSize, kl.adaptive)
    } satisfies Stage.Step
  })

  return {
    name,
    steps,
    next,
    learners,
    trained: options.trained ?? Object.keys(learners),
    beta: kl?.beta,
    cursor: environment.cursor,
    measure
  }
})
