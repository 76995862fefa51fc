import { assert, describe, it } from "@effect/vitest"
import { HfClient, HfEmbeddingModel, HfLanguageModel } from "@memory-r1/backend-hf"
import { Cause, Effect, Layer, Logger, Redacted, References, Schema, Stream, Tracer } from "effect"
import { AiError, EmbeddingModel, LanguageModel } from "effect/ai"
import { inspect } from "node:util"
import { vi } from "vitest"
import { beginStream, chunk, completion, event, type Handler, json, serve } from "./server.ts"

// Quotes and backslashes make the forms differ in which a server may repeat a token.
const tokens = ["hf_kZpQ8vXw3RtY", "hf_quo\"te\\slash"]

/** The token in the forms of a text, a JSON string and a URL; and the piece of it that JSON.parse would quote. */
const formsOf = (
  token: string
) => [token, JSON.stringify(token).slice(1, -1), encodeURIComponent(token), token.slice(0, 8)]

const everyForm = (error: AiError.AiError): string =>
  [
    String(error),
    error.message,
    error.reason.message,
    error.stack,
    JSON.stringify(error),
    JSON.stringify(Schema.encodeUnknownSync(Schema.toCodecJson(AiError.AiError))(error)),
    inspect(error, { depth: null, showHidden: true }),
    Cause.pretty(Cause.fail(error))
  ].join("\n")

/** Servers that repeat the token in all that they send. */
const hostile: Record<string, (token: string) => Handler> = {
  "in an error body": (token) => (_, response) =>
    json(response, { error: `Bad token ${token}`, echo: { token } }, 401, {
      "x-request-id": encodeURIComponent(token)
    }),
  "in a nested error": (token) => (_, response) => json(response, { error: { message: `Bearer ${token}` } }, 400),
  "in plain text": (token) => (_, response) => {
    response.writeHead(500, { "content-type": "text/plain; charset=utf-8" })
    response.end(`Bearer ${token}`)
  },
  "in broken JSON": (token) => (_, response) => {
    response.writeHead(200, { "content-type": "application/json" })
    response.end(`${token} is not JSON`)
  },
  "in broken JSON of an error": (token) => (_, response) => {
    response.writeHead(429, { "content-type": "application/json", "retry-after": encodeURIComponent(token) })
    response.end(`{"error": ${token}`)
  },
  "in JSON of another form": (token) => (_, response) => json(response, { choices: token, [token]: token }),
  "in an error event": (token) => (_, response) => {
    beginStream(response)
    response.end(event(chunk({ content: "Os" })) + event({ error: { message: `Bearer ${token}` } }))
  },
  "in a broken event": (token) => (_, response) => {
    beginStream(response)
    response.end(event(`${token} is not JSON`))
  },
  "in an event of another form": (token) => (_, response) => {
    beginStream(response)
    response.end(event({ choices: token }))
  },
  "by closing": () => (_, response) => void response.destroy()
}

const logged: Array<string> = []
const spans: Array<Tracer.Span> = []
const watched = Layer.mergeAll(
  Logger.layer([Logger.make((entry) => void logged.push(inspect([entry.message, entry.cause], { depth: null })))]),
  Layer.succeed(References.MinimumLogLevel, "All"),
  Layer.succeed(
    Tracer.Tracer,
    Tracer.make({
      span: (options) => {
        const span = new Tracer.NativeSpan(options)
        spans.push(span)
        return span
      }
    })
  )
)

const ask = (options: HfClient.Options) => {
  const models = Layer.mergeAll(HfLanguageModel.layer({ model: "any" }), HfEmbeddingModel.layer({ model: "any" })).pipe(
    Layer.provide(HfClient.layer(options))
  )
  const ways: ReadonlyArray<
    Effect.Effect<unknown, AiError.AiError, LanguageModel.LanguageModel | EmbeddingModel.EmbeddingModel>
  > = [
    LanguageModel.generateText({ prompt: "Where?" }),
    Stream.runCollect(LanguageModel.streamText({ prompt: "Where?" })),
    EmbeddingModel.EmbeddingModel.use((model) => model.embed("Where?"))
  ]
  return Effect.forEach(ways, (way) => Effect.flip(Effect.tapCause(way, (cause) => Effect.logError("failed", cause))))
    .pipe(
      Effect.provide(models),
      Effect.provide(watched)
    )
}

