/**
 * The stages of a run: a supervised warm start, and reinforcement learning of one agent while the other is frozen.
 */
import { AnswerAgent, MemoryManager } from "@memory-r1/core"
import type { Retriever } from "@memory-r1/core"
import { AnswerFormat, type Episode, Learner, ManagerFormat, Objective, Reward } from "@memory-r1/core/rl"
import type { Judge, Sampler } from "@memory-r1/core/rl"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Advantage from "./Advantage.ts"
import * as AnswerEnvironment from "./AnswerEnvironment.ts"
import * as Cursor from "./Cursor.ts"
import type { Environment } from "./Environment.ts"
import * as Grpo from "./Grpo.ts"
import * as ManagerEnvironment from "./ManagerEnvironment.ts"
import * as Ppo from "./Ppo.ts"
import type * as RunLog from "./RunLog.ts"
import * as SessionEnvironment from "./SessionEnvironment.ts"
import * as Sft from "./Sft.ts"
import type * as Stage from "./Stage.ts"
import type * as TrainConfig from "./TrainConfig.ts"

/**
 * The two agents, a learner each, and the model that both began with, frozen: what the KL term of a stage with `beta`
 * holds on to. `critics` are the learners of values for PPO, where they are no heads on the agents' own networks.
 */
export interface Agents {
  readonly manager: Learner.Service
  readonly answer: Learner.Service
  readonly reference: Sampler.Service
  readonly critics?: Readonly<Partial<Record<"manager" | "answer", Learner.Service>>> | undefined
}

/**
 * Dialogues of this many sessions, and this many decisions on one turn.
 */
export interface DemonstrationOptions {
  readonly sessions?: number | undefined
  readonly samples?: number | undefined
}

/**
 * Dialogues of at most this many sessions.
 */
export interface EpisodeOptions {
  readonly sessions?: number | undefined
}

/**
 * Where training data come from, by number.
 *
 * - `episodes`: for single decisions, for whole sessions, and for answers.
 * - `play`: how many dialogues the Answer Agent's banks are made of at a time, where there are only so many.
 * - `validation`: so many dialogues that are not trained on.
 * - `repeats`, `lookUps`, `additions`: exercises in copying, for models from scratch.
 */
export interface Sources {
  readonly episodes: Readonly<
    Record<"decision" | "session" | "answer", (options: EpisodeOptions) => (index: number) => Episode.Episode>
  >
  readonly play?: number | undefined
  readonly validation: (dialogues: number) => ReadonlyArray<Episode.Episode>
  readonly managerDemonstrations: (index: number, options: DemonstrationOptions) => ReadonlyArray<Episode.Demonstration>
  readonly answerDemonstrations: (index: number, options: DemonstrationOptions) => ReadonlyArray<Episode.Demonstration>
  readonly repeats: (index: number) => ReadonlyArray<Episode.Demonstration>
  readonly lookUps: (index: number) => ReadonlyArray<Episode.Demonstration>
  readonly additions: (index: number) => ReadonlyArray<Episode.Demonstration>
}

/**
 * What decisions and answers get to see, in which format they are asked for and written, and how long those of a frozen
 * agent may be.
 */
export interface Limits {
  readonly format: "compact" | "paper"
  readonly perFact: number
  readonly perSpeaker: number
  readonly managerTokens: number
  readonly answerTokens: number
}

/**
 * A manager and an answer agent over samplers, greedy, in the formats that are trained on.
 */
export const managerOf = (
  { sampler }: Learner.Service,
  { format, managerTokens }: Pick<Limits, "format" | "managerTokens">
): MemoryManager.MemoryManager["Service"] =>
  MemoryManager.fromSampler(sampler, { format: ManagerFormat[format], maxTokens: managerTokens })
export const answerAgentOf = (
  { sampler }: Learner.Service,
  { answerTokens, format }: Pick<Limits, "format" | "answerTokens">
): AnswerAgent.AnswerAgent["Service"] =>
  AnswerAgent.fromSampler(sampler, { format: AnswerFormat[format], maxTokens: answerTokens })

const Dealt = Schema.Struct({ made: Schema.Int, at: Schema.Int })

