// Gemma 3, text: four norms a layer, GELU, scaled embeddings, five layers with a window to each one without.
import { type Family, windows } from "./Family.ts"

export const gemma3: Family = {
  architecture: "Gemma3ForCausalLM",
  traits: (config) => ({
    headNorm: true,
    bias: { qkv: config.attention_bias ?? false, output: config.attention_bias ?? false },
    sandwich: true,
    normOffset: 1,
    embeddingScale: Math.sqrt(config.hidden_size),
    queryScalar: config.query_pre_attn_scalar ?? 256,
    tied: true,
    theta: 1_000_000,
    localTheta: config.rope_local_base_freq ?? 10_000,
    window: windows(config, (layer) => (layer + 1) % (config.sliding_window_pattern ?? 6) !== 0)
  })
}
