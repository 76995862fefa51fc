/**
 * The store as a value, for `createMemory`.
 *
 * @since 0.1.0
 */
import type { MemoryStore } from "@memory-r1/core"
import type * as Layer from "effect/Layer"
import * as PostgresStore from "./PostgresStore.ts"

/**
 * Memories in a database. It is `PostgresStore.layer`.
 *
 * @example
 * ```typescript
 * import { createMemory } from "@memory-r1/core"
 * import { postgres } from "@memory-r1/store-postgres"
 *
 * const store = postgres({ url: "postgresql://memory:secret@localhost/memory" })
 * await using memory = await createMemory({ store, scope: { user: "ann" } })
 * await memory.remember({ speaker: "Ann", text: "My dog is called Buddy." })
 * const { text } = await memory.answer("What is the dog of Ann called?")
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const postgres = (
  options: PostgresStore.Options & PostgresStore.Connection
): Layer.Layer<MemoryStore.MemoryStore, MemoryStore.StoreError> => PostgresStore.layer(options)
