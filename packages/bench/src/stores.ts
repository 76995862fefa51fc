/**
 * The stores that are measured, where they lie, and what they cost.
 */
import { Flags } from "@memory-r1/cli/extension"
import { Memory, type MemoryStore, Scope } from "@memory-r1/core"
import { Statistics } from "@memory-r1/core/rl"
import { Journal } from "@memory-r1/core/store"
import { SqliteStore } from "@memory-r1/store-sqlite"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import type * as EffectScope from "effect/Scope"
import { createRequire } from "node:module"
import type { DatabaseSync } from "node:sqlite"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { add, type Corpus } from "./memories.ts"

/**
 * The flags of every benchmark of memories.
 */
export const flags = {
  sizes: Flag.String("sizes").pipe(
    Flag.withDescription("how many memories, one size after the other"),
    Flag.withDefault("1000,10000,100000"),
    Flag.filterMap((text) => {
      const sizes = text.trim().split(/[\s,]+/).map(Number)
      return sizes.every((size) => Number.isSafeInteger(size) && size >= 1) ? Option.some(sizes) : Option.none()
    }, () => "whole numbers from 1 on, between commas")
  ),
  dimensions: Flags.count("dimensions").pipe(Flag.withDescription("components of a vector"), Flag.withDefault(384)),
  seed: Flag.Int("seed").pipe(Flag.withDescription("of the made-up memories and questions"), Flag.withDefault(1)),
  folder: Flag.String("folder").pipe(
    Flag.withDescription(
      "where the temporary files lie: a commit is as fast as that disk; the system's folder if omitted"
    ),
    Flag.optional
  ),
  mem0: Flag.String("mem0").pipe(
    Flag.withDescription(
      "a folder in which npm has installed mem0ai and better-sqlite3: also measures mem0's TypeScript SDK, with its " +
        "own store and without a language model"
    ),
    Flag.optional
  )
}

/**
 * Said where `--mem0` is omitted.
 */
export const withoutMem0 = "mem0 was not measured: --mem0 names a folder in which npm has installed it"

/**
 * Whose memories they are.
 */
export const scope = Scope.make({ user: "bench" })

/**
 * The id of the memory at a place of a corpus that was committed in its order, and back.
 */
export const idAt = (place: number): Memory.MemoryId => Memory.MemoryId.make(`m${place + 1}`)
export const placeOf = (id: Memory.MemoryId): number => Number(id.slice(1)) - 1

/**
 * A folder that is gone afterwards.
 */
export const temporary = Effect.fnUntraced(function*(folder: Option.Option<string>) {
  const files = yield* FileSystem.FileSystem
  return yield* files.makeTempDirectoryScoped({
    prefix: "memory-r1-bench-",
    ...(Option.isSome(folder) ? { directory: folder.value } : {})
  })
})

/**
 * A store that can be measured.
 */
export interface Subject {
  readonly journal: Effect.Effect<Journal.Journal, MemoryStore.StoreError, EffectScope.Scope>
}

const endings = ["", "-wal", "-shm"]

/**
 * The size of a database's files.
 */
export const bytesOf = Effect.fnUntraced(function*(file: string) {
  const files = yield* FileSystem.FileSystem
  const sizes = yield* Effect.forEach(
    endings,
    (ending) => Effect.orElseSucceed(Effect.map(files.stat(file + ending), ({ size }) => Number(size)), () => 0)
  )
  return sizes.reduce((sum, size) => sum + size, 0)
})

/**
 * Both stores; the files of the one that has some lie in a folder, and are new.
 */
export const subjects = Effect.fnUntraced(function*(folder: string) {
  const file = (yield* Path.Path).join(folder, "memories.db")
  const memory: Subject = { journal: Effect.sync(Journal.inMemory) }
  return { memory, sqlite: { journal: SqliteStore.journal({ file }), fileBytes: bytesOf(file) } }
})

/**
 * Commits memories of a corpus, so many at a time; gives the revision after it.
 */
export const commitAll = Effect.fnUntraced(function*(
  store: MemoryStore.MemoryStore["Service"],
  corpus: Corpus,
  { base, from, to }: { readonly base: number; readonly from: number; readonly to: number },
  atATime: number
) {
  let revision = base
  for (let i = from; i < to; i += atATime) {
    const edits = Array.from({ length: Math.min(atATime, to - i) }, (_, k) => add(corpus, i + k))
    revision = (yield* store.commit(scope, { base: revision, edits })).revision
  }
  return revision
})

/**
 * What the process holds, garbage collected before. A process keeps what it once had, so that growth is only certain
 * for the first that is measured.
 */
export const rssBytes = Effect.sync((): number => {
  setFlagsFromString("--expose-gc")
  const collect: () => void = runInNewContext("gc")
  collect()
  return process.memoryUsage.rss()
})

/**
 * Milliseconds that half of the calls, and 95 of a hundred, stay under.
 */
export interface Latency {
  readonly p50: number
  readonly p95: number
}

export const latency = (seconds: ReadonlyArray<number>): Latency => {
  const sorted = seconds.map((one) => one * 1000).sort((a, b) => a - b)
  return { p50: Statistics.quantile(sorted, 0.5)!, p95: Statistics.quantile(sorted, 0.95)! }
}

export const inMilliseconds = ({ p50, p95 }: Latency): string => `p50 ${p50.toFixed(2)} ms, p95 ${p95.toFixed(2)} ms`
export const inMegabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`
export const perSecond = (rate: number): string => `${Math.round(rate).toLocaleString("en")}/s`

// What the SQLite store brings, without a dependency of the program's own.
const ofStore = createRequire(createRequire(import.meta.url).resolve("@memory-r1/store-sqlite/package.json"))

/**
 * The extension sqlite-vec, loaded into a connection.
 */
export const loadSqliteVec = (connection: DatabaseSync): void => {
  const { load } = ofStore("sqlite-vec") as { readonly load: (connection: DatabaseSync) => void }
  load(connection)
}
