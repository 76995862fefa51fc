// The critic's head: one number from each hidden state, in the names of transformers' token classification.
import type { Decoder } from "./architecture.ts"
import * as Parameters from "./parameters.ts"

/** The file beside a model or an adapter. */
export const file = "value_head.safetensors"

/** Its parameters, which begin at zero: a critic that knows nothing. */
export const parameters = ({ hiddenSize }: Pick<Decoder, "hiddenSize">) => [
  { name: "score.weight", shape: [1, hiddenSize] },
  { name: "score.bias", shape: [1] }
]

export const layout = (decoder: Pick<Decoder, "hiddenSize">): Parameters.Layout =>
  Parameters.layout(parameters(decoder).map((parameter) => ({ ...parameter, parts: [parameter] })))
