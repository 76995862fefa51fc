// From config.json to what the graphs need to know. What families have in common is read here; what each has of its own
// is an entry of the table.
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { Config, Named } from "./internal/config.ts"
import type { Family } from "./internal/families/Family.ts"
import { gemma3 } from "./internal/families/gemma3.ts"
import { llama } from "./internal/families/llama.ts"
import { mistral } from "./internal/families/mistral.ts"
import { phi3 } from "./internal/families/phi3.ts"
import { qwen2 } from "./internal/families/qwen2.ts"
import { qwen3 } from "./internal/families/qwen3.ts"
import * as Rope from "./rope.ts"

/**
 * A decoder of the Llama kind: RMSNorm, rotary positions, grouped-query attention, a gated MLP. `tied`: the embeddings
 * are the output's matrix too. `contextLength` is in tokens.
 */
export interface Decoder {
  readonly vocabularySize: number
  readonly hiddenSize: number
  readonly intermediateSize: number
  readonly layers: number
  readonly heads: number
  readonly keyValueHeads: number
  readonly headSize: number
  readonly contextLength: number
  readonly tied: boolean
  /** @internal */
  readonly norm: { readonly epsilon: number; readonly offset: number }
  /** @internal */
  readonly activation: "silu" | "gelu" | "geluTanh"
  /** @internal */
  readonly bias: { readonly qkv: boolean; readonly output: boolean; readonly mlp: boolean }
  /** @internal */
  readonly headNorm: boolean
  /** @internal Norms after attention and MLP, beside those before. */
  readonly sandwich: boolean
  /** @internal */
  readonly embeddingScale: number
  /** @internal */
  readonly attentionScale: number
  /** @internal Projections are stored as `qkv_proj` and `gate_up_proj`. */
  readonly fused: boolean
  /** @internal */
  readonly ropes: ReadonlyArray<Rope.Rope>
  /** @internal Which rope each layer has, and how many tokens it sees, its own among them; all without a window. */
  readonly layerKinds: ReadonlyArray<{ readonly rope: number; readonly window: number | undefined }>
}

const families: ReadonlyMap<string, Family> = new Map(
  [llama, qwen2, qwen3, mistral, phi3, gemma3].map((family) => [family.architecture, family])
)

const activations: Readonly<Record<string, Decoder["activation"]>> = {
  silu: "silu",
  swish: "silu",
  gelu: "gelu",
  gelu_pytorch_tanh: "geluTanh"
}

// Settings of the layers that see everything, and of those with a window.
const ropeSettings = (config: Config): { readonly full: Rope.Settings; readonly local: Rope.Settings } => {
  const given = config.rope_parameters
  if (given == null) return { full: config.rope_scaling ?? {}, local: {} }
  return "full_attention" in given
    ? { full: given.full_attention, local: given.sliding_attention ?? {} }
    : { full: given, local: {} }
}

/** The decoder that a config.json describes, or in one line why it cannot be run. */
export const fromConfig = (json: unknown): Result.Result<Decoder, string> => {
  const invalid = (error: Schema.SchemaError) =>
    Result.fail(`is no decoder configuration: ${error.message.replaceAll(/\s+/g, " ")}`)
  // The architecture first: the configurations of others lack what those here have.
  const named = Schema.decodeUnknownResult(Named)(json)
  if (Result.isFailure(named)) return invalid(named.failure)
  const architecture = named.success.architectures?.[0] ?? "(none)"
  const family = families.get(architecture)
  if (family === undefined) {
    return Result.fail(`names architecture ${architecture}; known are ${[...families.keys()].join(", ")}`)
  }
  const decoded = Schema.decodeUnknownResult(Config)(json)
  if (Result.isFailure(decoded)) return invalid(decoded.failure)
  const config = decoded.success
  const traits = family.traits(config)

  const activationName = config.hidden_activation ?? config.hidden_act ?? "silu"
  const activation = activations[activationName]
  const unsupported = [
    ...(activation === undefined ? [`hidden_act ${activationName}`] : []),
    ...(config.attn_logit_softcapping == null ? [] : ["attn_logit_softcapping"]),
    ...(config.final_logit_softcapping == null ? [] : ["final_logit_softcapping"]),
    ...(config.use_bidirectional_attention === true ? ["bidirectional attention"] : [])
  ]
  if (activation === undefined || unsupported.length > 0) {
    return Result.fail(`asks for ${unsupported.join(" and ")}, which is not supported`)
  }

  const { hidden_size: hiddenSize, max_position_embeddings, num_attention_heads: heads, num_hidden_layers: layers } =
    config
  const keyValueHeads = config.num_key_value_heads ?? heads
  const headSize = config.head_dim ?? hiddenSize / heads
  const { full, local } = ropeSettings(config)
  const rotarySize = Math.floor(headSize * (full.partial_rotary_factor ?? config.partial_rotary_factor ?? 1))
  if (
    heads % keyValueHeads !== 0 || !Number.isInteger(headSize) || rotarySize % 2 !== 0 || rotarySize > headSize ||
    rotarySize === 0
  ) {
    const what = `${heads} heads, ${keyValueHeads} of keys and values, size ${headSize}, ${rotarySize} of it turned`
    return Result.fail(`has heads that do not fit: ${what}`)
  }
  const window = traits.window ?? (() => undefined)
  const model = { rotarySize, contextLength: max_position_embeddings }
  const theta = full.rope_theta ?? config.rope_theta ?? traits.theta ?? 10_000
  const rope = Rope.make({ ...model, theta }, full, config.original_max_position_embeddings)
  if (Result.isFailure(rope)) return Result.fail(rope.failure)
  const localRope = traits.localTheta === undefined
    ? undefined
    : Rope.make({ ...model, theta: local.rope_theta ?? traits.localTheta }, local)
  if (localRope !== undefined && Result.isFailure(localRope)) return Result.fail(localRope.failure)
  const { bias = {} } = traits
  return Result.succeed({
    vocabularySize: config.vocab_size,
    hiddenSize,
    intermediateSize: config.intermediate_size,
    layers,
    heads,
    keyValueHeads,
    headSize,
    contextLength: rope.success.contextLength,
    tied: config.tie_word_embeddings ?? traits.tied ?? false,
    norm: { epsilon: config.rms_norm_eps, offset: traits.normOffset ?? 0 },
    activation,
    bias: { qkv: bias.qkv ?? false, output: bias.output ?? false, mlp: bias.mlp ?? false },
    headNorm: traits.headNorm ?? false,
    sandwich: traits.sandwich ?? false,
    embeddingScale: traits.embeddingScale ?? 1,
    attentionScale: (traits.queryScalar ?? headSize) ** -0.5,
    fused: traits.fused ?? false,
    ropes: [rope.success, ...(localRope === undefined ? [] : [localRope.success])],
    layerKinds: Array.from({ length: layers }, (_, layer) => {
      // A window that holds the whole context is none.
      const size = window(layer)
      const isLocal = size !== undefined && localRope !== undefined
      return {
        rope: isLocal ? 1 : 0,
        window: size !== undefined && size < rope.success.contextLength ? size : undefined
      }
    })
  })
}

