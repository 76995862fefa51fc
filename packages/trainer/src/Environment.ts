/**
 * Where completions get their rewards.
 *
 * An environment gives tasks, says how each is asked, and scores all completions of a task under one state: the same
 * snapshot, the same questions, the same frozen other agent, so that rewards within a group differ by the completion
 * alone.
 */
import type { Reward, Sampler } from "@memory-r1/core/rl"
import type * as Effect from "effect/Effect"
import type { Cursor } from "./Cursor.ts"

/**
 * What a completion earned. `labels` are counted in the run log (the operations of a manager), of `figures` the log has
 * the means (the length of an answer), `result` is shown in transcripts.
 */
export interface Outcome {
  readonly reward: Reward.Breakdown
  readonly labels: ReadonlyArray<string>
  readonly figures?: Readonly<Record<string, number>> | undefined
  readonly result: string
}

/**
 * A task with the texts that were sampled for it.
 */
export interface Attempt<Task> {
  readonly task: Task
  readonly texts: ReadonlyArray<string>
}

/**
 * A task with the one text that answers it.
 */
export interface Taken<Task> {
  readonly task: Task
  readonly text: string
}

/**
 * Tasks that go on: a sequence of decisions is rewarded at its end.
 *
 * - `next`: the task that follows each completion, `undefined` where it was the last one.
 * - `credits`: which decisions of a sequence its reward is credited to: `all`, or the `first` alone, where the group
 *   shares no more than the state that it was made in.
 */
export interface Sequences<Task, E> {
  readonly next: (taken: ReadonlyArray<Taken<Task>>) => Effect.Effect<ReadonlyArray<Task | undefined>, E>
  readonly credits: (task: Task) => "all" | "first"
}

/**
 * An environment for tasks of one type.
 *
 * - `tasks`: the next tasks, fewer where there are no more. What it draws it draws from Effect's `Random`.
 * - `prompt`: how a task is asked.
 * - `score`: an outcome for each text of each attempt, in their order, no fewer and no more. Of a sequence the attempt
 *   is its last task, with one text.
 * - `advance`: told when attempts are scored, with the place of one completion of each, drawn at random: a dialogue
 *   goes on from there. Of a sequence the attempt is the last task of the one that was drawn.
 * - `sequences`: for tasks that take several decisions.
 * - `cursor`: where its data stand. Without one a resumed run takes it that tasks do not depend on what came
 *   before.
 */
export interface Environment<Task, E = never> {
  readonly name: string
  readonly maxTokens: number
  readonly tasks: (count: number) => Effect.Effect<ReadonlyArray<Task>, E>
  readonly prompt: (task: Task) => string | ReadonlyArray<Sampler.Message>
  readonly score: (attempts: ReadonlyArray<Attempt<Task>>) => Effect.Effect<ReadonlyArray<ReadonlyArray<Outcome>>, E>
  readonly advance: (attempts: ReadonlyArray<Attempt<Task>>, chosen: ReadonlyArray<number>) => Effect.Effect<void, E>
  readonly sequences?: Sequences<Task, E> | undefined
  readonly cursor?: Cursor | undefined
}

/**
 * An environment that says where its data stand, as those of this package do.
 */
export interface Resumable<Task, E = never> extends Environment<Task, E> {
  readonly cursor: Cursor
}
