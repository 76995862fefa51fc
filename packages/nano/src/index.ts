/**
 * The embedded default model: a small decoder as a Hugging Face directory. Its model card is `model/README.md`.
 */
import { fileURLToPath } from "node:url"

/**
 * The directory of the checkpoint: `config.json`, `model.safetensors`, `tokenizer.json`.
 *
 * @example
 * ```ts
 * import { directory } from "@memory-r1/nano"
 * import { existsSync } from "node:fs"
 *
 * existsSync(`${directory}/config.json`) // => true
 * ```
 */
export const directory: string = fileURLToPath(new URL("../model", import.meta.url))
