/**
 * A whole run: its stages in their order, validated and checkpointed on the way, and gone on with exactly where it was
 * stopped.
 *
 * All that a run depends on is in a checkpoint: the learners with the optimiser's moments, the stage and its position
 * (the step, the weight of the KL term, where the data stand), the best validation so far, and how long the logs were.
 * Random numbers are those of the stage and the step, so there is no stream to keep.
 */
import { Retriever } from "@memory-r1/core"
import { Learner } from "@memory-r1/core/rl"
import type { Episode, Judge } from "@memory-r1/core/rl"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as Checkpoints from "./Checkpoints.ts"
import * as Pipeline from "./Pipeline.ts"
import * as RunLog from "./RunLog.ts"
import * as Stage from "./Stage.ts"
import type * as TrainConfig from "./TrainConfig.ts"
import { TrainingError } from "./TrainingError.ts"
import * as Validation from "./Validation.ts"

/**
 * A stage in its place: the number by which its random numbers are drawn, and its name in the log.
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
 * import { Run, TrainConfig } from "@memory-r1/trainer"
 * import { Effect } from "effect"
 *
 * const stage = (kind: string) => ({ kind, steps: 5, learningRate: { peak: 1e-4 } })
 * const config = await Effect.runPromise(TrainConfig.decode({
 *   model: { directory: "nano" },
 *   data: { dataset: "memory-world" },
 *   rounds: 2,
 *   stages: [stage("manager"), stage("answer")]
 * }))
 * Run.plan(config).map(({ name }) => name) // => ["manager", "answer", "manager 2", "answer 2"]
 * ```
 */
export const plan = (
  { rounds, stages }: { readonly rounds: number; readonly stages: ReadonlyArray<TrainConfig.Stage> }
): ReadonlyArray<Planned> => {
  const supervised = stages.filter(({ kind }) => kind === "sft")
  const reinforced = stages.filter(({ kind }) => kind !== "sft")
  const all = [...supervised, ...Array.from({ length: rounds }, () => reinforced).flat()]
  return all.map((stage, index) => {
    const before = all.slice(0, index).filter(({ kind }) => kind === stage.kind).length
    return { index, stage, name: before === 0 ? stage.kind : `${stage.kind} ${before + 1}` }
  })
}

/**
 * What a checkpoint says of a run, beside its learners. `position` is null before the first step of a stage; `start` is
 * where the agents began, once a supervised stage has made it.
 */
export const State = Schema.Struct({
  stage: Schema.Int,
  position: Schema.NullOr(Stage.Position),
  steps: Schema.Int,
  start: Schema.NullOr(Schema.String),
  learners: Schema.Array(Schema.String),
  best: Schema.NullOr(Schema.Struct({ value: Schema.Finite, number: Schema.Int })),
  stale: Schema.Int,
  mark: RunLog.Mark
})
export interface State extends Schema.Schema.Type<typeof State> {}

const StateText = Schema.fromJsonString(State)

/**
 * A checkpoint to go on from.
 */
export interface Resumed {
  readonly state: State
  readonly learner: (name: string) => string
}

/**
 * The newest checkpoint of a run folder that is whole, if there is one. Checkpoints after it that are damaged are named
 * in the log.
 */
export const resume = Effect.fn("Run.resume")(function*(folder: string) {
  const { damaged, found } = yield* Checkpoints.newest(folder)
  for (const error of damaged) yield* Effect.logWarning(`${error.message}; the checkpoint before it is used`)
  if (found === undefined) return undefined
  const state = yield* Effect.mapError(
    Schema.decodeEffect(StateText)(found.state),
    (error) =>
      new TrainingError({
        reason: `${folder}: checkpoint ${found.number} is of another version of this program: ${error.message}`
      })
  )
  return { state, learner: found.learner } satisfies Resumed
})

/**
 * - `learners`: makes a learner that starts from the model of the configuration, or from what a stage saved in `start`;
 *   with a value head for a critic.
 * - `judge`: whom rewards ask that read verdicts.
 * - `around`: hears of each stage as it runs, to show progress.
 * - `resumed`: what `resume` found.
 */
export interface Options<E, R> {
  readonly config: TrainConfig.TrainConfig
  readonly folder: string
  readonly sources: Pipeline.Sources
  readonly learners: (
    start: string | undefined,
    options: { readonly critic: boolean }
  ) => Effect.Effect<Learner.Service, E, R>
  readonly judge?: Judge.Judge["Service"] | undefined
  readonly around?:
    | ((
      planned: Planned,
      run: Effect.Effect<void, Stage.Failure, Services>
    ) => Effect.Effect<void, Stage.Failure, Services>)
    | undefined
  readonly resumed?: Resumed | undefined
}

type Services = FileSystem.FileSystem | Path.Path | Retriever.Retriever | RunLog.RunLog

const criticOf = (kind: "manager" | "answer"): string => `${kind}-critic`