/**
 * A parameter by its Hugging Face name; matrices are `[out, in]`. Graphs know it by its `parts`, which lie behind each
 * other: one of the same name, or the projections that a fused matrix is made of.
 */
export interface ParameterShape {
  readonly name: string
  readonly shape: ReadonlyArray<number>
  readonly parts: ReadonlyArray<{ readonly name: string; readonly shape: ReadonlyArray<number> }>
}

interface Projection {
  readonly name: string
  readonly out: number
}

/** Every parameter of a decoder, in the order of the model. */
export const parameterShapes = (decoder: Decoder): ReadonlyArray<ParameterShape> => {
  const {
    bias,
    fused,
    headNorm,
    headSize,
    heads,
    hiddenSize,
    intermediateSize,
    keyValueHeads,
    sandwich,
    tied,
    vocabularySize
  } = decoder
  const one = (name: string, shape: ReadonlyArray<number>): ParameterShape => ({
    name,
    shape,
    parts: [{ name, shape }]
  })
  const layer = (i: number): ReadonlyArray<ParameterShape> => {
    const prefix = `model.layers.${i}`
    const norm = (name: string, size = hiddenSize) => one(`${prefix}.${name}.weight`, [size])
    // Projections of the same input, apart or as one matrix.
    const projections = (
      module: string,
      fusedName: string,
      inner: number,
      members: ReadonlyArray<Projection>,
      biased: boolean
    ) => {
      const of = (suffix: string, inner: ReadonlyArray<number>): ReadonlyArray<ParameterShape> => {
        const parts = members.map(({ name, out }) => ({
          name: `${prefix}.${module}.${name}.${suffix}`,
          shape: [out, ...inner]
        }))
        if (!fused) return parts.map(({ name, shape }) => one(name, shape))
        return [{
          name: `${prefix}.${module}.${fusedName}.${suffix}`,
          shape: [members.reduce((sum, { out }) => sum + out, 0), ...inner],
          parts
        }]
      }
      return [...of("weight", [inner]), ...(biased ? of("bias", []) : [])]
    }
    const single = (module: string, name: string, out: number, inner: number, biased: boolean) => [
      one(`${prefix}.${module}.${name}.weight`, [out, inner]),
      ...(biased ? [one(`${prefix}.${module}.${name}.bias`, [out])] : [])
    ]
    return [
      norm("input_layernorm"),
      ...projections("self_attn", "qkv_proj", hiddenSize, [
        { name: "q_proj", out: heads * headSize },
        { name: "k_proj", out: keyValueHeads * headSize },
        { name: "v_proj", out: keyValueHeads * headSize }
      ], bias.qkv),
      ...(headNorm ? [norm("self_attn.q_norm", headSize), norm("self_attn.k_norm", headSize)] : []),
      ...single("self_attn", "o_proj", hiddenSize, heads * headSize, bias.output),
      norm("post_attention_layernorm"),
      ...(sandwich ? [norm("pre_feedforward_layernorm")] : []),
      ...projections("mlp", "gate_up_proj", hiddenSize, [
        { name: "gate_proj", out: intermediateSize },
        { name: "up_proj", out: intermediateSize }
      ], bias.mlp),
      ...single("mlp", "down_proj", hiddenSize, intermediateSize, bias.mlp),
      ...(sandwich ? [norm("post_feedforward_layernorm")] : [])
    ]
  }
  return [
    one("model.embed_tokens.weight", [vocabularySize, hiddenSize]),
    ...Array.from({ length: decoder.layers }, (_, i) => layer(i)).flat(),
    one("model.norm.weight", [hiddenSize]),
    ...(tied ? [] : [one("lm_head.weight", [vocabularySize, hiddenSize])])
  ]
}

/** Whether a parameter is the scale of a norm. */
export const isNorm = (name: string): boolean => name.endsWith("norm.weight")
