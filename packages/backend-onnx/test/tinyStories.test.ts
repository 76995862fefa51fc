// A real checkpoint, which is not part of the project: TinyStories-656K and what an independent implementation in NumPy
// computes with it.
// @module-tag slow
import { assert, it } from "@effect/vitest"
import { Checkpoint, OnnxLearner, OnnxModel, OnnxSampler } from "@memory-r1/backend-onnx"
import { Objective } from "@memory-r1/core/rl"
import { Effect, Schema } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describeWith, shared } from "../../../tools/testing/needs.ts"

const need = shared("models/TinyStories-656K")
const directory = need.path ?? ""

const Ids = Schema.Array(Schema.Int)
const Golden = Schema.Struct({
  samples: Schema.Array(Schema.Struct({ prompt: Schema.String, prompt_ids: Ids, ids: Ids, text: Schema.String })),
  logits_prompt_index: Schema.Int,
  last_logits_first8: Schema.Array(Schema.Finite),
  last_argmax: Schema.Int
})
const golden = () =>
  Schema.decodeUnknownSync(Schema.fromJsonString(Golden))(readFileSync(join(directory, "golden.json"), "utf8"))

const mean = (values: ReadonlyArray<number>): number => values.reduce((sum, value) => sum + value, 0) / values.length

const sampler = Effect.flatMap(OnnxModel.load(directory, { threads: 1 }), OnnxSampler.make)

describeWith(
  need,
  "TinyStories-656K",
  () => {
    it.effect("the tokenizer", () =>
      Effect.gen(function*() {
        const { tokenizer } = yield* Checkpoint.load(directory)
        for (const { ids, prompt, prompt_ids, text } of golden().samples) {
          assert.deepStrictEqual(tokenizer.encode(prompt), prompt_ids)
          // The reference keeps the space that SentencePiece puts before a text.
          assert.strictEqual(tokenizer.decode(ids), text.trimStart())
        }
      }))

    for (const together of [false, true]) {
      it.effect(`greedy stories, token by token, ${together ? "in one request" : "one by one"}`, () =>
        Effect.gen(function*() {
          const { sample } = yield* sampler
          const { samples } = golden()
          const maxTokens = Math.max(...samples.map(({ ids, prompt_ids }) => ids.length - prompt_ids.length))
          const request = (prompts: ReadonlyArray<ReadonlyArray<number>>) =>
            sample({ prompts, maxTokens, temperature: 0 })
          const prompts = samples.map(({ prompt_ids }) => prompt_ids)
          const found = together
            ? yield* request(prompts)
            : (yield* Effect.forEach(prompts, (prompt) => request([prompt]))).flat()
          samples.forEach(({ ids }, i) => {
            assert.deepStrictEqual([...prompts[i]!, ...found[i]![0]!.tokens].slice(0, ids.length), ids, `story ${i}`)
          })
        }))
    }

    it.effect("log-probabilities differ as the reference's logits do, to 1e-4", () =>
      Effect.gen(function*() {
        const { score, tokenizer } = yield* sampler
        const { last_argmax, last_logits_first8: logits, logits_prompt_index, samples } = golden()
        const vocabulary = Array.from({ length: tokenizer.vocabularySize }, (_, token) => [token])
        const [scores] = yield* score({
          groups: [{ prompt: samples[logits_prompt_index]!.prompt_ids, completions: vocabulary }]
        })
        const logprobs = scores!.map(([logp]) => logp!)
        logits.forEach((logit, token) =>
          assert.closeTo(logprobs[token]! - logprobs[0]!, logit - logits[0]!, 1e-4, `token ${token}`)
        )
        assert.strictEqual(logprobs.indexOf(Math.max(...logprobs)), last_argmax)
        assert.closeTo(logprobs.reduce((sum, logp) => sum + Math.exp(logp), 0), 1, 1e-5)
      }))

    it.effect("GRPO with a reward for short sentences makes them shorter", () =>
      Effect.gen(function*() {
        const { learner } = yield* OnnxLearner.make(yield* OnnxModel.load(directory, { threads: 1 }))
        const { sample, tokenizer } = learner.sampler
        const prompts = ["Once upon a time, there was a little", "Lily and Tom went to the", "One day, a big dog"].map((
          text
        ) => tokenizer.encode(text))
        const withStop = new Set(
          Array.from({ length: tokenizer.vocabularySize }, (_, token) => token).filter((token) =>
            tokenizer.decode([token]).includes(".")
          )
        )
        // The share of tokens with a full stop.
        const reward = ({ tokens }: { readonly tokens: ReadonlyArray<number> }): number =>
          tokens.filter((token) => withStop.has(token)).length / tokens.length
        const rewardOf = (seed: number) =>
          Effect.map(sample({ prompts, n: 48, maxTokens: 24, seed }), (groups) => mean(groups.flat().map(reward)))

        const before = yield* rewardOf(1)
        assert.isBelow(before, 0.15)
        const losses: Array<number> = []
        for (let step = 0; step < 12; step++) {
          const groups = yield* sample({ prompts, n: 16, maxTokens: 24, seed: 100 + step })
          const batch = groups.map((group, i) => {
            const rewards = group.map(reward)
            const deviation = Math.sqrt(mean(rewards.map((one) => (one - mean(rewards)) ** 2)))
            const completions = group.map(({ logprobs, tokens }, j) => ({
              tokens,
              oldLogp: logprobs,
              advantage: (rewards[j]! - mean(rewards)) / (deviation + 1e-6)
            }))
            return { prompt: prompts[i]!, completions }
          })
          losses.push((yield* learner.forwardBackward(batch, Objective.grpo())).loss)
          yield* learner.optimStep({ learningRate: 2e-3, maxGradNorm: 1 })
        }
        // On policy every ratio is 1, and the advantages of a group have the mean 0.
        losses.forEach((loss, step) => assert.closeTo(loss, 0, 1e-3, `step ${step}`))
        const after = yield* rewardOf(1)
        assert.isAbove(after, 2 * before, `the mean reward went from ${before} to ${after}`)
      }))
  }
)
