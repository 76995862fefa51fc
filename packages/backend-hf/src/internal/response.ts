// From a chat completion, whole or in pieces, to the parts of `effect/ai`.
import { AiError, type Response, Tool } from "effect/ai"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import type { ChatCompletion, ChatCompletionChunk } from "../HfClient.ts"

type Usage = ChatCompletion["usage"]

const orUndefined = <A>(value: A | null | undefined): A | undefined => value ?? undefined

const finishReasons: Record<string, Response.FinishReason> = {
  stop: "stop",
  eos_token: "stop",
  stop_sequence: "stop",
  length: "length",
  content_filter: "content-filter",
  tool_calls: "tool-calls",
  function_call: "tool-calls"
}

// Some servers say "stop" after a tool call.
const finishReason = (said: string | null | undefined, calls: number): Response.FinishReason => {
  const reason = Predicate.isNullish(said) ? "unknown" : finishReasons[said] ?? "other"
  return calls > 0 && (reason === "stop" || reason === "unknown") ? "tool-calls" : reason
}

const usageOf = (usage: Usage) => {
  const input = orUndefined(usage?.prompt_tokens)
  const cached = orUndefined(usage?.prompt_tokens_details?.cached_tokens)
  const output = orUndefined(usage?.completion_tokens)
  const reasoning = orUndefined(usage?.completion_tokens_details?.reasoning_tokens)
  return {
    inputTokens: {
      total: input,
      uncached: input === undefined ? undefined : input - (cached ?? 0),
      cacheRead: cached,
      cacheWrite: undefined
    },
    outputTokens: {
      total: output,
      text: output === undefined ? undefined : output - (reasoning ?? 0),
      reasoning
    }
  }
}

const finishPart = (reason: string | null | undefined, calls: number, usage: Usage): Response.FinishPartEncoded => ({
  type: "finish",
  reason: finishReason(reason, calls),
  usage: usageOf(usage)
})

const metadataPart = ({ id, model }: Pick<ChatCompletion, "id" | "model">): Response.ResponseMetadataPartEncoded => ({
  type: "response-metadata",
  id: orUndefined(id),
  modelId: orUndefined(model)
})

interface Call {
  readonly id: string
  readonly name: string
  readonly arguments: string | Record<string, unknown> | null | undefined
}

const toolCallPart = (method: string, call: Call): Effect.Effect<Response.ToolCallPartEncoded, AiError.AiError> =>
  Effect.try({
    try: (): Response.ToolCallPartEncoded => ({
      type: "tool-call",
      id: call.id,
      name: call.name,
      params: Predicate.isString(call.arguments)
        ? Tool.unsafeSecureJsonParse(call.arguments.trim() === "" ? "{}" : call.arguments)
        : call.arguments ?? {}
    }),
    catch: () =>
      AiError.make({
        module: "HfLanguageModel",
        method,
        reason: new AiError.ToolParameterValidationError({
          toolName: call.name,
          description: "The model wrote arguments that are not JSON"
        })
      })
  })

/** The parts of a whole answer. */
export const parts = Effect.fnUntraced(function*(completion: ChatCompletion) {
  const { finish_reason, message } = completion.choices[0]
  const reasoning = message.reasoning ?? message.reasoning_content ?? ""
  const content = message.content ?? ""
  const calls = yield* Effect.forEach(message.tool_calls ?? [], (call, index) =>
    toolCallPart("generateText", { ...call.function, id: call.id ?? `call_${index}`, arguments: call.function.arguments }))
  return [
    metadataPart(completion),
    ...(reasoning === "" ? [] : [{ type: "reasoning" as const, text: reasoning }]),
    ...(content === "" ? [] : [{ type: "text" as const, text: content }]),
    ...calls,
    finishPart(finish_reason, calls.length, completion.usage)
  ] satisfies Array<Response.PartEncoded>
})

/** A part of an answer, whole or streamed. */
export type AnyPart = Response.PartEncoded | Response.StreamPartEncoded

interface OpenCall {
  id: string
  name: string
  arguments: string
}

/**
 * The parts of a streamed answer, in step with its chunks. The finish comes at the very end, since the usage follows the last
 * piece of text; a stream that ends before its finish reason was cut off, and fails.
 */
export const streamParts = <E>(
  chunks: Stream.Stream<ChatCompletionChunk, E>
): Stream.Stream<Response.StreamPartEncoded, E | AiError.AiError> =>
  Stream.suspend(() => {
    const calls = new Map<number, OpenCall>()
    let begun = false
    let open: "text" | "reasoning" | undefined
    let blocks = 0
    let finished: string | undefined
    let usage: Usage

    const closeBlock = (): ReadonlyArray<Response.StreamPartEncoded> => {
      if (open === undefined) return []
      const part = { type: `${open}-end` as const, id: String(blocks++) }
      open = undefined
      return [part]
    }

    const write = (kind: "text" | "reasoning", delta: string | null | undefined): ReadonlyArray<Response.StreamPartEncoded> => {
      if (Predicate.isNullish(delta) || delta === "") return []
      const before = open === kind ? [] : [...closeBlock(), { type: `${kind}-start` as const, id: String(blocks) }]
      open = kind
      return [...before, { type: `${kind}-delta` as const, id: String(blocks), delta }]
    }

    const writeCall = (
      piece: NonNullable<NonNullable<ChatCompletionChunk["choices"][number]["delta"]>["tool_calls"]>[number],
      position: number
    ): ReadonlyArray<Response.StreamPartEncoded> => {
      const index = piece.index ?? position
      const delta = piece.function?.arguments ?? ""
      const known = calls.get(index)
      const call = known ?? { id: piece.id ?? `call_${index}`, name: piece.function?.name ?? "", arguments: "" }
      call.arguments += delta
      calls.set(index, call)
      return [
        ...(known === undefined
          ? [...closeBlock(), { type: "tool-params-start" as const, id: call.id, name: call.name }]
          : []),
        ...(delta === "" ? [] : [{ type: "tool-params-delta" as const, id: call.id, delta }])
      ]
    }

    const step = (chunk: ChatCompletionChunk): ReadonlyArray<Response.StreamPartEncoded> => {
      usage = chunk.usage ?? usage
      const head = begun ? [] : [metadataPart(chunk)]
      begun = true
      const choice = chunk.choices[0]
      finished = choice?.finish_reason ?? finished
      const delta = choice?.delta
      return [
        ...head,
        ...write("reasoning", delta?.reasoning ?? delta?.reasoning_content),
        ...write("text", delta?.content),
        ...(delta?.tool_calls ?? []).flatMap(writeCall)
      ]
    }

    const end = Effect.fnUntraced(function*() {
      if (finished === undefined) {
        return yield* AiError.make({
          module: "HfLanguageModel",
          method: "streamText",
          reason: new AiError.InternalProviderError({ description: "The stream ended before the answer was complete" })
        })
      }
      const ended = yield* Effect.forEach(calls.values(), (call) =>
        Effect.map(toolCallPart("streamText", call), (part): ReadonlyArray<Response.StreamPartEncoded> => [
          { type: "tool-params-end", id: call.id },
          part
        ]))
      return [...closeBlock(), ...ended.flat(), finishPart(finished, calls.size, usage)]
    })

    return chunks.pipe(
      Stream.map(step),
      Stream.flattenIterable,
      Stream.concat(Stream.fromIterableEffect(Effect.suspend(end)))
    )
  })
