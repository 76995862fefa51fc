/**
 * What a run leaves behind: `metrics.jsonl`, `transcripts.jsonl`, `validations.jsonl`, `alarms.jsonl`, TensorBoard's
 * event file and `status.json` in its folder, readable at every moment.
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
import * as Diagnostics from "./Diagnostics.ts"
import * as FailedBatch from "./FailedBatch.ts"
import type { Metrics, Transcript, Validated } from "./Records.ts"
import * as TensorBoard from "./TensorBoard.ts"

export type { Metrics, Transcript, Validated } from "./Records.ts"

/**
 * The run folder cannot be written.
 */
export class RunLogError extends Schema.TaggedError<RunLogError>()("RunLogError", {
  file: Schema.String,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `${this.file} cannot be written (${
      this.cause instanceof Error ? this.cause.message : String(this.cause)
    }); is the folder writable, and is there room?`
  }
}

/**
 * Where a run stands: `stage` and `step` are the last ones that were logged.
 */
export const Status = Schema.Struct({
  state: Schema.Literals(["running", "done", "interrupted", "failed"]),
  stage: Schema.String,
  step: Schema.Int,
  message: Schema.optional(Schema.String)
})
export interface Status extends Schema.Schema.Type<typeof Status> {}

/**
 * How many bytes of each file belong to a run up to some moment.
 */
export const Mark = Schema.Record(Schema.String, Schema.Int)
export type Mark = typeof Mark.Type

/**
 * The log of a run.
 *
 * - `metrics`: a line of figures; alarms that it gives rise to are logged with it.
 * - `transcript`, `validated`: what was written, beside the figures.
 * - `batch`: keeps the batch of a step that failed, and says in which file; nothing where no files are kept.
 * - `mark`: where the log stands now.
 */
export interface Service {
  readonly metrics: (record: Metrics) => Effect.Effect<void, RunLogError>
  readonly transcript: (record: Transcript) => Effect.Effect<void, RunLogError>
  readonly validated: (record: Validated) => Effect.Effect<void, RunLogError>
  readonly batch: (given: FailedBatch.Given) => Effect.Effect<string | undefined, RunLogError>
  readonly mark: Effect.Effect<Mark, RunLogError>
}

/**
 * The tag of the log.
 */
export class RunLog extends Context.Service<RunLog, Service>()("@memory-r1/trainer/RunLog") {}

const silent: Service = {
  metrics: () => Effect.void,
  transcript: () => Effect.void,
  validated: () => Effect.void,
  batch: () => Effect.succeed(undefined),
  mark: Effect.succeed({})
}

/**
 * Keeps nothing.
 */
export const layerNone: Layer.Layer<RunLog> = Layer.succeed(RunLog, silent)

/**
 * Keeps figures and transcripts in a list, for tests and for programs that show progress themselves.
 */
export const layerMemory = (records: Array<Metrics | Transcript>): Layer.Layer<RunLog> => {
  const push = (record: Metrics | Transcript) => Effect.sync(() => void records.push(record))
  return Layer.succeed(RunLog, { ...silent, metrics: push, transcript: push })
}

const messageOf = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return error instanceof Error ? error.message : String(error)
}

const lineFiles = ["metrics.jsonl", "transcripts.jsonl", "validations.jsonl", "alarms.jsonl"] as const

const Line = Schema.StructWithRest(
  Schema.Struct({ stage: Schema.String, step: Schema.Int, steps: Schema.Int, at: Schema.Finite }),
  [Schema.Record(Schema.String, Schema.Unknown)]
)
const readLine = Schema.decodeUnknownSync(Schema.fromJsonString(Line))

// A line of metrics as it was logged.
const parsed = (line: string): Metrics & { readonly at: number } => {
  const { at, stage, step, steps, ...rest } = readLine(line)
  return {
    at,
    stage,
    step,
    steps,
    values: Object.fromEntries(
      Object.entries(rest).flatMap(([name, value]) => typeof value === "number" ? [[name, value]] : [])
    )
  }
}

/**
 * - `resumeAt`: the mark up to which an earlier run's log is kept; what came after it is removed. Without one all of it
 *   is.
 * - `tensorBoard`: also writes an event file (the default).
 */
export interface FolderOptions {
  readonly resumeAt?: Mark | undefined
  readonly tensorBoard?: boolean | undefined
}

