// What one family of decoders has that others have not.
import type { Config } from "../config.ts"

export interface Traits {
  /** Biases on the query, key and value projections, on the output projection, and on those of the MLP. */
  readonly bias?: {
    readonly qkv?: boolean | undefined
    readonly output?: boolean | undefined
    readonly mlp?: boolean | undefined
  } | undefined
  /** RMSNorm of each head's queries and keys before they are turned. */
  readonly headNorm?: boolean | undefined
  /** Norms after attention and after the MLP too, and not only before. */
  readonly sandwich?: boolean | undefined
  /** Norms scale by 1 + weight. */
  readonly normOffset?: 1 | undefined
  /** Embeddings are multiplied by it. */
  readonly embeddingScale?: number | undefined
  /** In place of the size of a head, whose square root divides the scores. */
  readonly queryScalar?: number | undefined
  /** Projections that lie in one matrix, `qkv_proj` and `gate_up_proj`. */
  readonly fused?: boolean | undefined
  /** Whether embeddings are tied where config.json does not say. */
  readonly tied?: boolean | undefined
  /** The base of the rope where config.json does not say, and that of layers with a window. */
  readonly theta?: number | undefined
  readonly localTheta?: number | undefined
  /** Tokens that a layer sees, its own among them; all without one. */
  readonly window?: ((layer: number) => number | undefined) | undefined
}

export interface Family {
  readonly architecture: string
  readonly traits: (config: Config) => Traits
}

/**
 * The windows of the layers that `layer_types` names, or else of those that are `windowed`; transformers takes 4096
 * where no size is given.
 */
export const windows = (
  config: Config,
  windowed: (layer: number) => boolean,
  { otherwise = 4096 }: { readonly otherwise?: number | null | undefined } = {}
): NonNullable<Traits["window"]> => {
  const size = config.sliding_window === undefined ? otherwise : config.sliding_window
  return (layer) =>
    (config.layer_types == null ? windowed(layer) : config.layer_types[layer] === "sliding_attention")
      ? size ?? undefined
      : undefined
}
