// Files of an earlier form: their words are indexed anew when they are opened, once, whole or not at all.
// @module-tag slow
import { assert, describe, it } from "@effect/vitest"
import { MemoryStore, Scope } from "@memory-r1/core"
import { Bm25 } from "@memory-r1/core/store"
import { SqliteStore } from "@memory-r1/store-sqlite"
import { Clock, Effect, Logger } from "effect"
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { afterAll } from "vitest"
import { open } from "../src/internal/database.ts"
import { migrate, steps } from "../src/internal/schema.ts"
import { isFold, isWhole } from "./support/crash.ts"
import { built, run } from "./support/programs.ts"

const directory = mkdtempSync(join(tmpdir(), "memory-r1-reindex-"))
afterAll(() => rmSync(directory, { recursive: true }))
const path = (name: string) => join(directory, name)
const bob = Scope.make({ user: "bob" })
const on = (file: string, options: Omit<SqliteStore.Options, "file"> = {}) => SqliteStore.layer({ file, ...options })

const fixture = readFileSync(join(import.meta.dirname, "fixtures", "form-2.sql"), "utf8")

/** A file as a program of form 2 left it; with so many memories more of Bob's. */
const old = Effect.fnUntraced(function*(name: string, more = 0) {
  const file = path(name)
  yield* Effect.scoped(Effect.gen(function*() {
    const { exec, run, ...database } = yield* open({ file, readOnly: false, lockTimeout: "1 second" })
    yield* migrate({ exec, run, ...database }, false, 2)
    exec(`BEGIN; ${fixture}`)
    for (let i = 0; i < more; i++) {
      const memory = JSON.stringify({ sources: [], text: `第${i}次去東京タワー吃饭`, id: `more${i}`, revision: 0 })
      run(
        `INSERT INTO memories (number, scope, id, place, at, deleted, fingerprint, tokens, memory)
         VALUES (?1, 2, ?2, ?1, 1, 0, 0, 1, ?3)`,
        100 + i,
        `more${i}`,
        memory
      )
      run("INSERT INTO lexicon (rowid, terms) VALUES (?, ?)", 100 + i, `2x第${i}次去東京タワー吃饭`)
    }
    run("UPDATE scopes SET documents = documents + ?1, tokens = tokens + ?1 WHERE number = 2", more)
    exec("COMMIT")
  }))
  return file
})

const formOf = (file: string): unknown => {
  const database = new DatabaseSync(file)
  try {
    return database.prepare("PRAGMA user_version").get()!["user_version"]
  } finally {
    database.close()
  }
}

const best = Effect.fnUntraced(function*(text: string) {
  const { memories: [first] } = yield* MemoryStore.MemoryStore.use((store) => store.search(bob, { text, limit: 1 }))
  return first!.score > 0 ? first!.memory.text : undefined
})

