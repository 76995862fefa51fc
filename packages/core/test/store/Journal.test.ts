// Journals over logs. What every journal has to do: journalLaws.
import { assert, describe, it } from "@effect/vitest"
import { Memory, type MemoryLog, MemoryStore, Scope } from "@memory-r1/core"
import { Journal } from "@memory-r1/core/store"
import { journalLaws } from "@memory-r1/core/testing"
import { Effect } from "effect"

const scope = Scope.make({ user: "ann" })

// A log in a map, and journals over it as two processes have them.
const logs = (): () => Journal.Journal => {
  const kept = new Map<string, ReadonlyArray<MemoryLog.Entry>>()
  const write = (scope: string, entries: ReadonlyArray<MemoryLog.Entry>) =>
    Effect.sync(() => {
      const known = kept.get(scope) ?? []
      if (known.length !== entries.at(-1)!.revision - 1) return false
      kept.set(scope, [...known.slice(0, entries[0]!.revision - 1), ...entries])
      return true
    })
  return () =>
    Journal.fromLog({
      name: "a map",
      read: (scope, after) => Effect.sync(() => (kept.get(scope) ?? []).slice(after)),
      append: write,
      rewrite: write
    })
}
journalLaws("from a log", Effect.sync(() => logs()()))
journalLaws(
  "from a log that another process writes",
  Effect.sync(() => {
    const opened = logs()
    return { ...opened(), write: opened().write }
  })
)

describe("Journal.fromLog", () => {
  it.effect("fails with a `StoreError` that names the log and what it failed with", () =>
    Effect.gen(function*() {
      const failing = Effect.fail(new Error("no such bucket"))
      const broken = Journal.fromLog({
        name: "s3://memories",
        read: (_, after) => after === 0 ? Effect.succeed([]) : failing,
        append: () => failing,
        rewrite: () => failing,
        purge: failing
      })
      const store = MemoryStore.fromJournal(broken)
      const edits = [{ _tag: "Add" as const, memory: { text: "Ann plays chess" } }]
      const error = yield* Effect.flip(store.commit(scope, { base: 0, edits }))
      assert.strictEqual(error._tag, "StoreError")
      assert.include(error.message, "s3://memories: to write failed (no such bucket)")
      assert.strictEqual((yield* Effect.flip(broken.purge)).reason, "Other")
      assert.strictEqual((yield* store.current(scope)).revision, 0)
    }))

  it.effect("finds a log with a hole, and one that takes no entry", () =>
    Effect.gen(function*() {
      const entry = (revision: number) => ({ _tag: "Committed" as const, revision, at: 0, edits: [] })
      const of = (entries: ReadonlyArray<MemoryLog.Entry>) =>
        MemoryStore.fromJournal(Journal.fromLog({
          name: "a map",
          read: (_, after) => Effect.succeed(entries.slice(after)),
          append: () => Effect.succeed(false),
          rewrite: () => Effect.succeed(false)
        }))
      const hole = yield* Effect.flip(of([entry(1), entry(3)]).current(scope))
      assert.deepStrictEqual([hole._tag, hole._tag === "StoreError" && hole.reason], ["StoreError", "Corrupt"])
      const stuck = yield* Effect.flip(of([entry(1)]).commit(scope, { base: 1, edits: [] }))
      assert.include(stuck.message, "takes no entry after revision 1")
    }))
})

describe("Journal.inMemory", () => {
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
