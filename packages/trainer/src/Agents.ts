/**
 * Both agents of a run, and what they see.
 *
 * @since 0.1.0
 */
import { AnswerAgent, MemoryManager } from "@memory-r1/core"
import type { Learner, Sampler } from "@memory-r1/core/rl"
import type * as Dataset from "./Dataset.ts"
import type * as Registry from "./Registry.ts"

/**
 * What decisions and answers see, in which format they are asked for and written, and how long those of a frozen agent
 * may be.
 *
 * @category models
 * @since 0.1.0
 */
export interface Limits extends Dataset.Limits {
  readonly format: Registry.Format
  readonly managerTokens: number
  readonly answerTokens: number
}

/**
 * A manager over a sampler, greedy, in the format that is trained.
 *
 * @category constructors
 * @since 0.1.0
 */
export const managerOf = (
  sampler: Sampler.Service,
  { format, managerTokens }: Pick<Limits, "format" | "managerTokens">
): MemoryManager.MemoryManager["Service"] =>
  MemoryManager.fromSampler(sampler, { format: format.manager, maxTokens: managerTokens })

/**
 * An answer agent over a sampler, greedy, in the format that is trained.
 *
 * @category constructors
 * @since 0.1.0
 */
export const answerAgentOf = (
  sampler: Sampler.Service,
  { answerTokens, format }: Pick<Limits, "format" | "answerTokens">
): AnswerAgent.AnswerAgent["Service"] =>
  AnswerAgent.fromSampler(sampler, { format: format.answer, maxTokens: answerTokens })

/**
 * Both agents, a learner each, and the model that both began with, frozen: what the KL term of a stage with `beta`
 * stays close to. `critics` are the learners of values for PPO that are no heads on the agents' own networks.
 *
 * @category models
 * @since 0.1.0
 */
export interface Agents {
  readonly manager: Learner.Service
  readonly answer: Learner.Service
  readonly reference: Sampler.Service
  readonly critics: Readonly<Partial<Record<"answer" | "manager", Learner.Service>>>
}