describe("SqliteStore, files of before", () => {
  it.effect("are found by every word of today, with the weights of today", () =>
    Effect.gen(function*() {
      const file = yield* old("found.db")
      yield* Effect.gen(function*() {
        const store = yield* MemoryStore.MemoryStore
        for (
          const [query, text] of [
            ["成语接龙", "今天玩成语接龙游戏"],
            ["游戏", "今天玩成语接龙游戏"],
            ["iPhone", "我用iPhone拍照"],
            ["拍照", "我用iPhone拍照"],
            ["체크리스트", "체크리스트는 책상 위에 있다"],
            ["東京", "東京タワーに行きました"],
            ["タワー", "東京タワーに行きました"],
            ["café", "Bob likes the café".normalize("NFD")],
            ["café".normalize("NFD"), "Bob likes the café".normalize("NFD")],
            ["बेटा", "मेरा बेटा है"]
          ] as const
        ) assert.strictEqual(yield* best(query), text, query)
        assert.isUndefined(yield* best("chess"), "it was deleted")
        const texts = (yield* store.list(bob)).map(({ memory }) => memory.text)
        const scores = Bm25.make(texts).scores("東京の游戏 café")
        const { memories } = yield* store.search(bob, { text: "東京の游戏 café", limit: 9 })
        for (const { memory, score } of memories) assert.closeTo(score, scores[texts.indexOf(memory.text)]!, 1e-9)
        yield* isFold(bob)
      }).pipe(Effect.provide(on(file)))
      isWhole(file)
    }))

  it.effect("are left as they are where they may only be read", () =>
    Effect.gen(function*() {
      const file = yield* old("read.db")
      const before = readFileSync(file)
      const error = yield* Effect.flip(Effect.provide(best("東京"), on(file, { readOnly: true })))
      assert.strictEqual("reason" in error ? error.reason : error._tag, "ReadOnly")
      assert.include(error.message, file)
      assert.isTrue(readFileSync(file).equals(before))
    }))

  it.effect("hold no byte of what is erased then, neither of the words of before", () =>
    Effect.gen(function*() {
      const file = yield* old("erased.db", 50)
      const holds = (text: string) => ["", "-wal"].some((end) => readFileSync(file + end).includes(text))
      yield* Effect.gen(function*() {
        const store = yield* MemoryStore.MemoryStore
        assert.isTrue(holds("成语") && holds("iphon"))
        const secret = (yield* store.list(bob)).filter(({ memory }) => /成语|iPhone/.test(memory.text))
        for (const { memory } of secret) yield* store.erase(bob, memory.id)
        assert.isFalse(holds("成语") || holds("iPhone") || holds("iphon"))
        assert.strictEqual(yield* best("東京に"), "東京タワーに行きました")
      }).pipe(Effect.provide(on(file)))
      isWhole(file)
    }))

  it.live("opened by several at once, are indexed once", () =>
    Effect.gen(function*() {
      const file = yield* old("shared.db", 3000)
      const openings = Array.from({ length: 3 }, () => Effect.provide(best("第1234次"), on(file)))
      const found = yield* Effect.all(openings, { concurrency: "unbounded" })
      assert.deepStrictEqual(found, Array.from({ length: 3 }, () => "第1234次去東京タワー吃饭"))
      isWhole(file)
    }))

  it.effect("tell how far they are when it takes more than two seconds", () =>
    Effect.gen(function*() {
      const file = yield* old("slow.db", 2500)
      const said: Array<string> = []
      let now = 0
      const slow = Object.create(yield* Clock.Clock, {
        currentTimeMillis: { value: Effect.sync(() => now += 1500) }
      }) as Clock.Clock
      yield* Effect.scoped(SqliteStore.journal({ file })).pipe(
        Effect.provideService(Clock.Clock, slow),
        Effect.provide(Logger.layer([Logger.make(({ message }) => said.push(String(message)))]))
      )
      assert.deepStrictEqual(said, [`${file}: its words are indexed anew, once: 2000 of 2508 memories`])
    }))

  it.live(
    "are as they were when the program is interrupted or killed meanwhile, and done the next time",
    () =>
      Effect.gen(function*() {
        const file = yield* old("killed.db", 12_000)
        const interrupted = yield* Effect.timeoutOption(Effect.provide(best("東京"), on(file)), "20 millis")
        assert.strictEqual(interrupted._tag, "None")
        assert.strictEqual(formOf(file), 2)
        isWhole(file)

        const writer = yield* built("writer")
        // What it has written so far, and nobody sees.
        const written = () => statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0
        let halfWay = 0
        for (const bytes of [1, 200_000, 1_000_000]) {
          yield* run(process.execPath, [writer, file, "writer"], { killWhen: () => written() >= bytes })
          if (formOf(file) !== 2) break
          halfWay++
          isWhole(file)
          const database = new DatabaseSync(file)
          const matching = "SELECT rowid FROM lexicon WHERE lexicon MATCH '\"2x東京タワーに行きました\"'"
          assert.lengthOf(database.prepare(matching).all(), 1)
          database.close()
        }
        assert.isAbove(halfWay, 0)
        if (formOf(file) === 2) yield* Effect.asVoid(Effect.provide(best("東京"), on(file)))
        assert.strictEqual(formOf(file), steps.length)
        yield* Effect.provide(
          Effect.gen(function*() {
            assert.strictEqual(yield* best("第11999次"), "第11999次去東京タワー吃饭")
            assert.strictEqual(yield* best("成语接龙"), "今天玩成语接龙游戏")
          }),
          on(file)
        )
        isWhole(file)
      }),
    120_000
  )
})
