// What a chat completion looks like on the wire, as far as it is read. Servers leave fields out, or send null for them.
import * as Schema from "effect/Schema"

const maybe = <S extends Schema.Constraint>(schema: S) => Schema.optional(Schema.NullOr(schema))

const Usage = Schema.Struct({
  prompt_tokens: maybe(Schema.Int),
  completion_tokens: maybe(Schema.Int),
  prompt_tokens_details: maybe(Schema.Struct({ cached_tokens: maybe(Schema.Int) })),
  completion_tokens_details: maybe(Schema.Struct({ reasoning_tokens: maybe(Schema.Int) }))
})

// A piece of an answer. Some servers send the answer in pieces, with what the model thinks among them.
const Piece = Schema.Struct({
  type: maybe(Schema.String),
  text: maybe(Schema.String),
  thinking: maybe(Schema.Union([Schema.String, Schema.Array(Schema.Struct({ text: maybe(Schema.String) }))]))
})

const Text = {
  content: maybe(Schema.Union([Schema.String, Schema.Array(Piece)])),
  // Two names are in use for what a reasoning model thinks.
  reasoning: maybe(Schema.String),
  reasoning_content: maybe(Schema.String)
}

const Head = {
  id: maybe(Schema.String),
  model: maybe(Schema.String),
  usage: maybe(Usage)
}

// Older text-generation servers send an object for arguments, a number for an id, and in a stream a call without a list
// around it.
const Id = maybe(Schema.Union([Schema.String, Schema.Finite]))
const Arguments = maybe(Schema.Union([Schema.String, Schema.Record(Schema.String, Schema.Unknown)]))

const ToolCall = Schema.Struct({
  id: Id,
  function: Schema.Struct({ name: Schema.String, arguments: Arguments })
})

const ToolCallPiece = Schema.Struct({
  index: maybe(Schema.Int),
  id: Id,
  function: maybe(Schema.Struct({ name: maybe(Schema.String), arguments: Arguments }))
})

export const ChatCompletion = Schema.Struct({
  ...Head,
  choices: Schema.NonEmptyArray(Schema.Struct({
    finish_reason: maybe(Schema.String),
    message: Schema.Struct({ ...Text, tool_calls: maybe(Schema.Array(ToolCall)) })
  }))
})

export const ChatCompletionChunk = Schema.Struct({
  ...Head,
  choices: Schema.Array(Schema.Struct({
    finish_reason: maybe(Schema.String),
    delta: maybe(Schema.Struct({
      ...Text,
      tool_calls: maybe(Schema.Union([Schema.Array(ToolCallPiece), ToolCallPiece]))
    }))
  }))
})
