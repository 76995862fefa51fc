/**
 * A store in one SQLite file.
 */
export { createMemory } from "./createMemory.ts"
export * as SqliteStore from "./SqliteStore.ts"
