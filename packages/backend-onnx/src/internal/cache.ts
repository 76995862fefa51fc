// The keys and values that generation attends to: slots that are filled in turn, more of them as completions get longer, and fewer
// rows and groups as completions end.
import * as Batch from "./batch.ts"
import { cacheNames } from "./decoderGraphs.ts"
import { type Feeds, float } from "./session.ts"

/** What of a decoder a cache depends on. */
export interface Size {
  readonly layers: number
  readonly keyValueHeads: number
  readonly headSize: number
}

/**
 * Keys and values `[N, heads, T, size]` of every layer, of whose T slots the first `used` are filled; `visible` `[N, G, T]`: which of
 * them each row may see; `positions` `[N, T]`: where each of them stands in its sequence.
 */
export interface Cache {
  readonly size: Size
  N: number
  G: number
  T: number
  used: number
  layers: Array<{ readonly keys: Float32Array; readonly values: Float32Array }>
  visible: Float32Array
  positions: Int32Array
}

const empty = ({ headSize, keyValueHeads, layers }: Size, N: number, T: number): Cache["layers"] => {
  const length = N * keyValueHeads * T * headSize
  return Array.from({ length: layers }, () => ({ keys: new Float32Array(length), values: new Float32Array(length) }))
}

/** An empty cache of T slots for N groups of G rows. */
export const make = (size: Size, N: number, G: number, T: number): Cache => ({
  size,
  N,
  G,
  T,
  used: 0,
  layers: empty(size, N, T),
  visible: new Float32Array(N * G * T).fill(Batch.hidden),
  positions: new Int32Array(N * T)
})

/** Copies equal parts of `source`, which lie `from` apart, to places that lie `to` apart. */
const scatter = <A extends Float32Array | Int32Array>(
  target: A,
  source: A,
  { from, offset = 0, parts, to, width }: {
    readonly parts: number
    readonly width: number
    readonly from: number
    readonly to: number
    readonly offset?: number
  }
): void => {
  for (let part = 0; part < parts; part++) {
    target.set(source.subarray(part * from, part * from + width), part * to + offset)
  }
}

/** Makes room for more slots; at least half as many again as there were, since all that is known has to be copied. */
export const reserve = (cache: Cache, slots: number): void => {
  const { G, N, T: before, layers, positions, size, used, visible } = cache
  if (used + slots <= before) return
  const T = Math.max(used + slots, Math.ceil(before * 1.5))
  const { headSize, keyValueHeads } = size
  const parts = { parts: N * keyValueHeads, width: used * headSize, from: before * headSize, to: T * headSize }
  cache.layers = empty(size, N, T)
  cache.layers.forEach(({ keys, values }, layer) => {
    scatter(keys, layers[layer]!.keys, parts)
    scatter(values, layers[layer]!.values, parts)
  })
  cache.visible = new Float32Array(N * G * T).fill(Batch.hidden)
  scatter(cache.visible, visible, { parts: N * G, width: used, from: before, to: T })
  cache.positions = new Int32Array(N * T)
  scatter(cache.positions, positions, { parts: N, width: used, from: before, to: T })
  cache.T = T
}

/** Fills the next slots with keys and values `[N, heads, slots, size]`; gives the place of the first. Nobody sees them yet. */
export const append = (cache: Cache, found: Feeds): number => {
  const { N, T, layers, size: { headSize, keyValueHeads }, used } = cache
  const parts = N * keyValueHeads
  layers.forEach(({ keys, values }, layer) => {
    const names = cacheNames(layer)
    for (const [target, name] of [[keys, names.keys], [values, names.values]] as const) {
      const source = found[name]!.data as Float32Array
      const width = source.length / parts
      scatter(target, source, { parts, width, from: width, to: T * headSize, offset: used * headSize })
      cache.used = used + width / headSize
    }
  })
  return used
}

/** Lets row g of group n see slots from one to before another, the first of which stands at `position`. */
export const show = ({ G, T, positions, visible }: Cache, n: number, g: number, from: number, to: number, position: number): void => {
  visible.fill(0, (n * G + g) * T + from, (n * G + g) * T + to)
  for (let slot = from; slot < to; slot++) positions[n * T + slot] = position + slot - from
}

/** Goes on with some groups, and some rows of each, alone. Groups with fewer rows than others are filled up with rows that see nothing new. */
export const keep = (cache: Cache, kept: ReadonlyArray<{ readonly group: number; readonly rows: ReadonlyArray<number> }>): void => {
  const { G: before, T, layers, positions, size: { headSize, keyValueHeads }, visible } = cache
  const G = Math.max(...kept.map(({ rows }) => rows.length))
  const block = keyValueHeads * T * headSize
  cache.layers = layers.map(({ keys, values }) => {
    kept.forEach(({ group }, n) => {
      keys.copyWithin(n * block, group * block, (group + 1) * block)
      values.copyWithin(n * block, group * block, (group + 1) * block)
    })
    return { keys: keys.subarray(0, kept.length * block), values: values.subarray(0, kept.length * block) }
  })
  cache.visible = new Float32Array(kept.length * G * T).fill(Batch.hidden)
  kept.forEach(({ group, rows }, n) => {
    positions.copyWithin(n * T, group * T, (group + 1) * T)
    rows.forEach((row, g) => {
      const from = (group * before + row) * T
      cache.visible.set(visible.subarray(from, from + T), (n * G + g) * T)
    })
  })
  cache.N = kept.length
  cache.G = G
}

/** The cache as the decode graph takes it. */
export const feeds = ({ G, N, T, layers, size: { headSize, keyValueHeads }, visible }: Cache): Feeds => {
  const shape = [N, keyValueHeads, T, headSize]
  return {
    ...Batch.sizes({ N, G, T }),
    ...Object.fromEntries(layers.flatMap(({ keys, values }, layer) => {
      const names = cacheNames(layer)
      return [[names.keys, float(keys, shape)], [names.values, float(values, shape)]]
    })),
    visible: float(visible, [N, 1, G, 1, T])
  }
}

/** What rows at given positions `[N, G]` see through a window. */
export const windowFeeds = ({ G, N, T, positions, visible }: Cache, rows: Int32Array, window: number): Feeds => {
  const near = visible.slice()
  for (let n = 0; n < N; n++) {
    for (let g = 0; g < G; g++) {
      const row = n * G + g
      for (let slot = 0; slot < T; slot++) if (positions[n * T + slot]! <= rows[row]! - window) near[row * T + slot] = Batch.hidden
    }
  }
  return { visibleWindow: float(near, [N, 1, G, 1, T]) }
}
