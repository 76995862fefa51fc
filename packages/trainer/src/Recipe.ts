/**
 * From a configuration to the stages of a run: a supervised warm start, and reinforcement learning of one agent while
 * the other is frozen.
 *
 * @since 0.1.0
 */
import type { Retriever } from "@memory-r1/core"
import type { Judge, Learner } from "@memory-r1/core/rl"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import { join } from "node:path"
import type { Agents, Limits } from "./Agents.ts"
import * as Sft from "./algorithms/Sft.ts"
import type * as Dataset from "./Dataset.ts"
import * as Greedy from "./internal/greedy.ts"
import { algorithmOf, demonstrationsOf, measuring, rewardsOf, withEnvironment } from "./internal/parts.ts"
import * as PolicyGradient from "./PolicyGradient.ts"
import * as Registry from "./Registry.ts"
import type * as TrainConfig from "./TrainConfig.ts"
import type * as Trainer from "./Trainer.ts"
import type { TrainingError } from "./TrainingError.ts"

/**
 * A stage of a configuration in its place, with its name in the log.
 *
 * @category models
 * @since 0.1.0
 */
export interface Planned {
  readonly index: number
  readonly name: string
  readonly stage: TrainConfig.Stage
}

/**
 * The stages of a configuration, those of reinforcement learning as often as there are rounds. A second stage of a kind
 * is "manager 2".
 *
 * @example
 * ```ts
 * import { Recipe } from "@memory-r1/trainer"
 *
 * const stages = [{ kind: "manager" }, { kind: "answer" }] as const
 * Recipe.plan({ rounds: 2, stages }).map(({ name }) => name) // => ["manager", "answer", "manager 2", "answer 2"]
 * ```
 *
 * @category getters
 * @since 0.1.0
 */
export const plan = <S extends { readonly kind: "answer" | "manager" | "sft" }>(
  { rounds, stages }: { readonly rounds: number; readonly stages: ReadonlyArray<S> }
): ReadonlyArray<{ readonly index: number; readonly name: string; readonly stage: S }> => {
  const supervised = stages.filter(({ kind }) => kind === "sft")
  const reinforced = stages.filter(({ kind }) => kind !== "sft")
  const all = [...supervised, ...Array.from({ length: rounds }, () => reinforced).flat()]
  return all.map((stage, index) => {
    const before = all.slice(0, index).filter(({ kind }) => kind === stage.kind).length
    return { index, stage, name: before === 0 ? stage.kind : `${stage.kind} ${before + 1}` }
  })
}

const criticOf = (kind: "answer" | "manager") => `${kind}-critic` as const

export {
  /**
   * What a supervised stage imitates.
   *
   * @category constructors
   * @since 0.1.0
   */
  demonstrationsOf
} from "./internal/parts.ts"

/**
 * - `learners`: makes a learner that starts from the model of the configuration, or from the folder `start` that a
 *   supervised stage has left; with a value head for a critic.
 * - `folder`: of the run.
 * - `judge`: whom rewards ask that read verdicts.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<E, R> {
  readonly config: TrainConfig.TrainConfig
  readonly registry: Registry.Registry
  readonly folder: string
  readonly learners: (
    start: string | undefined,
    options: { readonly critic: boolean }
  ) => Effect.Effect<Learner.Service, E, R>
  readonly judge?: Judge.Judge["Service"] | undefined
}

type Reinforced = TrainConfig.ReinforcedStage

/**
 * A configuration, ready to run.
 *
 * - `stages`: for `Trainer.run`. A supervised stage trains one model, which both agents then start from; the first
 *   reinforcement stage makes two of it. The folders that stages leave are `model`, `manager`, `answer`,
 *   `manager-critic`, `answer-critic`.
 * - `agents`: both agents as they are, once for all stages.
 *
 * @category models
 * @since 0.1.0
 */
export interface Recipe<E, R> {
  readonly dataset: Dataset.Dataset
  readonly limits: Limits
  readonly stages: ReadonlyArray<Trainer.Planned<E, R | Retriever.Retriever>>
  readonly agents: Effect.Effect<Agents, E, R>
}

