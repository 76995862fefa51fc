/**
 * Exports a scope to JSON lines, with its whole log, so that nothing is lost. Imports such files, and the exports of
 * other memory layers.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { clean, cleanDecision } from "../internal/clean.ts"
import * as Mem0 from "../internal/mem0.ts"
import { MemoryId, type NewMemory } from "../Memory.ts"
import * as MemoryBank from "../MemoryBank.ts"
import * as MemoryLog from "../MemoryLog.ts"
import { MemoryStore } from "../MemoryStore.ts"
import type { Scope } from "../Scope.ts"
import { InvalidEdit, type StoreError } from "./StoreError.ts"

/**
 * Lines that are not a complete export. Nothing was stored. `item` is the position in a list of memories, from 1.
 * `owners` are the owners in a file that has several, each as JSON.
 *
 * @category errors
 * @since 0.1.0
 */
export class TransferError extends Schema.TaggedError<TransferError>()("TransferError", {
  line: Schema.Int,
  item: Schema.optional(Schema.Int),
  owners: Schema.optional(Schema.Array(Schema.String)),
  detail: Schema.String
}) {
  override get message(): string {
    const place = this.item === undefined ? `line ${this.line}` : `item ${this.item}`
    return `${place} of the import: ${this.detail}; nothing was imported`
  }
}

const version = 1
const Header = Schema.fromJsonString(Schema.Struct({
  format: Schema.Literal("memory-r1"),
  version: Schema.Int,
  scope: Schema.String,
  entries: Schema.Int
}))

/**
 * The log of a scope as one line per entry, after a header line.
 *
 * @example
 * ```ts
 * import { MemoryBank, MemoryStore, Scope } from "@memory-r1/core"
 * import { Transfer } from "@memory-r1/core/store"
 * import { Effect, Stream } from "effect"
 *
 * const [ann, copy] = [Scope.make({ user: "ann" }), Scope.make({ user: "ann's copy" })]
 * const program = Effect.gen(function*() {
 *   const store = yield* MemoryStore.MemoryStore
 *   yield* store.commit(ann, { base: 0, edits: [MemoryBank.Edit.Add({ memory: { text: "Ann plays chess" } })] })
 *   const lines = yield* Stream.runCollect(Transfer.exported(ann))
 *   yield* Transfer.imported(copy, Stream.fromIterable(lines))
 *   return (yield* store.list(copy)).map(({ memory }) => memory.text)
 * })
 * await Effect.runPromise(Effect.provide(program, MemoryStore.layerInMemory)) // => ["Ann plays chess"]
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const exported = (scope: Scope): Stream.Stream<string, StoreError, MemoryStore> =>
  Stream.unwrap(Effect.gen(function*() {
    const entries = yield* (yield* MemoryStore).log(scope)
    const header = yield* Effect.orDie(
      Schema.encodeEffect(Header)({ format: "memory-r1", version, scope, entries: entries.length })
    )
    return Stream.concat(
      Stream.make(header),
      Stream.mapEffect(
        Stream.fromIterable(entries),
        (entry) => Effect.orDie(Schema.encodeEffect(MemoryLog.EntryJson)(entry))
      )
    )
  }))

const decoded = <A>(schema: Schema.Codec<A, string>, text: string, line: number): Effect.Effect<A, TransferError> =>
  Effect.mapError(Schema.decodeEffect(schema)(text), (error) => new TransferError({ line, detail: error.message }))

// An entry as a store would have written it. Nothing else can be stored, and erased, in every database.
const asWritten = Effect.fnUntraced(function*(entry: MemoryLog.Entry): Effect.fn.Return<MemoryLog.Entry, InvalidEdit> {
  if (entry._tag !== "Committed") return entry
  const { decision, edits } = entry
  if (
    edits.some((edit) =>
      (edit._tag === "Add" && edit.id === undefined) || (edit._tag === "Supersede" && edit.newId === undefined)
    )
  ) {
    return yield* new InvalidEdit({ reason: "a new memory without an id" })
  }
  return {
    ...entry,
    edits: yield* Effect.forEach(edits, clean),
    ...(decision === undefined ? {} : { decision: yield* cleanDecision(decision) })
  }
})

/**
 * The entries of an export by `exported`. Fails with a `TransferError` if they are not complete.
 *
 * @category running
 * @since 0.1.0
 */
