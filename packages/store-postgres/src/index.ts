/**
 * A store in PostgreSQL.
 *
 * @since 0.1.0
 */
export { postgres } from "./postgres.ts"
export * as PostgresStore from "./PostgresStore.ts"
