/**
 * Groups of completions with what they earned, and the figures that are logged of them.
 */
import { Objective, Sampler } from "@memory-r1/core/rl"
import type { Learner } from "@memory-r1/core/rl"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { Environment, Outcome } from "./Environment.ts"
import * as Given from "./internal/given.ts"
import type { Transcript } from "./RunLog.ts"
import { TrainingError } from "./TrainingError.ts"

/**
 * A decision that followed another one: its prompt, and what was sampled.
 */
export interface Later {
  readonly prompt: ReadonlyArray<number>
  readonly completion: Sampler.Completion
  readonly text: string
}

/**
 * One task's group: the prompt as tokens and as it was asked, completions, their texts and outcomes. Of sequences these
 * are the first decisions, `later` are those that followed each of them, and `credits` says whether these are learned
 * from too.
 */
export interface Group {
  readonly asked: string
  readonly prompt: ReadonlyArray<number>
  readonly completions: ReadonlyArray<Sampler.Completion>
  readonly texts: ReadonlyArray<string>
  readonly outcomes: ReadonlyArray<Outcome>
  readonly later: ReadonlyArray<ReadonlyArray<Later>>
  readonly credits: "all" | "first"
}

/**
 * Groups, and how many tasks were omitted because their prompts leave no room for a completion in the model's context.
 */
export interface Collected {
  readonly groups: ReadonlyArray<Group>
  readonly tooLong: number
}

/**
 * Samples a group for each of the next tasks and has them scored. The environment is then told to go on from one
 * completion of each, drawn at random; where a prompt was too long, as if nothing had been said.
 *
 * Fails with a `TrainingError` for an environment without tasks, for prompts none of which fits, for an environment or
 * a sampler that gives more or less than it was asked for, and for a reward that is not a number.
 */
export const collect = Effect.fn("Rollout.collect")(function*<Task, E>(
  environment: Environment<Task, E>,
  sampler: Sampler.Sampler["Service"],
  options: { readonly count: number; readonly groupSize: number; readonly temperature: number }
) {
  const { count, groupSize, temperature } = options
  const { maxTokens, name, sequences } = environment
  const { applyChatTemplate } = sampler.tokenizer
  const asTokens = Effect.fnUntraced(function*(tasks: ReadonlyArray<Task>) {
    const asked = tasks.map(environment.prompt)
    const unasked = asked.findIndex((prompt) => typeof prompt !== "string" && !Array.isArray(prompt))
    if (unasked >= 0) {
      return yield* new TrainingError({
        reason: `environment ${name} asks task ${unasked} with ${String(asked[unasked])}: a text or messages expected`
      })
    }
    if (applyChatTemplate === undefined && asked.some((prompt) => typeof prompt !== "string")) {
      return yield* new TrainingError({
        reason: "the model has no chat template, which this format's prompts need: take the compact format, or an " +
          "instruction model"
      })
    }
    const prompts = yield* Effect.forEach(asked, (prompt) => Sampler.promptTokens(sampler.tokenizer, prompt))
    return tasks.map((task, i) => {
      const prompt = prompts[i]!
      return {
        task,
        templated: typeof asked[i] !== "string",
        asked: typeof asked[i] === "string" ? asked[i] : JSON.stringify(asked[i]),
        prompt,
        fits: prompt.length + maxTokens <= sampler.contextLength
      }
    })
  })
  const written = Effect.fnUntraced(
    function*(
      asked: ReadonlyArray<{ readonly prompt: ReadonlyArray<number>; readonly templated: boolean }>,
      n: number
    ) {
      const prompts = asked.map(({ prompt }) => prompt)
      const given = yield* sampler.sample({ prompts, n, maxTokens, temperature, seed: yield* Random.nextInt })
      const sampled = yield* Given.expectCounts("completions by the sampler", prompts.map(() => n), given)
      return sampled.map((completions, i) =>
        completions.map((completion) => ({
          completion,
          text: Sampler.textOf(sampler.tokenizer, completion, asked[i]!.templated ? prompts[i] : [])
        }))
      )
    }
  )

  const given = yield* environment.tasks(count)
  if (!Array.isArray(given)) yield* Given.expectCount(`tasks by environment ${name}`, count, given)
  const all = yield* asTokens(given)
  if (all.length === 0) {
    return yield* new TrainingError({ reason: `environment ${name} has no tasks: is its data empty?` })
  }
  const [fitting, others] = [all.filter(({ fits }) => fits), all.filter(({ fits }) => !fits)]
  if (fitting.length === 0) {
    const shortest = Math.min(...all.map(({ prompt }) => prompt.length))
    const reason =
      `no prompt of environment ${name} fits into the model's context of ${sampler.contextLength} tokens: the ` +
      `shortest of ${all.length} has ${shortest}, and ${maxTokens} more are to be written`
    return yield* new TrainingError({ reason })
  }
  const firsts = yield* written(fitting, groupSize)

  // Sequences go on, all of them side by side, until none has a next task.
  const tracks = fitting.map(({ task }, i) =>
    firsts[i]!.map(({ text }) => ({ current: { task, text }, later: new Array<Later>() }))
  )
  let tooLong = others.length
  let open = sequences === undefined ? [] : tracks.flat()
  while (open.length > 0) {
    const next = yield* Given.expectCount(
      `next tasks by environment ${name}`,
      open.length,
      yield* sequences!.next(open.map(({ current }) => current))
    )
    open = open.filter((_, i) => next[i] !== undefined)
    const asked = yield* asTokens(next.flatMap((task) => task === undefined ? [] : [task]))
    const answered = (yield* written(asked.filter(({ fits }) => fits), 1)).values()
    open.forEach((track, i) => {
      const { fits, prompt, task } = asked[i]!
      if (!fits) tooLong++
      const [one] = fits ? answered.next().value! : []
      if (one !== undefined) track.later.push({ prompt, ...one })
      track.current = { task, text: one?.text ?? "" }
    })
  }

  const attempts = sequences === undefined
    ? fitting.map(({ task }, i) => ({ task, texts: firsts[i]!.map(({ text }) => text) }))
    : tracks.flat().map(({ current: { task, text } }) => ({ task, texts: [text] }))
  const giver = `outcomes by environment ${name}`
  const scored = (yield* Given.expectCounts(
    giver,
    attempts.map(({ texts }) => texts.length),
    yield* environment.score(attempts)
  )).flat()
  const outcomes = fitting.map((_, i) => scored.slice(i * groupSize, (i + 1) * groupSize))
  for (const [i, group] of outcomes.entries()) {
    for (const [g, outcome] of group.entries()) {
      const flaw = Given.flawOf(outcome)
      if (flaw === undefined) continue
      const reason = `environment ${name} rewards completion ${g} of task ${i} with ${flaw}: ${
        JSON.stringify(firsts[i]![g]!.text)
      }`
      return yield* new TrainingError({ reason })
    }
  }
  const chosen = yield* Effect.forEach(fitting, () => Random.nextIntBetween(0, groupSize, { halfOpen: true }))
  const settled = sequences === undefined ? attempts : tracks.map((group, i) => {
    const { task, text } = group[chosen[i]!]!.current
    return { task, texts: [text] }
  })
  yield* environment.advance(
    [...settled, ...others.map(({ task }) => ({ task, texts: [""] }))],
    [...(sequences === undefined ? chosen : chosen.map(() => 0)), ...others.map(() => 0)]
  )
  const groups = fitting.map(({ asked, prompt, task }, i): Group => ({
    asked,
    prompt,
    completions: firsts[i]!.map(({ completion }) => completion),
    texts: firsts[i]!.map(({ text }) => text),
    outcomes: outcomes[i]!,
    later: tracks[i]!.map(({ later }) => later),
    credits: sequences?.credits(task) ?? "all"
  }))
  return { groups, tooLong } satisfies Collected
})

