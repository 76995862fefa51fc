// Qwen3: norms on queries and keys in place of Qwen2's biases.
import { type Family, windows } from "./Family.ts"

export const qwen3: Family = {
  architecture: "Qwen3ForCausalLM",
  traits: (config) => ({
    headNorm: true,
    bias: { qkv: config.attention_bias ?? false, output: config.attention_bias ?? false },
    window: config.use_sliding_window === true
      ? windows(config, (layer) => layer >= (config.max_window_layers ?? 28))
      : () => undefined
  })
}
