// Heads that begin by attending to a token at a fixed distance, through rotary positions alone.
//
// With the weights near zero, queries and keys are their biases q and k, and the score of a token d positions before is
// (R(d θ) q) · k, R being the rotary rotation. With q = R(-D θ) k it is Σ c² cos((d - D) θ_f), which is largest at d =
// D. The quickest frequencies tell neighbours apart; the slow ones would only add the same number to every score.
import type { Decoder } from "./architecture.ts"
import * as Parameters from "./parameters.ts"

const frequencies = 6
// One token further off scores about 3 less than the one at the distance, with heads of size 32.
const magnitude = 5

/**
 * Sets the biases of the first `count` heads of the first layer; `false` where a model has not so many heads, or no
 * such biases.
 */
export const initialize = (
  { decoder, layout }: { readonly decoder: Decoder; readonly layout: Parameters.Layout },
  weights: Float32Array,
  count: number
): boolean => {
  if (count === 0) return true
  if (!Number.isInteger(count) || count < 0 || count > decoder.heads) return false
  const bias = (projection: string) => {
    const parameter = layout.parameters.find(({ name }) => name === `model.layers.0.self_attn.${projection}_proj.bias`)
    return parameter === undefined ? undefined : Parameters.view(weights, parameter)
  }
  const query = bias("q")
  const key = bias("k")
  if (query === undefined || key === undefined) return false
  const half = decoder.ropes[0]!.inverseFrequencies.length
  const headsPerKey = decoder.heads / decoder.keyValueHeads
  for (let head = 0; head < count; head++) {
    for (let f = 0; f < Math.min(frequencies, half); f++) {
      const angle = (head + 1) * decoder.ropes[0]!.inverseFrequencies[f]!
      key[Math.floor(head / headsPerKey) * decoder.headSize + f] = magnitude
      query[head * decoder.headSize + f] = magnitude * Math.cos(angle)
      query[head * decoder.headSize + half + f] = -magnitude * Math.sin(angle)
    }
  }
  return true
}
