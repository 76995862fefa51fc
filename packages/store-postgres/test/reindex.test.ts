// Tables of an earlier form: their words are indexed anew when they are opened, once, whole or not at all.
// @module-tag slow
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import { MemoryBank, MemoryStore, Scope } from "@memory-r1/core"
import { Bm25 } from "@memory-r1/core/store"
import { PostgresStore } from "@memory-r1/store-postgres"
import { Clock, Deferred, Effect, Fiber, Layer, Logger, Schedule } from "effect"
import { describeWith, postgresql } from "../../../tools/testing/needs.ts"
import { pglite, postgres } from "./support/servers.ts"

const bob = Scope.make({ user: "bob" })
const told = [
  "今天玩成语接龙游戏",
  "我用iPhone拍照",
  "체크리스트는 책상 위에 있다",
  "東京タワーに行きました",
  "Bob likes the café".normalize("NFD"),
  "मेरा बेटा है",
  "Bob plays chess"
]
// What a program of form 1 took for a word.
const wordsOfForm1 = (text: string) => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []

const best = Effect.fnUntraced(function*(text: string) {
  const { memories: [first] } = yield* MemoryStore.MemoryStore.use((store) => store.search(bob, { text, limit: 1 }))
  return first!.score > 0 ? first!.memory.text : undefined
})

const isIndexed = Effect.gen(function*() {
  for (
    const [query, at] of [
      ["成语接龙", 0],
      ["游戏", 0],
      ["iPhone", 1],
      ["拍照", 1],
      ["체크리스트", 2],
      ["東京", 3],
      ["タワー", 3],
      ["café", 4],
      ["cafe\u0301", 4],
      ["बेटा", 5]
    ] as const
  ) assert.strictEqual(yield* best(query), told[at], query)
  assert.isUndefined(yield* best("chess"), "it was deleted")
  const store = yield* MemoryStore.MemoryStore
  const texts = (yield* store.list(bob)).map(({ memory }) => memory.text)
  const scores = Bm25.make(texts).scores("東京の游戏 café")
  const { memories } = yield* store.search(bob, { text: "東京の游戏 café", limit: 9 })
  for (const { memory, score } of memories) assert.closeTo(score, scores[texts.indexOf(memory.text)]!, 1e-9)
})

/** Tables as a program of form 1 left them, with so many memories more. */
const old = Effect.fnUntraced(function*(more = 0) {
  yield* Effect.provide(
    Effect.gen(function*() {
      const store = yield* MemoryStore.MemoryStore
      const texts = [...told, ...Array.from({ length: more }, (_, i) => `第${i}次去上海吃火锅`)]
      const { edits } = yield* store.commit(bob, {
        base: 0,
        edits: texts.map((text) => MemoryBank.Edit.Add({ memory: { text } }))
      })
      const chess = edits[told.length - 1]
      const id = chess?._tag === "Add" ? chess.id! : assert.fail("no id")
      yield* store.commit(bob, { base: 1, edits: [MemoryBank.Edit.Delete({ id })] })
    }),
    PostgresStore.layerClient()
  )
  const sql = yield* PgClient.PgClient
  const rows = yield* sql<{ readonly number: string; readonly text: string }>`
    SELECT number::text AS number, memory::jsonb ->> 'text' AS text FROM memory_r1.memories WHERE NOT deleted`
  const words = rows.map(({ number, text }) => ({ memory: number, words: wordsOfForm1(text) }))
  yield* sql`DELETE FROM memory_r1.postings`
  const terms = JSON.stringify(words.flatMap(({ memory, words }) => words.map((term) => ({ memory, term }))))
  yield* sql`
    INSERT INTO memory_r1.postings (scope, term, memory, count)
    SELECT 1, term, memory, count(*) FROM jsonb_to_recordset(${terms}::text::jsonb) AS r (term text, memory bigint)
    GROUP BY term, memory`
  const lengths = JSON.stringify(words.map(({ memory, words }) => ({ memory, tokens: words.length })))
  yield* sql`
    UPDATE memory_r1.memories AS m SET tokens = r.tokens
    FROM jsonb_to_recordset(${lengths}::text::jsonb) AS r (memory bigint, tokens bigint) WHERE m.number = r.memory`
  yield* sql`UPDATE memory_r1.scopes SET tokens = (SELECT sum(tokens) FROM memory_r1.memories WHERE NOT deleted)`
  yield* sql`UPDATE memory_r1.settings SET value = '1' WHERE name = 'form'`
})

const form = Effect.gen(function*() {
  const sql = yield* PgClient.PgClient
  const [row] = yield* sql<{ readonly form: string; readonly words: number }>`
    SELECT value AS form,
      (SELECT count(*)::float8 FROM memory_r1.postings WHERE term = '東京タワーに行きました') AS words
    FROM memory_r1.settings WHERE name = 'form'`
  return row
})

