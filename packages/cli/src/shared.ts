/**
 * Flags of every command.
 */
import * as Flag from "effect/cli/Flag"

export const shared = {
  json: Flag.Boolean("json").pipe(Flag.withDescription("print one JSON document on stdout"), Flag.withDefault(false)),
  verbose: Flag.Boolean("verbose").pipe(Flag.withDescription("show the stack of an error"), Flag.withDefault(false))
}
