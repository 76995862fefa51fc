// Choosing a token from a row of probabilities.

export interface Filter {
  readonly topK: number | undefined
  readonly topP: number | undefined
}

/** The likeliest token; the first one at a tie. */
export const greedy = (probabilities: Float32Array, from: number, size: number): number => {
  let best = from
  for (let i = from + 1; i < from + size; i++) if (probabilities[i]! > probabilities[best]!) best = i
  return best - from
}

const inverse = (probabilities: Float32Array, from: number, size: number, u: number): number => {
  let left = u
  let last = 0
  for (let i = 0; i < size; i++) {
    const p = probabilities[from + i]!
    if (p > 0) {
      left -= p
      last = i
      if (left < 0) return i
    }
  }
  // Rounding left a little of u: the last token that is possible.
  return last
}

/** Draws with `u` in [0, 1), among the `topK` likeliest tokens and the smallest set of them that has probability `topP`. */
export const sample = (probabilities: Float32Array, from: number, size: number, u: number, { topK, topP }: Filter): number => {
  if ((topK === undefined || topK >= size) && (topP === undefined || topP >= 1)) return inverse(probabilities, from, size, u)
  const row = probabilities.subarray(from, from + size)
  const order = Array.from(row.keys()).sort((a, b) => row[b]! - row[a]! || a - b).slice(0, topK ?? size)
  let kept = 0
  let total = 0
  while (kept < order.length && (kept === 0 || topP === undefined || total < topP)) total += row[order[kept++]!]!
  let left = u * total
  for (let i = 0; i < kept; i++) {
    left -= row[order[i]!]!
    if (left < 0) return order[i]!
  }
  return order[kept - 1]!
}
