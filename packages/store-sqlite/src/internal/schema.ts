// What the file looks like, step by step. A step is never changed once it was released: what comes later is a step
// more.
import { MemoryStore } from "@memory-r1/core"
import * as Effect from "effect/Effect"
import type { Database } from "./database.ts"
import * as Lexical from "./lexical.ts"

// "MR1" and a zero byte; `file` shows it.
const applicationId = 0x4d523100

/**
 * 1. `log` is the source of truth. `memories` are the rows that it folds to, tombstones included, and `lexicon` the
 *   words of the live ones, each with the number of its scope
 *    before it (`Bm25.tokens`: whoever changes those makes a step like the third).
 * 2. `vectors` of live memories, and their signs beside each other (`SignIndex`).
 * 3. Other words than before (docs/decisions/0012-words-of-search.md): the lexicon is emptied, and filled anew after
 *   the last
 *    step.
 */
export const steps: ReadonlyArray<string> = [
  `
  CREATE TABLE settings (name TEXT PRIMARY KEY, value BLOB) STRICT;
  CREATE TABLE scopes (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, revision INTEGER NOT NULL, at INTEGER NOT NULL,
    created INTEGER NOT NULL, documents INTEGER NOT NULL, tokens INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE log (scope INTEGER NOT NULL, revision INTEGER NOT NULL, entry TEXT NOT NULL, PRIMARY KEY (scope,
    revision)) STRICT, WITHOUT ROWID;
  CREATE TABLE memories (
    number INTEGER PRIMARY KEY, scope INTEGER NOT NULL, id TEXT NOT NULL, place INTEGER NOT NULL, at INTEGER NOT NULL,
    deleted INTEGER NOT NULL, speaker TEXT, expires INTEGER, fingerprint INTEGER NOT NULL, tokens INTEGER NOT NULL,
    memory TEXT NOT NULL, UNIQUE (scope, id)
  ) STRICT;
  CREATE INDEX memories_by_place ON memories (scope, place);
  CREATE INDEX memories_by_speaker ON memories (scope, deleted, speaker);
  CREATE INDEX memories_by_fingerprint ON memories (scope, fingerprint) WHERE deleted = 0;
  CREATE VIRTUAL TABLE lexicon USING fts5 (terms, content = '', tokenize = 'ascii', detail = 'full');
  CREATE VIRTUAL TABLE vocabulary USING fts5vocab (lexicon, 'row');
  `,
  `
  CREATE TABLE vectors (number INTEGER PRIMARY KEY AUTOINCREMENT, scope INTEGER NOT NULL, memory INTEGER NOT NULL
    UNIQUE, vector BLOB NOT NULL) STRICT;
  CREATE TABLE signs (scope INTEGER NOT NULL, vector INTEGER NOT NULL, signs BLOB NOT NULL, PRIMARY KEY (scope,
    vector)) STRICT, WITHOUT ROWID;
  ALTER TABLE memories ADD COLUMN vector INTEGER;
  `,
  "INSERT INTO lexicon (lexicon) VALUES ('delete-all')"
]

// The first form that has the words of today.
const filledAnew = 3

/**
 * Brings a file to the newest form, or says why it cannot be used. A file that is only read has to have that form.
 */
export const migrate = Effect.fnUntraced(function*(database: Database, readOnly: boolean, target = steps.length) {
  const { attempt, file } = database
  const fail = (reason: MemoryStore.StoreError["reason"], detail: string) =>
    new MemoryStore.StoreError({ store: file, doing: "to open it", reason, detail })
  const state = attempt("to open it", () => ({
    application: Number(database.get("PRAGMA application_id")!["application_id"]),
    version: Number(database.get("PRAGMA user_version")!["user_version"]),
    tables: Number(database.get("SELECT count(*) AS tables FROM sqlite_schema")!["tables"])
  }))
  const check = Effect.gen(function*() {
    const { application, tables, version } = yield* state
    if (application !== applicationId && tables > 0) {
      return yield* fail("WrongFile", "this is a database of another program")
    }
    if (version > target) {
      return yield* fail("NewerVersion", `its form is ${version}, this program knows forms up to ${target}`)
    }
    return version
  })
  const version = yield* database.patiently(check)
  if (version === target) return
  if (readOnly) {
    return yield* fail("ReadOnly", `its form is ${version}, and only opening it to write brings it to ${target}`)
  }
  const doing = "to bring it to the newest form"
  // Readers see the file while somebody writes, and a commit is on the disk when it returns. What steps remove is
  // overwritten.
  yield* database.patiently(
    attempt("to open it", () => database.exec("PRAGMA journal_mode = WAL; PRAGMA secure_delete = ON"))
  )
  yield* database.transaction(
    doing,
    "IMMEDIATE",
    Effect.gen(function*() {
      // Somebody else may have been faster.
      const from = yield* check
      yield* attempt(doing, () => {
        for (const step of steps.slice(from, target)) database.exec(step)
      })
      if (from < filledAnew && target >= filledAnew) yield* Lexical.fill(database, doing)
      yield* attempt(
        doing,
        () => database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${target}`)
      )
    })
  )
})
