import { assert, describe, it } from "@effect/vitest"
import { Memory, MemoryBank, MemoryLog, MemoryStore, Scope } from "@memory-r1/core"
import { Journal } from "@memory-r1/core/store"
import { journalLaws, memoryStoreLaws } from "@memory-r1/core/testing"
import { Effect } from "effect"
import { TestClock } from "effect/testing"

memoryStoreLaws("in memory", MemoryStore.layerInMemory)
journalLaws("in memory", Effect.sync(Journal.inMemory))

const { Add, Delete, Update } = MemoryBank.Edit

const scope = Scope.make({ user: "ann" })

const add = (text: string) => Add({ memory: { text } })

const ids = (bank: MemoryBank.MemoryBank) => MemoryBank.memories(bank).map(({ id }) => String(id))

const commit = Effect.fnUntraced(function*(...edits: ReadonlyArray<MemoryBank.Edit>) {
  const store = yield* MemoryStore.MemoryStore
  const { revision } = yield* store.current(scope)
  yield* store.commit(scope, { base: revision, edits })
  return yield* store.current(scope)
})

describe("MemoryStore", () => {
  it.effect("logs when something happened, and the ids that were given", () =>
    Effect.gen(function*() {
      const store = yield* MemoryStore.MemoryStore
      yield* TestClock.adjust("1 second")
      yield* commit(add("Ann plays chess"))
      yield* TestClock.adjust("1 minute")
      yield* store.revert(scope, 0)
      const [committed, reverted] = yield* store.log(scope)
      assert.strictEqual(committed?.at, 1000)
      assert.deepStrictEqual(committed?._tag === "Committed" ? committed.edits : [], [
        Add({ memory: { text: "Ann plays chess" }, id: Memory.MemoryId.make("m1") })
      ])
      assert.deepStrictEqual(reverted, { _tag: "Reverted", to: 0, revision: 2, at: 61_000 })
    }).pipe(Effect.provide(MemoryStore.layerInMemory)))

  // The log is the source of truth: a store that starts again from it once gave the erased memory's id to another.
  it.effect("the log alone is enough to give no id twice, also after the newest memory was erased", () =>
    Effect.gen(function*() {
      const store = yield* MemoryStore.MemoryStore
      const { bank } = yield* commit(add("a"), add("b"), add("c"))
      const [a, , c] = MemoryBank.memories(bank)
      yield* store.erase(scope, c!.id)
      assert.deepStrictEqual(ids(MemoryBank.apply(MemoryLog.replay(yield* store.log(scope)), add("d"))), [
        "m1",
        "m2",
        "m4"
      ])
      yield* store.erase(scope, a!.id)
      const log = yield* store.log(scope)
      assert.deepStrictEqual(ids(MemoryBank.apply(MemoryLog.replay(log), add("d"))), ["m2", "m4"])
      // At a past revision too: the id that is next must not be one that is in use.
      assert.deepStrictEqual(ids(MemoryBank.apply(MemoryLog.replay(log, 1), add("d"))), ["m2", "m3"])
    }).pipe(Effect.provide(MemoryStore.layerInMemory)))

  // Without the reverts, an UPDATE after "delete, revert" had no memory to apply to, and its version was missing.
  it.effect("history follows reverts", () =>
    Effect.gen(function*() {
      const store = yield* MemoryStore.MemoryStore
      const { bank } = yield* commit(add("a"))
      const { id } = MemoryBank.memories(bank)[0]!
      yield* commit(Delete({ id }))
      yield* store.revert(scope, 1)
      yield* commit(Update({ id, text: "b" }))
      assert.deepStrictEqual((yield* store.history(scope, id)).map(({ text }) => text), ["a", "b"])
    }).pipe(Effect.provide(MemoryStore.layerInMemory)))

  it.effect("says in words what went wrong", () =>
    Effect.gen(function*() {
      const store = yield* MemoryStore.MemoryStore
      yield* commit(add("a"))
      const conflict = yield* Effect.flip(store.commit(scope, { base: 0, edits: [] }))
      assert.strictEqual(conflict.message, "user=ann is at revision 1, the commit was computed against 0: decide again")
      const unknown = yield* Effect.flip(store.asOf(scope, 5))
      assert.strictEqual(unknown.message, "user=ann has revisions 0 to 1, not 5")
    }).pipe(Effect.provide(MemoryStore.layerInMemory)))

  it.effect("every layer is a store of its own", () =>
    Effect.gen(function*() {
      yield* Effect.provide(commit(add("a")), MemoryStore.layerInMemory)
      const { revision } = yield* Effect.provide(
        MemoryStore.MemoryStore.use((store) => store.current(scope)),
        MemoryStore.layerInMemory
      )
      assert.strictEqual(revision, 0)
    }))
})
