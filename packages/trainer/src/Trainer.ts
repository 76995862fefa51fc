/**
 * The training loop: rollouts or demonstrations, optimizer steps, the log, validation, checkpoints, and when to stop.
 * It runs every algorithm, and resumes exactly where it was stopped.
 *
 * All that a run depends on is in a checkpoint: the learners with the optimizer's moments, the stage and its position
 * (the step, the weight of the KL term, where the data stand), the best validation so far, and the lengths of the logs.
 * Random numbers are those of the stage and the step, so there is no stream to keep.
 *
 * @since 0.1.0
 */
import { Learner } from "@memory-r1/core/rl"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Struct from "effect/Struct"
import type { Checkpointer, Position } from "./Checkpointer.ts"
import { learn } from "./internal/update.ts"
import { RunLog } from "./RunLog.ts"
import type * as Stage from "./Stage.ts"

/**
 * A stage that is made when its turn comes, since it may begin from what an earlier one has left. `title` is its name
 * where progress is shown.
 *
 * @category models
 * @since 0.1.0
 */
export interface Planned<E = never, R = never> {
  readonly name: string
  readonly title?: string | undefined
  readonly steps: number
  readonly make: Effect.Effect<Stage.Stage<E | Stage.Failure>, E | Stage.Failure, R>
}

/**
 * A stage that runs: its place among the stages, and the step that it begins at.
 *
 * @category models
 * @since 0.1.0
 */
export interface Running {
  readonly index: number
  readonly title: string
  readonly steps: number
  readonly from: number
}

/**
 * Validation before the first step and after `every` so many. After `patience` of them without a better `metric` the
 * stage ends. With `keep: "best"` it ends with the weights that had the best one.
 *
 * @category models
 * @since 0.1.0
 */
export interface Validating {
  readonly every: number
  readonly metric: "exactMatch" | "f1"
  readonly patience?: number | undefined
  readonly keep: "best" | "last"
}

/**
 * - `seed`: each stage draws from a seed of its own, made of this one and its place, so that it depends only on the
 *   weights that it is given. If omitted, it draws from Effect's `Random`.
 * - `checkpointer`: keeps the run in a folder; by default nothing is kept.
 * - `checkpointEvery`: steps between two checkpoints; 20 by default.
 * - `validation`: for stages that can `measure`.
 * - `around`: sees each stage as it runs, to show progress.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly seed?: number | undefined
  readonly checkpointer?: Checkpointer | undefined
  readonly checkpointEvery?: number | undefined
  readonly validation?: Validating | undefined
  readonly around?:
    | (<E>(stage: Running, run: Effect.Effect<void, E, RunLog>) => Effect.Effect<void, E, RunLog>)
    | undefined
}

/**
 * Runs one stage.
 *
 * @category running
 * @since 0.1.0
 */
export const train = <E>(
  stage: Stage.Stage<E>,
  options: Options = {}
): Effect.Effect<void, E | Stage.Failure, RunLog> =>
  run([{ name: stage.name, steps: stage.steps, make: Effect.succeed(stage) }], options)

/**
 * Runs stages, one after the other, from the beginning or from where the checkpointer resumes.
 *
 * Each step of a stage gives the optimizer steps to take (`Stage.Step`), which were made of a batch of rollouts or of
 * demonstrations. The loop takes them (`forwardBackward`, `optimStep`), logs the metrics, validates, and writes
 * checkpoints (`saveState`). At its end a stage leaves what it trained in the run folder.
 *
 * Fails with a `TrainingError` if the log-probabilities of the sampled tokens are not those of the learner.
 *
 * @category running
 * @since 0.1.0
 */
