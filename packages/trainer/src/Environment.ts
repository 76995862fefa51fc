/**
 * Where completions get their rewards.
 *
 * An environment gives tasks, says how each is asked, and scores all completions of a task under one state: the same snapshot, the
 * same questions, the same frozen other agent, so that rewards within a group differ by the completion alone.
 */
import type { Reward, Sampler } from "@memory-r1/core"
import type * as Effect from "effect/Effect"

/**
 * What a completion earned. `labels` are counted in the run log (the operations of a manager), `result` is shown in transcripts.
 */
export interface Outcome {
  readonly reward: Reward.Breakdown
  readonly labels: ReadonlyArray<string>
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
 * An environment for tasks of one type.
 *
 * - `tasks`: the next tasks.
 * - `prompt`: how a task is asked.
 * - `score`: an outcome for each text of each attempt, in their order.
 * - `settle`: told when attempts are scored, with the place of one completion of each, drawn at random: a dialogue goes on from there.
 */
export interface Environment<Task, E = never> {
  readonly name: string
  readonly maxTokens: number
  readonly tasks: (count: number) => Effect.Effect<ReadonlyArray<Task>, E>
  readonly prompt: (task: Task) => string | ReadonlyArray<Sampler.Message>
  readonly score: (attempts: ReadonlyArray<Attempt<Task>>) => Effect.Effect<ReadonlyArray<ReadonlyArray<Outcome>>, E>
  readonly settle: (attempts: ReadonlyArray<Attempt<Task>>, chosen: ReadonlyArray<number>) => Effect.Effect<void, E>
}
