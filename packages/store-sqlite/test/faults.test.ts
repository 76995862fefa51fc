// What goes wrong with files: each has a typed error, and what was committed stays.
import { assert, describe, it } from "@effect/vitest"
import { MemoryBank, MemoryStore, Scope } from "@memory-r1/core"
import { SqliteStore } from "@memory-r1/store-sqlite"
import { Effect, Schema } from "effect"
import { spawnSync } from "node:child_process"
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { afterAll } from "vitest"
import { unprivileged } from "../../../tools/testing/unprivileged.ts"
import { open } from "../src/internal/database.ts"
import { migrate, steps } from "../src/internal/schema.ts"
import { isFold, isWhole } from "./support/crash.ts"
import { built, run } from "./support/programs.ts"

const directory = mkdtempSync(join(tmpdir(), "memory-r1-faults-"))
chmodSync(directory, 0o755)
afterAll(() => rmSync(directory, { recursive: true }))
const path = (name: string) => join(directory, name)

const { Add, Delete, Update } = MemoryBank.Edit
const scope = Scope.make({ user: "ann" })
const add = (text: string) => Add({ memory: { text } })
const commit = Effect.fnUntraced(function*(...edits: ReadonlyArray<MemoryBank.Edit>) {
  const store = yield* MemoryStore.MemoryStore
  const { revision } = yield* store.current(scope)
  return yield* store.commit(scope, { base: revision, edits })
})
const texts = Effect.gen(function*() {
  const store = yield* MemoryStore.MemoryStore
  return (yield* store.list(scope)).map(({ memory }) => memory.text)
})
const on = (file: string, options: Omit<SqliteStore.Options, "file"> = {}) => SqliteStore.layer({ file, ...options })
const failureOf = <A>(
  effect: Effect.Effect<A, MemoryStore.StoreError, MemoryStore.MemoryStore>,
  file: string,
  options: Omit<SqliteStore.Options, "file"> = {}
) => Effect.flip(Effect.provide(effect, on(file, options)))

const Told = Schema.fromJsonString(Schema.Struct({
  error: Schema.optionalKey(Schema.Struct({ _tag: Schema.String, reason: Schema.String, message: Schema.String })),
  revision: Schema.optionalKey(Schema.Int),
  listed: Schema.optionalKey(Schema.Int),
  found: Schema.optionalKey(Schema.String)
}))

