/**
 * Checkpoints: Hugging Face directories (`config.json`, `model.safetensors`, `tokenizer.json` and their companions),
 * read and written, and GGUF files, read. What is trained here, transformers loads.
 *
 * @since 0.1.0
 */
import { messageOf } from "@memory-r1/core"
import { Progress, type Sampler } from "@memory-r1/core/rl"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { Feeds } from "../graph/session.ts"
import * as Architecture from "../model/architecture.ts"
import * as LookBack from "../model/lookBack.ts"
import * as Parameters from "../model/parameters.ts"
import * as Random from "../model/random.ts"
import * as Storage from "../model/storage.ts"
import { CheckpointError } from "./CheckpointError.ts"
import * as Gguf from "./Gguf.ts"
import * as ChatTemplate from "./internal/chatTemplate.ts"
import * as GgufSource from "./internal/ggufSource.ts"
import * as Tokenizer from "./internal/tokenizer.ts"
import * as WholeFile from "./internal/wholeFile.ts"
import * as LfsPointer from "./lfsPointer.ts"
import * as Safetensors from "./Safetensors.ts"

export { CheckpointError }
export type { Decoder } from "../model/architecture.ts"

/**
 * Everything of a checkpoint but its weights.
 *
 * @category models
 * @since 0.1.0
 */
export interface Description {
  readonly directory: string
  readonly decoder: Architecture.Decoder
  /** @internal Where each parameter lies in the flat weights. */
  readonly layout: Parameters.Layout
  readonly tokenizer: Sampler.Tokenizer
  /** The files beside the weights, by name, as they were read: they are written again with the weights. */
  readonly files: Readonly<Record<string, string>>
}

/**
 * A checkpoint in memory. `weights` is one flat float32 buffer of all parameters.
 *
 * @category models
 * @since 0.1.0
 */
export interface Checkpoint extends Description {
  readonly weights: Float32Array
}

const companions = [
  "config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "generation_config.json",
  "special_tokens_map.json",
  "chat_template.jinja"
] as const
const required: ReadonlyArray<string> = ["config.json", "tokenizer.json"]
const weightsFile = "model.safetensors"
const embedding = "model.embed_tokens.weight"

const readCompanion = Effect.fnUntraced(function*(directory: string, name: string) {
  const file = join(directory, name)
  yield* LfsPointer.refuse(file)
  const text = yield* Effect.tryPromise({
    try: () =>
      readFile(file, "utf8").catch((cause: NodeJS.ErrnoException) => {
        // A file that is there and cannot be read is a mistake, whether it has to be there or not.
        if (cause.code === "ENOENT" && !required.includes(name)) return undefined
        throw cause
      }),
    catch: (cause) =>
      new CheckpointError({
        file,
        reason: `cannot be read (${messageOf(cause)}); is this a Hugging Face model directory?`,
        cause
      })
  })
  if (text === undefined) return undefined
  if (!name.endsWith(".json")) return { text, json: undefined }
  const json = yield* Effect.try({
    try: () => JSON.parse(text) as unknown,
    catch: (cause) =>
      new CheckpointError({
        file,
        reason: `is broken JSON (${messageOf(cause)}); mend it, or fetch it again`,
        cause
      })
  })
  return { text, json }
})

type Companions = Partial<Record<typeof companions[number], { readonly text: string; readonly json: unknown }>>

// Everything but the weights.
const describe = Effect.fnUntraced(function*(directory: string, read: Companions) {
  // A GGUF file holds all of them.
  const at = (name: string, reason: string) =>
    new CheckpointError({ file: Gguf.isFile(directory) ? directory : join(directory, name), reason })
  const decoder = yield* Effect.fromResult(
    Result.mapError(Architecture.fromConfig(read["config.json"]?.json), (reason) => at("config.json", reason))
  )
  const additional = yield* Effect.promise(() =>
    readdir(join(directory, ChatTemplate.additionalTemplates)).catch(() => [])
  )
  const tokenizer = yield* Effect.fromResult(Result.mapError(
    Tokenizer.make({
      additionalTemplates: additional.filter((name) => name.endsWith(".jinja")).map((name) =>
        name.slice(0, -".jinja".length)
      ),
      tokenizer: read["tokenizer.json"]?.json,
      tokenizerConfig: read["tokenizer_config.json"]?.json,
      chatTemplate: read["chat_template.jinja"]?.text,
      config: read["config.json"]?.json,
      generationConfig: read["generation_config.json"]?.json,
      vocabularySize: decoder.vocabularySize
    }),
    ({ file, reason }) => at(file, reason)
  ))
  const files = Object.fromEntries(
    companions.flatMap((name) => read[name] === undefined ? [] : [[name, read[name].text] as const])
  )
  return { directory, decoder, tokenizer, layout: Parameters.layout(Architecture.parameterShapes(decoder)), files }
})

const readCompanions = Effect.fnUntraced(function*(directory: string) {
  if (Gguf.isFile(directory)) {
    return GgufSource.companions(yield* Effect.scoped(GgufSource.model(directory))) as Companions
  }
  const read: Companions = {}
  for (const name of companions) {
    const file = yield* readCompanion(directory, name)
    if (file !== undefined) read[name] = file
  }
  return read
})

