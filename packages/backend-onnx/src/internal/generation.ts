// Shared-prefix generation: what prompts have in common is computed once, then one step for all completions of all prompts.
import type { Sampler } from "@memory-r1/core"
import type { Decoder } from "./architecture.ts"
import * as Batch from "./batch.ts"
import * as Choose from "./choose.ts"
import { cacheNames } from "./decoderGraphs.ts"
import * as Random from "./random.ts"
import { type Feeds, float, integers, type Session } from "./session.ts"

/** One completion to generate: the tokens after its group's prefix (at least one), and its random stream. */
export interface Row {
  readonly suffix: ReadonlyArray<number>
  readonly stream: number
}

/** Rows that begin with one prefix (which may be empty). */
export interface Group {
  readonly prefix: ReadonlyArray<number>
  readonly rows: ReadonlyArray<Row>
}

export interface Settings {
  readonly maxTokens: number
  readonly temperature: number
  readonly filter: Choose.Filter
  readonly stopTokens: ReadonlySet<number>
}

interface Layer {
  readonly keys: Float32Array
  readonly values: Float32Array
}

// Copies equal parts of `source` to places that lie `stride` apart.
const scatter = (target: Float32Array, source: Float32Array, parts: number, stride: number, offset: number): void => {
  const width = source.length / parts
  for (let part = 0; part < parts; part++) target.set(source.subarray(part * width, (part + 1) * width), part * stride + offset)
}

/**
 * The keys and values of everything but what is being generated, `[N, heads, T, size]`: P positions of the prefix, then S of each
 * row's suffix, row by row, then G for each generated token; `visible` `[N, G, T]` says which of them a row may see.
 */
const makeCache = async (
  sessions: { readonly prefill: Session; readonly extend: Session },
  weights: Feeds,
  { headSize, keyValueHeads, layers }: Decoder,
  groups: ReadonlyArray<Group>,
  G: number,
  maxTokens: number
) => {
  // The prompt feeds leave out a prompt's last token; a prefix has none to leave out.
  const { N, P, feeds, visible: visiblePrefix } = Batch.promptFeeds(groups.map(({ prefix }) => [...prefix, 0]))
  const S = Math.max(...groups.flatMap(({ rows }) => rows.map(({ suffix }) => suffix.length - 1)))
  const T = P + G * (S + maxTokens)
  const parts = N * keyValueHeads
  const cache = Array.from({ length: layers }, (): Layer => {
    const size = parts * T * headSize
    return { keys: new Float32Array(size), values: new Float32Array(size) }
  })
  const write = (found: Feeds, count: number, stride: number, offset: number): void =>
    cache.forEach(({ keys, values }, layer) => {
      const names = cacheNames(layer)
      scatter(keys, found[names.keys]!.data as Float32Array, count, stride, offset)
      scatter(values, found[names.values]!.data as Float32Array, count, stride, offset)
    })

  const prefix = await sessions.prefill.run({ ...weights, ...feeds, ...Batch.sizes({ N, P }) })
  write(prefix, parts, T * headSize, 0)
  const visible = new Float32Array(N * G * T).fill(Batch.hidden)
  groups.forEach(({ rows }, n) => {
    for (let g = 0; g < G; g++) {
      const row = (n * G + g) * T
      visible.set(visiblePrefix.subarray(n * P, (n + 1) * P), row)
      const known = (rows[g]?.suffix.length ?? 1) - 1
      visible.fill(0, row + P + g * S, row + P + g * S + known)
    }
  })
  if (S > 0) {
    const suffixes = Batch.completionFeeds(
      groups.map(({ prefix, rows }) => ({
        start: prefix.length,
        rows: Array.from({ length: G }, (_, g) => rows[g]?.suffix.slice(0, -1) ?? [])
      })),
      { G, C: S }
    )
    const keysValues = Object.fromEntries(cache.flatMap((_, layer) => {
      const { keys, values } = cacheNames(layer)
      return [[`prefix.${keys}`, prefix[keys]!], [`prefix.${values}`, prefix[values]!]]
    }))
    const found = await sessions.extend.run({
      ...weights,
      ...keysValues,
      ...suffixes,
      "completion.visible": float(visiblePrefix, [N, 1, 1, 1, 1, P]),
      ...Batch.sizes({ N, P, G, C: S })
    })
    write(found, parts, T * headSize, P * headSize)
  }
  return { N, T, visible, cache, write, generated: P + G * S }
}

