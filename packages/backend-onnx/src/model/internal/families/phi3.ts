// Phi-3, Phi-3.5 and Phi-4: projections stored side by side, a window on every layer.
import { type Family, windows } from "./Family.ts"

export const phi3: Family = {
  architecture: "Phi3ForCausalLM",
  traits: (config) => ({ fused: true, window: windows(config, () => true, { otherwise: null }) })
}
