// Mistral 7B and its kin: Llama with a window.
import { type Family, windows } from "./Family.ts"

export const mistral: Family = {
  architecture: "MistralForCausalLM",
  traits: (config) => ({ window: windows(config, () => true) })
}