export const generate = async (
  sessions: { readonly prefill: Session; readonly extend: Session; readonly decode: Session },
  weights: Feeds,
  decoder: Decoder,
  groups: ReadonlyArray<Group>,
  { filter, maxTokens, stopTokens, temperature }: Settings,
  signal: AbortSignal
): Promise<ReadonlyArray<ReadonlyArray<Sampler.Completion>>> => {
  const { headSize, keyValueHeads, vocabularySize } = decoder
  const G = Math.max(...groups.map(({ rows }) => rows.length))
  const { N, T, cache, generated, visible, write } = await makeCache(sessions, weights, decoder, groups, G, maxTokens)
  const B = N * G
  const shape = [N, keyValueHeads, T, headSize]
  const constant: Feeds = {
    ...weights,
    ...Batch.sizes({ N, G, T }),
    ...Object.fromEntries(cache.flatMap(({ keys, values }, layer) => {
      const names = cacheNames(layer)
      return [[names.keys, float(keys, shape)], [names.values, float(values, shape)]]
    })),
    visible: float(visible, [N, 1, G, 1, T]),
    inverseTemperature: float(Float32Array.of(temperature === 0 ? 1 : 1 / temperature), [])
  }

  const rowAt = (row: number): Row | undefined => groups[Math.floor(row / G)]!.rows[row % G]
  const start = Int32Array.from({ length: B }, (_, row) =>
    groups[Math.floor(row / G)]!.prefix.length + (rowAt(row)?.suffix.length ?? 1) - 1)
  const next = Int32Array.from({ length: B }, (_, row) => rowAt(row)?.suffix.at(-1) ?? 0)
  const tokens = Array.from({ length: B }, (): Array<number> => [])
  const logprobs = Array.from({ length: B }, (): Array<number> => [])
  const finished = Uint8Array.from({ length: B }, (_, row) => rowAt(row) === undefined ? 1 : 0)
  let running = B - finished.reduce((sum, done) => sum + done, 0)
  for (let step = 0; running > 0; step++) {
    signal.throwIfAborted()
    const positions = start.map((position) => position + step)
    const result = await sessions.decode.run({ ...constant, tokens: integers(next, [B]), positions: integers(positions, [B, 1]) })
    const probabilities = result["probabilities"]!.data as Float32Array
    for (let row = 0; row < B; row++) {
      if (finished[row] === 1) continue
      const from = row * vocabularySize
      const token = temperature === 0
        ? Choose.greedy(probabilities, from, vocabularySize)
        : Choose.sample(probabilities, from, vocabularySize, Random.uniform(rowAt(row)!.stream, step), filter)
      const probability = probabilities[from + token]!
      if (Number.isNaN(probability)) throw new RangeError("the model gives probabilities that are no numbers; are its weights?")
      tokens[row]!.push(token)
      logprobs[row]!.push(Math.log(Math.max(probability, 1e-37)))
      next[row] = token
      if (stopTokens.has(token) || step === maxTokens - 1) {
        finished[row] = 1
        running--
      }
    }
    if (running === 0) break
    const slot = generated + step * G
    write(result, N * keyValueHeads, T * headSize, slot * headSize)
    for (let row = 0; row < B; row++) visible[row * T + slot + row % G] = 0
  }
  return groups.map(({ rows }, n) =>
    rows.map((_, g): Sampler.Completion => {
      const row = n * G + g
      return {
        tokens: tokens[row]!,
        logprobs: Float32Array.from(logprobs[row]!),
        finishReason: stopTokens.has(tokens[row]!.at(-1)!) ? "stop" : "length"
      }
    })
  )
}