/**
 * Writes into a folder, which is made if need be. `status.json` says "running" until the layer
 * is closed, and then how the run ended: done, failed (with the message), or interrupted (Ctrl-C).
 */
export const layerFolder = (
  folder: string,
  { resumeAt = {}, tensorBoard = true }: FolderOptions = {}
): Layer.Layer<RunLog, RunLogError, FileSystem.FileSystem | Path.Path> =>
  Layer.effect(
    RunLog,
    Effect.gen(function*() {
      const files = yield* FileSystem.FileSystem
      const path = yield* Path.Path
      const at = (name: string): string => path.join(folder, name)
      const failing = (file: string) => Effect.mapError((cause: unknown) => new RunLogError({ file, cause }))
      yield* files.makeDirectory(folder, { recursive: true }).pipe(failing(folder))
      // A file is never made longer: after a loss of power it may have less than was marked.
      const keep = (name: string, bytes: number) =>
        Effect.andThen(files.stat(at(name)), ({ size }) =>
          Number(size) > bytes ? files.truncate(at(name), bytes) : Effect.void)
      for (const name of [...lineFiles, TensorBoard.fileName]) {
        const kept = resumeAt[name]
        yield* (kept === undefined ? files.remove(at(name), { force: true }) : keep(name, kept)).pipe(failing(at(name)))
      }

      // What the log has so far: of the stage that continues, for alarms.
      const known = resumeAt["metrics.jsonl"] === undefined
        ? []
        : yield* files.readFileString(at("metrics.jsonl")).pipe(
          Effect.map((text) =>
            text.split("\n").filter((line) => line !== "").map(parsed)
          ),
          failing(at("metrics.jsonl"))
        )
      const raised = new Map<string, Set<string>>()
      const steps = new Map<string, Array<Metrics>>()
      const look = (record: Metrics): ReadonlyArray<Diagnostics.Alarm> => {
        const own = steps.get(record.stage) ?? []
        steps.set(record.stage, own)
        own.push(record)
        const said = raised.get(record.stage) ?? new Set()
        raised.set(record.stage, said)
        return Diagnostics.read(own).filter(({ name }) => !said.has(name) && said.add(name))
      }
      known.forEach(look)

      const last = yield* Ref.make({ stage: known.at(-1)?.stage ?? "start", step: known.at(-1)?.step ?? 0 })
      const statusFile = at("status.json")
      const status = Effect.fnUntraced(function*(state: Status["state"], message?: string) {
        const current: Status = { state, ...(yield* Ref.get(last)), message }
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
        yield* files.writeFileString(at(name), `${JSON.stringify(record)}\n`, { flag: "a" }).pipe(failing(at(name)))
      })
      const board = (bytes: Uint8Array) =>
        tensorBoard
          ? files.writeFile(at(TensorBoard.fileName), bytes, { flag: "a" }).pipe(failing(at(TensorBoard.fileName)))
          : Effect.void
      if (resumeAt[TensorBoard.fileName] === undefined) yield* board(TensorBoard.header(yield* Clock.currentTimeMillis))

      return RunLog.of({
        metrics: Effect.fnUntraced(function*(record) {
          const { rewards, stage, step, steps, values } = record
          const now = yield* Clock.currentTimeMillis
          yield* Ref.set(last, { stage, step })
          yield* append("metrics.jsonl", {
            stage,
            step,
            steps,
            at: now,
            ...values,
            rewards
          })
          yield* board(TensorBoard.scalars(record, now))
          for (const { message, name } of look(record)) {
            yield* append("alarms.jsonl", { stage, step, name, message })
            yield* Effect.logWarning(`${stage}, step ${step}: ${message}`)
          }
        }),
        transcript: (record) => append("transcripts.jsonl", record),
        validated: (record) => append("validations.jsonl", record),
        batch: Effect.fnUntraced(function*(given) {
          const file = at("failed-batch.json")
          yield* files.writeFileString(file, FailedBatch.encode(given)).pipe(failing(file))
          return file
        }),
        mark: Effect.gen(function*() {
          const sizes = yield* Effect.forEach([...lineFiles, ...(tensorBoard ? [TensorBoard.fileName] : [])], (name) =>
            Effect.map(
              Effect.orElseSucceed(
                Effect.map(files.stat(at(name)), ({ size }) =>
                  Number(size)),
                () => undefined
              ),
              (size) => size === undefined ? [] : [[name, size]]
            ))
          return Object.fromEntries(sizes.flat()) as Mark
        })
      })
    })
  )
