// The service of a store, apart from what makes one. `MemoryStore` exports it.
import type { AiError } from "effect/ai"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { Memory, MemoryId } from "../Memory.ts"
import type * as MemoryBank from "../MemoryBank.ts"
import type * as MemoryLog from "../MemoryLog.ts"
import type { Scope } from "../Scope.ts"
import type {
  Conflict,
  InvalidEdit,
  StoreError,
  UnknownMemory,
  UnknownRevision,
  VectorError
} from "../store/StoreError.ts"
import type { Among, Hit, Query, RetrieverError } from "./retrieval.ts"

export type { Among, Hit, Query } from "./retrieval.ts"

/**
 * A bank with the number of log entries that made it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Versioned {
  readonly revision: number
  readonly bank: MemoryBank.MemoryBank
}

/**
 * Edits that were computed against revision `base`, and who decided on them.
 *
 * @category models
 * @since 0.1.0
 */
export interface Commit {
  readonly base: number
  readonly edits: ReadonlyArray<MemoryBank.Edit>
  readonly decision?: MemoryLog.DecisionRecord | undefined
}

/**
 * What a commit became: its revision, and the edits as they stand in the log, with the ids that they were given. An ADD
 * of what is there already is a `Noop` there.
 *
 * @category models
 * @since 0.1.0
 */
export interface Committed {
  readonly revision: number
  readonly edits: ReadonlyArray<MemoryBank.Edit>
}

/**
 * What was found, the best first, and the revision that it was found at, which a decision on it is to be committed
 * against.
 *
 * @category models
 * @since 0.1.0
 */
export interface Found {
  readonly revision: number
  readonly memories: ReadonlyArray<Hit>
}

/**
 * One memory of a list; `deletedAt` for a tombstone. The `order` of the last one is where the next page begins.
 *
 * @category models
 * @since 0.1.0
 */
export interface Listed {
  readonly memory: Memory
  readonly order: number
  readonly changedAt: number
  readonly deletedAt?: number | undefined
}

/**
 * The store.
 *
 * - `current`, `asOf`: the bank now, or as it was at a revision or time.
 * - `commit`: applies edits that were computed against revision `base` (optimistic concurrency). In texts, NUL and
 *   halves of surrogate pairs become U+FFFD; metadata are JSON.
 * - `log`, `history`: every entry; every version of one memory, in the order of time (one that a revert brought back
 *   comes again).
 * - `revert`: a new revision whose bank is that of an earlier one. The log keeps what was undone.
 * - `adopt`: gives a whole log to a scope that has none yet. `fork`: that of another scope.
 * - `erase`: removes memories and every trace of their texts, from the log too. What is left is that an erasure
 *   happened.
 * - `search`: what the `Retriever` finds that is provided to the layer of the store; BM25 where none is. Where its
 *   embedding model or reranker cannot be reached, a warning is logged and the ranking is done without it.
 * - `list`: memories in the order of creation, those `after` a place; tombstones where they are asked for.
 * - `embed`: gives vectors to all memories that have none; `search` does it as it goes. `reembed`: throws away all
 *   vectors of the store first, of all scopes, as a new embedding model needs it.
 *
 * @category services
 * @since 0.1.0
 */
export class MemoryStore extends Context.Service<MemoryStore, {
  readonly current: (scope: Scope) => Effect.Effect<Versioned, StoreError>
  readonly asOf: (scope: Scope, moment: number | Date) => Effect.Effect<Versioned, UnknownRevision | StoreError>
  readonly commit: (scope: Scope, commit: Commit) => Effect.Effect<Committed, Conflict | InvalidEdit | StoreError>
  readonly log: (scope: Scope) => Effect.Effect<ReadonlyArray<MemoryLog.Entry>, StoreError>
  readonly history: (scope: Scope, id: MemoryId) => Effect.Effect<ReadonlyArray<Memory>, StoreError>
  readonly revert: (scope: Scope, moment: number | Date) => Effect.Effect<Versioned, UnknownRevision | StoreError>
  readonly adopt: (
    scope: Scope,
    entries: ReadonlyArray<MemoryLog.Entry>
  ) => Effect.Effect<Versioned, Conflict | StoreError>
  readonly fork: (from: Scope, to: Scope) => Effect.Effect<Versioned, Conflict | StoreError>
  readonly erase: (
    scope: Scope,
    ids: MemoryId | ReadonlyArray<MemoryId>
  ) => Effect.Effect<{ readonly revision: number }, UnknownMemory | StoreError>
  readonly search: (scope: Scope, query: Query) => Effect.Effect<Found, RetrieverError | StoreError | VectorError>
  readonly list: (
    scope: Scope,
    query?: Among & {
      readonly limit?: number | undefined
      readonly after?: number | undefined
      readonly tombstones?: boolean | undefined
    }
  ) => Effect.Effect<ReadonlyArray<Listed>, StoreError>
  readonly embed: (
    scope: Scope
  ) => Effect.Effect<{ readonly embedded: number }, StoreError | VectorError | AiError.AiError>
  readonly reembed: (
    scope: Scope
  ) => Effect.Effect<{ readonly embedded: number }, StoreError | VectorError | AiError.AiError>
}>()("@memory-r1/core/MemoryStore") {}
