/**
 * The `Sampler` of core on ONNX Runtime.
 */
import { Sampler } from "@memory-r1/core"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Batch from "./internal/batch.ts"
import * as DecoderGraphs from "./internal/decoderGraphs.ts"
import * as Generation from "./internal/generation.ts"
import { describe } from "./internal/session.ts"
import * as OnnxModel from "./OnnxModel.ts"

// Padded tokens of one run: enough to fill the cores, small enough to stay in the processor's cache.
const tokenBudget = 4096
const maxSequences = 256

const fail = (reason: string, cause?: unknown) =>
  new Sampler.SamplerError({ reason, ...(cause === undefined ? {} : { cause }) })

const wrong = (prompts: ReadonlyArray<ReadonlyArray<number>>, extra: number, { decoder }: OnnxModel.OnnxModel["checkpoint"]): string | undefined => {
  for (const [i, prompt] of prompts.entries()) {
    if (prompt.length === 0) return `prompt ${i} is empty`
    if (prompt.length + extra > decoder.contextLength) {
      return `prompt ${i} has ${prompt.length} tokens; with ${extra} more it does not fit into the model's ${decoder.contextLength}`
    }
    const unknown = prompt.find((token) => !Number.isInteger(token) || token < 0 || token >= decoder.vocabularySize)
    if (unknown !== undefined) return `prompt ${i} has token ${unknown}; the vocabulary has ${decoder.vocabularySize}`
  }
  return undefined
}

/**
 * The sampler of a resident model. Prompts of any number and length: they are sorted into runs of like length.
 */
export const make = Effect.fn("OnnxSampler.make")(function*(model: OnnxModel.OnnxModel) {
  const { checkpoint, weights } = model
  const { decoder } = checkpoint
  const session = (key: "prefill" | "decode" | "score") =>
    Effect.mapError(model.session(key, () => DecoderGraphs[key](decoder)), (error) => fail(error.message, error))

  const sample: Sampler.Sampler["Service"]["sample"] = Effect.fn("OnnxSampler.sample")(function*(request) {
    const { maxTokens, n = 1, prompts, seed = 0, stopTokens = checkpoint.tokenizer.stopTokens, temperature = 1, topK, topP } = request
    const problem = wrong(prompts, maxTokens, checkpoint)
      ?? (Number.isInteger(n) && n > 0 ? undefined : `n is ${n}, it has to be a positive whole number`)
      ?? (Number.isInteger(maxTokens) && maxTokens > 0 ? undefined : `maxTokens is ${maxTokens}, it has to be a positive whole number`)
      ?? (temperature >= 0 && Number.isFinite(temperature) ? undefined : `temperature is ${temperature}, it has to be 0 or more`)
    if (problem !== undefined) return yield* fail(problem)
    const sessions = { prefill: yield* session("prefill"), decode: yield* session("decode") }
    const batches = Batch.microBatches(
      prompts.map((prompt) => ({ prompt: prompt.length, group: n, completion: 0 })),
      tokenBudget
    ).flatMap((indices) => {
      const size = Math.max(1, Math.floor(maxSequences / n))
      return Array.from({ length: Math.ceil(indices.length / size) }, (_, i) => indices.slice(i * size, (i + 1) * size))
    })
    const results: Array<ReadonlyArray<Sampler.Completion>> = new Array(prompts.length)
    for (const indices of batches) {
      const groups = yield* Effect.tryPromise({
        try: (signal) =>
          Generation.generate(sessions, weights, decoder, {
            prompts: indices.map((i) => prompts[i]!),
            places: indices,
            samples: n,
            maxTokens,
            temperature,
            filter: { topK, topP },
            stopTokens: new Set(stopTokens),
            seed
          }, signal),
        catch: (cause) => fail(`generation failed in ONNX Runtime: ${describe(cause)}`, cause)
      })
      indices.forEach((index, i) => results[index] = groups[i]!)
    }
    return results
  })

  const score: Sampler.Sampler["Service"]["score"] = Effect.fn("OnnxSampler.score")(function*({ groups, temperature = 1 }) {
    const longest = Math.max(0, ...groups.flatMap(({ completions }) => completions.map((tokens) => tokens.length)))
    const problem = wrong(groups.map(({ prompt }) => prompt), longest, checkpoint)
    if (problem !== undefined) return yield* fail(problem)
    const scorer = yield* session("score")
    const results: Array<ReadonlyArray<Float32Array>> = new Array(groups.length)
    for (const indices of Batch.microBatches(groups.map(Batch.sizeOf), tokenBudget)) {
      const { C, G, feeds } = Batch.groupFeeds(indices.map((i) => groups[i]!), temperature)
      const { logp } = yield* Effect.tryPromise({
        try: () => scorer.run({ ...weights, ...feeds }),
        catch: (cause) => fail(`scoring failed in ONNX Runtime: ${describe(cause)}`, cause)
      })
      const flat = logp!.data as Float32Array
      indices.forEach((index, n) => {
        results[index] = groups[index]!.completions.map((tokens, g) => flat.slice((n * G + g) * C, (n * G + g) * C + tokens.length))
      })
    }
    return results
  })
  return Sampler.Sampler.of({
    tokenizer: checkpoint.tokenizer,
    contextLength: decoder.contextLength,
    sample,
    score
  })
})

/**
 * The sampler of a Hugging Face directory, as a layer.
 */
export const layer = (directory: string, options: OnnxModel.Options = {}) =>
  Layer.effect(Sampler.Sampler, Effect.flatMap(OnnxModel.load(directory, options), make))
