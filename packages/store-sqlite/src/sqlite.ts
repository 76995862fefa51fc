/**
 * The store as a value, for `createMemory`.
 *
 * @since 0.1.0
 */
import type { MemoryStore } from "@memory-r1/core"
import type * as Layer from "effect/Layer"
import * as SqliteStore from "./SqliteStore.ts"

/**
 * Memories in a file, or in `":memory:"`. It is `SqliteStore.layer`, with the file first.
 *
 * @example
 * ```ts
 * import { createMemory } from "@memory-r1/core"
 * import { sqlite } from "@memory-r1/store-sqlite"
 *
 * await using memory = await createMemory({ store: sqlite("memory.db") })
 * await memory.remember({ speaker: "Ann", text: "My dog is called Buddy." })
 * const { text } = await memory.answer("What is the dog of Ann called?")
 * text // => "Buddy"
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const sqlite = (
  file: string,
  options: Omit<SqliteStore.Options, "file"> = {}
): Layer.Layer<MemoryStore.MemoryStore, MemoryStore.StoreError> => SqliteStore.layer({ ...options, file })