export const run = Effect.fn("Trainer.run")(
  function*<E = never, R = never>(
    stages: ReadonlyArray<Planned<E, R>>,
    { around = (_, run) => run, checkpointer, checkpointEvery = 20, seed, validation }: Options = {}
  ): Effect.fn.Return<void, E | Stage.Failure, R | RunLog> {
    const resumed = checkpointer?.resumed
    let steps = resumed?.steps ?? 0
    let best = resumed?.best ?? null
    let stale = resumed?.stale ?? 0

    for (const [index, planned] of stages.entries()) {
      // The random numbers of a stage. They are drawn for stages that are done, too: those after them keep theirs.
      const drawn = yield* seed === undefined ? Random.nextInt : Random.withSeed(Random.nextInt, `${seed}/${index}`)
      if (index < (resumed?.stage ?? 0)) continue
      const stage = yield* planned.make
      const { cursor, learners, measure, name } = stage
      const from = resumed?.stage === index ? resumed.position ?? undefined : undefined
      const trained = Struct.pick(learners, stage.trained)
      if (checkpointer !== undefined) yield* checkpointer.restore(learners)

      const checkpoint = Effect.fnUntraced(function*(place: number, position: Position | null, own = trained) {
        yield* checkpointer?.write({ stage: place, position, steps, best, stale }, own) ?? Effect.void
      })

      // Measures the agents, and says whether they are better than ever.
      const validate = Effect.fnUntraced(function*(step: number, { metric }: Validating) {
        const log = yield* RunLog
        const { answers, bank, values } = yield* measure!
        yield* log.metrics({
          stage: name,
          step,
          steps: stage.steps,
          values: Object.fromEntries(Object.entries(values).map(([key, value]) => [`validation.${key}`, value]))
        })
        yield* log.validation({ stage: name, step, answers, bank })
        const value = values[metric]
        const isBetter = best === null || value > best.value
        if (isBetter) best = { value, number: steps }
        stale = isBetter ? 0 : stale + 1
        return isBetter
      })

      // One step: what it learns from, the optimizer steps, the log. Returns the next weight of a KL term.
      const step = Effect.fnUntraced(function*(at: Stage.At) {
        const started = yield* Clock.currentTimeMillis
        const work = yield* stage.next(at)
        const updated = yield* learn(work, { stage: name, step: at.step + 1 })
        const seconds = ((yield* Clock.currentTimeMillis) - started) / 1000
        const log = yield* RunLog
        yield* log.metrics({
          stage: name,
          step: at.step + 1,
          steps: stage.steps,
          values: { ...work.metrics(seconds), ...updated, seconds },
          rewards: work.rewards
        })
        if (work.transcript !== undefined) yield* log.transcript(yield* work.transcript)
        return work.nextBeta ?? at.beta
      })

      const loop = Effect.gen(function*() {
        // Each step draws random numbers of its own, so that a resumed stage draws what it would have drawn.
        const drawnIn = (step: number) => Random.withSeed(`${drawn}/${step}`)
        const isBegun = resumed?.stage === index && (from !== undefined || resumed.best !== null)
        if (validation !== undefined && measure !== undefined && !isBegun) {
          yield* validate(0, validation)
          yield* checkpoint(index, null)
        }
        if (from !== undefined) yield* cursor?.restore(from.data) ?? Effect.void
        let beta = from?.beta ?? stage.beta ?? 0
        for (let at = from?.step ?? 0; at < stage.steps; at++) {
          beta = yield* drawnIn(at)(step({ step: at, beta, isResumed: at === from?.step, drawnIn }))
          const done = at + 1
          const isLast = done === stage.steps
          steps++
          const isBetter = validation !== undefined && measure !== undefined &&
            (done % validation.every === 0 || isLast) && (yield* validate(done, validation))
          const isOver = !isLast && stale >= (validation?.patience ?? Infinity)
          if (isBetter || (!isLast && !isOver && done % checkpointEvery === 0)) {
            yield* checkpoint(index, { step: done, beta, data: cursor?.save() ?? null })
          }
          if (isOver) {
            yield* Effect.logInfo(
              `${name}: stopped at step ${done} of ${stage.steps}, after ${stale} validations without a better ` +
                `${validation!.metric} than ${best!.value.toFixed(3)}`
            )
            return
          }
        }
      })

      yield* around({ index, title: planned.title ?? name, steps: stage.steps, from: from?.step ?? 0 }, loop).pipe(
        Effect.tapError((error) =>
          error instanceof Learner.LearnerError
            ? checkpointer?.leaveFailed(trained[stage.trained[0]!]!) ?? Effect.void
            : Effect.void
        )
      )

      // The best weights if they are wanted, a folder for each learner that was trained, and a checkpoint.
      if (validation?.keep === "best" && best !== null && best.number !== steps) {
        yield* checkpointer?.restoreBest(best.number, trained) ?? Effect.void
      }
      const { isStart = false } = stage
      if (checkpointer !== undefined) yield* checkpointer.leave(trained, { isStart })
      best = null
      stale = 0
      yield* checkpoint(index + 1, null, isStart ? {} : trained)
    }
  }
)
