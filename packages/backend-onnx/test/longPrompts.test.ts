// Long prompts are computed in blocks of queries, and their attention weights twice. Beside them the same tokens as one
// completion of a prompt of one token, which knows nothing of blocks.
// @module-tag slow
import { assert, describe, it } from "@effect/vitest"
import { OnnxLearner, OnnxModel, OnnxSampler } from "@memory-r1/backend-onnx"
import { type Learner, Objective } from "@memory-r1/core/rl"
import { Effect } from "effect"
import * as Batch from "../src/model/batch.ts"
import * as Checkpoints from "./support/checkpoints.ts"
import { tokens } from "./support/models.ts"

const load = Effect.fnUntraced(function*(name: string) {
  return yield* OnnxModel.load(
    yield* Checkpoints.copy(name, {
      "config.json": (json) => ({ ...json, max_position_embeddings: 2048 })
    })
  )
})

const norm = (values: ArrayLike<number>): number => Math.hypot(...Array.from(values))
const weighted: Objective.Objective = {
  name: "weighted log-likelihood",
  loss: Objective.mul(Objective.logp, Objective.advantage),
  aggregation: Objective.Aggregation.Sum()
}

for (const name of ["llama-tied", "mistral", "qwen3", "gemma3"]) {
  describe(`long prompts: ${name}`, () => {
    it.effect("log-probabilities and gradients are those of no prompt", () =>
      Effect.gen(function*() {
        const { gradients, learner } = yield* OnnxLearner.make(yield* load(name), { microBatchTokens: 1 })
        const prompts = [
          tokens(Math.floor(2.6 * Batch.blockTokens), 1),
          tokens(Batch.blockTokens + 1, 2),
          tokens(Batch.blockTokens + 2, 3)
        ]
        assert.deepStrictEqual(Batch.blocksOf(prompts.map(({ length }) => length - 1)), 3)
        const groups = prompts.map((prompt, i): Learner.PromptGroup => ({
          prompt,
          completions: [13, 7].map((length, j) => ({
            tokens: tokens(length, 5 + j),
            advantage: Array.from({ length }, (_, t) => Math.sin(i + 2 * j + t))
          }))
        }))
        const pass = Effect.fnUntraced(function*(batch: ReadonlyArray<Learner.PromptGroup>) {
          const { logprobs } = yield* learner.forwardBackward(batch, weighted)
          const found = gradients().map(({ data, name }) => ({ name, data: data.slice() }))
          yield* learner.optimStep({ learningRate: 0 })
          return { logprobs: logprobs.flat(), gradients: found }
        })
        const blocks = yield* pass(groups)
        const plain = yield* pass(groups.flatMap(({ completions, prompt }) =>
          completions.map(({ advantage, tokens }) => ({
            prompt: prompt.slice(0, 1),
            completions: [{
              tokens: [...prompt.slice(1), ...tokens],
              advantage: [...prompt.slice(1).fill(0), ...advantage as ReadonlyArray<number>]
            }]
          }))
        ))
        blocks.logprobs.forEach((logprobs, i) => {
          const whole = plain.logprobs[i]!
          const own = whole.slice(whole.length - logprobs.length)
          logprobs.forEach((logp, t) =>
            assert.closeTo(logp, own[t]!, 1e-4, `completion ${i}, token ${t}`)
          )
        })
        blocks.gradients.forEach(({ data, name: parameter }, i) => {
          const expected = plain.gradients[i]!.data
          const difference = norm(data.map((x, j) => x - expected[j]!)) / norm(expected)
          assert.isTrue(difference <= 1e-4, `${parameter} differs by ${difference} of its norm`)
        })
      }))

    it.effect("what is sampled after them has the log-probabilities that it is scored with", () =>
      Effect.gen(function*() {
        const sampler = yield* OnnxSampler.make(yield* load(name))
        const prompts = [tokens(Batch.blockTokens * 2 + 30, 1), tokens(40, 2), tokens(Batch.blockTokens, 3)]
        const samples = yield* sampler.sample({ prompts, n: 2, maxTokens: 30, stopTokens: [], seed: 3 })
        const scores = yield* sampler.score({
          groups: prompts.map((prompt, i) => ({ prompt, completions: samples[i]!.map(({ tokens }) => tokens) }))
        })
        samples.flat().forEach(({ logprobs }, i) =>
          logprobs.forEach((logp, t) =>
            assert.closeTo(logp, scores.flat()[i]![t]!, 1e-4, `completion ${i}, token ${t}`)
          )
        )
      }))
  })
}
