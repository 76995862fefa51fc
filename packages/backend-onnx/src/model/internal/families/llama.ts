// Llama 2 and 3, SmolLM2, TinyLlama.
import type { Family } from "./Family.ts"

export const llama: Family = {
  architecture: "LlamaForCausalLM",
  traits: ({ attention_bias, mlp_bias }) => ({
    bias: { qkv: attention_bias ?? false, output: attention_bias ?? false, mlp: mlp_bias ?? false }
  })
}
