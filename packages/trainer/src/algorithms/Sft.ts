/**
 * Supervised fine-tuning on demonstrations: the warm start that reinforcement learning begins from.
 *
 * @since 0.1.0
 */
import { Cursor, type Episode, type Learner, Objective } from "@memory-r1/core/rl"
import type { Sampler } from "@memory-r1/core/rl"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import type { Demonstrations } from "../Demonstrations.ts"
import * as Schedule from "../Schedule.ts"
import type * as Stage from "../Stage.ts"
import { TrainingError } from "../TrainingError.ts"

/**
 * - `demonstrations`: what is imitated.
 * - `promptLoss`: learns prompts as well, each as plain text with its first completion.
 * - `groupsPerStep`: demonstrations of one optimizer step.
 * - `schedule`, `weightDecay` (0), `maxGradNorm` (1), `beta2` (0.98): of AdamW.
 * - `name`: in the log and of the folder; `sft` and `model` by default.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly learner: Learner.Service
  readonly demonstrations: Demonstrations
  readonly steps: number
  readonly groupsPerStep: number
  readonly schedule: Schedule.Schedule
  readonly promptLoss?: boolean | undefined
  readonly weightDecay?: number | undefined
  readonly maxGradNorm?: number | undefined
  readonly beta2?: number | undefined
  readonly name?: string | undefined
}

/**
 * A demonstration as tokens: the prompt, and each completion with its context masked and the end token learned.
 *
 * @category getters
 * @since 0.1.0
 */
export const tokenize = (
  tokenizer: Sampler.Tokenizer,
  { completions, prompt }: Episode.Demonstration
): Learner.PromptGroup => ({
  prompt: tokenizer.encode(prompt),
  completions: completions.map(({ context = "", target }) => {
    const read = context === "" ? [] : tokenizer.encode(context, { addSpecialTokens: false })
    const learned = [...tokenizer.encode(target, { addSpecialTokens: false }), tokenizer.stopTokens[0]!]
    return { tokens: [...read, ...learned], mask: [...read.map(() => 0), ...learned.map(() => 1)] }
  })
})

/**
 * Without the completions that do not fit into the context behind their prompt. One of them would stop a run of hours.
 *
 * @category getters
 * @since 0.1.0
 */
export const fitting = ({ completions, prompt }: Learner.PromptGroup, contextLength: number): Learner.PromptGroup => ({
  prompt,
  completions: completions.filter(({ tokens }) => prompt.length + tokens.length <= contextLength)
})

/**
 * A demonstration as plain text: everything after the first token is learned.
 *
 * @category getters
 * @since 0.1.0
 */
export const asText = (
  { completions: [first], prompt: [begin, ...rest] }: Learner.PromptGroup
): Learner.PromptGroup => ({
  prompt: [begin!],
  completions: [{ tokens: [...rest, ...first!.tokens] }]
})

/**
 * How many tokens a group has, its shared prompt counted once.
 *
 * @category getters
 * @since 0.1.0
 */
export const tokensOf = ({ completions, prompt }: Learner.PromptGroup): number =>
  completions.reduce((sum, { tokens }) => sum + tokens.length, prompt.length)

// Steps are drawn from a shuffled pool of this many: one dialogue's demonstrations are spread over several.
const pool = 8
// So many times in a row there may be nothing to learn from.
const patience = 1000

// A stage in the middle of a pool resumes from what the pool was made of: what was left over before, and where the
// demonstrations stood.
const Pool = Schema.Struct({
  step: Schema.Int,
  tooLong: Schema.Int,
  left: Schema.Array(Schema.Struct({
    prompt: Schema.Array(Schema.Int),
    completions: Schema.Array(
      Schema.Struct({ tokens: Schema.Array(Schema.Int), mask: Schema.optional(Schema.Array(Schema.Finite)) })
    )
  })),
  demonstrations: Schema.Unknown
})

/**
 * Makes the stage. Its order is drawn from Effect's `Random`. Each step is logged with its tokens and with the number
 * of completions so far that were too long for the model's context.
 *
 * @category constructors
 * @since 0.1.0
 */
export const stage = ({
  beta2 = 0.98,
  demonstrations,
  groupsPerStep,
  learner,
  maxGradNorm = 1,
  name = "sft",
  promptLoss = false,
  schedule,
  steps,
  weightDecay = 0
}: Options): Stage.Stage => {
  const { contextLength, tokenizer } = learner.sampler
  let tooLong = 0
  let waiting: ReadonlyArray<Learner.PromptGroup> = []
  let drawn: ReadonlyArray<Learner.PromptGroup> = []
  let made: typeof Pool.Type = { step: 0, tooLong: 0, left: [], demonstrations: demonstrations.cursor.save() }

  const prepare = (demonstration: Episode.Demonstration): ReadonlyArray<Learner.PromptGroup> => {
    const whole = tokenize(tokenizer, demonstration)
    const group = fitting(whole, contextLength)
    tooLong += whole.completions.length - group.completions.length
    return group.completions.length === 0 ? [] : [promptLoss ? asText(group) : group]
  }
  // A new pool, in an order that is drawn.
  const fill = Effect.fnUntraced(function*(step: number) {
    made = { step, tooLong, left: waiting as typeof made.left, demonstrations: demonstrations.cursor.save() }
    const groups = [...waiting]
    let without = 0
    while (groups.length < groupsPerStep * pool) {
      const prepared = demonstrations.deal().flatMap(prepare)
      groups.push(...prepared)
      without = prepared.length === 0 ? without + 1 : 0
      if (without === patience) {
        const reason = `${patience} times in a row there was no demonstration that fits into the model's context of ` +
          `${contextLength} tokens`
        return yield* new TrainingError({ reason })
      }
    }
    waiting = groups.slice(groupsPerStep * pool)
    drawn = yield* Random.shuffle(groups.slice(0, groupsPerStep * pool))
  })

  const next = Effect.fnUntraced(function*({ drawnIn, isResumed, step }: Stage.At) {
    if (isResumed && made.step < step) {
      // The pool that was being used, made again as it was, up to this step.
      yield* demonstrations.cursor.restore(made.demonstrations)
      ;[waiting, tooLong] = [made.left, made.tooLong]
      yield* drawnIn(made.step)(fill(made.step))
      drawn = drawn.slice((step - made.step) * groupsPerStep)
    }
    if (drawn.length === 0) yield* fill(step)
    const groups = drawn.slice(0, groupsPerStep)
    drawn = drawn.slice(groupsPerStep)
    const tokens = groups.reduce((sum, group) => sum + tokensOf(group), 0)
    const omitted = tooLong
    const learningRate = Schedule.at(schedule, step, steps)
    return {
      updates: [{
        role: "policy",
        learner,
        groups,
        objective: Objective.sft,
        optimStep: { learningRate, beta2, weightDecay, maxGradNorm }
      }],
      metrics: (seconds) => ({ tokens, tooLong: omitted, tokensPerSecond: tokens / Math.max(seconds, 1e-3) })
    } satisfies Stage.Step
  })

  return {
    name,
    steps,
    next,
    learners: { model: learner },
    trained: ["model"],
    isStart: true,
    cursor: Cursor.make(Pool, { save: () => made, restore: (saved) => void (made = saved) })
  }
}
