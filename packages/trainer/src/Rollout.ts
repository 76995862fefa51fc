/**
 * Groups of completions with what they earned, and the figures that are logged of them.
 */
import { Objective, Sampler } from "@memory-r1/core"
import type { Learner } from "@memory-r1/core"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { Environment, Outcome } from "./Environment.ts"
import type { Transcript } from "./RunLog.ts"
import { TrainingError } from "./TrainingError.ts"

/**
 * One task's group: the prompt as tokens and as it was asked, completions, their texts and outcomes.
 */
export interface Group {
  readonly asked: string
  readonly prompt: ReadonlyArray<number>
  readonly completions: ReadonlyArray<Sampler.Completion>
  readonly texts: ReadonlyArray<string>
  readonly outcomes: ReadonlyArray<Outcome>
}

/**
 * Samples a group for each of the next tasks and has them scored. The environment is then told to go on from one completion of
 * each, drawn at random.
 */
export const collect = Effect.fn("Rollout.collect")(function*<Task, E>(
  environment: Environment<Task, E>,
  sampler: Sampler.Sampler["Service"],
  options: { readonly count: number; readonly groupSize: number; readonly temperature: number }
) {
  const { count, groupSize, temperature } = options
  const tasks = yield* environment.tasks(count)
  if (tasks.length === 0) return yield* new TrainingError({ reason: `environment ${environment.name} has no tasks: is its data empty?` })
  const asked = tasks.map(environment.prompt)
  const { applyChatTemplate, encode } = sampler.tokenizer
  if (applyChatTemplate === undefined && asked.some((prompt) => typeof prompt !== "string")) {
    return yield* new TrainingError({ reason: "the model has no chat template, which this format's prompts need: take the compact format, or an instruction model" })
  }
  const prompts = asked.map((prompt) => typeof prompt === "string" ? encode(prompt) : applyChatTemplate!(prompt))
  const sampled = yield* sampler.sample({
    prompts,
    n: groupSize,
    maxTokens: environment.maxTokens,
    temperature,
    seed: yield* Random.nextInt
  })
  const attempts = tasks.map((task, i) => ({
    task,
    texts: sampled[i]!.map((completion) => sampler.tokenizer.decode(Sampler.withoutStop(completion)))
  }))
  const outcomes = yield* environment.score(attempts)
  for (const [i, group] of outcomes.entries()) {
    for (const [g, { reward }] of group.entries()) {
      if (Number.isFinite(reward.value)) continue
      const reason = `environment ${environment.name} rewards completion ${g} of task ${i} with ${reward.value}: ${JSON.stringify(attempts[i]!.texts[g])}`
      return yield* new TrainingError({ reason })
    }
  }
  const chosen = yield* Effect.forEach(attempts, () => Random.nextIntBetween(0, groupSize, { halfOpen: true }))
  yield* environment.settle(attempts, chosen)
  return attempts.map(({ texts }, i): Group => ({
    asked: typeof asked[i] === "string" ? asked[i] : JSON.stringify(asked[i]),
    prompt: prompts[i]!,
    completions: sampled[i]!,
    texts,
    outcomes: outcomes[i]!
  }))
})

/**
 * The mean, 0 of nothing.
 */
export const mean = (values: ReadonlyArray<number>): number => values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length

/**
 * The mean reward and its parts, shares of the labels and the mean reward under each (`rewardOf.list`), the length of completions, the
 * share that was cut off, the entropy (a Monte Carlo estimate: the mean of `-logp` over sampled tokens), and tokens per second.
 */