/**
 * Reads the data set and everything else that a configuration names, before anything large is loaded, and makes its
 * stages.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fn("Recipe.make")(
  function*<E, R>(
    { config, folder, judge, learners, registry }: Options<E, R>
  ): Effect.fn.Return<Recipe<E, R>, TrainingError, FileSystem.FileSystem | Path.Path> {
    const { answerTokens, data, managerTokens, seed, validation } = config
    const platform = Context.pick(FileSystem.FileSystem, Path.Path)(
      yield* Effect.context<FileSystem.FileSystem | Path.Path>()
    )
    const dataset = yield* (yield* Registry.find(registry, "datasets", data.dataset)).load(data, { seed })
    const limits: Limits = {
      perFact: data.perFact,
      perSpeaker: data.perSpeaker,
      format: yield* Registry.find(registry, "formats", config.format),
      managerTokens,
      answerTokens
    }
    const reinforced = config.stages.flatMap((stage) => stage.kind === "sft" ? [] : [stage])
    const start = config.stages.some(({ kind }) => kind === "sft") ? join(folder, "model") : undefined
    const agents = yield* Effect.cached(agentsOf(reinforced, (critic) => learners(start, { critic })))

    const supervised = Effect.fnUntraced(function*(stage: typeof TrainConfig.SftStage.Type, { index, name }: Planned) {
      const demonstrations = yield* demonstrationsOf(stage, dataset, registry)
      return Effect.map(
        learners(index === 0 ? undefined : start, { critic: false }),
        (learner) => Sft.stage({ ...stage, schedule: stage.learningRate, learner, demonstrations, name })
      )
    })

    const reinforcing = Effect.fnUntraced(function*(stage: Reinforced, { name }: Planned) {
      const rewards = yield* rewardsOf(stage.reward, registry)
      const manager = stage.kind === "answer" && stage.manager !== "trained"
        ? yield* Registry.find(registry, "managers", stage.manager)
        : undefined
      return Effect.gen(function*() {
        const both = yield* agents
        const { answer, critics, reference } = both
        const frozen = stage.kind === "manager" ? "answer" : "manager"
        const sampler = yield* Greedy.remembered(both[frozen].sampler, {
          file: join(folder, Greedy.fileName),
          scope: `${name} ${frozen}`
        })
        const seen: Agents = { ...both, [frozen]: { ...both[frozen], sampler } }
        const own = stage.algorithm === "ppo" && !stage.critic.shared ? critics[stage.kind] : undefined
        const measure = validation === undefined
          ? undefined
          : yield* measuring(seen, stage.kind, dataset.validation(validation.dialogues), validation.questions, limits)
        const parts = { stage, dataset, limits, rewards, manager, judge }
        return yield* withEnvironment(parts, seen, (environment) =>
          PolicyGradient.stage({
            ...stage,
            name,
            environment,
            algorithm: algorithmOf(stage, own),
            learner: both[stage.kind],
            schedule: stage.learningRate,
            kl: stage.beta === 0 ? undefined : { ...stage.kl, beta: stage.beta, reference },
            learners: {
              manager: both.manager,
              answer,
              ...Object.fromEntries(Object.entries(critics).map(([kind, critic]) => [`${kind}-critic`, critic]))
            },
            trained: own === undefined ? [stage.kind] : [stage.kind, criticOf(stage.kind)],
            measure
          }))
      }).pipe(Effect.provideContext(platform))
    })

    const stages = yield* Effect.forEach(
      plan(config),
      Effect.fnUntraced(
        function*(planned): Effect.fn.Return<Trainer.Planned<E, R | Retriever.Retriever>, TrainingError> {
          const { name, stage } = planned
          return {
            name,
            title: stage.kind === "sft"
              ? name.replace("sft", "supervised")
              : `${stage.algorithm.toUpperCase()}, ${name}`,
            steps: stage.steps,
            make: stage.kind === "sft" ? yield* supervised(stage, planned) : yield* reinforcing(stage, planned)
          }
        }
      )
    )
    return { dataset, limits, stages, agents }
  }
)

// The learners of reinforcement learning.
const agentsOf = Effect.fnUntraced(function*<E, R>(
  stages: ReadonlyArray<Reinforced>,
  learner: (critic: boolean) => Effect.Effect<Learner.Service, E, R>
) {
  const hasCritic = (kind: "answer" | "manager", shared: boolean) =>
    stages.some((stage) => stage.algorithm === "ppo" && stage.kind === kind && stage.critic.shared === shared)
  const manager = yield* learner(hasCritic("manager", true))
  const answer = yield* learner(hasCritic("answer", true))
  const critics = {
    ...(hasCritic("manager", false) ? { manager: yield* learner(true) } : {}),
    ...(hasCritic("answer", false) ? { answer: yield* learner(true) } : {})
  }
  // One more copy of the weights only if a stage stays close to it.
  const isHeld = stages.some(({ beta }) => beta > 0)
  return { manager, answer, critics, reference: (isHeld ? yield* learner(false) : manager).sampler } satisfies Agents
})
