/**
 * The folder of a run: what it holds, who writes it, and how it is read again.
 *
 * | file                  | holds                                                                      |
 * | --------------------- | -------------------------------------------------------------------------- |
 * | `run.json`            | the command that made the run, and its seed                                |
 * | `training.json`       | the configuration with all of its defaults                                 |
 * | `metrics.jsonl`       | the metrics of every step                                                  |
 * | `transcripts.jsonl`   | groups of completions with their rewards                                   |
 * | `validations.jsonl`   | answers and a bank after a validation                                      |
 * | `alarms.jsonl`        | what `Diagnostics` found                                                   |
 * | `events.out.tfevents` | the metrics for TensorBoard                                                |
 * | `status.json`         | where the run stands, and how it ended                                     |
 * | `checkpoints/`        | all that the run needs to resume; see `Checkpoints`                        |
 * | `greedy.jsonl`        | what frozen agents wrote, for each prompt once                             |
 * | `failed-batch.json`   | the batch of a step that failed; see `FailedBatch`                         |
 * | `run.lock`            | the process that writes the folder                                         |
 *
 * @since 0.1.0
 */
import { messageOf } from "@memory-r1/core"
import { DataFile } from "@memory-r1/core/rl"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import * as Checkpoints from "./Checkpoints.ts"
import * as Diagnostics from "./Diagnostics.ts"
import * as FailedBatch from "./FailedBatch.ts"
import * as Greedy from "./internal/greedy.ts"
import { document, lines, type Skipped, writeJson } from "./internal/runFiles.ts"
import { RunExists } from "./internal/runLock.ts"
import * as RunLog from "./RunLog.ts"
import * as TensorBoard from "./TensorBoard.ts"

export { limits, readConfig, RunFolderError, writeConfig } from "./internal/runConfig.ts"
export { document, type Skipped } from "./internal/runFiles.ts"
export { locked, RunExists } from "./internal/runLock.ts"

/**
 * The names of the files that the report reads.
 *
 * @category models
 * @since 0.1.0
 */
export const names = [
  "results.json",
  "metrics.jsonl",
  "transcripts.jsonl",
  "validations.jsonl",
  "alarms.jsonl",
  "status.json",
  "run.json"
] as const

/**
 * The schema of `run.json`: the command that made the run, and what it was given.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Run = Schema.Struct({
  command: Schema.String,
  seed: Schema.optional(Schema.Int),
  algorithm: Schema.optional(Schema.String),
  order: Schema.optional(Schema.String)
})

/**
 * The type of `Run`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Run extends Schema.Schema.Type<typeof Run> {}

/**
 * The schema of `status.json`. `stage` and `step` are the last ones that were logged.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Status = Schema.Struct({
  state: Schema.Literals(["running", "done", "interrupted", "failed"]),
  stage: Schema.String,
  step: Schema.Int,
  message: Schema.optional(Schema.String)
})

/**
 * The type of `Status`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Status extends Schema.Schema.Type<typeof Status> {}

/**
 * A line of `metrics.jsonl`. `at` is in milliseconds since 1970.
 *
 * @category models
 * @since 0.1.0
 */
export interface MetricsLine {
  readonly stage: string
  readonly step: number
  readonly steps?: number | undefined
  readonly at?: number | undefined
  readonly values: ReadonlyMap<string, number>
  readonly rewards?: ReadonlyArray<number> | undefined
}

/**
 * What a run folder holds, as far as it is there.
 *
 * @category models
 * @since 0.1.0
 */
export interface Contents {
  readonly folder: string
  readonly run?: Run | undefined
  readonly status?: Status | undefined
  readonly metrics: ReadonlyArray<MetricsLine>
  readonly transcripts: ReadonlyArray<RunLog.Transcript>
  readonly validations?: ReadonlyArray<RunLog.Validation> | undefined
  readonly diagnostics?: ReadonlyArray<Diagnostics.Diagnostic> | undefined
  readonly skipped: ReadonlyArray<Skipped>
}

const lineOf = <T, E>(schema: Schema.Codec<T, E>) => Schema.decodeUnknownOption(Schema.fromJsonString(schema))