// Deals out what `make` makes of 0, 1, 2, …, one by one, and makes more when that is used up. It asks once: where
// nothing is made, nothing is dealt, and who asks decides how long to go on.
const dealer = <A>(make: (index: number) => ReadonlyArray<A>) => {
  let known: ReadonlyArray<A> = []
  let [at, made] = [0, 0]
  return {
    deal: (): ReadonlyArray<A> => {
      if (at >= known.length) [known, at] = [make(made++), 0]
      return known.slice(at, ++at)
    },
    save: (): typeof Dealt.Type => ({ made, at }),
    restore: (saved: typeof Dealt.Type): void => {
      ;[made, at] = [saved.made, saved.at]
      known = made === 0 ? [] : make(made - 1)
    }
  }
}

const Mixed = Schema.Struct({ index: Schema.Int, decision: Dealt, answer: Dealt })

/**
 * Demonstrations of both kinds, dealt out one by one in a fixed order so that `managerShare` of them are decisions.
 */
export const mixed = (
  { answerDemonstrations, managerDemonstrations }: Pick<Sources, "answerDemonstrations" | "managerDemonstrations">,
  { managerShare, ...options }: DemonstrationOptions & { readonly managerShare: number }
): Sft.Source => {
  const decision = dealer((index) => managerDemonstrations(index, options))
  const answer = dealer((index) => answerDemonstrations(index, options))
  let index = 0
  return {
    deal: () => {
      const isDecision = Math.floor((index + 1) * managerShare) > Math.floor(index * managerShare)
      index++
      return isDecision ? decision.deal() : answer.deal()
    },
    cursor: Cursor.make(Mixed, {
      save: () => ({ index, decision: decision.save(), answer: answer.save() }),
      restore: (saved) => {
        index = saved.index
        decision.restore(saved.decision)
        answer.restore(saved.answer)
      }
    })
  }
}

/**
 * How a stage continues, what it is called in the log, and whom its rewards ask.
 */
export interface StageOptions extends Pick<Stage.Steps, "from" | "onStep"> {
  readonly stage?: string | undefined
  readonly judge?: Judge.Judge["Service"] | undefined
}

/**
 * What a supervised stage imitates.
 */
export const demonstrationsOf = (
  { data, managerShare, samples, sessions }: typeof TrainConfig.SftStage.Type,
  sources: Sources
): Sft.Source =>
  data === "teacher"
    ? mixed(sources, { managerShare, samples, sessions })
    : Sft.counted(sources[data])

/**
 * Runs a supervised stage on one learner.
 */
export const supervised = Effect.fn("Pipeline.supervised")(function*(
  learner: Learner.Service,
  stage: typeof TrainConfig.SftStage.Type,
  sources: Sources,
  { judge: _, ...options }: StageOptions = {}
) {
  const { beta2, groupsPerStep, learningRate, promptLoss, steps, weightDecay } = stage
  yield* Sft.run({
    ...options,
    demonstrations: demonstrationsOf(stage, sources),
    promptLoss,
    steps,
    groupsPerStep,
    schedule: learningRate,
    weightDecay,
    beta2
  }).pipe(Effect.provideService(Learner.Learner, learner))
})

/**
 * The rewards of a configuration, as functions: of one answer, of what a decision led to, and of the Answer Agent's.
 */
export const rewardsOf = ({ answer, format, growth, memorySize, rejected }: TrainConfig.Rewards) => {
  const answers: Readonly<Record<typeof answer, Reward.Reward<Reward.JudgedOutcome>>> = {
    exactMatch: Reward.exactMatch,
    exactMatchElseF1: Reward.firstNonZero([Reward.exactMatch, Reward.setF1]),
    f1: Reward.setF1,
    f1TimesJudge: Reward.product<Reward.JudgedOutcome>([Reward.setF1, Reward.judge]),
    judge: Reward.judge
  }
  const ofAnswer = answers[answer]
  const ofManager = Reward.weightedSum<ManagerEnvironment.ManagerOutcome>([
    [ManagerEnvironment.answersRight, 1],
    [ManagerEnvironment.growth, growth],
    [ManagerEnvironment.rejected, rejected],
    ...(memorySize === undefined ? [] : [[ManagerEnvironment.memorySize(memorySize), memorySize.weight] as const])
  ])
  const ofAnswerAgent: Reward.Reward<AnswerEnvironment.AnswerOutcome> = format === 0
    ? ofAnswer
    : Reward.weightedSum<AnswerEnvironment.AnswerOutcome>([[ofAnswer, 1], [AnswerEnvironment.format, format]])
  return { ofAnswer, ofManager, ofAnswerAgent }
}

