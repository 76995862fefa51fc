/**
 * Laws: what every implementation of a core service has to obey, as vitest suites. A third party's test file is five lines.
 * They need `vitest` and `@effect/vitest` beside `effect`.
 */
export { learnerLaws, type LearnerLawsOptions } from "./testing/learnerLaws.ts"
export { memoryStoreLaws } from "./testing/memoryStoreLaws.ts"
export { journalVectorLaws } from "./testing/storeSearchLaws.ts"
export { samplerLaws, type SamplerLawsOptions } from "./testing/samplerLaws.ts"
