import { assert, describe, it } from "@effect/vitest"
import { Calls } from "@memory-r1/core"
import { Deferred, Duration, Effect, Fiber, Ref } from "effect"
import { AiError } from "effect/ai"
import { TestClock } from "effect/testing"

const fault = (reason: AiError.AiErrorReason) => AiError.make({ module: "Test", method: "call", reason })
const busy = fault(new AiError.RateLimitError({ retryAfter: Duration.seconds(20) }))
const failing = fault(new AiError.InternalProviderError({ description: "out of order" }))
const denied = fault(new AiError.AuthenticationError({ kind: "InvalidKey" }))

const failingTimes = Effect.fnUntraced(function*(times: number, error: AiError.AiError) {
  const calls = yield* Ref.make(0)
  const call = Effect.flatMap(
    Ref.updateAndGet(calls, (n) => n + 1),
    (n) => n <= times ? Effect.fail(error) : Effect.succeed(n)
  )
  return { call, calls }
})

describe("Calls", () => {
  it.effect("makes a call again where the fault may pass, and not where it will not", () =>
    Effect.gen(function*() {
      const guarded = Calls.make()
      const twice = yield* failingTimes(2, failing)
      const fiber = yield* Effect.forkChild(guarded(twice.call))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), 3)
      const never = yield* failingTimes(9, failing)
      const failed = yield* Effect.forkChild(Effect.flip(guarded(never.call)))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* Fiber.join(failed), failing)
      assert.strictEqual(yield* Ref.get(never.calls), 3)
      const refused = yield* failingTimes(1, denied)
      assert.strictEqual(yield* Effect.flip(guarded(refused.call)), denied)
    }))

  it.effect("waits as long as a server asks for", () =>
    Effect.gen(function*() {
      const { call, calls } = yield* failingTimes(1, busy)
      const fiber = yield* Effect.forkChild(Calls.make()(call))
      yield* TestClock.adjust("19 seconds")
      assert.strictEqual(yield* Ref.get(calls), 1)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), 2)
    }))

  it.effect("ends a call that takes too long, and interrupts it", () =>
    Effect.gen(function*() {
      const interrupted = yield* Ref.make(0)
      const call = Effect.onInterrupt(Effect.never, () => Ref.update(interrupted, (n) => n + 1))
      const fiber = yield* Effect.forkChild(Effect.flip(Calls.make({ timeout: "5 seconds", retries: 1 })(call)))
      yield* TestClock.adjust("1 minute")
      assert.include((yield* Fiber.join(fiber)).message, "the call timed out")
      assert.strictEqual(yield* Ref.get(interrupted), 2)
    }))

  it.effect("runs one at a time at least", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* Calls.make({ concurrency: 0 })(Effect.succeed(1)), 1)
    }))

  it.effect("runs so many at a time, over all that share it; an interrupted call gives its place back", () =>
    Effect.gen(function*() {
      const guarded = Calls.make({ concurrency: 2 })
      const [running, most] = [yield* Ref.make(0), yield* Ref.make(0)]
      const door = yield* Deferred.make<void>()
      const call = Effect.ensuring(
        Effect.gen(function*() {
          const now = yield* Ref.updateAndGet(running, (n) => n + 1)
          yield* Ref.update(most, (n) => Math.max(n, now))
          yield* Deferred.await(door)
        }),
        Ref.update(running, (n) => n - 1)
      )
      const [first, ...others] = yield* Effect.forEach(Array.from({ length: 6 }), () => Effect.forkChild(guarded(call)))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Ref.get(running), 2)
      yield* Fiber.interrupt(first!)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Ref.get(running), 2)
      yield* Deferred.succeed(door, undefined)
      yield* Effect.forEach(others, Fiber.join)
      assert.strictEqual(yield* Ref.get(most), 2)
    }))
})
