// From what the client throws to an AiError: the status of the answer decides, and no text leaves without the token cut
// out.
import {
  InferenceClientInputError,
  InferenceClientProviderOutputError,
  InferenceClientRoutingError
} from "@huggingface/inference"
import { AiError } from "effect/ai"
import * as Duration from "effect/Duration"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"

/** What went over the wire last: the client's own errors name neither the headers of an answer nor a failed request. */
export interface Exchange {
  method: string
  url: string
  response?: Response | undefined
}

/** What an error is made of. */
export interface Failure {
  readonly method: string
  readonly error: unknown
  readonly exchange: Exchange
  readonly now: number
  readonly hasToken: boolean
  readonly scrub: (text: string) => string
}

const longest = 1000

const shorten = (text: string): string => text.length > longest ? `${text.slice(0, longest)}…` : text

/** Cuts the secrets out of a text, in the forms in which a server or a runtime may repeat them. */
export const scrubber = (secrets: ReadonlyArray<string>) => {
  const forms = new Set(
    secrets.flatMap((
      secret
    ) => [secret, secret.trim(), JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)])
      .filter((form) => form !== "")
  )
  return (text: string): string => [...forms].reduce((rest, form) => rest.replaceAll(form, "<redacted>"), text)
}

// An URL in an error names host and path only: credentials and keys may stand in the rest.
const plainUrl = (url: string): string => {
  const parsed = URL.parse(url)
  return parsed === null ? url : `${parsed.origin}${parsed.pathname}`
}

// {"error": "…"} of TGI and TEI, {"error": {"message": "…"}} of OpenAI's format, {"detail": [{"msg": "…"}]} of FastAPI.
const messageIn = (body: unknown): string | undefined => {
  if (Predicate.isString(body)) return body.trim() === "" ? undefined : body.trim()
  if (Array.isArray(body)) return body.map(messageIn).filter(Predicate.isNotUndefined).join("; ") || undefined
  if (!Predicate.isObject(body)) return undefined
  return messageIn(body.error) ?? messageIn(body.message) ?? messageIn(body.detail) ?? messageIn(body.msg)
}

const bodyIn = (error: unknown): unknown =>
  Predicate.hasProperty(error, "httpResponse") && Predicate.hasProperty(error.httpResponse, "body")
    ? error.httpResponse.body
    : undefined

const shownHeaders = ["content-type", "retry-after", "x-request-id", "x-compute-type", "x-inference-provider"]

const httpContext = (response: Response, body: unknown, scrub: Failure["scrub"]): typeof AiError.HttpContext.Type => ({
  response: {
    status: response.status,
    headers: Object.fromEntries(
      shownHeaders.flatMap((name) => {
        const value = response.headers.get(name)
        return value === null ? [] : [[name, scrub(value)]]
      })
    )
  },
  ...(body === undefined || body === ""
    ? {}
    : { body: shorten(scrub(Predicate.isString(body) ? body : JSON.stringify(body))) })
})

// Seconds, or a date (RFC 9110, 10.2.3).
const retryAfter = (response: Response, now: number): Duration.Duration | undefined => {
  const value = response.headers.get("retry-after")
  if (value === null || value.trim() === "") return undefined
  const seconds = Number(value)
  const millis = Number.isNaN(seconds) ? Date.parse(value) - now : seconds * 1000
  return Number.isNaN(millis) ? undefined : Duration.millis(Math.max(0, millis))
}

const fromStatus = (response: Response, failure: Failure): AiError.AiErrorReason => {
  const { status } = response
  const body = bodyIn(failure.error)
  const message = messageIn(body)
  const description = message === undefined ? `HTTP ${status}` : `HTTP ${status}: ${shorten(failure.scrub(message))}`
  const http = httpContext(response, body, failure.scrub)
  switch (status) {
    case 401:
      return new AiError.AuthenticationError({
        kind: failure.hasToken ? "InvalidKey" : "MissingKey",
        description,
        http
      })
    case 402:
      return new AiError.QuotaExhaustedError({ http })
    case 403:
      return new AiError.AuthenticationError({ kind: "InsufficientPermissions", description, http })
    case 429:
      return new AiError.RateLimitError({ retryAfter: retryAfter(response, failure.now), http })
    // 408: the server gave up waiting. 424: a text-generation or text-embeddings server failed while it computed.
    case 408:
    case 424:
      return new AiError.InternalProviderError({ description, http })
    default:
      return status >= 500
        ? new AiError.InternalProviderError({ description, http })
        : new AiError.InvalidRequestError({ description, http })
  }
}

const codeOf = (error: Error): string =>
  Predicate.hasProperty(error.cause, "code") && Predicate.isString(error.cause.code) ? ` (${error.cause.code})` : ""

const isNetworkFailure = ({ error, exchange }: Failure): boolean =>
  error instanceof TypeError
  && (exchange.response === undefined || error.cause !== undefined || error.message === "terminated")

const toReason = (failure: Failure): AiError.AiErrorReason => {
  const { error, exchange, scrub } = failure
  const { response } = exchange
  const description = shorten(scrub(error instanceof Error ? error.message : String(error)))
  if (response !== undefined && response.status >= 400) return fromStatus(response, failure)
  if (error instanceof InferenceClientRoutingError) {
    return new AiError.AuthenticationError({ kind: failure.hasToken ? "InvalidKey" : "MissingKey", description })
  }
  if (error instanceof InferenceClientInputError) return new AiError.InvalidRequestError({ description })
  if (isNetworkFailure(failure)) {
    return networkError(exchange, scrub, description + codeOf(error as Error))
  }
  // An error event inside a stream that had begun well.
  const message = messageIn(bodyIn(error))
  if (message !== undefined) return new AiError.InternalProviderError({ description: shorten(scrub(message)) })
  // JSON.parse quotes pieces of what it read, cut at any place, so that text is not repeated.
  if (error instanceof SyntaxError) return new AiError.InvalidResponseError({ description: "The answer is not JSON" })
  if (Schema.isSchemaError(error) || error instanceof InferenceClientProviderOutputError || response !== undefined) {
    return new AiError.InvalidResponseError({ description })
  }
  return new AiError.UnknownError({ description })
}

/** A failure of the transport. */
export const networkError = (exchange: Exchange, scrub: Failure["scrub"], description: string): AiError.NetworkError =>
  new AiError.NetworkError({
    reason: "TransportError",
    method: exchange.method,
    url: scrub(plainUrl(exchange.url)),
    description
  })

/** An error of this package. */
export const make = (method: string, reason: AiError.AiErrorReason): AiError.AiError =>
  AiError.make({ module: "HfClient", method, reason })

/** An error for whatever was thrown. */
export const toAiError = (failure: Failure): AiError.AiError => make(failure.method, toReason(failure))
