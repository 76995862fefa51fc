/**
 * The Memory World: synthetic dialogues from a seed, the truth about every turn, and what is learned from them.
 */
export * as Copying from "./Copying.ts"
export * as Demonstrations from "./Demonstrations.ts"
export * as MemoryWorld from "./MemoryWorld.ts"
export * as Oracle from "./Oracle.ts"
export * as QuickstartResult from "./QuickstartResult.ts"
export * as Teacher from "./Teacher.ts"
export * as WorldEvaluation from "./WorldEvaluation.ts"
