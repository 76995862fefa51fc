import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import type * as EffectScope from "effect/Scope"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Learner, type PromptGroup } from "../Learner.ts"
import * as Objective from "../Objective.ts"
import { assertClose, sum } from "./numbers.ts"

/**
 * - `learningRate`: of the steps that have to lower a loss.
 * - `tolerance`: how far two log-probabilities of one token may lie apart.
 * - `directory`: where `save` writes; a folder under the system's temporary one, removed in the end, unless given.
 * - `timeout`: milliseconds for each law.
 */
export interface LearnerLawsOptions {
  readonly learningRate?: number
  readonly tolerance?: number
  readonly directory?: string
  readonly timeout?: number
}

const logLikelihood: Objective.Objective = { ...Objective.sft, aggregation: Objective.Aggregation.Sum() }

// Prompts of two lengths, groups of two sizes, completions of three lengths.
const setup = Effect.map(Learner, (learner) => {
  const { encode } = learner.sampler.tokenizer
  const completion = (text: string) => ({ tokens: encode(text, { addSpecialTokens: false }) })
  const batch = [
    { prompt: encode("once upon a time"), completions: [completion("the dog ran home"), completion("a cat sat")] },
    { prompt: encode("the dog"), completions: [completion("sat on the big ball")] }
  ] satisfies ReadonlyArray<PromptGroup>
  return { learner, batch }
})

type Each = (given: { readonly tokens: ReadonlyArray<number>; readonly logp: ArrayLike<number>; readonly index: number }) => Omit<
  PromptGroup["completions"][number],
  "tokens"
>

// The batch with quantities that are computed from each completion and its log-probabilities.
const enrich = (
  batch: ReadonlyArray<PromptGroup>,
  logprobs: ReadonlyArray<ReadonlyArray<ArrayLike<number>>>,
  each: Each
): ReadonlyArray<PromptGroup> => {
  let index = 0
  return batch.map((group, g) => ({
    ...group,
    completions: group.completions.map(({ tokens }, c) => ({ tokens, ...each({ tokens, logp: logprobs[g]![c]!, index: index++ }) }))
  }))
}

const scoreGroups = (learner: Learner["Service"], batch: ReadonlyArray<PromptGroup>, temperature?: number) =>
  learner.sampler.score({
    groups: batch.map(({ completions, prompt }) => ({ prompt, completions: completions.map(({ tokens }) => tokens) })),
    ...(temperature === undefined ? {} : { temperature })
  })

const score = (learner: Learner["Service"], batch: ReadonlyArray<PromptGroup>, temperature?: number) =>
  Effect.map(scoreGroups(learner, batch, temperature), (groups) => groups.flat())

type Numbers = ReadonlyArray<ReadonlyArray<ArrayLike<number>>>

// The reference interpreter on what the engine reports.
const reference = (
  objective: Objective.Objective,
  batch: ReadonlyArray<PromptGroup>,
  logprobs: Numbers,
  { entropies, values }: { readonly entropies?: Numbers; readonly values?: Numbers } = {}
): number =>
  Objective.evaluate(
    objective,
    batch.flatMap(({ completions }, g) =>
      completions.map(({ advantage, tokens, ...rest }, c) => ({
        ...rest,
        logp: logprobs[g]![c]!,
        ...(entropies === undefined ? {} : { entropy: entropies[g]![c]! }),
        ...(values === undefined ? {} : { value: values[g]![c]! }),
        ...(advantage === undefined
          ? {}
          : { advantage: typeof advantage === "number" ? tokens.map(() => advantage) : advantage })
      }))
    )
  )

