// What is trained here, transformers loads: fixtures/trained was trained by tools/parity/train_tiny.ts and read by
// tools/parity/roundtrip.py.
import { assert, describe, it } from "@effect/vitest"
import { Checkpoint, OnnxModel, OnnxSampler } from "@memory-r1/backend-onnx"
import { Effect, Schema } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as Checkpoints from "./support/checkpoints.ts"
import * as TrainTiny from "./support/trainTiny.ts"

const Transformers = Schema.fromJsonString(Schema.Struct({
  dtype: Schema.String,
  logprobs: Schema.Array(Schema.Array(Schema.Finite)),
  text: Schema.String,
  ids: Schema.Array(Schema.Finite)
}))
const read = (name: string) =>
  Schema.decodeUnknownSync(Transformers)(readFileSync(join(TrainTiny.directory(name), "transformers.json"), "utf8"))

const assertLogprobs = Effect.fnUntraced(function*(name: string, checkpoint: Checkpoint.Checkpoint) {
  const sampler = yield* OnnxSampler.make(yield* OnnxModel.fromCheckpoint(checkpoint))
  const groups = Checkpoints.golden(name).sequences.map(({ tokens }) => ({
    prompt: tokens.slice(0, 1),
    completions: [tokens.slice(1)]
  }))
  const scores = (yield* sampler.score({ groups })).flat()
  read(name).logprobs.forEach((logprobs, i) => {
    assert.lengthOf(scores[i]!, logprobs.length)
    logprobs.forEach((logp, t) => assert.closeTo(scores[i]![t]!, logp, 1e-4, `sequence ${i}, token ${t}`))
  })
})

for (const name of TrainTiny.names) {
  describe(`${name}, trained and saved here, loaded by transformers`, () => {
    it.effect("has the log-probabilities and the tokens that it has here", () =>
      Effect.gen(function*() {
        const checkpoint = yield* Checkpoint.load(TrainTiny.directory(name))
        const { dtype, ids, text } = read(name)
        // What config.json names is what transformers computes in: not what the checkpoint was read in.
        assert.strictEqual(dtype, "torch.float32")
        assert.deepStrictEqual(checkpoint.tokenizer.encode(text), ids)
        yield* assertLogprobs(name, checkpoint)
      }))

    it.effect("is what training gives today", () =>
      Effect.gen(function*() {
        const kept = yield* Checkpoint.load(TrainTiny.directory(name))
        const { checkpoint, learner } = yield* TrainTiny.train(name)
        yield* assertLogprobs(name, checkpoint)
        checkpoint.weights.forEach((weight, i) => assert.closeTo(weight, kept.weights[i]!, 1e-4, `weight ${i}`))

        const before = yield* Checkpoint.load(Checkpoints.directory(name))
        const moved = checkpoint.weights.filter((weight, i) => Math.abs(weight - before.weights[i]!) > 1e-3)
        assert.isAbove(moved.length, checkpoint.weights.length / 2, "the training moved next to nothing")

        const folder = join(yield* Checkpoints.temporary, "saved")
        yield* learner.save(folder)
        const again = yield* Checkpoint.load(folder)
        assert.deepStrictEqual(again.weights, checkpoint.weights)
        assert.deepStrictEqual(again.files, kept.files)
      }))
  })
}
