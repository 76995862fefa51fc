/**
 * A store in PostgreSQL.
 */
export { postgres } from "./postgres.ts"
export * as PostgresStore from "./PostgresStore.ts"
