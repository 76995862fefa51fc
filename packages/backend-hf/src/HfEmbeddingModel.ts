/**
 * `EmbeddingModel` of `effect/ai` over the feature extraction of Hugging Face.
 *
 * @since 0.1.0
 */
import { AiError, EmbeddingModel, Model } from "effect/ai"
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { HfClient } from "./HfClient.ts"
import * as Configuration from "./internal/config.ts"
import * as Pooling from "./internal/pooling.ts"

/**
 * How to embed.
 *
 * - `normalize`: vectors of length 1, where the model does not give them anyway.
 * - `promptName`: which of the model's own prompts to set before each text, such as "query" or "passage".
 * - `truncate`: cut texts that are too long for the model, instead of an error.
 * - `batchSize`: texts for each request; 32 unless told otherwise, which is what a text-embeddings server takes at most
 *   by default.
 * - `timeout`: how long to wait for each request; two minutes unless told otherwise.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly normalize?: boolean | undefined
  readonly promptName?: string | undefined
  readonly truncate?: boolean | undefined
  readonly batchSize?: number | undefined
  readonly timeout?: Duration.Input | undefined
}

/**
 * Options for the requests of one effect, over those of the model. See `withConfigOverride`.
 *
 * @category services
 * @since 0.1.0
 */
export class Config extends Context.Service<Config, Options>()("@memory-r1/backend-hf/HfEmbeddingModel/Config") {}

