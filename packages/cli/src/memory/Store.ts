/**
 * Which memories a command is about: a store's file and a scope in it.
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
 * A file that cannot be used for what a command does with it.
 */
export class FileError
  extends Schema.TaggedError<FileError>()("FileError", { file: Schema.String, reason: Schema.String })
{
  override get message(): string {
    return `${this.file}: ${this.reason}`
  }
}

/**
 * A flag or argument that has to say something.
 */
export const isSaid = (value: string): boolean => value.trim() !== ""

const part = (name: string, description: string) =>
  Flag.String(name).pipe(Flag.filter(isSaid, () => "a name"), Flag.withDescription(description), Flag.optional)

/**
 * `--db`, and the parts of a scope. With none of these it is the scope that `createMemory` has where it is given none.
 */
export const flags = {
  db: Flag.String("db").pipe(
    Flag.filter(isSaid, () => "a file"),
    Flag.withDescription("the file with the memories, an SQLite database")
  ),
  tenant: part("tenant", "whose memories: the tenant"),
  user: part("user", "whose memories: the user"),
  agent: part("agent", "whose memories: the agent"),
  session: part("session", "whose memories: the session")
}

/**
 * What these flags say.
 */
export interface Flags {
  readonly db: string
  readonly tenant: Option.Option<string>
  readonly user: Option.Option<string>
  readonly agent: Option.Option<string>
  readonly session: Option.Option<string>
}

/**
 * The scope.
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
 * What a command does with the file: reads it, changes what is in it, or makes it where there is none. Only the last
 * may make one, so that a slip of the pen in a name leaves nothing behind.
 */
export type Mode = "read" | "change" | "make"

const checked = Effect.fnUntraced(function*(file: string, mode: Mode) {
  if (file === ":memory:") return
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const kind = (name: string) => Effect.orElseSucceed(Effect.map(files.stat(name), ({ type }) => type), () => undefined)
  const found = yield* kind(file)
  if (found === "Directory") return yield* new FileError({ file, reason: "is a folder: name a file in it" })
  if (found !== undefined) return
  if (mode !== "make") {
    return yield* new FileError({
      file,
      reason: "no such file: \"memory add\", \"memory import\" and \"mcp\" make one"
    })
  }
  const folder = path.dirname(file)
  if ((yield* kind(folder)) !== "Directory") {
    return yield* new FileError({ file, reason: `there is no folder ${folder}` })
  }
})

/**
 * The store of a file.
 */
export const layer = (file: string, mode: Mode) =>
  Layer.unwrap(Effect.as(checked(file, mode), SqliteStore.layer({ file, readOnly: mode === "read" })))

/**
 * Opens the file, does something in the scope, and closes it.
 */
export const within = <A, E, R>(
  flags: Flags,
  mode: Mode,
  run: (scope: Scope.Scope, store: MemoryStore.MemoryStore["Service"]) => Effect.Effect<A, E, R>
) => Effect.provide(MemoryStore.MemoryStore.use((store) => run(scope(flags), store)), layer(flags.db, mode))