describe("SqliteStore, files", () => {
  it.effect("keeps everything from one opening to the next", () =>
    Effect.gen(function*() {
      const file = path("kept.db")
      yield* Effect.provide(commit(add("Ann plays chess"), add("Ann lives in Oslo")), on(file))
      yield* Effect.provide(
        Effect.gen(function*() {
          assert.deepStrictEqual(yield* texts, ["Ann plays chess", "Ann lives in Oslo"])
          yield* isFold(scope)
        }),
        on(file)
      )
      assert.deepStrictEqual(readdirSync(directory).filter((name) => name.startsWith("kept.db")), ["kept.db"])
    }))

  // mem0 and others forget in the index, and keep the text in the file.
  it.effect("an erased text is in none of the files, under no form", () =>
    Effect.gen(function*() {
      const file = path("erased.db")
      const secret = "Zyzzyva"
      yield* Effect.gen(function*() {
        const store = yield* MemoryStore.MemoryStore
        yield* commit(...Array.from({ length: 300 }, (_, i) => add(`Ann has memory number ${i}`)))
        const decision = {
          model: "a model",
          promptHash: "feedface",
          shown: [],
          raw: `ADD ${secret}`,
          fact: { text: `my ${secret}`, speaker: secret, sources: [secret] }
        }
        const { revision } = yield* store.current(scope)
        const { edits } = yield* store.commit(scope, {
          base: revision,
          edits: [
            Add({
              memory: {
                text: `Ann's ${secret} word`,
                speaker: secret,
                sources: [secret],
                metadata: { [secret]: secret },
                observedAt: secret
              }
            })
          ],
          decision
        })
        const id = edits[0]?._tag === "Add" ? edits[0].id! : assert.fail("no id")
        yield* commit(
          Update({ id, text: `Two ${secret} words` }),
          ...Array.from({ length: 50 }, (_, i) => add(`Ben has memory number ${i}`))
        )
        yield* commit(Delete({ id }))
        const files = () =>
          readdirSync(directory).filter((name) => name.startsWith("erased.db")).map((name) => readFileSync(path(name)))
        const holds = (text: string) => files().some((bytes) => bytes.includes(text))
        assert.isTrue(holds(secret) && holds(secret.toLowerCase()) && holds("feedface"))
        yield* store.erase(scope, id)
        assert.isFalse(holds(secret) || holds(secret.toLowerCase()) || holds("feedface"), "the file still tells it")
        assert.lengthOf(yield* texts, 350)
        yield* isFold(scope)
      }).pipe(Effect.provide(on(file)))
      isWhole(file)
    }))

  it.live("says that a reader keeps an erased text from leaving the file, and removes it later", () =>
    Effect.gen(function*() {
      const file = path("reader.db")
      const reader = new DatabaseSync(file)
      yield* Effect.gen(function*() {
        const store = yield* MemoryStore.MemoryStore
        const { edits } = yield* commit(add("Ann's Zyzzyva"), add("Ann plays chess"))
        reader.exec("BEGIN")
        reader.prepare("SELECT count(*) FROM memories").get()
        const error = yield* Effect.flip(
          store.erase(scope, edits[0]?._tag === "Add" ? edits[0].id! : assert.fail("no id"))
        )
        assert.strictEqual(error._tag === "StoreError" ? error.reason : error._tag, "Locked")
        assert.include(error.message, "another program still reads")
        assert.deepStrictEqual(yield* texts, ["Ann plays chess"])
      }).pipe(Effect.provide(on(file, { lockTimeout: "100 millis" })))
      reader.exec("COMMIT")
      reader.close()
      yield* Effect.provide(texts, on(file))
      assert.isFalse(readFileSync(file).includes("Zyzzyva"))
    }))

  it.live(
    "a full disk is a typed error; what was there stays and can be read, and goes on when there is room",
    (context) =>
      Effect.gen(function*() {
        const filler = yield* built("filler")
        const mount = path("small")
        mkdirSync(mount)
        const script = `mount -t tmpfs -o size=3m tmpfs ${mount} && head -c 1000000 /dev/zero > ${mount}/ballast &&
        ${process.execPath} ${filler} ${mount}/full.db && rm ${mount}/ballast && \
${process.execPath} ${filler} ${mount}/full.db 5 && cp ${mount}/full.db ${path("full.db")}`
        // A file system of its own, in a namespace of its own.
        if (spawnSync("unshare", ["-rm", "mount", "-t", "tmpfs", "tmpfs", mount]).status !== 0) {
          return context.skip("no file system can be mounted here")
        }
        const { code, stderr, stdout } = yield* run("unshare", ["-rm", "sh", "-c", script])
        assert.strictEqual(code, 0, stderr)
        const [full, roomy] = stdout.trim().split("\n").map((line) => Schema.decodeSync(Told)(line))
        assert.strictEqual(full?.error?.reason, "Full", full?.error?.message)
        assert.include(full!.error!.message, "make room on its disk")
        assert.isAbove(full!.revision!, 5)
        assert.strictEqual(full!.listed, full!.revision)
        assert.include(full!.found, `note ${full!.revision! - 1}`)
        assert.isUndefined(roomy!.error, roomy!.error?.message)
        assert.strictEqual(roomy!.revision, full!.revision! + 5)
        isWhole(path("full.db"))
      }),
    60_000
  )

  it.live("a file that may not be written is read, and says so to a writer", () =>
    Effect.gen(function*() {
      const file = path("locked.db")
      yield* Effect.provide(commit(add("Ann plays chess")), on(file))
      const error = yield* failureOf(
        commit(add("more")) as Effect.Effect<unknown, MemoryStore.StoreError, MemoryStore.MemoryStore>,
        file,
        { readOnly: true }
      )
      assert.strictEqual(error.reason, "ReadOnly")
      assert.deepStrictEqual(yield* Effect.provide(texts, on(file, { readOnly: true })), ["Ann plays chess"])
      // The same where the file system says so. To the superuser it says nothing.
      chmodSync(file, 0o444)
      const filler = yield* built("filler")
      const { stderr, stdout } = yield* run(...unprivileged(process.execPath, [filler, file, "1"]))
      assert.notStrictEqual(stdout, "", stderr)
      const told = Schema.decodeSync(Told)(stdout)
      assert.include(["ReadOnly", "Unavailable"], told.error?.reason)
      assert.deepStrictEqual(yield* Effect.provide(texts, on(file)), ["Ann plays chess"])
    }))

  it.live("waits for another program's lock, and says so when that does not end", () =>
    Effect.gen(function*() {
      const file = path("busy.db")
      yield* Effect.provide(commit(add("Ann plays chess")), on(file))
      const other = new DatabaseSync(file)
      other.exec("BEGIN IMMEDIATE")
      const error = yield* failureOf(
        commit(add("more")) as Effect.Effect<unknown, MemoryStore.StoreError, MemoryStore.MemoryStore>,
        file,
        { lockTimeout: "100 millis" }
      )
      assert.strictEqual(error.reason, "Locked")
      // Reading goes on.
      assert.deepStrictEqual(yield* Effect.provide(texts, on(file)), ["Ann plays chess"])
      setTimeout(() => other.exec("COMMIT"), 150)
      yield* Effect.provide(commit(add("more")), on(file))
      other.close()
      assert.deepStrictEqual(yield* Effect.provide(texts, on(file)), ["Ann plays chess", "more"])
    }))

  it.effect("names a file that is none of its own, and leaves it as it is", () =>
    Effect.gen(function*() {
      writeFileSync(
        path("text.db"),
        "these are no memories, and long enough to be a header of something else\n".repeat(20)
      )
      const foreign = new DatabaseSync(path("foreign.db"))
      foreign.exec("CREATE TABLE mine (x)")
      foreign.close()
      mkdirSync(path("folder.db"))
      for (
        const [name, reason] of [["text.db", "WrongFile"], ["foreign.db", "WrongFile"], ["folder.db", "Unavailable"], [
          "no/such/folder.db",
          "Unavailable"
        ]] as const
      ) {
        const before = existsSync(path(name)) && name !== "folder.db" ? readFileSync(path(name)) : undefined
        const error = yield* failureOf(texts, path(name))
        assert.strictEqual(error.reason, reason, error.message)
        assert.include(error.message, path(name))
        if (before !== undefined) assert.isTrue(readFileSync(path(name)).equals(before))
      }
    }))

  it.effect("refuses a file of a newer version, and says what to do", () =>
    Effect.gen(function*() {
      const file = path("newer.db")
      yield* Effect.provide(commit(add("Ann plays chess")), on(file))
      const later = new DatabaseSync(file)
      later.exec(`PRAGMA user_version = ${steps.length + 1}`)
      later.close()
      const error = yield* failureOf(texts, file)
      assert.strictEqual(error.reason, "NewerVersion")
      assert.include(error.message, "update this program")
    }))

  it.effect("a damaged file is an error, not a wrong answer", () =>
    Effect.gen(function*() {
      const file = path("damaged.db")
      yield* Effect.provide(
        commit(...Array.from({ length: 3000 }, (_, i) => add(`Ann has memory number ${i} of many`))),
        on(file)
      )
      const handle = openSync(file, "r+")
      // All pages but the first ones.
      for (let at = 40 * 4096; at < readFileSync(file).length; at += 4096) {
        writeSync(handle, Buffer.alloc(2048, 0xa5), 0, 2048, at)
      }
      closeSync(handle)
      const error = yield* failureOf(texts, file)
      assert.strictEqual(error.reason, "Corrupt", error.message)
      assert.include(error.message, "restore it")
      const entry = new DatabaseSync(path("entry.db"))
      yield* Effect.provide(commit(add("Ann plays chess")), on(path("entry.db")))
      entry.exec("UPDATE log SET entry = '{\"_tag\":\"Commi'; UPDATE memories SET memory = '{}'")
      entry.close()
      for (
        const read of [
          texts,
          MemoryStore.MemoryStore.use((store) => store.log(scope))
        ]
      ) {
        const broken = yield* failureOf(
          read as Effect.Effect<unknown, MemoryStore.StoreError, MemoryStore.MemoryStore>,
          path("entry.db")
        )
        assert.strictEqual(broken.reason, "Corrupt", broken.message)
      }
    }))

  it.effect("brings files of every earlier form to the newest", () =>
    Effect.gen(function*() {
      for (let form = 1; form < steps.length; form++) {
        const file = path(`form-${form}.db`)
        yield* Effect.scoped(Effect.gen(function*() {
          const database = yield* open({ file, readOnly: false, lockTimeout: "1 second" })
          yield* migrate(database, false, form)
          // What a program of that time wrote.
          for (
            const statement of readFileSync(join(import.meta.dirname, "fixtures", `form-${form}.sql`), "utf8").split(
              ";\n"
            ).filter((one) => one.trim() !== "")
          ) database.exec(statement)
          const readOnly = yield* Effect.flip(migrate(database, true))
          assert.strictEqual(readOnly.reason, "ReadOnly")
        }))
        yield* Effect.gen(function*() {
          const store = yield* MemoryStore.MemoryStore
          assert.deepStrictEqual(yield* texts, ["Ann has dogs named Buddy and Scout", "Ann lives in Bergen"])
          assert.strictEqual(
            (yield* store.search(scope, { text: "Which dogs?", limit: 1 })).memories[0]?.memory.text,
            "Ann has dogs named Buddy and Scout"
          )
          yield* isFold(scope)
          yield* commit(add("Ann plays chess"))
          yield* isFold(scope)
        }).pipe(Effect.provide(on(file)))
        isWhole(file)
      }
    }))
})
