import { assert, describe, it } from "@effect/vitest"
import { HfClient, HfLanguageModel } from "@memory-r1/backend-hf"
import { Effect, Layer, Redacted, Schema, Stream } from "effect"
import { LanguageModel, Model, Prompt, Tool, Toolkit } from "effect/ai"
import { beginStream, chunk, completion, event, json, says, sendSlowly, serve, streams, usageChunk } from "./server.ts"

const llama = "meta-llama/Llama-3.3-70B-Instruct"
const using = (url: string, config?: HfLanguageModel.Options) =>
  Effect.provide(
    Layer.provideMerge(
      HfLanguageModel.model(llama, config),
      HfClient.layer({ apiKey: Redacted.make("hf_secret"), endpointUrl: url })
    )
  )

const Weather = Toolkit.make(Tool.make("Weather", {
  description: "The weather of a city",
  parameters: Schema.Struct({ city: Schema.String }),
  success: Schema.String
}))
const WeatherLive = Weather.toLayer({ Weather: ({ city }) => Effect.succeed(`Sun in ${city}`) })

describe("HfLanguageModel.generateText", () => {
  it.effect("sends a chat completion and reads text, finish reason and usage", () =>
    Effect.gen(function*() {
      const server = yield* serve(says("Oslo"))
      const response = yield* LanguageModel.generateText({
        prompt: [
          { role: "system", content: "Be brief." },
          { role: "user", content: [{ type: "text", text: "Where does Ann live?" }] }
        ]
      }).pipe(using(server.url, { temperature: 0, topP: 0.9, maxTokens: 64, seed: 7, stop: ["\n"] }))

      assert.strictEqual(response.text, "Oslo")
      assert.strictEqual(response.finishReason, "stop")
      assert.deepStrictEqual({ ...response.usage.inputTokens }, {
        total: 12,
        uncached: 12,
        cacheRead: undefined,
        cacheWrite: undefined
      })
      assert.strictEqual(response.usage.outputTokens.total, 3)
      const [request] = server.requests
      assert.strictEqual(request!.method, "POST")
      assert.strictEqual(request!.path, "/v1/chat/completions")
      assert.strictEqual(request!.headers.authorization, "Bearer hf_secret")
      assert.deepStrictEqual(request!.body, {
        model: llama,
        messages: [{ role: "system", content: "Be brief." }, { role: "user", content: "Where does Ann live?" }],
        temperature: 0,
        top_p: 0.9,
        max_tokens: 64,
        seed: 7,
        stop: ["\n"]
      })
    }))

  it.effect("sends nothing that was not asked for", () =>
    Effect.gen(function*() {
      const server = yield* serve(says("Oslo"))
      yield* LanguageModel.generateText({ prompt: "Where?" }).pipe(using(server.url))
      assert.deepStrictEqual(Object.keys(server.requests[0]!.body).sort(), ["messages", "model"])
    }))

  it.effect("takes overrides for one effect, inner before outer before the model's", () =>
    Effect.gen(function*() {
      const server = yield* serve(says("Oslo"))
      yield* LanguageModel.generateText({ prompt: "Where?" }).pipe(
        HfLanguageModel.withConfigOverride({ temperature: 1 }),
        HfLanguageModel.withConfigOverride({ temperature: 2, maxTokens: 8 }),
        using(server.url, { temperature: 0, seed: 3 })
      )
      const { max_tokens, seed, temperature } = server.requests[0]!.body
      assert.deepStrictEqual({ max_tokens, seed, temperature }, { max_tokens: 8, seed: 3, temperature: 1 })
    }))

  it.effect("goes through the router where there is no endpoint, on the account that pays", () =>
    Effect.gen(function*() {
      const server = yield* serve(says("Oslo"))
      const asked: Array<string> = []
      const fetch: typeof globalThis.fetch = (input, init) => {
        asked.push(String(input))
        return globalThis.fetch(new URL(new URL(String(input)).pathname, server.url), init)
      }
      const text = yield* LanguageModel.generateText({ prompt: "Where?" }).pipe(
        Effect.map((response) => response.text),
        Effect.provide(HfLanguageModel.model(`${llama}:groq`)),
        Effect.provide(HfClient.layer({ apiKey: Redacted.make("hf_secret"), billTo: "acme", fetch }))
      )
      assert.strictEqual(text, "Oslo")
      assert.deepStrictEqual(asked, ["https://router.huggingface.co/v1/chat/completions"])
      assert.strictEqual(server.requests[0]!.headers["x-hf-bill-to"], "acme")
      assert.strictEqual(server.requests[0]!.body.model, `${llama}:groq`)
    }))

  it.effect("names provider and model", () =>
    Effect.gen(function*() {
      const server = yield* serve(says("Oslo"))
      const names = yield* Effect.all([Model.ProviderName, Model.ModelName]).pipe(using(server.url))
      assert.deepStrictEqual(names, ["huggingface", llama])
    }))

  it.effect("reads reasoning, cached tokens and the finish reasons of different servers", () =>
    Effect.gen(function*() {
      const reasons = ["length", "eos_token", "content_filter", "something_new", null]
      const server = yield* serve((_, response, nth) =>
        json(response, {
          ...completion({ content: "Oslo", reasoning_content: "She said so." }, { finish_reason: reasons[nth] }),
          usage: {
            prompt_tokens: 12,
            completion_tokens: 9,
            prompt_tokens_details: { cached_tokens: 8 },
            completion_tokens_details: { reasoning_tokens: 5 }
          }
        })
      )
      const responses = yield* Effect.forEach(reasons, () => LanguageModel.generateText({ prompt: "Where?" })).pipe(
        using(server.url)
      )
      assert.deepStrictEqual(responses.map((r) => r.finishReason), [
        "length",
        "stop",
        "content-filter",
        "other",
        "unknown"
      ])
      assert.strictEqual(responses[0]!.reasoningText, "She said so.")
      assert.strictEqual(responses[0]!.text, "Oslo")
      assert.deepStrictEqual({ ...responses[0]!.usage.inputTokens }, {
        total: 12,
        uncached: 4,
        cacheRead: 8,
        cacheWrite: undefined
      })
      assert.deepStrictEqual({ ...responses[0]!.usage.outputTokens }, { total: 9, text: 4, reasoning: 5 })
    }))

  it.effect("accepts answers that leave out all that is not needed", () =>
    Effect.gen(function*() {
      const server = yield* serve((_, response) => json(response, { choices: [{ message: { content: null } }] }))
      const response = yield* LanguageModel.generateText({ prompt: "Where?" }).pipe(using(server.url))
      assert.strictEqual(response.text, "")
      assert.strictEqual(response.usage.inputTokens.total, undefined)
    }))

  it.effect("sends images, and refuses other files", () =>
    Effect.gen(function*() {
      const server = yield* serve(says("A dog"))
      const ask = (mediaType: string) =>
        LanguageModel.generateText({
          prompt: [{
            role: "user",
            content: [{ type: "text", text: "What is it?" }, {
              type: "file",
              mediaType,
              data: new Uint8Array([1, 2, 3])
            }]
          }]
        }).pipe(using(server.url))
      yield* ask("image/png")
      assert.deepStrictEqual(server.requests[0]!.body.messages, [{
        role: "user",
        content: [
          { type: "text", text: "What is it?" },
          { type: "image_url", image_url: { url: "data:image/png;base64,AQID" } }
        ]
      }])
      const error = yield* Effect.flip(ask("application/pdf"))
      assert.strictEqual(error.reason._tag, "InvalidUserInputError")
      assert.strictEqual(server.requests.length, 1)
    }))
})

