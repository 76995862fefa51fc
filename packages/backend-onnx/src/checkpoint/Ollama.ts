/**
 * Models that Ollama has fetched, by the names that it has for them.
 *
 * @since 0.1.0
 */
import { messageOf } from "@memory-r1/core"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { readdir, readFile } from "node:fs/promises"
import { homedir } from "node:os"
import { join } from "node:path"
import { CheckpointError } from "./CheckpointError.ts"

const prefix = "ollama:"
const pattern = /^ollama:(?:([\w-][\w.-]*)\/)?([\w-][\w.-]*)(?::([\w-][\w.-]*))?$/

const Manifest = Schema.fromJsonString(Schema.Struct({
  layers: Schema.Array(Schema.Struct({
    mediaType: Schema.String,
    digest: Schema.String.check(Schema.isPattern(/^sha256:[0-9a-f]{64}$/))
  }))
}))

/**
 * Whether a model is named as one of Ollama's: `ollama:name`, `ollama:name:tag` or `ollama:owner/name:tag`.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isName = (model: string): boolean => model.startsWith(prefix)

/**
 * The GGUF file of a model that Ollama has fetched. `folder` is where Ollama keeps its models: `OLLAMA_MODELS`, or
 * `.ollama/models` in the home folder, by default. The tag is `latest` if there is none.
 *
 * Fails with a `CheckpointError` that says what is missing.
 *
 * @category getters
 * @since 0.1.0
 */
export const resolve = Effect.fn("Ollama.resolve")(function*(
  model: string,
  { folder = process.env["OLLAMA_MODELS"] ?? join(homedir(), ".ollama", "models") }: {
    readonly folder?: string | undefined
  } = {}
) {
  const [, owner = "library", name, tag = "latest"] = pattern.exec(model) ?? []
  if (name === undefined) {
    return yield* new CheckpointError({
      file: model,
      reason: "is no name of a model: give ollama:name or ollama:name:tag"
    })
  }
  const manifests = join(folder, "manifests")
  const hosts = yield* Effect.promise(() => readdir(manifests).catch(() => []))
  const found = yield* Effect.promise(async () => {
    for (const host of hosts) {
      const file = join(manifests, host, owner, name, tag)
      const text = await readFile(file, "utf8").catch(() => undefined)
      if (text !== undefined) return { file, text }
    }
    return undefined
  })
  if (found === undefined) {
    const pull = model.slice(prefix.length)
    return yield* new CheckpointError({
      file: folder,
      reason: `has no model ${pull}: fetch it with \`ollama pull ${pull}\``
    })
  }
  const { layers } = yield* Effect.mapError(
    Schema.decodeUnknownEffect(Manifest)(found.text),
    (error) => new CheckpointError({ file: found.file, reason: `is no manifest of Ollama: ${messageOf(error)}` })
  )
  const weights = layers.find(({ mediaType }) => mediaType === "application/vnd.ollama.image.model")
  if (weights === undefined) {
    return yield* new CheckpointError({ file: found.file, reason: "names no weights: is it a model?" })
  }
  return join(folder, "blobs", weights.digest.replace(":", "-"))
})
