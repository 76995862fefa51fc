// Reading and writing data files, with errors that name the file and the place.
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import * as FileSystem from "effect/FileSystem"
import type * as PlatformError from "effect/PlatformError"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { errorIn } from "./internal/jsonError.ts"

/** A file that is not there, or that this process may not read or write. */
export class FileUnusable extends Schema.TaggedError<FileUnusable>()("FileUnusable", {
  file: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.file}: ${this.detail}`
  }
}

/** A file that is no JSON, with the place where it stops being so. */
export class BrokenJson extends Schema.TaggedError<BrokenJson>()("BrokenJson", {
  file: Schema.String,
  line: Schema.Int,
  column: Schema.Int,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.file}:${this.line}:${this.column}: broken JSON: ${this.detail}`
  }
}

/** JSON of another shape than the data set's, with the path to the first thing that is wrong. */
export class WrongShape extends Schema.TaggedError<WrongShape>()("WrongShape", {
  file: Schema.String,
  place: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.file}: at ${this.place}: ${this.detail}`
  }
}

export type DataFileError = FileUnusable | BrokenJson | WrongShape

const unusable = (file: string) => (error: PlatformError.PlatformError) =>
  new FileUnusable({ file, detail: error.reason._tag === "NotFound" ? "no such file" : error.message })

export { errorIn as jsonError } from "./internal/jsonError.ts"

export interface Content {
  readonly text: string
  readonly sha256: string
}

export const read = Effect.fnUntraced(function*(file: string) {
  const files = yield* FileSystem.FileSystem
  const bytes = yield* Effect.mapError(files.readFile(file), unusable(file))
  const digest = yield* Effect.promise(() => crypto.subtle.digest("SHA-256", new Uint8Array(bytes)))
  const content: Content = { text: new TextDecoder().decode(bytes), sha256: Hex.encode(new Uint8Array(digest)) }
  return content
})

export const write = Effect.fnUntraced(function*(file: string, text: string) {
  const files = yield* FileSystem.FileSystem
  yield* Effect.mapError(files.writeFileString(file, text), unusable(file))
})

export const parse = (file: string, text: string): Effect.Effect<unknown, BrokenJson> => {
  const error = errorIn(text)
  return error === undefined ? Effect.sync(() => JSON.parse(text)) : Effect.fail(new BrokenJson({ file, ...error }))
}

const issuesOf = SchemaIssue.makeFormatterStandardSchemaV1()

const place = (path: ReadonlyArray<unknown>): string =>
  path.map((key) => typeof key === "number" ? `[${key}]` : `.${String(key)}`).join("").replace(/^\./, "") || "the top"

/** The first issue of a schema error, as a place and what is wrong there. */
export const explain = (error: Schema.SchemaError): { readonly place: string; readonly detail: string } => {
  const [issue] = issuesOf(error.issue).issues
  return { place: place(issue?.path ?? []), detail: issue?.message ?? error.message }
}

export const decode = <T, E>(file: string, schema: Schema.Codec<T, E>, value: unknown): Effect.Effect<T, WrongShape> =>
  Effect.mapError(Schema.decodeUnknownEffect(schema)(value), (error) => new WrongShape({ file, ...explain(error) }))

export const encode = <T, E>(file: string, schema: Schema.Codec<T, E>, value: T): Effect.Effect<E, WrongShape> =>
  Effect.mapError(Schema.encodeEffect(schema)(value), (error) => new WrongShape({ file, ...explain(error) }))
