/**
 * Which run a command means, and the command in its `run.json`.
 */
import { Registry, RunFolder, type TrainConfig } from "@memory-r1/trainer"
import * as CliError from "effect/cli/CliError"
import * as Effect from "effect/Effect"
import * as Path from "effect/Path"
import * as Stdio from "effect/Stdio"
import * as ConfigFile from "./ConfigFile.ts"
import { registry } from "./registry.ts"
import { completionTokens } from "./shared.ts"

const quoted = (argument: string): string =>
  /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`

/**
 * Writes `run.json`: the arguments of this program as a shell takes them, and what the run was given.
 */
export const write = Effect.fnUntraced(function*(folder: string, given: Omit<RunFolder.Run, "command">) {
  const args = yield* (yield* Stdio.Stdio).args
  yield* RunFolder.writeRun(folder, { command: ["memory-r1", ...args].map(quoted).join(" "), ...given })
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
  const config = yield* RunFolder.readConfig(resume, registry)
  const order = (yield* RunFolder.document(path.join(resume, "run.json"), RunFolder.Run))?.order
  if (order !== undefined) {
    return yield* new ConfigFile.ConfigError({
      file: path.join(resume, "run.json"),
      reason: `is that of a quickstart: resume it with "memory-r1 quickstart --resume --out ${resume}"`
    })
  }
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
  const place = difference(given, yield* RunFolder.readConfig(folder, registry), "")
  if (place === undefined) return
  return yield* new ConfigFile.ConfigError({
    file,
    reason: `differs at ${place} from the configuration that the run in ${folder} began with: ${instead}, or begin a ` +
      "new run with --out"
  })
})

/**
 * In which format the agents of a run folder decide and answer, how long they may, and what is set in the chat
 * template; that of the embedded model if the folder has no configuration.
 */
export const limits = Effect.fnUntraced(function*(folder: string) {
  const found = (yield* RunFolder.limits(folder)) ?? { format: "compact", ...completionTokens }
  return { ...found, format: yield* Registry.find(registry, "formats", found.format) }
})