// Ratios on both sides of both clipping bounds, advantages of both signs, tokens without loss.
const everyQuantity: Each = ({ index, logp, tokens }) => ({
  mask: tokens.map((_, t) => t % 4 === 2 ? 0 : 1),
  advantage: index === 0 ? 1.5 : tokens.map((_, t) => t - 1),
  oldLogp: Array.from(logp, (value, t) => value + [0.5, -0.5, 0.05][t % 3]!),
  refLogp: Array.from(logp, (value, t) => value + [0.3, -0.2][t % 2]!),
  samplerLogp: Array.from(logp, (value, t) => value + [0.4, -0.6, 0.1][t % 3]!),
  oldValue: tokens.map((_, t) => [0.1, -0.4][t % 2]!),
  returns: tokens.map((_, t) => [0.9, -0.7, 0.3][t % 3]!)
})

// The gradient's norm, at no change of the weights.
const gradNorm = (learner: Learner["Service"], rest: { readonly maxGradNorm?: number } = {}) =>
  Effect.map(learner.optimStep({ learningRate: 0, ...rest }), (step) => step.gradNorm)

/**
 * The laws of a `Learner`, as a vitest suite over a layer.
 *
 * Use it in the test file of every training engine; a small model with random weights does. The layer is built anew for every
 * law, since steps change its weights. The laws: log-probabilities agree with the learner's sampler, losses agree with
 * `Objective.evaluate`, gradients are the slopes of the losses, add up and vanish where they should, steps lower the loss and raise what has the higher
 * advantage, the sampler follows, a checkpoint restores the weights, and a saved state goes on as it would have. What an engine cannot do it refuses with a
 * `LearnerError`; a wrong number is never right.
 *
 * @example
 * ```typescript
 * import { learnerLaws } from "@memory-r1/core/testing"
 * import { OnnxLearner } from "@memory-r1/backend-onnx"
 *
 * learnerLaws("onnx", OnnxLearner.layer("models/tiny"))
 * ```
 */
