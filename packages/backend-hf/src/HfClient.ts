/**
 * The connection to Hugging Face: the router of its Inference Providers, an Inference Endpoint, or any server that
 * speaks the same protocol. `HfLanguageModel` and `HfEmbeddingModel` are built on it.
 *
 * @since 0.1.0
 */
import {
  InferenceClient,
  type InferenceProviderOrPolicy,
  PROVIDERS_OR_POLICIES,
  setLogger
} from "@huggingface/inference"
import { AiError } from "effect/ai"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Errors from "./internal/errors.ts"
import * as Wire from "./internal/wire.ts"

/**
 * Where requests go and in whose name.
 *
 * - `apiKey`: a Hugging Face token (`hf_…`), or the key of the `provider` itself. Only an endpoint may do without.
 * - `provider`: one of the Inference Providers; without it Hugging Face chooses one that serves the model.
 * - `endpointUrl`: an Inference Endpoint or a local server, instead of the router. Not together with `provider`.
 * - `billTo`: the organization that pays.
 * - `fetch`: a `fetch` of your own, for a proxy, a recorder or a test.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly apiKey?: Redacted.Redacted<string> | undefined
  readonly provider?: InferenceProviderOrPolicy | undefined
  readonly endpointUrl?: string | undefined
  readonly billTo?: string | undefined
  readonly fetch?: typeof globalThis.fetch | undefined
}

type ChatArguments = Parameters<InferenceClient["chatCompletion"]>[0]
type FeatureArguments = Parameters<InferenceClient["featureExtraction"]>[0]

/**
 * The body of a chat completion, in the names of the wire.
 *
 * @category models
 * @since 0.1.0
 */
export interface ChatRequest extends
  Pick<
    ChatArguments,
    | "messages"
    | "temperature"
    | "top_p"
    | "max_tokens"
    | "seed"
    | "stop"
    | "response_format"
    | "tools"
    | "tool_choice"
  >
{
  readonly model: string
}

/**
 * The body of a feature extraction, in the names of the wire.
 *
 * @category models
 * @since 0.1.0
 */
export interface FeatureRequest extends Pick<FeatureArguments, "normalize" | "prompt_name" | "truncate"> {
  readonly model: string
  readonly inputs: ReadonlyArray<string>
}

/**
 * How long to wait: for the whole answer, or in a stream for the next part of it. Two minutes unless told otherwise.
 *
 * @category models
 * @since 0.1.0
 */
export interface RequestOptions {
  readonly timeout?: Duration.Input | undefined
}

/**
 * A chat completion, as far as it is read.
 *
 * @category models
 * @since 0.1.0
 */
export type ChatCompletion = typeof Wire.ChatCompletion.Type

/**
 * One event of a streamed chat completion, as far as it is read.
 *
 * @category models
 * @since 0.1.0
 */
export type ChatCompletionChunk = typeof Wire.ChatCompletionChunk.Type

/**
 * Requests to Hugging Face. Use it where `effect/ai` has no name for what you need; otherwise use the models.
 *
 * Every method fails with an `AiError`: `AuthenticationError` (401, 403, no token), `QuotaExhaustedError` (402),
 * `RateLimitError` with `retryAfter` (429), `InvalidRequestError` (other 4xx), `InternalProviderError` (5xx,
 * overloaded), `NetworkError` (no connection, a broken one, a timeout) and `InvalidResponseError` (not the expected
 * JSON). Nothing is retried here: `error.isRetryable` says what may be. Interruption aborts the HTTP request. The token
 * is in no error.
 *
 * @category services
 * @since 0.1.0
 */
export class HfClient extends Context.Service<HfClient, {
  readonly chatCompletion: (
    request: ChatRequest,
    options?: RequestOptions
  ) => Effect.Effect<ChatCompletion, AiError.AiError>
  readonly chatCompletionStream: (
    request: ChatRequest,
    options?: RequestOptions
  ) => Stream.Stream<ChatCompletionChunk, AiError.AiError>
  readonly featureExtraction: (
    request: FeatureRequest,
    options?: RequestOptions
  ) => Effect.Effect<ReadonlyArray<unknown>, AiError.AiError>
}>()("@memory-r1/backend-hf/HfClient") {}

const routerUrl = "https://router.huggingface.co"
const defaultTimeout = Duration.minutes(2)

const isHttpUrl = (text: string): boolean => {
  const url = URL.parse(text)
  return url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === ""
}

// The client tells on the console, that is on stdout, which provider it took. This goes to Effect's log instead.
const logWith = (context: Context.Context<never>) => {
  const write = (log: typeof Effect.logDebug) => (...message: ReadonlyArray<unknown>): void => {
    Effect.runForkWith(context)(log(...message))
  }
  const debug = write(Effect.logDebug)
  const warn = write(Effect.logWarning)
  setLogger({ debug, info: debug, log: debug, warn, error: warn })
}

