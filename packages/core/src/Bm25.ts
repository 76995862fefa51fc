/**
 * Okapi BM25 over short texts (Robertson and Zaragoza 2009, "The Probabilistic Relevance Framework").
 */

// Forms that no ending shows, each beside the form that questions use: "when did Ann buy" is answered by "I bought".
const irregular = new Map(
  ("ate:eat eaten:eat became:become began:begin begun:begin bought:buy broke:break broken:break brought:bring built:build came:come " +
    "caught:catch chose:choose chosen:choose drank:drink drawn:draw drew:draw driven:drive drove:drive fed:feed fell:fall fallen:fall " +
    "felt:feel flew:fly flown:fly forgot:forget fought:fight found:find gave:give given:give goes:go gone:go got:get gotten:get " +
    "grew:grow grown:grow heard:hear held:hold hid:hide hung:hang kept:keep knew:know known:know laid:lay led:lead left:leave " +
    "lost:lose made:make meant:mean met:meet paid:pay ran:run ridden:ride rode:ride said:say sang:sing sung:sing sat:sit saw:see " +
    "seen:see sent:send slept:sleep sold:sell spent:spend spoke:speak spoken:speak stood:stand stole:steal stuck:stick swam:swim " +
    "taken:take taught:teach thought:think threw:throw thrown:throw told:tell took:take understood:understand went:go woke:wake " +
    "won:win wore:wear worn:wear written:write wrote:write children:child feet:foot men:man mice:mouse people:person teeth:tooth " +
    "wives:wife women:woman").split(" ").map((pair) => pair.split(":") as [string, string])
)

/**
 * Words that carry grammar rather than meaning. An index holds them, and a query looks for them only when it has nothing else:
 * statements with "did" or "what" in them are rare, so document frequency alone would rank them high for every question.
 */
export const stopWords: ReadonlySet<string> = new Set(
  ("a about am an and are as at be been but by can could d did do does for from had has have he her his how i in is it its just ll m me " +
    "my of on or our re really s she should so t that the their them these they this those to ve very was we were what when where " +
    "which who whom whose why will with would you your").split(" ")
)

const wordsOf = (text: string): ReadonlyArray<string> => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []

const stem = (form: string): string => {
  let word = irregular.get(form) ?? form
  if (word.length > 4 && /(?<![ae])ie[sd]$/.test(word)) return word.slice(0, -2)
  if (word.length > 3 && word.endsWith("s") && !/(ss|us|is)$/.test(word)) word = word.slice(0, -1)
  if (word.length > 5 && word.endsWith("ing")) word = word.slice(0, -3)
  else if (word.length > 4 && word.endsWith("ed")) word = word.slice(0, -2)
  else if (word.length > 3 && word.endsWith("e")) word = word.slice(0, -1)
  // As in Porter 1980: what ends in y is keyed by i, beside its plural, so that "city" finds "cities" and "movie" "movies".
  if (word.length > 2 && /[^aeiou]y$/.test(word)) return `${word.slice(0, -1)}i`
  return /([bdgmnprt])\1$/.test(word) ? word.slice(0, -1) : word
}

/**
 * Lower-cased words without the endings of English plurals and of `-ing`, `-ed` (Harman 1991's S stemmer, and two verbal
 * endings), and common irregular forms as their base form, so that "dogs" finds "dog" and "buy" finds "bought". The result is
 * a key to compare, not always a word.
 *
 * @example
 * ```ts
 * import { Bm25 } from "@memory-r1/core"
 *
 * Bm25.tokens("Two dogs running") // => ["two", "dog", "run"]
 * Bm25.tokens("She bought studios") // => Bm25.tokens("she buys studio")
 * ```
 */
export const tokens = (text: string): Array<string> => wordsOf(text).map(stem)

/**
 * An index over a fixed list of documents.
 */
export interface Bm25 {
  readonly size: number
  /** The score of every document, by its place in the list. 0 where no word of the query occurs. */
  readonly scores: (query: string) => Float64Array
}

/**
 * Builds an index. `k1` limits what repeating a word can add, `b` is the share of length normalisation; the defaults, 0.9 and 0.4,
 * are those of Anserini (Yang, Fang and Lin 2017), for short passages.
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
  const k1 = options.k1 ?? 0.9
  const b = options.b ?? 0.4
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
      const words = wordsOf(query)
      const telling = words.filter((word) => !stopWords.has(word))
      for (const word of new Set((telling.length === 0 ? words : telling).map(stem))) {
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
