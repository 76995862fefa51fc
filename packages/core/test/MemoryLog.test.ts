import { assert, describe, it } from "@effect/vitest"
import { Memory, MemoryBank, MemoryLog, MemoryStore, Scope } from "@memory-r1/core"
import { Journal } from "@memory-r1/core/store"
import { Effect, Random, Schema } from "effect"
import { TestClock } from "effect/testing"

const { Add, Delete, Noop, Supersede, Update } = MemoryBank.Edit
const scope = Scope.make({ user: "ann" })

// A store after edits that nobody chose, and what it held after each commit.
const lived = Effect.gen(function*() {
  const store = MemoryStore.fromJournal(Journal.inMemory())
  const banks = [(yield* store.current(scope)).bank]
  for (let i = 0; i < 25; i++) {
    yield* TestClock.adjust("1 second")
    const { bank, revision } = yield* store.current(scope)
    const memories = MemoryBank.memories(bank)
    const some = memories[yield* Random.nextIntBetween(0, Math.max(0, memories.length - 1))]
    const kind = yield* Random.nextIntBetween(0, 5)
    const edit = some === undefined || kind < 2
      ? Add({ memory: { text: `fact number ${i}.`, sources: [`turn ${i}`] } })
      : kind === 2
      ? Update({ id: some.id, text: `fact number ${i}, said again.` })
      : kind === 3
      ? Delete({ id: some.id })
      : kind === 4
      ? Supersede({ id: some.id, memory: { text: `fact number ${i}, in its place.` } })
      : i % 2 === 0
      ? Update({ id: some.id, text: some.text })
      : Noop()
    if (i % 9 === 8) yield* store.revert(scope, yield* Random.nextIntBetween(0, revision))
    else {yield* store.commit(scope, {
        base: revision,
        edits: [edit],
        decision: {
          shown: some === undefined ? [] : [some.id],
          raw: `it is said: fact number ${i}.`,
          fact: { text: `fact number ${i}.`, speaker: "Ann", sources: [`turn ${i}`] }
        }
      })}
    banks.push((yield* store.current(scope)).bank)
  }
  return { store, banks, entries: yield* store.log(scope) }
})

