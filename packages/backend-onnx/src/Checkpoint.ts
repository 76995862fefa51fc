/**
 * Hugging Face checkpoint directories: `config.json`, `model.safetensors`, `tokenizer.json` and their companions, read and
 * written. What is trained here, transformers loads.
 */
import type { Sampler } from "@memory-r1/core"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { CheckpointError } from "./CheckpointError.ts"
import * as Architecture from "./internal/architecture.ts"
import * as Parameters from "./internal/parameters.ts"
import * as Random from "./internal/random.ts"
import * as Tokenizer from "./internal/tokenizer.ts"
import * as Safetensors from "./Safetensors.ts"

export { CheckpointError }

/**
 * A checkpoint in memory. `weights` is one flat float32 buffer; `layout` says where each parameter lies in it.
 */
export interface Checkpoint {
  readonly directory: string
  readonly decoder: Architecture.Decoder
  readonly layout: Parameters.Layout
  readonly weights: Float32Array
  readonly tokenizer: Sampler.Tokenizer
  /** The files beside the weights, by name, as they were read: they are written again with the weights. */
  readonly files: Readonly<Record<string, string>>
}

const companions = ["config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json", "special_tokens_map.json"] as const
const required: ReadonlyArray<string> = ["config.json", "tokenizer.json"]
const weightsFile = "model.safetensors"
const embedding = "model.embed_tokens.weight"

const readCompanion = Effect.fnUntraced(function*(directory: string, name: string) {
  const file = join(directory, name)
  const text = yield* Effect.tryPromise({
    try: () => readFile(file, "utf8"),
    catch: (cause) => new CheckpointError({ file, reason: "cannot be read; is this a Hugging Face model directory?", cause })
  }).pipe(Effect.catch((error) => required.includes(name) ? Effect.fail(error) : Effect.succeed(undefined)))
  if (text === undefined) return undefined
  const json = yield* Effect.try({
    try: () => JSON.parse(text) as unknown,
    catch: (cause) => new CheckpointError({ file, reason: `is broken JSON (${cause instanceof Error ? cause.message : String(cause)})`, cause })
  })
  return { text, json }
})

type Companions = Partial<Record<typeof companions[number], { readonly text: string; readonly json: unknown }>>

// Everything but the weights.
const describe = Effect.fnUntraced(function*(directory: string, read: Companions) {
  const at = (name: string) => (reason: string) => new CheckpointError({ file: join(directory, name), reason })
  const decoder = yield* Effect.fromResult(
    Result.mapError(Architecture.fromConfig(read["config.json"]?.json), at("config.json"))
  )
  const tokenizer = yield* Effect.fromResult(Result.mapError(
    Tokenizer.make({
      tokenizer: read["tokenizer.json"]?.json,
      tokenizerConfig: read["tokenizer_config.json"]?.json,
      config: read["config.json"]?.json,
      generationConfig: read["generation_config.json"]?.json,
      vocabularySize: decoder.vocabularySize
    }),
    at("tokenizer.json")
  ))
  const files = Object.fromEntries(companions.flatMap((name) => read[name] === undefined ? [] : [[name, read[name].text] as const]))
  return { directory, decoder, tokenizer, layout: Parameters.layout(Architecture.parameterShapes(decoder)), files }
})

const readCompanions = Effect.fnUntraced(function*(directory: string) {
  const read: Companions = {}
  for (const name of companions) {
    const file = yield* readCompanion(directory, name)
    if (file !== undefined) read[name] = file
  }
  return read
})

/**
 * Reads a checkpoint directory. Fails with a `CheckpointError` that names the file, and the tensor, that is at fault.
 */
export const load = Effect.fn("Checkpoint.load")(function*(directory: string) {
  const described = yield* describe(directory, yield* readCompanions(directory))
  return { ...described, weights: yield* readWeights(directory, described.layout) } satisfies Checkpoint
})

/**
 * A new checkpoint with random weights, from a directory that holds `config.json` and `tokenizer.json` only: matrices are normal
 * with the configuration's `initializer_range` (0.02 when it has none), norms are one, biases zero. The same seed gives the same weights.
 */
export const initialize = Effect.fn("Checkpoint.initialize")(function*(directory: string, seed: number) {
  const read = yield* readCompanions(directory)
  const described = yield* describe(directory, read)
  const { initializer_range: deviation = 0.02 } = read["config.json"]!.json as { readonly initializer_range?: number }
  const weights = new Float32Array(described.layout.length)
  described.layout.parameters.forEach((parameter, i) => {
    const view = Parameters.view(weights, parameter)
    if (parameter.name.endsWith("norm.weight")) view.fill(1)
    else if (!parameter.name.endsWith(".bias")) {
      const key = Random.stream(seed, i)
      for (let j = 0; j < view.length; j++) view[j] = deviation * Random.normal(key, j)
    }
  })
  return { ...described, weights } satisfies Checkpoint
})

/**
 * The weights of a checkpoint directory, in a given layout.
 */
export const readWeights = Effect.fn("Checkpoint.readWeights")(
  function*(directory: string, layout: Parameters.Layout) {
    const reader = yield* Safetensors.openFile(join(directory, weightsFile))
    // Of tied embeddings some files hold only the one, some only the other.
    const tied = layout.parameters.every(({ name }) => name !== "lm_head.weight") && !reader.tensors.has(embedding)
    const stored = (name: string): string => tied && name === embedding ? "lm_head.weight" : name
    for (const { name, shape } of layout.parameters) {
      const found = reader.tensors.get(stored(name))
      if (found === undefined) {
        return yield* new CheckpointError({ file: reader.file, tensor: name, reason: "is missing; config.json asks for it" })
      }
      if (found.shape.join() !== shape.join()) {
        return yield* new CheckpointError({
          file: reader.file,
          tensor: name,
          reason: `has shape [${found.shape.join(", ")}], config.json asks for [${shape.join(", ")}]`
        })
      }
    }
    const weights = new Float32Array(layout.length)
    for (const parameter of layout.parameters) yield* reader.read(stored(parameter.name), Parameters.view(weights, parameter))
    return weights
  },
  Effect.scoped
)

/**
 * Writes a checkpoint directory. A directory that held a checkpoint before keeps a whole one at every moment: each file is
 * replaced in one step, the weights last.
 */
export const save = Effect.fn("Checkpoint.save")(function*(checkpoint: Checkpoint, directory: string) {
  const writing = <A>(file: string, run: () => Promise<A>) =>
    Effect.tryPromise({
      try: run,
      catch: (cause) =>
        new CheckpointError({
          file,
          reason: `cannot be written (${cause instanceof Error ? cause.message : String(cause)}); is the folder writable, and is there room?`,
          cause
        })
    })
  yield* writing(directory, () => mkdir(directory, { recursive: true }))
  for (const [name, text] of Object.entries(checkpoint.files)) {
    const file = join(directory, name)
    yield* writing(file, async () => {
      const temporary = `${file}.${process.pid}.tmp`
      await writeFile(temporary, text).catch(async (cause) => {
        await rm(temporary, { force: true })
        throw cause
      })
      await rename(temporary, file)
    })
  }
  yield* Safetensors.writeFile(
    join(directory, weightsFile),
    checkpoint.layout.parameters.map((parameter) => ({
      name: parameter.name,
      shape: parameter.shape,
      data: Parameters.view(checkpoint.weights, parameter)
    }))
  )
})
