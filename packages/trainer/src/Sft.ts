/**
 * Supervised fine-tuning on demonstrations: the warm start that reinforcement learning begins from.
 */
import { type Episode, Learner, Objective } from "@memory-r1/core/rl"
import type { Sampler } from "@memory-r1/core/rl"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as Cursor from "./Cursor.ts"
import { RunLog } from "./RunLog.ts"
import * as Schedule from "./Schedule.ts"
import * as Stage from "./Stage.ts"
import { TrainingError } from "./TrainingError.ts"

/**
 * Demonstrations in an order: `deal` gives the next ones (at times none), and the `cursor` says where that is, so that
 * a run can go on.
 */
export interface Source {
  readonly deal: () => ReadonlyArray<Episode.Demonstration>
  readonly cursor: Cursor.Cursor
}

/**
 * Those that `make` makes of 0, 1, 2, …
 */
export const counted = (make: (index: number) => ReadonlyArray<Episode.Demonstration>): Source => {
  let next = 0
  return {
    deal: () => make(next++),
    cursor: Cursor.make(Schema.Int, { save: () => next, restore: (saved) => void (next = saved) })
  }
}

/**
 * - `demonstrations`: what is imitated.
 * - `promptLoss`: learns prompts as well, each as plain text with its first completion.
 * - `groupsPerStep`: demonstrations of one optimiser step.
 * - `schedule`, `weightDecay`, `maxGradNorm`, `beta2`: of AdamW.
 */
export interface Options extends Stage.Steps {
  readonly stage?: string | undefined
  readonly demonstrations: Source
  readonly promptLoss?: boolean | undefined
  readonly groupsPerStep: number
  readonly schedule: Schedule.Schedule
  readonly weightDecay?: number | undefined
  readonly maxGradNorm?: number | undefined
  readonly beta2?: number | undefined
}

/**
 * A demonstration as tokens: the prompt, and each completion with its context masked and the end token learned.
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
 */
export const fitting = ({ completions, prompt }: Learner.PromptGroup, contextLength: number): Learner.PromptGroup => ({
  prompt,
  completions: completions.filter(({ tokens }) => prompt.length + tokens.length <= contextLength)
})

/**
 * A demonstration as plain text: everything after the first token is learned.
 */
export const asText = (
  { completions: [first], prompt: [begin, ...rest] }: Learner.PromptGroup
): Learner.PromptGroup => ({
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
 * Trains the provided learner, in an order drawn from Effect's `Random`. Each step is logged with its loss,
 * gradient norm, tokens and tokens per second, and with the number of completions so far that were too long for the
 * model's context.
 */
export const run = Effect.fn("Sft.run")(
  function*(options: Options): Effect.fn.Return<void, Stage.Failure, Learner.Learner | RunLog> {
    const learner = yield* Learner.Learner
    const log = yield* RunLog
    const {
      beta2 = 0.98,
      demonstrations,
      from,
      groupsPerStep,
      maxGradNorm = 1,
      schedule,
      stage = "sft",
      steps,
      weightDecay = 0
    } = options
    let tooLong = 0
    let waiting: ReadonlyArray<Learner.PromptGroup> = []
    let drawn: ReadonlyArray<Learner.PromptGroup> = []
    let made: typeof Pool.Type = { step: 0, tooLong: 0, left: [], demonstrations: demonstrations.cursor.save() }

    const prepare = (demonstration: Episode.Demonstration): ReadonlyArray<Learner.PromptGroup> => {
      const whole = tokenize(learner.sampler.tokenizer, demonstration)
      const group = fitting(whole, learner.sampler.contextLength)
      tooLong += whole.completions.length - group.completions.length
      return group.completions.length === 0 ? [] : [options.promptLoss === true ? asText(group) : group]
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
          const reason =
            `${patience} times in a row there was no demonstration that fits into the model's context of ` +
            `${learner.sampler.contextLength} tokens`
          return yield* new TrainingError({ reason })
        }
      }
      waiting = groups.slice(groupsPerStep * pool)
      drawn = yield* Random.shuffle(groups.slice(0, groupsPerStep * pool))
    })

    const cursor = Cursor.make(Pool, { save: () => made, restore: (saved) => void (made = saved) })
    yield* Stage.loop(
      options,
      { cursor },
      Effect.fnUntraced(function*(step, _, drawnIn) {
        const started = yield* Clock.currentTimeMillis
        if (step === from?.step && made.step < step) {
          // The pool that was being used, made again as it was, up to this step.
          yield* demonstrations.cursor.restore(made.demonstrations)
          ;[waiting, tooLong] = [made.left, made.tooLong]
          yield* drawnIn(made.step)(fill(made.step))
          drawn = drawn.slice((step - made.step) * groupsPerStep)
        }
        if (drawn.length === 0) yield* fill(step)
        const batch = drawn.slice(0, groupsPerStep)
        drawn = drawn.slice(groupsPerStep)
        const keepingBatch = Stage.keepingBatch(batch, { stage, step: step + 1, objective: Objective.sft })
        const { loss } = yield* keepingBatch(learner.forwardBackward(batch, Objective.sft))
        const { gradNorm } = yield* keepingBatch(
          learner.optimStep({ learningRate: Schedule.at(schedule, step, steps), beta2, weightDecay, maxGradNorm })
        )
        const tokens = batch.reduce((sum, group) => sum + tokensOf(group), 0)
        const seconds = ((yield* Clock.currentTimeMillis) - started) / 1000
        yield* log.metrics({
          stage,
          step: step + 1,
          steps,
          values: { loss, gradNorm, tokens, tooLong, tokensPerSecond: tokens / Math.max(seconds, 1e-3) }
        })
        return 0
      })
    )
  }
)
