// The parts of a stage, as its configuration names them.
import { AnswerAgent, MemoryManager, Retriever } from "@memory-r1/core"
import { type Environment, type Episode, type Judge, type Learner, Objective, Reward } from "@memory-r1/core/rl"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Advantage from "../Advantage.ts"
import { type Agents, answerAgentOf, type Limits, managerOf } from "../Agents.ts"
import type { Algorithm } from "../Algorithm.ts"
import * as Grpo from "../algorithms/Grpo.ts"
import * as Ppo from "../algorithms/Ppo.ts"
import * as AnswerEnvironment from "../AnswerEnvironment.ts"
import type * as Dataset from "../Dataset.ts"
import * as Demonstrations from "../Demonstrations.ts"
import * as ManagerEnvironment from "../ManagerEnvironment.ts"
import * as Registry from "../Registry.ts"
import * as SessionEnvironment from "../SessionEnvironment.ts"
import type * as Stage from "../Stage.ts"
import type * as TrainConfig from "../TrainConfig.ts"
import { TrainingError } from "../TrainingError.ts"
import * as Validation from "../Validation.ts"

/**
 * What a supervised stage imitates.
 */
export const demonstrationsOf = Effect.fnUntraced(function*(
  { data, managerShare, samples, sessions }: typeof TrainConfig.SftStage.Type,
  { exercises = {}, teacher }: Dataset.Dataset,
  registry: Registry.Registry
) {
  if (data !== "teacher") {
    const make = Object.hasOwn(exercises, data)
      ? exercises[data]!
      : yield* Registry.find(registry, "demonstrations", data)
    return Demonstrations.counted(make)
  }
  if (teacher === undefined) {
    const reason = "the data set has no teacher to imitate: remove the supervised stage, or train it on another data " +
      "set first, such as memory-world"
    return yield* new TrainingError({ reason })
  }
  const options = { samples, sessions }
  return Demonstrations.mixed({ decisions: teacher.decisions(options), answers: teacher.answers(options) }, {
    managerShare
  })
})

/**
 * The rewards of a stage as functions: of one answer, of what decisions led to, and of the Answer Agent's answer.
 */
export const rewardsOf = Effect.fnUntraced(function*(
  { answer, format, growth, memorySize, rejected }: TrainConfig.Rewards,
  registry: Registry.Registry
) {
  const ofAnswer = yield* Registry.find(registry, "rewards", answer)
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
})

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

/**
 * The algorithm of a stage. `critic` is the learner of its values, if that is no head on the agent's own network.
 */
export const algorithmOf = (stage: TrainConfig.ReinforcedStage, critic: Learner.Service | undefined): Algorithm =>
  stage.algorithm === "grpo"
    ? Grpo.make({ ...stage, objective: objectiveOf(stage), advantage: Advantage[stage.advantage] })
    : Ppo.make({
      ...stage,
      critic: {
        ...stage.critic,
        schedule: stage.critic.learningRate,
        learner: stage.critic.shared ? undefined : critic
      }
    })

/** Makes the environment of a stage, over the agent that is frozen, and uses it. */
export const withEnvironment = <A, E>(
  { dataset, judge, limits, manager, rewards, stage }: {
    readonly stage: TrainConfig.ReinforcedStage
    readonly dataset: Dataset.Dataset
    readonly limits: Limits
    readonly rewards: Effect.Success<ReturnType<typeof rewardsOf>>
    readonly manager: Registry.Registry["managers"][string] | undefined
    readonly judge: Judge.Judge["Service"] | undefined
  },
  agents: Agents,
  use: <State>(environment: Environment.Environment<State, ManagerEnvironment.Failure>) => Effect.Effect<A, E>
) => {
  const { episodes, play } = dataset
  const { maxTokens, sessions, skip } = stage
  const from = (make: (index: number) => Episode.Episode) => (index: number) => make(skip + index)
  const common = { perFact: limits.perFact, perSpeaker: limits.perSpeaker, maxTokens, judge }
  if (stage.kind === "answer") {
    const made = AnswerEnvironment.make({
      ...common,
      episodes: from(episodes.answer({ sessions })),
      format: limits.format.answer,
      reward: rewards.ofAnswerAgent,
      play
    })
    return Effect.flatMap(
      manager === undefined
        ? Effect.provideService(made, MemoryManager.MemoryManager, managerOf(agents.manager.sampler, limits))
        : Effect.provide(made, manager),
      use
    )
  }
  const given = {
    ...common,
    episodes: from(episodes[stage.unit]({ sessions })),
    format: limits.format.manager,
    reward: rewards.ofManager,
    answerReward: rewards.ofAnswer
  }
  const { local, longest } = stage
  const frozen = Effect.provideService(AnswerAgent.AnswerAgent, answerAgentOf(agents.answer.sampler, limits))
  return stage.unit === "decision"
    ? Effect.flatMap(frozen(ManagerEnvironment.make(given)), use)
    : Effect.flatMap(frozen(SessionEnvironment.make({ ...given, local, longest })), use)
}

/** Measures both agents; banks that a frozen manager makes stay the same. */
export const measuring = Effect.fnUntraced(function*(
  agents: Agents,
  trained: "answer" | "manager",
  episodes: ReadonlyArray<Episode.Episode>,
  questions: number | undefined,
  limits: Limits
): Effect.fn.Return<NonNullable<Stage.Stage["measure"]>, never, Retriever.Retriever> {
  const context = Context.pick(Retriever.Retriever)(yield* Effect.context<Retriever.Retriever>())
  const options = { episodes, perFact: limits.perFact, perSpeaker: limits.perSpeaker, questions }
  const manager = managerOf(agents.manager.sampler, limits)
  const answer = answerAgentOf(agents.answer.sampler, limits)
  const playing = Validation.play(options, { manager })
  const played = trained === "manager" ? playing : yield* Effect.cached(playing)
  return Effect.flatMap(played, (played) => Validation.measure(played, options, { answer })).pipe(
    Effect.provideContext(context)
  )
})
