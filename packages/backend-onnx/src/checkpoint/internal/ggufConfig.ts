// From the metadata of a GGUF file to the config.json of the same model.
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Metadata from "./ggufMetadata.ts"

type Json = Readonly<Record<string, unknown>>

interface Family {
  readonly class: string
  readonly modelType: string
}

const families: ReadonlyMap<string, Family> = new Map([
  ["llama", { class: "LlamaForCausalLM", modelType: "llama" }],
  ["qwen2", { class: "Qwen2ForCausalLM", modelType: "qwen2" }],
  ["qwen3", { class: "Qwen3ForCausalLM", modelType: "qwen3" }],
  ["phi3", { class: "Phi3ForCausalLM", modelType: "phi3" }],
  ["gemma3", { class: "Gemma3ForCausalLM", modelType: "gemma3_text" }]
])

/** The architecture of a file, which has to be one of those that are known. */
export const architecture = (metadata: Metadata.Metadata): Result.Result<string, string> =>
  Result.flatMap(
    Metadata.required(metadata, "general.architecture", Schema.String),
    (name) =>
      families.has(name)
        ? Result.succeed(name)
        : Result.fail(`has general.architecture ${name}; known are ${[...families.keys()].join(", ")}`)
  )

/** Tensors whose numbers are part of the configuration: what the frequencies of the rope are divided by. */
export const ropeTensors = ["rope_freqs.weight", "rope_factors_short.weight", "rope_factors_long.weight"] as const

/** The numbers of those tensors that a file has. */
export type RopeFactors = { readonly [Name in typeof ropeTensors[number]]?: ReadonlyArray<number> | undefined }

// Files keep Llama 3.1's settings as the factors that come of them, in float32. Of its models only `factor` differs.
const llama3 = (factors: ReadonlyArray<number>, theta: number): Json | undefined => {
  const factor = Math.max(...factors)
  const [low, high, original] = [1, 4, 8192]
  const fits = factors.every((found, i) => {
    const turns = original * theta ** (-i / factors.length) / (2 * Math.PI)
    const smooth = Math.min(1, Math.max(0, (turns - low) / (high - low)))
    return Math.abs(found * ((1 - smooth) / factor + smooth) - 1) < 1e-4
  })
  return fits && factor > 1
    ? {
      rope_type: "llama3",
      factor,
      low_freq_factor: low,
      high_freq_factor: high,
      original_max_position_embeddings: original
    }
    : undefined
}

interface Model {
  readonly prefix: string
  readonly theta: number
  readonly contextLength: number
}

// The rope_scaling of config.json.
const scaling = (metadata: Metadata.Metadata, { contextLength, prefix, theta }: Model, factors: RopeFactors) =>
  Result.gen(function*() {
    const key = `${prefix}.rope.scaling`
    const number = (name: string) => Metadata.optional(metadata, `${key}.${name}`, Metadata.above0)
    // The key of older files, for the linear kind.
    const stretch = yield* Metadata.optional(metadata, `${prefix}.rope.scale_linear`, Metadata.above0)
    const type = (yield* Metadata.optional(metadata, `${key}.type`, Schema.String)) ??
      (stretch === undefined ? "none" : "linear")
    const original = yield* Metadata.optional(metadata, `${key}.original_context_length`, Metadata.positive)
    const attention = yield* number("attn_factor")
    const short = factors["rope_factors_short.weight"]
    if (short !== undefined) {
      return {
        rope_type: "longrope",
        short_factor: short,
        long_factor: factors["rope_factors_long.weight"] ?? short,
        attention_factor: attention,
        original_max_position_embeddings: original ?? contextLength
      }
    }
    const divisors = factors["rope_freqs.weight"]
    if (divisors !== undefined && divisors.some((divisor) => divisor !== 1)) {
      // Other factors are those of a LongRoPE that is the same at all lengths.
      return llama3(divisors, theta) ?? {
        rope_type: "longrope",
        short_factor: divisors,
        long_factor: divisors,
        attention_factor: 1,
        original_max_position_embeddings: contextLength
      }
    }
    if (type === "none") return undefined
    if (type === "longrope") {
      return yield* Result.fail(`has a ${key}.type longrope, but no tensor rope_factors_short.weight`)
    }
    if (type !== "linear" && type !== "yarn") {
      return yield* Result.fail(`has a ${key}.type ${type}; known are none, linear, yarn, longrope`)
    }
    const factor = (yield* number("factor")) ?? stretch
    if (factor === undefined) return yield* Result.fail(`has no ${key}.factor`)
    if (type === "linear") return { rope_type: type, factor }
    return {
      rope_type: type,
      factor,
      original_max_position_embeddings: original,
      // Here it is the whole factor, in the file what YaRN's own is multiplied by.
      attention_factor: attention === undefined || attention === 1
        ? undefined
        : attention * (factor <= 1 ? 1 : 0.1 * Math.log(factor) + 1),
      beta_fast: yield* number("yarn_beta_fast"),
      beta_slow: yield* number("yarn_beta_slow")
    }
  })

// Keys that change what a model computes, in ways that none of the families here knows.
const unsupported = ["expert_count", "attn_logit_softcapping", "final_logit_softcapping"]

/**
 * The config.json of a file, or in one line why there is none. `factors` are the numbers of the `ropeTensors` that the
 * file has.
 */
