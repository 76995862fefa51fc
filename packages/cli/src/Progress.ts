/**
 * Where a run stands, on stderr: a bar for each phase on a terminal, plain lines elsewhere.
 */
import { Progress as Reports } from "@memory-r1/core/rl"
import { RunLog } from "@memory-r1/trainer"
import cliProgress from "cli-progress"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/**
 * The service that phases are reported to.
 */
export const Progress = Reports.Progress
type Service = Reports.Service

const seconds = (milliseconds: number): string => {
  const whole = Math.max(0, Math.round(milliseconds / 1000))
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`
}

const line = (text: string) => Effect.sync(() => void process.stderr.write(`${text}\n`))

const leftOf = (milliseconds: number, done: number, total: number, from: number): string =>
  done <= from ? "" : `, ${seconds(milliseconds / (done - from) * (total - done))} left`

// A part of a step is shown once it has taken two seconds, and then every ten. Lines of a phase with slow steps are
// about half a minute apart.
const [quiet, often, phaseLine] = [2000, 10_000, 30_000]

// Work that is shown once it takes a while, as notes.
const noted = (note: (text: string) => Effect.Effect<void>): Service => {
  const part: Service["part"] = Effect.fnUntraced(
    function*<A, E, R>(name: string, total: number, run: (phase: Reports.Phase) => Effect.Effect<A, E, R>) {
      const started = yield* Clock.currentTimeMillis
      let next = started + quiet
      return yield* Effect.provideService(
        run({
          update: Effect.fnUntraced(function*(done) {
            const now = yield* Clock.currentTimeMillis
            if (now < next) return
            next = now + often
            yield* note(`${name}: ${done}/${total}${leftOf(now - started, done, total, 0)}`)
          })
        }),
        Progress,
        service
      )
    }
  )
  const service: Service = { line: note, part, phase: part }
  return service
}

const lines: Service = {
  line,
  part: noted(line).part,
  phase: Effect.fnUntraced(
    function*<A, E, R>(name: string, total: number, run: (phase: Reports.Phase) => Effect.Effect<A, E, R>, from = 0) {
      const started = yield* Clock.currentTimeMillis
      const every = Math.max(1, Math.ceil(total / 8))
      let next = started + phaseLine
      const phase: Reports.Phase = {
        update: Effect.fnUntraced(function*(done, note = "") {
          const now = yield* Clock.currentTimeMillis
          if (done % every !== 0 && done !== total && now < next) return
          next = now + phaseLine
          const passed = now - started
          yield* line(`${name}: ${done}/${total}${leftOf(passed, done, total, from)}${note === "" ? "" : `  ${note}`}`)
        })
      }
      const result = yield* Effect.provideService(run(phase), Progress, noted((text) => line(`${name}: ${text}`)))
      yield* line(`${name}: done in ${seconds((yield* Clock.currentTimeMillis) - started)}`)
      return result
    }
  )
}

const bars: Service = {
  line,
  part: noted(line).part,
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
        return { bar, done: from }
      }),
      (shown) => {
        const show = (done: number, note: string) =>
          Effect.sync(() => {
            shown.done = done
            shown.bar.update(done, { note })
          })
        return Effect.provideService(
          run({ update: (done, note = "") => show(done, note) }),
          Progress,
          noted((text) => Effect.suspend(() => show(shown.done, text)))
        )
      },
      ({ bar }) => Effect.sync(() => bar.stop())
    )
}

/**
 * Bars where stderr is a terminal, lines where it is not.
 */
export const layer: Layer.Layer<never> = Layer.effect(
  Progress,
  Effect.sync(() => process.stderr.isTTY === true ? bars : lines)
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
