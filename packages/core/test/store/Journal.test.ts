// The in-memory journal against the words of the port. What every journal has to do beside: memoryStoreLaws and
// journalVectorLaws.
import { assert, describe, it } from "@effect/vitest"
import { Filter, Memory, MemoryStore, Scope } from "@memory-r1/core"
import { Journal } from "@memory-r1/core/store"
import { Deferred, Effect, Fiber } from "effect"

const [scope, other] = [Scope.make({ user: "ann" }), Scope.make({ user: "ben" })]
const row = (
  order: number,
  text: string,
  rest: Partial<Omit<Journal.Row, "memory">> & { readonly memory?: Partial<Memory.Memory> | undefined } = {}
): Journal.Row => ({
  order,
  at: order,
  deleted: false,
  ...rest,
  memory: { id: Memory.MemoryId.make(`m${order}`), text, sources: [], revision: 0, ...rest.memory }
})
const entry = (revision: number) => ({ _tag: "Committed" as const, revision, at: revision * 10, edits: [] })
const rows = [
  row(1, "Ann has a dog", { memory: { speaker: "Ann", metadata: { topic: "pets" } } }),
  row(2, "Ben has a dog", { memory: { speaker: "Ben" } }),
  row(3, "Ann had a dog", { deleted: true, memory: { speaker: "Ann" } }),
  row(4, "Somebody has a dog", { memory: { expiresAt: 100 } })
]
const filled = Effect.gen(function*() {
  const journal = Journal.inMemory()
  yield* journal.write(
    scope,
    () => Effect.succeed({ change: { append: [entry(1), entry(2)], created: 4, put: rows }, value: undefined })
  )
  return journal
})
const orders = (found: ReadonlyArray<Journal.Row>) => found.map(({ order }) => order)

