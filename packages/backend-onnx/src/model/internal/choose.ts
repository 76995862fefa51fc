// Choosing a token from a row of probabilities.

export interface Filter {
  readonly topK: number | undefined
  readonly topP: number | undefined
  readonly minP?: number | undefined
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

// Indices of the largest numbers of a row, in falling order: at least `count` of them, or as many as add up to `mass`,
// or all above `floor`. To sort all of a vocabulary takes longer than to compute it; few of its tokens are likely.
const likeliest = (row: Float32Array, count: number, mass: number, floor: number): ReadonlyArray<number> => {
  for (let least = Math.max(floor, 1e-3);; least = least < 1e-12 ? floor : Math.max(floor, least / 32)) {
    const found: Array<number> = []
    let total = 0
    for (let i = 0; i < row.length; i++) {
      if (row[i]! >= least) {
        found.push(i)
        total += row[i]!
      }
    }
    // A little more than is asked for, since the sum in falling order rounds otherwise.
    if (found.length >= count || total >= mass + 1e-4 || least <= floor) {
      return found.sort((a, b) => row[b]! - row[a]! || a - b)
    }
  }
}

/**
 * Draws with `u` in [0, 1), among the `topK` likeliest tokens, the smallest set of them that has probability `topP`,
 * and those that have at least `minP` times the probability of the likeliest.
 */
export const sample = (
  probabilities: Float32Array,
  from: number,
  size: number,
  u: number,
  { minP = 0, topK, topP }: Filter
): number => {
  if ((topK === undefined || topK >= size) && (topP === undefined || topP >= 1) && minP <= 0) {
    return inverse(probabilities, from, size, u)
  }
  const row = probabilities.subarray(from, from + size)
  const least = minP * row[greedy(row, 0, size)]!
  const order = likeliest(row, Math.min(size, topK ?? size), topP === undefined || topP >= 1 ? Infinity : topP, least)
    .slice(0, topK ?? size)
  let kept = 0
  let total = 0
  while (kept < order.length && (kept === 0 || ((topP === undefined || total < topP) && row[order[kept]!]! >= least))) {
    total += row[order[kept++]!]!
  }
  let left = u * total
  for (let i = 0; i < kept; i++) {
    left -= row[order[i]!]!
    if (left < 0) return order[i]!
  }
  return order[kept - 1]!
}
