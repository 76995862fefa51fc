/**
 * Limits on calls to a language model: concurrency, timeout, and retries of temporary faults.
 *
 * @since 0.1.0
 */
import { AiError } from "effect/ai"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Semaphore from "effect/Semaphore"

/**
 * - `concurrency`: simultaneous calls of one layer (default: 4; at least 1).
 * - `timeout`: the time limit of one call (default: one minute).
 * - `retries`: how often a call is retried after a temporary fault (default: 2). Temporary faults are those of
 *   `AiError.isRetryable`: a busy or failing server, a lost connection, a timeout. The delay starts at half a second
 *   and doubles, with jitter, and is at least what the server asks for.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly concurrency?: number | undefined
  readonly timeout?: Duration.Input | undefined
  readonly retries?: number | undefined
}

/**
 * Applies these limits to calls. An interrupted call releases its slot at once.
 *
 * @example
 * ```ts
 * import { Calls } from "@memory-r1/core"
 * import { Effect } from "effect"
 *
 * const call = Calls.make({ timeout: "10 millis", retries: 0 })
 * const error = await Effect.runPromise(Effect.flip(call(Effect.never)))
 * error.message // => "LanguageModel.call: Internal provider error: the call timed out"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = ({ concurrency = 4, retries = 2, timeout = "1 minute" }: Options = {}) => {
  const places = Semaphore.makeUnsafe(Math.max(1, concurrency))
  const late = AiError.make({
    module: "LanguageModel",
    method: "call",
    reason: new AiError.InternalProviderError({ description: "the call timed out" })
  })
  const schedule = Schedule.exponential("500 millis").pipe(
    Schedule.setInputType<AiError.AiError>(),
    Schedule.jittered,
    Schedule.modifyDelay(({ duration, input }) =>
      Effect.succeed(Duration.max(duration, input.retryAfter ?? Duration.zero))
    )
  )
  return <A, R>(call: Effect.Effect<A, AiError.AiError, R>): Effect.Effect<A, AiError.AiError, R> =>
    places.withPermit(Effect.timeoutOrElse(call, { duration: timeout, orElse: () => Effect.fail(late) })).pipe(
      Effect.retry({ schedule, times: retries, while: (error) => error.isRetryable })
    )
}