/**
 * What is learned from: a prompt with completions, each of which belongs to a member of a group, whose reward is
 * credited to it. The first decisions of a group share their prompt; those that followed have one each.
 */
export interface Decided {
  readonly prompt: ReadonlyArray<number>
  readonly completions: ReadonlyArray<Sampler.Completion>
  readonly group: number
  readonly members: ReadonlyArray<number>
}

/**
 * All that groups decided and is to be learned from.
 */
export const decided = (groups: ReadonlyArray<Group>): ReadonlyArray<Decided> =>
  groups.flatMap(({ completions, credits, later, prompt }, group) => [
    { prompt, completions, group, members: completions.map((_, g) => g) },
    ...(credits === "first"
      ? []
      : later.flatMap((decisions, g) =>
        decisions.map(({ completion, prompt }) => ({ prompt, completions: [completion], group, members: [g] }))
      ))
  ])

/**
 * The mean, 0 of nothing.
 */
export const mean = (values: ReadonlyArray<number>): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length

/**
 * The mean reward and its parts, shares of the labels and the mean reward under each (`rewardOf.list`), the means of
 * outcomes' figures, the length of completions, the share that was cut off, the entropy (a Monte Carlo estimate: the
 * mean of `-logp` over sampled tokens), tokens per second, and how many prompts were too long, if any.
 */
