/**
 * Banks that last: a log of commits per scope is the source of truth, the bank is its fold.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { Scope } from "effect/Scope"
import type { Journal } from "./internal/journal.ts"
import { journalStore } from "./internal/journalStore.ts"
import { inMemory } from "./internal/logJournal.ts"
import { MemoryStore } from "./internal/storeService.ts"
import { Retriever } from "./Retriever.ts"

export * from "./internal/storeService.ts"
export { Conflict, InvalidEdit, StoreError, UnknownMemory, UnknownRevision, VectorError } from "./store/StoreError.ts"

/**
 * The store over a journal: how third parties bring a database.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromJournal = journalStore

/**
 * The layer of a store over a journal. It searches with the `Retriever` that is provided to it, by words where none is.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerJournal = <E, R>(
  journal: Effect.Effect<Journal, E, R>
): Layer.Layer<MemoryStore, E, Exclude<R, Scope>> =>
  Layer.effect(
    MemoryStore,
    Effect.gen(function*() {
      const retriever = yield* Effect.serviceOption(Retriever)
      return journalStore(yield* journal, Option.getOrUndefined(retriever))
    })
  )

/**
 * A store that lives as long as the process.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerInMemory: Layer.Layer<MemoryStore> = layerJournal(Effect.sync(inMemory))
