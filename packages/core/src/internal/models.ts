// The models that `createMemory` takes, as layers.
import type { EmbeddingModel, LanguageModel } from "effect/ai"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as AiSdk from "../AiSdk.ts"
import { UnusableModel } from "../unusableModel.ts"

type Option = UnusableModel["option"]
type Hf = typeof import("@memory-r1/backend-hf")

// A name that no bundler follows: an app that does without the package does not have to have it.
const backend = ["@memory-r1", "backend-hf"].join("/")

const isMissing = (error: unknown): boolean =>
  Predicate.hasProperty(error, "code") && error.code === "ERR_MODULE_NOT_FOUND" && String(error).includes(backend)

const onHuggingFace = <A>(option: Option, name: string, use: (hf: Hf) => Layer.Layer<A, unknown>) =>
  Layer.unwrap(Effect.gen(function*() {
    if (!/^[^\s/]+\/[^\s/]+$/.test(name)) {
      return yield* new UnusableModel({
        option,
        detail: `"${name}" is no id of a model on Hugging Face, such as "Qwen/Qwen3-4B-Instruct-2507"`
      })
    }
    const load = (): Promise<Hf> => import(/* @vite-ignore */ /* webpackIgnore: true */ backend)
    return use(
      yield* Effect.tryPromise({
        try: load,
        catch: (cause) =>
          new UnusableModel({
            option,
            detail: isMissing(cause)
              ? `"${name}" runs on Hugging Face; install ${backend} for that (npm install ${backend})`
              : `${backend} cannot be loaded: ${cause}`,
            cause
          })
      })
    )
  }))

interface Versioned {
  readonly specificationVersion: string
}

const isVersioned = <Model extends Versioned>(given: Model | Layer.Layer<never, unknown>): given is Model =>
  Predicate.hasProperty(given, "specificationVersion")

const resolve = <A, Model extends Versioned>(
  option: Option,
  given: Layer.Layer<A, unknown> | Model | string,
  ofName: (hf: Hf, name: string) => Layer.Layer<A, unknown>,
  ofModel: (model: Model) => Layer.Layer<A>
): Layer.Layer<A, unknown> => {
  if (typeof given === "string") return onHuggingFace(option, given, (hf) => ofName(hf, given))
  // A program without types may hand over anything.
  const version = isVersioned(given) ? given.specificationVersion : undefined
  if (isVersioned(given)) {
    if (version === "v3" || version === "v4") return ofModel(given)
  } else if (Layer.isLayer(given)) return given
  const detail = `it is no layer, no model of the AI SDK with specification v3 or v4${
    version === undefined ? "" : ` (this one has ${version})`
  }, and no id of a model on Hugging Face`
  return Layer.unwrap(Effect.fail(new UnusableModel({ option, detail })))
}

// As the environment is now: a program may have read its file of variables since it started.
const client = ({ layerConfig }: Hf["HfClient"]) =>
  Layer.provide(layerConfig(), Layer.suspend(() => ConfigProvider.layer(ConfigProvider.fromEnv())))

export const languageModel = (
  given: Layer.Layer<LanguageModel.LanguageModel, unknown> | AiSdk.LanguageModelLike | string
): Layer.Layer<LanguageModel.LanguageModel, unknown> =>
  resolve(
    "model",
    given,
    ({ HfClient, HfLanguageModel }, model) =>
      Layer.provide(HfLanguageModel.layer({ model, config: { temperature: 0 } }), client(HfClient)),
    (model) => AiSdk.layerLanguageModel(model)
  )

export const embeddingModel = (
  given: Layer.Layer<EmbeddingModel.EmbeddingModel, unknown> | AiSdk.EmbeddingModelLike | string
): Layer.Layer<EmbeddingModel.EmbeddingModel, unknown> =>
  resolve(
    "embedding",
    given,
    ({ HfClient, HfEmbeddingModel }, model) => Layer.provide(HfEmbeddingModel.layer({ model }), client(HfClient)),
    (model) => AiSdk.layerEmbeddingModel(model)
  )
