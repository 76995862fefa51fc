import { afterEach, assert, describe, it } from "@effect/vitest"
import { RunLog } from "@memory-r1/trainer"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { vi } from "vitest"
import * as Progress from "../src/Progress.ts"

// What is written to stderr, which is a terminal or not.
const stderr = (terminal: boolean) => {
  const written: Array<string> = []
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    written.push(String(text))
    return true
  })
  const { isTTY } = process.stderr
  process.stderr.isTTY = terminal
  restore = () => {
    process.stderr.isTTY = isTTY
  }
  return written
}
let restore = () => {}

afterEach(() => {
  restore()
  vi.restoreAllMocks()
})

const counting = Progress.Progress.use(({ phase }) =>
  phase("count", 16, ({ update }) =>
    Effect.gen(function*() {
      for (let done = 1; done <= 16; done++) {
        yield* TestClock.adjust("10 seconds")
        yield* update(done, `at ${done}`)
      }
      return "counted"
    }))
)

describe("Progress", () => {
  it.effect("writes eight lines for a phase, with the time that is left, and a last one", () =>
    Effect.gen(function*() {
      const written = stderr(false)
      assert.strictEqual(yield* Effect.provide(counting, Progress.layer), "counted")
      assert.strictEqual(written[0], "count: 2/16, 2 min 20 s left  at 2\n")
      assert.strictEqual(written[6], "count: 14/16, 20 s left  at 14\n")
      assert.deepStrictEqual(written.slice(7), ["count: 16/16, 0 s left  at 16\n", "count: done in 2 min 40 s\n"])
    }))

  it.effect("shows work within a step once it takes more than two seconds, and then every ten", () =>
    Effect.gen(function*() {
      const written = stderr(false)
      const nested = (milliseconds: number) =>
        Progress.Progress.use(({ part }) =>
          part("play dialogues (8)", 40, ({ update }) =>
            Effect.gen(function*() {
              for (let done = 1; done <= 40; done++) {
                yield* TestClock.adjust(milliseconds)
                yield* update(done)
              }
            }))
        )
      const work = Progress.Progress.use(({ phase }) =>
        phase("GRPO", 2, ({ update }) =>
          Effect.gen(function*() {
            yield* nested(40)
            yield* update(1)
            yield* nested(500)
            yield* update(2)
          }))
      )
      yield* Effect.provide(work, Progress.layer)
      assert.deepStrictEqual(written, [
        "GRPO: 1/2, 2 s left\n",
        "GRPO: play dialogues (8): 4/40, 18 s left\n",
        "GRPO: play dialogues (8): 24/40, 8 s left\n",
        "GRPO: 2/2, 0 s left\n",
        "GRPO: done in 22 s\n"
      ])
    }))

  it.effect("is silent about work of less than two seconds that is no part of a phase", () =>
    Effect.gen(function*() {
      const written = stderr(false)
      const loading = (milliseconds: number) =>
        Progress.Progress.use(({ part }) =>
          part("load model", 3, ({ update }) =>
            Effect.gen(function*() {
              for (let done = 1; done <= 3; done++) {
                yield* TestClock.adjust(milliseconds)
                yield* update(done)
              }
            }))
        )
      yield* Effect.provide(loading(600), Progress.layer)
      assert.deepStrictEqual(written, [])
      yield* Effect.provide(loading(1200), Progress.layer)
      assert.deepStrictEqual(written, ["load model: 2/3, 1 s left\n"])
    }))

  it.effect("draws a bar on a terminal, and gives the cursor back when the phase fails", () =>
    Effect.gen(function*() {
      const written = stderr(true)
      const failing = Progress.Progress.use(({ phase }) =>
        phase("count", 16, ({ update }) => Effect.andThen(update(3, "third"), Effect.fail("enough")))
      )
      assert.strictEqual(yield* Effect.flip(Effect.provide(failing, Progress.layer)), "enough")
      const text = written.join("")
      assert.match(text, /count {30}.* 3\/16 .*third/)
      assert.include(text, "\u001b[?25l")
      assert.isAbove(text.lastIndexOf("\u001b[?25h"), text.lastIndexOf("\u001b[?25l"))
    }))

  it.effect("moves a training stage on with every line of the run log, which is kept", () =>
    Effect.gen(function*() {
      const written = stderr(false)
      const records: Array<RunLog.Metrics | RunLog.Transcript> = []
      const step = (step: number, values: Readonly<Record<string, number>>) =>
        RunLog.RunLog.use((log) => log.metrics({ stage: "manager", step, steps: 2, values }))
      yield* Progress.stage(
        "GRPO",
        2,
        Effect.andThen(step(1, { reward: 0.5, gradNorm: 3 }), step(2, { loss: -0.25, tokensPerSecond: 12_345.6 }))
      ).pipe(
        Effect.provide([Progress.layer, RunLog.layerMemory(records)])
      )
      assert.deepStrictEqual(written, [
        "GRPO: 1/2, 0 s left  reward 0.500\n",
        "GRPO: 2/2, 0 s left  loss -0.250  12,346 token/s\n",
        "GRPO: done in 0 s\n"
      ])
      assert.lengthOf(records, 2)
    }))
})
