// A model so small that the program trains it in a second, with nano's tokenizer and drawn weights.
import { Checkpoint } from "@memory-r1/backend-onnx"
import { directory as nano } from "@memory-r1/nano"
import { Effect } from "effect"
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"

const sizes = {
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 2
}

/** Writes it, as a Hugging Face directory. */
export const write = Effect.fnUntraced(function*(directory: string) {
  mkdirSync(directory, { recursive: true })
  for (const name of ["tokenizer.json", "tokenizer_config.json", "generation_config.json"]) {
    copyFileSync(join(nano, name), join(directory, name))
  }
  const config = JSON.parse(readFileSync(join(nano, "config.json"), "utf8")) as object
  writeFileSync(join(directory, "config.json"), JSON.stringify({ ...config, ...sizes }))
  yield* Checkpoint.save(yield* Checkpoint.initialize(directory, 1), directory)
})
