// Qwen2 and Qwen2.5: biases on queries, keys and values; upper layers may have a window.
import { type Family, windows } from "./Family.ts"

export const qwen2: Family = {
  architecture: "Qwen2ForCausalLM",
  traits: (config) => ({
    bias: { qkv: true },
    window: config.use_sliding_window === true
      ? windows(config, (layer) => layer >= (config.max_window_layers ?? 28))
      : () => undefined
  })
}