/** What a program may show of its run. */
const shown = () =>
  [
    ...logged,
    ...spans.map((span) =>
      inspect([span.attributes, span.status, "events" in span ? span.events : []], { depth: null })
    )
  ].join("\n")

describe("the token", () => {
  for (const [where, handler] of Object.entries(hostile)) {
    it.effect(`is in no error, log or span, though the server repeats it ${where}`, () =>
      Effect.gen(function*() {
        for (const token of tokens) {
          logged.length = 0
          spans.length = 0
          const printed = [
            vi.spyOn(console, "log"),
            vi.spyOn(console, "error"),
            vi.spyOn(console, "warn"),
            vi.spyOn(console, "debug")
          ]
          const server = yield* serve(handler(token))
          const errors = yield* ask({ apiKey: Redacted.make(token), endpointUrl: server.url })
          assert.deepStrictEqual(
            server.requests.map((request) => request.headers.authorization),
            [1, 2, 3].map(() => `Bearer ${token}`)
          )
          const text = [
            ...errors.map(everyForm),
            shown(),
            inspect(printed.map((spy) => spy.mock.calls), { depth: null })
          ].join("\n")
          vi.restoreAllMocks()
          for (const form of formsOf(token)) assert.notInclude(text, form)
          assert.isAbove(logged.length, 0)
          assert.isAbove(spans.length, 0)
        }
      }))
  }

  it.effect("is not in the error of a header that it cannot be put in", () =>
    Effect.gen(function*() {
      const token = "hf_first-line\nhf_second-line"
      const server = yield* serve(() => {})
      const errors = yield* ask({ apiKey: Redacted.make(token), endpointUrl: server.url })
      for (const error of errors) {
        assert.notInclude(everyForm(error), "hf_first")
        assert.notInclude(everyForm(error), "hf_second")
      }
      assert.strictEqual(server.requests.length, 0)
    }))

  it.effect("may end in a line break, as files do, and is sent without it", () =>
    Effect.gen(function*() {
      const server = yield* serve((_, response) => json(response, completion({ content: "Oslo" })))
      yield* LanguageModel.generateText({ prompt: "Where?" }).pipe(
        Effect.provide(HfLanguageModel.layer({ model: "any" })),
        Effect.provide(HfClient.layer({ apiKey: Redacted.make("hf_secret\n"), endpointUrl: server.url }))
      )
      assert.strictEqual(server.requests[0]!.headers.authorization, "Bearer hf_secret")
    }))

  it.effect("is not in the service", () =>
    Effect.gen(function*() {
      const client = yield* HfClient.make({ apiKey: Redacted.make("hf_kZpQ8vXw3RtY") })
      assert.notInclude(JSON.stringify(client) + inspect(client, { depth: null, showHidden: true }), "hf_k")
    }))
})

describe("the console", () => {
  it.effect("stays clean where the client would tell on it which provider it took", () =>
    Effect.gen(function*() {
      logged.length = 0
      const printed = vi.spyOn(console, "log")
      const server = yield* serve(({ path }, response) =>
        path.startsWith("/api/models/")
          ? json(response, {
            inferenceProviderMapping: [
              {
                provider: "hf-inference",
                providerId: "org/quiet",
                hfModelId: "org/quiet",
                status: "live",
                task: "feature-extraction"
              }
            ]
          })
          : json(response, [[1, 2]])
      )
      const fetch: typeof globalThis.fetch = (input, init) =>
        globalThis.fetch(new URL(new URL(String(input)).pathname, server.url), init)
      yield* EmbeddingModel.EmbeddingModel.use((model) => model.embed("a")).pipe(
        Effect.provide(HfEmbeddingModel.layer({ model: "org/quiet" })),
        Effect.provide(HfClient.layer({ apiKey: Redacted.make("hf_secret"), fetch })),
        Effect.provide(watched)
      )
      const calls = printed.mock.calls.length
      vi.restoreAllMocks()
      assert.strictEqual(calls, 0)
      assert.include(logged.join("\n"), "hf-inference")
    }))
})
