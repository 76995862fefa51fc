/**
 * `memory-r1 memory add | search | list | history | as-of | extract | revert | erase | export | import --db FILE`
 *
 * @since 0.1.0
 */
import * as Command from "effect/cli/Command"
import { asOf, history, list, search } from "../memory/reading.ts"
import { exporting, importing } from "../memory/transfer.ts"
import { add, erase, revert } from "../memory/writing.ts"
import { extract } from "./extract.ts"

/**
 * The commands.
 *
 * @category running
 * @since 0.1.0
 */
export const memory = Command.make("memory").pipe(
  Command.withDescription("Manage a store of memories by hand"),
  Command.withSubcommands([add, search, list, history, asOf, extract, revert, erase, exporting, importing])
)
