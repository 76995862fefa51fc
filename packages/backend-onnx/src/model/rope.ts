// Rotary position embeddings (Su et al. 2021) and the ways in which models stretch them, as transformers computes them.
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/**
 * What a layer's queries and keys are turned by: one frequency for each pair of numbers, and a factor of cosine and
 * sine.
 */
export interface Rope {
  readonly inverseFrequencies: ReadonlyArray<number>
  readonly magnitude: number
}

const above0 = Schema.Finite.check(Schema.isGreaterThan(0))
const optional = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

/** The rope settings of a config.json: `rope_parameters` of transformers 5, `rope_scaling` of those before. */
export const Settings = Schema.Struct({
  rope_type: optional(Schema.String),
  // Before transformers 4.43.
  type: optional(Schema.String),
  rope_theta: optional(above0),
  partial_rotary_factor: optional(above0),
  factor: optional(above0),
  low_freq_factor: optional(above0),
  high_freq_factor: optional(above0),
  original_max_position_embeddings: optional(above0),
  attention_factor: optional(above0),
  beta_fast: optional(above0),
  beta_slow: optional(above0),
  mscale: optional(above0),
  mscale_all_dim: optional(above0),
  truncate: optional(Schema.Boolean),
  short_factor: optional(Schema.Array(above0)),
  long_factor: optional(Schema.Array(above0))
})
export type Settings = typeof Settings.Type

/** What the settings leave to the rest of the configuration. */
export interface Model {
  readonly theta: number
  /** Numbers of a head that are turned; all but for models with a `partial_rotary_factor`. */
  readonly rotarySize: number
  readonly contextLength: number
}

interface Made extends Rope {
  readonly contextLength: number
}

const plain = ({ rotarySize, theta }: Model): ReadonlyArray<number> =>
  Array.from({ length: rotarySize / 2 }, (_, i) => theta ** (-2 * i / rotarySize))

// Llama 3.1: long waves are stretched, short ones kept, those between pass over from one to the other.
const llama3 = (model: Model, settings: Settings): ReadonlyArray<number> => {
  const { factor, high_freq_factor: high, low_freq_factor: low, original_max_position_embeddings: original } = settings
  return plain(model).map((frequency) => {
    const turns = original! * frequency / (2 * Math.PI)
    const smooth = Math.min(1, Math.max(0, (turns - low!) / (high! - low!)))
    return (1 - smooth) * frequency / factor! + smooth * frequency
  })
}

// YaRN (Peng et al. 2023), section 3.2.
const yarn = (model: Model, settings: Settings): ReadonlyArray<number> => {
  const { rotarySize, theta } = model
  const original = settings.original_max_position_embeddings ?? model.contextLength
  const place = (turns: number): number =>
    rotarySize * Math.log(original / (turns * 2 * Math.PI)) / (2 * Math.log(theta))
  const [fast, slow] = [place(settings.beta_fast ?? 32), place(settings.beta_slow ?? 1)]
  const whole = settings.truncate ?? true
  const low = Math.max(0, whole ? Math.floor(fast) : fast)
  const high = Math.min(rotarySize - 1, whole ? Math.ceil(slow) : slow)
  const width = high === low ? 0.001 : high - low
  return plain(model).map((frequency, i) => {
    const ramp = Math.min(1, Math.max(0, (i - low) / width))
    return frequency / settings.factor! * ramp + frequency * (1 - ramp)
  })
}

const yarnMagnitude = ({ attention_factor, factor, mscale, mscale_all_dim }: Settings): number => {
  const of = (scale: number): number => factor! <= 1 ? 1 : 0.1 * scale * Math.log(factor!) + 1
  if (attention_factor != null) return attention_factor
  return mscale != null && mscale_all_dim != null ? of(mscale) / of(mscale_all_dim) : of(1)
}

// LongRoPE (Ding et al. 2024) has one list of factors up to the original length and another beyond; a model's numbers
// would change while a sequence grows over that length, so sequences here end at it.
const longrope = (model: Model, settings: Settings, original: number): Result.Result<Made, string> => {
  const factors = settings.short_factor ?? []
  if (factors.length !== model.rotarySize / 2) {
    return Result.fail(`has ${factors.length} numbers in short_factor where heads need ${model.rotarySize / 2}`)
  }
  const stretch = settings.factor ?? model.contextLength / original
  const magnitude = settings.attention_factor ??
    (stretch <= 1 ? 1 : Math.sqrt(1 + Math.log(stretch) / Math.log(original)))
  return Result.succeed({
    inverseFrequencies: plain(model).map((frequency, i) => frequency / factors[i]!),
    magnitude,
    contextLength: Math.min(original, model.contextLength)
  })
}

const needed: Readonly<Record<string, ReadonlyArray<keyof Settings>>> = {
  default: [],
  // Stretches beyond the context length only, where no sequence here goes.
  dynamic: [],
  linear: ["factor"],
  llama3: ["factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"],
  yarn: ["factor"],
  longrope: ["short_factor"]
}

/** The rope of a model, and the length up to which it holds; or in one line what is wrong with the settings. */
export const make = (
  model: Model,
  settings: Settings,
  /** Where Phi-3 keeps it: outside of the rope settings. */
  originalLength?: number | null
): Result.Result<Made, string> => {
  const named = settings.rope_type ?? settings.type ?? "default"
  const type = named === "su" ? "longrope" : named
  const fields = needed[type]
  if (fields === undefined) {
    return Result.fail(`asks for rope scaling "${named}"; known are ${Object.keys(needed).join(", ")}`)
  }
  const missing = fields.filter((field) => settings[field] == null)
  if (missing.length > 0) return Result.fail(`has rope scaling "${named}" without ${missing.join(", ")}`)
  const { contextLength } = model
  const of = (inverseFrequencies: ReadonlyArray<number>, magnitude = 1) =>
    Result.succeed({ inverseFrequencies, magnitude, contextLength })
  switch (type) {
    case "linear":
      return of(plain(model).map((frequency) => frequency / settings.factor!))
    case "llama3":
      return of(llama3(model, settings))
    case "yarn":
      return of(yarn(model, settings), yarnMagnitude(settings))
    case "longrope":
      return longrope(model, settings, settings.original_max_position_embeddings ?? originalLength ?? contextLength)
    default:
      return of(plain(model))
  }
}

/** Cosines and sines `[positions, rotarySize / 2]`. */
export const tables = (
  { inverseFrequencies, magnitude }: Rope,
  positions: number
): { readonly cos: Float32Array; readonly sin: Float32Array } => {
  const half = inverseFrequencies.length
  const cos = new Float32Array(positions * half)
  const sin = new Float32Array(positions * half)
  for (let position = 0; position < positions; position++) {
    for (let i = 0; i < half; i++) {
      const angle = position * inverseFrequencies[i]!
      cos[position * half + i] = magnitude * Math.cos(angle)
      sin[position * half + i] = magnitude * Math.sin(angle)
    }
  }
  return { cos, sin }
}
