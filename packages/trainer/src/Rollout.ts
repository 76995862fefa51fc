/**
 * Plays groups of trajectories in an environment.
 *
 * @since 0.1.0
 */
import { type Environment, Sampler } from "@memory-r1/core/rl"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { Batch } from "./Batch.ts"
import * as Given from "./internal/given.ts"
import { TrainingError } from "./TrainingError.ts"
import type { Trajectory, TrajectoryGroup, Transition } from "./Trajectory.ts"

// A state as it is asked.
interface Asked<State> {
  readonly state: State
  readonly observation: Environment.Observation
  readonly prompt: ReadonlyArray<number>
  readonly fits: boolean
}

/**
 * Samples a group of trajectories for each of the next groups of an environment and has them rewarded. All of them go
 * on side by side until each is done. The environment then advances from one trajectory of each group, drawn at random;
 * if a prompt was too long, as if nothing had been written.
 *
 * Fails with a `TrainingError` for an environment without groups, for prompts none of which fits, for an environment or
 * a sampler that gives more or less than it was asked for, and for a reward that is not a finite number.
 *
 * @category running
 * @since 0.1.0
 */
export const collect = Effect.fn("Rollout.collect")(function*<State, E>(
  environment: Environment.Environment<State, E>,
  sampler: Sampler.Sampler["Service"],
  { count, groupSize, temperature }: {
    readonly count: number
    readonly groupSize: number
    readonly temperature: number
  }
) {
  const { maxTokens, name } = environment
  const ask = asker(environment, sampler)
  const sample = Effect.fnUntraced(function*(asked: ReadonlyArray<Asked<State>>, n: number) {
    const prompts = asked.map(({ prompt }) => prompt)
    const given = yield* sampler.sample({ prompts, n, maxTokens, temperature, seed: yield* Random.nextInt })
    const sampled = yield* Given.expectCounts("completions by the sampler", prompts.map(() => n), given)
    return sampled.map((completions, i) =>
      completions.map((completion): Transition => ({
        prompt: prompts[i]!,
        tokens: completion.tokens,
        text: Sampler.textOf(
          sampler.tokenizer,
          completion,
          typeof asked[i]!.observation === "string" ? [] : prompts[i]
        ),
        finishReason: completion.finishReason,
        samplerLogp: completion.logprobs,
        oldLogp: completion.logprobs
      }))
    )
  })

  const given = yield* environment.groups(count)
  if (!Array.isArray(given)) yield* Given.expectCount(`groups by environment ${name}`, count, given)
  if (given.length === 0) {
    return yield* new TrainingError({ reason: `environment ${name} has no groups: is its data empty?` })
  }
  const asked = yield* ask(given.map(({ state }) => state))
  const all = given.map((group, i) => ({ group, asked: asked[i]! }))
  const [fitting, others] = [all.filter(({ asked }) => asked.fits), all.filter(({ asked }) => !asked.fits)]
  if (fitting.length === 0) {
    const shortest = Math.min(...asked.map(({ prompt }) => prompt.length))
    const reason =
      `no prompt of environment ${name} fits into the model's context of ${sampler.contextLength} tokens: the ` +
      `shortest of ${all.length} has ${shortest}, and ${maxTokens} more are to be written`
    return yield* new TrainingError({ reason })
  }

  // Each member begins with the first transition, and goes on while the environment gives a next state.
  const firsts = yield* sample(fitting.map(({ asked }) => asked), groupSize)
  const members = fitting.map(({ group: { state } }, i) =>
    firsts[i]!.map((first) => ({ action: { state, text: first.text }, transitions: [first] as [Transition] }))
  )
  let tooLong = others.length
  let open = environment.step === undefined ? [] : members.flat()
  while (open.length > 0) {
    const states = yield* Given.expectCount(
      `next states by environment ${name}`,
      open.length,
      yield* environment.step!(open.map(({ action }) => action))
    )
    open = open.filter((_, i) => states[i] !== undefined)
    const asked = yield* ask(states.flatMap((state) => state === undefined ? [] : [state]))
    const sampled = (yield* sample(asked.filter(({ fits }) => fits), 1)).values()
    open.forEach((member, i) => {
      const { fits, state } = asked[i]!
      const [next] = fits ? sampled.next().value! : []
      if (next === undefined) tooLong++
      else member.transitions.push(next)
      member.action = { state, text: next?.text ?? "" }
    })
  }

  const outcomes = yield* Given.expectCounts(
    `outcomes by environment ${name}`,
    members.map(({ length }) => length),
    yield* environment.rewards(
      fitting.map(({ group }, i) => ({ ...group, actions: members[i]!.map(({ action }) => action) }))
    )
  )
  for (const [i, group] of outcomes.entries()) {
    for (const [g, outcome] of group.entries()) {
      const flaw = Given.flawOf(outcome)
      if (flaw === undefined) continue
      const text = JSON.stringify(firsts[i]![g]!.text)
      const reason = `environment ${name} rewards member ${g} of group ${i} with ${flaw}: ${text}`
      return yield* new TrainingError({ reason })
    }
  }
  const chosen = yield* Effect.forEach(
    members,
    (group) => Effect.map(Random.nextIntBetween(0, groupSize, { halfOpen: true }), (g) => group[g]!.action)
  )
  yield* environment.advance?.([...chosen, ...others.map(({ group: { state } }) => ({ state, text: "" }))]) ??
    Effect.void
  const groups = fitting.map(({ asked: { observation }, group: { credit = "all" } }, i): TrajectoryGroup => ({
    observation: typeof observation === "string" ? observation : JSON.stringify(observation),
    credit,
    trajectories: members[i]!.map(({ transitions }, g): Trajectory => ({ transitions, outcome: outcomes[i]![g]! }))
  }))
  return { groups, tooLong } satisfies Batch
})

// Observes states, as text and as tokens.
const asker = <State, E>(
  { maxTokens, name, observation }: Environment.Environment<State, E>,
  { contextLength, tokenizer }: Sampler.Sampler["Service"]
) =>
  Effect.fnUntraced(function*(states: ReadonlyArray<State>) {
    const observations = states.map(observation)
    const other = observations.findIndex((one) => typeof one !== "string" && !Array.isArray(one))
    if (other >= 0) {
      return yield* new TrainingError({
        reason: `environment ${name} observes state ${other} as ${
          String(observations[other])
        }: a text or messages expected`
      })
    }
    if (tokenizer.applyChatTemplate === undefined && observations.some((one) => typeof one !== "string")) {
      return yield* new TrainingError({
        reason: "the model has no chat template, which this format's prompts need: use the compact format, or an " +
          "instruction model"
      })
    }
    const prompts = yield* Effect.forEach(observations, (one) => Sampler.promptTokens(tokenizer, one))
    return states.map((state, i): Asked<State> => ({
      state,
      observation: observations[i]!,
      prompt: prompts[i]!,
      fits: prompts[i]!.length + maxTokens <= contextLength
    }))
  })
