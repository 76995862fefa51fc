// Shared-prefix generation: what prompts have in common is computed once, then one step for all completions of all
// prompts.
import type { Sampler } from "@memory-r1/core/rl"
import { type Feeds, float, integers, type Session } from "../graph/session.ts"
import type { Decoder } from "./architecture.ts"
import * as Batch from "./batch.ts"
import * as Cache from "./cache.ts"
import * as Choose from "./internal/choose.ts"
import * as Random from "./random.ts"

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
  /** Hears of the tokens of a row after each of them; where it says so the row ends. */
  readonly onToken?: ((tokens: ReadonlyArray<number>) => boolean) | undefined
}

// Steps that the cache has room for at first: most completions are short, and every step reads all of it.
const firstSteps = 16
// Rows that have ended are computed along with the others until they are a quarter of all.
const worthKeeping = 0.75

/** What generation runs; `prefill` is that of as many blocks as the groups have. */
export interface Sessions {
  readonly prefill: Session
  readonly extend: Session
  readonly decode: Session
}

/** Into how many blocks the prefixes are cut. */
export const blocksOf = (groups: ReadonlyArray<Group>): number =>
  Batch.blocksOf(groups.map(({ prefix }) => prefix.length))

// The keys and values of everything before the first input token: P slots of the prefix, then S of each row's suffix,
// row by row.
const prefill = async (
  sessions: Sessions,
  memory: Cache.Memory,
  weights: Feeds,
  decoder: Decoder,
  groups: ReadonlyArray<Group>,
  maxTokens: number
): Promise<Cache.Cache> => {
  const G = Math.max(...groups.map(({ rows }) => rows.length))
  // The prompt feeds leave out a prompt's last token; a prefix has none to leave out.
  const window = Batch.windowOf(decoder)
  const { N, P, feeds } = Batch.promptFeeds(groups.map(({ prefix }) => [...prefix, 0]), window)
  const S = Math.max(...groups.flatMap(({ rows }) => rows.map(({ suffix }) => suffix.length - 1)))
  const prefix = await sessions.prefill.run({ ...weights, ...feeds, ...Batch.sizes({ N, P }) })
  const suffixes = S === 0 ? undefined : await sessions.extend.run({
    ...weights,
    ...Object.fromEntries(Object.entries(prefix).map(([name, tensor]) => [`prefix.${name}`, tensor])),
    ...Batch.completionFeeds(
      groups.map(({ prefix, rows }) => ({
        start: prefix.length,
        rows: Array.from({ length: G }, (_, g) => rows[g]?.suffix.slice(0, -1) ?? [])
      })),
      { G, C: S, window }
    ),
    ...Batch.visibleFeeds(groups.map(({ prefix }) => prefix.length), { P, C: S, window }),
    ...Batch.sizes({ N, P, G, C: S })
  })

  const cache = Cache.make(memory, decoder, N, G, P + G * (S + Math.min(firstSteps, maxTokens)))
  Cache.append(cache, prefix)
  groups.forEach(({ prefix, rows }, n) => rows.forEach((_, g) => Cache.show(cache, n, g, 0, prefix.length, 0)))
  if (suffixes === undefined) return cache
  // `[N, heads, G, S, size]`: a row's suffix lies in S slots of its own.
  const from = Cache.append(cache, suffixes)
  groups.forEach(({ prefix, rows }, n) =>
    rows.forEach(({ suffix }, g) =>
      Cache.show(cache, n, g, from + g * S, from + g * S + suffix.length - 1, prefix.length)
    )
  )
  return cache
}

// A completion while it grows: its next input, and where that stands.
interface Growing {
  readonly stream: number
  readonly start: number
  readonly tokens: Array<number>
  readonly logprobs: Array<number>
  next: number
  ended: boolean
}

