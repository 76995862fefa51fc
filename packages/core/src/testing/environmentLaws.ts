import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { Action, Environment, FinishedGroup, Observation, Outcome } from "../rl/Environment.ts"
import type { Law } from "./law.ts"

/**
 * - `texts`: what members write, good and bad; the laws add an empty text and gibberish.
 * - `count`: groups of a step; 3 by default.
 * - `timeout`: milliseconds for each law.
 *
 * @category models
 * @since 0.1.0
 */
export interface EnvironmentLawsOptions {
  readonly texts: ReadonlyArray<string>
  readonly count?: number | undefined
  readonly timeout?: number | undefined
}

// More steps than any episode should have.
const endless = 10_000

type Write = (observation: Observation, member: number, step: number) => string

// Plays groups to their end. Members write side by side, as in training.
const play = Effect.fnUntraced(function*<State, E>(
  environment: Environment<State, E>,
  { count, members, write }: { readonly count: number; readonly members: number; readonly write: Write }
) {
  const groups = yield* environment.groups(count)
  assert.isAtMost(groups.length, count, "more groups than were asked for")
  const playing = groups.map(({ state }) =>
    Array.from({ length: members }, (_, member) => ({
      member,
      action: { state, text: write(environment.observation(state), member, 0) } as Action<State>
    }))
  )
  let open = environment.step === undefined ? [] : playing.flat()
  for (let step = 1; open.length > 0; step++) {
    assert.isBelow(step, endless, "the episode does not end")
    const next = yield* environment.step!(open.map(({ action }) => action))
    assert.lengthOf(next, open.length, "a next state, or undefined, for each action")
    open = open.filter(({ member }, i) => {
      const state = next[i]
      if (state === undefined) return false
      open[i]!.action = { state, text: write(environment.observation(state), member, step) }
      return true
    })
  }
  const finished = groups.map((group, i): FinishedGroup<State> => ({
    ...group,
    actions: playing[i]!.map(({ action }) => action)
  }))
  const outcomes = yield* environment.rewards(finished)
  assert.deepStrictEqual(
    outcomes.map(({ length }) => length),
    finished.map(({ actions }) => actions.length),
    "an outcome for each member of each group"
  )
  return { observations: groups.map(({ state }) => environment.observation(state)), finished, outcomes }
})

const advance = <State, E>(
  { advance }: Environment<State, E>,
  finished: ReadonlyArray<FinishedGroup<State>>,
  at: number
) => advance?.(finished.map(({ actions }) => actions[at % actions.length]!)) ?? Effect.void

const isFinite = ({ metrics = {}, reward: { parts, value } }: Outcome): boolean =>
  [value, ...Object.values(parts), ...Object.values(metrics)].every(Number.isFinite)

/**
 * The laws of an `Environment`, as values, for other test runners; see `environmentLaws`.
 *
 * @category laws
 * @since 0.1.0
 */
export const lawsOfEnvironment = <State, E, E2>(
  make: Effect.Effect<Environment<State, E>, E2>,
  { count = 3, texts }: EnvironmentLawsOptions
): ReadonlyArray<Law<never>> => {
  const all = [...texts, "", "\u0000 {\"<|im_end|>: \ud83d\ude00"]
  const own: Write = (_, member, step) => all[(member + step) % all.length]!
  const same = (text: string): Write => () => text
  const members = all.length
  const rounds = 4

  // Some steps of training: what was observed and earned in each.
  const steps = Effect.fnUntraced(function*(environment: Environment<State, E>, from: number, until: number) {
    const seen: Array<unknown> = []
    for (let step = from; step < until; step++) {
      const { finished, observations, outcomes } = yield* Random.withSeed(
        play(environment, { count, members, write: own }),
        step
      )
      seen.push([observations, outcomes])
      yield* Random.withSeed(advance(environment, finished, step), step)
    }
    return seen
  })

  return [
    {
      title: "members of a group begin in one state: what they write alone tells them apart",
      check: Effect.gen(function*() {
        const environment = yield* make
        for (const text of all) {
          const { finished, outcomes } = yield* Random.withSeed(
            play(environment, { count, members: 3, write: same(text) }),
            1
          )
          for (const [first, ...others] of outcomes) for (const other of others) assert.deepStrictEqual(other, first)
          yield* advance(environment, finished, 0)
        }
      })
    },
    {
      title: "rewards leave no trace: in another order, and again, the same actions earn the same",
      check: Effect.gen(function*() {
        const environment = yield* make
        const { finished, outcomes } = yield* Random.withSeed(play(environment, { count, members, write: own }), 1)
        const reversed = finished.map((group) => ({ ...group, actions: group.actions.toReversed() }))
        const again = yield* environment.rewards(reversed.toReversed())
        assert.deepStrictEqual(again.toReversed().map((group) => group.toReversed()), outcomes)
      })
    },
    {
      title: "the same seed gives the same groups, observations and rewards",
      check: Effect.gen(function*() {
        assert.deepStrictEqual(yield* steps(yield* make, 0, rounds), yield* steps(yield* make, 0, rounds))
      })
    },
    {
      title: "rewards are finite, whatever is written",
      check: Effect.gen(function*() {
        const environment = yield* make
        for (let round = 0; round < rounds; round++) {
          const { finished, outcomes } = yield* Random.withSeed(
            play(environment, { count, members, write: own }),
            round
          )
          for (const outcome of outcomes.flat()) assert.isTrue(isFinite(outcome), JSON.stringify(outcome))
          yield* advance(environment, finished, round)
        }
      })
    },
    {
      title: "a new environment continues from the saved cursor",
      check: Effect.gen(function*() {
        const half = rounds / 2
        const straight = yield* steps(yield* make, 0, rounds)
        const stopped = yield* make
        yield* steps(stopped, 0, half)
        const resumed = yield* make
        if (stopped.cursor !== undefined) {
          yield* resumed.cursor!.restore(JSON.parse(JSON.stringify(stopped.cursor.save())))
        }
        assert.deepStrictEqual(yield* steps(resumed, half, rounds), straight.slice(half))
      })
    },
    {
      title: "a cursor refuses what it did not save",
      check: Effect.gen(function*() {
        const { cursor } = yield* make
        if (cursor === undefined) return
        const error = yield* Effect.flip(cursor.restore({ saved: "elsewhere" }))
        assert.strictEqual(error._tag, "CursorError")
      })
    }
  ]
}

/**
 * The laws of an `Environment`, as a vitest suite over an effect that makes a new one.
 *
 * Use it in the test file of every environment. The laws: the members of a group begin in one state and are rewarded by
 * what they write alone, in whatever order and however often; the same seed gives the same groups and rewards; rewards
 * are finite for any text; episodes end; a new environment continues from a saved cursor as the old one would have, and
 * one without a cursor has groups that do not depend on earlier ones.
 *
 * @example
 * ```typescript
 * import { environmentLaws } from "@memory-r1/core/testing"
 * import { Effect } from "effect"
 * import { environment } from "./months.ts"
 *
 * environmentLaws("months", Effect.succeed(environment), { texts: ["In May.", "I do not know."] })
 * ```
 *
 * @category laws
 * @since 0.1.0
 */
export const environmentLaws = <State, E, E2>(
  name: string,
  make: Effect.Effect<Environment<State, E>, E2>,
  options: EnvironmentLawsOptions
): void => {
  describe(`Environment laws: ${name}`, () => {
    for (const { check, title } of lawsOfEnvironment(make, options)) {
      it.effect(title, () => check, options.timeout ?? 60_000)
    }
  })
}