/**
 * Makes the service. Use it to wrap the client; programs use `layer` or `layerConfig`.
 *
 * @example
 * ```ts
 * import { HfClient } from "@memory-r1/backend-hf"
 * import { Effect } from "effect"
 *
 * const answer = { choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "Oslo" } }] }
 * const program = Effect.gen(function*() {
 *   const client = yield* HfClient.make({ endpointUrl: "http://localhost", fetch: async () => Response.json(answer) })
 *   const completion = yield* client.chatCompletion({ model: "any", messages: [{ role: "user", content: "Where?" }] })
 *   return completion.choices[0].message.content
 * })
 * await Effect.runPromise(program) // => "Oslo"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function*(options: Options): Effect.fn.Return<HfClient["Service"]> {
  const { apiKey, billTo, endpointUrl, provider } = options
  logWith(yield* Effect.context())
  const token = apiKey === undefined ? "" : Redacted.value(apiKey).trim()
  const scrub = Errors.scrubber([token])
  const client = new InferenceClient(token, {
    ...(endpointUrl === undefined ? {} : { endpointUrl }),
    ...(billTo === undefined ? {} : { billTo })
  })
  const routing = provider === undefined ? {} : { provider }

  // A call's own fetch: it remembers the exchange for the error, and hands the signal to requests that the client makes
  // without it.
  const open = (signal: AbortSignal) => {
    const exchange: Errors.Exchange = { method: "POST", url: endpointUrl ?? routerUrl }
    const fetch: typeof globalThis.fetch = async (input, init) => {
      exchange.url = input instanceof Request ? input.url : String(input)
      exchange.method = init?.method ?? "GET"
      delete exchange.response
      const response = await (options.fetch ?? globalThis.fetch)(input, { ...init, signal })
      exchange.response = response
      return response
    }
    // The client's own retry repeats a 503 at once and without end.
    return { exchange, options: { fetch, signal, retry_on_error: false } }
  }
  type Opened = ReturnType<typeof open>

  const failWith = (method: string, error: unknown, { exchange }: Opened) =>
    Effect.flatMap(
      Clock.currentTimeMillis,
      (now) => Effect.fail(Errors.toAiError({ method, error, exchange, now, scrub, hasToken: token !== "" }))
    )

  const timeoutError = (method: string, timeout: Duration.Input, { exchange }: Opened) =>
    Errors.make(
      method,
      Errors.networkError(exchange, scrub, `No answer within ${Duration.format(Duration.fromInputUnsafe(timeout))}`)
    )

  const checkEndpoint = (method: string) =>
    endpointUrl === undefined || isHttpUrl(endpointUrl)
      ? Effect.void
      : Effect.fail(Errors.make(
        method,
        new AiError.NetworkError({
          reason: "InvalidUrlError",
          method: "POST",
          url: "endpointUrl",
          description: "endpointUrl must begin with http:// or https:// and hold no user name or password"
        })
      ))

  const attempt = <A>(
    method: string,
    timeout: Duration.Input,
    run: (options: Opened["options"]) => Promise<unknown>,
    decode: (answer: unknown) => Effect.Effect<A, Schema.SchemaError>
  ): Effect.Effect<A, AiError.AiError> =>
    Effect.suspend(() => {
      const controller = new AbortController()
      const opened = open(controller.signal)
      return Effect.tryPromise({ try: () => run(opened.options), catch: (error) => ({ error }) }).pipe(
        Effect.flatMap((answer) => Effect.mapError(decode(answer), (error) => ({ error }))),
        Effect.catch(({ error }) => failWith(method, error, opened)),
        // Also after a failure, so that a body that nobody reads holds no connection.
        Effect.ensuring(Effect.sync(() => controller.abort())),
        Effect.timeoutOrElse({
          duration: timeout,
          orElse: () => Effect.fail(timeoutError(method, timeout, opened))
        })
      )
    })

  return HfClient.of({
    chatCompletion: Effect.fn("HfClient.chatCompletion")(function*(request, { timeout = defaultTimeout } = {}) {
      yield* checkEndpoint("chatCompletion")
      return yield* attempt(
        "chatCompletion",
        timeout,
        (options) => client.chatCompletion({ ...request, ...routing }, options),
        Schema.decodeUnknownEffect(Wire.ChatCompletion)
      )
    }),
    chatCompletionStream: (request, { timeout = defaultTimeout } = {}) =>
      Stream.unwrap(Effect.gen(function*() {
        const method = "chatCompletionStream"
        yield* checkEndpoint(method)
        const controller = yield* Effect.acquireRelease(
          Effect.sync(() => new AbortController()),
          (controller) => Effect.sync(() => controller.abort())
        )
        const opened = open(controller.signal)
        const body = { ...request, ...routing, stream_options: { include_usage: true } }
        return Stream.fromAsyncIterable(client.chatCompletionStream(body, opened.options), (error) => ({ error })).pipe(
          Stream.mapEffect((event) =>
            Effect.mapError(Schema.decodeUnknownEffect(Wire.ChatCompletionChunk)(event), (error) => ({ error }))
          ),
          Stream.catch(({ error }) => Stream.fromEffect(failWith(method, error, opened))),
          Stream.timeoutOrElse({
            duration: timeout,
            orElse: () => Stream.fail(timeoutError(method, timeout, opened))
          })
        )
      })),
    featureExtraction: Effect.fn("HfClient.featureExtraction")(function*(request, { timeout = defaultTimeout } = {}) {
      yield* checkEndpoint("featureExtraction")
      return yield* attempt(
        "featureExtraction",
        timeout,
        (options) => client.featureExtraction({ ...request, ...routing, inputs: [...request.inputs] }, options),
        Schema.decodeUnknownEffect(Schema.Array(Schema.Unknown))
      )
    })
  })
})

/**
 * The client with given options.
 *
 * @example
 * ```ts
 * import { HfClient, HfLanguageModel } from "@memory-r1/backend-hf"
 * import { Effect, Redacted } from "effect"
 * import { LanguageModel } from "effect/ai"
 *
 * // What the router answers to a wrong token.
 * const fetch = async () => Response.json({ error: "Invalid username or password." }, { status: 401 })
 * const program = LanguageModel.generateText({ prompt: "Where does Ann live?" }).pipe(
 *   Effect.map((response) => response.text),
 *   Effect.catchReason("AiError", "AuthenticationError", (reason) => Effect.succeed(reason.kind)),
 *   Effect.provide(HfLanguageModel.model("meta-llama/Llama-3.3-70B-Instruct")),
 *   Effect.provide(HfClient.layer({ apiKey: Redacted.make("hf_not_a_token"), fetch }))
 * )
 * await Effect.runPromise(program) // => "InvalidKey"
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options): Layer.Layer<HfClient> => Layer.effect(HfClient, make(options))

const given = (name: string): Config.Config<string | undefined> =>
  Config.map(
    Config.option(Config.String(name)),
    (value) => Option.getOrUndefined(Option.filter(value, (text) => text.trim() !== ""))
  )

const HttpUrl = Schema.String.check(Schema.makeFilter(isHttpUrl, {
  message: "must begin with http:// or https:// and hold no user name or password"
}))

const Token = Schema.Redacted(Schema.String.check(Schema.makeFilter((text) => text.trim() !== "", {
  message: "must hold a token of https://huggingface.co/settings/tokens"
})))

/**
 * The client as the environment says: `HF_TOKEN`, and optionally `HF_ENDPOINT` (a URL) and `HF_PROVIDER`. An empty
 * variable counts as none, and with `HF_ENDPOINT` the token may be missing. Use it in programs. Hugging Face's Python
 * tools read a mirror of the Hub from `HF_ENDPOINT`: where it is set to one, use `layer`, since a mirror answers no
 * prompts.
 *
 * Fails with a `ConfigError` where the token is missing, the URL is none, or the provider is unknown.
 *
 * @example
 * ```ts
 * import { HfClient } from "@memory-r1/backend-hf"
 * import { ConfigProvider, Effect, Layer } from "effect"
 *
 * const build = (environment: Record<string, string>) =>
 *   Layer.build(HfClient.layerConfig()).pipe(
 *     Effect.as("a client"),
 *     Effect.catch((error) => Effect.succeed(error._tag)),
 *     Effect.scoped,
 *     Effect.provide(ConfigProvider.layer(ConfigProvider.fromUnknown(environment))),
 *     Effect.runPromise
 *   )
 * await build({ HF_TOKEN: "hf_example" }) // => "a client"
 * await build({ HF_ENDPOINT: "http://localhost:8080" }) // => "a client"
 * await build({}) // => "ConfigError"
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (
  options: Pick<Options, "billTo" | "fetch"> = {}
): Layer.Layer<HfClient, Config.ConfigError> =>
  Layer.effect(
    HfClient,
    Effect.gen(function*() {
      const endpointUrl = (yield* given("HF_ENDPOINT")) === undefined
        ? undefined
        : yield* Config.schema(HttpUrl, "HF_ENDPOINT")
      const provider = (yield* given("HF_PROVIDER")) === undefined
        ? undefined
        : yield* Config.Literals(PROVIDERS_OR_POLICIES, "HF_PROVIDER")
      const apiKey = endpointUrl !== undefined && (yield* given("HF_TOKEN")) === undefined
        ? undefined
        : yield* Config.schema(Token, "HF_TOKEN")
      return yield* make({ ...options, apiKey, endpointUrl, provider })
    })
  )
