/**
 * Laws: what every implementation of a core service has to obey, as vitest suites. A third party's test file is five
 * lines. They need `vitest` and `@effect/vitest` beside `effect`.
 */
export { environmentLaws, type EnvironmentLawsOptions, lawsOfEnvironment } from "./testing/environmentLaws.ts"
export { journalLaws } from "./testing/journalLaws.ts"
export type { Law } from "./testing/law.ts"
export { lawsOfLearner, learnerLaws } from "./testing/learnerLaws.ts"
export type { LearnerLawsOptions } from "./testing/learnerSupport.ts"
export { memoryStoreLaws } from "./testing/memoryStoreLaws.ts"
export { samplerLaws, type SamplerLawsOptions } from "./testing/samplerLaws.ts"
export { servingLaws } from "./testing/servingLaws.ts"
export { journalVectorLaws } from "./testing/storeMeaningLaws.ts"
