/**
 * The quickstart as a configuration: what it trains, and what it measures on.
 */
import { TrainConfig } from "@memory-r1/trainer"
import * as Schema from "effect/Schema"
import { registry } from "../registry.ts"
import { completionTokens } from "../shared.ts"

/**
 * Dialogues that are measured on: each seed has its own.
 */
export const heldOutSeed = (seed: number): number => 3_000_000_000 + seed * 1_000

// Dialogues that a seed trains on, beyond those that the nano model was warmed up with; each stage has its own. Events
// in which there is something to learn come more often, and most names are made up, as in the warm start: an agent that
// knows the names by heart unlearns to copy.
const dialoguesPerStage = 10_000
const data = (seed: number) => ({
  dataset: "memory-world",
  firstSeed: 2_000_000_000 + seed * 100_000,
  weights: { new: 0.3, additive: 0.28, replace: 0.13, retract: 0.12, duplicate: 0.1, talk: 0.07 },
  invented: 0.6,
  perFact: 6,
  perSpeaker: 6
})

const grpo = Schema.decodeSync(TrainConfig.GrpoStage)
const ppo = Schema.decodeSync(TrainConfig.PpoStage)

// Advantages are centred, not normalised: dividing by a group's spread blows the small penalties (for a memory more,
// for text that is not an operation) up to the size of a right answer, and the manager ends in NOOP.
const answer = {
  kind: "answer",
  steps: 15,
  groupsPerStep: 32,
  groupSize: 8,
  maxTokens: completionTokens.answerTokens,
  learningRate: { peak: 3e-4, warmup: 5, decayFrom: 0.6, floor: 0.1 }
} as const

const manager = {
  kind: "manager",
  steps: 88,
  groupsPerStep: 16,
  groupSize: 8,
  maxTokens: completionTokens.managerTokens,
  learningRate: { peak: 5e-4, warmup: 5, decayFrom: 0.6, floor: 0.1 }
} as const

// The critic begins knowing nothing, and has a stage of minutes to learn. With lambda 1 an advantage is what was earned
// less what it expected; with 0.95 its early errors taught the manager to delete and add in place of an update.
const critic = { learningRate: { peak: 1e-3, warmup: 2 } } as const
const ppoOptions = { algorithm: "ppo", lambda: 1, critic } as const

/**
 * How much is measured and trained: dialogues of each kind (held-out people and values; and those with held-out
 * phrasings), and a stage for each agent.
 */
export interface Settings {
  readonly heldOutDialogues: number
  readonly stages: Readonly<Record<"answer" | "manager", TrainConfig.ReinforcedStage>>
}

export type Algorithm = "grpo" | "ppo"

/**
 * Rollouts are the same for both: PPO, too, samples eight completions of a prompt, which is computed once for all of
 * them.
 */
export const defaults: Readonly<Record<Algorithm, Settings>> = {
  grpo: {
    heldOutDialogues: 20,
    stages: {
      answer: grpo({ ...answer, advantage: "groupCentred" }),
      manager: grpo({ ...manager, advantage: "groupCentred" })
    }
  },
  ppo: {
    heldOutDialogues: 20,
    stages: { answer: ppo({ ...answer, ...ppoOptions }), manager: ppo({ ...manager, ...ppoOptions }) }
  }
}

/**
 * The order of stages. The paper trains the manager, then the answer agent. `answer-first` trains the answer agent
 * before as well: the manager is rewarded through it, and gains nothing from taking a memory back as long as nobody
 * says "none". See docs/quickstart.md for what both measure. The answer agent gets two stages either way.
 */
export type Order = "answer-first" | "manager-first"
export const defaultOrder: Order = "answer-first"
export const orders: Readonly<
  Record<Order, (stages: Settings["stages"]) => ReadonlyArray<TrainConfig.ReinforcedStage>>
> = {
  "answer-first": ({ answer, manager }) => [answer, manager, answer],
  "manager-first": ({ answer, manager }) => [manager, answer, answer]
}

/**
 * The configuration of a run, such as `memory-r1 train` reads from a file.
 */
export const configOf = ({ algorithm, model, order, seed, settings = defaults[algorithm] }: {
  readonly seed: number
  readonly algorithm: Algorithm
  readonly order: Order
  readonly model: string
  readonly settings?: Settings | undefined
}) =>
  TrainConfig.decode({
    seed,
    model: { directory: model },
    data: data(seed),
    format: "compact",
    ...completionTokens,
    checkpoints: { every: 20, keepLast: 1 },
    validation: { every: 44, dialogues: 2, questions: 24, keep: "last" },
    stages: orders[order](settings.stages).map((stage, index) => ({ ...stage, skip: index * dialoguesPerStage }))
  }, registry)
