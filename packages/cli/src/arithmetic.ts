/**
 * What a decoder costs, in operations and bytes.
 *
 * @since 0.1.0
 */
import type { Checkpoint } from "@memory-r1/backend-onnx"

type Decoder = Checkpoint.Description["decoder"]

/**
 * Multiplications and additions of one token forward: twice the parameters that it passes through.
 *
 * @category getters
 * @since 0.1.0
 */
export const flopsPerToken = (
  { headSize, heads, hiddenSize, intermediateSize, keyValueHeads, layers, vocabularySize }: Decoder,
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
  { heads, hiddenSize, intermediateSize, layers }: Decoder,
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
export const cacheBytesPerToken = ({ headSize, keyValueHeads, layers }: Decoder): number =>
  4 * 2 * layers * keyValueHeads * headSize

/**
 * Bytes of a weight as it is held.
 *
 * @category getters
 * @since 0.1.0
 */
export const bytesPerWeight = { float32: 4, float16: 2, int8: 1, int4: 0.5 } as const