export const summary = ({ groups, tooLong }: Collected, seconds: number): Readonly<Record<string, number>> => {
  const outcomes = groups.flatMap((group) => group.outcomes)
  const later = groups.flatMap((group) => group.later.flat())
  const completions = [...groups.flatMap((group) => group.completions), ...later.map(({ completion }) => completion)]
  const labels = outcomes.flatMap((outcome) => outcome.labels)
  const kinds = [...new Set(labels)].sort()
  const parts = [...new Set(outcomes.flatMap(({ reward }) => Object.keys(reward.parts)))]
  const figures = [...new Set(outcomes.flatMap(({ figures = {} }) => Object.keys(figures)))]
  const tokens = completions.reduce((sum, completion) => sum + completion.tokens.length, 0)
  const logp = completions.reduce((sum, { logprobs }) => logprobs.reduce((part, value) => part + value, sum), 0)
  return {
    reward: mean(outcomes.map(({ reward }) => reward.value)),
    ...Object.fromEntries(
      parts.map((part) => [`reward.${part}`, mean(outcomes.map(({ reward }) => reward.parts[part] ?? 0))])
    ),
    ...Object.fromEntries(
      kinds.map((label) => [`share.${label}`, labels.filter((other) => other === label).length / labels.length])
    ),
    ...Object.fromEntries(
      kinds.map((
        label
      ) => [
        `rewardOf.${label}`,
        mean(outcomes.filter((outcome) => outcome.labels.includes(label)).map(({ reward }) => reward.value))
      ])
    ),
    ...Object.fromEntries(
      figures.map((figure) => [figure, mean(outcomes.flatMap((outcome) => outcome.figures?.[figure] ?? []))])
    ),
    completionTokens: tokens / Math.max(completions.length, 1),
    truncated: mean(completions.map(({ finishReason }) => finishReason === "length" ? 1 : 0)),
    entropy: -logp / Math.max(tokens, 1),
    ...(tooLong === 0 ? {} : { tooLong }),
    tokensPerSecond: (tokens + [...groups, ...later].reduce((sum, { prompt }) => sum + prompt.length, 0)) /
      Math.max(seconds, 1e-3)
  }
}

/**
 * The weights `exp(learner - sampler)` of sampled tokens, where the two are different engines.
 */
export const importance = (
  decisions: ReadonlyArray<Decided>,
  learner: Learner.PerToken
): Readonly<Record<string, number>> => {
  const weights = decisions.flatMap(({ completions }, i) =>
    completions.flatMap(({ logprobs }, g) => Array.from(logprobs, (logp, t) => Math.exp(learner[i]![g]![t]! - logp)))
  )
  return {
    "importance.mean": mean(weights),
    "importance.min": weights.reduce((least, weight) => Math.min(least, weight), Infinity),
    "importance.max": weights.reduce((most, weight) => Math.max(most, weight), 0)
  }
}

/**
 * What one optimiser step did: `ratio` and `clipped` are the mean probability ratio and the share of tokens whose ratio
 * is not within 0.2 of one, the usual clipping range; `mismatch` is the largest difference between the sampler's
 * log-probability of a token and the learner's, which on the first step after sampling is numerical error alone.
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
export const lossOf = (
  valueLoss: Objective.Objective,
  batch: ReadonlyArray<Learner.PromptGroup>,
  values: Learner.PerToken
): number =>
  Objective.evaluate(
    valueLoss,
    batch.flatMap(({ completions }, i) =>
      completions.map(({ oldValue, returns }, g) => ({ value: values[i]![g]!, oldValue: oldValue!, returns: returns! }))
    )
  )

/**
 * The completions of what was decided as they are scored.
 */
export const sequences = (decisions: ReadonlyArray<Decided>): ReadonlyArray<Sampler.Sequences> =>
  decisions.map(({ completions, prompt }) => ({ prompt, completions: completions.map(({ tokens }) => tokens) }))

/**
 * What the sampler said of them.
 */
export const sampled = (decisions: ReadonlyArray<Decided>): Learner.PerToken =>
  decisions.map(({ completions }) => completions.map(({ logprobs }) => logprobs))

/**
 * The sum of a number for each token over all that a member of a group decided.
 */
export const ofMembers = (
  groups: ReadonlyArray<Group>,
  decisions: ReadonlyArray<Decided>,
  tokens: ReadonlyArray<ReadonlyArray<ArrayLike<number>>>
): ReadonlyArray<ReadonlyArray<number>> => {
  const sums = groups.map(({ completions }) => completions.map(() => 0))
  decisions.forEach(({ group, members }, d) =>
    members.forEach((member, c) => {
      const numbers = tokens[d]![c]!
      for (let t = 0; t < numbers.length; t++) sums[group]![member]! += numbers[t]!
    })
  )
  return sums
}

/**
 * What the completions of groups earned.
 */
export const rewards = (groups: ReadonlyArray<Group>): ReadonlyArray<number> =>
  groups.flatMap(({ outcomes }) => outcomes.map(({ reward }) => reward.value))

/**
 * A group as a transcript, with the advantage of each completion.
 */
export const transcript = (
  stage: string,
  step: number,
  group: Group,
  advantages: ReadonlyArray<number>
): Transcript => ({
  stage,
  step,
  prompt: group.asked,
  completions: group.texts.map((text, g) => {
    const { labels, result, reward } = group.outcomes[g]!
    const later = group.later[g]!.map((decision) => decision.text)
    return {
      text,
      reward: reward.value,
      advantage: advantages[g]!,
      parts: reward.parts,
      labels,
      result,
      ...(later.length === 0 ? {} : { later })
    }
  })
})
