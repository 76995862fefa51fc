import { assert, describe, it } from "@effect/vitest"
import { HfClient, HfEmbeddingModel, HfLanguageModel } from "@memory-r1/backend-hf"
import { Config, ConfigProvider, Duration, Effect, Exit, Fiber, Layer, Redacted, Stream } from "effect"
import { type AiError, EmbeddingModel, LanguageModel } from "effect/ai"
import { beginStream, chunk, event, type Handler, json, says, serve, streams } from "./server.ts"

const connect = (options: HfClient.Options, timeout?: Duration.Input) =>
  Effect.provide(
    Layer.mergeAll(
      HfLanguageModel.layer({ model: "any", config: { timeout } }),
      HfEmbeddingModel.layer({ model: "any", config: { timeout } })
    ).pipe(Layer.provideMerge(HfClient.layer(options)))
  )
const to = (endpointUrl: string, timeout?: Duration.Input) =>
  connect({ apiKey: Redacted.make("hf_secret"), endpointUrl }, timeout)

const generate = LanguageModel.generateText({ prompt: "Where?" })
const stream = Stream.runCollect(LanguageModel.streamText({ prompt: "Where?" }))
const embed = EmbeddingModel.EmbeddingModel.use((model) => model.embed("Where?"))
type Way = Effect.Effect<unknown, AiError.AiError, LanguageModel.LanguageModel | EmbeddingModel.EmbeddingModel>
const ways: Record<"generate" | "stream" | "embed", Way> = { generate, stream, embed }

/** The reasons of the errors of all three ways to ask, or of those named. */
const reasons = (handler: Handler, names: ReadonlyArray<keyof typeof ways> = ["generate", "stream", "embed"]) =>
  Effect.gen(function*() {
    const server = yield* serve(handler)
    const errors = yield* Effect.forEach(names, (name) => Effect.flip(ways[name])).pipe(to(server.url))
    assert.strictEqual(server.requests.length, names.length, "nothing is asked twice")
    return errors.map((error) => error.reason)
  })

describe("HfClient errors by status", () => {
  const cases: ReadonlyArray<readonly [number, AiError.AiErrorReason["_tag"], boolean]> = [
    [400, "InvalidRequestError", false],
    [401, "AuthenticationError", false],
    [402, "QuotaExhaustedError", false],
    [403, "AuthenticationError", false],
    [404, "InvalidRequestError", false],
    [408, "InternalProviderError", true],
    [413, "InvalidRequestError", false],
    [422, "InvalidRequestError", false],
    [424, "InternalProviderError", true],
    [429, "RateLimitError", true],
    [500, "InternalProviderError", true],
    [502, "InternalProviderError", true],
    [503, "InternalProviderError", true],
    [504, "InternalProviderError", true]
  ]
  for (const [status, tag, retryable] of cases) {
    it.effect(`${status} is ${tag}`, () =>
      Effect.gen(function*() {
        const found = yield* reasons((_, response) =>
          json(response, { error: "the server's own words", error_type: "x" }, status, { "x-request-id": "r1" })
        )
        for (const reason of found) {
          assert.strictEqual(reason._tag, tag)
          assert.strictEqual(reason.isRetryable, retryable)
          if (reason._tag !== "RateLimitError" && reason._tag !== "QuotaExhaustedError") {
            assert.include(reason.message, "the server's own words")
          }
          assert.isTrue("http" in reason && reason.http?.response?.status === status)
          assert.isTrue("http" in reason && reason.http?.response?.headers["x-request-id"] === "r1")
        }
      }))
  }

  it.effect("tells a wrong token from a missing permission", () =>
    Effect.gen(function*() {
      for (const [status, kind] of [[401, "InvalidKey"], [403, "InsufficientPermissions"]] as const) {
        for (const reason of yield* reasons((_, response) => json(response, { error: "no" }, status))) {
          assert.strictEqual(reason._tag === "AuthenticationError" ? reason.kind : reason._tag, kind)
        }
      }
    }))

  it.effect("reads how long to wait, in seconds or as a date", () =>
    Effect.gen(function*() {
      // The test clock stands at 1970.
      const values: ReadonlyArray<readonly [string | undefined, number | undefined]> = [
        ["7", 7],
        ["Thu, 01 Jan 1970 00:00:30 GMT", 30],
        ["soon", undefined],
        [undefined, undefined]
      ]
      for (const [value, seconds] of values) {
        const found = yield* reasons((_, response) =>
          json(response, { error: "slow down" }, 429, value === undefined ? {} : { "retry-after": value })
        )
        for (const reason of found) {
          const wait = reason._tag === "RateLimitError" ? reason.retryAfter : undefined
          assert.strictEqual(wait === undefined ? undefined : Duration.toSeconds(wait), seconds)
        }
      }
    }))

  it.effect("finds the server's words in each of the usual forms", () =>
    Effect.gen(function*() {
      const bodies = [
        { error: "words" },
        { error: { message: "words", type: "invalid_request_error" } },
        { message: "words" },
        { detail: [{ loc: ["body"], msg: "words" }] },
        { error: ["words", "more"] }
      ]
      for (const body of bodies) {
        const [reason] = yield* reasons((_, response) => json(response, body, 422), ["generate"])
        assert.include(reason!.message, "words")
      }
    }))

  it.effect("the status decides also where the body is no help", () =>
    Effect.gen(function*() {
      const bodies = [["text/html", "<h1>Bad gateway</h1>"], ["application/json", "{oops"], [
        "application/json",
        "null"
      ], ["text/plain", ""]]
      for (const [type, body] of bodies) {
        const found = yield* reasons((_, response) => {
          response.writeHead(502, { "content-type": type })
          response.end(body)
        })
        for (const reason of found) {
          assert.strictEqual(reason._tag, "InternalProviderError")
        }
      }
    }))
})

