/**
 * A scope as a file, and back: `memory export` and `memory import`.
 */
import { MemoryBank, type MemoryStore, type Scope, Transfer } from "@memory-r1/core"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Output from "../Output.ts"
import * as Lines from "./lines.ts"
import * as Store from "./Store.ts"
import * as Values from "./values.ts"

// Whole or not at all: an export that fails leaves the one before it as it was.
const writeWhole = Effect.fnUntraced(function*(file: string, text: string) {
  const files = yield* FileSystem.FileSystem
  const temporary = `${file}.tmp`
  yield* Effect.andThen(files.writeFileString(temporary, text), files.rename(temporary, file)).pipe(
    Effect.onError(() => Effect.ignore(files.remove(temporary, { force: true }))),
    Effect.mapError((error) => new Store.FileError({ file, reason: `cannot be written: ${error.message}` }))
  )
})

/**
 * `memory export`
 */
export const exporting = Command.make("export", {
  ...Store.flags,
  out: Flag.String("out").pipe(Flag.filter(Store.isSaid, () => "a file"), Flag.withDescription("the file to write; stdout when it is left out"), Flag.optional)
}, Effect.fn(function*({ out, ...flags }) {
  const { lines, scope } = yield* Store.within(flags, "read", (scope) =>
    Effect.map(Stream.runCollect(Transfer.exported(scope)), (lines) => ({ lines, scope })))
  const entries = lines.length - 1
  if (Option.isNone(out)) return yield* Output.document({ scope, entries, lines: lines.map((line): unknown => JSON.parse(line)) }, lines)
  yield* writeWhole(out.value, lines.map((line) => `${line}\n`).join(""))
  yield* Output.document({ scope, entries, out: out.value }, [`${out.value}: ${entries} entries of the log of ${scope}`])
})).pipe(Command.withDescription("Write the whole log of a scope, erasures and decisions included, as lines of JSON"))

const Owner = Schema.Struct({
  user_id: Schema.optionalKey(Schema.NullOr(Schema.String)),
  agent_id: Schema.optionalKey(Schema.NullOr(Schema.String)),
  run_id: Schema.optionalKey(Schema.NullOr(Schema.String))
})

/**
 * `memory import`
 */
export const importing = Command.make("import", {
  ...Store.flags,
  from: Flag.Literals("from", ["memory-r1", "mem0"]).pipe(
    Flag.withDescription("memory-r1: what \"memory export\" wrote, into a scope that has nothing yet; mem0: its JSON, added to what is there"),
    Flag.withDefault("memory-r1" as const)
  ),
  owner: Values.json("owner", Owner).pipe(
    Flag.withDescription(`with --from mem0, whose memories of a file of several users, agents or runs, as {"user_id":"ann"}`),
    Flag.optional
  ),
  file: Argument.String("file").pipe(Argument.filter(Store.isSaid, () => "a file"))
}, Effect.fn(function*({ file, from, owner, ...flags }) {
  const files = yield* FileSystem.FileSystem
  // Before a store is made.
  const text = yield* Effect.mapError(files.readFileString(file), (error) =>
    new Store.FileError({ file, reason: error.reason._tag === "NotFound" ? "no such file" : `cannot be read: ${error.message}` }))
  const named = (error: Transfer.TransferError) => Effect.fail(new Store.FileError({ file, reason: error.message }))
  const taken = (scope: Scope.Scope, { current }: MemoryStore.Conflict) =>
    Effect.fail(new Store.FileError({
      file: flags.db,
      reason: `${scope} is at revision ${current} already, and an export goes into a scope that has nothing yet: name another scope, or another file with --db`
    }))
  const result = yield* Store.within(flags, "make", Effect.fnUntraced(function*(scope, store) {
    if (from === "mem0") {
      const { imported, known } = yield* Effect.catchTag(Transfer.importedFromMem0(scope, text, Option.getOrElse(owner, () => ({}))), "TransferError", named)
      const { bank, revision } = yield* store.current(scope)
      return { scope, from, imported, known, revision, memories: MemoryBank.size(bank) }
    }
    const { bank, revision } = yield* Transfer.imported(scope, Stream.fromIterable(text.split("\n"))).pipe(
      Effect.catchTag("TransferError", named),
      Effect.catchTag("Conflict", (error) => taken(scope, error))
    )
    return { scope, from, imported: revision, known: 0, revision, memories: MemoryBank.size(bank) }
  }))
  const { imported, known, memories, revision, scope } = result
  const what = from === "mem0" ? `${Lines.count(imported)}, ${known} were known` : `${imported} entries of a log`
  yield* Output.document(result, [`imported ${what}: ${scope} is at revision ${revision}, with ${Lines.count(memories)}`])
})).pipe(Command.withDescription("Read what \"memory export\" or mem0 wrote: all of it or nothing"))
