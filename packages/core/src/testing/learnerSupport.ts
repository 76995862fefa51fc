// What the laws of a learner have in common.
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import {
  type ForwardBackward,
  Learner,
  type LearnerError,
  missing,
  type OptimStep,
  type PromptGroup,
  unheeded
} from "../rl/Learner.ts"
import * as Objective from "../rl/Objective.ts"
import type { Sequences } from "../rl/Sampler.ts"

/**
 * - `learningRate`: of the steps that have to lower a loss.
 * - `tolerance`: how far two log-probabilities of one token may lie apart.
 * - `directory`: where `save` writes; a folder under the system's temporary one, removed in the end, unless given.
 * - `timeout`: milliseconds for each law.
 */
export interface LearnerLawsOptions {
  readonly learningRate?: number | undefined
  readonly tolerance?: number | undefined
  readonly directory?: string | undefined
  readonly timeout?: number | undefined
}

export const logLikelihood: Objective.Objective = { ...Objective.sft, aggregation: Objective.Aggregation.Sum() }

/** Prompts of two lengths, groups of two sizes, completions of three lengths. */
export const setup = Effect.map(Learner, (learner) => {
  const { encode } = learner.sampler.tokenizer
  const completion = (text: string) => ({ tokens: encode(text, { addSpecialTokens: false }) })
  const batch = [
    { prompt: encode("once upon a time"), completions: [completion("the dog ran home"), completion("a cat sat")] },
    { prompt: encode("the dog"), completions: [completion("sat on the big ball")] }
  ] satisfies ReadonlyArray<PromptGroup>
  return { learner, batch }
})

export type Each = (
  given: { readonly tokens: ReadonlyArray<number>; readonly logp: ArrayLike<number>; readonly index: number }
) => Omit<PromptGroup["completions"][number], "tokens">

/** The batch with quantities that are computed from each completion and its log-probabilities. */
export const enrich = (
  batch: ReadonlyArray<PromptGroup>,
  logprobs: Numbers,
  each: Each
): ReadonlyArray<PromptGroup> => {
  let index = 0
  return batch.map((group, g) => ({
    ...group,
    completions: group.completions.map(({ tokens }, c) => ({
      tokens,
      ...each({ tokens, logp: logprobs[g]![c]!, index: index++ })
    }))
  }))
}

export const sequencesOf = (batch: ReadonlyArray<PromptGroup>): ReadonlyArray<Sequences> =>
  batch.map(({ completions, prompt }) => ({ prompt, completions: completions.map(({ tokens }) => tokens) }))

export const scoreGroups = (learner: Learner["Service"], batch: ReadonlyArray<PromptGroup>, temperature?: number) =>
  learner.sampler.score({ groups: sequencesOf(batch), temperature })

export const score = (learner: Learner["Service"], batch: ReadonlyArray<PromptGroup>, temperature?: number) =>
  Effect.map(scoreGroups(learner, batch, temperature), (groups) => groups.flat())

type Numbers = ReadonlyArray<ReadonlyArray<ArrayLike<number>>>

/** What the reference interpreter reads: the batch, with what the engine reports. */
export const valuesOf = (
  batch: ReadonlyArray<PromptGroup>,
  logprobs: Numbers,
  { entropies, values }: { readonly entropies?: Numbers | undefined; readonly values?: Numbers | undefined } = {}
): ReadonlyArray<Objective.SequenceValues> =>
  batch.flatMap(({ completions }, g) =>
    completions.map(({ advantage, tokens, ...rest }, c) => ({
      ...rest,
      logp: logprobs[g]![c]!,
      ...(entropies === undefined ? {} : { entropy: entropies[g]![c]! }),
      ...(values === undefined ? {} : { value: values[g]![c]! }),
      advantage: typeof advantage === "number" ? tokens.map(() => advantage) : advantage
    }))
  )

/** The loss by the reference interpreter. */
export const reference = (objective: Objective.Objective, ...read: Parameters<typeof valuesOf>): number =>
  Objective.evaluate(objective, valuesOf(...read))

/** Ratios on both sides of both clipping bounds, advantages of both signs, tokens without loss. */
export const everyQuantity: Each = ({ index, logp, tokens }) => ({
  mask: tokens.map((_, t) => t % 4 === 2 ? 0 : 1),
  advantage: index === 0 ? 1.5 : tokens.map((_, t) => t - 1),
  oldLogp: Array.from(logp, (value, t) => value + [0.5, -0.5, 0.05][t % 3]!),
  refLogp: Array.from(logp, (value, t) => value + [0.3, -0.2][t % 2]!),
  samplerLogp: Array.from(logp, (value, t) => value + [0.4, -0.6, 0.1][t % 3]!),
  oldValue: tokens.map((_, t) => [0.1, -0.4][t % 2]!),
  returns: tokens.map((_, t) => [0.9, -0.7, 0.3][t % 3]!)
})

/** The gradient's norm, at no change of the weights. */
export const gradNorm = (learner: Learner["Service"]) =>
  Effect.map(learner.optimStep({ learningRate: 0 }), (step) => step.gradNorm)

// What an engine declares it has to do. The rest it has to refuse: a refusal is the one answer that gives nothing here.
const asDeclared = Effect.fnUntraced(function*<A>(
  what: string,
  lacking: ReadonlyArray<string>,
  asked: Effect.Effect<A, LearnerError>
) {
  const found = yield* Effect.result(asked)
  if (Result.isFailure(found)) {
    assert.strictEqual(found.failure._tag, "LearnerError", `${what}: a refusal is a LearnerError`)
    if (lacking.length === 0) assert.fail(`${what} is refused in spite of the capabilities: ${found.failure.message}`)
    return undefined
  }
  if (lacking.length > 0) {
    assert.fail(`${what} needs ${lacking.join(" and ")}, which the capabilities do not declare, and is not refused`)
  }
  return found.success
})

/** A pass with an objective; nothing where the capabilities lack what it needs and the engine refuses it. */
export const pass = (
  learner: Learner["Service"],
  batch: ReadonlyArray<PromptGroup>,
  objective: Objective.Objective,
  options: { readonly temperature?: number | undefined } = {}
): Effect.Effect<ForwardBackward | undefined, never> =>
  asDeclared(
    objective.name,
    missing(learner.capabilities, objective),
    learner.forwardBackward(batch, objective, options)
  )

/** A step; nothing where the capabilities lack one of its settings and the engine refuses it. */
export const step = (
  learner: Learner["Service"],
  settings: OptimStep
): Effect.Effect<{ readonly gradNorm: number } | undefined, never> => {
  const lacking = unheeded(learner.capabilities, settings)
  return asDeclared(`a step with ${Object.keys(settings).join(", ")}`, lacking, learner.optimStep(settings))
}

/**
 * The settings of a step that goes along the gradient itself, and lowers the loss by `change`. Adam divides by |g| +
 * epsilon: with an epsilon far above every |g| the loss falls by the step's length times the gradient's norm.
 */
export const alongGradient = (norm: number, change: number): Required<Pick<OptimStep, "learningRate" | "epsilon">> => {
  const epsilon = 1000 * norm
  return { learningRate: change * epsilon / norm ** 2, epsilon }
}
