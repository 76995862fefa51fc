/**
 * Flags of every command, and kinds of flags.
 *
 * @since 0.1.0
 */
import * as Flag from "effect/cli/Flag"

/**
 * A flag that counts something: a whole number from 1 on.
 *
 * @category constructors
 * @since 0.1.0
 */
export const count = (name: string): Flag.Flag<number> =>
  Flag.Int(name).pipe(Flag.filter((value) => value >= 1, () => "a whole number from 1 on"))

export const shared = {
  json: Flag.Boolean("json").pipe(Flag.withDescription("print one JSON document on stdout"), Flag.withDefault(false)),
  verbose: Flag.Boolean("verbose").pipe(Flag.withDescription("show the stack of an error"), Flag.withDefault(false))
}

/**
 * How long decisions and answers of trained agents may be, in tokens.
 *
 * @category getters
 * @since 0.1.0
 */
export const completionTokens = { managerTokens: 72, answerTokens: 64 } as const