export const read = Effect.fn("Transfer.read")(function*<E, R>(lines: Stream.Stream<string, E, R>) {
  const [first = "", ...rest] = (yield* Stream.runCollect(lines)).filter((line) => line.trim() !== "")
  const header = yield* decoded(Header, first, 1)
  const fail = (line: number, detail: string) => new TransferError({ line, detail })
  if (header.version > version) {
    return yield* fail(
      1,
      `format version ${header.version} is newer than this program, which reads up to ${version}: update it`
    )
  }
  if (rest.length !== header.entries) {
    return yield* fail(
      rest.length + 2,
      `${rest.length} entries instead of ${header.entries}: the file was cut off or changed`
    )
  }
  if (rest.length === 0) return yield* fail(1, `the export of ${header.scope} is empty`)
  const entries: Array<MemoryLog.Entry> = []
  for (const [i, line] of rest.entries()) {
    const entry = yield* decoded(MemoryLog.EntryJson, line, i + 2)
    if (entry.revision !== i + 1) return yield* fail(i + 2, `revision ${entry.revision}, where ${i + 1} comes next`)
    if (entry._tag === "Reverted" && !(entry.to >= 0 && entry.to <= i)) {
      return yield* fail(i + 2, `a revert to revision ${entry.to}, which is not earlier`)
    }
    entries.push(yield* Effect.mapError(asWritten(entry), ({ reason }) => fail(i + 2, reason)))
  }
  return entries
})

/**
 * Imports an export by `exported` into a scope without a log: everything or nothing. An export without entries fails.
 *
 * @category running
 * @since 0.1.0
 */
export const imported = Effect.fn("Transfer.imported")(function*<E, R>(
  scope: Scope,
  lines: Stream.Stream<string, E, R>
) {
  const entries = yield* read(lines)
  return yield* (yield* MemoryStore).adopt(scope, entries)
})

/**
 * The owner of memories in a mem0 export: `user_id`, `agent_id`, `app_id` and `run_id`, or mem0's TypeScript spelling
 * (`userId`). A null part means that the memory does not have this part.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Mem0Owner = Mem0.OwnerInput

/**
 * The type of `Mem0Owner`.
 *
 * @category models
 * @since 0.1.0
 */
export type Mem0Owner = typeof Mem0Owner.Type

/**
 * A memory of another memory layer, with its id there.
 *
 * @category models
 * @since 0.1.0
 */
export interface Foreign {
  readonly id: MemoryId
  readonly memory: NewMemory
}

const shown = (texts: ReadonlyArray<string>): string =>
  `${texts.slice(0, 3).join(", ")}${texts.length > 3 ? ", …" : ""}`