describe("HfLanguageModel.generateObject", () => {
  const Person = Schema.Struct({ name: Schema.String, pets: Schema.Array(Schema.String) })

  it.effect("asks for a JSON schema and decodes the answer", () =>
    Effect.gen(function*() {
      const server = yield* serve(says(`{"name":"Ann","pets":["Buddy"]}`))
      const { value } = yield* LanguageModel.generateObject({ prompt: "Who?", objectName: "person", schema: Person })
        .pipe(using(server.url))
      assert.deepStrictEqual(value, { name: "Ann", pets: ["Buddy"] })
      assert.deepStrictEqual(server.requests[0]!.body.response_format, {
        type: "json_schema",
        json_schema: {
          name: "person",
          strict: true,
          schema: {
            type: "object",
            properties: { name: { type: "string" }, pets: { type: "array", items: { type: "string" } } },
            required: ["name", "pets"],
            additionalProperties: false
          }
        }
      })
    }))

  it.effect("an answer of another form is a typed error", () =>
    Effect.gen(function*() {
      const server = yield* serve(says(`{"name":"Ann"}`))
      const error = yield* LanguageModel.generateObject({ prompt: "Who?", schema: Person }).pipe(
        using(server.url),
        Effect.flip
      )
      assert.strictEqual(error.reason._tag, "StructuredOutputError")
    }))

  it.effect("a schema that the format cannot express is a typed error, and no request", () =>
    Effect.gen(function*() {
      const server = yield* serve(says("{}"))
      const schema = Schema.Union([Schema.Struct({ a: Schema.String }), Schema.Struct({ b: Schema.String })])
      const error = yield* LanguageModel.generateObject({ prompt: "Who?", schema }).pipe(using(server.url), Effect.flip)
      assert.strictEqual(error.reason._tag, "UnsupportedSchemaError")
      assert.strictEqual(server.requests.length, 0)
    }))
})

