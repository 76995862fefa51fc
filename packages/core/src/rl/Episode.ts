/**
 * A dialogue to learn from and to be measured on: its facts in order, and questions linked to them.
 *
 * Data sets give episodes, environments and evaluations take them; neither knows the other.
 */
import type { MemoryBank } from "../MemoryBank.ts"
import type { Fact } from "../Turn.ts"

/**
 * A question with its gold answer.
 *
 * - `list`: the gold answer lists items, in any order.
 * - `kind`: what kind of answer it is, for reports (such as "single", "list", "date", "none").
 * - `weight`: its share in the reward of a step; 1 by default.
 * - `subject`: what it is about. Where several decisions are rewarded together, the last question on a subject is
 *   asked, since an earlier one's gold answer may no longer hold; the question itself is its subject when it is left
 *   out.
 *
 * @category models
 * @since 0.1.0
 */
export interface LinkedQuestion {
  readonly id: string
  readonly question: string
  readonly gold: string
  readonly list?: boolean | undefined
  readonly kind?: string | undefined
  readonly weight?: number | undefined
  readonly subject?: string | undefined
}

/**
 * One fact, and the questions whose answers depend on what becomes of it. `session` is the sitting in which it was
 * said, counted from 1.
 *
 * @category models
 * @since 0.1.0
 */
export interface Step {
  readonly fact: Fact
  readonly session?: number | undefined
  readonly questions: ReadonlyArray<LinkedQuestion>
}

/**
 * The facts of a dialogue in order, and the questions that are asked at its end. `start` is the bank that it begins
 * with: an empty one, by default.
 *
 * @category models
 * @since 0.1.0
 */
export interface Episode {
  readonly id: string
  readonly start?: MemoryBank | undefined
  readonly steps: ReadonlyArray<Step>
  readonly questions: ReadonlyArray<LinkedQuestion>
}

/**
 * Something to imitate: a prompt, and texts that follow it. `context` is read and carries no loss (the question after a
 * list of memories), `target` is what is learned.
 *
 * @category models
 * @since 0.1.0
 */
export interface Demonstration {
  readonly prompt: string
  readonly completions: ReadonlyArray<{ readonly context?: string | undefined; readonly target: string }>
}
