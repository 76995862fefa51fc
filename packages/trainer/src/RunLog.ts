/**
 * What a run leaves behind: `metrics.jsonl`, `transcripts.jsonl` and `status.json` in its folder, readable at every moment.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"

/**
 * The run folder cannot be written.
 */
export class RunLogError extends Schema.TaggedError<RunLogError>()("RunLogError", {
  file: Schema.String,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `${this.file} cannot be written (${this.cause instanceof Error ? this.cause.message : String(this.cause)}); is the folder writable, and is there room?`
  }
}

/**
 * One line of `metrics.jsonl`: a stage, a step, and numbers by name.
 */
export interface Metrics {
  readonly stage: string
  readonly step: number
  readonly steps: number
  readonly values: Readonly<Record<string, number>>
}

/**
 * One line of `transcripts.jsonl`: what was asked, what was written, what it earned.
 */
export interface Transcript {
  readonly stage: string
  readonly step: number
  readonly prompt: string
  readonly completions: ReadonlyArray<{
    readonly text: string
    readonly reward: number
    readonly advantage: number
    readonly parts: Readonly<Record<string, number>>
    readonly result: string
  }>
}

/**
 * Where a run stands: `stage` and `step` are the last ones that were logged.
 */
export const Status = Schema.Struct({
  state: Schema.Literals(["running", "done", "interrupted", "failed"]),
  stage: Schema.String,
  step: Schema.Int,
  message: Schema.optionalKey(Schema.String)
})
export interface Status extends Schema.Schema.Type<typeof Status> {}

/**
 * The log of a run.
 */
export class RunLog extends Context.Service<RunLog, {
  readonly metrics: (record: Metrics) => Effect.Effect<void, RunLogError>
  readonly transcript: (record: Transcript) => Effect.Effect<void, RunLogError>
}>()("@memory-r1/trainer/RunLog") {}

/**
 * Keeps nothing.
 */
export const layerNone: Layer.Layer<RunLog> = Layer.succeed(RunLog, { metrics: () => Effect.void, transcript: () => Effect.void })

/**
 * Keeps everything in a list, for tests and for programs that show progress themselves.
 */
export const layerMemory = (records: Array<Metrics | Transcript>): Layer.Layer<RunLog> => {
  const push = (record: Metrics | Transcript) => Effect.sync(() => void records.push(record))
  return Layer.succeed(RunLog, { metrics: push, transcript: push })
}

const messageOf = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return error instanceof Error ? error.message : String(error)
}

/**
 * Writes into a folder, which is made if need be; the log of an earlier run in it is removed. `status.json` says "running" until the layer
 * is closed, and then how the run ended: done, failed (with the message), or interrupted (Ctrl-C).
 */
export const layerFolder = (folder: string): Layer.Layer<RunLog, RunLogError, FileSystem.FileSystem | Path.Path> =>
  Layer.effect(
    RunLog,
    Effect.gen(function*() {
      const files = yield* FileSystem.FileSystem
      const path = yield* Path.Path
      const last = yield* Ref.make({ stage: "start", step: 0 })
      const failing = (file: string) => Effect.mapError((cause: unknown) => new RunLogError({ file, cause }))
      yield* files.makeDirectory(folder, { recursive: true }).pipe(failing(folder))
      for (const name of ["metrics.jsonl", "transcripts.jsonl"]) {
        yield* files.remove(path.join(folder, name), { force: true }).pipe(failing(path.join(folder, name)))
      }

      const statusFile = path.join(folder, "status.json")
      const status = Effect.fnUntraced(function*(state: Status["state"], message?: string) {
        const current: Status = { state, ...(yield* Ref.get(last)), ...(message === undefined ? {} : { message }) }
        yield* files.writeFileString(`${statusFile}.tmp`, `${JSON.stringify(current, null, 2)}\n`)
        yield* files.rename(`${statusFile}.tmp`, statusFile)
      })
      yield* status("running").pipe(failing(statusFile))
      yield* Effect.addFinalizer((exit) =>
        Effect.ignore(
          Exit.isSuccess(exit)
            ? status("done")
            : Exit.hasInterrupts(exit)
            ? status("interrupted", "stopped before the end; what is in this folder is what was done until then")
            : status("failed", messageOf(exit.cause))
        )
      )
      const append = Effect.fnUntraced(function*(name: string, record: object) {
        const file = path.join(folder, name)
        yield* files.writeFileString(file, `${JSON.stringify(record)}\n`, { flag: "a" }).pipe(failing(file))
      })
      return RunLog.of({
        metrics: Effect.fnUntraced(function*({ stage, step, steps, values }) {
          yield* Ref.set(last, { stage, step })
          yield* append("metrics.jsonl", { stage, step, steps, at: yield* Clock.currentTimeMillis, ...values })
        }),
        transcript: (record) => append("transcripts.jsonl", record)
      })
    })
  )
