/**
 * What a decoder costs, in operations and bytes.
 *
 * @since 0.1.0
 */
import type { Checkpoint } from "@memory-r1/backend-onnx"

/**
 * What of a decoder its costs depend on.
 *
 * @category models
 * @since 0.1.0
 */
export type Size = Pick<
  Checkpoint.Description["decoder"],
  "headSize" | "heads" | "hiddenSize" | "intermediateSize" | "keyValueHeads" | "layers" | "vocabularySize"
>

/**
 * Multiplications and additions of one token forward: twice the parameters that it passes through.
 *
 * @category getters
 * @since 0.1.0
 */
export const flopsPerToken = (
  { headSize, heads, hiddenSize, intermediateSize, keyValueHeads, layers, vocabularySize }: Size,
  withVocabulary: boolean
): number => {
  const attention = hiddenSize * headSize * (2 * heads + 2 * keyValueHeads)
  return 2 *
    (layers * (attention + 3 * hiddenSize * intermediateSize) + (withVocabulary ? vocabularySize * hiddenSize : 0))
}

/**
 * Bytes that a pass of the gradient holds for one token: what goes into each product of each layer, and the weights of
 * attention to so many tokens. With layers that are computed a second time, what goes from one to the next, and one
 * layer's own.
 *
 * @category getters
 * @since 0.1.0
 */
export const activationBytesPerToken = (
  { heads, hiddenSize, intermediateSize, layers }: Size,
  attended: number,
  checkpointing: boolean
): number => {
  const layer = 4 * (10 * hiddenSize + 4 * intermediateSize + 3 * heads * attended)
  return checkpointing ? 4 * layers * hiddenSize + 2 * layer : layers * layer
}

/**
 * Bytes of the keys and values of one token.
 *
 * @category getters
 * @since 0.1.0
 */
export const cacheBytesPerToken = ({ headSize, keyValueHeads, layers }: Size): number =>
  4 * 2 * layers * keyValueHeads * headSize

/**
 * Bytes of a weight as it is held.
 *
 * @category getters
 * @since 0.1.0
 */
export const bytesPerWeight = { float32: 4, float16: 2, int8: 1, int4: 0.5 } as const

// Part of the bare rate of products that whole passes reach (docs/engine.md), and what a step of decoding takes beside
// reading the weights.
const efficiency = 0.45
const bytesPerSecond = 10e9
const secondsPerLayer = 0.3e-3

/**
 * Seconds that parts of a step take on a machine with a rate of products in GFLOP/s: prompts and completions forward,
 * rows of completions decoded side by side, and a gradient, of an adapter or of all weights.
 *
 * @category getters
 * @since 0.1.0
 */
export const times = (
  size: Size,
  { gflops, isAdapter, weightBytes }: {
    readonly gflops: number
    readonly weightBytes: number
    readonly isAdapter: boolean
  }
) => {
  const rate = efficiency * gflops * 1e9
  const forward = (prompt: number, completion: number): number =>
    (prompt * flopsPerToken(size, false) + completion * flopsPerToken(size, true)) / rate
  return {
    forward,
    // Reading the weights takes as long for many rows as for one.
    decode: (rows: number, tokens: number): number =>
      tokens * Math.ceil(rows / 256) * (weightBytes / bytesPerSecond + size.layers * secondsPerLayer) +
      forward(0, rows * tokens),
    // A gradient passes over everything about twice more, an adapter's once.
    gradient: (prompt: number, completion: number): number => (isAdapter ? 2 : 3) * forward(prompt, completion)
  }
}
