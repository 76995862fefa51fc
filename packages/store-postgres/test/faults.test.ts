// What goes wrong with servers: each has a typed error, and what was committed stays.
// @module-tag slow
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import { createMemory, MemoryBank, MemoryStore, Retriever, Scope } from "@memory-r1/core"
import { Journal } from "@memory-r1/core/store"
import { postgres as postgresStore, PostgresStore } from "@memory-r1/store-postgres"
import { Deferred, Effect, Fiber, Layer, Logger, Random, Redacted } from "effect"
import * as EmbeddingModel from "effect/ai/EmbeddingModel"
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describeWith, postgresql } from "../../../tools/testing/needs.ts"
import { password, pglite, postgres } from "./support/servers.ts"

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
const isFold = Effect.gen(function*() {
  const store = yield* MemoryStore.MemoryStore
  const { bank, revision } = yield* store.current(scope)
  assert.lengthOf(yield* store.log(scope), revision)
  assert.deepStrictEqual((yield* store.list(scope)).map(({ memory }) => memory), MemoryBank.memories(bank))
})
const clientOf = (url: Redacted.Redacted, options: Partial<PgClient.PgPoolConfig> = {}) =>
  Layer.build(PgClient.layer({ url, ...options }))
const query = (url: Redacted.Redacted, ...statements: ReadonlyArray<string>) =>
  Effect.scoped(Effect.gen(function*() {
    const client = yield* Effect.provide(PgClient.PgClient, yield* clientOf(url, { maxConnections: 1 }))
    let rows: ReadonlyArray<unknown> = []
    for (const statement of statements) rows = yield* client.unsafe(statement).unprepared
    return rows
  }))
const storeError = (error: { readonly _tag: string }): MemoryStore.StoreError => {
  assert.strictEqual(error._tag, "StoreError", String(error))
  return error as MemoryStore.StoreError
}