describe("HfClient and answers that are none", () => {
  it.effect("malformed, of another type, or of another form", () =>
    Effect.gen(function*() {
      const bodies = [
        ["application/json", "{\"choices\": [{"],
        ["text/html", "<h1>Welcome to our network</h1>"],
        ["application/json", "{\"choices\": []}"],
        ["application/json", "{\"choices\": [{\"message\": {\"content\": 7}}]}"],
        ["application/json", "null"]
      ]
      for (const [type, body] of bodies) {
        const found = yield* reasons((_, response) => {
          response.writeHead(200, { "content-type": type })
          response.end(body)
        })
        for (const reason of found) assert.strictEqual(reason._tag, "InvalidResponseError", body)
      }
    }))

  it.effect("events of a stream that are not JSON, or no chunk", () =>
    Effect.gen(function*() {
      for (const data of ["{oops", { choices: "none" }]) {
        const [reason] = yield* reasons(streams([data]), ["stream"])
        assert.strictEqual(reason!._tag, "InvalidResponseError")
      }
    }))

  it.effect("an error event in the middle of a stream", () =>
    Effect.gen(function*() {
      for (const error of ["out of memory", { message: "out of memory", code: 500 }]) {
        const [reason] = yield* reasons(streams([chunk({ content: "Os" }), { error }]), ["stream"])
        assert.strictEqual(reason!._tag, "InternalProviderError")
        assert.include(reason!.message, "out of memory")
      }
    }))
})

describe("HfClient and the network", () => {
  it.effect("nobody listens", () =>
    Effect.gen(function*() {
      const { url } = yield* Effect.scoped(serve(says("Oslo")))
      for (const way of Object.values(ways)) {
        const { isRetryable, message, reason } = yield* way.pipe(to(url), Effect.flip)
        assert.strictEqual(reason._tag, "NetworkError")
        assert.isTrue(isRetryable)
        assert.include(message, "ECONNREFUSED")
        assert.include(message, url)
      }
    }))

  it.effect("the server closes the connection before and within its answer", () =>
    Effect.gen(function*() {
      const before = yield* reasons((_, response) => void response.destroy())
      const within = yield* reasons((_, response) => {
        response.writeHead(200, { "content-type": "application/json", "content-length": 1000 })
        response.write("{\"choices\":")
        setTimeout(() => response.destroy(), 20)
      }, ["generate", "embed"])
      const inStream = yield* reasons((_, response) => {
        beginStream(response)
        response.write(event(chunk({ content: "Os" })))
        setTimeout(() => response.destroy(), 20)
      }, ["stream"])
      for (const reason of [...before, ...within, ...inStream]) assert.strictEqual(reason._tag, "NetworkError")
    }))

  it.live("a server that never answers: the timeout is an error and closes the request", () =>
    Effect.gen(function*() {
      for (const way of Object.values(ways)) {
        const server = yield* serve(() => {})
        const error = yield* way.pipe(to(server.url, "1 second"), Effect.flip)
        assert.strictEqual(error.reason._tag, "NetworkError")
        assert.include(error.message, "No answer within 1s")
        yield* Effect.promise(() => server.requests[0]!.aborted)
      }
    }))

  it.live("a stream that falls silent", () =>
    Effect.gen(function*() {
      const server = yield* serve((_, response) => {
        beginStream(response)
        response.write(event(chunk({ content: "Os" })))
      })
      const error = yield* stream.pipe(to(server.url, "1 second"), Effect.flip)
      assert.strictEqual(error.reason._tag, "NetworkError")
      yield* Effect.promise(() => server.requests[0]!.aborted)
    }))

  it.effect("interruption closes the request", () =>
    Effect.gen(function*() {
      // A call of `embed` shares its request with others, and leaves it to them: see HfEmbeddingModel.make.
      const embedMany: Way = EmbeddingModel.EmbeddingModel.use((model) => model.embedMany(["Where?"]))
      for (const way of [ways.generate, ways.stream, embedMany]) {
        const server = yield* serve(() => {})
        const fiber = yield* Effect.forkChild(way.pipe(to(server.url)))
        const request = yield* Effect.promise(() => server.arrived)
        yield* Fiber.interrupt(fiber)
        yield* Effect.promise(() => request.aborted)
      }
    }))

  it.effect("whoever has read enough of a stream closes it, also while it is silent", () =>
    Effect.gen(function*() {
      const server = yield* serve((_, response) => {
        beginStream(response)
        response.write(event(chunk({ content: "Os" })) + event(chunk({ content: "lo" })))
      })
      const deltas = yield* LanguageModel.streamText({ prompt: "Where?" }).pipe(
        Stream.filter((part) => part.type === "text-delta"),
        Stream.take(1),
        Stream.runCollect,
        to(server.url)
      )
      assert.deepStrictEqual(deltas.map((part) => part.delta), ["Os"])
      yield* Effect.promise(() => server.requests[0]!.aborted)
    }))
})

