/**
 * Training of the Memory Manager and the Answer Agent: environments, rollouts, SFT, GRPO and PPO on any `Learner`.
 */
export * as Advantage from "./Advantage.ts"
export * as AnswerEnvironment from "./AnswerEnvironment.ts"
export * as Environment from "./Environment.ts"
export * as Grpo from "./Grpo.ts"
export * as Kl from "./Kl.ts"
export * as ManagerEnvironment from "./ManagerEnvironment.ts"
export * as OffPolicy from "./OffPolicy.ts"
export * as Pipeline from "./Pipeline.ts"
export * as Ppo from "./Ppo.ts"
export * as Rollout from "./Rollout.ts"
export * as RunLog from "./RunLog.ts"
export * as Schedule from "./Schedule.ts"
export * as Sft from "./Sft.ts"
export * as Stage from "./Stage.ts"
export * as TrainConfig from "./TrainConfig.ts"
export { TrainingError } from "./TrainingError.ts"