/**
 * Makes the service from an `HfClient`. Use it for several models side by side; programs with one use `model` or
 * `layer`.
 *
 * Where the server gives a vector for each token, the text gets their mean. Calls of `embed` at the same time share a
 * request; interruption of such a call ends its wait, not the request, which continues until its answer or its timeout.
 * Interruption of `embedMany` aborts the request.
 *
 * Fails with `InvalidResponseError` where the number of vectors or their `dimensions` are wrong. Other errors: see
 * `HfClient`.
 *
 * @example
 * ```ts
 * import { HfClient, HfEmbeddingModel } from "@memory-r1/backend-hf"
 * import { Effect } from "effect"
 *
 * // A fetch that gives token vectors: they are averaged.
 * const fetch = async () => Response.json([[[1, 0], [3, 4]]])
 * const program = Effect.gen(function*() {
 *   const model = yield* HfEmbeddingModel.make({ model: "any", dimensions: 2 })
 *   return (yield* model.embed("Ann lives in Oslo")).vector
 * }).pipe(Effect.provide(HfClient.layer({ endpointUrl: "http://localhost:8080", fetch })))
 * await Effect.runPromise(program) // => [2, 2]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function*({ config, dimensions, model }: {
  readonly model: string
  readonly dimensions?: number | undefined
  readonly config?: Options | undefined
}): Effect.fn.Return<EmbeddingModel.EmbeddingModel, never, HfClient> {
  const client = yield* HfClient
  return yield* EmbeddingModel.make({
    // Calls of `embed` share a request only where they have the same options.
    batchKey: (context) => Context.getOrUndefined(context, Config),
    embedMany: Effect.fnUntraced(function*({ inputs }) {
      const { batchSize = 32, normalize, promptName, timeout, truncate } = yield* Configuration.current(Config, config)
      const results = yield* Effect.forEach(
        Arr.chunksOf(inputs, Math.max(1, batchSize)),
        (texts) =>
          client.featureExtraction({
            model,
            inputs: texts,
            ...(normalize === undefined ? {} : { normalize }),
            ...(promptName === undefined ? {} : { prompt_name: promptName }),
            ...(truncate === undefined ? {} : { truncate })
          }, { timeout }).pipe(
            Effect.flatMap((output) =>
              Effect.mapError(
                Effect.fromResult(
                  Pooling.vectors(output, { texts: texts.length, dimensions, normalize: normalize ?? false })
                ),
                (description) =>
                  AiError.make({
                    module: "HfEmbeddingModel",
                    method: "embedMany",
                    reason: new AiError.InvalidResponseError({ description })
                  })
              )
            )
          )
      )
      return { results: results.flat(), usage: { inputTokens: undefined } }
    })
  })
})

/**
 * The standard tag, so that any other provider's layer may stand in its place. With `dimensions` the length of every
 * vector is checked.
 *
 * @example
 * ```ts
 * import { HfClient, HfEmbeddingModel } from "@memory-r1/backend-hf"
 * import { Effect, Layer } from "effect"
 * import { EmbeddingModel } from "effect/ai"
 *
 * const fetch = async () => Response.json([[1, 2, 3]])
 * const layer = HfEmbeddingModel.layer({ model: "any", dimensions: 2 }).pipe(
 *   Layer.provide(HfClient.layer({ endpointUrl: "http://localhost:8080", fetch }))
 * )
 * const program = EmbeddingModel.EmbeddingModel.use((model) => model.embed("a")).pipe(
 *   Effect.flip,
 *   Effect.provide(layer)
 * )
 * const error = await Effect.runPromise(program)
 * error.reason._tag // => "InvalidResponseError"
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: {
  readonly model: string
  readonly dimensions?: number | undefined
  readonly config?: Options | undefined
}): Layer.Layer<EmbeddingModel.EmbeddingModel, never, HfClient> =>
  Layer.effect(EmbeddingModel.EmbeddingModel, make(options))

/**
 * A model by its name on Hugging Face, with the length of its vectors.
 *
 * @example
 * ```ts
 * import { HfClient, HfEmbeddingModel } from "@memory-r1/backend-hf"
 * import { Effect } from "effect"
 * import { EmbeddingModel } from "effect/ai"
 *
 * // A server on this machine, or here a fetch that plays one: a vector of two numbers for each text.
 * const fetch: typeof globalThis.fetch = async (_url, init) =>
 *   Response.json(JSON.parse(String(init?.body)).inputs.map((text: string) => [text.length, 1]))
 * const program = EmbeddingModel.EmbeddingModel.use((model) => model.embedMany(["a", "bbb"])).pipe(
 *   Effect.map(({ embeddings }) => embeddings.map(({ vector }) => vector)),
 *   Effect.provide(HfEmbeddingModel.model("sentence-transformers/all-MiniLM-L6-v2", { dimensions: 2 })),
 *   Effect.provide(HfClient.layer({ endpointUrl: "http://localhost:8080", fetch }))
 * )
 * await Effect.runPromise(program) // => [[1, 1], [3, 1]]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const model = (
  name: string,
  { dimensions, ...config }: Options & { readonly dimensions: number }
): Model.Model<"huggingface", EmbeddingModel.EmbeddingModel | EmbeddingModel.Dimensions, HfClient> =>
  Model.make(
    "huggingface",
    name,
    Layer.merge(layer({ model: name, dimensions, config }), Layer.succeed(EmbeddingModel.Dimensions, dimensions))
  )

/**
 * Other options for the requests of one effect. Inner overrides win over outer ones, and both over those of the model.
 *
 * @example
 * ```ts
 * import { HfClient, HfEmbeddingModel } from "@memory-r1/backend-hf"
 * import { Effect } from "effect"
 * import { EmbeddingModel } from "effect/ai"
 *
 * // A fetch that tells whether a prompt was asked for.
 * const fetch: typeof globalThis.fetch = async (_url, init) =>
 *   Response.json([[JSON.parse(String(init?.body)).prompt_name === "query" ? 1 : 0]])
 * const program = EmbeddingModel.EmbeddingModel.use((model) => model.embed("Where does Ann live?")).pipe(
 *   HfEmbeddingModel.withConfigOverride({ promptName: "query" }),
 *   Effect.map(({ vector }) => vector),
 *   Effect.provide(HfEmbeddingModel.model("any", { dimensions: 1 })),
 *   Effect.provide(HfClient.layer({ endpointUrl: "http://localhost:8080", fetch }))
 * )
 * await Effect.runPromise(program) // => [1]
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const withConfigOverride: {
  (overrides: Options): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, Exclude<R, Config>>
  <A, E, R>(self: Effect.Effect<A, E, R>, overrides: Options): Effect.Effect<A, E, Exclude<R, Config>>
} = Configuration.overriding(Config)
