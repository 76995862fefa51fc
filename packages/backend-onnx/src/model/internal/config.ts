// config.json of the families here: one schema, since they share most of their fields.
import * as Schema from "effect/Schema"
import * as Rope from "../rope.ts"

const positive = Schema.Int.check(Schema.isGreaterThan(0))
const above0 = Schema.Finite.check(Schema.isGreaterThan(0))
const optional = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

/** The first of them decides which family a checkpoint is of. */
export const Named = Schema.Struct({ architectures: optional(Schema.Array(Schema.String)) })

export const Config = Schema.Struct({
  vocab_size: positive,
  hidden_size: positive,
  intermediate_size: positive,
  // More than any model has: what is above is a mistake, and would be a graph that never ends.
  num_hidden_layers: positive.check(Schema.isLessThanOrEqualTo(1000)),
  num_attention_heads: positive,
  num_key_value_heads: optional(positive),
  head_dim: optional(positive),
  hidden_act: optional(Schema.String),
  hidden_activation: optional(Schema.String),
  rms_norm_eps: above0,
  rope_theta: optional(above0),
  rope_local_base_freq: optional(above0),
  rope_scaling: optional(Rope.Settings),
  // transformers 5 writes all rope settings as one object; where kinds of layers differ, one for each kind.
  rope_parameters: optional(Schema.Union([
    Schema.Struct({ full_attention: Rope.Settings, sliding_attention: optional(Rope.Settings) }),
    Rope.Settings
  ])),
  partial_rotary_factor: optional(above0),
  original_max_position_embeddings: optional(positive),
  max_position_embeddings: positive,
  tie_word_embeddings: optional(Schema.Boolean),
  attention_bias: optional(Schema.Boolean),
  mlp_bias: optional(Schema.Boolean),
  use_sliding_window: optional(Schema.Boolean),
  sliding_window: optional(positive),
  max_window_layers: optional(Schema.Int),
  sliding_window_pattern: optional(positive),
  layer_types: optional(Schema.Array(Schema.String)),
  query_pre_attn_scalar: optional(above0),
  attn_logit_softcapping: optional(above0),
  final_logit_softcapping: optional(above0),
  use_bidirectional_attention: optional(Schema.Boolean)
})
export type Config = typeof Config.Type
