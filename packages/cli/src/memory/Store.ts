/**
 * The store and the scope that a command works on.
 *
 * @since 0.1.0
 */
import { MemoryStore, Scope } from "@memory-r1/core"
import { SqliteStore } from "@memory-r1/store-sqlite"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Schema from "effect/Schema"

/**
 * A file that a command cannot use.
 *
 * @category errors
 * @since 0.1.0
 */
export class FileError
  extends Schema.TaggedError<FileError>()("FileError", { file: Schema.String, reason: Schema.String })
{
  override get message(): string {
    return `${this.file}: ${this.reason}`
  }
}

/**
 * Whether a flag or an argument is not blank.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isSaid = (value: string): boolean => value.trim() !== ""

const part = (name: string, description: string) =>
  Flag.String(name).pipe(Flag.filter(isSaid, () => "a name"), Flag.withDescription(description), Flag.optional)

/**
 * `--db`, and the parts of a scope. Without parts, it is the default scope of `createMemory`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const flags = {
  db: Flag.String("db").pipe(
    Flag.filter(isSaid, () => "a file"),
    Flag.withDescription("the SQLite file with the memories")
  ),
  tenant: part("tenant", "the tenant of the scope"),
  user: part("user", "the user of the scope"),
  agent: part("agent", "the agent of the scope"),
  session: part("session", "the session of the scope")
}

/**
 * The values of `flags`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Flags {
  readonly db: string
  readonly tenant: Option.Option<string>
  readonly user: Option.Option<string>
  readonly agent: Option.Option<string>
  readonly session: Option.Option<string>
}

/**
 * The scope of these flags.
 *
 * @category constructors
 * @since 0.1.0
 */
export const scope = ({ agent, session, tenant, user }: Flags): Scope.Scope =>
  Scope.make(
    Object.fromEntries(
      Object.entries({ tenant, user, agent, session }).flatMap(([name, value]) =>
        Option.isSome(value) ? [[name, value.value]] : []
      )
    )
  )

/**
 * What a command does with the file: read it, change it, or create it if it is missing. Only the last creates a file,
 * so that a typo in a name leaves nothing behind.
 *
 * @category models
 * @since 0.1.0
 */
export type Mode = "read" | "change" | "make"

const checked = Effect.fnUntraced(function*(file: string, mode: Mode) {
  if (file === ":memory:") return
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const kind = (name: string) => Effect.orElseSucceed(Effect.map(files.stat(name), ({ type }) => type), () => undefined)
  const found = yield* kind(file)
  if (found === "Directory") return yield* new FileError({ file, reason: "is a folder: choose a file in it" })
  if (found !== undefined) return
  if (mode !== "make") {
    return yield* new FileError({
      file,
      reason: "no such file: \"memory add\", \"memory import\" and \"mcp\" create one"
    })
  }
  const folder = path.dirname(file)
  if ((yield* kind(folder)) !== "Directory") {
    return yield* new FileError({ file, reason: `no such folder: ${folder}` })
  }
})

/**
 * The store of a file.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (file: string, mode: Mode) =>
  Layer.unwrap(Effect.as(checked(file, mode), SqliteStore.layer({ file, readOnly: mode === "read" })))

/**
 * Opens the file, runs the command in the scope, and closes the file.
 *
 * @category running
 * @since 0.1.0
 */
export const within = <A, E, R>(
  flags: Flags,
  mode: Mode,
  run: (scope: Scope.Scope, store: MemoryStore.MemoryStore["Service"]) => Effect.Effect<A, E, R>
) => Effect.provide(MemoryStore.MemoryStore.use((store) => run(scope(flags), store)), layer(flags.db, mode))
