// Shared-prefix generation: the prompts' keys and values are computed once, then one step for all completions of all prompts.
import type { Sampler } from "@memory-r1/core"
import type { Decoder } from "./architecture.ts"
import * as Batch from "./batch.ts"
import * as Choose from "./choose.ts"
import { cacheNames } from "./decoderGraphs.ts"
import * as Random from "./random.ts"
import { type Feeds, float, integers, type Session } from "./session.ts"

export interface GenerationRequest {
  readonly prompts: ReadonlyArray<ReadonlyArray<number>>
  /** The place of each prompt in the whole request: part of its random stream. */
  readonly places: ReadonlyArray<number>
  readonly samples: number
  readonly maxTokens: number
  readonly temperature: number
  readonly filter: Choose.Filter
  readonly stopTokens: ReadonlySet<number>
  readonly seed: number
}

interface Layer {
  readonly keys: Float32Array
  readonly values: Float32Array
}

// Rows of the cache `[N, heads, T, size]`: T positions, the prompt's first, then G slots for every generated token.
const copyInto = (target: Float32Array, source: Float32Array, rows: number, stride: number, offset: number): void => {
  const width = source.length / rows
  for (let row = 0; row < rows; row++) target.set(source.subarray(row * width, (row + 1) * width), row * stride + offset)
}

export const generate = async (
  sessions: { readonly prefill: Session; readonly decode: Session },
  weights: Feeds,
  decoder: Decoder,
  request: GenerationRequest,
  signal: AbortSignal
): Promise<ReadonlyArray<ReadonlyArray<Sampler.Completion>>> => {
  const { filter, maxTokens, places, prompts, samples: G, seed, stopTokens, temperature } = request
  const { headSize, keyValueHeads, layers, vocabularySize } = decoder
  const { N, P, feeds, visible: visiblePrompt } = Batch.promptFeeds(prompts)
  const T = P + G * maxTokens
  const B = N * G
  const rows = N * keyValueHeads

  const prefix = await sessions.prefill.run({ ...weights, ...feeds, ...Batch.sizes({ N, P }) })
  const cache = Array.from({ length: layers }, (_, layer): Layer => {
    const size = rows * T * headSize
    const made = { keys: new Float32Array(size), values: new Float32Array(size) }
    const names = cacheNames(layer)
    copyInto(made.keys, prefix[names.keys]!.data as Float32Array, rows, T * headSize, 0)
    copyInto(made.values, prefix[names.values]!.data as Float32Array, rows, T * headSize, 0)
    return made
  })
  const visible = new Float32Array(N * G * T).fill(Batch.hidden)
  for (let row = 0; row < B; row++) {
    const n = Math.floor(row / G)
    visible.set(visiblePrompt.subarray(n * P, (n + 1) * P), row * T)
  }
  const constant: Feeds = {
    ...weights,
    ...Batch.sizes({ N, G, T }),
    ...Object.fromEntries(cache.flatMap(({ keys, values }, layer) => {
      const names = cacheNames(layer)
      const shape = [N, keyValueHeads, T, headSize]
      return [[names.keys, float(keys, shape)], [names.values, float(values, shape)]]
    })),
    visible: float(visible, [N, 1, G, 1, T]),
    inverseTemperature: float(Float32Array.of(temperature === 0 ? 1 : 1 / temperature), [])
  }

  const streams = Array.from({ length: B }, (_, row) => Random.stream(seed, places[Math.floor(row / G)]!, row % G))
  const tokens = Array.from({ length: B }, (): Array<number> => [])
  const logprobs = Array.from({ length: B }, (): Array<number> => [])
  const finished = new Uint8Array(B)
  const next = Int32Array.from({ length: B }, (_, row) => prompts[Math.floor(row / G)]!.at(-1)!)
  let running = B
  for (let step = 0; step < maxTokens && running > 0; step++) {
    signal.throwIfAborted()
    const positions = Int32Array.from({ length: B }, (_, row) => prompts[Math.floor(row / G)]!.length - 1 + step)
    const result = await sessions.decode.run({ ...constant, tokens: integers(next, [B]), positions: integers(positions, [B, 1]) })
    const probabilities = result["probabilities"]!.data as Float32Array
    for (let row = 0; row < B; row++) {
      if (finished[row] === 1) continue
      const from = row * vocabularySize
      const token = temperature === 0
        ? Choose.greedy(probabilities, from, vocabularySize)
        : Choose.sample(probabilities, from, vocabularySize, Random.uniform(streams[row]!, step), filter)
      tokens[row]!.push(token)
      logprobs[row]!.push(Math.log(Math.max(probabilities[from + token]!, 1e-37)))
      next[row] = token
      if (stopTokens.has(token)) {
        finished[row] = 1
        running--
      }
    }
    if (step === maxTokens - 1 || running === 0) break
    for (let layer = 0; layer < layers; layer++) {
      const names = cacheNames(layer)
      const offset = (P + step * G) * headSize
      copyInto(cache[layer]!.keys, result[names.keys]!.data as Float32Array, rows, T * headSize, offset)
      copyInto(cache[layer]!.values, result[names.values]!.data as Float32Array, rows, T * headSize, offset)
    }
    for (let row = 0; row < B; row++) visible[row * T + P + step * G + row % G] = 0
  }
  return prompts.map((_, n) =>
    Array.from({ length: G }, (_, g): Sampler.Completion => {
      const row = n * G + g
      return {
        tokens: tokens[row]!,
        logprobs: Float32Array.from(logprobs[row]!),
        finishReason: finished[row] === 1 ? "stop" : "length"
      }
    })
  )
}