/** Until somebody waits for a lock. */
const isWaited = (client: PgClient.PgClient) =>
  Effect.repeat(
    client<{ readonly count: number }>`
      SELECT count(*)::float8 AS count FROM pg_locks
      WHERE NOT granted AND locktype IN ('relation', 'transactionid', 'tuple')`,
    { until: ([row]) => row!.count > 0, schedule: Schedule.spaced("20 millis") }
  )

const clientOf = (url: PgClient.PgPoolConfig["url"], options: PgClient.PgPoolConfig = {}) =>
  Effect.flatMap(
    Layer.build(PgClient.layer({ ...options, url: url! })),
    (context) => Effect.provide(PgClient.PgClient, context)
  )

describe("PostgresStore, tables of before", () => {
  it.live("are found by every word of today, in PGlite", () =>
    Effect.gen(function*() {
      const { url, ...options } = yield* pglite()
      yield* Effect.gen(function*() {
        yield* old()
        yield* Effect.provide(isIndexed, PostgresStore.layerClient())
      }).pipe(Effect.provideService(PgClient.PgClient, yield* clientOf(url, options)))
    }).pipe(Effect.scoped), 60_000)
})

describeWith(postgresql, "PostgresStore, tables of before on a server", () => {
  it.live(
    "opened by many at once, are indexed once, and a writer that was there before loses nothing",
    () =>
      Effect.gen(function*() {
        const { url } = yield* postgres()
        const client = yield* clientOf(url)
        yield* Effect.provideService(old(3000), PgClient.PgClient, client)
        const said: Array<string> = []
        let now = 0
        const slow = Object.create(yield* Clock.Clock, {
          currentTimeMillis: { value: Effect.sync(() => now += 1500) }
        }) as Clock.Clock
        // It has written, and has not committed, when the others come.
        const hasWritten = yield* Deferred.make<void>()
        const writing = client.withTransaction(Effect.gen(function*() {
          yield* client`
          UPDATE memory_r1.memories SET memory = replace(memory, '第1234次', '第1234回') WHERE memory LIKE '%第1234次%'`
          yield* Deferred.succeed(hasWritten, undefined)
          yield* isWaited(client)
        }))
        const one = Effect.provide(best("第2999次"), PostgresStore.layer({ url, maxConnections: 2 }))
        const opening = Effect.all([one, one, one], { concurrency: "unbounded" }).pipe(
          Effect.provideService(Clock.Clock, slow),
          Effect.provide(Logger.layer([Logger.make(({ message }) => said.push(String(message)))]))
        )
        const [found] = yield* Effect.all([Effect.andThen(Deferred.await(hasWritten), opening), writing], {
          concurrency: "unbounded"
        })
        for (const text of found) assert.strictEqual(text, "第2999次去上海吃火锅")
        const progress = said.filter((line) => line.includes("indexed anew"))
        assert.isNotEmpty(progress)
        for (const line of progress) assert.match(line, /of 3006 memories$/)
        yield* Effect.provide(
          Effect.gen(function*() {
            yield* isIndexed
            assert.strictEqual(yield* best("第1234回"), "第1234回去上海吃火锅")
          }),
          PostgresStore.layer({ url })
        )
      }).pipe(Effect.scoped),
    60_000
  )

  it.live(
    "are as they were when it is interrupted or the server is killed meanwhile, and done the next time",
    () =>
      Effect.gen(function*() {
        const { kill, start, url } = yield* postgres()
        yield* Effect.scoped(Effect.gen(function*() {
          const client = yield* clientOf(url)
          yield* Effect.provideService(old(100), PgClient.PgClient, client)
          const state = Effect.provideService(form, PgClient.PgClient, client)
          const opening = Effect.provide(best("東京"), PostgresStore.layer({ url }))
          // Somebody holds the last row that it writes, so that it stands still when all words are written.
          const held = Effect.andThen(client`SELECT 1 FROM memory_r1.scopes FOR UPDATE`, Effect.never)
          const holding = yield* Effect.forkScoped(client.withTransaction(held))
          const interrupted = yield* Effect.forkChild(opening)
          yield* isWaited(client)
          yield* Fiber.interrupt(interrupted)
          assert.deepStrictEqual(yield* state, { form: "1", words: 1 })
          const killed = yield* Effect.forkChild(Effect.flip(opening))
          yield* isWaited(client)
          yield* kill
          const failed = yield* Fiber.join(killed)
          assert.strictEqual("reason" in failed ? failed.reason : failed._tag, "Unavailable")
          yield* Effect.ignore(Fiber.interrupt(holding))
        }))
        yield* start
        yield* Effect.gen(function*() {
          assert.deepStrictEqual(yield* form, { form: "1", words: 1 })
          yield* Effect.provide(isIndexed, PostgresStore.layerClient())
          assert.deepStrictEqual(yield* form, { form: "2", words: 0 })
        }).pipe(Effect.provideService(PgClient.PgClient, yield* clientOf(url)))
      }).pipe(Effect.scoped),
    60_000
  )
})
