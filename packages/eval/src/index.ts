/**
 * Data sets, metrics, baselines and reports for agent memory.
 */
export * as Copying from "./Copying.ts"
export * as Demonstrations from "./Demonstrations.ts"
export * as Dialogue from "./Dialogue.ts"
export * as Evaluation from "./Evaluation.ts"
export * as EvidenceRecall from "./EvidenceRecall.ts"
export * as Locomo from "./Locomo.ts"
export * as LocomoEpisodes from "./LocomoEpisodes.ts"
export * as MemoryWorld from "./MemoryWorld.ts"
export * as Oracle from "./Oracle.ts"
export * as QuickstartResult from "./QuickstartResult.ts"
export * as Report from "./Report.ts"
export * as Score from "./Score.ts"
export * as Statistics from "./Statistics.ts"
export * as Teacher from "./Teacher.ts"
export * as WorldEvaluation from "./WorldEvaluation.ts"