/**
 * The memories of one owner in a JSON export of mem0 (`getAll`, or an export of its platform), from Python or
 * TypeScript, with their ids, times, metadata, categories and expiry. `observedAt` is the time of creation; the time of
 * a later update is `updated_at` in the metadata.
 *
 * Fails with a `TransferError` for memories of several owners, for a file without memories, and for a time that cannot
 * be read: a memory that loses its expiry would be kept forever.
 *
 * @example
 * ```ts
 * import { Transfer } from "@memory-r1/core/store"
 * import { Effect } from "effect"
 *
 * const results = [
 *   { id: "a1", memory: "Lives in Oslo", userId: "ann" },
 *   { id: "b1", memory: "Lives in Lima", userId: "bob" }
 * ]
 * const json = JSON.stringify({ results })
 * const memories = await Effect.runPromise(Transfer.readMem0(json, { user_id: "ann" }))
 * memories.map(({ memory }) => memory.text) // => ["Lives in Oslo"]
 * const error = await Effect.runPromise(Effect.flip(Transfer.readMem0(json)))
 * error.owners // => ['{"user_id":"ann"}', '{"user_id":"bob"}']
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const readMem0 = Effect.fn("Transfer.readMem0")(function*(
  json: string,
  owner: Mem0Owner = {}
): Effect.fn.Return<ReadonlyArray<Foreign>, TransferError> {
  const fail = (
    detail: string,
    more: { readonly item?: number | undefined; readonly owners?: ReadonlyArray<string> | undefined } = {}
  ) => new TransferError({ line: 1, detail, ...more })
  const wanted = yield* Effect.fromResult(Result.mapError(Mem0.owner(owner), (detail) => fail(`the owner: ${detail}`)))
  const list = Mem0.list(yield* decoded(Schema.fromJsonString(Schema.Unknown), json, 1))
  if (list === undefined) return yield* fail("Expected a list of memories, alone or as \"results\" or \"memories\"")
  const items = yield* Effect.forEach(
    list.items,
    (given, i) =>
      Effect.fromResult(Result.mapError(Mem0.item(given), ({ path, reason }) => {
        const place = [...list.path, i, ...path].map((key) => `[${JSON.stringify(key)}]`).join("")
        return fail(`${place}: ${reason}`, { item: i + 1 })
      }))
  )
  if (items.length === 0) return yield* fail("the file has no memories")
  const found = items.filter(Mem0.isOf(wanted))
  if (found.length === 0) {
    const there = Mem0.owners(items)
    return yield* fail(`no memories of ${JSON.stringify(wanted)}, only of ${shown(there)}`, { owners: there })
  }
  const owners = Mem0.owners(found)
  if (owners.length > 1) {
    return yield* fail(`memories of ${owners.length} owners: choose one of ${shown(owners)}`, { owners })
  }
  return found.map((item): Foreign => ({ id: MemoryId.make(item.id), memory: Mem0.known(item) }))
})

/**
 * Adds memories of another layer with their own ids, in one commit. You can repeat an import: memories imported before
 * change nothing. If several memories have one id, the first is used. Fails with `InvalidEdit` if the scope has a
 * different memory with such an id.
 *
 * @category running
 * @since 0.1.0
 */
export const added = Effect.fn("Transfer.added")(function*(scope: Scope, memories: ReadonlyArray<Foreign>) {
  const store = yield* MemoryStore
  const commit = Effect.gen(function*() {
    const { bank, revision } = yield* store.current(scope)
    const fresh = new Map<MemoryId, Foreign>()
    for (const foreign of memories) {
      const versions = MemoryBank.history(bank, foreign.id)
      const isSame = versions.some(({ sources }) => foreign.memory.sources?.some((source) => sources.includes(source)))
      if (versions.length > 0 && !isSame) {
        return yield* new InvalidEdit({ reason: `${scope} has another memory with the id ${foreign.id}` })
      }
      if (versions.length === 0 && !fresh.has(foreign.id)) fresh.set(foreign.id, foreign)
    }
    if (fresh.size > 0) {
      yield* store.commit(scope, {
        base: revision,
        edits: [...fresh.values()].map((edit) => MemoryBank.Edit.Add(edit))
      })
    }
    return { imported: fresh.size, known: memories.length - fresh.size }
  })
  return yield* Effect.retry(commit, { while: (error) => error._tag === "Conflict", times: 8 })
})

/**
 * Imports a mem0 export into a scope: `readMem0`, then `added`.
 *
 * @category running
 * @since 0.1.0
 */
export const importedFromMem0 = Effect.fn("Transfer.importedFromMem0")(function*(
  scope: Scope,
  json: string,
  owner: Mem0Owner = {}
) {
  return yield* added(scope, yield* readMem0(json, owner))
})
