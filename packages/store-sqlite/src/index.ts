/**
 * A store in one SQLite file.
 */
export { sqlite } from "./sqlite.ts"
export * as SqliteStore from "./SqliteStore.ts"