describe("MemoryLog", () => {
  it.effect("any log, through JSON and back, folds to the bank of every revision", () =>
    Effect.forEach(Array.from({ length: 20 }, (_, seed) => seed), (seed) =>
      Effect.gen(function*() {
        const { banks, entries } = yield* lived
        const again = entries.map((entry) => Schema.decodeSync(MemoryLog.EntryJson)(JSON.stringify(entry)))
        banks.forEach((bank, revision) => {
          assert.deepStrictEqual(
            MemoryBank.memories(MemoryLog.replay(again, revision)),
            MemoryBank.memories(bank),
            `seed ${seed}, revision ${revision}`
          )
        })
      }).pipe(Random.withSeed(seed)), { discard: true }))

  it.effect("without a memory, a log has the same revisions and other memories, and says its texts nowhere", () =>
    Effect.forEach(Array.from({ length: 20 }, (_, seed) => seed), (seed) =>
      Effect.gen(function*() {
        const { banks, entries } = yield* lived
        const ids = [...new Set(banks.flatMap((bank) => MemoryBank.memories(bank).map(({ id }) => id)))]
        const id = ids[yield* Random.nextIntBetween(0, ids.length - 1)]!
        const told = MemoryLog.versions(entries, id).map(({ text }) => text)
        const rest = MemoryLog.without(entries, [id])
        assert.deepStrictEqual(rest.map(({ revision }) => revision), entries.map(({ revision }) => revision))
        for (const text of told) assert.notInclude(JSON.stringify(rest), text, `seed ${seed}`)
        const others = (bank: MemoryBank.MemoryBank) =>
          MemoryBank.memories(bank).filter((memory) => memory.id !== id && memory.supersedes !== id)
        banks.forEach((bank, revision) =>
          assert.deepStrictEqual(
            MemoryBank.memories(MemoryLog.replay(rest, revision)).filter(({ id }) =>
              others(bank).some((other) => other.id === id)
            ),
            others(bank),
            `seed ${seed}, revision ${revision}`
          )
        )
      }).pipe(Random.withSeed(seed)), { discard: true }))

  it.effect("without several memories it is the same in whatever order they go, and says nothing of them", () =>
    Effect.forEach(Array.from({ length: 20 }, (_, seed) => seed), (seed) =>
      Effect.gen(function*() {
        const { banks, entries } = yield* lived
        const ids = [...new Set(banks.flatMap((bank) => MemoryBank.memories(bank).map(({ id }) => id)))]
        const some = ids.filter((_, i) => (i + seed) % 3 === 0)
        const told = some.flatMap((id) =>
          MemoryLog.versions(entries, id).flatMap(({ sources, text }) => [
            text,
            ...sources.map((source) => `"${source}"`)
          ])
        )
        const rest = MemoryLog.without(entries, some)
        for (const text of told) assert.notInclude(JSON.stringify(rest), text, `seed ${seed}`)
        assert.deepStrictEqual(some.reduce((log, id) => MemoryLog.without(log, [id]), entries), rest)
        assert.deepStrictEqual(some.toReversed().reduce((log, id) => MemoryLog.without(log, [id]), entries), rest)
        // What nobody ever knew takes nothing away, and what is untouched is the same entry.
        assert.deepStrictEqual(
          MemoryLog.without(entries, [Memory.MemoryId.make("m404")]).map((entry, i) => entry === entries[i]),
          entries.map(() => true)
        )
      }).pipe(Random.withSeed(seed)), { discard: true }))

  it.effect("tells when each memory became what it is, as the store knew that wrote it", () =>
    Effect.forEach(Array.from({ length: 20 }, (_, seed) => seed), (seed) =>
      Effect.gen(function*() {
        const { entries, store } = yield* lived
        const isKnown = Effect.fnUntraced(function*(name: string) {
          const copy = Scope.make({ user: name })
          const log = yield* store.log(scope)
          yield* store.adopt(copy, log)
          const listed = yield* store.list(scope, { tombstones: true })
          assert.deepStrictEqual(yield* store.list(copy, { tombstones: true }), listed, `seed ${seed}, ${name}`)
          const times = MemoryLog.changedAt(log)
          for (const { changedAt, memory } of listed) assert.strictEqual(times.get(memory.id), changedAt)
          return listed
        })
        assert.lengthOf(entries, 25)
        const listed = yield* isKnown("a copy")
        yield* TestClock.adjust("1 second")
        yield* store.erase(scope, listed.filter((_, i) => i % 2 === 0).map(({ memory }) => memory.id))
        yield* isKnown("a copy of the rest")
      }).pipe(Random.withSeed(seed)), { discard: true }))

  it("finds the last revision of a moment", () => {
    const entries = [10, 20, 20, 30].map((at, i): MemoryLog.Entry => ({
      _tag: "Committed",
      revision: i + 1,
      at,
      edits: []
    }))
    assert.deepStrictEqual([9, 10, 19, 20, 29, 30, 99].map((time) => MemoryLog.revisionAt(entries, time)), [
      0,
      1,
      1,
      3,
      3,
      4,
      4
    ])
    assert.strictEqual(MemoryLog.revisionAt([], 9), 0)
  })

  it("names what an edit touches", () => {
    const [m1, m2] = ["m1", "m2"].map((id) => Memory.MemoryId.make(id)) as [Memory.MemoryId, Memory.MemoryId]
    const memory = { text: "x" }
    const edits = [
      Noop(),
      Add({ memory }),
      Add({ memory, id: m1 }),
      Update({ id: m1, text: "y" }),
      Delete({ id: m2 }),
      Supersede({ id: m1, memory }),
      Supersede({ id: m1, memory, newId: m2 })
    ]
    assert.deepStrictEqual(edits.map(MemoryBank.touched), [[], [], [m1], [m1], [m2], [m1], [m1, m2]])
  })

  it("reads only entries that are as they have to be", () => {
    const decode = Schema.decodeUnknownSync(MemoryLog.EntryJson)
    const entry = { _tag: "Committed", revision: 1, at: 1, edits: [{ _tag: "Add", id: "m1", memory: { text: "x" } }] }
    assert.deepStrictEqual<unknown>(decode(JSON.stringify(entry)), entry)
    const wrong: ReadonlyArray<object> = [
      { _tag: "Merged" },
      { revision: 0.5 },
      { at: "now" },
      { edits: [{ _tag: "Add", id: "m1", memory: { text: "" } }] },
      { edits: [{ _tag: "Update", id: "m1" }] },
      { edits: [{ _tag: "Delete" }] },
      { decision: { shown: "m1" } },
      { decision: { shown: [], logProbability: "-1" } }
    ]
    for (const one of wrong) {
      assert.throws(() => decode(JSON.stringify({ ...entry, ...one })), undefined, undefined, JSON.stringify(one))
    }
  })
})