describeWith(postgresql, "PostgresStore, a server that fails", () => {
  it.live(
    "keeps what was acknowledged when the server is killed, says what is wrong meanwhile, and goes on with it",
    () =>
      Effect.gen(function*() {
        const server = yield* postgres()
        yield* Effect.gen(function*() {
          const acknowledged: Array<string> = []
          for (let round = 0; round < 3; round++) {
            let n = 0
            const writer = yield* Effect.forkChild(Effect.forever(Effect.gen(function*() {
              const text = `round ${round}, note ${n++}`
              yield* commit(add(text))
              acknowledged.push(text)
            })))
            while (acknowledged.length < 30 * (round + 1)) yield* Effect.sleep("5 millis")
            yield* server.kill
            storeError(yield* Effect.flip(Fiber.join(writer)))
            const down = storeError(yield* Effect.flip(commit(add("nobody hears"))))
            assert.strictEqual(down.reason, "Unavailable", down.message)
            assert.notInclude(down.message, password)
            assert.include(down.message, "see that it is there, runs")
            yield* server.start
            const stored = yield* texts
            assert.includeMembers([...stored], acknowledged)
            // At most the one that was being committed is there without having been acknowledged.
            assert.isAtMost(stored.length, acknowledged.length + round + 1)
            yield* isFold
          }
        }).pipe(Effect.provide(PostgresStore.layer({ url: server.url })))
      }).pipe(Effect.scoped),
    60_000
  )

  it.live("sixteen writers of two pools, and no commit is lost", () =>
    Effect.gen(function*() {
      const { url } = yield* postgres()
      const writers = (pool: number) =>
        Effect.forEach(Array.from({ length: 8 }, (_, i) => i), (writer) =>
          Effect.forEach(
            Array.from({ length: 40 }, (_, i) => i),
            (n) => Effect.retry(commit(add(`${pool} ${writer} ${n}`)), { while: (error) => error._tag === "Conflict" }),
            { discard: true }
          ), { concurrency: "unbounded", discard: true })
      yield* Effect.forEach([0, 1], (pool) =>
        Effect.provide(writers(pool), PostgresStore.layer({ url, maxConnections: 8 })), { concurrency: 2 })
      yield* Effect.gen(function*() {
        assert.strictEqual(new Set(yield* texts).size, 640)
        assert.strictEqual(
          (yield* MemoryStore.MemoryStore.use((store) =>
            store.current(scope)
          )).revision,
          640
        )
        yield* isFold
      }).pipe(Effect.provide(PostgresStore.layer({ url })))
    }).pipe(Effect.scoped), 120_000)

  it.live("a full disk is a typed error; what was there stays and can be read", (context) =>
    Effect.gen(function*() {
      if (process.getuid?.() !== 0) return context.skip("a small file system can be mounted by the superuser only")
      const { directory, url } = yield* postgres(true)
      yield* query(url, `CREATE TABLESPACE small LOCATION '${directory}/small'`)
      yield* Effect.gen(function*() {
        const written: Array<string> = []
        const full = storeError(
          yield* Effect.flip(Effect.forever(Effect.gen(function*() {
            // What the server cannot press together.
            const text = `${written.length}: ${
              Array.from(
                { length: 2000 },
                (_, i) => createHash("sha256").update(`${written.length} ${i}`).digest("base64")
              ).join("")
            }`
            yield* commit(add(text))
            written.push(text)
          })))
        )
        assert.strictEqual(full.reason, "Full", full.message)
        assert.include(full.message, "make room on its disk")
        assert.isAbove(written.length, 3)
        assert.deepStrictEqual(yield* texts, written)
        yield* isFold
      }).pipe(Effect.provide(PostgresStore.layer({ url, startupParameters: { default_tablespace: "small" } })))
    }).pipe(Effect.scoped), 60_000)

  it.live("a wrong password, a server that is not there, a user that may only read", () =>
    Effect.gen(function*() {
      const { port, url } = yield* postgres()
      const opened = (url: string) =>
        Effect.flip(Effect.provide(texts, PostgresStore.layer({ url, connectTimeout: "2 seconds" })))
      const wrong = yield* opened(`postgresql://memory:guessed@127.0.0.1:${port}/postgres`)
      assert.strictEqual(wrong.reason, "Unavailable")
      assert.include(wrong.message, "password authentication failed")
      assert.notInclude(wrong.message, "guessed")
      assert.strictEqual((yield* opened(`postgresql://memory:${password}@127.0.0.1:1/postgres`)).reason, "Unavailable")
      assert.include(
        (yield* opened(`postgresql://memory:${password}@127.0.0.1:${port}/nowhere`)).message,
        "\"nowhere\" does not exist"
      )
      const bad = yield* Effect.flip(Effect.provide(texts, PostgresStore.layer({ url, schema: "x\"; DROP TABLE y" })))
      assert.include(bad.message, "small letters")

      yield* Effect.provide(commit(add("Ann plays chess")), PostgresStore.layer({ url }))
      yield* query(
        url,
        "CREATE ROLE reader LOGIN PASSWORD 'reader'",
        "GRANT USAGE ON SCHEMA memory_r1 TO reader",
        "GRANT SELECT ON ALL TABLES IN SCHEMA memory_r1 TO reader"
      )
      yield* Effect.gen(function*() {
        assert.deepStrictEqual(yield* texts, ["Ann plays chess"])
        const refused = storeError(yield* Effect.flip(commit(add("more"))))
        assert.strictEqual(refused.reason, "ReadOnly", refused.message)
        assert.deepStrictEqual(yield* texts, ["Ann plays chess"])
      }).pipe(Effect.provide(PostgresStore.layer({ url: `postgresql://reader:reader@127.0.0.1:${port}/postgres` })))
    }).pipe(Effect.scoped), 30_000)

  it.live(
    "waits for another's write to the scope, says so when that does not end; interrupted, it leaves nothing",
    () =>
      Effect.gen(function*() {
        const { url } = yield* postgres()
        const client = yield* clientOf(url)
        const journal = yield* Effect.provide(PostgresStore.journal({ lockTimeout: "100 millis" }), client)
        const store = MemoryStore.fromJournal(journal)
        const [inside, done] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
        const slow = yield* Effect.forkChild(journal.write(scope, () =>
          Effect.as(Effect.andThen(Deferred.succeed(inside, undefined), Deferred.await(done)), { value: 1 })))
        yield* Deferred.await(inside)
        const locked = storeError(yield* Effect.flip(store.commit(scope, { base: 0, edits: [add("Ann plays chess")] })))
        assert.strictEqual(locked.reason, "Locked", locked.message)
        // Another scope is not held up, and readers are not.
        yield* store.commit(Scope.make({ user: "ben" }), { base: 0, edits: [add("Ben plays chess")] })
        assert.strictEqual((yield* store.current(scope)).revision, 0)
        yield* Fiber.interrupt(slow)
        yield* store.commit(scope, { base: 0, edits: [add("Ann plays chess")] })
      }).pipe(Effect.scoped),
    30_000
  )

  // mem0 and others forget in the index, and keep the text in the tables.
  it.live(
    "an erased text is in none of the tables' files; one that is being read leaves them later",
    () =>
      Effect.gen(function*() {
        const { directory, url } = yield* postgres()
        const secret = "Zyzzyva"
        const holds = (text: string) => {
          try {
            return execFileSync("grep", ["-rlai", text, join(directory, "data", "base")], { encoding: "utf8" }) !== ""
          } catch {
            return false
          }
        }
        const written = Effect.gen(function*() {
          yield* query(url, "CHECKPOINT")
          return holds(secret)
        })
        yield* Effect.gen(function*() {
          const store = yield* MemoryStore.MemoryStore
          const secretive = Effect.gen(function*() {
            const { edits } = yield* commit(
              Add({
                memory: {
                  text: `Ann's ${secret} word`,
                  speaker: secret,
                  sources: [secret],
                  metadata: { [secret]: secret },
                  observedAt: secret
                }
              }),
              add("Ann plays chess")
            )
            const id = edits[0]?._tag === "Add" ? edits[0].id! : assert.fail("no id")
            yield* commit(Update({ id, text: `Two ${secret} words` }))
            yield* commit(Delete({ id }))
            return id
          })
          const id = yield* secretive
          assert.isTrue(yield* written)
          yield* store.erase(scope, id)
          assert.isFalse(yield* written, "the files still tell it")
          assert.deepStrictEqual(yield* texts, ["Ann plays chess"])
          yield* isFold

          const again = yield* secretive
          const client = yield* Effect.provide(PgClient.PgClient, yield* clientOf(url))
          const reading = yield* Effect.forkChild(client.withTransaction(Effect.andThen(
            Effect.andThen(
              client`SET TRANSACTION ISOLATION LEVEL REPEATABLE READ`,
              client`SELECT count(*) FROM memory_r1.memories`
            ),
            Effect.never
          )))
          yield* Effect.sleep("100 millis")
          const held = storeError(yield* Effect.flip(store.erase(scope, again)))
          assert.strictEqual(held.reason, "Locked")
          assert.include(held.message, "still reads")
          assert.deepStrictEqual(yield* texts, ["Ann plays chess"])
          yield* Fiber.interrupt(reading)
        }).pipe(Effect.provide(PostgresStore.layer({ url, lockTimeout: "200 millis" })), Effect.scoped)
        yield* Effect.provide(texts, PostgresStore.layer({ url }))
        assert.isFalse(yield* written, "the files still tell it")
      }).pipe(Effect.scoped),
    30_000
  )

  it.live(
    "opened by many at once, it is made once; a newer form and another program's tables are refused",
    () =>
      Effect.gen(function*() {
        const { url } = yield* postgres()
        yield* Effect.forEach(Array.from({ length: 6 }, (_, i) => i), (i) =>
          Effect.provide(
            Effect.retry(commit(add(`memory ${i}`)), { while: (e) => e._tag === "Conflict" }),
            PostgresStore.layer({ url, maxConnections: 2 })
          ), {
          concurrency: "unbounded"
        })
        assert.lengthOf(yield* Effect.provide(texts, PostgresStore.layer({ url })), 6)
        yield* query(
          url,
          "UPDATE memory_r1.settings SET value = '99' WHERE name = 'form'",
          "CREATE SCHEMA theirs",
          "CREATE TABLE theirs.memories (x int)"
        )
        const newer = yield* Effect.flip(Effect.provide(texts, PostgresStore.layer({ url })))
        assert.strictEqual(newer.reason, "NewerVersion")
        assert.include(newer.message, "its form is 99")
        const foreign = yield* Effect.flip(Effect.provide(texts, PostgresStore.layer({ url, schema: "theirs" })))
        assert.strictEqual(foreign.reason, "WrongFile")
        assert.deepStrictEqual(
          yield* query(url, "SELECT tablename::text AS name FROM pg_tables WHERE schemaname = 'theirs'"),
          [{ name: "memories" }]
        )
      }).pipe(Effect.scoped),
    30_000
  )

  it.live("createMemory opens one by its URL", () =>
    Effect.gen(function*() {
      const { url } = yield* postgres()
      yield* Effect.promise(async () => {
        const memory = await createMemory({ store: postgresStore({ url }), scope: { user: "ann" } })
        await memory.remember({ speaker: "Ann", text: "I adopted a dog named Buddy." })
        assert.strictEqual((await memory.answer("What is the name of Ann's dog?")).text, "Buddy")
        await memory.close()
        const again = await createMemory({ store: postgresStore({ url }), scope: { user: "ann" } })
        assert.lengthOf(await again.memories(), 1)
        await again.close()
      })
    }).pipe(Effect.scoped), 30_000)
})

