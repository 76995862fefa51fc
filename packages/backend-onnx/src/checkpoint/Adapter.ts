/**
 * LoRA adapters (Hu et al. 2021): to the projections of a frozen model a product of two thin matrices is added, and
 * only those are trained. Adapters are read and written as PEFT has them, so that what is trained here, `peft` loads,
 * and the other way round.
 *
 * @since 0.1.0
 */
import { messageOf } from "@memory-r1/core"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { mkdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import type { Decoder, ParameterShape } from "../model/architecture.ts"
import { parameterShapes } from "../model/architecture.ts"
import type { AdapterPlan } from "../model/decoder.ts"
import * as Parameters from "../model/parameters.ts"
import * as Random from "../model/random.ts"
import type { Checkpoint } from "./Checkpoint.ts"
import { CheckpointError } from "./CheckpointError.ts"
import * as PeftConfig from "./internal/peftConfig.ts"
import * as WholeFile from "./internal/wholeFile.ts"
import * as LfsPointer from "./lfsPointer.ts"
import * as Safetensors from "./Safetensors.ts"

/**
 * Which projections are adapted, and how.
 *
 * - `rank`: columns of the thin matrices.
 * - `alpha`: their product is multiplied by `alpha / rank`, with `rsLora` by `alpha / sqrt(rank)` (Kalajdzievski 2023).
 * - `targetModules`: names of projections such as `q_proj`, or `all-linear` for all of them.
 *
 * @category models
 * @since 0.1.0
 */
export interface Settings {
  readonly rank: number
  readonly alpha: number
  readonly rsLora: boolean
  readonly targetModules: "all-linear" | ReadonlyArray<string>
}

/**
 * A LoRA adapter in memory: `weights` is one flat float32 buffer of its matrices. A model may have several.
 *
 * @category models
 * @since 0.1.0
 */
export interface Adapter {
  readonly settings: Settings
  /** @internal Where each matrix lies in the flat weights. */
  readonly layout: Parameters.Layout
  readonly weights: Float32Array
  /** @internal What the graphs of a model with this adapter are built for. */
  readonly plan: AdapterPlan
}

/**
 * An adapter that cannot be made of a model.
 *
 * @category errors
 * @since 0.1.0
 */
export class AdapterError extends Schema.TaggedError<AdapterError>()("AdapterError", { reason: Schema.String }) {
  override get message(): string {
    return this.reason
  }
}

const isProjection = (name: string): boolean => name.endsWith("_proj.weight")
const moduleOf = (name: string): string => name.slice(0, -".weight".length)

/** The adapted parameters of a model; of a target that fits none, its name. */
const targetsOf = (decoder: Decoder, targets: Settings["targetModules"]): ReadonlyArray<ParameterShape> | string => {
  const projections = parameterShapes(decoder).filter(({ name }) => isProjection(name))
  if (targets === "all-linear") return projections
  const fits = (module: string, target: string): boolean => module === target || module.endsWith(`.${target}`)
  const missing = targets.find((target) => !projections.some(({ name }) => fits(moduleOf(name), target)))
  return missing ?? projections.filter(({ name }) => targets.some((target) => fits(moduleOf(name), target)))
}

const matrixNames = (module: string) => ({
  a: `base_model.model.${module}.lora_A.weight`,
  b: `base_model.model.${module}.lora_B.weight`
})

// Both matrices of each projection. Of a fused one B's rows belong to its parts, which share A.
const layoutOf = (parameters: ReadonlyArray<ParameterShape>, rank: number): Parameters.Layout =>
  Parameters.layout(parameters.flatMap(({ name, parts, shape }) => {
    const [out, inner] = shape as [number, number]
    const { a, b } = matrixNames(moduleOf(name))
    return [
      { name: a, shape: [rank, inner], parts: [{ name: a, shape: [rank, inner] }] },
      {
        name: b,
        shape: [out, rank],
        parts: parts.map((part) => ({ name: matrixNames(moduleOf(part.name)).b, shape: [part.shape[0]!, rank] }))
      }
    ]
  }))

const planOf = (parameters: ReadonlyArray<ParameterShape>, layout: Parameters.Layout, scale: number): AdapterPlan => ({
  scale,
  parts: Parameters.parts(layout),
  projections: new Map(
    parameters.flatMap(({ name, parts }) =>
      parts.map((part) =>
        [moduleOf(part.name), { a: matrixNames(moduleOf(name)).a, b: matrixNames(moduleOf(part.name)).b }] as const
      )
    )
  )
})

const scaleOf = ({ alpha, rank, rsLora }: Settings): number => alpha / (rsLora ? Math.sqrt(rank) : rank)

const empty = Effect.fnUntraced(function*(
  decoder: Decoder,
  settings: Settings
): Effect.fn.Return<Adapter, AdapterError> {
  const { alpha, rank } = settings
  if (!Number.isInteger(rank) || rank < 1) {
    return yield* new AdapterError({ reason: `rank is ${rank}, it has to be a positive whole number` })
  }
  if (!(alpha > 0) || !Number.isFinite(alpha)) {
    return yield* new AdapterError({ reason: `alpha is ${alpha}, it has to be a number above 0` })
  }
  const targets = targetsOf(decoder, settings.targetModules)
  if (typeof targets === "string" || targets.length === 0) {
    const known = [
      ...new Set(
        parameterShapes(decoder).filter(({ name }) => isProjection(name)).map(({ name }) =>
          moduleOf(name).split(".").at(-1)
        )
      )
    ]
    const which = typeof targets === "string" ? `the target module ${targets} is none` : "no target module is one"
    return yield* new AdapterError({ reason: `${which} of this model's projections: ${known.join(", ")}` })
  }
  const layout = layoutOf(targets, rank)
  return {
    settings,
    layout,
    weights: new Float32Array(layout.length),
    plan: planOf(targets, layout, scaleOf(settings))
  }
})

/**
 * A new adapter, as PEFT begins one: the first matrices uniform in ± 1 / sqrt(columns), the second zero, so that it
 * changes nothing yet. The same seed gives the same numbers. `targetModules` is "all-linear", `alpha` twice the rank
 * by default.
 *
 * Fails with an `AdapterError` where a target is no projection of the model.
 *
 * @category constructors
 * @since 0.1.0
 */
export const initialize = Effect.fn("Adapter.initialize")(function*(
  { decoder }: { readonly decoder: Decoder },
  { alpha, rank, rsLora = false, targetModules = "all-linear" }: {
    readonly rank: number
    readonly alpha?: number | undefined
    readonly rsLora?: boolean | undefined
    readonly targetModules?: Settings["targetModules"] | undefined
  },
  seed: number
): Effect.fn.Return<Adapter, AdapterError> {
  const adapter = yield* empty(decoder, { rank, alpha: alpha ?? 2 * rank, rsLora, targetModules })
  adapter.layout.parameters.forEach((parameter, i) => {
    if (!parameter.name.endsWith("lora_A.weight")) return
    const key = Random.stream(seed, i)
    const bound = parameter.shape[1]! ** -0.5
    const view = Parameters.view(adapter.weights, parameter)
    for (let j = 0; j < view.length; j++) view[j] = bound * (2 * Random.uniform(key, j) - 1)
  })
  return adapter
})

const configFile = "adapter_config.json"
const weightsFile = "adapter_model.safetensors"

const Based = Schema.fromJsonString(Schema.Struct({
  base_model_name_or_path: Schema.String,
  revision: Schema.optionalKey(Schema.NullOr(Schema.String))
}))

/**
 * Reads a PEFT directory, `adapter_config.json` and `adapter_model.safetensors`, for a model.
 *
 * A plain LoRA is read, rank-stabilized or not. What peft computes otherwise (DoRA, activated LoRA, a rank for each
 * layer, PiSSA and other beginnings that change the base model, ...) is refused.
 *
 * Fails with a `CheckpointError` that names the file, and the key or the tensor, that is at fault.
 *
 * @category constructors
 * @since 0.1.0
 */
export const load = Effect.fn("Adapter.load")(
  function*(directory: string, { decoder }: { readonly decoder: Decoder }): Effect.fn.Return<Adapter, CheckpointError> {
    const file = join(directory, configFile)
    const fail = (reason: string, cause?: unknown) => new CheckpointError({ file, reason, cause })
    yield* LfsPointer.refuse(file)
    const text = yield* Effect.tryPromise({
      try: () => readFile(file, "utf8"),
      catch: (cause) => fail(`cannot be read (${messageOf(cause)}); is this a PEFT adapter directory?`, cause)
    })
    const config = yield* Effect.mapError(PeftConfig.read(text), ({ cause, reason }) => fail(reason, cause))
    const { target_modules: targets } = config
    if (typeof targets === "string" && targets !== "all-linear") {
      return yield* fail(`has a pattern for target_modules, ${JSON.stringify(targets)}; a list of names can be read`)
    }
    const adapter = yield* Effect.mapError(
      empty(decoder, {
        rank: config.r,
        alpha: config.lora_alpha,
        rsLora: config.use_rslora ?? false,
        targetModules: typeof targets === "string" ? "all-linear" : targets
      }),
      (error) => fail(`does not fit the model: ${error.reason}`)
    )
    yield* readInto(directory, adapter)
    return adapter
  }
)

/**
 * The model that the adapter in a directory says that it belongs to, a directory or owner/name@revision; nothing where
 * there is no adapter.
 *
 * @category getters
 * @since 0.1.0
 */
export const baseModel = Effect.fn("Adapter.baseModel")(function*(directory: string) {
  yield* LfsPointer.refuse(join(directory, configFile))
  const text = yield* Effect.promise(() => readFile(join(directory, configFile), "utf8").catch(() => undefined))
  if (text === undefined) return undefined
  const { base_model_name_or_path: base, revision } = yield* Effect.mapError(
    Schema.decodeUnknownEffect(Based)(text),
    (cause) =>
      new CheckpointError({ file: join(directory, configFile), reason: "names no base_model_name_or_path", cause })
  )
  return revision == null ? base : `${base}@${revision}`
})

// Reads the matrices of a directory into an adapter of the same settings.
const readInto = Effect.fnUntraced(
  function*(directory: string, adapter: Adapter) {
    const reader = yield* Safetensors.openFile(join(directory, weightsFile))
    for (const { name, shape } of adapter.layout.parameters) {
      const has = reader.tensors.get(name)?.shape
      if (has?.join() !== shape.join()) {
        const reason = has === undefined
          ? `is missing; ${configFile} asks for it`
          : `has shape [${has.join(", ")}], ${configFile} and the model ask for [${shape.join(", ")}]`
        return yield* new CheckpointError({ file: reader.file, tensor: name, reason })
      }
    }
    const known = new Set(adapter.layout.parameters.map(({ name }) => name))
    const unknown = [...reader.tensors.keys()].find((name) => !known.has(name))
    if (unknown !== undefined) {
      return yield* new CheckpointError({
        file: reader.file,
        tensor: unknown,
        reason: `belongs to no target of ${configFile} in this model`
      })
    }
    for (const parameter of adapter.layout.parameters) {
      yield* reader.read(parameter.name, Parameters.view(adapter.weights, parameter))
    }
  },
  Effect.scoped
)

// The hub id and revision of a folder in Hugging Face's cache: what another machine can fetch the model by.
const published = (
  baseModel: string
): { readonly base_model_name_or_path: string; readonly revision?: string | undefined } => {
  const found = /models--([^/\\]+?)--([^/\\]+)[/\\]snapshots[/\\]([^/\\]+)[/\\]?$/.exec(baseModel)
  return found === null
    ? { base_model_name_or_path: baseModel }
    : { base_model_name_or_path: `${found[1]}/${found[2]}`, revision: found[3]! }
}

/**
 * Writes an adapter as a PEFT directory. `baseModel` is the name or the directory of the model that it belongs to; one
 * in Hugging Face's cache is named by its id and revision. Each file appears whole or not at all.
 *
 * @category running
 * @since 0.1.0
 */
export const save = Effect.fn("Adapter.save")(function*(adapter: Adapter, directory: string, baseModel: string) {
  const { alpha, rank, rsLora, targetModules } = adapter.settings
  const file = join(directory, configFile)
  const modules = targetModules === "all-linear"
    ? [...new Set(adapter.layout.parameters.map(({ name }) => name.split(".").at(-3)!))]
    : targetModules
  const config = {
    ...published(baseModel),
    bias: "none",
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    lora_alpha: alpha,
    lora_dropout: 0,
    modules_to_save: null,
    peft_type: "LORA",
    r: rank,
    target_modules: modules,
    task_type: "CAUSAL_LM",
    use_dora: false,
    use_rslora: rsLora
  }
  yield* Effect.tryPromise({ try: () => mkdir(directory, { recursive: true }), catch: WholeFile.failed(file) })
  yield* Safetensors.writeFile(
    join(directory, weightsFile),
    adapter.layout.parameters.map((parameter) => ({
      name: parameter.name,
      shape: parameter.shape,
      data: Parameters.view(adapter.weights, parameter)
    }))
  )
  yield* WholeFile.write(file, [`${JSON.stringify(config, null, 2)}\n`])
})

/**
 * The weights of a model with an adapter's products added: a model of the same shape that needs no adapter.
 *
 * @category combinators
 * @since 0.1.0
 */
export const merge = (model: Checkpoint, adapter: Adapter): Checkpoint => {
  const weights = model.weights.slice()
  const { rank } = adapter.settings
  const matrices = new Map(
    adapter.layout.parameters.map((parameter) => [parameter.name, Parameters.view(adapter.weights, parameter)])
  )
  for (const parameter of model.layout.parameters) {
    if (!isProjection(parameter.name)) continue
    const { a, b } = matrixNames(moduleOf(parameter.name))
    const [A, B] = [matrices.get(a), matrices.get(b)]
    if (A === undefined || B === undefined) continue
    const [out, inner] = parameter.shape as [number, number]
    const view = Parameters.view(weights, parameter)
    const row = new Float64Array(inner)
    for (let o = 0; o < out; o++) {
      row.fill(0)
      for (let r = 0; r < rank; r++) {
        const factor = adapter.plan.scale * B[o * rank + r]!
        for (let i = 0; i < inner; i++) row[i]! += factor * A[r * inner + i]!
      }
      for (let i = 0; i < inner; i++) view[o * inner + i]! += row[i]!
    }
  }
  return { ...model, weights }
}