/**
 * Reads everything of a checkpoint but the weights: of a Hugging Face directory, or of a GGUF file.
 *
 * @category constructors
 * @since 0.1.0
 */
export const open = Effect.fn("Checkpoint.open")(function*(
  directory: string
): Effect.fn.Return<Description, CheckpointError> {
  return yield* describe(directory, yield* readCompanions(directory))
})

/**
 * Reads a checkpoint: a Hugging Face directory, or a GGUF file, whose name ends in `.gguf`. Fails with a
 * `CheckpointError` that names the file, and the tensor, that is at fault.
 *
 * @category constructors
 * @since 0.1.0
 */
export const load = Effect.fn("Checkpoint.load")(function*(
  directory: string
): Effect.fn.Return<Checkpoint, CheckpointError> {
  const described = yield* open(directory)
  return { ...described, weights: yield* readWeights(described) }
})

const Initialization = Schema.Struct({
  initializer_range: Schema.optionalKey(Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0)))
})

/**
 * A new checkpoint with random weights, from a directory that holds `config.json` and `tokenizer.json` only: matrices
 * are normal with the configuration's `initializer_range` (0.02 when it has none), norms are one, biases zero. The same
 * seed gives the same weights.
 *
 * With `lookBack: n` the first `n` heads of the first layer begin by attending to the token 1, …, `n` positions before:
 * a small model then learns to copy in some hundred steps, where from random weights it takes many thousands. It needs
 * a model with biases on queries and keys: Qwen2, or Llama with `attention_bias`.
 *
 * Fails with a `CheckpointError` that names config.json where the model has too few such heads.
 *
 * @category constructors
 * @since 0.1.0
 */
export const initialize = Effect.fn("Checkpoint.initialize")(function*(
  directory: string,
  seed: number,
  options: { readonly lookBack?: number | undefined } = {}
): Effect.fn.Return<Checkpoint, CheckpointError> {
  const read = yield* readCompanions(directory)
  const described = yield* describe(directory, read)
  const wrong = (reason: string) => new CheckpointError({ file: join(directory, "config.json"), reason })
  const { initializer_range: deviation = 0.02 } = yield* Effect.mapError(
    Schema.decodeUnknownEffect(Initialization)(read["config.json"]?.json),
    () => wrong("has an initializer_range that is no standard deviation")
  )
  const { length } = described.layout
  const weights = yield* Effect.try({
    try: () => new Float32Array(length),
    catch: () => wrong(`asks for ${length} parameters, more than fit into memory`)
  })
  described.layout.parameters.forEach((parameter, i) => {
    const view = Parameters.view(weights, parameter)
    if (Architecture.isNorm(parameter.name)) view.fill(1 - described.decoder.norm.offset)
    else if (!parameter.name.endsWith(".bias")) {
      const key = Random.stream(seed, i)
      for (let j = 0; j < view.length; j++) view[j] = deviation * Random.normal(key, j)
    }
  })
  const { lookBack = 0 } = options
  if (!LookBack.initialize(described, weights, lookBack)) {
    return yield* wrong(
      `describes no model whose first layer has ${lookBack} heads with biases on queries and keys, as lookBack asks for`
    )
  }
  return { ...described, weights }
})

// Reads numbers of a parameter, `from` one of them on.
interface Place {
  readonly parameter: Parameters.Parameter
  readonly read: (into: Float32Array, from?: number) => Effect.Effect<void, CheckpointError>
}

// Where each parameter of a layout lies: all of them are checked before any is read.
const placesOf = Effect.fnUntraced(
  function*({ decoder, directory, layout }: Pick<Description, "decoder" | "directory" | "layout">) {
    if (Gguf.isFile(directory)) {
      const read = yield* GgufSource.parameters(directory, decoder)
      return layout.parameters.map((parameter): Place => ({
        parameter,
        read: (into, from) => read(parameter.name, into, from)
      }))
    }
    const shards = yield* Safetensors.openDirectory(directory)
    // Of tied embeddings some files hold only the one, some only the other.
    const tied = layout.parameters.every(({ name }) => name !== "lm_head.weight") && !shards.names.has(embedding)
    const found: Array<Place> = []
    for (const parameter of layout.parameters) {
      const { name, shape } = parameter
      const stored = tied && name === embedding ? "lm_head.weight" : name
      const reader = shards.readerOf(stored)
      if (reader === undefined) {
        return yield* new CheckpointError({
          file: shards.file,
          tensor: name,
          reason: "is missing; config.json asks for it"
        })
      }
      const { shape: has } = reader.tensors.get(stored)!
      if (has.join() !== shape.join()) {
        return yield* new CheckpointError({
          file: reader.file,
          tensor: name,
          reason: `has shape [${has.join(", ")}], config.json asks for [${shape.join(", ")}]`
        })
      }
      found.push({ parameter, read: (into, from) => reader.read(stored, into, from) })
    }
    return found
  }
)

