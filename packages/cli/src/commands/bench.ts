/**
 * `memory-r1 bench`, where the package with the benchmarks is there. It is not published.
 *
 * @since 0.1.0
 */
import type { bench } from "@memory-r1/bench"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/**
 * The benchmarks are not there.
 *
 * @category errors
 * @since 0.1.0
 */
export class NoBenchmarks extends Schema.TaggedError<NoBenchmarks>()("NoBenchmarks", {}) {
  override get message(): string {
    return "the benchmarks are not part of the published program: clone https://github.com/memory-r1/memory-r1-ts, " +
      "run `npm run setup` there, and then `npx memory-r1 bench`"
  }
}

/**
 * The command as help lists it, without the benchmarks.
 *
 * @category running
 * @since 0.1.0
 */
export const listed = Command.make("bench", {}, () => Effect.fail(new NoBenchmarks())).pipe(
  Command.withDescription("Measure the engine and the stores, beside peers where they are given")
)

/**
 * The command, in one of its two forms.
 *
 * @category models
 * @since 0.1.0
 */
export type Bench = typeof bench | typeof listed

const isMissing = (error: unknown): boolean =>
  error instanceof Error && error.message.startsWith("Cannot find package '@memory-r1/bench'")

/**
 * The command where arguments ask for it, and what help lists where they do not: the benchmarks take a second to load.
 * Fails with `NoBenchmarks` where they are not there.
 *
 * @category running
 * @since 0.1.0
 */
export const load = (
  args: ReadonlyArray<string>,
  benchmarks: () => Promise<{ readonly bench: Bench }> = () => import("@memory-r1/bench")
): Effect.Effect<Bench, NoBenchmarks> =>
  args.find((arg) => !arg.startsWith("-")) !== "bench"
    ? Effect.succeed(listed)
    : Effect.flatten(Effect.promise(() =>
      benchmarks().then(({ bench }) => Effect.succeed(bench), (error: unknown) => {
        if (isMissing(error)) return Effect.fail(new NoBenchmarks())
        throw error
      })
    ))
