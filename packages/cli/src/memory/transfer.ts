/**
 * Export a scope to a file, and import one: `memory export` and `memory import`.
 *
 * @since 0.1.0
 */
import { MemoryBank, MemoryLog, MemoryStore, type Scope } from "@memory-r1/core"
import { Transfer, writeWhole } from "@memory-r1/core/store"
import * as Argument from "effect/cli/Argument"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Output from "../Output.ts"
import * as Lines from "./lines.ts"
import * as Store from "./Store.ts"
import * as Values from "./values.ts"

// The decisions of a scope that another policy can score again, as lines.
const sampled = Effect.fnUntraced(function*(scope: Scope.Scope) {
  const entries = yield* (yield* MemoryStore.MemoryStore).log(scope)
  return yield* Effect.forEach(
    MemoryLog.sampledDecisions(entries),
    (decision) => Effect.orDie(Schema.encodeEffect(MemoryLog.SampledDecisionJson)(decision))
  )
})

/**
 * `memory export`
 *
 * @category running
 * @since 0.1.0
 */
export const exporting = Command.make(
  "export",
  {
    ...Store.flags,
    out: Flag.String("out").pipe(
      Flag.filter(Store.isSaid, () => "a file"),
      Flag.withDescription("the file to write (default: stdout)"),
      Flag.optional
    ),
    decisions: Flag.Boolean("decisions").pipe(
      Flag.withDescription("only decisions whose samples are recorded, for off-policy evaluation"),
      Flag.withDefault(false)
    )
  },
  Effect.fn(function*({ decisions, out, ...flags }) {
    const { lines, scope } = yield* Store.within(
      flags,
      "read",
      (scope) =>
        Effect.map(decisions ? sampled(scope) : Stream.runCollect(Transfer.exported(scope)), (lines) => ({
          lines,
          scope
        }))
    )
    const entries = decisions ? lines.length : lines.length - 1
    if (Option.isNone(out)) {
      return yield* Output.document({ scope, entries, lines: lines.map((line): unknown => JSON.parse(line)) }, lines)
    }
    yield* Effect.mapError(
      writeWhole(out.value, lines.map((line) => `${line}\n`).join("")),
      (error) => new Store.FileError({ file: out.value, reason: `cannot be written: ${error.message}` })
    )
    yield* Output.document({ scope, entries, out: out.value }, [
      `${out.value}: ${entries} ${
        decisions ? `sampled decision${entries === 1 ? "" : "s"}` : "log entries"
      } of ${scope}`
    ])
  })
).pipe(Command.withDescription("Write the whole log of a scope as JSON lines, including erasures and decisions"))

// An import that the scope cannot take.
const unfit = (file: string, reason: string) => Effect.fail(new Store.FileError({ file, reason }))

// Adds the content of a file to a scope.
type Addition = (
  scope: Scope.Scope
) => Effect.Effect<
  { readonly imported: number; readonly known: number; readonly words: string },
  Store.FileError | MemoryStore.Conflict | MemoryStore.StoreError,
  MemoryStore.MemoryStore
>

// Both read the whole file before they create a store.
const ownExport = (db: string, text: string) =>
  Effect.map(
    Transfer.read(Stream.fromIterable(text.split("\n"))),
    (entries): Addition => (scope) =>
      MemoryStore.MemoryStore.use((store) => store.adopt(scope, entries)).pipe(
        Effect.map(({ revision }) => ({ imported: revision, known: 0, words: `${revision} log entries` })),
        Effect.catchTag("Conflict", ({ current }) =>
          unfit(
            db,
            `${scope} is already at revision ${current}, and an export needs an empty scope: choose ` +
              `another scope, or another file with --db`
          ))
      )
  )

const mem0 = (file: string, text: string, owner: Transfer.Mem0Owner | undefined) =>
  Effect.map(
    Transfer.readMem0(text, owner),
    (memories): Addition => (scope) =>
      Transfer.added(scope, memories).pipe(
        Effect.map(({ imported, known }) => ({
          imported,
          known,
          words: `${Lines.count(imported)}, ${known} already known`
        })),
        Effect.catchTag("InvalidEdit", ({ reason }) => unfit(file, `${reason}; nothing was imported`))
      )
  )

/**
 * `memory import`
 *
 * @category running
 * @since 0.1.0
 */
export const importing = Command.make(
  "import",
  {
    ...Store.flags,
    from: Flag.Literals("from", ["memory-r1", "mem0"]).pipe(
      Flag.withDescription(
        "memory-r1: the output of \"memory export\", into an empty scope; mem0: its JSON, added to the scope"
      ),
      Flag.withDefault("memory-r1" as const)
    ),
    owner: Values.json("owner", Transfer.Mem0Owner).pipe(
      Flag.withDescription(
        `with --from mem0: the owner to import, if the file has several users, agents, apps or runs, such as ` +
          `{"user_id":"ann"}`
      ),
      Flag.optional
    ),
    file: Argument.String("file").pipe(Argument.filter(Store.isSaid, () => "a file"))
  },
  Effect.fn(function*({ file, from, owner, ...flags }) {
    if (from !== "mem0" && Option.isSome(owner)) {
      return yield* new CliError.InvalidValue({
        option: "owner",
        value: JSON.stringify(owner.value),
        expected: "nothing, unless --from is mem0",
        kind: "flag"
      })
    }
    const files = yield* FileSystem.FileSystem
    const text = yield* Effect.mapError(
      files.readFileString(file),
      (error) =>
        new Store.FileError({
          file,
          reason: error.reason._tag === "NotFound" ? "no such file" : `cannot be read: ${error.message}`
        })
    )
    const reading = from === "mem0" ? mem0(file, text, Option.getOrUndefined(owner)) : ownExport(flags.db, text)
    const add = yield* Effect.mapError(
      reading,
      ({ message, owners = [] }) =>
        new Store.FileError({
          file,
          reason: owners.length === 0 ? message : `${message} (choose with --owner '${owners[0]}')`
        })
    )
    const { words, ...result } = yield* Store.within(
      flags,
      "make",
      Effect.fnUntraced(function*(scope, store) {
        const { imported, known, words } = yield* add(scope)
        const { bank, revision } = yield* store.current(scope)
        return { scope, from, imported, known, revision, memories: MemoryBank.size(bank), words }
      })
    )
    yield* Output.document(result, [
      `imported ${words}: ${result.scope} is at revision ${result.revision}, with ${Lines.count(result.memories)}`
    ])
  })
).pipe(Command.withDescription("Import the output of \"memory export\" or mem0: everything or nothing"))