const Head = Schema.Struct({
  stage: Schema.String,
  step: Schema.Int,
  steps: Schema.optional(Schema.NullOr(Schema.Int)),
  at: Schema.optional(Schema.NullOr(Schema.Finite))
})
const readHead = Schema.decodeUnknownOption(Head)
const readObject = lineOf(Schema.Record(Schema.String, Schema.Unknown))
const heads: ReadonlySet<string> = new Set(Object.keys(Head.fields))

/**
 * The metrics in a line of `metrics.jsonl`; nothing if it is not such a line.
 *
 * @category getters
 * @since 0.1.0
 */
export const metricsOf = (line: string): Option.Option<MetricsLine> =>
  Option.flatMap(
    readObject(line),
    (object) =>
      Option.map(readHead(object), ({ at, stage, step, steps }): MetricsLine => ({
        stage,
        step,
        ...(typeof steps === "number" ? { steps } : {}),
        ...(typeof at === "number" ? { at } : {}),
        values: new Map(
          Object.entries(object).flatMap(([name, value]) =>
            typeof value === "number" && Number.isFinite(value) && !heads.has(name) ? [[name, value] as const] : []
          )
        ),
        ...(Array.isArray(object["rewards"])
          ? { rewards: object["rewards"].filter((value) => typeof value === "number" && Number.isFinite(value)) }
          : {})
      }))
  )

/**
 * Reads a run folder. What is missing is omitted. Lines that cannot be read, such as the last one of a run that was
 * killed, are skipped and counted.
 *
 * Fails with `FileUnusable` if the folder holds none of `names` or a file cannot be read, and with `BrokenJson` and
 * `WrongShape` for the documents among them.
 *
 * @category running
 * @since 0.1.0
 */
export const read = Effect.fn("RunFolder.read")(function*(folder: string) {
  const path = yield* Path.Path
  const files = yield* FileSystem.FileSystem
  const there = yield* Effect.filter(
    names,
    (name) => Effect.orElseSucceed(files.exists(path.join(folder, name)), () => false)
  )
  if (there.length === 0) {
    return yield* new DataFile.FileUnusable({
      file: folder,
      detail: `no run folder: it holds none of ${names.join(", ")}`
    })
  }
  const metrics = yield* lines(folder, "metrics.jsonl", metricsOf)
  const transcripts = yield* lines(folder, "transcripts.jsonl", lineOf(RunLog.Transcript))
  const validations = yield* lines(folder, "validations.jsonl", lineOf(RunLog.Validation))
  const diagnostics = yield* lines(folder, "alarms.jsonl", lineOf(Diagnostics.Diagnostic))
  const contents: Contents = {
    folder,
    run: yield* document(path.join(folder, "run.json"), Run),
    status: yield* document(path.join(folder, "status.json"), Status),
    metrics: metrics.found,
    transcripts: transcripts.found,
    ...(validations.found.length === 0 ? {} : { validations: validations.found }),
    ...(diagnostics.found.length === 0 ? {} : { diagnostics: diagnostics.found }),
    skipped: [metrics, transcripts, validations, diagnostics].flatMap(({ skipped }) => skipped)
  }
  return contents
})

/**
 * Writes `run.json`.
 *
 * @category running
 * @since 0.1.0
 */
export const writeRun = Effect.fnUntraced(function*(folder: string, run: Run) {
  const path = yield* Path.Path
  yield* writeJson(path.join(folder, "run.json"), run)
})

/**
 * Makes room for a new run: removes what an earlier one has left in the folder. Fails with `RunExists` if that one was
 * stopped and can resume, unless `evenStopped` is set.
 *
 * @category running
 * @since 0.1.0
 */
export const clear = Effect.fnUntraced(function*(
  folder: string,
  { evenStopped = false }: { readonly evenStopped?: boolean | undefined } = {}
) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const [newest] = yield* Checkpoints.list(folder)
  if (newest !== undefined && !evenStopped) {
    const status = yield* document(path.join(folder, "status.json"), Status)
    if (status?.state !== "done") {
      const reason =
        `holds a run that was stopped, with a checkpoint after ${newest} steps: resume it with --resume ${folder}, ` +
        "or give another --out"
      return yield* new RunExists({ folder, reason })
    }
  }
  for (const name of ["checkpoints", "failed", "failed-batch.json", Greedy.fileName, "report.html"]) {
    yield* files.remove(path.join(folder, name), { recursive: true, force: true })
  }
})

