/**
 * Loads the engine for commands, and defines their flags.
 *
 * @since 0.1.0
 */
import {
  Adapter,
  Gguf,
  Hub,
  Ollama,
  OnnxLanguageModel,
  OnnxLearner,
  OnnxModel,
  OnnxSampler
} from "@memory-r1/backend-onnx"
import { Sampler } from "@memory-r1/core/rl"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Yaml from "yaml"
import * as Progress from "./Progress.ts"
import { count } from "./shared.ts"

/**
 * `--model`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const model = Flag.String("model").pipe(
  Flag.withDescription(
    "a Hugging Face directory, a GGUF file, the id of a model on the hub (owner/name or owner/name@revision), or one "
      + "that Ollama has (ollama:name:tag)"
  )
)

/**
 * How a model is loaded.
 *
 * @category constructors
 * @since 0.1.0
 */
export const loading = {
  adapter: Flag.String("adapter").pipe(
    Flag.withDescription("a PEFT directory: apply this LoRA adapter to the model"),
    Flag.optional
  ),
  device: Flag.Literals("device", ["cpu", "webgpu", "cuda", "dml", "coreml"]).pipe(
    Flag.withDescription("the device that runs the model"),
    Flag.withDefault("cpu" as const)
  ),
  threads: count("threads").pipe(
    Flag.withDescription("threads per operator (default: all cores)"),
    Flag.optional
  ),
  dtype: Flag.Literals("dtype", ["float32", "float16", "int8", "int4"]).pipe(
    Flag.withDescription("the type that stores the matrices; all but float32 are frozen"),
    Flag.withDefault("float32" as const)
  ),
  decode: Flag.Literals("decode", ["float32", "int8", "int4"]).pipe(
    Flag.withDescription("the type that decoding reads the matrices in: fewer bits are faster, and not quite exact"),
    Flag.withDefault("float32" as const)
  )
}

/**
 * Variables of its chat template.
 *
 * @category constructors
 * @since 0.1.0
 */
export const templateOptions = Flag.KeyValuePair("template-option").pipe(
  Flag.withDescription(
    "a variable of the model's chat template, such as enable_thinking=false; repeatable"
  ),
  Flag.withDefault({} as Record<string, string>),
  Flag.mapTryCatch(
    (given): Sampler.TemplateOptions =>
      Object.fromEntries(Object.entries(given).map(([name, value]) => [name, Yaml.parse(value) as unknown])),
    () => "name=value, with a YAML value: false, 3, low"
  )
)

/**
 * Which weights are trained, and how.
 *
 * @category constructors
 * @since 0.1.0
 */
export const training = {
  ...loading,
  loraRank: count("lora-rank").pipe(
    Flag.withDescription("train a new LoRA adapter of this rank on all projections"),
    Flag.optional
  ),
  gradientCheckpointing: Flag.Boolean("gradient-checkpointing").pipe(
    Flag.withDescription("recompute layers instead of keeping their activations"),
    Flag.withDefault(false)
  ),
  microBatchTokens: count("micro-batch-tokens").pipe(
    Flag.withDescription("padded tokens per forward and backward pass"),
    Flag.withDefault(4096)
  )
}

/**
 * The values of the flags in `loading`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Loading {
  readonly adapter: Option.Option<string>
  readonly device: OnnxModel.Device
  readonly threads: Option.Option<number>
  readonly dtype: OnnxModel.WeightType
  readonly decode: OnnxModel.DecodeType
}

interface Training extends Loading {
  readonly loraRank: Option.Option<number>
  readonly gradientCheckpointing: boolean
  readonly microBatchTokens: number
}

/**
 * The defaults of the flags.
 *
 * @category constructors
 * @since 0.1.0
 */
export const defaults: Training = {
  adapter: Option.none(),
  device: "cpu",
  threads: Option.none(),
  dtype: "float32",
  decode: "float32",
  loraRank: Option.none(),
  gradientCheckpointing: false,
  microBatchTokens: 4096
}

/**
 * The directory or file of a model: the given one, the download of a hub id, or the file that Ollama has. Shows the
 * progress of a download.
 *
 * @category getters
 * @since 0.1.0
 */
export const directory = Effect.fnUntraced(function*(model: string) {
  const { phase } = yield* Progress.Progress
  if (Ollama.isName(model)) return yield* Ollama.resolve(model)
  if (Gguf.isFile(model) || !Hub.isId(model)) return model
  const services = yield* Effect.context<never>()
  return yield* phase(`fetch ${model}`, 100, ({ update }) => {
    let shown = -1
    return Hub.resolve(model, {
      onProgress: ({ done, file, total }) => {
        const percent = Math.floor(100 * done / Math.max(1, total))
        if (percent === shown) return
        shown = percent
        Effect.runSyncWith(services)(update(percent, file))
      }
    })
  })
})

const load = Effect.fnUntraced(function*(name: string, { adapter, decode, device, dtype, threads }: Loading) {
  const model = yield* OnnxModel.load(yield* directory(name), {
    decode,
    device,
    dtype,
    ...(Option.isSome(threads) ? { threads: threads.value } : {})
  })
  return {
    model,
    adapter: Option.isSome(adapter)
      ? yield* Adapter.load(yield* directory(adapter.value), model.checkpoint)
      : undefined
  }
})

/**
 * The sampler of a directory, with an adapter where one is given, and the model that it is of.
 *
 * @category constructors
 * @since 0.1.0
 */
export const sampler = Effect.fnUntraced(
  function*(directory: string, flags: Loading, templateOptions: Sampler.TemplateOptions = {}) {
    const { adapter, model } = yield* load(directory, flags)
    return { model, ...(yield* OnnxSampler.makeStreaming(model, { adapter, templateOptions })) }
  }
)

/**
 * The language model of a directory, with an adapter where one is given.
 *
 * @category constructors
 * @since 0.1.0
 */
export const languageModel = Effect.fnUntraced(
  function*(directory: string, flags: Loading, config: OnnxLanguageModel.Options) {
    const { model, ...options } = yield* load(directory, flags)
    // A template that does not know a variable says so now, and not at the first request.
    yield* Sampler.promptTokens(model.checkpoint.tokenizer, [{ role: "user", content: "" }], config.templateOptions)
    return yield* OnnxLanguageModel.make(model, { ...options, config })
  }
)

/**
 * The model of a directory with a learner: of an adapter where one or a rank is given, and of all weights where none
 * is.
 *
 * @category constructors
 * @since 0.1.0
 */
export const learner = Effect.fnUntraced(
  function*(directory: string, flags: Training, templateOptions: Sampler.TemplateOptions = {}) {
    const { gradientCheckpointing, loraRank, microBatchTokens } = flags
    const { adapter, model } = yield* load(directory, flags)
    const trained = Option.isSome(loraRank)
      ? yield* Adapter.initialize(model.checkpoint, { rank: loraRank.value }, 1)
      : adapter
    const made = yield* OnnxLearner.make(model, {
      gradientCheckpointing,
      microBatchTokens,
      templateOptions,
      adapter: trained
    })
    return { model, ...made }
  }
)

/**
 * An agent of a run folder: a checkpoint, or an adapter of the model that it names.
 *
 * @category constructors
 * @since 0.1.0
 */
export const agent = Effect.fnUntraced(function*(folder: string, templateOptions: Sampler.TemplateOptions = {}) {
  const base = yield* Adapter.baseModel(folder)
  if (base === undefined) return yield* OnnxLearner.make(yield* OnnxModel.load(folder), { templateOptions })
  return yield* learner(base, { ...defaults, adapter: Option.some(folder) }, templateOptions)
})