describe("PostgresStore, search", () => {
  it.live("scores words as the store in memory does", () =>
    Effect.gen(function*() {
      const server = yield* pglite()
      const theirs = yield* Effect.provide(PostgresStore.journal(), yield* clientOf(server.url, server))
      const ours = Journal.inMemory()
      const words = "dog cat house Oslo Bergen runs running bought buys likes chess red green of the".split(" ")
      const sentence = (length: number) =>
        Effect.map(Effect.all(Array.from({ length }, () => Random.nextIntBetween(0, words.length - 1))), (at) =>
          at.map((i) => words[i]).join(" "))
      const edits = yield* Effect.forEach(
        Array.from({ length: 200 }, (_, i) =>
          2 + i % 12),
        (length) => Effect.map(sentence(length), add)
      )
      for (const journal of [theirs, ours]) {
        yield* MemoryStore.fromJournal(journal).commit(scope, { base: 0, edits })
      }
      for (let i = 0; i < 20; i++) {
        const text = yield* sentence(4)
        const scores = (journal: Journal.Journal) =>
          journal.read(scope, (reader) => reader.lexical({ text, limit: 50, where: {} }))
        const [a, b] = [yield* scores(theirs), yield* scores(ours)]
        assert.lengthOf(a, b.length)
        a.forEach(({ id, score }, i) => assert.closeTo(score, b[i]!.score, 1e-9, `${text}: ${id}`))
      }
    }).pipe(Random.withSeed("words"), Effect.scoped), 30_000)

  it.live(
    "compares vectors without pgvector, says so, and goes over to pgvector when the server has got it",
    () =>
      Effect.gen(function*() {
        const dataDir = mkdtempSync(join(tmpdir(), "memory-r1-pglite-"))
        yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(dataDir, { recursive: true, force: true })))
        const said: Array<string> = []
        const listening = Logger.layer([Logger.make(({ message }) => void said.push(String(message)))])
        const embedding = EmbeddingModel.make({
          embedMany: ({ inputs }) =>
            Effect.succeed({
              results: inputs.map((text) => [Number(/dog|pet/.test(text)), Number(/chess/.test(text)), 0.1]),
              usage: { inputTokens: undefined }
            })
        })
        const opened = (hasVectors: boolean) =>
          Effect.gen(function*() {
            const server = yield* pglite({ dataDir, hasVectors })
            const journal = yield* Effect.provide(PostgresStore.journal(), yield* clientOf(server.url, server))
            return MemoryStore.fromJournal(journal, Retriever.make({ embedding: yield* embedding }))
          }).pipe(Effect.provide(listening))
        const pets = (store: MemoryStore.MemoryStore["Service"]) =>
          Effect.map(store.search(scope, { text: "pet", limit: 1 }), ({ memories }) => memories[0]?.memory.text)
        yield* Effect.scoped(Effect.gen(function*() {
          const store = yield* opened(false)
          yield* store.commit(scope, { base: 0, edits: [add("Ann has a dog"), add("Ann plays chess")] })
          assert.strictEqual(yield* pets(store), "Ann has a dog")
          assert.isTrue(said.some((line) => line.includes("no pgvector")), said.join("\n"))
        }))
        said.length = 0
        yield* Effect.scoped(Effect.gen(function*() {
          const store = yield* opened(true)
          assert.strictEqual(yield* pets(store), "Ann has a dog")
          assert.deepStrictEqual(said, [])
        }))
      }).pipe(Effect.scoped),
    30_000
  )
})