// Reads parameters in turn, and reports how many millions of numbers are read.
const inTurn = (
  name: string,
  places: ReadonlyArray<Place>,
  read: (place: Place) => Effect.Effect<void, CheckpointError>
) => {
  const millions = (count: number) => Math.ceil(count / 1e6)
  const total = places.reduce((sum, { parameter }) => sum + parameter.size, 0)
  return Progress.Progress.use(({ part }) =>
    part(name, millions(total), ({ update }) =>
      Effect.gen(function*() {
        let done = 0
        for (const place of places) {
          yield* read(place)
          yield* update(millions(done += place.parameter.size))
        }
      }))
  )
}

/**
 * @internal The weights of a checkpoint directory, in a given layout.
 *
 * @category constructors
 * @since 0.1.0
 */
export const readWeights = Effect.fn("Checkpoint.readWeights")(
  function*(described: Pick<Description, "decoder" | "directory" | "layout">) {
    const { directory, layout } = described
    const places = yield* placesOf(described)
    const weights = new Float32Array(layout.length)
    yield* inTurn(`load ${directory}`, places, ({ parameter, read }) => read(Parameters.view(weights, parameter)))
    return weights
  },
  Effect.scoped
)

// Numbers that are in memory in float32 at a time, while weights are read that are kept in fewer bits.
const piece = 1 << 20

/**
 * @internal The weights of a checkpoint directory for graphs, stored as a frozen model of some type stores them. What
 * is read is never in memory as a whole in more bits than that.
 *
 * @category constructors
 * @since 0.1.0
 */
export const readFrozen = Effect.fn("Checkpoint.readFrozen")(
  function*(described: Pick<Description, "decoder" | "directory" | "layout">, type: Storage.WeightType) {
    const { directory, layout } = described
    const feeds: Array<Feeds> = []
    const places = yield* placesOf(described)
    const buffer = new Float32Array(Math.min(piece, Math.max(0, ...layout.parameters.map(({ size }) => size))))
    const read = Effect.fnUntraced(function*({ parameter, read }: Place) {
      for (const part of parameter.parts) {
        const store = Storage.make(part, Storage.typeOf(part, type))
        const columns = part.shape.length < 2 ? 1 : part.shape[1]!
        const rows = part.shape[0]!
        const step = Math.max(1, Math.floor(buffer.length / columns))
        for (let row = 0; row < rows; row += step) {
          const size = Math.min(step, rows - row) * columns
          const values = size <= buffer.length ? buffer.subarray(0, size) : new Float32Array(size)
          yield* read(values, part.offset - parameter.offset + row * columns)
          store.fill(row, values)
        }
        feeds.push(store.feeds)
      }
    })
    yield* inTurn(`load ${directory} in ${type}`, places, read)
    return Object.assign({}, ...feeds) as Feeds
  },
  Effect.scoped
)

// What is written is float32, whatever was read, and transformers converts to the type that config.json names.
const inFloat32 = (config: string): string => {
  const json = JSON.parse(config) as Record<string, unknown>
  const stale = ["dtype", "torch_dtype"].filter((key) => Object.hasOwn(json, key) && json[key] !== "float32")
  if (stale.length === 0) return config
  return `${JSON.stringify({ ...json, ...Object.fromEntries(stale.map((key) => [key, "float32"])) }, null, 2)}\n`
}

/**
 * Writes a checkpoint directory. Everything is written beside its place first and then moved, the weights last: what
 * fails halfway, on a full disk say, leaves the checkpoint that was there before.
 *
 * @category running
 * @since 0.1.0
 */
export const save = Effect.fn("Checkpoint.save")(function*(checkpoint: Checkpoint, directory: string) {
  const writing = <A>(name: string, run: () => Promise<A>) =>
    Effect.uninterruptible(Effect.tryPromise({ try: run, catch: WholeFile.failed(join(directory, name)) }))
  const files = Object.entries(checkpoint.files).map(([name, text]) =>
    [name, name === "config.json" ? inFloat32(text) : text] as const
  )
  const tensors = checkpoint.layout.parameters.map((parameter) => ({
    name: parameter.name,
    shape: parameter.shape,
    data: Parameters.view(checkpoint.weights, parameter)
  }))
  yield* Effect.acquireUseRelease(
    writing("", async () => {
      await mkdir(directory, { recursive: true })
      return mkdtemp(join(directory, ".saving-"))
    }),
    Effect.fnUntraced(function*(staging) {
      for (const [name, text] of files) yield* writing(name, () => writeFile(join(staging, name), text))
      yield* Effect.mapError(
        Safetensors.writeFile(join(staging, weightsFile), tensors),
        (error) => new CheckpointError({ ...error, file: join(directory, weightsFile) })
      )
      yield* Effect.uninterruptible(Effect.forEach(
        [...files.map(([name]) => name), weightsFile],
        (name) => writing(name, () => rename(join(staging, name), join(directory, name))),
        { discard: true }
      ))
    }),
    (staging) => Effect.promise(() => rm(staging, { recursive: true, force: true }))
  )
})
