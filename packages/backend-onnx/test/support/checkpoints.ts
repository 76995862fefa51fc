// The checkpoints under fixtures/, which tools/parity/checkpoints.py wrote, and copies of them that tests may spoil.
import { Effect, Schema } from "effect"
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

export const names = ["llama-tied", "llama-bias", "qwen2"] as const

/** One of every family, and of every way in which the members of a family differ. */
export const families = [
  ...names,
  "llama3",
  "llama-yarn",
  "mistral",
  "qwen2-window",
  "qwen3",
  "phi3",
  "gemma3"
] as const

export const directory = (name: string): string => join(import.meta.dirname, "../fixtures", name)

const Numbers = Schema.Array(Schema.Finite)

const Golden = Schema.Struct({
  prefix: Numbers,
  sequences: Schema.Array(Schema.Struct({ tokens: Numbers, logprobs: Numbers, weights: Numbers })),
  greedy: Schema.Array(Schema.Struct({ prompt: Numbers, tokens: Numbers })),
  texts: Schema.Array(Schema.Struct({ text: Schema.String, ids: Numbers, decoded: Schema.String })),
  chat: Schema.optionalKey(Schema.Struct({
    messages: Schema.Array(
      Schema.Struct({ role: Schema.Literals(["system", "user", "assistant"]), content: Schema.String })
    ),
    ids: Numbers
  }))
})

/** What transformers computes with a checkpoint. */
export const golden = (name: string): typeof Golden.Type =>
  Schema.decodeUnknownSync(Schema.fromJsonString(Golden))(readFileSync(join(directory(name), "golden.json"), "utf8"))

/** A folder that is removed with the scope. */
export const temporary = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "backend-onnx-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

type Json = Readonly<Record<string, unknown>>

/** A copy of a checkpoint. `change` gives other contents for some of its JSON files. */
export const copy = Effect.fnUntraced(function*(
  name: string,
  change: Readonly<Record<string, (json: Json) => unknown>> = {}
) {
  const folder = join(yield* temporary, name)
  cpSync(directory(name), folder, { recursive: true })
  for (const [file, of] of Object.entries(change)) {
    const json = JSON.parse(readFileSync(join(folder, file), "utf8")) as Json
    writeFileSync(join(folder, file), JSON.stringify(of(json)))
  }
  return folder
})
