/**
 * Okapi BM25 over short texts (Robertson and Zaragoza 2009, "The Probabilistic Relevance Framework").
 */

/**
 * Lower-cased words with the endings of English plurals and of `-ing`, `-ed` taken off, so that "dogs" finds "dog"
 * (Harman 1991's S stemmer, and two verbal endings). Stop words are kept: BM25's document frequency weighs them down.
 */
export const tokens = (text: string): Array<string> => {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
  return words.map(stem)
}

const stem = (word: string): string => {
  if (word.length > 4 && word.endsWith("ies") && !/[ae]ies$/.test(word)) return `${word.slice(0, -3)}y`
  if (word.length > 3 && word.endsWith("s") && !/(ss|us|is)$/.test(word)) word = word.slice(0, -1)
  if (word.length > 5 && word.endsWith("ing")) return word.slice(0, -3)
  if (word.length > 4 && word.endsWith("ed")) return word.slice(0, -2)
  if (word.length > 3 && word.endsWith("e")) return word.slice(0, -1)
  return word
}

/**
 * An index over a fixed list of documents.
 */
export interface Bm25 {
  readonly size: number
  /** The score of every document, by its place in the list. 0 where no word of the query occurs. */
  readonly scores: (query: string) => Float64Array
}

/**
 * Builds an index. `k1` limits what repeating a word can add, `b` is the share of length normalisation.
 *
 * @example
 * ```ts
 * import { Bm25 } from "@memory-r1/core"
 *
 * const index = Bm25.make(["Ann has a dog named Buddy", "Ann lives in Oslo"])
 * Array.from(index.scores("two dogs"), (s) => s > 0) // => [true, false]
 * ```
 */
export const make = (documents: ReadonlyArray<string>, options: { readonly k1?: number; readonly b?: number } = {}): Bm25 => {
  const k1 = options.k1 ?? 1.2
  const b = options.b ?? 0.75
  const size = documents.length
  const postings = new Map<string, Array<number>>()
  const lengths = new Float64Array(size)
  let total = 0
  documents.forEach((text, document) => {
    const counts = new Map<string, number>()
    const words = tokens(text)
    for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
    lengths[document] = words.length
    total += words.length
    for (const [word, count] of counts) {
      const list = postings.get(word)
      if (list === undefined) postings.set(word, [document, count])
      else list.push(document, count)
    }
  })
  const mean = size === 0 ? 1 : Math.max(total / size, 1e-9)
  return {
    size,
    scores: (query) => {
      const scores = new Float64Array(size)
      for (const word of new Set(tokens(query))) {
        const list = postings.get(word)
        if (list === undefined) continue
        const found = list.length / 2
        const idf = Math.log(1 + (size - found + 0.5) / (found + 0.5))
        for (let i = 0; i < list.length; i += 2) {
          const document = list[i]!
          const count = list[i + 1]!
          scores[document]! += idf * count * (k1 + 1) / (count + k1 * (1 - b + b * lengths[document]! / mean))
        }
      }
      return scores
    }
  }
}
