/**
 * Nearest vectors among many, in two steps: the signs of all vectors are compared first, a bit a component, and the
 * best of them then exactly. A hundred thousand vectors of 384 components take 5 MB and a few milliseconds. (Binary
 * quantisation with rescoring; Shakir, Aarsen and Lee 2024, "Binary and Scalar Embedding Quantization".)
 *
 * @since 0.1.0
 */

/**
 * The signs of a vector's components, 32 to a word, the first one lowest.
 *
 * @example
 * ```ts
 * import { SignIndex } from "@memory-r1/core/store"
 *
 * SignIndex.signs([0.3, -0.1, 0.7]) // => Uint32Array.of(0b101)
 * ```
 *
 * @category getters
 * @since 0.1.0
 */
export const signs = (vector: ArrayLike<number>): Uint32Array => {
  const words = new Uint32Array(Math.ceil(vector.length / 32))
  for (let i = 0; i < vector.length; i++) if (vector[i]! > 0) words[i >> 5]! |= 1 << (i & 31)
  return words
}

/**
 * Signs by key. Keys are safe integers, such as the numbers of rows.
 *
 * @category models
 * @since 0.1.0
 */
export interface SignIndex {
  readonly size: () => number
  readonly set: (key: number, signs: Uint32Array) => void
  readonly remove: (key: number) => void
  /** The keys whose signs differ least, as many as asked for and a few more where several differ alike. */
  readonly nearest: (signs: Uint32Array, count: number) => ReadonlyArray<number>
}

// How many ones there are in every four bits (Warren 2013, "Hacker's Delight", figure 5-2).
const fours = (word: number): number => {
  const twos = word - ((word >>> 1) & 0x55555555)
  return (twos & 0x33333333) + ((twos >>> 2) & 0x33333333)
}

/**
 * An index without vectors, for vectors of so many components.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (dimensions: number): SignIndex => {
  // Words are counted three at a time.
  const width = 3 * Math.ceil(dimensions / 96)
  let words = new Uint32Array(width * 64)
  let distances = new Uint16Array(64)
  const keys: Array<number> = []
  const places = new Map<number, number>()
  const remove = (key: number): void => {
    const place = places.get(key)
    if (place === undefined) return
    // The last one moves to the free place.
    const last = keys.pop()!
    places.delete(key)
    if (last === key) return
    keys[place] = last
    places.set(last, place)
    words.copyWithin(place * width, keys.length * width, (keys.length + 1) * width)
  }
  return {
    size: () => keys.length,
    remove,
    set: (key, signs) => {
      remove(key)
      const place = keys.push(key) - 1
      places.set(key, place)
      if (words.length < keys.length * width) {
        const grown = new Uint32Array(words.length * 2)
        grown.set(words)
        words = grown
      }
      words.set(signs, place * width)
    },
    nearest: (signs, count) => {
      const size = keys.length
      const query = new Uint32Array(width)
      query.set(signs)
      if (distances.length < size) distances = new Uint16Array(2 * size)
      const histogram = new Uint32Array(width * 32 + 1)
      for (let place = 0, at = 0; place < size; place++) {
        let distance = 0
        for (let word = 0; word < width;) {
          // Bytes hold the ones of up to ten threes of words.
          let bytes = 0
          for (const end = Math.min(width, word + 30); word < end; word += 3, at += 3) {
            const ones = fours(words[at]! ^ query[word]!) + fours(words[at + 1]! ^ query[word + 1]!) +
              fours(words[at + 2]! ^ query[word + 2]!)
            bytes += (ones & 0x0f0f0f0f) + ((ones >>> 4) & 0x0f0f0f0f)
          }
          const pairs = (bytes & 0x00ff00ff) + ((bytes >>> 8) & 0x00ff00ff)
          distance += (pairs & 0xffff) + (pairs >>> 16)
        }
        distances[place] = distance
        histogram[distance]!++
      }
      let limit = 0
      for (let found = 0; limit < histogram.length && (found += histogram[limit]!) < count;) limit++
      const found: Array<number> = []
      for (let place = 0; place < size; place++) if (distances[place]! <= limit) found.push(keys[place]!)
      return found
    }
  }
}

// How many are scored exactly: of a hundred thousand vectors with the cosines of real embeddings that finds more than
// 99 of a hundred of the 30 nearest.
const fewest = 512
const perResult = 8
const share = 0.01
const spare = 4

/**
 * The best `limit` by an exact score. `rescore` gives the scores of those of the keys that may be found at all, in any
 * order; more and more keys are tried until enough of them may.
 *
 * @category getters
 * @since 0.1.0
 */
export const search = <A extends { readonly score: number }>(
  index: SignIndex,
  signs: Uint32Array,
  limit: number,
  rescore: (keys: ReadonlyArray<number>) => ReadonlyArray<A>
): ReadonlyArray<A> => {
  for (let count = Math.max(fewest, perResult * limit, Math.ceil(share * index.size()));; count *= 8) {
    const scored = rescore(index.nearest(signs, count))
    if (scored.length >= spare * limit || count >= index.size()) {
      return [...scored].sort((a, b) => b.score - a.score).slice(0, limit)
    }
  }
}
