/**
 * Reads and writes JSON files, with errors that name the file and the place.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import * as FileSystem from "effect/FileSystem"
import type * as PlatformError from "effect/PlatformError"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { errorIn } from "../internal/jsonError.ts"

/**
 * A file that is not there, or that this process may not read or write.
 *
 * @category errors
 * @since 0.1.0
 */
export class FileUnusable extends Schema.TaggedError<FileUnusable>()("FileUnusable", {
  file: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.file}: ${this.detail}`
  }
}

/**
 * A file that is no JSON, with the place where it stops being so.
 *
 * @category errors
 * @since 0.1.0
 */
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

/**
 * JSON of another shape than the data set's, with the path to the first thing that is wrong.
 *
 * @category errors
 * @since 0.1.0
 */
export class WrongShape extends Schema.TaggedError<WrongShape>()("WrongShape", {
  file: Schema.String,
  place: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.file}: at ${this.place}: ${this.detail}`
  }
}

/**
 * What can be wrong with a file.
 *
 * @category models
 * @since 0.1.0
 */
export type DataFileError = FileUnusable | BrokenJson | WrongShape

const unusable = (file: string) => (error: PlatformError.PlatformError) =>
  new FileUnusable({ file, detail: error.reason._tag === "NotFound" ? "no such file" : error.message })

/**
 * What a file holds, and the SHA-256 of its bytes in hexadecimal digits.
 *
 * @category models
 * @since 0.1.0
 */
export interface Content {
  readonly text: string
  readonly sha256: string
}

/**
 * Reads a file. Fails with `FileUnusable`.
 *
 * @category running
 * @since 0.1.0
 */
export const read = Effect.fnUntraced(function*(file: string) {
  const files = yield* FileSystem.FileSystem
  const bytes = yield* Effect.mapError(files.readFile(file), unusable(file))
  const digest = yield* Effect.promise(() => crypto.subtle.digest("SHA-256", new Uint8Array(bytes)))
  const content: Content = { text: new TextDecoder().decode(bytes), sha256: Hex.encode(new Uint8Array(digest)) }
  return content
})

/**
 * Writes a file. Fails with `FileUnusable`.
 *
 * @category running
 * @since 0.1.0
 */
export const write = Effect.fnUntraced(function*(file: string, text: string) {
  const files = yield* FileSystem.FileSystem
  yield* Effect.mapError(files.writeFileString(file, text), unusable(file))
})

/**
 * The value of a JSON text. Fails with `BrokenJson`, which names line and column.
 *
 * @category running
 * @since 0.1.0
 */
export const parse = (file: string, text: string): Effect.Effect<unknown, BrokenJson> => {
  const error = errorIn(text)
  return error === undefined ? Effect.sync(() => JSON.parse(text)) : Effect.fail(new BrokenJson({ file, ...error }))
}

const issuesOf = SchemaIssue.makeFormatterStandardSchemaV1()

const place = (path: ReadonlyArray<unknown>): string =>
  path.map((key) => typeof key === "number" ? `[${key}]` : `.${String(key)}`).join("").replace(/^\./, "") || "the top"

/**
 * The first issue of a schema error, as a place and what is wrong there.
 *
 * @category formatting
 * @since 0.1.0
 */
export const explain = (error: Schema.SchemaError): { readonly place: string; readonly detail: string } => {
  const [issue] = issuesOf(error.issue).issues
  return { place: place(issue?.path ?? []), detail: issue?.message ?? error.message }
}

/**
 * Decodes a value of a file. Fails with `WrongShape`, which names the path to the first thing that is wrong.
 *
 * @category running
 * @since 0.1.0
 */
export const decode = <T, E>(file: string, schema: Schema.Codec<T, E>, value: unknown): Effect.Effect<T, WrongShape> =>
  Effect.mapError(Schema.decodeUnknownEffect(schema)(value), (error) => new WrongShape({ file, ...explain(error) }))

/**
 * Encodes a value for a file. Fails with `WrongShape`, as `decode` does.
 *
 * @category running
 * @since 0.1.0
 */
export const encode = <T, E>(file: string, schema: Schema.Codec<T, E>, value: T): Effect.Effect<E, WrongShape> =>
  Effect.mapError(Schema.encodeEffect(schema)(value), (error) => new WrongShape({ file, ...explain(error) }))

/**
 * Where a text stops being JSON, or `undefined` where it is JSON. `JSON.parse` says so in words that differ between
 * engines and often omit the place.
 *
 * @category getters
 * @since 0.1.0
 */
export const jsonError = errorIn