export const config = (
  metadata: Metadata.Metadata,
  tensors: ReadonlyArray<Metadata.Tensor>,
  factors: RopeFactors = {}
): Result.Result<Json, string> =>
  Result.gen(function*() {
    const prefix = yield* architecture(metadata)
    const { class: name, modelType } = families.get(prefix)!
    const integer = (key: string) => Metadata.required(metadata, `${prefix}.${key}`, Metadata.positive)
    const maybe = <A>(key: string, schema: Schema.Decoder<A>) => Metadata.optional(metadata, `${prefix}.${key}`, schema)
    const shapes = new Map(tensors.map(({ name, shape }) => [name, shape]))

    for (const key of unsupported) {
      const value = yield* maybe(key, Schema.Finite)
      if (value !== undefined && value !== 0) {
        return yield* Result.fail(`has ${prefix}.${key} ${value}, which is not supported`)
      }
    }
    const missing = ropeTensors.find((tensor) => shapes.has(tensor) && factors[tensor] === undefined)
    if (missing !== undefined) return yield* Result.fail(`has a tensor ${missing}, whose numbers have not been read`)

    const layers = yield* integer("block_count")
    const hiddenSize = yield* integer("embedding_length")
    const heads = yield* integer("attention.head_count")
    const contextLength = yield* integer("context_length")
    // Some files leave it to the tensors how large a head is.
    const projected = shapes.get("blk.0.attn_output.weight")?.[1] ?? hiddenSize
    const headSize = (yield* maybe("attention.key_length", Metadata.positive)) ?? projected / heads
    const valueSize = yield* maybe("attention.value_length", Metadata.positive)
    if (valueSize !== undefined && valueSize !== headSize) {
      return yield* Result.fail(
        `has ${prefix}.attention.value_length ${valueSize} beside keys of ${headSize}, which is not supported`
      )
    }
    const rotarySize = (yield* maybe("rope.dimension_count", Metadata.positive)) ?? headSize
    const theta = (yield* maybe("rope.freq_base", Metadata.above0)) ?? 10_000
    const rope = yield* scaling(metadata, { prefix, theta, contextLength }, factors)
    // Files without a window have 0, or no such key.
    const window = yield* maybe("attention.sliding_window", Metadata.tokenId)
    if (prefix === "gemma3" && window === undefined) {
      return yield* Result.fail(`has no ${prefix}.attention.sliding_window`)
    }
    const isMistral = prefix === "llama" && window !== undefined && window > 0
    const vocabularySize = shapes.get("token_embd.weight")?.[0]
    if (vocabularySize === undefined) return yield* Result.fail("has no tensor token_embd.weight")
    const id = (token: string) => Metadata.token(metadata, `tokenizer.ggml.${token}_token_id`, vocabularySize)

    const described = {
      architectures: [isMistral ? "MistralForCausalLM" : name],
      model_type: isMistral ? "mistral" : modelType,
      vocab_size: vocabularySize,
      hidden_size: hiddenSize,
      intermediate_size: yield* integer("feed_forward_length"),
      num_hidden_layers: layers,
      num_attention_heads: heads,
      num_key_value_heads: (yield* maybe("attention.head_count_kv", Metadata.positive)) ?? heads,
      head_dim: headSize,
      rms_norm_eps: yield* Metadata.required(
        metadata,
        `${prefix}.attention.layer_norm_rms_epsilon`,
        Metadata.above0
      ),
      max_position_embeddings: contextLength,
      rope_theta: theta,
      rope_scaling: rope,
      partial_rotary_factor: rotarySize === headSize ? undefined : rotarySize / headSize,
      tie_word_embeddings: !shapes.has("output.weight"),
      bos_token_id: yield* id("bos"),
      eos_token_id: yield* id("eos"),
      pad_token_id: yield* id("padding"),
      torch_dtype: "float32"
    }
    const biases = prefix === "qwen2" ? {} : {
      attention_bias: shapes.has("blk.0.attn_q.bias"),
      mlp_bias: shapes.has("blk.0.ffn_up.bias")
    }
    // Every how many layers there is one without a window, or for each layer whether it has one.
    const pattern = yield* maybe(
      "attention.sliding_window_pattern",
      Schema.Union([Metadata.positive, Schema.Array(Schema.Boolean)])
    )
    const ofFamily = prefix === "gemma3"
      ? {
        hidden_activation: "gelu_pytorch_tanh",
        sliding_window: window,
        ...(typeof pattern === "object"
          ? { layer_types: pattern.map((local) => local ? "sliding_attention" : "full_attention") }
          : { sliding_window_pattern: pattern ?? 6 }),
        rope_local_base_freq: (yield* maybe("rope.freq_base_swa", Metadata.above0)) ?? 10_000,
        // The one of 27 billion parameters, which alone has 62 layers, divides by the square root of this.
        query_pre_attn_scalar: layers === 62 ? hiddenSize / heads : headSize
      }
      : {
        hidden_act: "silu",
        sliding_window: window === 0 || prefix === "qwen2" || prefix === "qwen3" ? undefined : window,
        original_max_position_embeddings: rope?.rope_type === "longrope"
          ? rope.original_max_position_embeddings
          : undefined
      }
    // A file has no keys without a value.
    return JSON.parse(JSON.stringify({ ...described, ...biases, ...ofFamily })) as Json
  })
