/**
 * What goes to stdout: with `--json` one document and nothing else, otherwise lines for people. Everything else goes to
 * stderr.
 *
 * @since 0.1.0
 */
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

/**
 * Whether `--json` was given.
 *
 * @category getters
 * @since 0.1.0
 */
export const Json = Context.Reference<boolean>("@memory-r1/cli/Output/Json", { defaultValue: () => false })

/**
 * Prints the result of a command.
 *
 * @category running
 * @since 0.1.0
 */
export const document = Effect.fnUntraced(function*(value: unknown, lines: ReadonlyArray<string>) {
  yield* Console.log((yield* Json) ? JSON.stringify(value) : lines.join("\n"))
})
