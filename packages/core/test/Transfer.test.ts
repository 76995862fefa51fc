import { assert, describe, it } from "@effect/vitest"
import { Memory, MemoryBank, MemoryStore, Scope, Transfer } from "@memory-r1/core"
import { Effect, Stream } from "effect"

const { Add, Delete, Supersede, Update } = MemoryBank.Edit
const [ann, copy] = [Scope.make({ user: "ann" }), Scope.make({ user: "copy" })]
const id = (n: number) => Memory.MemoryId.make(`m${n}`)

const story = Effect.gen(function*() {
  const store = yield* MemoryStore.MemoryStore
  const scripts = [
    [Add({ memory: { text: "Ann has a \"dog\"\n🐶", speaker: "Ann", metadata: { topic: "pets" }, expiresAt: 8e15 } }), Add({ memory: { text: "Ann lives in Oslo" } })],
    [Update({ id: id(1), text: "Ann has two dogs", sources: ["D2"] }), Supersede({ id: id(2), memory: { text: "Ann lives in Bergen" } })],
    [Delete({ id: id(1) })]
  ]
  for (const [base, edits] of scripts.entries()) {
    yield* store.commit(ann, { base, edits, decision: { model: "a model", shown: [], raw: "raw", fact: { text: "fact", speaker: "Ann", sources: [] } } })
  }
  yield* store.revert(ann, 2)
  yield* store.erase(ann, id(3))
  return (yield* Stream.runCollect(Transfer.exported(ann))).flatMap((line) => [line])
})

describe("Transfer", () => {
  it.effect("brings a whole log to another store", () =>
    Effect.gen(function*() {
      const store = yield* MemoryStore.MemoryStore
      const lines = yield* story
      yield* Transfer.imported(copy, Stream.fromIterable(lines))
      assert.deepStrictEqual(yield* store.log(copy), yield* store.log(ann))
      assert.deepStrictEqual(yield* store.list(copy, { tombstones: true }), yield* store.list(ann, { tombstones: true }))
      assert.deepStrictEqual((yield* Effect.flip(Transfer.imported(copy, Stream.fromIterable(lines))))._tag, "Conflict")
    }).pipe(Effect.provide(MemoryStore.layerInMemory)))

  it.effect("reads a whole export or nothing, and names the line", () =>
    Effect.gen(function*() {
      const store = yield* MemoryStore.MemoryStore
      const lines = yield* story
      const [header, ...entries] = lines
      const broken: ReadonlyArray<readonly [ReadonlyArray<string>, number, string]> = [
        [[], 1, ""],
        [["{}"], 1, "format"],
        [[header!.replace("\"version\":1", "\"version\":2"), ...entries], 1, "update"],
        [lines.slice(0, -1), 6, "cut off"],
        [[header!, ...entries.slice(0, 2), entries[2]!.slice(0, -9), ...entries.slice(3)], 4, ""],
        [[header!, entries[1]!, entries[0]!, ...entries.slice(2)], 2, "revision 2 where 1 comes next"],
        [[header!, ...entries.slice(0, 3), entries[3]!.replace("\"to\":2", "\"to\":4"), entries[4]!], 5, "a revert to revision 4"],
        [[header!, entries[0]!.replace("\"_tag\":\"Add\"", "\"_tag\":\"Drop\""), ...entries.slice(1)], 2, ""]
      ]
      for (const [text, line, detail] of broken) {
        const error = yield* Effect.flip(Transfer.imported(copy, Stream.fromIterable(text)))
        if (error._tag !== "TransferError") return assert.fail(error._tag)
        assert.strictEqual(error.line, line, error.message)
        assert.include(error.message, detail)
      }
      assert.strictEqual((yield* store.current(copy)).revision, 0)
    }).pipe(Effect.provide(MemoryStore.layerInMemory)))

  it.effect("reads what mem0 exports, once", () =>
    Effect.gen(function*() {
      const store = yield* MemoryStore.MemoryStore
      const item = {
        id: "0d5f8cda-59f9-4a3f-9d1c-1c8f3f6c7c11",
        memory: "Likes hiking",
        hash: "00ff",
        metadata: { source: "chat" },
        categories: ["hobbies"],
        created_at: "2026-05-08T12:00:00-07:00",
        updated_at: null,
        user_id: "ann",
        expiration_date: "2099-01-01"
      }
      const json = JSON.stringify({ results: [item, { id: "2", memory: "Lives in Oslo", metadata: null, user_id: "ann" }], relations: [] })
      assert.deepStrictEqual(yield* Transfer.importedFromMem0(ann, json), { imported: 2, known: 0 })
      assert.deepStrictEqual(yield* Transfer.importedFromMem0(ann, json), { imported: 0, known: 2 })
      assert.deepStrictEqual((yield* store.list(ann)).map(({ memory }) => memory), [
        {
          id: Memory.MemoryId.make(item.id),
          text: "Likes hiking",
          observedAt: item.created_at,
          sources: [`mem0:${item.id}`],
          metadata: { source: "chat", categories: ["hobbies"] },
          expiresAt: Date.parse("2099-01-01"),
          revision: 0
        },
        { id: Memory.MemoryId.make("2"), text: "Lives in Oslo", sources: ["mem0:2"], revision: 0 }
      ])
      const two = JSON.stringify([item, { ...item, id: "3", user_id: "ben" }])
      const mixed = yield* Effect.flip(Transfer.importedFromMem0(copy, two))
      assert.include(mixed.message, "2 owners")
      assert.deepStrictEqual(yield* Transfer.importedFromMem0(copy, two, { user_id: "ben" }), { imported: 1, known: 0 })
      assert.strictEqual((yield* Effect.flip(Transfer.importedFromMem0(copy, "{\"results\": [{\"id\": 3}]}")))._tag, "TransferError")
    }).pipe(Effect.provide(MemoryStore.layerInMemory)))
})
