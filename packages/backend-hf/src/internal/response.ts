// From a chat completion, whole or in pieces, to the parts of `effect/ai`.
import { AiError, type Response, Tool } from "effect/ai"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import type { ChatCompletion, ChatCompletionChunk } from "../HfClient.ts"
import * as ToolCalls from "./toolCalls.ts"

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

const errorOf = (method: string, reason: AiError.AiErrorReason) =>
  AiError.make({ module: "HfLanguageModel", method, reason })

const toolCallPart = Effect.fnUntraced(function*(method: string, { arguments: written, id, name }: Call) {
  if (name === "") {
    const description = "The model called a tool without a name"
    return yield* errorOf(method, new AiError.InvalidOutputError({ description }))
  }
  const params = yield* Effect.try({
    try: () => {
      if (!Predicate.isString(written)) return written ?? {}
      return Tool.unsafeSecureJsonParse(written.trim() === "" ? "{}" : written)
    },
    catch: () => {
      const description = "The model wrote arguments that are not JSON"
      return errorOf(method, new AiError.ToolParameterValidationError({ toolName: name, description }))
    }
  })
  return { type: "tool-call", id, name, params } satisfies Response.ToolCallPartEncoded
})

// What a message says and what it thinks, in whichever field that stands.
const spoken = (
  { content, reasoning, reasoning_content }: Pick<
    ChatCompletion["choices"][0]["message"],
    "content" | "reasoning" | "reasoning_content"
  >
) => {
  const pieces = Predicate.isString(content) ? [{ text: content }] : content ?? []
  const thought = (piece: typeof pieces[number]): string => {
    const { text, thinking, type } = piece
    const said = Predicate.isString(thinking) ? thinking : thinking?.map(({ text }) => text ?? "").join("")
    return said ?? (type === "thinking" || type === "reasoning" ? text ?? "" : "")
  }
  const thoughts = pieces.map(thought)
  return {
    text: pieces.map(({ text }, i) => thoughts[i] === "" ? text ?? "" : "").join(""),
    reasoning: [reasoning || reasoning_content || "", ...thoughts].join("")
  }
}

/** The parts of a whole answer. */
export const parts = Effect.fnUntraced(function*(completion: ChatCompletion) {
  const { finish_reason, message } = completion.choices[0]
  const { reasoning, text } = spoken(message)
  const idOf = ToolCalls.idsOf()
  const calls = yield* Effect.forEach(
    message.tool_calls ?? [],
    ({ function: { arguments: written, name }, id }) =>
      toolCallPart("generateText", { id: idOf(id), name, arguments: written })
  )
  return [
    metadataPart(completion),
    ...(reasoning === "" ? [] : [{ type: "reasoning" as const, text: reasoning }]),
    ...(text === "" ? [] : [{ type: "text" as const, text }]),
    ...calls,
    finishPart(finish_reason, calls.length, completion.usage)
  ] satisfies Array<Response.PartEncoded>
})

/** A part of an answer, whole or streamed. */
export type AnyPart = Response.PartEncoded | Response.StreamPartEncoded

/**
 * The parts of a streamed answer, in step with its chunks. The finish comes at the very end, since the usage follows
 * the last piece of text; a stream that ends before its finish reason was cut off, and fails. `tools` are the names of
 * those that were offered.
 */
export const streamParts = <E>(
  chunks: Stream.Stream<ChatCompletionChunk, E>,
  tools: ReadonlyArray<string>
): Stream.Stream<Response.StreamPartEncoded, E | AiError.AiError> =>
  Stream.suspend(() => {
    const toolCalls = ToolCalls.accumulator(new Set(tools))
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

    const write = (kind: "text" | "reasoning", delta: string): ReadonlyArray<Response.StreamPartEncoded> => {
      if (delta === "") return []
      const before = open === kind ? [] : [...closeBlock(), { type: `${kind}-start` as const, id: String(blocks) }]
      open = kind
      return [...before, { type: `${kind}-delta` as const, id: String(blocks), delta }]
    }

    const writeCalls = (events: ReadonlyArray<ToolCalls.Event>): ReadonlyArray<Response.StreamPartEncoded> =>
      events.flatMap((event) => event.type === "tool-params-start" ? [...closeBlock(), event] : [event])

    const step = (chunk: ChatCompletionChunk): ReadonlyArray<Response.StreamPartEncoded> => {
      usage = chunk.usage ?? usage
      const head = begun ? [] : [metadataPart(chunk)]
      begun = true
      const choice = chunk.choices[0]
      finished = choice?.finish_reason ?? finished
      const delta = choice?.delta
      const { reasoning, text } = spoken(delta ?? {})
      return [
        ...head,
        ...write("reasoning", reasoning),
        ...write("text", text),
        ...writeCalls(toolCalls.write(Arr.ensure(delta?.tool_calls ?? [])))
      ]
    }

    const end = Effect.fnUntraced(function*() {
      if (finished === undefined) {
        const description = "The stream ended before the answer was complete"
        return yield* errorOf("streamText", new AiError.InternalProviderError({ description }))
      }
      const { calls, events } = toolCalls.end()
      const rest = writeCalls(events)
      const ended = yield* Effect.forEach(calls, (call) =>
        Effect.map(toolCallPart("streamText", call), (part): ReadonlyArray<Response.StreamPartEncoded> => [
          { type: "tool-params-end", id: call.id },
          part
        ]))
      return [...rest, ...closeBlock(), ...ended.flat(), finishPart(finished, calls.length, usage)]
    })

    return chunks.pipe(
      Stream.map(step),
      Stream.flattenIterable,
      Stream.concat(Stream.fromIterableEffect(Effect.suspend(end)))
    )
  })
