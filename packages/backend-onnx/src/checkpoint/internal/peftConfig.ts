// adapter_config.json as peft writes it. What changes the computation of an adapted model is computed here, or refused
// by name; what peft adds tomorrow is refused too, until it is known here.
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const Kind = Schema.StructWithRest(Schema.Struct({ peft_type: Schema.String }), [
  Schema.Record(Schema.String, Schema.Unknown)
])

const optional = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))
const Lora = Schema.Struct({
  r: Schema.Int,
  lora_alpha: Schema.Finite,
  use_rslora: optional(Schema.Boolean),
  target_modules: Schema.Union([Schema.String, Schema.Array(Schema.String)])
})

/** What is read of a plain LoRA. */
export type Lora = typeof Lora.Type

// What the forward pass does not depend on: names, what only training does, and settings that other keys switch on.
const withoutEffect = new Set([
  "auto_mapping",
  "base_model_name_or_path",
  "inference_mode",
  "lora_dropout",
  "peft_version",
  "revision",
  "runtime_config",
  "task_type",
  // Only tied embeddings, which no plain LoRA of projections touches.
  "ensure_weight_tying",
  // Read with `megatron_config` and `use_qalora`.
  "megatron_core",
  "qalora_group_size",
  // Read with `init_lora_weights` of their kind.
  "corda_config",
  "eva_config",
  "loftq_config",
  "lora_ga_config"
])

// Beginnings that leave the base model, and the factor of each projection, as they were.
const plainBeginnings = new Set<unknown>([true, false, null, "gaussian", "orthogonal", "mica"])

const isSet = (value: unknown): boolean => {
  if (value === null || value === false || value === "") return false
  return typeof value !== "object" || Object.keys(value!).length > 0
}

const isPlain = (key: string, value: unknown): boolean => {
  if (Object.hasOwn(Lora.fields, key) || withoutEffect.has(key)) return true
  if (key === "peft_type") return value === "LORA"
  if (key === "bias") return value === "none" || !isSet(value)
  if (key === "init_lora_weights") return plainBeginnings.has(value)
  // peft asks only whether there are any, and then the adapter waits for them.
  if (key === "alora_invocation_tokens") return value === null
  return !isSet(value)
}

const named = (key: string, value: unknown): string => typeof value === "string" ? `${key} ${value}` : key

const unsupportedIn = (config: typeof Kind.Type): string | undefined => {
  const others = Object.entries(config).filter(([key, value]) => !isPlain(key, value))
  if (others.length === 0) return undefined
  const reason = `asks for ${others.map(([key, value]) => named(key, value)).join(" and ")}, which is not supported`
  const [beginning] = others.filter(([key]) => key === "init_lora_weights")
  return beginning === undefined
    ? reason
    : `${reason}: the base model was changed with it. Save it as a plain LoRA with peft's ` +
      "path_initial_model_for_weight_conversion, or merge it there"
}

/** A plain LoRA out of the text of adapter_config.json, or what is wrong with it. */
export const read = Effect.fnUntraced(function*(text: string) {
  const noLora = (cause: Schema.SchemaError) => ({
    reason: `is no LoRA configuration: ${cause.message.replaceAll(/\s+/g, " ")}`,
    cause
  })
  const config = yield* Effect.mapError(Schema.decodeUnknownEffect(Schema.fromJsonString(Kind))(text), noLora)
  const reason = unsupportedIn(config)
  if (reason !== undefined) return yield* Effect.fail({ reason, cause: undefined })
  return yield* Effect.mapError(Schema.decodeUnknownEffect(Lora)(config), noLora)
})