describe("HfClient options", () => {
  const reasonOf = (options: HfClient.Options) =>
    Effect.map(generate.pipe(connect(options), Effect.flip), (error) => error.reason)
  const fetch = () => Promise.reject(new Error("no request expected"))

  it.effect("the router needs a Hugging Face token", () =>
    Effect.gen(function*() {
      const missing = yield* reasonOf({ fetch })
      assert.isTrue(missing._tag === "AuthenticationError" && missing.kind === "MissingKey")
      const other = yield* reasonOf({ apiKey: Redacted.make("key-of-a-provider"), fetch })
      assert.isTrue(other._tag === "AuthenticationError" && other.kind === "InvalidKey")
    }))

  it.effect("an endpoint does not, and then gets no such header", () =>
    Effect.gen(function*() {
      const server = yield* serve(says("Oslo"))
      yield* generate.pipe(connect({ endpointUrl: server.url }))
      assert.isUndefined(server.requests[0]!.headers.authorization)
    }))

  it.effect("endpoint and provider exclude each other", () =>
    Effect.gen(function*() {
      const reason = yield* reasonOf({ endpointUrl: "http://127.0.0.1:1", provider: "groq", fetch })
      assert.strictEqual(reason._tag, "InvalidRequestError")
    }))

  it.effect("an endpoint that is no http URL gets no request, and neither does the router in its place", () =>
    Effect.gen(function*() {
      for (const endpointUrl of ["localhost:8080", "", "ftp://localhost", "http://ann:pass@localhost"]) {
        const reason = yield* reasonOf({ apiKey: Redacted.make("hf_secret"), endpointUrl, fetch })
        assert.isTrue(reason._tag === "NetworkError" && reason.reason === "InvalidUrlError")
        assert.notInclude(reason.message, "pass@")
      }
    }))
})

describe("HfClient.layerConfig", () => {
  const build = (environment: Record<string, string>) =>
    Effect.exit(generate.pipe(
      Effect.provide(HfLanguageModel.layer({ model: "any" })),
      Effect.provide(HfClient.layerConfig()),
      Effect.provide(ConfigProvider.layer(ConfigProvider.fromUnknown(environment)))
    ))

  it.effect("reads HF_TOKEN and HF_ENDPOINT", () =>
    Effect.gen(function*() {
      const server = yield* serve(says("Oslo"))
      assert.isTrue(
        Exit.isSuccess(yield* build({ HF_ENDPOINT: `${server.url}/v1`, HF_TOKEN: "hf_secret", HF_PROVIDER: "" }))
      )
      assert.isTrue(Exit.isSuccess(yield* build({ HF_ENDPOINT: server.url, HF_TOKEN: "" })))
      assert.deepStrictEqual(server.requests.map(({ headers, path }) => [path, headers.authorization]), [
        ["/v1/chat/completions", "Bearer hf_secret"],
        ["/v1/chat/completions", undefined]
      ])
    }))

  it.effect("says what is missing or wrong", () =>
    Effect.gen(function*() {
      const wrong: ReadonlyArray<readonly [Record<string, string>, string]> = [
        [{}, "HF_TOKEN"],
        [{ HF_TOKEN: "" }, "HF_TOKEN"],
        [{ HF_TOKEN: " \n" }, "HF_TOKEN"],
        [{ HF_TOKEN: "hf_secret", HF_PROVIDER: "nobody" }, "HF_PROVIDER"],
        [{ HF_TOKEN: "hf_secret", HF_ENDPOINT: "localhost:8080" }, "HF_ENDPOINT"]
      ]
      for (const [environment, name] of wrong) {
        const error = yield* Effect.flip(Effect.flatten(build(environment)))
        assert.instanceOf(error, Config.ConfigError)
        assert.include(String(error), name)
        assert.notInclude(String(error), "hf_secret")
      }
    }))
})
