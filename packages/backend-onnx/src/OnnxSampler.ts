/**
 * The `Sampler` of core on ONNX Runtime.
 */
import { Sampler } from "@memory-r1/core"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Batch from "./internal/batch.ts"
import * as DecoderGraphs from "./internal/decoderGraphs.ts"
import * as Generation from "./internal/generation.ts"
import * as Prefixes from "./internal/prefixes.ts"
import * as Random from "./internal/random.ts"
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
  const session = (key: "prefill" | "extend" | "decode" | "score") =>
    Effect.mapError(model.session(key, () => DecoderGraphs[key](decoder)), (error) => fail(error.message, error))

  const sample: Sampler.Sampler["Service"]["sample"] = Effect.fn("OnnxSampler.sample")(function*(request) {
    const { maxTokens, n = 1, prompts, seed = 0, stopTokens = checkpoint.tokenizer.stopTokens, temperature = 1, topK, topP } = request
    const problem = wrong(prompts, maxTokens, checkpoint)
      ?? (Number.isInteger(n) && n > 0 ? undefined : `n is ${n}, it has to be a positive whole number`)
      ?? (Number.isInteger(maxTokens) && maxTokens > 0 ? undefined : `maxTokens is ${maxTokens}, it has to be a positive whole number`)
      ?? (temperature >= 0 && Number.isFinite(temperature) ? undefined : `temperature is ${temperature}, it has to be 0 or more`)
    if (problem !== undefined) return yield* fail(problem)
    const sessions = { prefill: yield* session("prefill"), extend: yield* session("extend"), decode: yield* session("decode") }
    const settings = { maxTokens, temperature, filter: { topK, topP }, stopTokens: new Set(stopTokens) }
    // A group is n completions of one prompt, or single completions of prompts that begin alike.
    const shared = n > 1
      ? prompts.map((prompt, i) => ({ members: new Array<number>(n).fill(i), shared: prompt.length - 1 }))
      : Prefixes.group(prompts, { minimum: 16, largest: 12 })
    const groups = shared.map(({ members, shared }): Generation.Group => ({
      prefix: prompts[members[0]!]!.slice(0, shared),
      rows: members.map((member, j) => ({
        suffix: prompts[member]!.slice(shared),
        stream: Random.stream(seed, member, n > 1 ? j : 0)
      }))
    }))
    const sizes = groups.map(({ prefix, rows }) => ({
      prompt: prefix.length,
      group: rows.length,
      completion: Math.max(...rows.map(({ suffix }) => suffix.length))
    }))
    const results: Array<Array<Sampler.Completion>> = prompts.map(() => [])
    for (const batch of Batch.microBatches(sizes, tokenBudget)) {
      const size = Math.max(1, Math.floor(maxSequences / Math.max(...batch.map((i) => sizes[i]!.group))))
      for (let from = 0; from < batch.length; from += size) {
        const indices = batch.slice(from, from + size)
        const completions = yield* Effect.tryPromise({
          try: (signal) => Generation.generate(sessions, weights, decoder, indices.map((i) => groups[i]!), settings, signal),
          catch: (cause) => fail(`generation failed in ONNX Runtime: ${describe(cause)}`, cause)
        })
        indices.forEach((index, i) => shared[index]!.members.forEach((member, j) => results[member]!.push(completions[i]![j]!)))
      }
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
