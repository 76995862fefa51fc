/**
 * Banks that last: a log of commits per scope is the source of truth, the bank is its fold.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Scope } from "effect/Scope"
import type { Journal } from "./internal/journal.ts"
import { journalStore } from "./internal/journalStore.ts"
import { inMemory } from "./internal/logJournal.ts"
import { MemoryStore } from "./internal/storeService.ts"
import { Ranking } from "./Ranking.ts"

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
 * The layer of a store over a journal, which ranks as the `Ranking` that is provided to it says.
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
      return journalStore(yield* journal, yield* Ranking)
    })
  )

/**
 * A store that lives as long as the process.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerInMemory: Layer.Layer<MemoryStore> = layerJournal(Effect.sync(inMemory))
