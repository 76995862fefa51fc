/**
 * Live progress on stderr: a bar for each stage on a terminal, plain lines elsewhere.
 */
import { RunLog } from "@memory-r1/trainer"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const shown = ["loss", "reward", "zeroVariance", "entropy", "gradNorm", "tokensPerSecond"] as const

const format = (name: string, value: number): string =>
  name === "tokensPerSecond" ? `${Math.round(value).toLocaleString("en")} token/s` : `${name} ${value.toFixed(3)}`

/**
 * A run log that also shows where the run stands.
 */
export const layerWith = <E, R>(log: Layer.Layer<RunLog.RunLog, E, R>): Layer.Layer<RunLog.RunLog, E, R> =>
  Layer.effect(
    RunLog.RunLog,
    Effect.gen(function*() {
      const inner = yield* RunLog.RunLog
      return RunLog.RunLog.of({
        ...inner,
        metrics: Effect.fnUntraced(function*(record) {
          yield* inner.metrics(record)
          const { stage, step, steps, values } = record
          if (step % Math.max(1, Math.round(steps / 50)) !== 0 && step !== steps) return
          const parts = shown.flatMap((name) => values[name] === undefined ? [] : [format(name, values[name])])
          process.stderr.write(`${stage} ${step}/${steps}  ${parts.join("  ")}\n`)
        })
      })
    })
  ).pipe(Layer.provide(log))
