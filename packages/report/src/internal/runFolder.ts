// Reading a run folder. The parts that are missing are omitted; a line that cannot be read is skipped and counted,
// since a run that was killed leaves its last line unfinished.
import { DataFile } from "@memory-r1/core/rl"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Schema from "effect/Schema"
import * as Format from "./format.ts"

const names = [
  "results.json",
  "metrics.jsonl",
  "transcripts.jsonl",
  "validations.jsonl",
  "alarms.jsonl",
  "status.json",
  "run.json"
] as const

const optional = Effect.fnUntraced(function*(file: string) {
  const files = yield* FileSystem.FileSystem
  const there = yield* files
    .exists(file)
    .pipe(Effect.mapError((error) => new DataFile.FileUnusable({ file, detail: error.message })))
  return there ? (yield* DataFile.read(file)).text : undefined
})

const document = Effect.fnUntraced(function*<T, E>(file: string, schema: Schema.Codec<T, E>) {
  const text = yield* optional(file)
  return text === undefined ? undefined : yield* DataFile.decode(file, schema, yield* DataFile.parse(file, text))
})

interface Lines<T> {
  readonly found: ReadonlyArray<T>
  readonly skipped: ReadonlyArray<Format.Skipped>
}

const lines = Effect.fnUntraced(function*<T>(folder: string, name: string, read: (line: string) => Option.Option<T>) {
  const path = yield* Path.Path
  const text = yield* optional(path.join(folder, name))
  const found: Array<T> = []
  let [skipped, partial] = [0, false]
  const all = (text ?? "").split("\n")
  all.forEach((line, i) => {
    if (line.trim() === "") return
    const value = read(line)
    if (Option.isSome(value)) found.push(value.value)
    else {
      skipped++
      // What a file ends with, where no line break follows, was still being written.
      partial = i === all.length - 1
    }
  })
  return { found, skipped: skipped === 0 ? [] : [{ file: name, lines: skipped, partial }] } satisfies Lines<T>
})

const Head = Schema.Struct({
  stage: Schema.String,
  step: Schema.Int,
  steps: Schema.optional(Schema.NullOr(Schema.Int)),
  at: Schema.optional(Schema.NullOr(Schema.Finite))
})
const readHead = Schema.decodeUnknownOption(Head)
const readObject = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown)))
const readTranscript = Schema.decodeUnknownOption(Schema.fromJsonString(Format.Transcript))
const readValidated = Schema.decodeUnknownOption(Schema.fromJsonString(Format.Validated))
const readAlarm = Schema.decodeUnknownOption(Schema.fromJsonString(Format.Alarm))
const heads: ReadonlySet<string> = new Set(Object.keys(Head.fields))

const readMetrics = (line: string): Option.Option<Format.Metrics> =>
  Option.flatMap(readObject(line), (object) =>
    Option.map(
      readHead(object),
      ({ at, stage, step, steps }): Format.Metrics => ({
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
      })
    ))

export const read = Effect.fnUntraced(function*(folder: string) {
  const path = yield* Path.Path
  const files = yield* FileSystem.FileSystem
  const at = (name: (typeof names)[number]): string => path.join(folder, name)
  const there = yield* Effect.filter(names, (name) => Effect.orElseSucceed(files.exists(at(name)), () => false))
  if (there.length === 0) {
    return yield* new DataFile.FileUnusable({
      file: folder,
      detail: `no run folder: it holds none of ${names.join(", ")}`
    })
  }
  const run = yield* document(at("run.json"), Format.Run)
  const status = yield* document(at("status.json"), Format.Status)
  const results = yield* document(at("results.json"), Format.Results)
  const metrics = yield* lines(folder, "metrics.jsonl", readMetrics)
  const transcripts = yield* lines(folder, "transcripts.jsonl", readTranscript)
  const validations = yield* lines(folder, "validations.jsonl", readValidated)
  const alarms = yield* lines(folder, "alarms.jsonl", readAlarm)
  const input: Format.Input = {
    folder,
    run,
    status,
    results,
    metrics: metrics.found,
    transcripts: transcripts.found,
    ...(validations.found.length === 0 ? {} : { validations: validations.found }),
    ...(alarms.found.length === 0 ? {} : { alarms: alarms.found }),
    skipped: [...metrics.skipped, ...transcripts.skipped, ...validations.skipped, ...alarms.skipped]
  }
  return input
})
