// What a file holds after its writer was killed.
import { assert } from "@effect/vitest"
import { MemoryBank, MemoryLog, MemoryStore, Scope } from "@memory-r1/core"
import { SqliteStore } from "@memory-r1/store-sqlite"
import { Effect, Random } from "effect"
import { rmSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import * as Programs from "./programs.ts"

/** SQLite's own checks, of the file and of the index of words. */
export const isWhole = (file: string): void => {
  const database = new DatabaseSync(file)
  try {
    assert.deepStrictEqual(database.prepare("PRAGMA integrity_check").all().map((row) => ({ ...row })), [{
      integrity_check: "ok"
    }])
    database.exec("INSERT INTO lexicon (lexicon) VALUES ('integrity-check')")
  } finally {
    database.close()
  }
}

/** The rows of a scope are what its log folds to, and the words of every memory find it. */
export const isFold = Effect.fnUntraced(function*(scope: Scope.Scope) {
  const store = yield* MemoryStore.MemoryStore
  const entries = yield* store.log(scope)
  const bank = MemoryLog.replay(entries)
  const listed = yield* store.list(scope, { tombstones: true, showExpired: true })
  assert.deepStrictEqual(
    listed.filter(({ deletedAt }) => deletedAt === undefined).map(({ memory }) => memory),
    MemoryBank.memories(bank)
  )
  assert.deepStrictEqual(
    listed.filter(({ deletedAt }) => deletedAt !== undefined).map(({ memory }) => memory),
    MemoryBank.tombstones(bank)
  )
  return { entries, bank }
})

/**
 * Starts a writer, kills it at a random moment, and looks at what is there; so many times. A file lives through twenty
 * of them.
 */
export const crashes = Effect.fnUntraced(function*(program: string, directory: string, times: number) {
  let acknowledged = 0
  for (let time = 0; time < times; time++) {
    const file = `${directory}/crash-${Math.floor(time / 20)}.db`
    const user = `writer ${time}`
    const scope = Scope.make({ user })
    // Some while they open the file, most while they write.
    const after = yield* Random.nextIntBetween(0, 60)
    const { stderr, stdout } = yield* Programs.run(
      process.execPath,
      [program, file, user],
      time % 5 === 0 ? { killAfter: 30 + after } : { killOnOutput: after }
    )
    assert.notMatch(stderr, /Error/, stderr)
    const told = stdout.split("\n").slice(0, -1).map(Number)
    acknowledged += told.length
    yield* Effect.gen(function*() {
      const { bank, entries } = yield* isFold(scope)
      const counted = entries.length
      assert.isTrue(
        counted === told.length || counted === told.length + 1,
        `${told.length} commits were acknowledged, ${counted} are there`
      )
      for (const entry of entries) {
        assert.strictEqual(entry._tag === "Committed" ? entry.edits.length : 0, 2, "half a commit")
      }
      const texts = MemoryBank.memories(bank).map(({ text }) => text)
      for (const n of told) assert.isTrue(texts.some((text) => text.startsWith(`note ${n} of `)), `note ${n} is lost`)
      if (counted > 0) assert.include(texts, `counter ${counted}`)
    }).pipe(Effect.provide(SqliteStore.layer({ file })))
    isWhole(file)
    if (time % 20 === 19) { for (const end of ["", "-wal", "-shm"]) rmSync(file + end, { force: true }) }
  }
  return acknowledged
})
