/**
 * A store in one SQLite file.
 *
 * @since 0.1.0
 */
export { sqlite } from "./sqlite.ts"
export * as SqliteStore from "./SqliteStore.ts"