const lineFiles = ["metrics.jsonl", "transcripts.jsonl", "validations.jsonl", "alarms.jsonl"] as const

/**
 * - `resumeAt`: keep an earlier run's log up to this mark and remove the rest. If omitted, all of it is removed.
 * - `tensorBoard`: write an event file too (default: true).
 *
 * @category models
 * @since 0.1.0
 */
export interface LogOptions {
  readonly resumeAt?: RunLog.Mark | undefined
  readonly tensorBoard?: boolean | undefined
}

/**
 * The log in a folder, which is created if needed. `status.json` says "running" until the layer is closed, and then how
 * the run ended: done, failed (with the message), or interrupted (Ctrl-C).
 *
 * @category layers
 * @since 0.1.0
 */
export const layerLog = (
  folder: string,
  { resumeAt = {}, tensorBoard = true }: LogOptions = {}
): Layer.Layer<RunLog.RunLog, RunLog.RunLogError, FileSystem.FileSystem | Path.Path> =>
  Layer.effect(
    RunLog.RunLog,
    Effect.gen(function*() {
      const files = yield* FileSystem.FileSystem
      const path = yield* Path.Path
      const at = (name: string): string => path.join(folder, name)
      const failing = (file: string) => Effect.mapError((cause: unknown) => new RunLog.RunLogError({ file, cause }))
      yield* files.makeDirectory(folder, { recursive: true }).pipe(failing(folder))
      // A file is never made longer: after a loss of power it may have less than was marked.
      const keep = (name: string, bytes: number) =>
        Effect.andThen(files.stat(at(name)), ({ size }) =>
          Number(size) > bytes ? files.truncate(at(name), bytes) : Effect.void)
      for (const name of [...lineFiles, TensorBoard.fileName]) {
        const kept = resumeAt[name]
        yield* (kept === undefined ? files.remove(at(name), { force: true }) : keep(name, kept)).pipe(failing(at(name)))
      }

      // What the log has so far: of the stage that goes on, for diagnostics.
      const known = resumeAt["metrics.jsonl"] === undefined
        ? []
        : yield* files.readFileString(at("metrics.jsonl")).pipe(
          Effect.map((text) =>
            text.split("\n").flatMap((line) => Option.toArray(metricsOf(line)))
          ),
          failing(at("metrics.jsonl"))
        )
      const raised = new Map<string, Set<string>>()
      const steps = new Map<string, Array<Pick<RunLog.Metrics, "values">>>()
      const look = (record: Pick<RunLog.Metrics, "stage" | "values">) => {
        const own = steps.get(record.stage) ?? []
        steps.set(record.stage, own)
        own.push(record)
        const said = raised.get(record.stage) ?? new Set()
        raised.set(record.stage, said)
        return Diagnostics.read(own).filter(({ name }) => !said.has(name) && said.add(name))
      }
      known.forEach(({ stage, values }) => look({ stage, values: Object.fromEntries(values) }))

      const last = yield* Ref.make({ stage: known.at(-1)?.stage ?? "start", step: known.at(-1)?.step ?? 0 })
      const statusFile = at("status.json")
      const status = Effect.fnUntraced(function*(state: Status["state"], message?: string) {
        const current: Status = { state, ...(yield* Ref.get(last)), message }
        yield* writeJson(statusFile, current)
      })
      yield* status("running").pipe(failing(statusFile))
      yield* Effect.addFinalizer((exit) =>
        Effect.ignore(
          Exit.isSuccess(exit)
            ? status("done")
            : Exit.hasInterrupts(exit)
            ? status("interrupted", "stopped before the end; what is in this folder is what was done until then")
            : status("failed", messageOf(Cause.squash(exit.cause)))
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

      return RunLog.RunLog.of({
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
        validation: (record) => append("validations.jsonl", record),
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
          return Object.fromEntries(sizes.flat()) as RunLog.Mark
        })
      })
    })
  )
