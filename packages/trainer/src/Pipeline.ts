/**
 * The stages of a run: a supervised warm start, and reinforcement learning of one agent while the other is frozen.
 */
import { AnswerAgent, AnswerFormat, type Episode, Learner, ManagerFormat, MemoryManager, Objective } from "@memory-r1/core"
import type { Retriever, Sampler } from "@memory-r1/core"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { AiError } from "effect/ai"
import * as Advantage from "./Advantage.ts"
import * as AnswerEnvironment from "./AnswerEnvironment.ts"
import type { Environment } from "./Environment.ts"
import * as Grpo from "./Grpo.ts"
import * as ManagerEnvironment from "./ManagerEnvironment.ts"
import * as Ppo from "./Ppo.ts"
import type * as RunLog from "./RunLog.ts"
import * as Sft from "./Sft.ts"
import type * as TrainConfig from "./TrainConfig.ts"
import type { TrainingError } from "./TrainingError.ts"

/**
 * The two agents, a learner each, and the model that both began with, frozen: what the KL term of a stage with `beta` holds on to. `critics` are the
 * learners of values for PPO, where they are no heads on the agents' own networks.
 */
export interface Agents {
  readonly manager: Learner.Service
  readonly answer: Learner.Service
  readonly reference: Sampler.Service
  readonly critics?: Readonly<Partial<Record<"manager" | "answer", Learner.Service>>>
}

/**
 * Dialogues of this many sessions, and this many decisions on one turn.
 */
export interface DemonstrationOptions {
  readonly sessions?: number
  readonly samples?: number
}

/**
 * Where training data come from, by number. `play` is how many dialogues the Answer Agent's banks are made of at a time, where there are only so many.
 */
export interface Sources {
  readonly episodes: Readonly<Record<"manager" | "answer", (index: number) => Episode.Episode>>
  readonly play?: number
  readonly managerDemonstrations: (index: number, options: DemonstrationOptions) => ReadonlyArray<Episode.Demonstration>
  readonly answerDemonstrations: (index: number, options: DemonstrationOptions) => ReadonlyArray<Episode.Demonstration>
  /** Exercises in copying, for models from scratch. */
  readonly repeats: (index: number) => ReadonlyArray<Episode.Demonstration>
  readonly lookUps: (index: number) => ReadonlyArray<Episode.Demonstration>
  readonly additions: (index: number) => ReadonlyArray<Episode.Demonstration>
}

/**
 * What decisions and answers get to see, in which format they are asked for and written, and how long those of a frozen agent may be.
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
export const managerOf = ({ sampler }: Learner.Service, { format, managerTokens }: Pick<Limits, "format" | "managerTokens">): MemoryManager.MemoryManager["Service"] =>
  MemoryManager.fromSampler(sampler, { format: ManagerFormat[format], maxTokens: managerTokens })
export const answerAgentOf = ({ sampler }: Learner.Service, { answerTokens, format }: Pick<Limits, "format" | "answerTokens">): AnswerAgent.AnswerAgent["Service"] =>
  AnswerAgent.fromSampler(sampler, { format: AnswerFormat[format], maxTokens: answerTokens })

// Deals out what `make` makes of 0, 1, 2, …, one by one, and makes more when that is used up. It asks once: where nothing is made, nothing
// is dealt, and who asks decides how long to go on.
const dealer = <A>(make: (index: number) => ReadonlyArray<A>): (() => ReadonlyArray<A>) => {
  let made: ReadonlyArray<A> = []
  let [at, index] = [0, 0]
  return () => {
    if (at >= made.length) [made, at] = [make(index++), 0]
    return made.slice(at, ++at)
  }
}

/**
 * Demonstrations of both kinds, dealt out one by one in a fixed order so that `managerShare` of them are decisions.
 */
export const mixed = (
  { answerDemonstrations, managerDemonstrations }: Pick<Sources, "answerDemonstrations" | "managerDemonstrations">,
  { managerShare, ...options }: DemonstrationOptions & { readonly managerShare: number }
): (index: number) => ReadonlyArray<Episode.Demonstration> => {
  const decision = dealer((index) => managerDemonstrations(index, options))
  const answer = dealer((index) => answerDemonstrations(index, options))
  return (index) => Math.floor((index + 1) * managerShare) > Math.floor(index * managerShare) ? decision() : answer()
}

/**
 * Runs a supervised stage on one learner.
 */
export const supervised = Effect.fn("Pipeline.supervised")(function*(
  learner: Learner.Service,
  stage: typeof TrainConfig.SftStage.Type,
  sources: Sources,
  onStep: (step: number) => Effect.Effect<void, Learner.LearnerError> = () => Effect.void
) {
  const { beta2, data, groupsPerStep, learningRate, managerShare, promptLoss, samples, sessions, steps, weightDecay } = stage
  const taught = { managerShare, samples, ...(sessions === undefined ? {} : { sessions }) }
  return yield* Sft.run({
    demonstrations: data === "teacher" ? mixed(sources, taught) : sources[data],
    promptLoss,
    steps,
    groupsPerStep,
    schedule: learningRate,
    weightDecay,
    beta2,
    onStep
  }).pipe(Effect.provideService(Learner.Learner, learner))
})

type Failure = AiError.AiError | Learner.LearnerError | Retriever.RetrieverError | RunLog.RunLogError | Sampler.SamplerError | TrainingError

const objectiveOf = ({ epsilon, epsilonHigh, maxTokens, objective }: Pick<TrainConfig.GrpoStage, "epsilon" | "epsilonHigh" | "maxTokens" | "objective">): Objective.Objective => {
  const range = { ...(epsilon === undefined ? {} : { epsilon }), ...(epsilonHigh === undefined ? {} : { epsilonHigh }) }
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
  stage: TrainConfig.ReinforcedStage
) {
  const { beta, kind, kl, learningRate: schedule, ...options } = stage
  const own = agents.critics?.[kind]
  const held = beta === 0 ? {} : { kl: { ...kl, beta, reference: agents.reference } }
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
  limits: Limits
): Effect.fn.Return<void, Failure, Retriever.Retriever | RunLog.RunLog> {
  const common = { episodes: sources.episodes[stage.kind], perFact: limits.perFact, perSpeaker: limits.perSpeaker, maxTokens: stage.maxTokens }
  if (stage.kind === "manager") {
    const environment = yield* ManagerEnvironment.make({ ...common, format: ManagerFormat[limits.format] }).pipe(
      Effect.provideService(AnswerAgent.AnswerAgent, answerAgentOf(agents.answer, limits))
    )
    return yield* trained(environment, agents, stage)
  }
  const random = yield* Random.Random
  const environment = yield* AnswerEnvironment.make({
    ...common,
    format: AnswerFormat[limits.format],
    ...(sources.play === undefined ? {} : { play: sources.play }),
    random: () => random.nextDoubleUnsafe()
  }).pipe(Effect.provideService(MemoryManager.MemoryManager, managerOf(agents.manager, limits)))
  return yield* trained(environment, agents, stage)
})
