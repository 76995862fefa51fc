/**
 * Data sets, metrics, baselines and reports for agent memory.
 */
export * as Demonstrations from "./Demonstrations.ts"
export * as Dialogue from "./Dialogue.ts"
export * as MemoryWorld from "./MemoryWorld.ts"
export * as Oracle from "./Oracle.ts"
export * as Teacher from "./Teacher.ts"
