/**
 * `memory-r1 bench`, where the package with the benchmarks is there. It is not published.
 */
import type { bench } from "@memory-r1/bench"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/**
 * The benchmarks are not there.
 */
export class NoBenchmarks extends Schema.TaggedError<NoBenchmarks>()("NoBenchmarks", {}) {
  override get message(): string {
    return "the benchmarks are not part of the published program: clone https://github.com/memory-r1/memory-r1-ts, " +
      "run `npm run setup` there, and then `npx memory-r1 bench`"
  }
}

/**
 * Without the benchmarks.
 */
export const missing = Command.make("bench", {}, () => Effect.fail(new NoBenchmarks())).pipe(
  Command.withDescription("Measure the engine and the stores, in a clone of the repository")
)

/**
 * The command, in one of its two forms.
 */
export type Bench = typeof bench | typeof missing

/**
 * The command, with the benchmarks where they are there.
 */
export const load: Effect.Effect<Bench> = Effect.promise(() =>
  import("@memory-r1/bench").then(({ bench }) => bench, (error: unknown) => {
    if (error instanceof Error && error.message.includes("Cannot find package '@memory-r1/bench'")) return missing
    throw error
  })
)
