// From config.json to what the graphs need to know. Two families here; each further one is an entry in the table.
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/** A decoder of the Llama kind: RMSNorm, rotary positions, grouped-query attention, SwiGLU. */
export interface Decoder {
  readonly vocabularySize: number
  readonly hiddenSize: number
  readonly intermediateSize: number
  readonly layers: number
  readonly heads: number
  readonly keyValueHeads: number
  readonly headSize: number
  readonly normEpsilon: number
  readonly ropeTheta: number
  readonly contextLength: number
  readonly tied: boolean
  /** Biases on the query, key and value projections (Qwen2), and on the output projection (Llama's `attention_bias`). */
  readonly attentionBias: { readonly qkv: boolean; readonly output: boolean }
}

const positive = Schema.Int.check(Schema.isGreaterThan(0))
const above0 = Schema.Finite.check(Schema.isGreaterThan(0))

const Named = Schema.Struct({ architectures: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.String))) })

const Config = Schema.Struct({
  vocab_size: positive,
  hidden_size: positive,
  intermediate_size: positive,
  // More than any model has: what is above is a mistake, and would be a graph that never ends.
  num_hidden_layers: positive.check(Schema.isLessThanOrEqualTo(1000)),
  num_attention_heads: positive,
  num_key_value_heads: Schema.optionalKey(Schema.NullOr(positive)),
  head_dim: Schema.optionalKey(Schema.NullOr(positive)),
  hidden_act: Schema.optionalKey(Schema.String),
  rms_norm_eps: above0,
  rope_theta: Schema.optionalKey(above0),
  rope_scaling: Schema.optionalKey(Schema.NullOr(Schema.Unknown)),
  // transformers 5 writes both rope settings as one object.
  rope_parameters: Schema.optionalKey(Schema.NullOr(Schema.Struct({
    rope_theta: Schema.optionalKey(above0),
    rope_type: Schema.optionalKey(Schema.String)
  }))),
  max_position_embeddings: positive,
  tie_word_embeddings: Schema.optionalKey(Schema.Boolean),
  attention_bias: Schema.optionalKey(Schema.Boolean),
  mlp_bias: Schema.optionalKey(Schema.Boolean),
  use_sliding_window: Schema.optionalKey(Schema.Boolean)
})
type Config = typeof Config.Type

const families: Readonly<Record<string, (config: Config) => Decoder["attentionBias"]>> = {
  LlamaForCausalLM: ({ attention_bias = false }) => ({ qkv: attention_bias, output: attention_bias }),
  Qwen2ForCausalLM: () => ({ qkv: true, output: false })
}

/** The decoder that a config.json describes, or in one line why it cannot be run. */
export const fromConfig = (json: unknown): Result.Result<Decoder, string> => {
  const invalid = (error: Schema.SchemaError) =>
    Result.fail(`is no decoder configuration: ${error.message.replaceAll(/\s+/g, " ")}`)
  // The architecture first: the configurations of others lack what those here have.
  const named = Schema.decodeUnknownResult(Named)(json)
  if (Result.isFailure(named)) return invalid(named.failure)
  const architecture = named.success.architectures?.[0] ?? "(none)"
  if (!Object.hasOwn(families, architecture)) {
    return Result.fail(`names architecture ${architecture}; known are ${Object.keys(families).join(", ")}`)
  }
  const decoded = Schema.decodeUnknownResult(Config)(json)
  if (Result.isFailure(decoded)) return invalid(decoded.failure)
  const config = decoded.success
  const { hidden_size, num_attention_heads } = config
  const rope = config.rope_parameters ?? undefined
  const unsupported = [
    ...(config.hidden_act === undefined || config.hidden_act === "silu" ? [] : [`hidden_act ${config.hidden_act}`]),
    ...(config.rope_scaling == null && (rope?.rope_type ?? "default") === "default" ? [] : ["rope scaling"]),
    ...(config.mlp_bias === true ? ["mlp_bias"] : []),
    ...(config.use_sliding_window === true ? ["sliding-window attention"] : [])
  ]
  if (unsupported.length > 0) return Result.fail(`asks for ${unsupported.join(" and ")}, which is not supported yet`)
  const keyValueHeads = config.num_key_value_heads ?? num_attention_heads
  const headSize = config.head_dim ?? hidden_size / num_attention_heads
  if (num_attention_heads % keyValueHeads !== 0 || !Number.isInteger(headSize) || headSize % 2 !== 0) {
    return Result.fail(`has heads that do not fit: ${num_attention_heads} heads, ${keyValueHeads} of keys and values, size ${headSize}`)
  }
  return Result.succeed({
    vocabularySize: config.vocab_size,
    hiddenSize: hidden_size,
    intermediateSize: config.intermediate_size,
    layers: config.num_hidden_layers,
    heads: num_attention_heads,
    keyValueHeads,
    headSize,
    normEpsilon: config.rms_norm_eps,
    ropeTheta: config.rope_theta ?? rope?.rope_theta ?? 10_000,
    contextLength: config.max_position_embeddings,
    tied: config.tie_word_embeddings ?? false,
    attentionBias: families[architecture]!(config)
  })
}

/** A parameter by its Hugging Face name; matrices are `[out, in]`. */
export interface ParameterShape {
  readonly name: string
  readonly shape: ReadonlyArray<number>
}

/** Every parameter of a decoder, in the order of the model. */
export const parameterShapes = (decoder: Decoder): ReadonlyArray<ParameterShape> => {
  const { attentionBias, headSize, heads, hiddenSize, intermediateSize, keyValueHeads, tied, vocabularySize } = decoder
  const layer = (i: number): ReadonlyArray<ParameterShape> => {
    const prefix = `model.layers.${i}`
    const projection = (name: string, out: number, inner: number, bias: boolean): ReadonlyArray<ParameterShape> => [
      { name: `${prefix}.${name}.weight`, shape: [out, inner] },
      ...(bias ? [{ name: `${prefix}.${name}.bias`, shape: [out] }] : [])
    ]
    return [
      { name: `${prefix}.input_layernorm.weight`, shape: [hiddenSize] },
      ...projection("self_attn.q_proj", heads * headSize, hiddenSize, attentionBias.qkv),
      ...projection("self_attn.k_proj", keyValueHeads * headSize, hiddenSize, attentionBias.qkv),
      ...projection("self_attn.v_proj", keyValueHeads * headSize, hiddenSize, attentionBias.qkv),
      ...projection("self_attn.o_proj", hiddenSize, heads * headSize, attentionBias.output),
      { name: `${prefix}.post_attention_layernorm.weight`, shape: [hiddenSize] },
      ...projection("mlp.gate_proj", intermediateSize, hiddenSize, false),
      ...projection("mlp.up_proj", intermediateSize, hiddenSize, false),
      ...projection("mlp.down_proj", hiddenSize, intermediateSize, false)
    ]
  }
  return [
    { name: "model.embed_tokens.weight", shape: [vocabularySize, hiddenSize] },
    ...Array.from({ length: decoder.layers }, (_, i) => layer(i)).flat(),
    { name: "model.norm.weight", shape: [hiddenSize] },
    ...(tied ? [] : [{ name: "lm_head.weight", shape: [vocabularySize, hiddenSize] }])
  ]
}