describe("HfLanguageModel tools", () => {
  const call = { id: "call_a", type: "function", function: { name: "Weather", arguments: `{"city":"Oslo"}` } }

  it.effect("offers functions, runs the one that was called, and tells the model its result", () =>
    Effect.gen(function*() {
      const server = yield* serve((_, response, nth) =>
        json(
          response,
          nth === 0
            ? completion({ content: null, tool_calls: [call] }, { finish_reason: "tool_calls" })
            : completion({ content: "It is sunny." })
        )
      )
      const program = Effect.gen(function*() {
        const first = yield* LanguageModel.generateText({ prompt: "Weather in Oslo?", toolkit: Weather })
        const second = yield* LanguageModel.generateText({
          prompt: Prompt.concat(Prompt.make("Weather in Oslo?"), Prompt.fromResponseParts(first.content)),
          toolkit: Weather,
          toolChoice: { tool: "Weather" }
        })
        return { first, second }
      })
      const { first, second } = yield* program.pipe(using(server.url), Effect.provide(WeatherLive))
      assert.strictEqual(first.finishReason, "tool-calls")
      assert.deepStrictEqual(first.toolResults.map((part) => part.result), ["Sun in Oslo"])
      assert.strictEqual(second.text, "It is sunny.")
      const [one, two] = server.requests.map((request) => request.body)
      assert.deepStrictEqual(one!.tools, [{
        type: "function",
        function: {
          name: "Weather",
          description: "The weather of a city",
          parameters: {
            type: "object",
            properties: { city: { type: "string" } },
            required: ["city"],
            additionalProperties: true
          }
        }
      }])
      assert.strictEqual(one!.tool_choice, "auto")
      assert.deepStrictEqual(two!.tool_choice, { type: "function", function: { name: "Weather" } })
      assert.deepStrictEqual(two!.messages, [
        { role: "user", content: "Weather in Oslo?" },
        { role: "assistant", content: "", tool_calls: [call] },
        { role: "tool", tool_call_id: "call_a", content: "Sun in Oslo" }
      ])
    }))

  it.effect("reads arguments that are an object, and refuses those that are not JSON", () =>
    Effect.gen(function*() {
      const server = yield* serve((_, response, nth) =>
        json(
          response,
          completion({
            tool_calls: [{ function: { name: "Weather", arguments: nth === 0 ? { city: "Oslo" } : "{city" } }]
          })
        )
      )
      const program = LanguageModel.generateText({ prompt: "?", toolkit: Weather }).pipe(
        using(server.url),
        Effect.provide(WeatherLive)
      )
      const response = yield* program
      assert.strictEqual(response.finishReason, "tool-calls")
      assert.strictEqual(response.toolResults[0]?.result, "Sun in Oslo")
      const error = yield* Effect.flip(program)
      assert.strictEqual(error._tag === "AiError" ? error.reason._tag : error, "ToolParameterValidationError")
    }))

  it.effect("tools that the provider runs itself are not supported, and say so", () =>
    Effect.gen(function*() {
      const server = yield* serve(says("-"))
      const Search = Tool.providerDefined({
        id: "openai.search",
        customName: "Search",
        providerName: "search",
        args: Schema.Struct({}),
        success: Schema.String
      })({})
      const toolkit = Toolkit.make(Search)
      const error = yield* LanguageModel.generateText({ prompt: "?", toolkit, disableToolCallResolution: true }).pipe(
        using(server.url),
        Effect.flip
      )
      assert.strictEqual(error.reason._tag, "ToolConfigurationError")
      assert.include(error.message, "not supported on Hugging Face")
      assert.strictEqual(server.requests.length, 0)
    }))
})

