/**
 * A store in PostgreSQL.
 */
export { createMemory } from "./createMemory.ts"
export * as PostgresStore from "./PostgresStore.ts"