export const learnerLaws = <E>(name: string, live: Layer.Layer<Learner, E>, options: LearnerLawsOptions = {}): void => {
  const { learningRate = 1e-4, timeout = 60_000, tolerance = 1e-4 } = options
  const law = <E2>(title: string, body: () => Effect.Effect<void, E2, Learner | EffectScope.Scope>): void =>
    it.live(title, () => Effect.provide(body(), live), timeout)
  const relative = (value: number): number => tolerance * Math.max(1, Math.abs(value))

  describe(`Learner laws: ${name}`, () => {
    law("forwardBackward gives the shapes of the batch, and the log-probabilities that the sampler gives", () =>
      Effect.gen(function*() {
        const { batch, learner } = yield* setup
        for (const temperature of [undefined, 0.7]) {
          const { logprobs, loss } = yield* learner.forwardBackward(batch, Objective.sft, temperature === undefined ? {} : { temperature })
          assert.isTrue(Number.isFinite(loss))
          assert.deepStrictEqual(
            logprobs.map((group) => group.map((list) => list.length)),
            batch.map((group) => group.completions.map(({ tokens }) => tokens.length))
          )
          const scores = yield* score(learner, batch, temperature)
          logprobs.flat().forEach((list, i) => assertClose(list, scores[i]!, tolerance, `completion ${i}, temperature ${temperature ?? 1}`))
        }
      }))

    law("a completion has the same log-probabilities alone and beside others of its prompt", () =>
      Effect.gen(function*() {
        const { batch, learner } = yield* setup
        const { logprobs } = yield* learner.forwardBackward(batch, Objective.sft)
        const flat = batch.flatMap(({ completions, prompt }) => completions.map((completion) => ({ prompt, completions: [completion] })))
        const alone = yield* learner.forwardBackward(flat, Objective.sft)
        logprobs.flat().forEach((list, i) => assertClose(list, alone.logprobs[i]![0]!, tolerance, `completion ${i}`))
      }))

    law("a group may hold more tokens than the context, which each of its completions fits", () =>
      Effect.gen(function*() {
        const { batch: [group], learner } = yield* setup
        const { completions: [completion], prompt } = group!
        // As long as that is a small batch.
        const n = Math.ceil(Math.min(learner.sampler.contextLength, 4096) / completion!.tokens.length) + 1
        const many = [{ prompt, completions: Array.from({ length: n }, () => completion!) }]
        const { logprobs } = yield* learner.forwardBackward(many, Objective.sft)
        const alone = yield* score(learner, [{ prompt, completions: [completion!] }])
        assert.lengthOf(logprobs[0]!, n)
        for (const i of [0, n - 1]) assertClose(logprobs[0]![i]!, alone[0]!, tolerance, `completion ${i} of ${n}`)
        const scores = yield* score(learner, many)
        assertClose(scores[n - 1]!, alone[0]!, tolerance, "scored")
      }))

    law("losses are those of the reference interpreter, or refused", () =>
      Effect.gen(function*() {
        const { batch, learner } = yield* setup
        const full = enrich(batch, yield* scoreGroups(learner, batch), everyQuantity)
        const { ConstantLength, SequenceMean, Sum, TokenMean } = Objective.Aggregation
        const objectives = [
          Objective.sft,
          logLikelihood,
          ...[SequenceMean(), TokenMean(), ConstantLength({ length: 16 }), Sum()].map((aggregation) =>
            Objective.grpo({ epsilon: 0.2, epsilonHigh: 0.28, beta: 0.04, aggregation })
          ),
          // A sequence-level ratio, as in GSPO.
          {
            name: "sequence ratio",
            loss: Objective.neg(Objective.mul(Objective.exp(Objective.sequenceMean(Objective.sub(Objective.logp, Objective.oldLogp))), Objective.advantage)),
            aggregation: SequenceMean()
          }
        ]
        for (const [i, objective] of objectives.entries()) {
          const found = yield* Effect.result(learner.forwardBackward(full, objective))
          if (Result.isFailure(found)) {
            assert.strictEqual(found.failure._tag, "LearnerError")
            assert.isAbove(i, 0, `supervised fine-tuning must not be refused: ${found.failure.message}`)
            continue
          }
          const expected = reference(objective, full, found.success.logprobs)
          assertClose([found.success.loss], [expected], relative(expected), `${objective.name} ${objective.aggregation._tag}`)
        }
      }))

    law("an objective that reads what the batch does not have is refused", () =>
      Effect.gen(function*() {
        const { batch, learner } = yield* setup
        assert.strictEqual((yield* Effect.flip(learner.forwardBackward(batch, Objective.grpo())))._tag, "LearnerError")
      }))

    law("gradients add up over passes and over micro-batches, until the step", () =>
      Effect.gen(function*() {
        const { batch, learner } = yield* setup
        yield* learner.forwardBackward(batch, logLikelihood)
        const once = yield* gradNorm(learner)
        assert.isAbove(once, 0)
        yield* learner.forwardBackward(batch, logLikelihood)
        yield* learner.forwardBackward(batch, logLikelihood)
        assertClose([(yield* gradNorm(learner)) / once], [2], 2e-3, "twice the batch")
        for (const group of batch) yield* learner.forwardBackward([group], logLikelihood)
        assertClose([(yield* gradNorm(learner, { maxGradNorm: once / 1000 })) / once], [1], 1e-3, "group by group, before clipping")
      }))

    law("a gradient vanishes where the objective has none", () =>
      Effect.gen(function*() {
        const { batch, learner } = yield* setup
        const { logprobs } = yield* learner.forwardBackward(batch, logLikelihood)
        const whole = yield* gradNorm(learner)
        const sumOf = { aggregation: Objective.Aggregation.Sum() }
        const cases: ReadonlyArray<readonly [string, Objective.Objective, Each]> = [
          ["all tokens masked", logLikelihood, ({ tokens }) => ({ mask: tokens.map(() => 0) })],
          ["advantage 0", Objective.grpo(sumOf), ({ logp }) => ({ advantage: 0, oldLogp: logp })],
          ["ratio e, advantage 1: clipped", Objective.grpo(sumOf), ({ logp }) => ({ advantage: 1, oldLogp: Array.from(logp, (x) => x - 1) })],
          ["ratio 1/e, advantage -1: clipped", Objective.grpo(sumOf), ({ logp }) => ({ advantage: -1, oldLogp: Array.from(logp, (x) => x + 1) })],
          ["behind stop-gradient", { name: "stopped", loss: Objective.stopGradient(Objective.logp), ...sumOf }, () => ({})]
        ]
        for (const [title, objective, each] of cases) {
          const found = yield* Effect.result(learner.forwardBackward(enrich(batch, logprobs, each), objective))
          if (Result.isSuccess(found)) assert.isAtMost(yield* gradNorm(learner), 1e-4 * whole, title)
        }
        // The other side of each bound has the gradient of the plain policy gradient, e or 1/e times that of the likelihood.
        for (const [advantage, shift] of [[-1, -1], [1, 1]] as const) {
          const unclipped = enrich(batch, logprobs, ({ logp }) => ({ advantage, oldLogp: Array.from(logp, (x) => x + shift) }))
          const found = yield* Effect.result(learner.forwardBackward(unclipped, Objective.grpo(sumOf)))
          if (Result.isSuccess(found)) {
            assertClose([(yield* gradNorm(learner)) / whole], [Math.exp(-shift)], 1e-2, `advantage ${advantage}, not clipped`)
          }
        }
      }))

    for (
      const [title, objective, temperature, change] of [
        ["log-likelihood", logLikelihood, 1, 0.005],
        ["log-likelihood at temperature 0.5", logLikelihood, 0.5, 0.005],
        ["GRPO with a reference", Objective.grpo({ epsilon: 0.2, epsilonHigh: 0.28, beta: 0.2 }), 1, 0.0005]
      ] as const
    ) {
      law(`the gradient is the slope of the loss: ${title}`, () =>
        Effect.gen(function*() {
          const { batch, learner } = yield* setup
          const full = enrich(batch, yield* scoreGroups(learner, batch, temperature), everyQuantity)
          const loss = Effect.map(scoreGroups(learner, batch, temperature), (groups) => reference(objective, full, groups))
          const forwardBackward = learner.forwardBackward(full, objective, { temperature })
          const found = yield* Effect.result(forwardBackward)
          if (Result.isFailure(found)) return assert.strictEqual(found.failure._tag, "LearnerError")
          const norm = yield* gradNorm(learner)
          const before = yield* loss
          yield* forwardBackward
          // Adam divides by |g| + epsilon. With an epsilon far above every |g| a step goes along the gradient itself, and the loss
          // falls by the step's length times the gradient's norm. (That the same gradient was seen before changes nothing.)
          const epsilon = 1000 * norm
          const step = yield* Effect.result(learner.optimStep({ learningRate: change * epsilon / norm ** 2, epsilon }))
          if (Result.isFailure(step)) return assert.strictEqual(step.failure._tag, "LearnerError")
          assertClose([(before - (yield* loss)) / change], [1], 0.03, "fall of the loss, beside what the gradient foretells")
        }))
    }

    for (
      const [title, objective] of [
        ["with an entropy bonus", Objective.withEntropy(Objective.grpo(), 0.5)],
        ["of a critic", Objective.valueLoss({ epsilon: 0.3 })],
        ["of both on one network", Objective.withTerm({ ...Objective.ppo({ dualClip: 2 }) }, Objective.valueLoss(), Objective.coefficient("weight", 0.5))]
      ] as const
    ) {
      law(`a loss ${title} is that of the reference interpreter, and the gradient its slope; or it is refused`, () =>
        Effect.gen(function*() {
          const { batch, learner } = yield* setup
          const full = enrich(batch, yield* scoreGroups(learner, batch), everyQuantity)
          const result = yield* Effect.result(learner.forwardBackward(full, objective))
          const read = Objective.quantities(objective)
          if (Result.isFailure(result)) {
            assert.strictEqual(result.failure._tag, "LearnerError")
            assert.isTrue(
              (read.has("value") && !learner.capabilities.critic) || (read.has("entropy") && !learner.capabilities.entropy),
              `refused in spite of its capabilities: ${result.failure.message}`
            )
            return
          }
          const found = result.success
          assertClose([found.loss], [reference(objective, full, found.logprobs, found)], relative(found.loss), "the loss")
          if (read.has("value")) {
            const values = yield* learner.values(full.map(({ completions, prompt }) => ({ prompt, completions: completions.map(({ tokens }) => tokens) })))
            values.flat().forEach((list, i) => assertClose(list, found.values!.flat()[i]!, tolerance, `values of completion ${i}`))
          }
          const norm = yield* gradNorm(learner)
          assert.isAbove(norm, 0)
          // As below: a step along the gradient, and what the loss makes of it.
          yield* learner.forwardBackward(full, objective)
          const [epsilon, change] = [1000 * norm, 0.0005]
          const step = yield* Effect.result(learner.optimStep({ learningRate: change * epsilon / norm ** 2, epsilon }))
          if (Result.isFailure(step)) return assert.strictEqual(step.failure._tag, "LearnerError")
          const after = yield* learner.forwardBackward(full, objective)
          assertClose([(found.loss - after.loss) / change], [1], 0.05, "fall of the loss, beside what the gradient foretells")
        }))
    }

    law("a learner without a critic says so", () =>
      Effect.gen(function*() {
        const { batch, learner } = yield* setup
        const sequences = batch.map(({ completions, prompt }) => ({ prompt, completions: completions.map(({ tokens }) => tokens) }))
        const found = yield* Effect.result(learner.values(sequences))
        assert.strictEqual(Result.isSuccess(found), learner.capabilities.critic)
        if (Result.isFailure(found)) return assert.strictEqual(found.failure._tag, "LearnerError")
        assert.deepStrictEqual(
          found.success.map((group) => group.map(({ length }) => length)),
          batch.map(({ completions }) => completions.map(({ tokens }) => tokens.length))
        )
      }))

    law("every token that counts has a gradient, the first and the last ones too", () =>
      Effect.gen(function*() {
        const { batch, learner } = yield* setup
        yield* learner.forwardBackward(batch, logLikelihood)
        const whole = yield* gradNorm(learner)
        for (const { completions: [completion], prompt } of batch) {
          const { tokens } = completion!
          for (const at of tokens.keys()) {
            yield* learner.forwardBackward([{ prompt, completions: [{ tokens, mask: tokens.map((_, t) => t === at ? 1 : 0) }] }], logLikelihood)
            assert.isAbove(yield* gradNorm(learner), 1e-6 * whole, `token ${at} of ${tokens.length}`)
          }
        }
      }))

    law("a step without a kept gradient moves nothing", () =>
      Effect.gen(function*() {
        const { batch, learner } = yield* setup
        const before = yield* score(learner, batch)
        // An engine may also refuse it.
        const step = yield* Effect.result(learner.optimStep({ learningRate: 0.1 }))
        if (Result.isSuccess(step)) assert.strictEqual(step.success.gradNorm, 0)
        for (const [i, list] of (yield* score(learner, batch)).entries()) assertClose(list, before[i]!, 1e-6, `completion ${i}`)
        yield* learner.forwardBackward(batch, logLikelihood)
        assert.isAbove(yield* gradNorm(learner), 0)
        const second = yield* Effect.result(learner.optimStep({ learningRate: 0 }))
        if (Result.isSuccess(second)) assert.strictEqual(second.success.gradNorm, 0, "the step did not forget the gradient")
      }))

    law("a step of supervised fine-tuning lowers the loss, and the sampler follows", () =>
      Effect.gen(function*() {
        const { batch, learner } = yield* setup
        const before = yield* score(learner, batch)
        let last = Infinity
        for (let step = 0; step < 3; step++) {
          const { loss } = yield* learner.forwardBackward(batch, Objective.sft)
          assert.isBelow(loss, last, `step ${step}`)
          last = loss
          assert.isAbove((yield* learner.optimStep({ learningRate })).gradNorm, 0)
        }
        const after = yield* score(learner, batch)
        assert.isAbove(sum(after.map(sum)), sum(before.map(sum)))
        const { logprobs } = yield* learner.forwardBackward(batch, Objective.sft)
        logprobs.flat().forEach((list, i) => assertClose(list, after[i]!, tolerance, `completion ${i} after the steps`))
      }))

    law("a step of GRPO raises the completion with the higher advantage over the other", () =>
      Effect.gen(function*() {
        const { batch, learner } = yield* setup
        const pair = batch.slice(0, 1)
        const margin = Effect.map(score(learner, pair), ([one, two]) => sum(one!) / one!.length - sum(two!) / two!.length)
        const before = yield* margin
        // Not from a forward and backward pass: its gradient would stay in Adam's moments.
        const logprobs = [yield* score(learner, pair)]
        const judged = enrich(pair, logprobs, ({ index, logp }) => ({ advantage: index === 0 ? -1 : 1, oldLogp: logp }))
        const found = yield* Effect.result(learner.forwardBackward(judged, Objective.grpo()))
        if (Result.isFailure(found)) return assert.strictEqual(found.failure._tag, "LearnerError")
        yield* learner.optimStep({ learningRate })
        assert.isBelow(yield* margin, before)
      }))

    const folder = options.directory === undefined
      ? Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "learner-laws-"))),
        (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
      )
      : Effect.succeed(options.directory)

    law("loadState goes on as what saveState wrote would have", () =>
      Effect.gen(function*() {
        const { batch, learner } = yield* setup
        const directory = join(yield* folder, "state")
        const step = (of: ReadonlyArray<PromptGroup>) =>
          Effect.andThen(learner.forwardBackward(of, Objective.sft), learner.optimStep({ learningRate: 5 * learningRate }))
        // The moments of one part of the batch go on to move its weights while the other part is learned.
        const [before, after] = [[batch[0]!], [batch[1]!]]
        const goOn = Effect.andThen(step(after), step(after))
        yield* Effect.andThen(step(before), step(before))
        yield* learner.saveState(directory)
        // A gradient that is kept does not survive.
        yield* learner.forwardBackward(batch, Objective.sft)
        yield* learner.loadState(directory)
        assert.strictEqual(yield* gradNorm(learner), 0)
        yield* learner.loadState(directory)
        yield* goOn
        const straight = yield* score(learner, batch)
        yield* goOn
        yield* learner.loadState(directory)
        yield* goOn
        for (const [i, list] of (yield* score(learner, batch)).entries()) assertClose(list, straight[i]!, tolerance, `completion ${i}`)
        // Without the moments it would have gone elsewhere.
        yield* learner.loadState(directory)
        yield* learner.save(join(directory, "weights"))
        yield* learner.load(join(directory, "weights"))
        yield* goOn
        const without = yield* score(learner, batch)
        assert.isAbove(Math.max(...without.map((list, i) => Math.abs(sum(list) - sum(straight[i]!)))), tolerance, "the moments make no difference")
      }))

    law("load restores the weights that save wrote", () =>
      Effect.gen(function*() {
        const { batch, learner } = yield* setup
        const directory = yield* folder
        const step = Effect.andThen(learner.forwardBackward(batch, Objective.sft), learner.optimStep({ learningRate: 100 * learningRate }))
        yield* step
        const saved = yield* score(learner, batch)
        yield* learner.save(join(directory, "checkpoint"))
        yield* step
        const moved = yield* score(learner, batch)
        assert.isAbove(Math.abs(sum(moved.map(sum)) - sum(saved.map(sum))), 10 * tolerance, "the steps between save and load moved nothing")
        yield* learner.load(join(directory, "checkpoint"))
        for (const [i, list] of (yield* score(learner, batch)).entries()) assertClose(list, saved[i]!, tolerance, `completion ${i}`)
        const { logprobs } = yield* learner.forwardBackward(batch, Objective.sft)
        logprobs.flat().forEach((list, i) => assertClose(list, saved[i]!, tolerance, `completion ${i}, in training`))
      }))
  })
}
