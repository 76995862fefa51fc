/**
 * How well an answer agrees with the gold answer. Plain functions of two strings.
 *
 * Three F1s are in circulation and differ by several points; every name here says which one it is.
 */
import { wordTokenize } from "./internal/wordTokenize.ts"

/**
 * Lower-cases, drops punctuation and the articles a, an, the, and folds white space (the SQuAD normalisation).
 */
export const normalize = (text: string): string =>
  text.toLowerCase().replace(/[\p{P}\p{S}]/gu, "").replace(/\b(a|an|the)\b/g, " ").replace(/\s+/g, " ").trim()

/**
 * 1 when both texts are the same after `normalize`, else 0. The paper's reward.
 *
 * @example
 * ```ts
 * import { TextMetrics } from "@memory-r1/core"
 *
 * TextMetrics.exactMatch("The Scout!", "scout") // => 1
 * TextMetrics.exactMatch("Buddy", "Buddy and Scout") // => 0
 * ```
 */
export const exactMatch = (prediction: string, gold: string): number => normalize(prediction) === normalize(gold) ? 1 : 0

/**
 * The items of a list in prose: "Buddy, Tom and Scout" has three.
 */
export const listItems = (text: string): ReadonlyArray<string> =>
  text.split(/,|;|\band\b/i).map(normalize).filter((item) => item !== "")

/**
 * 1 when both texts list the same items in any order, else 0.
 *
 * @example
 * ```ts
 * import { TextMetrics } from "@memory-r1/core"
 *
 * TextMetrics.exactListMatch("Scout and Buddy", "Buddy and Scout") // => 1
 * ```
 */
export const exactListMatch = (prediction: string, gold: string): number => {
  const predicted = listItems(prediction)
  const wanted = listItems(gold)
  const set = new Set(wanted)
  return predicted.length === wanted.length && new Set(predicted).size === set.size && predicted.every((item) => set.has(item))
    ? 1
    : 0
}

/**
 * The tokens of A-Mem's, mem0's and Memory-R1's scorers: lower case, `. , ! ?` replaced by spaces.
 */
export const simpleTokens = (text: string): ReadonlyArray<string> =>
  text.toLowerCase().replace(/[.,!?]/g, " ").split(/\s+/).filter((token) => token !== "")

const harmonic = (overlap: number, predicted: number, wanted: number): number =>
  overlap === 0 ? 0 : (2 * overlap) / (predicted + wanted)

/**
 * F1 over the *sets* of `simpleTokens`: the F1 that A-Mem, mem0 and Memory-R1 report.
 *
 * @example
 * ```ts
 * import { TextMetrics } from "@memory-r1/core"
 *
 * TextMetrics.setF1("Buddy and Scout", "Scout") // => 0.5
 * ```
 */
export const setF1 = (prediction: string, gold: string): number => {
  const predicted = new Set(simpleTokens(prediction))
  const wanted = new Set(simpleTokens(gold))
  let overlap = 0
  for (const token of predicted) if (wanted.has(token)) overlap++
  return harmonic(overlap, predicted.size, wanted.size)
}

/**
 * F1 over the multisets of normalised words (SQuAD).
 */
export const squadF1 = (prediction: string, gold: string): number => {
  const predicted = normalize(prediction).split(" ").filter((word) => word !== "")
  const wanted = normalize(gold).split(" ").filter((word) => word !== "")
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
 * BLEU-1 as A-Mem, mem0 and Memory-R1 report it: NLTK's `sentence_bleu` with weights (1, 0, 0, 0) over `word_tokenize` of the
 * lower-cased texts, so that punctuation marks are tokens. Clipped unigram precision times the brevity penalty
 * `exp(1 - |gold| / |prediction|)` of Papineni et al. 2002; 0 where no token is shared (NLTK smooths longer n-grams only).
 *
 * @example
 * ```ts
 * import { TextMetrics } from "@memory-r1/core"
 *
 * TextMetrics.bleu1("Buddy and Scout", "Scout, Buddy") // => 0.6666666666666666
 * TextMetrics.bleu1("Scout", "Buddy") // => 0
 * ```
 */
export const bleu1 = (prediction: string, gold: string): number => {
  const predicted = wordTokenize(prediction.toLowerCase())
  const wanted = wordTokenize(gold.toLowerCase())
  if (predicted.length === 0) return 0
  const brevity = predicted.length >= wanted.length ? 1 : Math.exp(1 - wanted.length / predicted.length)
  return brevity * clippedOverlap(predicted, wanted) / predicted.length
}
