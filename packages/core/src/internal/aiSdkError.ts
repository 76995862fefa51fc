// From what a model of the AI SDK throws to an AiError. Its errors are known by their marks, since a program may hold
// several versions of the package that makes them; the status of an answer decides before the name of an error.
import { AiError } from "effect/ai"
import * as Duration from "effect/Duration"
import * as Predicate from "effect/Predicate"
import { messageOf } from "../messageOf.ts"

const longest = 1000

const isMarked = (error: unknown, ...names: ReadonlyArray<string>): boolean =>
  names.some((name) => Predicate.hasProperty(error, Symbol.for(`vercel.ai.error.AI_${name}`)))

const textOf = (error: unknown, key: string): string | undefined =>
  Predicate.hasProperty(error, key) && Predicate.isString(error[key]) ? error[key] : undefined

// Seconds, or a date (RFC 9110, 10.2.3).
const retryAfter = (error: unknown, now: number): Duration.Duration | undefined => {
  const headers = Predicate.hasProperty(error, "responseHeaders") ? error.responseHeaders : undefined
  const value = textOf(headers, "retry-after")?.trim() ?? ""
  if (value === "") return undefined
  const seconds = Number(value)
  const millis = Number.isNaN(seconds) ? Date.parse(value) - now : seconds * 1000
  return Number.isNaN(millis) ? undefined : Duration.millis(Math.max(0, millis))
}

const fromStatus = (status: number, error: unknown, description: string, now: number): AiError.AiErrorReason => {
  // OpenAI says that the credit is used up with the status of a rate limit.
  if (status === 402 || (status === 429 && textOf(error, "responseBody")?.includes("insufficient_quota"))) {
    return new AiError.QuotaExhaustedError({})
  }
  if (status === 429) return new AiError.RateLimitError({ retryAfter: retryAfter(error, now) })
  // The AI SDK tries these again, too: a request timeout and a conflict.
  if (status === 408 || status === 409) return new AiError.InternalProviderError({ description })
  // An answer that came, and could not be read.
  if (status < 400) return new AiError.InvalidResponseError({ description })
  return status !== 401 && status !== 403 && status < 500
    ? new AiError.InvalidRequestError({ description })
    : AiError.reasonFromHttpStatus({ status, description })
}

// Host and path: keys may stand in the rest of an URL.
const placeOf = (error: unknown): string => {
  const url = URL.parse(textOf(error, "url") ?? "")
  return url === null ? "unknown" : `${url.origin}${url.pathname}`
}

/** Why a call failed; `now` is the time in milliseconds, for a server that says until when to wait. */
export const reasonOf = (error: unknown, now: number): AiError.AiErrorReason => {
  const message = messageOf(error)
  const said = message.length > longest ? `${message.slice(0, longest)}…` : message
  const status = Predicate.hasProperty(error, "statusCode") ? error.statusCode : undefined
  if (Predicate.isNumber(status)) return fromStatus(status, error, `HTTP ${status}: ${said}`, now)
  if (isMarked(error, "APICallError") || error instanceof TypeError) {
    return new AiError.NetworkError({
      reason: "TransportError",
      method: "POST",
      url: placeOf(error),
      description: said
    })
  }
  if (isMarked(error, "LoadAPIKeyError")) {
    return new AiError.AuthenticationError({ kind: "MissingKey", description: said })
  }
  if (isMarked(error, "JSONParseError", "TypeValidationError", "InvalidResponseDataError", "EmptyResponseBodyError")) {
    return new AiError.InvalidResponseError({ description: said })
  }
  return isMarked(error, "InvalidPromptError", "InvalidArgumentError", "LoadSettingError", "NoSuchModelError") ||
      isMarked(error, "UnsupportedFunctionalityError", "TooManyEmbeddingValuesForCallError")
    ? new AiError.InvalidRequestError({ description: said })
    : new AiError.UnknownError({ description: said })
}
