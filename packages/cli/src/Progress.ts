/**
 * Where a run stands, on stderr: a bar for each phase on a terminal, plain lines elsewhere.
 */
import { RunLog } from "@memory-r1/trainer"
import cliProgress from "cli-progress"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/**
 * A phase that is under way. `update` says how many of its steps are done and what to show beside the bar.
 */
export interface Phase {
  readonly update: (done: number, note?: string) => Effect.Effect<void>
}

/**
 * Shows phases. A phase ends with the effect that it surrounds.
 */
export class Progress extends Context.Service<Progress, {
  /** `from`: how many of the steps an earlier run has done. */
  readonly phase: <A, E, R>(
    name: string,
    total: number,
    run: (phase: Phase) => Effect.Effect<A, E, R>,
    from?: number
  ) => Effect.Effect<A, E, R>
  readonly line: (text: string) => Effect.Effect<void>
}>()("@memory-r1/cli/Progress") {}

const seconds = (milliseconds: number): string => {
  const whole = Math.max(0, Math.round(milliseconds / 1000))
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`
}

const line = (text: string) => Effect.sync(() => void process.stderr.write(`${text}\n`))

const layerLines: Layer.Layer<Progress> = Layer.succeed(Progress, {
  line,
  phase: Effect.fnUntraced(
    function*<A, E, R>(name: string, total: number, run: (phase: Phase) => Effect.Effect<A, E, R>, from = 0) {
      const started = yield* Clock.currentTimeMillis
      const every = Math.max(1, Math.ceil(total / 8))
      const result = yield* run({
        update: Effect.fnUntraced(function*(done, note = "") {
          if (done % every !== 0 && done !== total) return
          const passed = (yield* Clock.currentTimeMillis) - started
          const left = done <= from ? "" : `, ${seconds(passed / (done - from) * (total - done))} left`
          yield* line(`${name}: ${done}/${total}${left}${note === "" ? "" : `  ${note}`}`)
        })
      })
      yield* line(`${name}: done in ${seconds((yield* Clock.currentTimeMillis) - started)}`)
      return result
    }
  )
})

const layerBars: Layer.Layer<Progress> = Layer.succeed(Progress, {
  line,
  phase: (name, total, run, from = 0) =>
    Effect.acquireUseRelease(
      Effect.sync(() => {
        const bar = new cliProgress.SingleBar({
          format: `${name.padEnd(34)} {bar} {value}/{total}  ETA {eta_formatted}  {note}`,
          barsize: 24,
          hideCursor: true,
          gracefulExit: false
        }, cliProgress.Presets.shades_classic)
        bar.start(total, from, { note: "" })
        return bar
      }),
      (bar) => run({ update: (done, note = "") => Effect.sync(() => bar.update(done, { note })) }),
      (bar) => Effect.sync(() => bar.stop())
    )
})

/**
 * Bars where stderr is a terminal, lines where it is not.
 */
export const layer: Layer.Layer<Progress> = Layer.unwrap(
  Effect.sync(() => process.stderr.isTTY === true ? layerBars : layerLines)
)

const shown: Readonly<Record<string, (value: number) => string>> = {
  loss: (value) => `loss ${value.toFixed(3)}`,
  reward: (value) => `reward ${value.toFixed(3)}`,
  kl: (value) => `KL ${value.toFixed(4)}`,
  entropy: (value) => `entropy ${value.toFixed(2)}`,
  clipped: (value) => `clipped ${(100 * value).toFixed(0)} %`,
  zeroVariance: (value) => `flat ${(100 * value).toFixed(0)} %`,
  explainedVariance: (value) => `explained ${(100 * value).toFixed(0)} %`,
  tokensPerSecond: (value) => `${Math.round(value).toLocaleString("en")} token/s`
}

const note = (values: Readonly<Record<string, number>>): string =>
  Object.entries(shown).flatMap(([name, text]) => values[name] === undefined ? [] : [text(values[name])]).join("  ")

/**
 * A training stage as a phase: every line of the run log moves it on. What validation finds is a line of its own.
 */
export const stage = Effect.fnUntraced(
  function*<A, E, R>(
    name: string,
    steps: number,
    run: Effect.Effect<A, E, R>,
    { from = 0 }: { readonly from?: number | undefined } = {}
  ) {
    const progress = yield* Progress
    const log = yield* RunLog.RunLog
    return yield* progress.phase(name, steps, (phase) =>
      Effect.provideService(run, RunLog.RunLog, {
        ...log,
        metrics: Effect.fnUntraced(function*(record) {
          yield* log.metrics(record)
          const { "validation.exactMatch": exactMatch, "validation.f1": f1 } = record.values
          if (exactMatch === undefined) return yield* phase.update(record.step, note(record.values))
          yield* progress.line(
            `${name}: validation after ${record.step} steps: exact match ${(100 * exactMatch).toFixed(1)} %, F1 ${
              (100 * f1!).toFixed(1)
            } %`
          )
        })
      }), from)
  }
)
