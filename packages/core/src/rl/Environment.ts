/**
 * Where actions earn their rewards.
 *
 * An environment is a set of functions over immutable states. The members of a group begin in one state: the same
 * snapshot, the same questions, the same frozen other agent. Their rewards differ only by what they wrote, which is
 * what GRPO compares.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type { Cursor } from "./Cursor.ts"
import type { Breakdown } from "./Reward.ts"
import type { Message } from "./Sampler.ts"

/**
 * What the policy is shown: a text, or messages for a chat template.
 *
 * @category models
 * @since 0.1.0
 */
export type Observation = string | ReadonlyArray<Message>

/**
 * What a member of a group earned. `labels` are counted in the run log (such as a manager's operations), of `metrics`
 * the log has the means (such as the length of an answer), and transcripts show `result`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Outcome {
  readonly reward: Breakdown
  readonly labels: ReadonlyArray<string>
  readonly metrics?: Readonly<Record<string, number>> | undefined
  readonly result: string
}

/**
 * The one state that all members of a group begin in. There is no place for a second one, so members can differ only by
 * their actions.
 *
 * - `credit`: which transitions of a trajectory its reward is credited to: `all` (the default), or only the `first`,
 *   where members share no more than the state that it was made in.
 *
 * @category models
 * @since 0.1.0
 */
export interface EnvironmentGroup<State> {
  readonly state: State
  readonly credit?: "all" | "first" | undefined
}

/**
 * What a member wrote in a state.
 *
 * @category models
 * @since 0.1.0
 */
export interface Action<State> {
  readonly state: State
  readonly text: string
}

/**
 * A group at its end, with the last action of each member.
 *
 * @category models
 * @since 0.1.0
 */
export interface FinishedGroup<State> extends EnvironmentGroup<State> {
  readonly actions: ReadonlyArray<Action<State>>
}

/**
 * An environment over states of one type. Only the first five are needed.
 *
 * - `maxTokens`: the longest action, in tokens.
 * - `groups`: the next groups, fewer if there are no more. It draws what is random from Effect's `Random`, which gives
 *   each step its own numbers.
 * - `observation`: what the policy is shown in a state.
 * - `rewards`: an outcome for each member of each group, in their order. It is given all groups at once, so that a
 *   frozen agent answers in one batch.
 * - `step`: the state after each action; `undefined` if the episode is done. Without it an episode is one action.
 * - `advance`: told one action of each group, drawn at random, when the groups are scored: a dialogue continues from
 *   there. If a prompt was too long for the model, the text is empty.
 * - `cursor`: where the data stand. Without one a resumed run assumes that groups do not depend on earlier ones.
 *
 * @example
 * ```ts
 * import { type Environment, Reward } from "@memory-r1/core/rl"
 * import { Effect } from "effect"
 *
 * interface Said {
 *   readonly month: string
 *   readonly text: string
 * }
 * const reward = Reward.make("month", ({ month, text }: Said) => text.includes(month) ? 1 : 0)
 *
 * const environment: Environment.Environment<string> = {
 *   name: "months",
 *   maxTokens: 12,
 *   groups: (count) => Effect.succeed(Array.from({ length: count }, () => ({ state: "May" }))),
 *   observation: (month) => `Ann: I am going to Oslo in ${month}.\nIn which month?`,
 *   rewards: (groups) =>
 *     Effect.succeed(groups.map(({ actions, state: month }) =>
 *       actions.map(({ text }) => ({ reward: reward({ month, text }), labels: [], result: text }))
 *     ))
 * }
 * environment.observation("May") // => "Ann: I am going to Oslo in May.\nIn which month?"
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface Environment<State, E = never> {
  readonly name: string
  readonly maxTokens: number
  readonly groups: (count: number) => Effect.Effect<ReadonlyArray<EnvironmentGroup<State>>, E>
  readonly observation: (state: State) => Observation
  readonly rewards: (
    groups: ReadonlyArray<FinishedGroup<State>>
  ) => Effect.Effect<ReadonlyArray<ReadonlyArray<Outcome>>, E>
  readonly step?:
    | ((actions: ReadonlyArray<Action<State>>) => Effect.Effect<ReadonlyArray<State | undefined>, E>)
    | undefined
  readonly advance?: ((actions: ReadonlyArray<Action<State>>) => Effect.Effect<void, E>) | undefined
  readonly cursor?: Cursor | undefined
}