const objectiveOf = (
  { epsilon, epsilonHigh, maxTokens, objective }: Pick<
    TrainConfig.GrpoStage,
    "epsilon" | "epsilonHigh" | "maxTokens" | "objective"
  >
): Objective.Objective => {
  const range = { epsilon, epsilonHigh }
  switch (objective) {
    case "drGrpo":
      return Objective.drGrpo({ ...range, length: maxTokens })
    case "cispo":
      return Objective.cispo(epsilonHigh === undefined ? {} : { ceiling: 1 + epsilonHigh })
    case "reinforce":
      return Objective.reinforce
    default:
      return Objective[objective](range)
  }
}

// Trains an agent in its environment, by the algorithm of the stage.
const trained = Effect.fnUntraced(function*<Task, E>(
  environment: Environment<Task, E>,
  agents: Agents,
  stage: TrainConfig.ReinforcedStage,
  { judge: _, ...going }: StageOptions
) {
  const { beta, kind, kl, learningRate: schedule, ...options } = stage
  const own = agents.critics?.[kind]
  const held = { ...going, ...(beta === 0 ? {} : { kl: { ...kl, beta, reference: agents.reference } }) }
  const run = options.algorithm === "grpo"
    ? Grpo.run(environment, {
      ...options,
      ...held,
      schedule,
      objective: objectiveOf(options),
      advantage: Advantage[options.advantage]
    })
    : Ppo.run(environment, {
      ...options,
      ...held,
      schedule,
      critic: {
        ...options.critic,
        schedule: options.critic.learningRate,
        ...(options.critic.shared || own === undefined ? {} : { learner: own })
      }
    })
  return yield* Effect.provideService(run, Learner.Learner, agents[kind])
})

/**
 * Runs a reinforcement stage on one of the agents; the other is frozen and decides or answers greedily.
 */
export const reinforced = Effect.fn("Pipeline.reinforced")(function*(
  agents: Agents,
  stage: TrainConfig.ReinforcedStage,
  sources: Sources,
  limits: Limits,
  options: StageOptions = {}
): Effect.fn.Return<void, Stage.Failure, Retriever.Retriever | RunLog.RunLog> {
  const { ofAnswer, ofAnswerAgent, ofManager } = rewardsOf(stage.reward)
  const length = stage.sessions === undefined ? {} : { sessions: stage.sessions }
  const common = {
    perFact: limits.perFact,
    perSpeaker: limits.perSpeaker,
    maxTokens: stage.maxTokens,
    judge: options.judge
  }
  if (stage.kind === "manager") {
    const given = {
      ...common,
      episodes: sources.episodes[stage.unit](length),
      format: ManagerFormat[limits.format],
      reward: ofManager,
      answerReward: ofAnswer
    }
    const frozen = Effect.provideService(AnswerAgent.AnswerAgent, answerAgentOf(agents.answer, limits))
    if (stage.unit === "decision") {
      return yield* trained(yield* frozen(ManagerEnvironment.make(given)), agents, stage, options)
    }
    const { local, longest } = stage
    return yield* trained(yield* frozen(SessionEnvironment.make({ ...given, local, longest })), agents, stage, options)
  }
  const environment = yield* AnswerEnvironment.make({
    ...common,
    episodes: sources.episodes.answer(length),
    format: AnswerFormat[limits.format],
    reward: ofAnswerAgent,
    play: sources.play
  }).pipe(Effect.provideService(MemoryManager.MemoryManager, managerOf(agents.manager, limits)))
  return yield* trained(environment, agents, stage, options)
})
