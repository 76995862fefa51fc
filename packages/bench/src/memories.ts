/**
 * What the benchmarks of memories are fed: made-up statements with the statistics of real ones.
 *
 * Words come by Zipf's law, the commonest being the grammar words of English. A vector is a sum of directions: one that
 * all share, its topic's, its subject's and its own. Their shares and the sizes of topics and subjects are chosen so
 * that cosines, and what signs find among them, are about those of text-embedding-3-small on LoCoMo's turns (there a
 * vector's nearest neighbour has a cosine of .75 and its thirtieth .64; here .74 and .61).
 */
import { type Memory, MemoryBank } from "@memory-r1/core"
import { Bm25 } from "@memory-r1/core/store"
import { EmbeddingModel } from "effect/ai"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"

/**
 * `texts[i]` belongs to `vectors.subarray(i * dimensions, (i + 1) * dimensions)`, which has the length 1. Questions are
 * drawn as memories are, and share words with one of them.
 */
export interface Corpus {
  readonly dimensions: number
  readonly texts: ReadonlyArray<string>
  readonly vectors: Float32Array
  readonly questions: ReadonlyArray<{ readonly text: string; readonly vector: Float32Array }>
}

const madeUpWords = 20_000
const shares = { common: 0.34, topic: 0.2, subject: 0.15, own: 0.31 }
const perTopic = 500
const perSubject = 20

const consonants = "bdfgklmnprstvz"
const vowels = "aeiou"
const madeUp = (number: number): string => {
  let word = ""
  for (let rest = number + 5000; rest > 0; rest = Math.floor(rest / 70)) {
    word += consonants[rest % 14]! + vowels[Math.floor(rest / 14) % 5]!
  }
  return word
}

/**
 * The same for the same seed.
 */
export const corpus = Effect.fnUntraced(
  function*(size: number, { dimensions, questions }: { readonly dimensions: number; readonly questions: number }) {
    const random = yield* Random.Random
    const next = () => random.nextDoubleUnsafe()
    const below = (limit: number) => Math.floor(next() * limit)

    const words = [...Bm25.stopWords, ...Array.from({ length: madeUpWords }, (_, i) => madeUp(i))]
    const upTo = new Float64Array(words.length)
    let total = 0
    words.forEach((_, rank) => upTo[rank] = total += 1 / (rank + 2.7))
    const word = (): string => {
      const sought = next() * total
      let [low, high] = [0, upTo.length - 1]
      while (low < high) {
        const middle = (low + high) >> 1
        if (upTo[middle]! < sought) low = middle + 1
        else high = middle
      }
      return words[low]!
    }
    const statement = (length: number): string => Array.from({ length }, word).join(" ")
    const texts = Array.from({ length: size }, () => statement(8 + below(13)))

    let spare: number | undefined
    // Box and Muller 1958.
    const gaussian = (): number => {
      if (spare !== undefined) {
        const value = spare
        spare = undefined
        return value
      }
      const [radius, angle] = [Math.sqrt(-2 * Math.log(1 - next())), 2 * Math.PI * next()]
      spare = radius * Math.sin(angle)
      return radius * Math.cos(angle)
    }
    const direction = (share: number): Float32Array =>
      Float32Array.from({ length: dimensions }, () => Math.sqrt(share) * gaussian())
    const common = direction(shares.common)
    const topics = Array.from({ length: Math.ceil(size / perTopic) }, () => direction(shares.topic))
    const subjects = Array.from(
      { length: Math.ceil(size / perSubject) },
      () => ({ topic: topics[below(topics.length)]!, subject: direction(shares.subject) })
    )
    const own = Math.sqrt(shares.own)
    const draw = (into: Float32Array): Float32Array => {
      const { subject, topic } = subjects[below(subjects.length)]!
      let squares = 0
      for (let i = 0; i < dimensions; i++) {
        squares += (into[i] = common[i]! + topic[i]! + subject[i]! + own * gaussian()) ** 2
      }
      const length = Math.sqrt(squares)
      for (let i = 0; i < dimensions; i++) into[i]! /= length
      return into
    }
    const vectors = new Float32Array(size * dimensions)
    for (let i = 0; i < size; i++) draw(vectors.subarray(i * dimensions, (i + 1) * dimensions))

    return {
      dimensions,
      texts,
      vectors,
      questions: Array.from({ length: questions }, () => {
        const of = texts[below(size)]!.split(" ")
        const asked = Array.from({ length: 4 }, () => of[below(of.length)]!)
        return { text: `${statement(4)} ${asked.join(" ")}`, vector: draw(new Float32Array(dimensions)) }
      })
    } satisfies Corpus
  }
)

/**
 * The vector of a memory, without a copy.
 */
export const vectorAt = ({ dimensions, vectors }: Corpus, i: number): Float32Array =>
  vectors.subarray(i * dimensions, (i + 1) * dimensions)

/**
 * Memory `i`, before it is stored, and as something to commit.
 */
export const memory = ({ texts }: Corpus, i: number): Memory.NewMemory => ({
  text: texts[i]!,
  speaker: i % 2 === 0 ? "Ann" : "Bob",
  sources: [`D${i % 40}:${i}`]
})
export const add = (corpus: Corpus, i: number): MemoryBank.Edit => MemoryBank.Edit.Add({ memory: memory(corpus, i) })

/**
 * A model that knows the corpus by heart, so that nothing but the store takes time.
 */
export const model = (corpus: Corpus): Effect.Effect<EmbeddingModel.EmbeddingModel> => {
  const known = new Map(corpus.questions.map(({ text, vector }) => [text, vector]))
  corpus.texts.forEach((text, i) => known.set(text, vectorAt(corpus, i)))
  // What a store asks besides to know the model again.
  const other = vectorAt(corpus, 0)
  return EmbeddingModel.make({
    embedMany: ({ inputs }) =>
      Effect.sync(() => ({
        results: inputs.map((text) => Array.from(known.get(text) ?? other)),
        usage: { inputTokens: undefined }
      }))
  })
}

/**
 * The places of the `limit` memories with the highest cosine, best first, by looking at all of them.
 */
export const nearest = (corpus: Corpus, vector: Float32Array, limit: number): ReadonlyArray<number> => {
  const best: Array<{ readonly place: number; readonly score: number }> = []
  for (let place = 0, at = 0; place < corpus.texts.length; place++) {
    let score = 0
    for (let d = 0; d < vector.length; d++, at++) score += vector[d]! * corpus.vectors[at]!
    if (best.length === limit && score <= best.at(-1)!.score) continue
    best.splice(best.findLastIndex((better) => better.score >= score) + 1, 0, { place, score })
    if (best.length > limit) best.pop()
  }
  return best.map(({ place }) => place)
}

/**
 * The share of what an exact search finds that was found, over all questions.
 */
export const recall = (
  found: ReadonlyArray<ReadonlyArray<number>>,
  exact: ReadonlyArray<ReadonlyArray<number>>
): number => {
  const hits = exact.map((places, i) => places.filter((place) => found[i]!.includes(place)).length)
  return hits.reduce((sum, count) => sum + count, 0) / exact.reduce((sum, places) => sum + places.length, 0)
}