/** Completions of all rows; what has been seen lies in `memory` meanwhile. */
export const generate = async (
  sessions: Sessions,
  memory: Cache.Memory,
  weights: Feeds,
  decoder: Decoder,
  groups: ReadonlyArray<Group>,
  settings: Settings,
  signal: AbortSignal
): Promise<ReadonlyArray<ReadonlyArray<Sampler.Completion>>> => {
  const cache = await prefill(sessions, memory, weights, decoder, groups, settings.maxTokens)
  let isSound = false
  try {
    const completions = await decode(sessions.decode, cache, weights, decoder, groups, settings, signal)
    isSound = true
    return completions
  } finally {
    Cache.release(cache, isSound)
  }
}

const decode = async (
  session: Session,
  cache: Cache.Cache,
  weights: Feeds,
  decoder: Decoder,
  groups: ReadonlyArray<Group>,
  { filter, maxTokens, onToken = () => false, stopTokens, temperature }: Settings,
  signal: AbortSignal
): Promise<ReadonlyArray<ReadonlyArray<Sampler.Completion>>> => {
  const { vocabularySize } = decoder
  const window = Batch.windowOf(decoder)
  const inverseTemperature = float(Float32Array.of(temperature === 0 ? 1 : 1 / temperature), [])
  const all = groups.map(({ prefix, rows }) =>
    rows.map(({ stream, suffix }): Growing => ({
      stream,
      start: prefix.length + suffix.length - 1,
      tokens: [],
      logprobs: [],
      next: suffix.at(-1)!,
      ended: false
    }))
  )

  // The rows that are computed, as the cache has them.
  let computed: ReadonlyArray<ReadonlyArray<Growing>> = all
  let constant: Feeds = Cache.feeds(cache)
  for (let step = 0;; step++) {
    signal.throwIfAborted()
    const { G, N } = cache
    const next = new Int32Array(N * G)
    const positions = new Int32Array(N * G)
    computed.forEach((rows, n) =>
      rows.forEach((row, g) => {
        next[n * G + g] = row.next
        positions[n * G + g] = row.start + row.tokens.length
      })
    )
    const result = await session.run({
      ...weights,
      ...constant,
      ...(window === undefined ? {} : Cache.windowFeeds(cache, positions, window)),
      inverseTemperature,
      tokens: integers(next, [N * G]),
      positions: integers(positions, [N, G])
    })
    const probabilities = result["probabilities"]!.data as Float32Array
    computed.forEach((rows, n) =>
      rows.forEach((row, g) => {
        if (row.ended) return
        const from = (n * G + g) * vocabularySize
        const token = temperature === 0
          ? Choose.greedy(probabilities, from, vocabularySize)
          : Choose.sample(probabilities, from, vocabularySize, Random.uniform(row.stream, step), filter)
        const probability = probabilities[from + token]!
        if (Number.isNaN(probability)) {
          throw new RangeError("the model gives probabilities that are NaN; check its weights")
        }
        row.tokens.push(token)
        row.logprobs.push(Math.log(Math.max(probability, 1e-37)))
        row.next = token
        row.ended = onToken(row.tokens) || stopTokens.has(token) || step === maxTokens - 1
      })
    )

    const kept = computed.flatMap((rows, group) => {
      const going = rows.flatMap((row, g) => row.ended ? [] : [g])
      return going.length === 0 ? [] : [{ group, rows: going }]
    })
    if (kept.length === 0) break
    const { T } = cache
    Cache.reserve(cache, G)
    const slot = Cache.append(cache, result)
    computed.forEach((rows, n) =>
      rows.forEach((_, g) => Cache.show(cache, n, g, slot + g, slot + g + 1, positions[n * G + g]!))
    )
    const isSmaller = kept.length * Math.max(...kept.map(({ rows }) => rows.length)) <= worthKeeping * N * G
    if (isSmaller) {
      computed = kept.map(({ group, rows }) => rows.map((g) => computed[group]![g]!))
      Cache.keep(cache, kept)
    }
    if (isSmaller || cache.T !== T) constant = Cache.feeds(cache)
  }
  return all.map((rows) =>
    rows.map(({ logprobs, tokens }): Sampler.Completion => ({
      tokens,
      logprobs: Float32Array.from(logprobs),
      finishReason: stopTokens.has(tokens.at(-1)!) ? "stop" : "length"
    }))
  )
}
