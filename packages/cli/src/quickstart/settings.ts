/**
 * What the quickstart trains and measures with. Nothing here depends on the seed.
 */
import type { Pipeline, TrainConfig } from "@memory-r1/trainer"
import { completionTokens } from "../shared.ts"

/**
 * What decisions and answers get to see, and how long they may be.
 */
export const limits: Pipeline.Limits = { perFact: 6, perSpeaker: 6, ...completionTokens }

/**
 * Dialogues that are trained on, beyond those that the nano model was warmed up with, and dialogues that are measured on. Each seed
 * has its own of both.
 */
export const trainingSeed = (seed: number): number => 2_000_000_000 + seed * 100_000
export const heldOutSeed = (seed: number): number => 3_000_000_000 + seed * 1_000

/**
 * Events of the dialogues that the manager trains on: those in which there is something to learn come more often.
 */
export const trainingWeights = { new: 0.3, additive: 0.28, replace: 0.13, retract: 0.12, duplicate: 0.1, talk: 0.07 } as const

// Advantages are centred, not normalised: dividing by a group's spread blows the small prices (of a memory more, of text that is no operation)
// up to the size of a right answer, and the manager ends in NOOP.
const answer: TrainConfig.GrpoStage = {
  kind: "answer",
  steps: 30,
  groupsPerStep: 32,
  groupSize: 8,
  maxTokens: completionTokens.answerTokens,
  temperature: 1,
  iterations: 1,
  epsilon: 0.2,
  beta: 0,
  advantage: "groupCentred",
  learningRate: { peak: 3e-4, warmup: 5, decayFrom: 0.6, floor: 0.1 }
}

const manager: TrainConfig.GrpoStage = {
  kind: "manager",
  steps: 92,
  groupsPerStep: 16,
  groupSize: 8,
  maxTokens: completionTokens.managerTokens,
  temperature: 1,
  iterations: 1,
  epsilon: 0.2,
  beta: 0,
  advantage: "groupCentred",
  learningRate: { peak: 5e-4, warmup: 5, decayFrom: 0.6, floor: 0.1 }
}

/**
 * How much is measured and trained: dialogues of each kind (held-out people and values; and those with held-out phrasings), and a
 * stage for each agent.
 */
export interface Settings {
  readonly heldOutDialogues: number
  readonly stages: { readonly answer: TrainConfig.GrpoStage; readonly manager: TrainConfig.GrpoStage }
}

export const defaults: Settings = { heldOutDialogues: 24, stages: { answer, manager } }

/**
 * Which agent is trained first. The paper trains the manager first; see docs/quickstart.md for what both orders measure.
 */
export type Order = "answer-first" | "manager-first"
export const defaultOrder: Order = "answer-first"
