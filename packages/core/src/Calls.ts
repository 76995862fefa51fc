/**
 * How a language model is called: so many calls at a time, each no longer than so long, and again where a fault may
 * pass.
 */
import { AiError } from "effect/ai"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Semaphore from "effect/Semaphore"

/**
 * - `concurrency`: calls that run at a time, over everything that one layer is asked; 4 when it is left out, and 1 at
 *   least.
 * - `timeout`: of one call; a minute when it is left out.
 * - `retries`: how often a call is made again after a fault that may pass (`AiError.isRetryable`: a busy or failing
 *   server, a lost connection, a call that took too long); 2 when it is left out. The wait doubles from half a second,
 *   with jitter, and is no shorter than a server asks for.
 */
export interface Options {
  readonly concurrency?: number | undefined
  readonly timeout?: Duration.Input | undefined
  readonly retries?: number | undefined
}

/**
 * Puts calls under these limits. An interrupted call gives its place back at once.
 *
 * @example
 * ```ts
 * import { Calls } from "@memory-r1/core"
 * import { Effect } from "effect"
 *
 * const call = Calls.make({ timeout: "10 millis", retries: 0 })
 * const error = await Effect.runPromise(Effect.flip(call(Effect.never)))
 * error.message // => "LanguageModel.call: Internal provider error: no answer within the time that a call has"
 * ```
 */
export const make = ({ concurrency = 4, retries = 2, timeout = "1 minute" }: Options = {}) => {
  const places = Semaphore.makeUnsafe(Math.max(1, concurrency))
  const late = AiError.make({
    module: "LanguageModel",
    method: "call",
    reason: new AiError.InternalProviderError({ description: "no answer within the time that a call has" })
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
