/**
 * All trajectory groups of one training step, and their way to the learner: quantities are added to the transitions,
 * and transitions become prompt groups.
 *
 * @since 0.1.0
 */
import type { Learner, Sampler } from "@memory-r1/core/rl"
import { Statistics } from "@memory-r1/core/rl"
import * as Effect from "effect/Effect"
import type { Transcript } from "./RunLog.ts"
import type { Trajectory, TrajectoryGroup, Transition } from "./Trajectory.ts"

/**
 * `tooLong` counts the prompts that were omitted because they leave no room for an action in the model's context.
 *
 * @category models
 * @since 0.1.0
 */
export interface Batch {
  readonly groups: ReadonlyArray<TrajectoryGroup>
  readonly tooLong: number
}

/**
 * The transitions of a trajectory that its reward is credited to.
 *
 * @category getters
 * @since 0.1.0
 */
export const credited = (
  { credit }: Pick<TrajectoryGroup, "credit">,
  { transitions }: Trajectory
): ReadonlyArray<Transition> => credit === "first" ? transitions.slice(0, 1) : transitions

/**
 * The transitions to learn from, in lists that share a prompt: the first ones of each group, then each of those that
 * followed.
 *
 * @category getters
 * @since 0.1.0
 */
export const byPrompt = (groups: ReadonlyArray<TrajectoryGroup>): ReadonlyArray<ReadonlyArray<Transition>> =>
  groups.flatMap((group) => [
    group.trajectories.map(({ transitions: [first] }) => first),
    ...group.trajectories.flatMap((trajectory) => credited(group, trajectory).slice(1).map((one) => [one]))
  ])

/**
 * The transitions to learn from, in the order in which they are learned.
 *
 * @category getters
 * @since 0.1.0
 */
export const transitions = (batch: Batch): ReadonlyArray<Transition> => byPrompt(batch.groups).flat()

/**
 * A batch with other transitions.
 *
 * @category combinators
 * @since 0.1.0
 */
export const map = (
  { groups, tooLong }: Batch,
  change: (transition: Transition, trajectory: Trajectory) => Transition
): Batch => ({
  tooLong,
  groups: groups.map((group) => ({
    ...group,
    trajectories: group.trajectories.map((trajectory): Trajectory => {
      const [first, ...rest] = trajectory.transitions
      return {
        ...trajectory,
        transitions: [change(first, trajectory), ...rest.map((transition) => change(transition, trajectory))]
      }
    })
  }))
})

/**
 * Adds a quantity to the transitions to learn from: log-probabilities of a sampler, or values of a critic. `compute` is
 * given all of them at once and returns a number for each token.
 *
 * @category combinators
 * @since 0.1.0
 */
export const withQuantity = <E>(
  batch: Batch,
  name: "oldLogp" | "oldValue" | "refLogp",
  compute: (sequences: ReadonlyArray<Sampler.Sequences>) => Effect.Effect<Learner.PerToken, E>
): Effect.Effect<Batch, E> => {
  const lists = byPrompt(batch.groups)
  const sequences = lists.map((list) => ({
    prompt: list[0]!.prompt,
    completions: list.map(({ tokens }) => tokens)
  }))
  return Effect.map(compute(sequences), (numbers) => {
    const found = new Map(lists.flatMap((list, i) => list.map((transition, g) => [transition, numbers[i]![g]!])))
    return map(
      batch,
      (transition) => found.has(transition) ? { ...transition, [name]: found.get(transition) } : transition
    )
  })
}

/**
 * The prompt groups of trajectory groups, as the learner takes them.
 *
 * @category getters
 * @since 0.1.0
 */
export const promptGroups = (groups: ReadonlyArray<TrajectoryGroup>): ReadonlyArray<Learner.PromptGroup> =>
  byPrompt(groups).map((list) => ({
    prompt: list[0]!.prompt,
    completions: list.map(({ finishReason: _, prompt: __, text: ___, ...completion }) => completion)
  }))

const { mean } = Statistics

const maximum = (values: ReadonlyArray<number>): number =>
  values.reduce((most, value) => Math.max(most, value), -Infinity)

