// The keys and values that generation attends to: slots that are filled in turn, more of them as completions get
// longer, and fewer rows and groups as completions end.
import { type Feeds, float } from "../graph/session.ts"
import * as Batch from "./batch.ts"
import { cacheNames } from "./decoderGraphs.ts"

/** What of a decoder a cache depends on. */
export interface Size {
  readonly layers: number
  readonly keyValueHeads: number
  readonly headSize: number
}

/**
 * Keys and values `[N, heads, T, size]` of every layer, of whose T slots the first `used` are filled; `visible` `[N, G,
 * T + G]`: which of them each row may see, and which of the G tokens that are computed: its own; `positions` `[N, T]`:
 * where each slot stands in its sequence.
 */
export interface Cache {
  readonly memory: Memory
  readonly size: Size
  N: number
  G: number
  T: number
  used: number
  layers: Array<{ readonly keys: Float32Array; readonly values: Float32Array }>
  visible: Float32Array
  positions: Int32Array
}

/**
 * What caches lie in, one after the other: to have the system map memory anew takes as long as to copy it several
 * times.
 */
export interface Memory {
  isTaken: boolean
  /** Keys and values of each layer in turn. */
  arrays: Array<Float32Array>
}

export const memory = (): Memory => ({ isTaken: false, arrays: [] })

// Room for so many numbers, in the array that is there where it is large enough. What another cache has left in it is
// hidden from all rows until it is overwritten.
const room = ({ arrays }: Memory, index: number, length: number): Float32Array => {
  const known = arrays[index]
  const array = known !== undefined && known.length >= length ? known : new Float32Array(length)
  arrays[index] = array
  return array.subarray(0, length)
}

// Rows that see nothing but their own token.
const blind = (N: number, G: number, T: number): Float32Array => {
  const visible = new Float32Array(N * G * (T + G)).fill(Batch.hidden)
  for (let row = 0; row < N * G; row++) visible[row * (T + G) + T + row % G] = 0
  return visible
}

/** An empty cache of T slots for N groups of G rows, in memory that is free, or in memory of its own. */
export const make = (shared: Memory, size: Size, N: number, G: number, T: number): Cache => {
  const own = shared.isTaken ? memory() : shared
  own.isTaken = true
  const length = N * size.keyValueHeads * T * size.headSize
  const layers = Array.from({ length: size.layers }, (_, layer) => ({
    keys: room(own, 2 * layer, length),
    values: room(own, 2 * layer + 1, length)
  }))
  return { memory: own, size, N, G, T, used: 0, layers, visible: blind(N, G, T), positions: new Int32Array(N * T) }
}

/** Gives the memory back: `isSound` where nothing in it can be NaN, which would get past the mask. */
export const release = ({ memory }: Cache, isSound: boolean): void => {
  if (!isSound) memory.arrays = []
  memory.isTaken = false
}

/** Copies equal parts of `source`, which lie `from` apart, to places that lie `to` apart. */
const scatter = <A extends Float32Array | Int32Array>(
  target: A,
  source: A,
  { from, offset = 0, parts, to, width }: {
    readonly parts: number
    readonly width: number
    readonly from: number
    readonly to: number
    readonly offset?: number | undefined
  }
): void => {
  for (let part = 0; part < parts; part++) {
    target.set(source.subarray(part * from, part * from + width), part * to + offset)
  }
}

/** Makes room for more slots; at least half as many again as there were, since all that is known has to be moved. */
export const reserve = (cache: Cache, slots: number): void => {
  const { G, N, T: before, layers, memory, positions, size: { headSize, keyValueHeads }, used, visible } = cache
  if (used + slots <= before) return
  const T = Math.max(used + slots, Math.ceil(before * 1.5))
  const parts = { parts: N * keyValueHeads, width: used * headSize, from: before * headSize, to: T * headSize }
  const moved = (index: number, source: Float32Array): Float32Array => {
    const target = room(memory, index, parts.parts * parts.to)
    if (target.buffer !== source.buffer) scatter(target, source, parts)
    // From the last part on, none of which is overwritten before it was moved.
    else {for (let part = parts.parts - 1; part > 0; part--) {
        target.copyWithin(part * parts.to, part * parts.from, part * parts.from + parts.width)
      }}
    return target
  }
  cache.layers = layers.map(({ keys, values }, layer) => ({
    keys: moved(2 * layer, keys),
    values: moved(2 * layer + 1, values)
  }))
  cache.visible = blind(N, G, T)
  scatter(cache.visible, visible, { parts: N * G, width: used, from: before + G, to: T + G })
  cache.positions = new Int32Array(N * T)
  scatter(cache.positions, positions, { parts: N, width: used, from: before, to: T })
  cache.T = T
}

/**
 * Fills the next slots with keys and values `[N, heads, slots, size]`; gives the place of the first. Nobody sees them
 * yet.
 */
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
export const show = (
  { G, T, positions, visible }: Cache,
  n: number,
  g: number,
  from: number,
  to: number,
  position: number
): void => {
  const row = (n * G + g) * (T + G)
  visible.fill(0, row + from, row + to)
  for (let slot = from; slot < to; slot++) positions[n * T + slot] = position + slot - from
}

/**
 * Goes on with some groups, and some rows of each, alone. Groups with fewer rows than others are filled up with rows
 * that see nothing new.
 */
export const keep = (
  cache: Cache,
  kept: ReadonlyArray<{ readonly group: number; readonly rows: ReadonlyArray<number> }>
): void => {
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
  cache.visible = blind(kept.length, G, T)
  kept.forEach(({ group, rows }, n) => {
    positions.copyWithin(n * T, group * T, (group + 1) * T)
    rows.forEach((row, g) => {
      const from = (group * before + row) * (T + before)
      cache.visible.set(visible.subarray(from, from + T), (n * G + g) * (T + G))
    })
  })
  cache.N = kept.length
  cache.G = G
}

/** The cache as the decode graph takes it. */
export const feeds = ({ G, N, T, layers, size: { headSize, keyValueHeads }, visible }: Cache): Feeds => {
  const shape = [N, keyValueHeads, T, headSize]
  return {
    ...Batch.sizes({ N, G, T, S: T + G }),
    ...Object.fromEntries(layers.flatMap(({ keys, values }, layer) => {
      const names = cacheNames(layer)
      return [[names.keys, float(keys, shape)], [names.values, float(values, shape)]]
    })),
    visible: float(visible, [N, 1, G, T + G])
  }
}

/** What rows at given positions `[N, G]` see through a window. */
export const windowFeeds = ({ G, N, T, positions, visible }: Cache, rows: Int32Array, window: number): Feeds => {
  const near = visible.slice()
  for (let n = 0; n < N; n++) {
    for (let g = 0; g < G; g++) {
      const row = n * G + g
      for (let slot = 0; slot < T; slot++) {
        if (positions[n * T + slot]! <= rows[row]! - window) near[row * (T + G) + slot] = Batch.hidden
      }
    }
  }
  return { visibleWindow: float(near, [N, 1, G, T + G]) }
}
