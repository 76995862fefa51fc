/**
 * Supervised fine-tuning on demonstrations: the warm start that reinforcement learning begins from.
 */
import { type Episode, Learner, Objective } from "@memory-r1/core"
import type { Sampler } from "@memory-r1/core"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { RunLog } from "./RunLog.ts"
import * as Schedule from "./Schedule.ts"

/**
 * - `demonstrations`: those with a given number; numbers count up from 0, so that a run can be continued and repeated.
 * - `promptLoss`: learns prompts as well, each as plain text with its first completion.
 * - `groupsPerStep`: demonstrations of one optimiser step.
 * - `schedule`, `weightDecay`, `maxGradNorm`, `beta2`: of AdamW.
 */
export interface Options {
  readonly stage?: string
  readonly demonstrations: (index: number) => ReadonlyArray<Episode.Demonstration>
  readonly promptLoss?: boolean
  readonly steps: number
  readonly groupsPerStep: number
  readonly schedule: Schedule.Schedule
  readonly weightDecay?: number
  readonly maxGradNorm?: number
  readonly beta2?: number
  /** The number of the first demonstrations. */
  readonly from?: number
  /** Called after every step, to save or to evaluate. */
  readonly onStep?: (step: number) => Effect.Effect<void, Learner.LearnerError>
}

/**
 * A demonstration as tokens: the prompt, and each completion with its context masked and the end token learned.
 */
export const tokenize = (tokenizer: Sampler.Tokenizer, { completions, prompt }: Episode.Demonstration): Learner.PromptGroup => ({
  prompt: tokenizer.encode(prompt),
  completions: completions.map(({ context = "", target }) => {
    const read = context === "" ? [] : tokenizer.encode(context, { addSpecialTokens: false })
    const learned = [...tokenizer.encode(target, { addSpecialTokens: false }), tokenizer.stopTokens[0]!]
    return { tokens: [...read, ...learned], mask: [...read.map(() => 0), ...learned.map(() => 1)] }
  })
})

/**
 * Without the completions that do not fit into the context behind their prompt. One of them would stop a run of hours.
 */
export const fitting = ({ completions, prompt }: Learner.PromptGroup, contextLength: number): Learner.PromptGroup => ({
  prompt,
  completions: completions.filter(({ tokens }) => prompt.length + tokens.length <= contextLength)
})

/**
 * A demonstration as plain text: everything after the first token is learned.
 */
export const asText = ({ completions: [first], prompt: [begin, ...rest] }: Learner.PromptGroup): Learner.PromptGroup => ({
  prompt: [begin!],
  completions: [{ tokens: [...rest, ...first!.tokens] }]
})

/**
 * How many tokens a group has, its shared prompt counted once.
 */
export const tokensOf = ({ completions, prompt }: Learner.PromptGroup): number =>
  completions.reduce((sum, { tokens }) => sum + tokens.length, prompt.length)

// Steps are drawn from a shuffled pool of this many: one dialogue's demonstrations are spread over several.
const pool = 8
// So many times in a row there may be nothing to learn from.
const patience = 1000

/**
 * Trains the learner at hand, in an order drawn from Effect's `Random`. Each step is logged with its loss,
 * gradient norm, tokens and tokens per second, and with the number of completions so far that were too long for the model's context.
 */
export const run = Effect.fn("Sft.run")(function*(options: Options) {
  const learner = yield* Learner.Learner
  const log = yield* RunLog
  const { beta2 = 0.98, demonstrations, from = 0, groupsPerStep, maxGradNorm = 1, schedule, stage = "sft", steps, weightDecay = 0 } = options
  let tooLong = 0
  const prepare = (demonstration: Episode.Demonstration): ReadonlyArray<Learner.PromptGroup> => {
    const whole = tokenize(learner.sampler.tokenizer, demonstration)
    const group = fitting(whole, learner.sampler.contextLength)
    tooLong += whole.completions.length - group.completions.length
    return group.completions.length === 0 ? [] : [options.promptLoss === true ? asText(group) : group]
  }
  const waiting: Array<Learner.PromptGroup> = []
  let drawn: Array<Learner.PromptGroup> = []
  let next = from
  let loss = NaN
  for (let step = 0; step < steps; step++) {
    const started = yield* Clock.currentTimeMillis
    if (drawn.length === 0) {
      let without = 0
      while (waiting.length < groupsPerStep * pool) {
        const prepared = demonstrations(next++).flatMap(prepare)
        waiting.push(...prepared)
        without = prepared.length === 0 ? without + 1 : 0
        if (without === patience) {
          const reason = `${patience} times in a row there was no demonstration that fits into the model's context of ${learner.sampler.contextLength} tokens`
          return yield* new Learner.LearnerError({ reason })
        }
      }
      drawn = yield* Random.shuffle(waiting.splice(0, groupsPerStep * pool))
    }
    const batch = drawn.splice(0, groupsPerStep)
    const result = yield* learner.forwardBackward(batch, Objective.sft)
    const { gradNorm } = yield* learner.optimStep({
      learningRate: Schedule.at(schedule, step, steps),
      beta2,
      weightDecay,
      maxGradNorm
    })
    loss = result.loss
    const tokens = batch.reduce((sum, group) => sum + tokensOf(group), 0)
    const seconds = ((yield* Clock.currentTimeMillis) - started) / 1000
    yield* log.metrics({ stage, step: step + 1, steps, values: { loss, gradNorm, tokens, tooLong, tokensPerSecond: tokens / Math.max(seconds, 1e-3) } })
    if (options.onStep !== undefined) yield* options.onStep(step + 1)
  }
  return { loss, next }
})
