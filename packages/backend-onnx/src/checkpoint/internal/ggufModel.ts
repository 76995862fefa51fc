// The model that a GGUF file describes, as a Hugging Face directory would describe it: the files beside the weights,
// and where the weights are.
import * as Result from "effect/Result"
import * as Architecture from "../../model/architecture.ts"
import * as GgufConfig from "./ggufConfig.ts"
import { type Metadata, type Tensor, tokens as tokensOf } from "./ggufMetadata.ts"
import * as GgufTensors from "./ggufTensors.ts"
import * as GgufTokenizer from "./ggufTokenizer.ts"

export { type RopeFactors, ropeTensors } from "./ggufConfig.ts"
export type { Metadata, Tensor } from "./ggufMetadata.ts"

type Json = Readonly<Record<string, unknown>>

export interface GgufModel extends GgufTensors.Sources {
  readonly decoder: Architecture.Decoder
  readonly files: {
    readonly "config.json": Json
    readonly "tokenizer.json": Json
    readonly "tokenizer_config.json": Json
    readonly "generation_config.json": Json
  }
}

/**
 * The model of a file with these key/value pairs and tensors, or in one line why there is none. `factors` are the
 * numbers of the `ropeTensors` that the file has.
 */
export const make = (
  metadata: Metadata,
  stored: ReadonlyArray<Tensor>,
  factors: GgufConfig.RopeFactors = {}
): Result.Result<GgufModel, string> =>
  Result.gen(function*() {
    const architecture = yield* GgufConfig.architecture(metadata)
    const config = yield* GgufConfig.config(metadata, stored, factors)
    const decoder = yield* Architecture.fromConfig(config)
    const tokens = yield* tokensOf(metadata)
    if (tokens.length > decoder.vocabularySize) {
      return yield* Result.fail(
        `has ${tokens.length} tokens in tokenizer.ggml.tokens, but token_embd.weight only ${decoder.vocabularySize}`
      )
    }
    const sources = yield* GgufTensors.tensors(architecture, decoder, stored)
    const { generationConfig, tokenizer, tokenizerConfig } = yield* GgufTokenizer.tokenizer(metadata)
    return {
      ...sources,
      decoder,
      files: {
        "config.json": config,
        "tokenizer.json": tokenizer,
        "tokenizer_config.json": tokenizerConfig,
        "generation_config.json": generationConfig
      }
    }
  })
