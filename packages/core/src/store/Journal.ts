/**
 * What is behind a store: `MemoryStore.fromJournal` has the rules (conflicts, duplicates, erasure, folding), and a
 * journal keeps and finds. There are two ways to write one. Whoever has a log (a file, S3, Redis) implements `Log`,
 * four functions, and gets the journal by `fromLog`. Whoever has a database that searches implements `Journal` itself.
 *
 * @since 0.1.0
 */
export { fingerprint, folded } from "../internal/fingerprint.ts"
export type { Change, Head, Journal, Log, Ranked, Reader, Row, Vector, Where } from "../internal/journal.ts"
export { fromLog, inMemory } from "../internal/logJournal.ts"
export { failure } from "./StoreError.ts"
