/**
 * A run as a file: read, changed by what the command line sets, and checked before anything is loaded.
 */
import { TrainConfig } from "@memory-r1/trainer"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { closest, distance } from "fastest-levenshtein"
import { dirname } from "node:path"
import * as Yaml from "yaml"
import * as ConfigText from "./ConfigText.ts"
import { registry } from "./registry.ts"

/**
 * A configuration that cannot be used.
 */
export class ConfigError
  extends Schema.TaggedError<ConfigError>()("ConfigError", { file: Schema.String, reason: Schema.String })
{
  override get message(): string {
    return `${this.file}: ${this.reason}`
  }
}

type Json = Record<string, unknown>
const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null

// Every key that a configuration may have, anywhere in it.
const known = (): ReadonlyArray<string> => {
  const found = new Set<string>()
  const visit = (value: unknown): void => {
    if (!isObject(value)) return
    if (isObject(value["properties"])) Object.keys(value["properties"]).forEach((key) => found.add(key))
    Object.values(value).forEach(visit)
  }
  visit(Schema.toJsonSchemaDocument(TrainConfig.TrainConfig))
  for (const { options } of Object.values(registry.datasets)) visit(Schema.toJsonSchemaDocument(options))
  return [...found]
}

// What is said of a key that nobody knows names the one that was probably meant.
const suggested = (message: string): string =>
  message.replaceAll(/(Expected no excess property\n\s+at (?:\[[^\]]+\])*\["([^"]+)"\])/g, (all, _, key: string) => {
    const nearest = closest(key, known() as Array<string>)
    return distance(key, nearest) <= Math.max(2, key.length / 3)
      ? `${all}: did you mean ${JSON.stringify(nearest)}?`
      : all
  })

/**
 * Sets one value, given as `a.b=c`: a path of keys and places in lists, and a value as YAML has it (`5`, `true`,
 * `text`, `[1, 2]`). Gives in one line what is wrong with it.
 */
export const assign = (json: unknown, assignment: string): Result.Result<unknown, string> => {
  const [path = "", ...rest] = assignment.split("=")
  const keys = path.split(".")
  if (rest.length === 0 || keys.some((key) => key === "")) {
    return Result.fail(`${assignment} is no key=value, such as stages.0.steps=5`)
  }
  if (keys.some((key) => key === "__proto__")) return Result.fail(`${path} is no path`)
  const value = Result.try({
    try: () => Yaml.parse(rest.join("=")) as unknown,
    catch: () => `${rest.join("=")} is no value of ${path}`
  })
  if (Result.isFailure(value)) return value
  const set = (at: unknown, [key, ...more]: ReadonlyArray<string>): Result.Result<unknown, string> => {
    if (key === undefined) return value
    if (Array.isArray(at)) {
      const place = Number(key)
      if (!Number.isInteger(place) || place < 0 || place >= at.length) {
        return Result.fail(`${path}: ${key} is no place in a list of ${at.length}`)
      }
      return Result.map(set(at[place], more), (changed) => at.with(place, changed))
    }
    if (at !== undefined && !isObject(at)) return Result.fail(`${path}: what ${key} stands in is ${JSON.stringify(at)}`)
    return Result.map(set(at?.[key], more), (changed) => ({ ...at, [key]: changed }))
  }
  return set(json, keys)
}

/**
 * Reads it. Fails with a `ConfigError` that names the file, and the place in it or the assignment that is at fault.
 */
export const read = Effect.fnUntraced(function*(file: string, assignments: ReadonlyArray<string> = []) {
  const files = yield* FileSystem.FileSystem
  const wrong = (reason: string) => new ConfigError({ file, reason })
  const text = yield* Effect.mapError(files.readFileString(file), () => wrong("cannot be read"))
  let json = yield* Effect.fromResult(Result.mapError(ConfigText.parse(file, text), wrong))
  for (const assignment of assignments) {
    json = yield* Effect.fromResult(Result.mapError(assign(json, assignment), (reason) => wrong(`--set ${reason}`)))
  }
  return yield* Effect.mapError(
    TrainConfig.decode(json, registry, { folder: dirname(file) }),
    (error) => wrong(`is no training configuration\n${suggested(error.message)}`)
  )
})
