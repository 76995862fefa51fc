// What transformers computes with the same checkpoints: fixtures/*/golden.json, written by tools/parity/checkpoints.py.
// @module-tag slow
import { assert, describe, it } from "@effect/vitest"
import { Checkpoint, OnnxLearner, OnnxModel, OnnxSampler, Safetensors } from "@memory-r1/backend-onnx"
import { Objective } from "@memory-r1/core/rl"
import { Effect } from "effect"
import { join } from "node:path"
import * as Checkpoints from "./support/checkpoints.ts"

const largest = (values: Float32Array): number => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)

// The weighted sum of log-probabilities itself, so that its gradient is not turned round.
const weighted: Objective.Objective = {
  name: "weighted log-likelihood",
  loss: Objective.mul(Objective.logp, Objective.advantage),
  aggregation: Objective.Aggregation.Sum()
}

for (const name of Checkpoints.families) {
  const { chat, greedy, prefix, sequences, texts } = Checkpoints.golden(name)
  const directory = Checkpoints.directory(name)

  describe(`${name} beside transformers`, () => {
    it.effect("the tokenizer", () =>
      Effect.gen(function*() {
        const { tokenizer } = yield* Checkpoint.load(directory)
        for (const { decoded, ids, text } of texts) {
          assert.deepStrictEqual(tokenizer.encode(text), ids, JSON.stringify(text))
          assert.strictEqual(tokenizer.decode(tokenizer.encode(text, { addSpecialTokens: false })), decoded)
        }
        assert.deepStrictEqual(tokenizer.stopTokens, [2])
        if (chat !== undefined) assert.deepStrictEqual(tokenizer.applyChatTemplate?.(chat.messages), chat.ids)
        else assert.isUndefined(tokenizer.applyChatTemplate)
      }))

    it.effect("log-probabilities, to 1e-4", () =>
      Effect.gen(function*() {
        const sampler = yield* OnnxSampler.make(yield* OnnxModel.load(directory))
        // Scored whole, and as completions of what they have in common.
        for (const at of [1, prefix.length]) {
          const groups = at === 1
            ? sequences.map(({ tokens }) => ({ prompt: tokens.slice(0, 1), completions: [tokens.slice(1)] }))
            : [{ prompt: prefix, completions: sequences.map(({ tokens }) => tokens.slice(at)) }]
          const scores = (yield* sampler.score({ groups })).flat()
          sequences.forEach(({ logprobs }, i) => {
            assert.lengthOf(scores[i]!, logprobs.length - at + 1)
            scores[i]!.forEach((logp, t) =>
              assert.closeTo(logp, logprobs[at - 1 + t]!, 1e-4, `sequence ${i}, token ${t}`)
            )
          })
        }
      }))

    it.effect("greedy continuations, token by token", () =>
      Effect.gen(function*() {
        const sampler = yield* OnnxSampler.make(yield* OnnxModel.load(directory))
        const found = yield* sampler.sample({
          prompts: greedy.map(({ prompt }) => prompt),
          maxTokens: 64,
          temperature: 0,
          stopTokens: []
        })
        assert.deepStrictEqual(found.map(([completion]) => completion!.tokens), greedy.map(({ tokens }) => tokens))
      }))

    for (const packed of [false, true]) {
      it.effect(`gradients of every parameter, to 1e-3${packed ? ", as completions of one prompt" : ""}`, () =>
        Effect.gen(function*() {
          const { gradients, learner } = yield* OnnxLearner.make(yield* OnnxModel.load(directory))
          const at = packed ? prefix.length : 1
          const completions = sequences.map(({ tokens, weights }) => ({
            tokens: tokens.slice(at),
            advantage: weights.slice(at - 1)
          }))
          const batch = packed
            ? [{ prompt: prefix, completions }]
            : completions.map((completion) => ({ prompt: prefix.slice(0, 1), completions: [completion] }))
          const { loss } = yield* learner.forwardBackward(batch, weighted)
          const expected = sequences.reduce(
            (sum, { logprobs, weights }) => sum + logprobs.reduce((total, logp, t) => total + logp * weights[t]!, 0),
            0
          )
          assert.closeTo(loss, expected, 1e-3)

          const reader = yield* Safetensors.openFile(join(directory, "gradients.safetensors"))
          assert.deepStrictEqual(gradients().map((gradient) => gradient.name).sort(), [...reader.tensors.keys()].sort())
          for (const { data, name, shape } of gradients()) {
            assert.deepStrictEqual([...shape], [...reader.tensors.get(name)!.shape], name)
            const wanted = new Float32Array(data.length)
            yield* reader.read(name, wanted)
            const scale = largest(wanted)
            assert.isAbove(scale, 0, name)
            const difference = largest(data.map((value, i) => value - wanted[i]!)) / scale
            assert.isTrue(difference <= 1e-3, `${name} differs by ${difference} of its largest element`)
          }
        }))
    }

    if ((Checkpoints.names as ReadonlyArray<string>).includes(name)) {
      it.effect("config.json as transformers 4 writes it means the same", () =>
        Effect.gen(function*() {
          const { decoder } = yield* Checkpoint.load(directory)
          const older = yield* Checkpoints.copy(name, {
            "config.json": ({ dtype, rope_parameters, ...rest }) => ({
              ...rest,
              torch_dtype: dtype,
              rope_theta: (rope_parameters as { readonly rope_theta: number }).rope_theta,
              rope_scaling: null
            })
          })
          assert.deepStrictEqual((yield* Checkpoint.load(older)).decoder, decoder)
          const without = yield* Checkpoints.copy(name, { "config.json": ({ rope_parameters: _, ...rest }) => rest })
          assert.strictEqual(
            (yield* Checkpoint.load(without)).decoder.ropes[0]!.inverseFrequencies[1],
            10_000 ** (-2 / decoder.headSize)
          )
        }))
    }
  })
}
