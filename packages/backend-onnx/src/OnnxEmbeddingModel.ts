/**
 * `EmbeddingModel` of `effect/ai` over a local encoder of the BERT family: MiniLM, bge, e5, gte, in the layout of
 * sentence-transformers.
 *
 * @since 0.1.0
 */
import { messageOf } from "@memory-r1/core"
import { Progress } from "@memory-r1/core/rl"
import { AiError, EmbeddingModel } from "effect/ai"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { existsSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { CheckpointError } from "./checkpoint/CheckpointError.ts"
import * as ControlTokens from "./checkpoint/controlTokens.ts"
import * as LfsPointer from "./checkpoint/lfsPointer.ts"
import * as Safetensors from "./checkpoint/Safetensors.ts"
import * as Session from "./graph/session.ts"
import * as Configuration from "./internal/config.ts"
import * as Encoder from "./model/encoder.ts"
import * as Parameters from "./model/parameters.ts"

/**
 * How to embed. What is omitted is what the model's own files say.
 *
 * - `pooling`: "mean" of the tokens, or "cls", the first of them.
 * - `normalize`: vectors of length 1.
 * - `maxTokens`: longer texts are cut there.
 * - `prompt`: stands before each text; e5 wants "query: " and "passage: ", bge an instruction before questions.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly pooling?: Encoder.Pooling | undefined
  readonly normalize?: boolean | undefined
  readonly maxTokens?: number | undefined
  readonly prompt?: string | undefined
}

/**
 * Options for the requests of one effect, over those of the model; pooling is the model's. See `withConfigOverride`.
 *
 * @category services
 * @since 0.1.0
 */
export class Config
  extends Context.Service<Config, Omit<Options, "pooling">>()("@memory-r1/backend-onnx/OnnxEmbeddingModel/Config")
{}

const json = Effect.fnUntraced(
  function*<S extends Schema.ConstraintDecoder<unknown>>(directory: string, name: string, schema: S) {
    const file = join(directory, name)
    yield* LfsPointer.refuse(file)
    const text = yield* Effect.promise(() => readFile(file, "utf8").catch(() => undefined))
    if (text === undefined) return undefined
    return yield* Effect.mapError(
      Schema.decodeUnknownEffect(Schema.fromJsonString(schema))(text),
      (cause) =>
        new CheckpointError({ file, reason: `is not understood: ${cause.message.replaceAll(/\s+/g, " ")}`, cause })
    )
  }
)

const Modules = Schema.Array(Schema.Struct({ type: Schema.String }))
const PoolingConfig = Schema.Struct({
  pooling_mode_cls_token: Schema.optionalKey(Schema.Boolean),
  pooling_mode_mean_tokens: Schema.optionalKey(Schema.Boolean)
})
const Lengths = Schema.Struct({ max_seq_length: Schema.optionalKey(Schema.NullOr(Schema.Int)) })

interface Loaded {
  readonly contextLength: number
  readonly dimensions: number
  readonly pooling: Encoder.Pooling
  readonly normalize: boolean
  readonly maxTokens: number
  readonly tokenizer: ControlTokens.TextTokenizer
  /** Vectors `[N, dimensions]` of padded rows of tokens `[N, T]`. */
  readonly run: (rows: ReadonlyArray<ReadonlyArray<number>>) => Promise<Float32Array>
}

const padded = (rows: ReadonlyArray<ReadonlyArray<number>>) => {
  const T = Math.max(...rows.map((row) => row.length))
  const tokens = new Int32Array(rows.length * T)
  const mask = new Float32Array(rows.length * T)
  rows.forEach((row, n) => {
    tokens.set(row, n * T)
    mask.fill(1, n * T, n * T + row.length)
  })
  return { N: rows.length, T, tokens, mask }
}

const fromSafetensors = Effect.fnUntraced(
  function*(directory: string, encoder: Encoder.Encoder, pooling: Encoder.Pooling, options: Session.SessionOptions) {
    const layout = Parameters.layout(Encoder.parameterShapes(encoder))
    const weights = yield* Effect.scoped(Effect.gen(function*() {
      const shards = yield* Safetensors.openDirectory(directory)
      const flat = new Float32Array(layout.length)
      for (const parameter of layout.parameters) {
        // A BertForMaskedLM holds its encoder under a name of its own.
        const stored = [parameter.name, `bert.${parameter.name}`].find((name) => shards.names.has(name))
        const reader = stored === undefined ? undefined : shards.readerOf(stored)
        if (reader === undefined) {
          return yield* new CheckpointError({
            file: shards.file,
            tensor: parameter.name,
            reason: "is missing; config.json asks for it"
          })
        }
        const { shape } = reader.tensors.get(stored!)!
        if (shape.join() !== parameter.shape.join()) {
          const reason = `has shape [${shape.join(", ")}], config.json asks for [${parameter.shape.join(", ")}]`
          return yield* new CheckpointError({ file: reader.file, tensor: parameter.name, reason })
        }
        yield* reader.read(stored!, Parameters.view(flat, parameter))
      }
      return Object.fromEntries(
        layout.parameters.map((
          parameter
        ) => [parameter.name, Session.float(Parameters.view(flat, parameter), parameter.shape)])
      )
    }))
    const session = yield* Session.make(Encoder.build(encoder, pooling, (options.device ?? "cpu") !== "cpu"), options)
    const run: Loaded["run"] = async (rows) => {
      const { N, T, mask, tokens } = padded(rows)
      const { vectors } = await session.run({
        ...weights,
        tokens: Session.integers(tokens, [N, T]),
        positions: Session.integers(Int32Array.from({ length: T }, (_, i) => i), [T]),
        mask: Session.float(mask, [N, T, 1]),
        visible: Session.float(mask.map((is) => is === 1 ? 0 : -1e9), [N, 1, 1, T])
      })
      return vectors!.data as Float32Array
    }
    return run
  }
)

// An exported graph: its inputs and its first result are named as transformers and optimum name them.
const fromOnnx = Effect.fnUntraced(
  function*(file: string, dimensions: number, pooling: Encoder.Pooling, options: Session.SessionOptions) {
    const session = yield* Effect.mapError(
      Session.open(file, options),
      (error) => new CheckpointError({ file, reason: error.message, cause: error.cause })
    )
    const unknown = session.inputs.find((name) => !["input_ids", "attention_mask", "token_type_ids"].includes(name))
    if (unknown !== undefined || !session.inputs.includes("input_ids")) {
      return yield* new CheckpointError({
        file,
        reason: `takes ${session.inputs.join(", ")}; an encoder takes input_ids, attention_mask and token_type_ids`
      })
    }
    const run: Loaded["run"] = async (rows) => {
      const { N, T, mask, tokens } = padded(rows)
      const feeds = {
        input_ids: Session.integers(tokens, [N, T]),
        attention_mask: Session.integers(mask, [N, T]),
        token_type_ids: Session.integers(new Int32Array(N * T), [N, T])
      }
      const states = await session.run(
        Object.fromEntries(session.inputs.map((name) => [name, feeds[name as keyof typeof feeds]]))
      )
      if (states.dims.join() !== [N, T, dimensions].join()) {
        throw new RangeError(
          `its first result is [${states.dims.join(", ")}], not a vector of ${dimensions} for each token`
        )
      }
      return pooled(states.data as Float32Array, mask, { N, T, dimensions, pooling })
    }
    return run
  }
)

const pooled = (
  states: Float32Array,
  mask: Float32Array,
  { N, T, dimensions, pooling }: {
    readonly N: number
    readonly T: number
    readonly dimensions: number
    readonly pooling: Encoder.Pooling
  }
): Float32Array => {
  const vectors = new Float32Array(N * dimensions)
  for (let n = 0; n < N; n++) {
    let count = 0
    for (let t = 0; t < (pooling === "cls" ? 1 : T); t++) {
      if (mask[n * T + t] === 0) continue
      count++
      for (let d = 0; d < dimensions; d++) vectors[n * dimensions + d]! += states[(n * T + t) * dimensions + d]!
    }
    for (let d = 0; d < dimensions; d++) vectors[n * dimensions + d]! /= count
  }
  return vectors
}

const load = Effect.fn("OnnxEmbeddingModel.load")(
  function*(directory: string, { config = {}, ...options }: LayerOptions) {
    yield* Session.require(options.device ?? "cpu")
    const at = (file: string, reason: string) => new CheckpointError({ file: join(directory, file), reason })
    const read = Effect.fnUntraced(function*(file: string) {
      const found = yield* json(directory, file, Schema.Unknown)
      return found === undefined ? yield* at(file, "cannot be read; is this a Hugging Face model directory?") : found
    })
    const encoder = yield* Effect.fromResult(
      Result.mapError(Encoder.fromConfig(yield* read("config.json")), (reason) => at("config.json", reason))
    )
    const [tokenizerJson, tokenizerConfig] = [
      yield* read("tokenizer.json"),
      (yield* json(directory, "tokenizer_config.json", Schema.Unknown)) ?? {}
    ]
    const tokenizer = yield* Effect.try({
      try: () => ControlTokens.make(tokenizerJson as ControlTokens.TokenizerJson, tokenizerConfig as object),
      catch: (cause) => at("tokenizer.json", `cannot be used: ${messageOf(cause)}`)
    })
    const modules = (yield* json(directory, "modules.json", Modules)) ?? []
    const said = yield* json(directory, "1_Pooling/config.json", PoolingConfig)
    if (
      said !== undefined && said.pooling_mode_cls_token !== true && said.pooling_mode_mean_tokens !== true &&
      config.pooling === undefined
    ) {
      return yield* at(
        "1_Pooling/config.json",
        "asks for another pooling than the mean or the first token, which is not supported"
      )
    }
    const lengths = yield* json(directory, "sentence_bert_config.json", Lengths)
    const pooling = config.pooling ?? (said?.pooling_mode_cls_token === true ? "cls" : "mean")
    const graph = join(directory, "onnx", "model.onnx")
    const hasWeights = ["model.safetensors", "model.safetensors.index.json"].some((file) =>
      existsSync(join(directory, file))
    )
    if (!hasWeights) yield* Effect.forEach([graph, `${graph}_data`], LfsPointer.refuse)
    const run = !hasWeights && existsSync(graph)
      ? yield* fromOnnx(graph, encoder.hiddenSize, pooling, options)
      : yield* fromSafetensors(directory, encoder, pooling, options)
    return {
      contextLength: encoder.contextLength,
      dimensions: encoder.hiddenSize,
      pooling,
      normalize: modules.some(({ type }) => type.endsWith("Normalize")),
      maxTokens: Math.min(encoder.contextLength, lengths?.max_seq_length ?? encoder.contextLength),
      tokenizer,
      run
    } satisfies Loaded
  }
)

// Padded tokens of one run.
const budget = 8192

const cut = (ids: ReadonlyArray<number>, most: number): ReadonlyArray<number> =>
  // The end token stays at the end.
  ids.length <= most ? ids : [...ids.slice(0, most - 1), ids.at(-1)!]

/**
 * What an encoder is loaded with, its directory, and how it embeds.
 *
 * @category models
 * @since 0.1.0
 */
export interface LayerOptions extends Session.SessionOptions {
  readonly model: string
  readonly config?: Options | undefined
}

/**
 * Makes the service from a directory with `config.json`, `tokenizer.json` and weights in safetensors, or
 * `onnx/model.onnx`. Pooling, normalization and length come from sentence-transformers' files (`modules.json`,
 * `1_Pooling/config.json`, `sentence_bert_config.json`) where they are there; without them vectors are means that are
 * not normalized.
 *
 * Fails with a `CheckpointError` that names the file at fault.
 *
 * @example
 * ```ts
 * import { OnnxEmbeddingModel } from "@memory-r1/backend-onnx"
 * import { Effect } from "effect"
 * import { EmbeddingModel } from "effect/ai"
 *
 * // A tiny encoder with random weights; any BERT of sentence-transformers will do.
 * const layer = OnnxEmbeddingModel.layer({ model: "packages/backend-onnx/test/fixtures/bert" })
 * const program = EmbeddingModel.EmbeddingModel.use((model) => model.embedMany(["the cat", "the dog ran home"]))
 * const { embeddings } = await Effect.runPromise(Effect.provide(program, layer))
 * embeddings.map(({ vector }) => vector.length) // => [24, 24]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function*(options: LayerOptions) {
  const scope = yield* Effect.scope
  const loaded = yield* load(options.model, options).pipe(Effect.provideService(Scope.Scope, scope))
  return yield* EmbeddingModel.make({
    // Calls of `embed` share a run only where they have the same options.
    batchKey: (context) => Context.getOrUndefined(context, Config),
    embedMany: Effect.fnUntraced(function*({ inputs }) {
      const over = Option.getOrUndefined(yield* Effect.serviceOption(Config))
      const { maxTokens = loaded.maxTokens, normalize = loaded.normalize, prompt = "" } = { ...options.config, ...over }
      const rows = inputs.map((text) =>
        cut(loaded.tokenizer.encode(prompt + text), Math.max(2, Math.min(maxTokens, loaded.contextLength)))
      )
      const results = new Array<Array<number>>(rows.length)
      // Texts of like length go together, so that little is padded.
      const order = [...rows.keys()].sort((a, b) => rows[a]!.length - rows[b]!.length || a - b)
      const embedFrom = Effect.fnUntraced(function*(from: number) {
        let to = from + 1
        while (to < order.length && (to - from + 1) * rows[order[to]!]!.length <= budget) to++
        const batch = order.slice(from, to)
        const vectors = yield* Effect.tryPromise({
          try: () => loaded.run(batch.map((i) => rows[i]!)),
          catch: (cause) =>
            AiError.make({
              module: "OnnxEmbeddingModel",
              method: "embedMany",
              reason: new AiError.InternalProviderError({
                description: `ONNX Runtime failed: ${messageOf(cause)}`
              })
            })
        })
        batch.forEach((index, n) => {
          const vector = Array.from(vectors.subarray(n * loaded.dimensions, (n + 1) * loaded.dimensions))
          const length = normalize ? Math.hypot(...vector) : 1
          results[index] = length === 0 ? vector : vector.map((x) => x / length)
        })
        return to
      })
      yield* Progress.Progress.use(({ part }) =>
        part(`embed ${order.length} texts`, order.length, ({ update }) =>
          Effect.gen(function*() {
            for (let done = 0; done < order.length;) yield* update(done = yield* embedFrom(done))
          }))
      )
      return { results, usage: { inputTokens: rows.reduce((sum, row) => sum + row.length, 0) } }
    })
  })
})

/**
 * The standard tag, so that any other provider's layer may stand in its place.
 *
 * @example
 * ```ts
 * import { OnnxEmbeddingModel } from "@memory-r1/backend-onnx"
 * import { Effect } from "effect"
 * import { EmbeddingModel } from "effect/ai"
 *
 * const layer = OnnxEmbeddingModel.layer({
 *   model: "packages/backend-onnx/test/fixtures/bert",
 *   config: { normalize: true, pooling: "cls" }
 * })
 * const program = EmbeddingModel.EmbeddingModel.use((model) => model.embed("the cat"))
 * const { vector } = await Effect.runPromise(Effect.provide(program, layer))
 * Math.round(Math.hypot(...vector)) // => 1
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: LayerOptions) => Layer.effect(EmbeddingModel.EmbeddingModel, make(options))

/**
 * Other options for the requests of one effect, such as another prompt for questions than for passages.
 *
 * @example
 * ```ts
 * import { OnnxEmbeddingModel } from "@memory-r1/backend-onnx"
 * import { Effect } from "effect"
 * import { EmbeddingModel } from "effect/ai"
 *
 * const layer = OnnxEmbeddingModel.layer({ model: "packages/backend-onnx/test/fixtures/bert" })
 * const program = EmbeddingModel.EmbeddingModel.use((model) => model.embed("the cat")).pipe(
 *   OnnxEmbeddingModel.withConfigOverride({ prompt: "query: " })
 * )
 * const { vector } = await Effect.runPromise(Effect.provide(program, layer))
 * vector.length // => 24
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const withConfigOverride: {
  (
    overrides: Omit<Options, "pooling">
  ): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, Exclude<R, Config>>
  <A, E, R>(self: Effect.Effect<A, E, R>, overrides: Omit<Options, "pooling">): Effect.Effect<A, E, Exclude<R, Config>>
} = Configuration.overriding(Config)
