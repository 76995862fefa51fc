// From the options of `effect/ai` to the body of a chat completion.
import type { InferenceClient } from "@huggingface/inference"
import { AiError, type LanguageModel, OpenAiStructuredOutput, type Prompt, Tool } from "effect/ai"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Predicate from "effect/Predicate"
import * as SchemaAST from "effect/SchemaAST"

type ChatArguments = Parameters<InferenceClient["chatCompletion"]>[0]
export type Message = ChatArguments["messages"][number]
type Body = Pick<ChatArguments, "response_format" | "tools" | "tool_choice">

const fail = (method: string, reason: AiError.AiErrorReason) =>
  Effect.fail(AiError.make({ module: "HfLanguageModel", method, reason }))

// A strict json_schema has the limits that OpenAI's format sets.
export const codecTransformer: LanguageModel.CodecTransformer = OpenAiStructuredOutput.toCodecOpenAI

const imageUrl = ({ data, mediaType }: Prompt.FilePart): string => {
  if (data instanceof URL) return data.href
  if (Predicate.isString(data)) return data
  return `data:${mediaType === "image/*" ? "image/jpeg" : mediaType};base64,${Base64.encode(data)}`
}

const userContent = Effect.fnUntraced(function*(method: string, parts: Prompt.UserMessage["content"]) {
  const [first] = parts
  // Some servers take a plain string only.
  if (parts.length === 1 && first?.type === "text") return first.text
  return yield* Effect.forEach(
    parts,
    Effect.fnUntraced(function*(part) {
      if (part.type === "text") return { type: "text" as const, text: part.text }
      if (part.mediaType.startsWith("image/")) return { type: "image_url" as const, image_url: { url: imageUrl(part) } }
      return yield* fail(
        method,
        new AiError.InvalidUserInputError({
          description: `Files of type ${part.mediaType} cannot be sent, only images`
        })
      )
    })
  )
})

// What a model thought and who approved what are not repeated to it.
const assistantMessage = (parts: Prompt.AssistantMessage["content"]): ReadonlyArray<Message> => {
  const text = parts.flatMap((part) => part.type === "text" ? [part.text] : []).join("")
  const calls = parts.flatMap((part) =>
    part.type === "tool-call" && !part.providerExecuted
      ? [{ id: part.id, type: "function", function: { name: part.name, arguments: JSON.stringify(part.params) } }]
      : []
  )
  if (text === "" && calls.length === 0) return []
  return [{ role: "assistant", content: text, ...(calls.length === 0 ? {} : { tool_calls: calls }) }]
}

const resultText = ({ modelOutput, result }: Prompt.ToolResultPart): string => {
  if (modelOutput !== undefined && modelOutput.every((part) => part.type === "text")) {
    return modelOutput.map((part) => part.text).join("")
  }
  return Predicate.isString(result) ? result : JSON.stringify(result)
}

const messagesOf = (
  method: string,
  message: Prompt.Message
): Effect.Effect<ReadonlyArray<Message>, AiError.AiError> => {
  switch (message.role) {
    case "system":
      return Effect.succeed([{ role: "system", content: message.content }])
    case "user":
      return Effect.map(userContent(method, message.content), (content) => [{ role: "user", content }])
    case "assistant":
      return Effect.succeed(assistantMessage(message.content))
    case "tool":
      return Effect.succeed(
        message.content.flatMap((part) =>
          part.type === "tool-result" ? [{ role: "tool", tool_call_id: part.id, content: resultText(part) }] : []
        )
      )
  }
}

const withSchema = <A>(method: string, evaluate: () => A) =>
  Effect.try({
    try: evaluate,
    catch: (error) =>
      AiError.make({
        module: "HfLanguageModel",
        method,
        reason: new AiError.UnsupportedSchemaError({
          description: error instanceof Error ? error.message : String(error)
        })
      })
  })

const responseFormat = Effect.fnUntraced(
  function*(method: string, format: LanguageModel.ProviderOptions["responseFormat"]) {
    if (format.type === "text") return {}
    const { jsonSchema } = yield* withSchema(method, () => codecTransformer(format.schema))
    const description = SchemaAST.resolveDescription(format.schema.ast)
    return {
      response_format: {
        type: "json_schema" as const,
        json_schema: {
          name: format.objectName,
          ...(description === undefined ? {} : { description }),
          schema: jsonSchema,
          strict: true
        }
      }
    }
  }
)

const toolChoice = (choice: LanguageModel.ToolChoice<string>): NonNullable<Body["tool_choice"]> => {
  if (Predicate.isString(choice)) return choice
  if ("tool" in choice) return { type: "function", function: { name: choice.tool } }
  return choice.mode ?? "auto"
}

const toolsOf = Effect.fnUntraced(function*(
  method: string,
  { toolChoice: choice, tools }: Pick<LanguageModel.ProviderOptions, "tools" | "toolChoice">
) {
  const allowed = Predicate.isObject(choice) && "oneOf" in choice
    ? tools.filter((tool) => choice.oneOf.includes(tool.name))
    : tools
  if (allowed.length === 0) return {}
  return {
    tools: yield* Effect.forEach(
      allowed,
      Effect.fnUntraced(function*(tool) {
        if (Tool.isProviderDefined(tool)) {
          return yield* fail(
            method,
            new AiError.ToolConfigurationError({
              toolName: tool.name,
              description: "Tools that the provider runs itself are not supported on Hugging Face"
            })
          )
        }
        const description = Tool.getDescription(tool)
        return {
          type: "function",
          function: {
            name: tool.name,
            ...(description === undefined ? {} : { description }),
            parameters: yield* withSchema(method, () => Tool.getJsonSchema(tool))
          }
        }
      })
    ),
    tool_choice: toolChoice(choice)
  }
})

/** The prompt, the tools and the form of the answer. */
export const body = Effect.fnUntraced(function*(method: string, options: LanguageModel.ProviderOptions) {
  return {
    messages: (yield* Effect.forEach(options.prompt.content, (message) => messagesOf(method, message))).flat(),
    ...(yield* responseFormat(method, options.responseFormat)),
    ...(yield* toolsOf(method, options))
  }
})
