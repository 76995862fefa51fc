/**
 * What a run folder says of itself: `run.json`, the command that makes the run, for the report page; `training.json`,
 * the configuration with all of its defaults (a `config.json` would look like a model's).
 */
import { Report } from "@memory-r1/report"
import { Checkpoints, Registry, TrainConfig } from "@memory-r1/trainer"
import * as CliError from "effect/cli/CliError"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Schema from "effect/Schema"
import * as Stdio from "effect/Stdio"
import * as ConfigFile from "./ConfigFile.ts"
import { registry } from "./registry.ts"
import { completionTokens } from "./shared.ts"

const quoted = (argument: string): string =>
  /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`

// Appears whole or not at all, whenever the process is killed.
const writeWhole = Effect.fnUntraced(function*(file: string, value: unknown) {
  const files = yield* FileSystem.FileSystem
  yield* files.writeFileString(`${file}.tmp`, `${JSON.stringify(value, null, 2)}\n`)
  yield* files.rename(`${file}.tmp`, file)
})

/**
 * Writes it: the arguments of this program as a shell takes them, and what the run was given.
 */
export const write = Effect.fnUntraced(function*(folder: string, given: Omit<Report.Run, "command">) {
  const path = yield* Path.Path
  const args = yield* (yield* Stdio.Stdio).args
  const run: Report.Run = { command: ["memory-r1", ...args].map(quoted).join(" "), ...given }
  yield* writeWhole(path.join(folder, "run.json"), run)
})

/**
 * Writes the configuration.
 */
export const writeConfig = Effect.fnUntraced(function*(folder: string, config: TrainConfig.TrainConfig) {
  const path = yield* Path.Path
  yield* writeWhole(path.join(folder, "training.json"), config)
})

const leftConfig = (file: string, error: { readonly message: string }) =>
  new ConfigFile.ConfigError({ file, reason: `is not the configuration that a run leaves\n${error.message}` })

/**
 * The configuration that a run left.
 */
export const readConfig = Effect.fnUntraced(function*(folder: string) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const file = path.join(folder, "training.json")
  const text = yield* Effect.mapError(
    files.readFileString(file),
    () =>
      new ConfigFile.ConfigError({
        file,
        reason: `cannot be read: is ${folder} the folder of a run of "memory-r1 train"?`
      })
  )
  const json = yield* Effect.mapError(
    Schema.decodeEffect(Schema.fromJsonString(Schema.Unknown))(text),
    (error) => leftConfig(file, error)
  )
  return yield* Effect.mapError(TrainConfig.decode(json, registry), (error) => leftConfig(file, error))
})

// Where two configurations differ first.
const difference = (one: unknown, other: unknown, at: string): string | undefined => {
  const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
    typeof value === "object" && value !== null
  if (!isObject(one) || !isObject(other)) return Object.is(one, other) ? undefined : at
  for (const key of new Set([...Object.keys(one), ...Object.keys(other)])) {
    const found = difference(one[key], other[key], at === "" ? key : `${at}.${key}`)
    if (found !== undefined) return found
  }
  return undefined
}

/**
 * Which run is asked for: one of a configuration file, in a folder; or one that resumes in its own folder with its own
 * configuration.
 */
export const chosen = Effect.fnUntraced(function*({ file, out, resume, set }: {
  readonly file: string | undefined
  readonly out: string | undefined
  readonly resume: string | undefined
  readonly set: ReadonlyArray<string>
}) {
  if (resume === undefined) {
    if (file === undefined) return yield* new CliError.MissingOption({ option: "config" })
    return { config: yield* ConfigFile.read(file, set), folder: out ?? "runs/train" }
  }
  const path = yield* Path.Path
  const usage = (option: string, value: string, expected: string) =>
    new CliError.InvalidValue({ option, value, expected, kind: "flag" })
  if (out !== undefined && path.resolve(out) !== path.resolve(resume)) {
    return yield* usage("out", out, `${resume}, the folder of --resume: a run resumes in its own folder`)
  }
  const config = yield* readConfig(resume)
  if (file === undefined) {
    if (set.length > 0) {
      return yield* usage("set", set[0]!, "nothing beside --resume: a run resumes with its own configuration")
    }
    return { config, folder: resume }
  }
  yield* expectSame(resume, yield* ConfigFile.read(file, set), { file, instead: "leave --config out" })
  return { config, folder: resume }
})

/**
 * Fails if a configuration is not the one that the run in a folder began with.
 */
export const expectSame = Effect.fnUntraced(function*(
  folder: string,
  given: TrainConfig.TrainConfig,
  { file = folder, instead = "give the same options" }: {
    readonly file?: string | undefined
    readonly instead?: string | undefined
  } = {}
) {
  const place = difference(given, yield* readConfig(folder), "")
  if (place === undefined) return
  return yield* new ConfigFile.ConfigError({
    file,
    reason: `differs at ${place} from the configuration that the run in ${folder} began with: ${instead}, or begin a ` +
      "new run with --out"
  })
})

/**
 * A folder that holds a run which can be gone on with.
 */
export class RunExists
  extends Schema.TaggedError<RunExists>()("RunExists", { folder: Schema.String, reason: Schema.String })
{
  override get message(): string {
    return `${this.folder}: ${this.reason}`
  }
}

/**
 * Makes room for a run that begins: removes what an earlier one has left in the folder, unless that one was stopped and
 * can resume; `evenStopped` removes it too.
 */
export const clear = Effect.fnUntraced(function*(
  folder: string,
  { evenStopped = false }: { readonly evenStopped?: boolean | undefined } = {}
) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const [newest] = yield* Checkpoints.list(folder)
  if (newest !== undefined && !evenStopped) {
    const { status } = yield* Report.read(folder)
    if (status?.state !== "done") {
      const reason = `holds a run that was stopped, with a checkpoint after ${newest} steps: resume it with --resume ` +
        `${folder}, or give another --out`
      return yield* new RunExists({ folder, reason })
    }
  }
  for (const name of ["checkpoints", "failed", "failed-batch.json", "report.html"]) {
    yield* files.remove(path.join(folder, name), { recursive: true, force: true })
  }
})

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (cause) {
    // Somebody else's process is alive too.
    return cause instanceof Error && "code" in cause && cause.code === "EPERM"
  }
}

/**
 * Keeps a run folder for this process as long as the scope is open: two that write into it would spoil it. What a
 * killed process left behind does not matter.
 */
export const locked = Effect.fnUntraced(function*(folder: string) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const file = path.join(folder, "run.lock")
  yield* files.makeDirectory(folder, { recursive: true })
  const holder = Number(yield* Effect.orElseSucceed(files.readFileString(file), () => ""))
  if (holder > 0 && holder !== process.pid && isAlive(holder)) {
    return yield* new RunExists({
      folder,
      reason: `process ${holder} is running in it; if it is no run, remove ${file}`
    })
  }
  yield* Effect.acquireRelease(files.writeFileString(file, `${process.pid}`), () => Effect.ignore(files.remove(file)))
})

const Limits = Schema.Struct({
  format: Schema.String,
  managerTokens: Schema.Int,
  answerTokens: Schema.Int,
  model: Schema.optionalKey(
    Schema.Struct({ templateOptions: Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown)) })
  )
})

const embedded: typeof Limits.Type = { format: "compact", ...completionTokens }

/**
 * In which format the agents of a run folder decide and answer, how long they may, and what is set in the chat
 * template; that of the embedded model where no configuration says so.
 */
export const limits = Effect.fnUntraced(function*(folder: string) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const file = path.join(folder, "training.json")
  const found = (yield* files.exists(file))
    ? yield* Effect.mapError(
      Effect.flatMap(files.readFileString(file), Schema.decodeEffect(Schema.fromJsonString(Limits))),
      (error) => leftConfig(file, error)
    )
    : embedded
  return { ...found, format: yield* Registry.find(registry, "formats", found.format) }
})