export const summary = (groups: ReadonlyArray<Group>, seconds: number): Readonly<Record<string, number>> => {
  const outcomes = groups.flatMap((group) => group.outcomes)
  const completions = groups.flatMap((group) => group.completions)
  const labels = outcomes.flatMap((outcome) => outcome.labels)
  const kinds = [...new Set(labels)].sort()
  const parts = [...new Set(outcomes.flatMap(({ reward }) => Object.keys(reward.parts)))]
  const tokens = completions.reduce((sum, completion) => sum + completion.tokens.length, 0)
  const logp = completions.reduce((sum, { logprobs }) => logprobs.reduce((part, value) => part + value, sum), 0)
  return {
    reward: mean(outcomes.map(({ reward }) => reward.value)),
    ...Object.fromEntries(parts.map((part) => [`reward.${part}`, mean(outcomes.map(({ reward }) => reward.parts[part] ?? 0))])),
    ...Object.fromEntries(kinds.map((label) => [`share.${label}`, labels.filter((other) => other === label).length / labels.length])),
    ...Object.fromEntries(
      kinds.map((label) => [`rewardOf.${label}`, mean(outcomes.filter((outcome) => outcome.labels.includes(label)).map(({ reward }) => reward.value))])
    ),
    completionTokens: tokens / Math.max(completions.length, 1),
    truncated: mean(completions.map(({ finishReason }) => finishReason === "length" ? 1 : 0)),
    entropy: -logp / Math.max(tokens, 1),
    tokensPerSecond: (tokens + groups.reduce((sum, { prompt }) => sum + prompt.length, 0)) / Math.max(seconds, 1e-3)
  }
}

/**
 * The weights `exp(learner - sampler)` of sampled tokens, where the two are different engines.
 */
export const importance = (groups: ReadonlyArray<Group>, learner: Learner.PerToken): Readonly<Record<string, number>> => {
  const weights = groups.flatMap(({ completions }, i) =>
    completions.flatMap(({ logprobs }, g) => Array.from(logprobs, (logp, t) => Math.exp(learner[i]![g]![t]! - logp))))
  return {
    "importance.mean": mean(weights),
    "importance.min": weights.reduce((least, weight) => Math.min(least, weight), Infinity),
    "importance.max": weights.reduce((most, weight) => Math.max(most, weight), 0)
  }
}

/**
 * What one optimiser step did: `ratio` and `clipped` are the mean probability ratio and the share of tokens whose ratio is not within 0.2 of
 * one, the usual clipping range; `mismatch` is the largest difference between the sampler's log-probability of a token and the learner's, which on
 * the first step after sampling is numerical error alone.
 */
export interface Update {
  readonly loss: number
  readonly gradNorm: number
  readonly ratio: number
  readonly clipped: number
  readonly mismatch: number
}

/**
 * The ratios of a batch, before the step.
 */
export const ratios = (
  batch: ReadonlyArray<Learner.PromptGroup>,
  logprobs: Learner.PerToken
): Pick<Update, "ratio" | "clipped" | "mismatch"> => {
  let [sum, clipped, mismatch, count] = [0, 0, 0, 0]
  batch.forEach(({ completions }, i) =>
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

/**
 * The critic's part of a loss that it shares with the policy.
 */
export const lossOf = (valueLoss: Objective.Objective, batch: ReadonlyArray<Learner.PromptGroup>, values: Learner.PerToken): number =>
  Objective.evaluate(
    valueLoss,
    batch.flatMap(({ completions }, i) => completions.map(({ oldValue, returns }, g) => ({ value: values[i]![g]!, oldValue: oldValue!, returns: returns! })))
  )

/**
 * The completions of groups as they are scored.
 */
export const sequences = (groups: ReadonlyArray<Group>): ReadonlyArray<Sampler.Sequences> =>
  groups.map(({ completions, prompt }) => ({ prompt, completions: completions.map(({ tokens }) => tokens) }))

/**
 * What the sampler said of them.
 */
export const sampled = (groups: ReadonlyArray<Group>): Learner.PerToken =>
  groups.map(({ completions }) => completions.map(({ logprobs }) => logprobs))

/**
 * A group as a transcript, with the advantage of each completion.
 */
export const transcript = (stage: string, step: number, group: Group, advantages: ReadonlyArray<number>): Transcript => ({
  stage,
  step,
  prompt: group.asked,
  completions: group.texts.map((text, g) => ({
    text,
    reward: group.outcomes[g]!.reward.value,
    advantage: advantages[g]!,
    parts: group.outcomes[g]!.reward.parts,
    result: group.outcomes[g]!.result
  }))
})