/**
 * Metrics of a batch: the mean reward and its parts, the shares of the labels and the mean reward under each
 * (`rewardOf.list`), the means of the outcomes' metrics, the length of actions, the share that was cut off, the entropy
 * (a Monte Carlo estimate: the mean of `-logp` over sampled tokens), tokens per second, and how many prompts were too
 * long, if any.
 *
 * @category getters
 * @since 0.1.0
 */
export const metrics = ({ groups, tooLong }: Batch, seconds: number): Readonly<Record<string, number>> => {
  const trajectories = groups.flatMap((group) => group.trajectories)
  const outcomes = trajectories.map(({ outcome }) => outcome)
  const all = [
    ...trajectories.map(({ transitions: [first] }) => first),
    ...trajectories.flatMap(({ transitions: [_, ...later] }) => later)
  ]
  const labels = outcomes.flatMap((outcome) => outcome.labels)
  const kinds = [...new Set(labels)].sort()
  const parts = [...new Set(outcomes.flatMap(({ reward }) => Object.keys(reward.parts)))]
  const names = [...new Set(outcomes.flatMap(({ metrics = {} }) => Object.keys(metrics)))]
  const of = (prefix: string, keys: ReadonlyArray<string>, value: (key: string) => number) =>
    Object.fromEntries(keys.map((key) => [`${prefix}${key}`, value(key)]))
  const tokens = all.reduce((sum, transition) => sum + transition.tokens.length, 0)
  const prompts = groups.reduce(
    (sum, { trajectories }) =>
      trajectories.reduce(
        (more, { transitions: [_, ...later] }) => later.reduce((most, { prompt }) => most + prompt.length, more),
        sum + (trajectories[0]?.transitions[0].prompt.length ?? 0)
      ),
    0
  )
  const logp = all.reduce(
    (sum, { samplerLogp }) => Array.from(samplerLogp).reduce((part, value) => part + value, sum),
    0
  )
  return {
    reward: mean(outcomes.map(({ reward }) => reward.value)),
    ...of("reward.", parts, (part) => mean(outcomes.map(({ reward }) => reward.parts[part] ?? 0))),
    ...of("share.", kinds, (label) => labels.filter((other) => other === label).length / labels.length),
    ...of(
      "rewardOf.",
      kinds,
      (label) => mean(outcomes.filter(({ labels }) => labels.includes(label)).map(({ reward }) => reward.value))
    ),
    ...of("", names, (name) => mean(outcomes.flatMap(({ metrics }) => metrics?.[name] ?? []))),
    completionTokens: tokens / Math.max(all.length, 1),
    truncated: mean(all.map(({ finishReason }) => finishReason === "length" ? 1 : 0)),
    entropy: -logp / Math.max(tokens, 1),
    ...(tooLong === 0 ? {} : { tooLong }),
    tokensPerSecond: (tokens + prompts) / Math.max(seconds, 1e-3)
  }
}

/**
 * The weights `exp(learner - sampler)` of sampled tokens, where these are different engines.
 *
 * @category getters
 * @since 0.1.0
 */
export const importance = (batch: Batch): Readonly<Record<string, number>> => {
  const weights = transitions(batch).flatMap(({ oldLogp, samplerLogp }) =>
    Array.from(samplerLogp, (logp, t) => Math.exp(oldLogp[t]! - logp))
  )
  return {
    "importance.mean": mean(weights),
    "importance.min": -maximum(weights.map((weight) => -weight)),
    "importance.max": Math.max(0, maximum(weights))
  }
}

/**
 * A group as a transcript, with the advantage of each trajectory: that of its first transition, the mean over its
 * tokens.
 *
 * @category formatting
 * @since 0.1.0
 */
export const transcript = (
  stage: string,
  step: number,
  { observation, trajectories }: TrajectoryGroup
): Transcript => ({
  stage,
  step,
  prompt: observation,
  completions: trajectories.map(({ outcome: { labels, result, reward }, transitions: [first, ...later] }) => ({
    text: first.text,
    reward: reward.value,
    advantage: typeof first.advantage === "number" ? first.advantage : mean(Array.from(first.advantage ?? [])),
    parts: reward.parts,
    labels,
    result,
    ...(later.length === 0 ? {} : { later: later.map(({ text }) => text) })
  }))
})
