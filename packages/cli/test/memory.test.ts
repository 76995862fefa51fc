// @module-tag slow
import { assert, describe, it } from "@effect/vitest"
import { Memory, MemoryStore, Scope } from "@memory-r1/core"
import { SqliteStore } from "@memory-r1/store-sqlite"
import { OffPolicy } from "@memory-r1/trainer"
import { Effect, Schema } from "effect"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll } from "vitest"
import * as Program from "./support/program.ts"

const folder = mkdtempSync(join(tmpdir(), "memory-r1-memory-"))
afterAll(() => rmSync(folder, { recursive: true }))

const memory = (db: string, ...args: ReadonlyArray<string>) => Program.run(folder, ["memory", ...args, "--db", db])

const decoded = <S extends Schema.ConstraintDecoder<unknown>>(schema: S, db: string, ...args: ReadonlyArray<string>) =>
  Effect.map(memory(db, ...args, "--json"), (finished) => Schema.decodeUnknownSync(schema)(Program.document(finished)))

const { fields } = Memory.Memory
const Added = Schema.Struct({
  scope: Schema.String,
  revision: Schema.Int,
  added: Schema.Boolean,
  memory: Memory.Memory
})
const Listed = Schema.Struct({
  scope: Schema.String,
  memories: Schema.Array(
    Schema.Struct({ ...fields, order: Schema.Int, changedAt: Schema.Int, deletedAt: Schema.optionalKey(Schema.Int) })
  )
})
const Found = Schema.Struct({
  scope: Schema.String,
  revision: Schema.Int,
  query: Schema.String,
  memories: Schema.Array(Schema.Struct({ ...fields, score: Schema.Finite }))
})
const AsOf = Schema.Struct({ scope: Schema.String, revision: Schema.Int, memories: Schema.Array(Memory.Memory) })
const Told = Schema.Struct({
  id: Schema.String,
  versions: Schema.Array(Memory.Memory),
  changes: Schema.Array(
    Schema.Struct({
      revision: Schema.Int,
      at: Schema.String,
      operation: Schema.String,
      text: Schema.optionalKey(Schema.String),
      by: Schema.optionalKey(Schema.String)
    })
  )
})
const Reverted = Schema.Struct({ scope: Schema.String, revision: Schema.Int, to: Schema.Int, memories: Schema.Int })
const Erased = Schema.Struct({ scope: Schema.String, revision: Schema.Int, erased: Schema.Array(Schema.String) })
const Imported = Schema.Struct({
  scope: Schema.String,
  from: Schema.String,
  imported: Schema.Int,
  known: Schema.Int,
  revision: Schema.Int,
  memories: Schema.Int
})

const texts = ({ memories }: { readonly memories: ReadonlyArray<{ readonly text: string }> }) =>
  memories.map(({ text }) => text)

// What the program cannot write by hand: a memory that is updated, and one that is deleted.
const scope = Scope.make({ user: "ann" })
const written = (db: string) =>
  Effect.gen(function*() {
    const store = yield* MemoryStore.MemoryStore
    yield* store.commit(scope, {
      base: 0,
      edits: [{ _tag: "Add", memory: { text: "Ann lives in Oslo", speaker: "Ann" } }, {
        _tag: "Add",
        memory: { text: "Ann has a cat" }
      }]
    })
    yield* store.commit(scope, {
      base: 1,
      edits: [{ _tag: "Update", id: Memory.MemoryId.make("m1"), text: "Ann lives in Bergen" }],
      decision: { model: "somebody", shown: [] }
    })
    yield* store.commit(scope, { base: 2, edits: [{ _tag: "Delete", id: Memory.MemoryId.make("m2") }] })
  }).pipe(Effect.provide(SqliteStore.layer({ file: join(folder, db) })))

