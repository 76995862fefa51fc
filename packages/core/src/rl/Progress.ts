/**
 * Where long work is, for whoever shows it. By default nobody does.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

/**
 * A phase in progress. `update` says how many of its steps are done, and what to show beside them.
 *
 * @category models
 * @since 0.1.0
 */
export interface Phase {
  readonly update: (done: number, note?: string) => Effect.Effect<void>
}

/**
 * - `phase`: shows a phase of so many steps while it runs. `from`: how many of them an earlier run has done.
 * - `part`: shows work that is often quick, once it has taken two seconds. It may be a part of a step of a phase.
 * - `line`: shows a line.
 *
 * @category models
 * @since 0.1.0
 */
export interface Service {
  readonly phase: <A, E, R>(
    name: string,
    total: number,
    run: (phase: Phase) => Effect.Effect<A, E, R>,
    from?: number
  ) => Effect.Effect<A, E, R>
  readonly part: <A, E, R>(
    name: string,
    total: number,
    run: (phase: Phase) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E, R>
  readonly line: (text: string) => Effect.Effect<void>
}

const silently: Service["part"] = (_, __, run) => run({ update: () => Effect.void })

/**
 * The service. Report to it whatever may take more than two seconds; provide another one to show it.
 *
 * @example
 * ```ts
 * import { Progress } from "@memory-r1/core/rl"
 * import { Effect } from "effect"
 *
 * const said: Array<string> = []
 * const shown: Progress.Service = {
 *   phase: (name, total, run) =>
 *     run({ update: (done) => Effect.sync(() => void said.push(`${name} ${done}/${total}`)) }),
 *   part: (_, __, run) => run({ update: () => Effect.void }),
 *   line: (text) => Effect.sync(() => void said.push(text))
 * }
 * const work = Progress.Progress.use(({ phase }) => phase("count", 2, ({ update }) => update(1)))
 * Effect.runSync(Effect.provideService(work, Progress.Progress, shown))
 * Effect.runSync(work)
 * said // => ["count 1/2"]
 * ```
 *
 * @category services
 * @since 0.1.0
 */
export const Progress: Context.Reference<Service> = Context.Reference<Service>("@memory-r1/core/Progress", {
  defaultValue: () => ({
    phase: silently,
    part: silently,
    line: () => Effect.void
  })
})
