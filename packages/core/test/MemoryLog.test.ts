import { assert, describe, it } from "@effect/vitest"
import { Journal, MemoryBank, MemoryLog, MemoryStore, Ranking, Scope } from "@memory-r1/core"
import { Effect, Random, Schema } from "effect"

const { Add, Delete, Noop, Supersede, Update } = MemoryBank.Edit
const scope = Scope.make({ user: "ann" })

// A store after edits that nobody chose, and what it held after each commit.
const lived = Effect.gen(function*() {
  const store = MemoryStore.fromJournal(Journal.inMemory(), yield* Ranking.Ranking)
  const banks = [(yield* store.current(scope)).bank]
  for (let i = 0; i < 25; i++) {
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
      : Noop()
    if (i % 9 === 8) yield* store.revert(scope, yield* Random.nextIntBetween(0, revision))
    else yield* store.commit(scope, { base: revision, edits: [edit], decision: { shown: some === undefined ? [] : [some.id], raw: `it is said: fact number ${i}.`, fact: { text: `fact number ${i}.`, speaker: "Ann", sources: [`turn ${i}`] } } })
    banks.push((yield* store.current(scope)).bank)
  }
  return { store, banks, entries: yield* store.log(scope) }
})

describe("MemoryLog", () => {
  it.live("any log, through JSON and back, folds to the bank of every revision", () =>
    Effect.forEach(Array.from({ length: 20 }, (_, seed) => seed), (seed) =>
      Effect.gen(function*() {
        const { banks, entries } = yield* lived
        const again = entries.map((entry) => Schema.decodeSync(MemoryLog.EntryJson)(JSON.stringify(entry)))
        banks.forEach((bank, revision) => {
          assert.deepStrictEqual(MemoryBank.memories(MemoryLog.replay(again, revision)), MemoryBank.memories(bank), `seed ${seed}, revision ${revision}`)
        })
      }).pipe(Random.withSeed(seed)), { discard: true }))

  it.live("without a memory, a log has the same revisions and other memories, and says its texts nowhere", () =>
    Effect.forEach(Array.from({ length: 20 }, (_, seed) => seed), (seed) =>
      Effect.gen(function*() {
        const { banks, entries } = yield* lived
        const ids = [...new Set(banks.flatMap((bank) => MemoryBank.memories(bank).map(({ id }) => id)))]
        const id = ids[yield* Random.nextIntBetween(0, ids.length - 1)]!
        const told = MemoryLog.versions(entries, id).map(({ text }) => text)
        const rest = MemoryLog.without(entries, [id])
        assert.deepStrictEqual(rest.map(({ revision }) => revision), entries.map(({ revision }) => revision))
        for (const text of told) assert.notInclude(JSON.stringify(rest), text, `seed ${seed}`)
        const others = (bank: MemoryBank.MemoryBank) => MemoryBank.memories(bank).filter((memory) => memory.id !== id && memory.supersedes !== id)
        banks.forEach((bank, revision) =>
          assert.deepStrictEqual(MemoryBank.memories(MemoryLog.replay(rest, revision)).filter(({ id }) => others(bank).some((other) => other.id === id)), others(bank), `seed ${seed}, revision ${revision}`))
      }).pipe(Random.withSeed(seed)), { discard: true }))
})