describe("memory", () => {
  it.live("adds by hand, and says so if the store already has a text", () =>
    Effect.gen(function*() {
      const before = Date.now()
      const added = yield* decoded(
        Added,
        "add.db",
        "add",
        " The dentist is on Friday ",
        "--speaker",
        "Ann",
        "--at",
        "2026-11-01T10:00:00Z",
        "--expires",
        "3 days",
        "--metadata",
        `{"topic":"health","urgency":2}`
      )
      const { expiresAt, id, sources, ...rest } = added.memory
      assert.deepStrictEqual({ ...added, memory: rest }, {
        scope: "default",
        revision: 1,
        added: true,
        memory: {
          text: "The dentist is on Friday",
          speaker: "Ann",
          observedAt: "2026-11-01T10:00:00Z",
          metadata: { topic: "health", urgency: 2 },
          revision: 0
        }
      })
      assert.strictEqual(id, "m1")
      assert.lengthOf(sources, 1)
      assert.match(sources[0]!, /^hand:/)
      const days = 3 * 86_400_000
      assert.isTrue(expiresAt! >= before + days && expiresAt! <= Date.now() + days)

      const again = yield* decoded(Added, "add.db", "add", "the dentist is on  friday", "--speaker", "Ann")
      assert.deepStrictEqual(again, { ...added, added: false })
      const lines = yield* memory("add.db", "add", "The dentist is on Friday", "--speaker", "Ann")
      assert.match(
        lines.stdout,
        /^nothing changed, the store already has it: m1 {2}Ann: The dentist is on Friday {2}\(said 2026-11-01T10:.*\n$/
      )
      // Somebody else's is another memory.
      const other = yield* memory("add.db", "add", "The dentist is on Friday")
      assert.deepStrictEqual(other, {
        code: 0,
        stdout: "added at revision 2: m2  The dentist is on Friday\n",
        stderr: ""
      })

      // The log has it, as a decision that no model made.
      const exported = yield* memory("add.db", "export")
      assert.include(exported.stdout.split("\n")[1], `"decision":{"model":"by hand","shown":[]}`)
    }), Program.timeout)

  it.live("finds and lists, by speaker, metadata and expiry, and page by page", () =>
    Effect.gen(function*() {
      yield* Effect.forEach([
        ["Ann has a dog named Buddy", "--speaker", "Ann", "--metadata", `{"topic":"pets"}`],
        ["Ben plays chess", "--speaker", "Ben", "--metadata", `{"topic":"games","since":1999}`],
        ["The sale ends soon", "--expires", "2020-01-01"]
      ], (args) => memory("find.db", "add", ...args))
      const pets = `{"_tag":"Equals","key":"topic","value":"pets"}`
      const [all, limited, ann, filtered, expired, found, foundAnn, lines, foundLines] = yield* Effect.all([
        decoded(Listed, "find.db", "list"),
        decoded(Listed, "find.db", "list", "--limit", "1", "--after", "1"),
        decoded(Listed, "find.db", "list", "--speaker", "Ann"),
        decoded(Listed, "find.db", "list", "--filter", `{"_tag":"Not","filter":${pets}}`),
        decoded(Listed, "find.db", "list", "--show-expired"),
        decoded(Found, "find.db", "search", "who plays chess?", "--limit", "1"),
        decoded(Found, "find.db", "search", "chess", "--filter", pets),
        memory("find.db", "list"),
        memory("find.db", "search", "chess", "--speaker", "Ben")
      ], { concurrency: 2 })
      assert.deepStrictEqual(texts(all), ["Ann has a dog named Buddy", "Ben plays chess"])
      assert.deepStrictEqual(texts(limited), ["Ben plays chess"])
      assert.deepStrictEqual(texts(ann), ["Ann has a dog named Buddy"])
      assert.deepStrictEqual(texts(filtered), ["Ben plays chess"])
      assert.deepStrictEqual(texts(expired), ["Ann has a dog named Buddy", "Ben plays chess", "The sale ends soon"])
      assert.deepStrictEqual([found.query, found.revision, ...texts(found)], ["who plays chess?", 3, "Ben plays chess"])
      assert.isAbove(found.memories[0]!.score, 0)
      assert.deepStrictEqual(texts(foundAnn), ["Ann has a dog named Buddy"])
      assert.strictEqual(
        lines.stdout,
        `m1  Ann has a dog named Buddy  ({"topic":"pets"})\nm2  Ben plays chess  ({"topic":"games","since":1999})\n`
      )
      assert.match(foundLines.stdout, /^\d\.\d{3} {2}m2 {2}Ben plays chess .*\n$/)
      assert.deepStrictEqual(yield* memory("find.db", "list", "--user", "nobody"), {
        code: 0,
        stdout: "no memories\n",
        stderr: ""
      })
    }), Program.timeout)

  it.live("tells the history, shows what was, goes back, and erases down to the bytes", () =>
    Effect.gen(function*() {
      yield* written("past.db")
      const ann = ["--user", "ann"]
      const told = yield* decoded(Told, "past.db", "history", "m1", ...ann)
      assert.deepStrictEqual(texts({ memories: told.versions }), ["Ann lives in Oslo", "Ann lives in Bergen"])
      assert.deepStrictEqual(told.changes.map(({ at: _, ...change }) => change), [
        { revision: 1, operation: "add", text: "Ann lives in Oslo" },
        { revision: 2, operation: "update", text: "Ann lives in Bergen", by: "somebody" }
      ])
      const first = yield* decoded(AsOf, "past.db", "as-of", "1", ...ann)
      assert.deepStrictEqual([first.scope, first.revision, ...texts(first)], [
        "user=ann",
        1,
        "Ann lives in Oslo",
        "Ann has a cat"
      ])
      assert.deepStrictEqual((yield* decoded(AsOf, "past.db", "as-of", "2020-01-01", ...ann)).memories, [])
      assert.strictEqual((yield* decoded(AsOf, "past.db", "as-of", told.changes[1]!.at, ...ann)).revision >= 2, true)
      assert.match(
        (yield* memory("past.db", "list", "--deleted", ...ann)).stdout,
        /^m1 {2}Ann lives in Bergen\nm2 {2}Ann has a cat {2}\(deleted .*Z\)\n$/
      )

      assert.deepStrictEqual(yield* decoded(Reverted, "past.db", "revert", "1", ...ann), {
        scope: "user=ann",
        revision: 4,
        to: 1,
        memories: 2
      })
      assert.deepStrictEqual(texts(yield* decoded(Listed, "past.db", "list", ...ann)), [
        "Ann lives in Oslo",
        "Ann has a cat"
      ])
      const lines = yield* memory("past.db", "history", "m2", ...ann)
      assert.match(lines.stdout, /^revision 1 {2}\S+Z {2}add {2}Ann has a cat\nrevision 3 {2}\S+Z {2}delete\n/)
      assert.match(lines.stdout, /delete\nrevision 4 {2}\S+Z {2}revert {2}Ann has a cat\n$/)

      // Not without --yes, which says what would go.
      assert.match(
        Program.failure(1, yield* memory("past.db", "erase", "m1", "m2", ...ann)),
        /^nothing was erased: --yes permanently removes .*\nm1 {2}Ann lives in Oslo\nm2 {2}Ann has a cat\n$/
      )
      assert.lengthOf(texts(yield* decoded(Listed, "past.db", "list", ...ann)), 2)
      // All or none.
      assert.match(
        Program.failure(1, yield* memory("past.db", "erase", "m1", "m77", "--yes", ...ann)),
        /^user=ann has no memory m77\b.*\n$/
      )
      assert.deepStrictEqual(yield* decoded(Erased, "past.db", "erase", "m1", "--yes", ...ann), {
        scope: "user=ann",
        revision: 5,
        erased: ["m1"]
      })
      assert.isFalse(readFileSync(join(folder, "past.db")).includes("Oslo"))
      assert.isFalse(readFileSync(join(folder, "past.db")).includes("Bergen"))
      assert.match(
        Program.failure(1, yield* memory("past.db", "history", "m1", ...ann)),
        /^user=ann has no memory m1\b/
      )
    }), Program.timeout)

  it.live("exports, and imports the same again", () =>
    Effect.gen(function*() {
      yield* written("from.db")
      const ann = ["--user", "ann"]
      const lines = yield* memory("from.db", "export", ...ann)
      assert.deepStrictEqual(yield* memory("from.db", "export", "--out", "ann.jsonl", ...ann), {
        code: 0,
        stdout: "ann.jsonl: 3 log entries of user=ann\n",
        stderr: ""
      })
      assert.strictEqual(readFileSync(join(folder, "ann.jsonl"), "utf8"), lines.stdout)
      const document = Program.document(yield* memory("from.db", "export", "--json", ...ann))
      assert.deepStrictEqual(document, {
        scope: "user=ann",
        entries: 3,
        lines: lines.stdout.trim().split("\n").map((line) => JSON.parse(line) as unknown)
      })

      const imported = yield* decoded(Imported, "to.db", "import", "ann.jsonl", "--user", "copy")
      assert.deepStrictEqual(imported, {
        scope: "user=copy",
        from: "memory-r1",
        imported: 3,
        known: 0,
        revision: 3,
        memories: 1
      })
      const again = yield* memory("to.db", "export", "--user", "copy")
      assert.strictEqual(again.stdout.replace(`"scope":"user=copy"`, `"scope":"user=ann"`), lines.stdout)
      assert.deepStrictEqual(
        (yield* decoded(Listed, "to.db", "list", "--deleted", "--user", "copy")).memories,
        (yield* decoded(Listed, "from.db", "list", "--deleted", ...ann)).memories
      )
      assert.match(
        Program.failure(1, yield* memory("to.db", "import", "ann.jsonl", "--user", "copy")),
        /^to\.db: user=copy is already at revision 3, and an export needs an empty scope/
      )
    }), Program.timeout)

  it.live(
    "exports the decisions that another policy can score again, until what they quote is erased",
    () =>
      Effect.gen(function*() {
        const sample = { prompt: [5, 17], tokens: [23, 0], logprobs: [-1.5, -0.25], temperature: 1 }
        const told = { text: "Ann lives in Oslo", speaker: "Ann", sources: ["D1"] }
        const entry = {
          _tag: "Committed",
          revision: 1,
          at: 0,
          edits: [{ _tag: "Add", id: "m1", memory: told }],
          decision: { model: "a model", shown: [], raw: "ADD Ann lives in Oslo", sample }
        }
        const header = { format: "memory-r1", version: 1, scope: "user=ann", entries: 1 }
        writeFileSync(join(folder, "sampled.jsonl"), `${JSON.stringify(header)}\n${JSON.stringify(entry)}\n`)
        const ann = ["--user", "ann"]
        yield* memory("sampled.db", "import", "sampled.jsonl", ...ann)
        const { stdout } = yield* memory("sampled.db", "export", "--decisions", ...ann)
        const [decision] = yield* OffPolicy.read(stdout)
        assert.deepStrictEqual(decision!.decision.sample, sample)
        assert.deepStrictEqual(yield* memory("sampled.db", "export", "--decisions", "--out", "one.jsonl", ...ann), {
          code: 0,
          stdout: "one.jsonl: 1 sampled decision of user=ann\n",
          stderr: ""
        })
        yield* memory("sampled.db", "erase", "m1", "--yes", ...ann)
        assert.strictEqual((yield* memory("sampled.db", "export", "--decisions", ...ann)).stdout.trim(), "")
      }),
    Program.timeout
  )

  it.live("imports what mem0 exports, one owner at a time", () =>
    Effect.gen(function*() {
      const item = { memory: "Ann likes tea", created_at: "2025-01-01T00:00:00Z", categories: ["food"] }
      writeFileSync(
        join(folder, "mem0.json"),
        JSON.stringify({
          results: [
            { ...item, id: "a", user_id: "ann", agent_id: null },
            { ...item, id: "b", user_id: "ann", agent_id: "bot", memory: "Ann's bot is called Max" },
            { ...item, id: "c", user_id: "ben", memory: "Ben likes coffee" }
          ]
        })
      )
      const mem0 = (...args: ReadonlyArray<string>) => ["import", "mem0.json", "--from", "mem0", ...args]
      const message = Program.failure(1, yield* memory("mem0.db", ...mem0("--user", "ann")))
      assert.match(
        message,
        /^mem0\.json: line 1 of the import: memories of 3 owners: choose one of \{"user_id":"ann","agent_id":null\}, /
      )
      // What the message names is what the flag takes.
      const imported = yield* decoded(
        Imported,
        "mem0.db",
        ...mem0("--user", "ann", "--owner", `{"user_id":"ann","agent_id":null}`)
      )
      assert.deepStrictEqual(imported, {
        scope: "user=ann",
        from: "mem0",
        imported: 1,
        known: 0,
        revision: 1,
        memories: 1
      })
      const again = yield* decoded(
        Imported,
        "mem0.db",
        ...mem0("--user", "ann", "--owner", `{"user_id":"ann","agent_id":null}`)
      )
      assert.deepStrictEqual(again, { ...imported, imported: 0, known: 1 })
      const [tea] = (yield* decoded(Listed, "mem0.db", "list", "--user", "ann")).memories
      assert.deepStrictEqual([tea?.id, tea?.text, tea?.observedAt, tea?.metadata?.["categories"]], [
        "a",
        "Ann likes tea",
        "2025-01-01T00:00:00Z",
        ["food"]
      ])
    }), Program.timeout)

  it.live(
    "imports the memories of one person of mem0's TypeScript export, with times and expiry, or says why not",
    () =>
      Effect.gen(function*() {
        const ann = {
          id: "a1",
          memory: "Lives in Oslo",
          userId: "ann",
          createdAt: "2023-05-08T10:00:00Z",
          expirationDate: "2024-01-01"
        }
        const bob = { id: "b1", memory: "Lives in Lima", userId: "bob" }
        const file = (name: string, content: unknown) => writeFileSync(join(folder, name), JSON.stringify(content))
        file("two.json", { results: [ann, bob] })
        file("expiry.json", { results: [{ ...ann, expirationDate: "31/12/2024" }] })
        file("time.json", [{ ...bob, createdAt: "yesterday" }])
        file("none.json", { results: [] })
        const mem0 = (name: string, ...args: ReadonlyArray<string>) => [
          "import",
          name,
          "--from",
          "mem0",
          "--user",
          "ann",
          ...args
        ]
        const owner = `{"user_id":"ann"}`
        yield* memory("empty.db", "add", "something", "--user", "ben")
        yield* Program.table(
          [
            [
              1,
              mem0("two.json"),
              `two.json: line 1 of the import: memories of 2 owners: choose one of {"user_id":"ann"}, ` +
              `{"user_id":"bob"}; nothing was imported (choose with --owner '{"user_id":"ann"}')`
            ],
            [
              1,
              mem0("two.json", "--owner", `{"userId":"zoe"}`),
              `two.json: line 1 of the import: no memories of {"user_id":"zoe"}, only of {"user_id":"ann"}, ` +
              `{"user_id":"bob"}`
            ],
            [
              1,
              mem0("expiry.json"),
              `expiry.json: item 1 of the import: ["results"][0]["expirationDate"]: Expected a time in ISO 8601`
            ],
            [1, mem0("time.json"), `time.json: item 1 of the import: [0]["createdAt"]: Expected a time in ISO 8601`],
            [1, mem0("none.json"), "none.json: line 1 of the import: the file has no memories; nothing was imported"],
            [2, mem0("two.json", "--owner", `{"name":"ann"}`), "name is none of user_id, agent_id, app_id, run_id"],
            [2, mem0("two.json", "--owner", `ann`), "--owner"],
            [2, ["import", "two.json", "--owner", owner], "nothing, unless --from is mem0"]
          ] as const,
          ([code, args, words]) =>
            Effect.map(
              memory("owners.db", ...args),
              (finished) => assert.include(Program.failure(code, finished), words)
            )
        )
        assert.isFalse(existsSync(join(folder, "owners.db")))

        const imported = yield* decoded(Imported, "owners.db", ...mem0("two.json", "--owner", owner))
        assert.deepStrictEqual(imported, {
          scope: "user=ann",
          from: "mem0",
          imported: 1,
          known: 0,
          revision: 1,
          memories: 1
        })
        assert.deepStrictEqual(
          yield* decoded(Imported, "owners.db", ...mem0("two.json", "--owner", `{"userId":"ann"}`)),
          { ...imported, imported: 0, known: 1 }
        )
        const found = yield* decoded(Listed, "owners.db", "list", "--show-expired", "--user", "ann")
        assert.deepStrictEqual(
          found.memories.map(({ expiresAt, observedAt, text }) => ({ expiresAt, observedAt, text })),
          [{ expiresAt: Date.UTC(2024, 0, 1), observedAt: "2023-05-08T10:00:00Z", text: "Lives in Oslo" }]
        )

        assert.strictEqual((yield* memory("empty.db", "export", "--out", "empty.jsonl")).code, 0)
        assert.match(
          Program.failure(1, yield* memory("copy.db", "import", "empty.jsonl")),
          /^empty\.jsonl: line 1 of the import: the export of default is empty; nothing was imported\n$/
        )
      }),
    Program.timeout
  )

  it.live("creates no file for a typo, and names what is at fault", () =>
    Effect.gen(function*() {
      yield* memory("there.db", "add", "something")
      writeFileSync(join(folder, "cut.jsonl"), `{"format":"memory-r1","version":1,"scope":"x","entries":2}\n`)
      writeFileSync(join(folder, "note.txt"), "no database at all, but long enough to be looked at")
      const missing = /^slip\.db: no such file: "memory add", "memory import" and "mcp" create one\n$/
      yield* Program.table(
        [
          [["list", "--db", "slip.db"], missing],
          [["revert", "1", "--db", "slip.db"], missing],
          [["export", "--db", "slip.db"], missing],
          [["import", "slip.jsonl", "--db", "slip.db"], /^slip\.jsonl: no such file\n$/],
          [
            ["import", "cut.jsonl", "--db", "there.db", "--user", "x"],
            /^cut\.jsonl: line 2 of the import: 0 entries instead of 2: .*; nothing was imported\n$/
          ],
          [["add", "x", "--db", "."], /^\.: is a folder: choose a file in it\n$/],
          [["add", "x", "--db", "nowhere/x.db"], /^nowhere\/x\.db: no such folder: nowhere\n$/],
          [["add", "x", "--db", "note.txt"], /^note\.txt: to open it failed \(.*\); name another file\n$/],
          [["export", "--db", "there.db", "--out", "nowhere/x.jsonl"], /^nowhere\/x\.jsonl: cannot be written: .*\n$/],
          [["as-of", "9", "--db", "there.db"], /^default has revisions 0 to 1, not 9\n$/]
        ] as const,
        ([args, words]) =>
          Effect.map(
            Program.run(folder, ["memory", ...args]),
            (finished) => assert.match(Program.failure(1, finished), words)
          )
      )
      assert.isFalse(existsSync(join(folder, "slip.db")))
      assert.isFalse(existsSync(join(folder, "nowhere")))
    }), Program.timeout)

  it.live("exits with 2 where the usage is wrong", () =>
    Program.table(
      [
        [["list"], "Missing required flag: --db"],
        [["add", " ", "--db", "x.db"], "a text to remember"],
        [["add", "x", "--db", "x.db", "--user", ""], "--user"],
        [["add", "x", "--db", "x.db", "--at", "2026-02-30"], "a time in ISO 8601"],
        [["add", "x", "--db", "x.db", "--expires", "soon"], `or a duration such as "30 days"`],
        [["add", "x", "--db", "x.db", "--metadata", "[1]"], "Expected object"],
        [["list", "--db", "x.db", "--filter", `{"_tag":"Equals","key":"a"}`], "Missing key"],
        [["as-of", "1.5", "--db", "x.db"], "a revision (an integer) or a time"],
        [["erase", "--yes", "--db", "x.db"], "id"],
        [["import", "x.jsonl", "--db", "x.db", "--from", "elsewhere"], `"memory-r1" | "mem0"`]
      ] as const,
      ([args, words]) =>
        Effect.map(
          Program.run(folder, ["memory", ...args]),
          (finished) => assert.include(Program.failure(2, finished), words)
        )
    ), Program.timeout)

  it.live("takes texts and names that begin with a dash", () =>
    Effect.gen(function*() {
      for (const text of ["-bar", "- item", "-5 degrees", "--- rule"]) {
        const { memory } = yield* decoded(Added, "dash.db", "add", text, "--speaker", "-Bob")
        assert.deepStrictEqual([memory.text, memory.speaker], [text, "-Bob"])
      }
      assert.deepStrictEqual(texts(yield* decoded(Found, "dash.db", "search", "-bar", "--limit", "1")), ["-bar"])
      yield* Program.run(folder, ["memory", "add", "--db", "dash.db", "--", "--json"])
      const [last] = (yield* decoded(Listed, "dash.db", "list", "--after", "4", "--speaker", "-Bob")).memories
      assert.isUndefined(last)
      assert.deepStrictEqual(texts(yield* decoded(Listed, "dash.db", "list", "--after", "4")), ["--json"])
      assert.strictEqual((yield* memory("dash.db", "export", "--out", "-out.jsonl")).code, 0)
      assert.strictEqual((yield* decoded(Imported, "copy-dash.db", "import", "-out.jsonl")).memories, 5)
    }), Program.timeout)

  it.live("shows a text as text: nothing in it steers the terminal", () =>
    Effect.gen(function*() {
      yield* memory("escape.db", "add", "red \u001b[31m alarm\nand a second line\u0007")
      assert.strictEqual((yield* memory("escape.db", "list")).stdout, "m1  red  [31m alarm and a second line \n")
    }), Program.timeout)
})
