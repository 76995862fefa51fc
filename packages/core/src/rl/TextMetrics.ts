/**
 * Published metrics of how well an answer agrees with the gold answer. Plain functions of two strings, for reports and
 * comparisons. Training uses a stricter reward: see `Reward.exactMatch`.
 *
 * Three versions of F1 are in use and differ by several points. Every name here says which one it is.
 *
 * @since 0.1.0
 */
import { wordTokenize } from "../internal/wordTokenize.ts"
import { listItems, sameItems } from "../language/listItems.ts"

// Python's `string.punctuation`, the word characters of its `\b`, and the white space of its `split`.
const punctuation = /[!-/:-@[-`{-~]/g
const articles = /(?<![\p{L}\p{N}_])(?:a|an|the)(?![\p{L}\p{N}_])/gu
const whiteSpace = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/

const squadWords = (text: string): ReadonlyArray<string> =>
  text.toLowerCase().replace(punctuation, "").replace(articles, " ").split(whiteSpace).filter((word) => word !== "")

/**
 * The `normalize_answer` of SQuAD's evaluation script: lower case, without ASCII punctuation and the articles a, an,
 * the.
 *
 * @category formatting
 * @since 0.1.0
 */
export const squadNormalize = (text: string): string => squadWords(text).join(" ")

/**
 * SQuAD's exact match (Rajpurkar et al. 2016): 1 if both texts are the same after `squadNormalize`, else 0. With
 * `list`, both texts may list the same items in any order.
 *
 * Use it to compare with published results. It treats "-5" as "5" and "C++" as "C#", so train with `Reward.exactMatch`.
 *
 * @example
 * ```ts
 * import { TextMetrics } from "@memory-r1/core/rl"
 *
 * TextMetrics.squadExactMatch("The Scout!", "scout") // => 1
 * TextMetrics.squadExactMatch("Buddy", "Buddy and Scout") // => 0
 * TextMetrics.squadExactMatch("Scout and Buddy", "Buddy and Scout", true) // => 1
 * TextMetrics.squadExactMatch("-5", "5") // => 1
 * ```
 *
 * @category getters
 * @since 0.1.0
 */
export const squadExactMatch = (prediction: string, gold: string, list = false): number => {
  if (!list) return squadNormalize(prediction) === squadNormalize(gold) ? 1 : 0
  return sameItems(listItems(prediction, squadNormalize), listItems(gold, squadNormalize)) ? 1 : 0
}

/**
 * The tokens of the scorers of A-Mem, mem0 and Memory-R1: lower case, with `. , ! ?` replaced by spaces.
 *
 * @category getters
 * @since 0.1.0
 */
export const simpleTokens = (text: string): ReadonlyArray<string> =>
  text.toLowerCase().replace(/[.,!?]/g, " ").split(/\s+/).filter((token) => token !== "")

const harmonic = (overlap: number, predicted: number, wanted: number): number =>
  overlap === 0 ? 0 : (2 * overlap) / (predicted + wanted)

/**
 * F1 over the *sets* of `simpleTokens`. A-Mem, mem0 and Memory-R1 report this F1.
 *
 * @example
 * ```ts
 * import { TextMetrics } from "@memory-r1/core/rl"
 *
 * TextMetrics.setF1("Buddy and Scout", "Scout") // => 0.5
 * ```
 *
 * @category getters
 * @since 0.1.0
 */
export const setF1 = (prediction: string, gold: string): number => {
  const predicted = new Set(simpleTokens(prediction))
  const wanted = new Set(simpleTokens(gold))
  let overlap = 0
  for (const token of predicted) if (wanted.has(token)) overlap++
  return harmonic(overlap, predicted.size, wanted.size)
}

/**
 * SQuAD's F1, over the multisets of words after `squadNormalize`.
 *
 * @category getters
 * @since 0.1.0
 */
export const squadF1 = (prediction: string, gold: string): number => {
  const [predicted, wanted] = [squadWords(prediction), squadWords(gold)]
  return harmonic(clippedOverlap(predicted, wanted), predicted.length, wanted.length)
}

const clippedOverlap = (predicted: ReadonlyArray<string>, wanted: ReadonlyArray<string>): number => {
  const left = new Map<string, number>()
  for (const token of wanted) left.set(token, (left.get(token) ?? 0) + 1)
  let overlap = 0
  for (const token of predicted) {
    const count = left.get(token) ?? 0
    if (count > 0) {
      overlap++
      left.set(token, count - 1)
    }
  }
  return overlap
}

/**
 * BLEU-1 as A-Mem, mem0 and Memory-R1 report it: NLTK's `sentence_bleu` with weights (1, 0, 0, 0) over `word_tokenize`
 * of the lower-cased texts, so punctuation marks are tokens. It is the clipped unigram precision times the brevity
 * penalty `exp(1 - |gold| / |prediction|)` of Papineni et al. 2002. It is 0 if the texts share no token, because NLTK
 * smooths only longer n-grams.
 *
 * @example
 * ```ts
 * import { TextMetrics } from "@memory-r1/core/rl"
 *
 * TextMetrics.bleu1("Buddy and Scout", "Scout, Buddy") // => 0.6666666666666666
 * TextMetrics.bleu1("Scout", "Buddy") // => 0
 * ```
 *
 * @category getters
 * @since 0.1.0
 */
export const bleu1 = (prediction: string, gold: string): number => {
  const predicted = wordTokenize(prediction.toLowerCase())
  const wanted = wordTokenize(gold.toLowerCase())
  if (predicted.length === 0) return 0
  const brevity = predicted.length >= wanted.length ? 1 : Math.exp(1 - wanted.length / predicted.length)
  return brevity * clippedOverlap(predicted, wanted) / predicted.length
}
