/**
 * Okapi BM25 over short texts (Robertson and Zaragoza 2009, "The Probabilistic Relevance Framework").
 *
 * @since 0.1.0
 */
import { words as wordsOf } from "../internal/words.ts"

// Forms that no ending shows, each beside the form that questions use: "when did Ann buy" is answered by "I bought".
const irregular = new Map(
  ("ate:eat eaten:eat became:become began:begin begun:begin bought:buy broke:break broken:break brought:bring " +
    "built:build came:come caught:catch chose:choose chosen:choose drank:drink drawn:draw drew:draw driven:drive " +
    "drove:drive fed:feed fell:fall fallen:fall felt:feel flew:fly flown:fly forgot:forget fought:fight " +
    "found:find gave:give given:give goes:go gone:go got:get gotten:get grew:grow grown:grow heard:hear held:hold " +
    "hid:hide hung:hang kept:keep knew:know known:know laid:lay led:lead left:leave lost:lose made:make " +
    "meant:mean met:meet paid:pay ran:run ridden:ride rode:ride said:say sang:sing sung:sing sat:sit saw:see " +
    "seen:see sent:send slept:sleep sold:sell spent:spend spoke:speak spoken:speak stood:stand stole:steal " +
    "stuck:stick swam:swim taken:take taught:teach thought:think threw:throw thrown:throw told:tell took:take " +
    "understood:understand went:go woke:wake won:win wore:wear worn:wear written:write wrote:write children:child " +
    "feet:foot men:man mice:mouse people:person teeth:tooth wives:wife women:woman").split(" ").map((pair) =>
      pair.split(":") as [string, string]
    )
)

/**
 * Words that carry grammar rather than meaning. An index holds them, and a query looks for them only when it has
 * nothing else: statements with "did" or "what" in them are rare, so document frequency alone would rank them high for
 * every question.
 *
 * @category getters
 * @since 0.1.0
 */
export const stopWords: ReadonlySet<string> = new Set(
  ("a about am an and are as at be been but by can could d did do does for from had has have he her his how i in " +
    "is it its just ll m me my of on or our re really s she should so t that the their them these they this those " +
    "to ve very was we were what when where which who whom whose why will with would you your").split(" ")
)

const stem = (form: string): string => {
  let word = irregular.get(form) ?? form
  if (word.length > 4 && /(?<![ae])ie[sd]$/.test(word)) return word.slice(0, -2)
  if (word.length > 3 && word.endsWith("s") && !/(ss|us|is)$/.test(word)) word = word.slice(0, -1)
  if (word.length > 5 && word.endsWith("ing")) word = word.slice(0, -3)
  else if (word.length > 4 && word.endsWith("ed")) word = word.slice(0, -2)
  else if (word.length > 3 && word.endsWith("e")) word = word.slice(0, -1)
  // As in Porter 1980: what ends in y is keyed by i, beside its plural, so that "city" finds "cities" and "movie"
  // "movies".
  if (word.length > 2 && /[^aeiou]y$/.test(word)) return `${word.slice(0, -1)}i`
  return /([bdgmnprt])\1$/.test(word) ? word.slice(0, -1) : word
}

/**
 * Lower-cased words without the endings of English plurals and of `-ing`, `-ed` (Harman 1991's S stemmer, and two
 * verbal endings), and common irregular forms as their base form, so that "dogs" finds "dog" and "buy" finds "bought".
 * The result is a key to compare, not always a word.
 *
 * @example
 * ```ts
 * import { Bm25 } from "@memory-r1/core/store"
 *
 * Bm25.tokens("Two dogs running") // => ["two", "dog", "run"]
 * Bm25.tokens("She bought studios") // => Bm25.tokens("she buys studio")
 * ```
 *
 * @category getters
 * @since 0.1.0
 */
export const tokens = (text: string): Array<string> => wordsOf(text).map(stem)

/**
 * The terms that a query looks for: its telling words, or all of them where it has no other.
 *
 * @category getters
 * @since 0.1.0
 */
export const termsOf = (query: string): ReadonlyArray<string> => {
  const words = wordsOf(query)
  const telling = words.filter((word) => !stopWords.has(word))
  return [...new Set((telling.length === 0 ? words : telling).map(stem))]
}

/**
 * `k1` limits what repeating a word can add, `b` is the share of length normalisation.
 *
 * @category models
 * @since 0.1.0
 */
