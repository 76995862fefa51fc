/**
 * Data sets, metrics and baselines for agent memory.
 */
export * as Dialogue from "./Dialogue.ts"
export * as Evaluation from "./Evaluation.ts"
export * as EvidenceRecall from "./EvidenceRecall.ts"
export * as Locomo from "./Locomo.ts"
export * as LocomoEpisodes from "./LocomoEpisodes.ts"
export * as Score from "./Score.ts"
