// The port of a store: what a database does, and what a log does. `Journal` exports it.
import type * as Effect from "effect/Effect"
import type * as Filter from "../Filter.ts"
import type { Memory, MemoryId } from "../Memory.ts"
import type { Entry } from "../MemoryLog.ts"
import type { Scope } from "../Scope.ts"
import type { StoreError } from "../store/StoreError.ts"

/**
 * The last entry of a scope's log: its revision and time, 0 and 0 before the first; how many ids were given.
 *
 * @category models
 * @since 0.1.0
 */
export interface Head {
  readonly revision: number
  readonly at: number
  readonly created: number
}

/**
 * A memory as it stands. `order` is its place among those of the scope, by their creation; `at` when it became what it
 * is; `deleted` for a tombstone, which is neither searched nor a duplicate of anything.
 *
 * @category models
 * @since 0.1.0
 */
export interface Row {
  readonly memory: Memory
  readonly order: number
  readonly at: number
  readonly deleted: boolean
}

/**
 * Which rows. `speaker: null` means those without one. Only rows that changed at `since` or later; only those that have
 * not expired at `unexpiredAt`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Where {
  readonly speaker?: string | null | undefined
  readonly filter?: Filter.Filter | undefined
  readonly since?: number | undefined
  readonly unexpiredAt?: number | undefined
}

/**
 * A memory with its score, larger is better.
 *
 * @category models
 * @since 0.1.0
 */
export interface Ranked {
  readonly id: MemoryId
  readonly score: number
}

/**
 * A scope in one moment: all that a reader gives belongs together.
 *
 * - `entries`: the log, from after revision `after` to `upTo`.
 * - `rows`: those of the ids that there are, in any order; tombstones too.
 * - `list`: in the order of creation, or from the newest; those after (before) the place `beyond`; tombstones only
 *   where asked for.
 * - `speakers`: of live rows, `null` where some have none.
 * - `alike`: live rows with one of the fingerprints (`fingerprint`), unexpired at a time.
 * - `lexical`: live rows that share a term with the text, by BM25 (`Bm25`), statistics being those of the scope.
 * - `dense`: live rows with a vector, by its cosine with the given one.
 * - `unembedded`: live rows that have no vector, oldest first.
 *
 * @category models
 * @since 0.1.0
 */
export interface Reader<E = StoreError> {
  readonly head: Effect.Effect<Head, E>
  readonly entries: (
    range?: { readonly after?: number | undefined; readonly upTo?: number | undefined }
  ) => Effect.Effect<ReadonlyArray<Entry>, E>
  readonly rows: (ids: ReadonlyArray<MemoryId>) => Effect.Effect<ReadonlyArray<Row>, E>
  readonly list: (
    query: {
      readonly where: Where
      readonly limit: number
      readonly newestFirst?: boolean | undefined
      readonly beyond?: number | undefined
      readonly tombstones?: boolean | undefined
    }
  ) => Effect.Effect<ReadonlyArray<Row>, E>
  readonly speakers: Effect.Effect<ReadonlyArray<string | null>, E>
  readonly alike: (
    fingerprints: ReadonlyArray<number>,
    unexpiredAt: number
  ) => Effect.Effect<ReadonlyArray<Row>, E>
  readonly lexical: (
    query: { readonly text: string; readonly limit: number; readonly where: Where }
  ) => Effect.Effect<ReadonlyArray<Ranked>, E>
  readonly dense: (
    query: { readonly vector: Float32Array; readonly limit: number; readonly where: Where }
  ) => Effect.Effect<ReadonlyArray<Ranked>, E>
  readonly unembedded: (limit: number) => Effect.Effect<ReadonlyArray<Row>, E>
}

/**
 * What a write changes, all of it or nothing: entries that are new, and those that stand in the place of others of the
 * same revision; rows that are new or different, by their id; rows that are gone for good. `created` is the number of
 * ids given after it. A row whose text is different has no vector any more.
 *
 * @category models
 * @since 0.1.0
 */
export interface Change {
  readonly append: ReadonlyArray<Entry>
  readonly created: number
  readonly put?: ReadonlyArray<Row> | undefined
  readonly replace?: ReadonlyArray<Entry> | undefined
  readonly drop?: ReadonlyArray<MemoryId> | undefined
}

/**
 * A vector for a memory as it was at one of its revisions.
 *
 * @category models
 * @since 0.1.0
 */
export interface Vector {
  readonly id: MemoryId
  readonly text: string
  readonly vector: Float32Array
}

/**
 * The port of a database: it keeps the log, and finds rows by words, vectors and conditions itself. Whoever has only a
 * log writes the smaller port, `Log`.
 *
 * - `name`: for messages, such as the path of the file. No secret stands in it.
 * - `read`: what a body reads belongs to one moment.
 * - `write`: nobody else writes to the scope while the body decides; its change is then written whole, and is there
 *   after a loss of power once the effect has succeeded. A body that fails, or says `undefined`, changes nothing.
 * - `purge`: called after an erasure. Afterwards no byte of what was removed is in the files.
 * - `embed`: vectors for live rows that still have that text. `probe` is the vector that the model gave for a text that
 *   is always the same.
 * - `probe`: the one that is kept with the vectors, if there are any; `forgetVectors`: removes all vectors, of all
 *   scopes, and the probe.
 *
 * @category models
 * @since 0.1.0
 */
export interface Journal {
  readonly name: string
  readonly read: <A, E, R>(
    scope: Scope,
    body: (reader: Reader) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | StoreError, R>
  readonly write: <A, E, R>(
    scope: Scope,
    body: (reader: Reader) => Effect.Effect<{ readonly change?: Change | undefined; readonly value: A }, E, R>
  ) => Effect.Effect<A, E | StoreError, R>
  readonly purge: Effect.Effect<void, StoreError>
  readonly probe: Effect.Effect<Float32Array | undefined, StoreError>
  readonly embed: (scope: Scope, vectors: ReadonlyArray<Vector>, probe: Float32Array) => Effect.Effect<void, StoreError>
  readonly forgetVectors: Effect.Effect<void, StoreError>
}

/**
 * The port of a log, such as a file, a list of Redis or objects of S3: it keeps entries, and `fromLog` has the rest.
 * Entries of a scope are numbered 1, 2, 3 and so on by their `revision`.
 *
 * - `name`: for messages, such as the path of the file. No secret stands in it.
 * - `read`: the entries after a revision, in their order. It is asked before every read and write, since another
 *   process may have appended; where nothing has changed it should take no time.
 * - `append`: all of the entries or none, on the disk once the effect has succeeded. `false`, and nothing written,
 *   where the log does not end right before the first of them: somebody else was faster.
 * - `rewrite`: after an erasure these entries are the whole log, and nothing of the old one may come back. Only the
 *   last of them is new: `false`, and nothing written, where the log does not end right before it.
 * - `purge`: called after an erasure, where `rewrite` leaves bytes of what was removed: old versions, backups.
 *
 * What an effect fails with becomes a `StoreError`, with the message as its detail.
 *
 * @category models
 * @since 0.1.0
 */
export interface Log {
  readonly name: string
  readonly read: (scope: Scope, after: number) => Effect.Effect<ReadonlyArray<Entry>, unknown>
  readonly append: (scope: Scope, entries: ReadonlyArray<Entry>) => Effect.Effect<boolean, unknown>
  readonly rewrite: (scope: Scope, entries: ReadonlyArray<Entry>) => Effect.Effect<boolean, unknown>
  readonly purge?: Effect.Effect<void, unknown> | undefined
}