export interface Parameters {
  readonly k1: number
  readonly b: number
}

/**
 * Those of Anserini (Yang, Fang and Lin 2017), for short passages.
 *
 * @category constructors
 * @since 0.1.0
 */
export const defaults: Parameters = { k1: 0.9, b: 0.4 }

/**
 * How much a term tells that `found` of `size` documents have.
 *
 * @category getters
 * @since 0.1.0
 */
export const idf = (size: number, found: number): number => Math.log(1 + (size - found + 0.5) / (found + 0.5))

/**
 * The part of a score that comes from a term with that `idf`, which stands `count` times in a document of `length`
 * tokens, where documents have `mean` tokens.
 *
 * @category getters
 * @since 0.1.0
 */
export const weight = (
  idf: number,
  count: number,
  length: number,
  mean: number,
  { b, k1 }: Parameters = defaults
): number => idf * count * (k1 + 1) / (count + k1 * (1 - b + b * length / mean))

/**
 * An index over a fixed list of documents.
 *
 * @category models
 * @since 0.1.0
 */
export interface Bm25 {
  readonly size: number
  /** The score of every document, by its place in the list. 0 where no word of the query occurs. */
  readonly scores: (query: string) => Float64Array
}

/**
 * Builds an index over documents that stay as they are.
 *
 * @example
 * ```ts
 * import { Bm25 } from "@memory-r1/core/store"
 *
 * const index = Bm25.make(["Ann has a dog named Buddy", "Ann lives in Oslo"])
 * Array.from(index.scores("two dogs"), (s) => s > 0) // => [true, false]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (documents: ReadonlyArray<string>, options: Partial<Parameters> = {}): Bm25 => {
  const parameters = { ...defaults, ...options }
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
      for (const word of termsOf(query)) {
        const list = postings.get(word)
        if (list === undefined) continue
        const found = list.length / 2
        const telling = idf(size, found)
        for (let i = 0; i < list.length; i += 2) {
          const document = list[i]!
          scores[document]! += weight(telling, list[i + 1]!, lengths[document]!, mean, parameters)
        }
      }
      return scores
    }
  }
}

/**
 * An index over documents that come and go, by key.
 *
 * @category models
 * @since 0.1.0
 */
export interface Index<Key> {
  readonly set: (key: Key, text: string) => void
  readonly remove: (key: Key) => void
  /** The scores of the documents that have a word of the query. */
  readonly scores: (query: string) => ReadonlyMap<Key, number>
}

/**
 * An index without documents.
 *
 * @example
 * ```ts
 * import { Bm25 } from "@memory-r1/core/store"
 *
 * const index = Bm25.makeIndex<string>()
 * index.set("dog", "Ann has a dog named Buddy")
 * index.set("city", "Ann lives in Oslo")
 * index.remove("dog")
 * Array.from(index.scores("Where does Ann live?").keys()) // => ["city"]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeIndex = <Key>(): Index<Key> => {
  const postings = new Map<string, Map<Key, number>>()
  const documents = new Map<Key, { readonly terms: ReadonlyMap<string, number>; readonly length: number }>()
  let total = 0
  const remove = (key: Key): void => {
    const document = documents.get(key)
    if (document === undefined) return
    documents.delete(key)
    total -= document.length
    for (const term of document.terms.keys()) {
      const list = postings.get(term)!
      list.delete(key)
      if (list.size === 0) postings.delete(term)
    }
  }
  return {
    remove,
    set: (key, text) => {
      remove(key)
      const words = tokens(text)
      const terms = new Map<string, number>()
      for (const word of words) terms.set(word, (terms.get(word) ?? 0) + 1)
      documents.set(key, { terms, length: words.length })
      total += words.length
      for (const [term, count] of terms) {
        const list = postings.get(term)
        if (list === undefined) postings.set(term, new Map([[key, count]]))
        else list.set(key, count)
      }
    },
    scores: (query) => {
      const scores = new Map<Key, number>()
      const mean = Math.max(total / Math.max(documents.size, 1), 1e-9)
      for (const term of termsOf(query)) {
        const list = postings.get(term)
        if (list === undefined) continue
        const telling = idf(documents.size, list.size)
        for (const [key, count] of list) {
          scores.set(key, (scores.get(key) ?? 0) + weight(telling, count, documents.get(key)!.length, mean))
        }
      }
      return scores
    }
  }
}