describe("HfLanguageModel.streamText", () => {
  const collect = (url: string) => LanguageModel.streamText({ prompt: "Where?" }).pipe(Stream.runCollect, using(url))

  it.effect("gives text as it comes, then usage and finish", () =>
    Effect.gen(function*() {
      const server = yield* serve(streams([
        chunk({ role: "assistant", content: "" }),
        chunk({ content: "Os" }),
        chunk({ content: "lo" }),
        chunk({}, "stop"),
        usageChunk,
        "[DONE]"
      ]))
      const parts = yield* collect(server.url)
      assert.deepStrictEqual(parts.map((part) => part.type), [
        "response-metadata",
        "text-start",
        "text-delta",
        "text-delta",
        "text-end",
        "finish"
      ])
      assert.strictEqual(parts.map((part) => part.type === "text-delta" ? part.delta : "").join(""), "Oslo")
      const finish = parts.at(-1)!
      assert.isTrue(finish.type === "finish" && finish.reason === "stop" && finish.usage.outputTokens.total === 4)
      assert.strictEqual(server.requests[0]!.body.stream, true)
      assert.deepStrictEqual(server.requests[0]!.body.stream_options, { include_usage: true })
    }))

  it.effect("puts characters together that were cut in two on the way, at every place", () =>
    Effect.gen(function*() {
      const text = "Zoë 🐕 東京"
      const server = yield* serve(async (_, response) => {
        beginStream(response)
        const bytes = new TextEncoder().encode(event(chunk({ content: text })))
        // The text's own bytes one by one, the rest in two pieces.
        const from = bytes.findIndex((byte) => byte > 127) - 4
        const to = bytes.findLastIndex((byte) => byte > 127) + 1
        await sendSlowly(response, [
          bytes.slice(0, from),
          ...Array.from(bytes.slice(from, to), (byte) => Uint8Array.of(byte)),
          bytes.slice(to)
        ])
        response.end(event(chunk({}, "stop")) + event("[DONE]"))
      })
      const parts = yield* collect(server.url)
      assert.strictEqual(parts.map((part) => part.type === "text-delta" ? part.delta : "").join(""), text)
    }))

  it.effect("gives reasoning in a block of its own", () =>
    Effect.gen(function*() {
      const server = yield* serve(streams([
        chunk({ reasoning_content: "Hm." }),
        chunk({ content: "Oslo" }),
        chunk({}, "length"),
        "[DONE]"
      ]))
      const parts = yield* collect(server.url)
      assert.deepStrictEqual(parts.map((part) => "id" in part ? `${part.type} ${part.id}` : part.type).slice(1), [
        "reasoning-start 0",
        "reasoning-delta 0",
        "reasoning-end 0",
        "text-start 1",
        "text-delta 1",
        "text-end 1",
        "finish"
      ])
    }))

  it.effect("puts tool calls together from their pieces", () =>
    Effect.gen(function*() {
      const piece = (index: number, fields: Record<string, unknown>) => ({ tool_calls: [{ index, ...fields }] })
      const server = yield* serve(streams([
        chunk(piece(0, { id: "a", type: "function", function: { name: "Weather", arguments: "" } })),
        chunk(piece(0, { function: { arguments: `{"city":` } })),
        chunk(piece(1, { id: "b", type: "function", function: { name: "Weather", arguments: `{"city":"Rome"}` } })),
        chunk(piece(0, { function: { arguments: `"Oslo"}` } })),
        chunk({}, "tool_calls"),
        "[DONE]"
      ]))
      const parts = yield* LanguageModel.streamText({ prompt: "?", toolkit: Weather }).pipe(
        Stream.runCollect,
        using(server.url),
        Effect.provide(WeatherLive)
      )
      assert.deepStrictEqual(
        parts.flatMap((part) => part.type === "tool-call" ? [[part.id, part.params]] : []) as unknown,
        [
          ["a", { city: "Oslo" }],
          ["b", { city: "Rome" }]
        ]
      )
      assert.deepStrictEqual(
        parts.flatMap((part) => part.type === "tool-result" ? [part.result] : []).sort() as unknown,
        [
          "Sun in Oslo",
          "Sun in Rome"
        ]
      )
    }))

  const toolCalls = (events: ReadonlyArray<unknown>) =>
    Effect.gen(function*() {
      const server = yield* serve(streams([...events, "[DONE]"]))
      const parts = yield* LanguageModel.streamText({ prompt: "?", toolkit: Weather }).pipe(
        Stream.runCollect,
        using(server.url),
        Effect.provide(WeatherLive)
      )
      assert.strictEqual(parts.flatMap((part) => part.type === "finish" ? [part.reason] : []).join(), "tool-calls")
      return parts.flatMap((part) => part.type === "tool-call" ? [[part.id, part.name, part.params]] : []) as unknown
    })
  const pieces = (...tool_calls: ReadonlyArray<Record<string, unknown>>) => chunk({ tool_calls })
  const both = [["a", "Weather", { city: "Oslo" }], ["b", "Weather", { city: "Rome" }]]

  it.effect("parallel calls that share index 0, or have none, are calls of their own", () =>
    Effect.gen(function*() {
      for (const index of [{ index: 0 }, {}, { index: null }]) {
        const found = yield* toolCalls([
          pieces({ ...index, id: "a", type: "function", function: { name: "Weather", arguments: "" } }),
          pieces({ ...index, function: { arguments: `{"city":` } }),
          pieces({ ...index, function: { arguments: `"Oslo"}` } }),
          pieces({ ...index, id: "b", type: "function", function: { name: "Weather", arguments: `{"city":"Ro` } }),
          pieces({ ...index, function: { arguments: `me"}` } }),
          chunk({}, "stop")
        ])
        assert.deepStrictEqual(found, both)
      }
      assert.deepStrictEqual(
        yield* toolCalls([
          pieces(
            { index: 0, id: "a", function: { name: "Weather", arguments: { city: "Oslo" } } },
            { index: 0, id: "b", function: { name: "Weather", arguments: { city: "Rome" } } }
          ),
          chunk({}, "stop")
        ]),
        both
      )
    }))

  it.effect("a name may come in a later piece, in two, or again", () =>
    Effect.gen(function*() {
      const one = [["a", "Weather", { city: "Oslo" }]]
      const end = chunk({}, "tool_calls")
      assert.deepStrictEqual(
        yield* toolCalls([
          pieces({ index: 0, id: "a", type: "function" }),
          pieces({ index: 0, function: { name: "Weather" } }),
          pieces({ index: 0, function: { arguments: `{"city":"Oslo"}` } }),
          end
        ]),
        one
      )
      assert.deepStrictEqual(
        yield* toolCalls([
          pieces({ index: 0, id: "a", function: { arguments: `{"city":"Oslo"}` } }),
          pieces({ index: 0, function: { name: "Weather" } }),
          end
        ]),
        one
      )
      assert.deepStrictEqual(
        yield* toolCalls([
          pieces({ index: 0, id: "a", function: { name: "Wea" } }),
          pieces({ index: 0, function: { name: "ther", arguments: `{"city":` } }),
          pieces({ index: 0, function: { arguments: `"Oslo"}` } }),
          end
        ]),
        one
      )
      assert.deepStrictEqual(
        yield* toolCalls([
          pieces({ index: 0, id: "a", function: { name: "Weather", arguments: `{"city":` } }),
          pieces({ index: 0, id: "a", function: { name: "Weather", arguments: `"Oslo"}` } }),
          end
        ]),
        one
      )
    }))

  it.effect("reads the calls of older text-generation servers: no list, ids that are numbers", () =>
    Effect.gen(function*() {
      const old = (written: string) =>
        chunk({ tool_calls: { index: 0, id: 0, type: "function", function: { name: "Weather", arguments: written } } })
      assert.deepStrictEqual(yield* toolCalls([old(`{"city":`), old(`"Oslo"`), old("}"), chunk({}, "eos_token")]), [[
        "0",
        "Weather",
        { city: "Oslo" }
      ]])
      const server = yield* serve((_, response) =>
        json(
          response,
          completion({
            tool_calls: ["Oslo", "Rome"].map((city) => ({ id: 0, function: { name: "Weather", arguments: { city } } }))
          })
        )
      )
      const { toolCalls: whole } = yield* LanguageModel.generateText({ prompt: "?", toolkit: Weather }).pipe(
        using(server.url),
        Effect.provide(WeatherLive)
      )
      assert.deepStrictEqual(whole.map(({ id, params }) => [id, params]) as unknown, [["0", { city: "Oslo" }], [
        "call_1",
        { city: "Rome" }
      ]])
    }))

  it.effect("a call that is never named is a typed error", () =>
    Effect.gen(function*() {
      const server = yield* serve(
        streams([pieces({ index: 0, id: "a", function: { arguments: "{}" } }), chunk({}, "tool_calls"), "[DONE]"])
      )
      const error = yield* Effect.flip(collect(server.url))
      assert.strictEqual(error.reason._tag, "InvalidOutputError")
      assert.include(error.message, "without a name")
    }))

  it.effect("a stream that ends before its finish reason is an error that may be retried", () =>
    Effect.gen(function*() {
      const server = yield* serve(streams([chunk({ content: "Os" })]))
      const error = yield* Effect.flip(collect(server.url))
      assert.strictEqual(error.reason._tag, "InternalProviderError")
      assert.isTrue(error.isRetryable)
    }))
})
