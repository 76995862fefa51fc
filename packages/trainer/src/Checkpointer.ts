/**
 * What a run keeps in its folder, so that it can resume: checkpoints of its learners and of its position, and the
 * learners that each stage has trained.
 *
 * @since 0.1.0
 */
import { Learner } from "@memory-r1/core/rl"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Schema from "effect/Schema"
import * as Checkpoints from "./Checkpoints.ts"
import * as RunLog from "./RunLog.ts"
import { TrainingError } from "./TrainingError.ts"

/**
 * Where a stage is between two steps: the steps that are done, the weight of the KL term, and where its data stand.
 * With the state of the learners this is all that the rest of the stage depends on.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Position = Schema.Struct({ step: Schema.Int, beta: Schema.Finite, data: Schema.Unknown })

/**
 * The type of `Position`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Position extends Schema.Schema.Type<typeof Position> {}

/**
 * What a checkpoint says of a run, besides its learners. `position` is null before the first step of a stage, `steps`
 * counts those of all stages, `best` is the best validation of the stage, and `stale` counts those after it.
 *
 * @category schemas
 * @since 0.1.0
 */
export const State = Schema.Struct({
  stage: Schema.Int,
  position: Schema.NullOr(Position),
  steps: Schema.Int,
  learners: Schema.Array(Schema.String),
  best: Schema.NullOr(Schema.Struct({ value: Schema.Finite, number: Schema.Int })),
  stale: Schema.Int,
  mark: RunLog.Mark
})

/**
 * The type of `State`.
 *
 * @category models
 * @since 0.1.0
 */
export interface State extends Schema.Schema.Type<typeof State> {}

const StateText = Schema.fromJsonString(State)

/**
 * A checkpoint to resume from: the state of the run, and the folder of each learner.
 *
 * @category models
 * @since 0.1.0
 */
export interface Resumed {
  readonly state: State
  readonly learner: (name: string) => string
}

/**
 * The newest intact checkpoint of a run folder, if there is one. Damaged checkpoints after it are named in the log.
 *
 * @category getters
 * @since 0.1.0
 */
export const newest = Effect.fn("Checkpointer.newest")(function*(folder: string) {
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

type Learners = Readonly<Record<string, Learner.Service>>
type Failure = Checkpoints.CheckpointsError | Learner.LearnerError | RunLog.RunLogError

/**
 * - `resumed`: the state that the run resumes from.
 * - `restore`: brings learners to the state of the checkpoint that the run resumes from, those that it has not yet
 *   seen.
 * - `write`: a checkpoint, of the learners that a stage trains and, unchanged, of those of earlier stages.
 * - `restoreBest`: brings learners to the state of an earlier checkpoint; if that is damaged, the log says so.
 * - `leave`: the weights that a stage has trained, each in a folder of its name. `isStart`: later stages begin from
 *   these folders, so that the learners are in no later checkpoint.
 * - `leaveFailed`: weights that cannot be stepped with, in the folder `failed`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Checkpointer {
  readonly resumed: State | undefined
  readonly restore: (learners: Learners) => Effect.Effect<void, Failure>
  readonly write: (
    state: Omit<State, "learners" | "mark">,
    trained: Learners
  ) => Effect.Effect<void, Failure, RunLog.RunLog>
  readonly restoreBest: (number: number, trained: Learners) => Effect.Effect<void, Failure>
  readonly leave: (trained: Learners, options: { readonly isStart: boolean }) => Effect.Effect<void, Failure>
  readonly leaveFailed: (learner: Learner.Service) => Effect.Effect<void>
}

/**
 * Keeps a run in a folder: the `keepLast` newest checkpoints, and the best one.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fn("Checkpointer.make")(function*(
  folder: string,
  { keepLast = 2, resumed }: { readonly keepLast?: number | undefined; readonly resumed?: Resumed | undefined } = {}
) {
  const path = yield* Path.Path
  const context = Context.pick(FileSystem.FileSystem, Path.Path)(
    yield* Effect.context<FileSystem.FileSystem | Path.Path>()
  )
  const seen = new Set<string>()
  // Learners in the newest checkpoint, and its number.
  const kept = new Set(resumed?.state.learners)
  let last = resumed?.state.steps ?? 0

  const restore = Effect.fnUntraced(function*(learners: Learners) {
    for (const [name, learner] of Object.entries(learners)) {
      if (seen.has(name)) continue
      seen.add(name)
      if (resumed !== undefined && kept.has(name)) yield* learner.loadState(resumed.learner(name))
    }
  })

  const write = Effect.fnUntraced(function*(given: Omit<State, "learners" | "mark">, trained: Learners) {
    for (const name of Object.keys(trained)) kept.add(name)
    const state: State = { ...given, learners: [...kept], mark: yield* (yield* RunLog.RunLog).mark }
    yield* Checkpoints.write(folder, {
      number: given.steps,
      state: Schema.encodeSync(StateText)(state),
      learners: Object.fromEntries([...kept].map((name) => [name, trained[name]?.saveState ?? last]))
    }, { keepLast, keep: given.best === null ? [] : [given.best.number] })
    last = given.steps
  }, Effect.provideContext(context))

  const restoreBest = Effect.fnUntraced(function*(number: number, trained: Learners) {
    const found = yield* Effect.result(Checkpoints.read(folder, number))
    if (found._tag === "Failure") {
      return yield* Effect.logWarning(
        `${found.failure.message}; the stage ends with the weights of its last step instead of its best`
      )
    }
    for (const [name, learner] of Object.entries(trained)) yield* learner.loadState(found.success.learner(name))
  }, Effect.provideContext(context))

  const leave = Effect.fnUntraced(function*(trained: Learners, { isStart }: { readonly isStart: boolean }) {
    for (const [name, learner] of Object.entries(trained)) {
      yield* learner.save(path.join(folder, name))
      if (isStart) {
        kept.delete(name)
        seen.delete(name)
      }
    }
  })

  return {
    resumed: resumed?.state,
    restore,
    write,
    restoreBest,
    leave,
    leaveFailed: (learner) => Effect.ignore(learner.save(path.join(folder, "failed")))
  } satisfies Checkpointer
})