describe("Journal.inMemory", () => {
  it.effect("knows nothing of a scope that nobody wrote to", () =>
    Effect.gen(function*() {
      const journal = yield* filled
      yield* journal.read(other, (reader) =>
        Effect.gen(function*() {
          assert.deepStrictEqual(yield* reader.head, { revision: 0, at: 0, created: 0 })
          assert.deepStrictEqual(yield* reader.entries(), [])
          assert.deepStrictEqual(yield* reader.rows(rows.map(({ memory }) => memory.id)), [])
          assert.deepStrictEqual(yield* reader.list({ where: {}, limit: 9, tombstones: true }), [])
          assert.deepStrictEqual(yield* reader.speakers, [])
          assert.deepStrictEqual(yield* reader.lexical({ text: "dog", limit: 9, where: {} }), [])
          assert.deepStrictEqual(yield* reader.alike(rows.map(({ memory }) => Journal.fingerprint(memory)), 0), [])
        }))
    }))

  it.effect("gives entries in a range, rows and tombstones by id, pages in either direction", () =>
    Effect.gen(function*() {
      const journal = yield* filled
      yield* journal.read(scope, (reader) =>
        Effect.gen(function*() {
          assert.deepStrictEqual(yield* reader.head, { revision: 2, at: 20, created: 4 })
          assert.deepStrictEqual((yield* reader.entries()).map(({ revision }) => revision), [1, 2])
          assert.deepStrictEqual((yield* reader.entries({ after: 1 })).map(({ revision }) => revision), [2])
          assert.deepStrictEqual((yield* reader.entries({ upTo: 1 })).map(({ revision }) => revision), [1])
          assert.sameMembers(orders(yield* reader.rows(["m1", "m3", "m9"].map((id) => Memory.MemoryId.make(id)))), [
            1,
            3
          ])
          const list = (
            query: Omit<Parameters<Journal.Reader["list"]>[0], "where" | "limit"> & {
              readonly limit?: number
              readonly where?: Journal.Where
            }
          ) => Effect.map(reader.list({ where: {}, limit: 9, ...query }), orders)
          assert.deepStrictEqual(yield* list({}), [1, 2, 4])
          assert.deepStrictEqual(yield* list({ tombstones: true }), [1, 2, 3, 4])
          assert.deepStrictEqual(yield* list({ newestFirst: true, limit: 2 }), [4, 2])
          assert.deepStrictEqual(yield* list({ newestFirst: true, beyond: 2 }), [1])
          assert.deepStrictEqual(yield* list({ beyond: 1, limit: 1 }), [2])
          assert.deepStrictEqual(yield* list({ where: { speaker: "Ann" }, tombstones: true }), [1, 3])
          assert.deepStrictEqual(yield* list({ where: { speaker: null } }), [4])
          assert.deepStrictEqual(yield* list({ where: { since: 2 } }), [2, 4])
          assert.deepStrictEqual(yield* list({ where: { unexpiredAt: 99 } }), [1, 2, 4])
          assert.deepStrictEqual(yield* list({ where: { unexpiredAt: 100 } }), [1, 2])
          assert.deepStrictEqual(yield* list({ where: { filter: Filter.exists("topic") } }), [1])
          assert.sameMembers([...(yield* reader.speakers)], ["Ann", "Ben", null])
        }))
    }))

  it.effect("finds what says the same among the living, and by words among those of a condition", () =>
    Effect.gen(function*() {
      const journal = yield* filled
      yield* journal.read(scope, (reader) =>
        Effect.gen(function*() {
          const alike = (speaker: string | undefined, text: string, at = 0) =>
            Effect.map(
              reader.alike([Journal.fingerprint({ text, ...(speaker === undefined ? {} : { speaker }) })], at),
              orders
            )
          assert.deepStrictEqual(yield* alike("Ann", " ann HAS a\tdog"), [1])
          assert.deepStrictEqual(yield* alike("Ann", "Ann had a dog"), [])
          assert.deepStrictEqual(yield* alike("Ben", "Ann has a dog"), [])
          assert.deepStrictEqual(yield* alike(undefined, "Somebody has a dog", 99), [4])
          assert.deepStrictEqual(yield* alike(undefined, "Somebody has a dog", 100), [])
          const words = (text: string, where: Journal.Where = {}, limit = 9) =>
            Effect.map(reader.lexical({ text, limit, where }), (found) => found.map(({ id }) => id))
          assert.deepStrictEqual(yield* words("Ben dog", {}, 1), ["m2"])
          assert.lengthOf(yield* words("dog"), 3)
          assert.deepStrictEqual(yield* words("dog", { speaker: "Ann" }), ["m1"])
          assert.deepStrictEqual(yield* words("cat"), [])
        }))
    }))

  it.effect("writes nothing where the body fails, dies or has no change, and says what the body said", () =>
    Effect.gen(function*() {
      const journal = yield* filled
      const change: Journal.Change = { append: [entry(3)], created: 5, put: [row(5, "never")] }
      assert.strictEqual(yield* Effect.flip(journal.write(scope, () => Effect.fail("no" as const))), "no")
      yield* Effect.exit(journal.write(scope, () => Effect.die(change)))
      assert.strictEqual(yield* journal.write(scope, () => Effect.succeed({ value: 7 })), 7)
      assert.strictEqual(yield* journal.write(scope, () => Effect.succeed({ change: undefined, value: 8 })), 8)
      assert.strictEqual((yield* journal.read(scope, (reader) => reader.head)).revision, 2)
      assert.strictEqual(yield* journal.write(scope, () => Effect.succeed({ change, value: 9 })), 9)
      assert.deepStrictEqual(yield* journal.read(scope, (reader) => reader.head), { revision: 3, at: 30, created: 5 })
    }))

  it.effect("lets nobody else write while a body decides, and goes on after one that was interrupted", () =>
    Effect.gen(function*() {
      const journal = yield* filled
      const [begun, door] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const increment = (wait: Effect.Effect<unknown>) =>
        journal.write(scope, (reader) =>
          Effect.gen(function*() {
            const { created, revision } = yield* reader.head
            yield* wait
            return { change: { append: [entry(revision + 1)], created }, value: revision + 1 }
          }))
      const slow = yield* Effect.forkChild(
        increment(Effect.andThen(Deferred.succeed(begun, undefined), Deferred.await(door)))
      )
      yield* Deferred.await(begun)
      const others = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(increment(Effect.yieldNow)))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(others[1]!)
      yield* Deferred.succeed(door, undefined)
      assert.strictEqual(yield* Fiber.join(slow), 3)
      assert.deepStrictEqual(yield* Effect.forEach([others[0]!, others[2]!], Fiber.join), [4, 5])
      const stuck = yield* Effect.forkChild(increment(Effect.never))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(stuck)
      assert.strictEqual(yield* increment(Effect.void), 6)
    }))

  it.effect("replaces entries in place, and drops rows with their words, speakers and vectors", () =>
    Effect.gen(function*() {
      const journal = yield* filled
      const ids = rows.map(({ memory }) => memory.id)
      yield* journal.embed(
        scope,
        rows.map(({ memory: { id, text } }) => ({ id, text, vector: Float32Array.of(1, 0) })),
        Float32Array.of(1, 1)
      )
      assert.deepStrictEqual(Array.from((yield* journal.probe)!), [1, 1])
      assert.deepStrictEqual(yield* journal.read(scope, (reader) => reader.unembedded(9)), [])
      const replaced = { ...entry(1), at: 10, edits: [{ _tag: "Noop" as const }] }
      yield* journal.write(
        scope,
        () =>
          Effect.succeed({
            change: { append: [entry(3)], created: 4, replace: [replaced], drop: [ids[1]!, ids[2]!] },
            value: undefined
          })
      )
      yield* journal.read(scope, (reader) =>
        Effect.gen(function*() {
          assert.deepStrictEqual(yield* reader.entries(), [replaced, entry(2), entry(3)])
          assert.deepStrictEqual(orders(yield* reader.list({ where: {}, limit: 9, tombstones: true })), [1, 4])
          assert.deepStrictEqual(yield* reader.lexical({ text: "Ben", limit: 9, where: {} }), [])
          assert.sameMembers([...(yield* reader.speakers)], ["Ann", null])
          assert.sameMembers(
            (yield* reader.dense({ vector: Float32Array.of(1, 0), limit: 9, where: {} })).map(({ id }) => id),
            ["m1", "m4"]
          )
        }))
      // A text that is another one has no vector any more, and takes none that is of the old one.
      yield* journal.write(
        scope,
        () =>
          Effect.succeed({
            change: { append: [entry(4)], created: 4, put: [row(1, "Ann has a cat")] },
            value: undefined
          })
      )
      yield* journal.embed(
        scope,
        [{ id: ids[0]!, text: "Ann has a dog", vector: Float32Array.of(1, 0) }],
        Float32Array.of(1, 1)
      )
      assert.deepStrictEqual(orders(yield* journal.read(scope, (reader) => reader.unembedded(9))), [1])
      yield* journal.forgetVectors
      assert.strictEqual(yield* journal.probe, undefined)
      assert.deepStrictEqual(orders(yield* journal.read(scope, (reader) => reader.unembedded(1))), [1])
      assert.deepStrictEqual(orders(yield* journal.read(scope, (reader) => reader.unembedded(9))), [1, 4])
    }))

  it.effect("is one store where two are made over it", () =>
    Effect.gen(function*() {
      const journal = Journal.inMemory()
      const [one, two] = [MemoryStore.fromJournal(journal), MemoryStore.fromJournal(journal)]
      yield* one.commit(scope, { base: 0, edits: [{ _tag: "Add", memory: { text: "Ann plays chess" } }] })
      assert.strictEqual((yield* two.current(scope)).revision, 1)
      yield* two.erase(scope, Memory.MemoryId.make("m1"))
      yield* two.commit(scope, { base: 2, edits: [{ _tag: "Add", memory: { text: "Ann plays go" } }] })
      // The bank that it had folded is of another past.
      assert.deepStrictEqual((yield* one.list(scope)).map(({ memory }) => memory.id), ["m2"])
      assert.strictEqual((yield* one.current(scope)).bank.created, 2)
      assert.strictEqual((yield* Effect.flip(one.commit(scope, { base: 1, edits: [] })))._tag, "Conflict")
    }))
})

describe("Journal.fingerprint", () => {
  it("is that of all who say the same, a safe whole number, and another one for others", () => {
    const same = ["Ann plays chess", " ann  PLAYS\nchess ", "ANN PLAYS CHESS"]
    assert.strictEqual(new Set(same.map((text) => Journal.fingerprint({ speaker: "Ann", text }))).size, 1)
    assert.strictEqual(Journal.fingerprint({ text: "Zoë" }), Journal.fingerprint({ text: "Zoe\u0308" }))
    const different = [{ text: "a" }, { text: "b" }, { speaker: "a", text: "" }, { speaker: "a", text: "b" }, {
      speaker: "ab",
      text: ""
    }, { speaker: "A", text: "b" }]
    assert.strictEqual(new Set(different.map(Journal.fingerprint)).size, different.length)
    const many = Array.from({ length: 50_000 }, (_, i) => Journal.fingerprint({ speaker: "Ann", text: `note ${i}` }))
    assert.strictEqual(new Set(many).size, many.length)
    assert.isTrue(many.every((one) => Number.isSafeInteger(one) && one >= 0))
    assert.strictEqual(Journal.folded(" Ann\t PLAYS \n"), "ann plays")
  })
})