/**
 * Runs the stages of a configuration. A supervised stage trains one model, which both agents then start from; the first
 * reinforcement stage makes two of it. Every stage leaves what it trained in the run folder: `model`, `manager`,
 * `answer`, `manager-critic`.
 */
export const run = Effect.fn("Run.run")(
  function*<E, R>(options: Options<E, R>): Effect.fn.Return<void, E | Stage.Failure, R | Services> {
    const { config, folder, learners, resumed, sources } = options
    const { around = (_, run) => run, judge } = options
    const path = yield* Path.Path
    const log = yield* RunLog.RunLog
    const services = Context.pick(FileSystem.FileSystem, Path.Path, Retriever.Retriever, RunLog.RunLog)(
      yield* Effect.context<Services>()
    )
    const { answerTokens, data, format, managerTokens, validation } = config
    const limits: Pipeline.Limits = {
      perFact: data.perFact,
      perSpeaker: data.perSpeaker,
      format,
      managerTokens,
      answerTokens
    }
    const planned = plan(config)

    let steps = resumed?.state.steps ?? 0
    let start = resumed?.state.start ?? undefined
    // Everything that was trained so far, by the name of its folder.
    const known = new Map<string, Learner.Service>()
    const before = new Set(resumed?.state.learners)
    const restored = Effect.fnUntraced(function*(name: string, learner: Learner.Service) {
      if (resumed !== undefined && before.has(name)) yield* learner.loadState(resumed.learner(name))
      return learner
    })

    const agentsOf = Effect.fnUntraced(function*() {
      const reinforced = config.stages.flatMap((stage) => stage.kind === "sft" ? [] : [stage])
      const hasCritic = (kind: "manager" | "answer", shared: boolean) =>
        reinforced.some((stage) => stage.algorithm === "ppo" && stage.kind === kind && stage.critic.shared === shared)
      const from = start === undefined ? undefined : path.join(folder, start)
      const made = Effect.fnUntraced(function*(name: string, critic: boolean) {
        const learner = yield* restored(name, yield* learners(from, { critic }))
        known.set(name, learner)
        return learner
      })
      const manager = yield* made("manager", hasCritic("manager", true))
      const answer = yield* made("answer", hasCritic("answer", true))
      const critics = {
        ...(hasCritic("manager", false) ? { manager: yield* made(criticOf("manager"), true) } : {}),
        ...(hasCritic("answer", false) ? { answer: yield* made(criticOf("answer"), true) } : {})
      }
      // One more copy of the weights only where a stage holds on to it.
      const isHeld = reinforced.some(({ beta }) => beta > 0)
      return {
        manager,
        answer,
        critics,
        reference: (isHeld ? yield* learners(from, { critic: false }) : manager).sampler
      } satisfies Pipeline.Agents
    })

    // The number of the newest checkpoint.
    let last = steps
    let best = resumed?.state.best ?? null
    let stale = resumed?.state.stale ?? 0
    // Writes a checkpoint of the learners that a stage trains, `own`, and of those of earlier stages, which have not
    // changed since.
    const checkpoint = Effect.fnUntraced(
      function*(stage: number, position: Stage.Position | null, own: ReadonlyArray<string>) {
        for (const name of own) before.add(name)
        const state: State = {
          stage,
          position,
          steps,
          start: start ?? null,
          learners: [...before],
          best,
          stale,
          mark: yield* log.mark
        }
        yield* Checkpoints.write(folder, {
          number: steps,
          state: Schema.encodeSync(StateText)(state),
          learners: Object.fromEntries(
            [...before].map((name) => [name, own.includes(name) ? known.get(name)!.saveState : last])
          )
        }, { keepLast: config.checkpoints.keepLast, keep: best === null ? [] : [best.number] })
        last = steps
      },
      Effect.provideContext(services)
    )

    // What a stage does after each step: validates, keeps, and ends where nothing gets better any more.
    const watching = (
      { index, name, stage }: Planned,
      own: ReadonlyArray<string>,
      measure: Effect.Effect<Validation.Measured, Stage.Failure> | undefined
    ) => {
      const validated = Effect.fnUntraced(function*(step: number) {
        // The log of the moment, which may show what it is told.
        const log = yield* RunLog.RunLog
        const { answers, bank, values } = yield* measure!
        yield* log.metrics({
          stage: name,
          step,
          steps: stage.steps,
          values: Object.fromEntries(Object.entries(values).map(([key, value]) => [`validation.${key}`, value]))
        })
        yield* log.validated({ stage: name, step, answers, bank })
        const value = values[validation!.metric]
        const isBetter = best === null || value > best.value
        if (isBetter) best = { value, number: steps }
        stale = isBetter ? 0 : stale + 1
        return isBetter
      })
      const begin = measure === undefined ? Effect.void : Effect.gen(function*() {
        yield* validated(0)
        yield* checkpoint(index, null, own)
      })
      const onStep: Stage.OnStep = Effect.fnUntraced(function*(step, position) {
        steps++
        const isLast = step === stage.steps
        const isBetter = measure !== undefined && (step % validation!.every === 0 || isLast) && (yield* validated(step))
        const isOver = validation?.patience !== undefined && stale >= validation.patience && !isLast
        if (isOver) {
          yield* Effect.logInfo(
            `${name}: ended at step ${step} of ${stage.steps}, after ${stale} validations without a better \
${validation.metric} than ${best!.value.toFixed(3)}`
          )
        }
        if (isBetter || (!isLast && !isOver && step % config.checkpoints.every === 0)) {
          yield* checkpoint(index, position(), own)
        }
        return !isOver
      })
      return { begin, onStep }
    }

    // The end of a stage: the best weights where they are wanted, what was trained as a folder of its own, and a
    // checkpoint.
    const finish = Effect.fnUntraced(function*({ index, name }: Planned, own: ReadonlyArray<string>) {
      if (validation?.keep === "best" && best !== null && best.number !== steps) {
        const { number } = best
        const found = yield* Effect.result(Checkpoints.read(folder, number))
        if (found._tag === "Failure") {
          yield* Effect.logWarning(
            `${found.failure.message}; ${name} ends with the weights of its last step instead of its best`
          )
        } else for (const one of own) yield* known.get(one)!.loadState(found.success.learner(one))
      }
      for (const one of own) yield* known.get(one)!.save(path.join(folder, one))
      if (own.includes("model")) {
        start = "model"
        // The agents that begin with it have learned nothing yet.
        known.delete("model")
        before.delete("model")
      }
      best = null
      stale = 0
      yield* checkpoint(index + 1, null, own.filter((one) => known.has(one)))
    })

    // Weights that cannot be stepped with are kept beside the batch.
    const keptOnFailure = (learner: Learner.Service) => <A, E, R>(effect: Effect.Effect<A, E | Stage.Failure, R>) =>
      Effect.tapError(
        effect,
        (error) =>
          error instanceof Learner.LearnerError ? Effect.ignore(learner.save(path.join(folder, "failed"))) : Effect.void
      )

    let agents: Pipeline.Agents | undefined
    for (const one of planned.slice(resumed?.state.stage ?? 0)) {
      const { index, name, stage } = one
      const from = resumed?.state.stage === index ? resumed.state.position ?? undefined : undefined
      const going = { stage: name, from, judge }
      // A stage draws from a seed of its own: what it does depends on the weights that it is given, not on what was
      // drawn before it.
      const seeded = Random.withSeed(`${config.seed}/${index}`)
      if (stage.kind === "sft") {
        const learner = yield* restored(
          "model",
          yield* learners(start === undefined ? undefined : path.join(folder, start), { critic: false })
        )
        known.set("model", learner)
        const { onStep } = watching(one, ["model"], undefined)
        yield* around(one, Pipeline.supervised(learner, stage, sources, { ...going, onStep })).pipe(
          keptOnFailure(learner),
          seeded
        )
        yield* finish(one, ["model"])
      } else {
        agents ??= yield* agentsOf()
        const own = [
          stage.kind,
          ...(known.has(criticOf(stage.kind)) && stage.algorithm === "ppo" && !stage.critic.shared
            ? [criticOf(stage.kind)]
            : [])
        ]
        const measure = validation === undefined
          ? undefined
          : yield* validating(
            agents,
            stage.kind,
            sources.validation(validation.dialogues),
            validation.questions,
            limits
          )
        const { begin, onStep } = watching(
          one,
          own,
          measure === undefined ? undefined : Effect.provideContext(measure, services)
        )
        const isBegun = resumed?.state.stage === index && (from !== undefined || resumed.state.best !== null)
        const training = Pipeline.reinforced(agents, stage, sources, limits, { ...going, onStep })
        yield* around(one, Effect.andThen(isBegun ? Effect.void : begin, training)).pipe(
          keptOnFailure(agents[stage.kind]),
          seeded
        )
        yield* finish(one, own)
      }
    }
  }
)

// Measures both agents; banks that a frozen manager makes stay the same.
const validating = Effect.fnUntraced(function*(
  agents: Pipeline.Agents,
  trained: "manager" | "answer",
  episodes: ReadonlyArray<Episode.Episode>,
  questions: number | undefined,
  limits: Pipeline.Limits
) {
  const options = {
    episodes,
    perFact: limits.perFact,
    perSpeaker: limits.perSpeaker,
    questions
  }
  const [manager, answer] = [Pipeline.managerOf(agents.manager, limits), Pipeline.answerAgentOf(agents.answer, limits)]
  const playing = Validation.play(options, { manager })
  const played = trained === "manager" ? playing : yield* Effect.cached(playing)
  return Effect.flatMap(played, (played) => Validation.measure(played, options, { answer }))
})
