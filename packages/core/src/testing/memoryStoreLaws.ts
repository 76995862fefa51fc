import type * as Layer from "effect/Layer"
import type { MemoryStore } from "../MemoryStore.ts"
import { servingLaws } from "./servingLaws.ts"
import { storeCommitLaws } from "./storeCommitLaws.ts"
import { storeErasureLaws } from "./storeErasureLaws.ts"
import { storeLogLaws } from "./storeLogLaws.ts"
import { storeMeaningLaws } from "./storeMeaningLaws.ts"
import { storeSearchLaws } from "./storeSearchLaws.ts"
import { storeWordLaws } from "./storeWordLaws.ts"

/**
 * The laws of a `MemoryStore`, as a vitest suite over a layer.
 *
 * Use it in the test file of every store. The layer is built once for each subject. Every law works in fresh scopes, so
 * the store may hold other things already. A store takes its times from Effect's `Clock`, which is the real one except
 * where a law is about times. The laws: commits are optimistic, the log folds to the bank, no revision is ever lost,
 * `revert` restores and never gives an id twice, `fork` and scopes are independent, `erase` leaves no trace, `history`
 * is in order, `search` takes any text, and concurrent writers lose no update.
 *
 * @example
 * ```typescript
 * import { MemoryStore } from "@memory-r1/core"
 * import { memoryStoreLaws } from "@memory-r1/core/testing"
 *
 * memoryStoreLaws("in memory", MemoryStore.layerInMemory)
 * ```
 *
 * @category laws
 * @since 0.1.0
 */
export const memoryStoreLaws = <E>(name: string, live: Layer.Layer<MemoryStore, E>): void => {
  storeCommitLaws(name, live)
  storeLogLaws(name, live)
  storeErasureLaws(name, live)
  storeSearchLaws(name, live)
  storeWordLaws(name, live)
  storeMeaningLaws(name, live)
  servingLaws(name, live)
}
