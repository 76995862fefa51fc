/**
 * A scope as a file, and back: its whole log as lines of JSON, so that nothing is lost on the way; and what other memory layers export.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { clean, cleanDecision } from "./internal/clean.ts"
import { type Memory, MemoryId } from "./Memory.ts"
import * as MemoryBank from "./MemoryBank.ts"
import * as MemoryLog from "./MemoryLog.ts"
import { MemoryStore } from "./MemoryStore.ts"
import type { Scope } from "./Scope.ts"
import { InvalidEdit, type StoreError } from "./StoreError.ts"

/**
 * Lines that are no export, or not a whole one. Nothing of them was stored.
 */
export class TransferError extends Schema.TaggedError<TransferError>()("TransferError", {
  line: Schema.Int,
  detail: Schema.String
}) {
  override get message(): string {
    return `line ${this.line} of the import: ${this.detail}; nothing was imported`
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
 * The log of a scope, a line each, after a line that says what it is.
 *
 * @example
 * ```ts
 * import { MemoryBank, MemoryStore, Scope, Transfer } from "@memory-r1/core"
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
 */
export const exported = (scope: Scope): Stream.Stream<string, StoreError, MemoryStore> =>
  Stream.unwrap(Effect.gen(function*() {
    const entries = yield* (yield* MemoryStore).log(scope)
    const header = yield* Effect.orDie(Schema.encodeEffect(Header)({ format: "memory-r1", version, scope, entries: entries.length }))
    return Stream.concat(Stream.make(header), Stream.mapEffect(Stream.fromIterable(entries), (entry) => Effect.orDie(Schema.encodeEffect(MemoryLog.EntryJson)(entry))))
  }))

const decoded = <A>(schema: Schema.Codec<A, string>, text: string, line: number): Effect.Effect<A, TransferError> =>
  Effect.mapError(Schema.decodeEffect(schema)(text), (error) => new TransferError({ line, detail: error.message }))

// An entry as a store would have written it: nothing else can be kept by every database, nor erased.
const asWritten = Effect.fnUntraced(function*(entry: MemoryLog.Entry): Effect.fn.Return<MemoryLog.Entry, InvalidEdit> {
  if (entry._tag !== "Committed") return entry
  const { decision, edits } = entry
  if (edits.some((edit) => (edit._tag === "Add" && edit.id === undefined) || (edit._tag === "Supersede" && edit.newId === undefined))) {
    return yield* new InvalidEdit({ reason: "a new memory without an id" })
  }
  return { ...entry, edits: yield* Effect.forEach(edits, clean), ...(decision === undefined ? {} : { decision: yield* cleanDecision(decision) }) }
})

/**
 * Reads what `exported` wrote, into a scope that has no log yet: all of it or nothing.
 */
export const imported = Effect.fn("Transfer.imported")(function*<E, R>(scope: Scope, lines: Stream.Stream<string, E, R>) {
  const [first = "", ...rest] = (yield* Stream.runCollect(lines)).filter((line) => line.trim() !== "")
  const header = yield* decoded(Header, first, 1)
  const fail = (line: number, detail: string) => new TransferError({ line, detail })
  if (header.version > version) return yield* fail(1, `version ${header.version} of the format, this program reads versions up to ${version}: update it`)
  if (rest.length !== header.entries) return yield* fail(rest.length + 2, `${rest.length} entries instead of ${header.entries}: the file was cut off or changed`)
  const entries: Array<MemoryLog.Entry> = []
  for (const [i, line] of rest.entries()) {
    const entry = yield* decoded(MemoryLog.EntryJson, line, i + 2)
    if (entry.revision !== i + 1) return yield* fail(i + 2, `revision ${entry.revision} where ${i + 1} comes next`)
    if (entry._tag === "Reverted" && !(entry.to >= 0 && entry.to <= i)) return yield* fail(i + 2, `a revert to revision ${entry.to}, which was not before it`)
    entries.push(yield* Effect.mapError(asWritten(entry), ({ reason }) => fail(i + 2, reason)))
  }
  return yield* (yield* MemoryStore).adopt(scope, entries)
})

const Mem0Item = Schema.Struct({
  id: Schema.NonEmptyString,
  memory: Schema.String.check(Schema.isPattern(/\S/)),
  user_id: Schema.optionalKey(Schema.NullOr(Schema.String)),
  agent_id: Schema.optionalKey(Schema.NullOr(Schema.String)),
  run_id: Schema.optionalKey(Schema.NullOr(Schema.String)),
  actor_id: Schema.optionalKey(Schema.NullOr(Schema.String)),
  metadata: Schema.optionalKey(Schema.NullOr(Schema.Record(Schema.String, Schema.Unknown))),
  categories: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.String))),
  created_at: Schema.optionalKey(Schema.NullOr(Schema.String)),
  expiration_date: Schema.optionalKey(Schema.NullOr(Schema.String))
})
const Mem0 = Schema.fromJsonString(Schema.Union([
  Schema.Array(Mem0Item),
  Schema.Struct({ results: Schema.Array(Mem0Item) }),
  Schema.Struct({ memories: Schema.Array(Mem0Item) })
]))

const itemsOf = (file: typeof Mem0.Type) => "results" in file ? file.results : "memories" in file ? file.memories : file

/**
 * Reads the JSON that mem0 exports (`getAll`, or an export of its platform): memories under their own ids, with their time, metadata, categories and expiry, as one
 * commit. An id that the scope knows changes nothing, so that an import can be made again. A file of several users, agents or runs has to be read one `owner` at a time.
 */
export const importedFromMem0 = Effect.fn("Transfer.importedFromMem0")(function*(
  scope: Scope,
  json: string,
  owner: { readonly user_id?: string | null; readonly agent_id?: string | null; readonly run_id?: string | null } = {}
) {
  const store = yield* MemoryStore
  const items = itemsOf(yield* decoded(Mem0, json, 1)).filter((item) =>
    (["user_id", "agent_id", "run_id"] as const).every((part) => owner[part] === undefined || (item[part] ?? null) === owner[part]))
  const owners = new Set(items.map(({ agent_id, run_id, user_id }) => JSON.stringify({ user_id, agent_id, run_id })))
  if (owners.size > 1) return yield* new TransferError({ line: 1, detail: `memories of ${owners.size} owners: name one of ${[...owners].slice(0, 3).join(", ")}` })
  const found = items.map(({ actor_id, categories, created_at, expiration_date, id, memory, metadata }) => {
    const expiresAt = Date.parse(expiration_date ?? "")
    const known: Omit<Memory, "id" | "revision" | "supersedes"> = {
      text: memory,
      sources: [`mem0:${id}`],
      ...(typeof actor_id === "string" ? { speaker: actor_id } : {}),
      ...(typeof created_at === "string" ? { observedAt: created_at } : {}),
      ...(metadata || categories ? { metadata: { ...metadata, ...(categories ? { categories } : {}) } } : {}),
      ...(Number.isNaN(expiresAt) ? {} : { expiresAt })
    }
    return { memory: known, id: MemoryId.make(id) }
  })
  const commit = Effect.gen(function*() {
    const { bank, revision } = yield* store.current(scope)
    const seen = new Set<MemoryId>()
    const fresh = found.filter(({ id }) => MemoryBank.history(bank, id).length === 0 && !seen.has(id) && seen.add(id))
    if (fresh.length > 0) yield* store.commit(scope, { base: revision, edits: fresh.map((edit) => MemoryBank.Edit.Add(edit)) })
    return { imported: fresh.length, known: found.length - fresh.length }
  })
  return yield* Effect.retry(commit, { while: (error) => error._tag === "Conflict", times: 8 })
})
