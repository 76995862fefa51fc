/**
 * Where a run stands, on stderr: a bar for each phase on a terminal, plain lines elsewhere.
 */
import { RunLog } from "@memory-r1/trainer"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import cliProgress from "cli-progress"

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
  readonly phase: <A, E, R>(name: string, total: number, run: (phase: Phase) => Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  readonly line: (text: string) => Effect.Effect<void>
}>()("@memory-r1/cli/Progress") {}

const seconds = (milliseconds: number): string => {
  const whole = Math.max(0, Math.round(milliseconds / 1000))
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`
}

const line = (text: string) => Effect.sync(() => void process.stderr.write(`${text}\n`))

const layerLines: Layer.Layer<Progress> = Layer.succeed(Progress, {
  line,
  phase: Effect.fnUntraced(function*<A, E, R>(name: string, total: number, run: (phase: Phase) => Effect.Effect<A, E, R>) {
    const started = yield* Clock.currentTimeMillis
    const every = Math.max(1, Math.ceil(total / 8))
    const result = yield* run({
      update: Effect.fnUntraced(function*(done, note = "") {
        if (done % every !== 0 && done !== total) return
        const passed = (yield* Clock.currentTimeMillis) - started
        const left = done === 0 ? "" : `, ${seconds(passed / done * (total - done))} left`
        yield* line(`${name}: ${done}/${total}${left}${note === "" ? "" : `  ${note}`}`)
      })
    })
    yield* line(`${name}: done in ${seconds((yield* Clock.currentTimeMillis) - started)}`)
    return result
  })
})

const layerBars: Layer.Layer<Progress> = Layer.succeed(Progress, {
  line,
  phase: (name, total, run) =>
    Effect.acquireUseRelease(
      Effect.sync(() => {
        const bar = new cliProgress.SingleBar({
          format: `${name.padEnd(34)} {bar} {value}/{total}  ETA {eta_formatted}  {note}`,
          barsize: 24,
          hideCursor: true,
          gracefulExit: false
        }, cliProgress.Presets.shades_classic)
        bar.start(total, 0, { note: "" })
        return bar
      }),
      (bar) => run({ update: (done, note = "") => Effect.sync(() => bar.update(done, { note })) }),
      (bar) => Effect.sync(() => bar.stop())
    )
})

/**
 * Bars where stderr is a terminal, lines where it is not.
 */
export const layer: Layer.Layer<Progress> = Layer.unwrap(Effect.sync(() => process.stderr.isTTY === true ? layerBars : layerLines))

const shown = ["loss", "reward", "zeroVariance", "tokensPerSecond"] as const

const note = (values: Readonly<Record<string, number>>): string =>
  shown.flatMap((name) => {
    const value = values[name]
    if (value === undefined) return []
    return [name === "tokensPerSecond" ? `${Math.round(value).toLocaleString("en")} token/s` : `${name} ${value.toFixed(3)}`]
  }).join("  ")

/**
 * A training stage as a phase: every line of the run log moves it on.
 */
export const stage = Effect.fnUntraced(function*<A, E, R>(name: string, steps: number, run: Effect.Effect<A, E, R>) {
  const progress = yield* Progress
  const log = yield* RunLog.RunLog
  return yield* progress.phase(name, steps, (phase) =>
    Effect.provideService(run, RunLog.RunLog, {
      ...log,
      metrics: (record) => Effect.andThen(log.metrics(record), phase.update(record.step, note(record.values)))
    }))
})
