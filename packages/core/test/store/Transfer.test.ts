import { assert, describe, it } from "@effect/vitest"
import { Memory, MemoryBank, MemoryStore, Scope } from "@memory-r1/core"
import { Transfer } from "@memory-r1/core/store"
import { Effect, Stream } from "effect"

const { Add, Delete, Supersede, Update } = MemoryBank.Edit
const [ann, copy] = [Scope.make({ user: "ann" }), Scope.make({ user: "copy" })]
const id = (n: number) => Memory.MemoryId.make(`m${n}`)

const story = Effect.gen(function*() {
  const store = yield* MemoryStore.MemoryStore
  const scripts = [
    [
      Add({ memory: { text: "Ann has a \"dog\"\n🐶", speaker: "Ann", metadata: { topic: "pets" }, expiresAt: 8e15 } }),
      Add({ memory: { text: "Ann lives in Oslo" } })
    ],
    [
      Update({ id: id(1), text: "Ann has two dogs", sources: ["D2"] }),
      Supersede({ id: id(2), memory: { text: "Ann lives in Bergen" } })
    ],
    [Delete({ id: id(1) })]
  ]
  for (const [base, edits] of scripts.entries()) {
    yield* store.commit(ann, {
      base,
      edits,
      decision: { model: "a model", shown: [], raw: "raw", fact: { text: "fact", speaker: "Ann", sources: [] } }
    })
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
      assert.deepStrictEqual(
        yield* store.list(copy, { tombstones: true }),
        yield* store.list(ann, { tombstones: true })
      )
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
        [[header!, entries[1]!, entries[0]!, ...entries.slice(2)], 2, "revision 2, where 1 comes next"],
        [
          [header!, ...entries.slice(0, 3), entries[3]!.replace("\"to\":2", "\"to\":4"), entries[4]!],
          5,
          "a revert to revision 4"
        ],
        [[header!, entries[0]!.replace("\"_tag\":\"Add\"", "\"_tag\":\"Drop\""), ...entries.slice(1)], 2, ""]
      ]
      for (const [text, line, detail] of broken) {
        const error = yield* Effect.flip(Transfer.imported(copy, Stream.fromIterable(text)))
        if (error._tag !== "TransferError") return assert.fail(error._tag)
        assert.strictEqual(error.line, line, error.message)
        assert.include(error.message, detail)
      }
      const nothing = yield* Stream.runCollect(Transfer.exported(Scope.make({ user: "nobody" })))
      assert.include(
        (yield* Effect.flip(Transfer.imported(copy, Stream.fromIterable(nothing)))).message,
        "the export of user=nobody is empty"
      )
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
      const json = JSON.stringify({
        results: [item, { id: "2", memory: "Lives in Oslo", metadata: null, user_id: "ann" }],
        relations: []
      })
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
      assert.strictEqual(
        (yield* Effect.flip(Transfer.importedFromMem0(copy, "{\"results\": [{\"id\": 3}]}")))._tag,
        "TransferError"
      )
    }).pipe(Effect.provide(MemoryStore.layerInMemory)))

  const a1 = {
    id: "a1",
    memory: "Lives in Oslo",
    userId: "ann",
    createdAt: "2023-05-08T10:00:00Z",
    expirationDate: "2024-01-01"
  }
  const snake = {
    id: "a1",
    memory: "Lives in Oslo",
    user_id: "ann",
    created_at: "2023-05-08T10:00:00Z",
    expiration_date: "2024-01-01"
  }
  const b1 = { id: "b1", memory: "Lives in Lima", userId: "bob" }
  const oslo = {
    id: Memory.MemoryId.make("a1"),
    memory: {
      text: "Lives in Oslo",
      sources: ["mem0:a1"],
      observedAt: "2023-05-08T10:00:00Z",
      expiresAt: Date.UTC(2024, 0, 1)
    }
  }

  it.effect("reads mem0's keys as Python and as TypeScript spell them, in all forms of the file", () =>
    Effect.forEach(
      [a1, snake, { ...a1, user_id: null, userId: "ann" }, { ...snake, userId: "ann" }],
      (item) =>
        Effect.forEach(
          [[item], { results: [item] }, { memories: [item] }, { count: 1, next: null, results: [item] }],
          (file) =>
            Effect.forEach(
              [{}, { user_id: "ann" }, { userId: "ann" }, { user_id: "ann", agentId: null }],
              Effect.fnUntraced(function*(owner) {
                assert.deepStrictEqual(yield* Transfer.readMem0(JSON.stringify(file, undefined, 2), owner), [oslo])
              })
            )
        )
    ))

  it.effect("keeps all times of mem0's memories, and what else they have", () =>
    Effect.gen(function*() {
      const read = (item: object) =>
        Effect.map(Transfer.readMem0(JSON.stringify([{ id: "1", memory: "x", ...item }])), ([found]) => found?.memory)
      const base = { text: "x", sources: ["mem0:1"] }
      const table: ReadonlyArray<readonly [object, object]> = [
        [{ updatedAt: "2024-02-29" }, { observedAt: "2024-02-29" }],
        [{ createdAt: "2024-01-01", updated_at: "2024-01-01" }, { observedAt: "2024-01-01" }],
        [
          { created_at: "2024-01-01", updatedAt: "2024-02-01" },
          { observedAt: "2024-01-01", metadata: { updated_at: "2024-02-01" } }
        ],
        [{ createdAt: "2024-07-20T01:30:36.275141-07:00" }, { observedAt: "2024-07-20T01:30:36.275141-07:00" }],
        [
          { expirationDate: null, expiration_date: "2030-06-01T12:00:00+02:00" },
          { expiresAt: Date.UTC(2030, 5, 1, 10) }
        ],
        [
          { actorId: "Ann", metadata: { userId: "kept as it is" } },
          { speaker: "Ann", metadata: { userId: "kept as it is" } }
        ],
        [{ agentId: "bot", hash: "00ff", score: 0.5, constructor: "x", toString: 1 }, {}]
      ]
      for (const [item, known] of table) {
        assert.deepStrictEqual(yield* read(item), { ...base, ...known } as never, JSON.stringify(item))
      }
    }))

  it.effect("refuses what it would have to guess of mem0's memories, and names the item and the field", () =>
    Effect.gen(function*() {
      const store = yield* MemoryStore.MemoryStore
      const bad = [
        "31/12/2024",
        "soon",
        "",
        "2024-13-01",
        "2023-02-29",
        "2024-06-31",
        "12-31-2024",
        "2024-1-1",
        "2024-01-01T25:00:00Z",
        "20240101",
        "tomorrow",
        "1704067200",
        1704067200,
        1704067200000,
        true,
        {},
        []
      ]
      for (
        const field of [
          "expirationDate",
          "expiration_date",
          "createdAt",
          "created_at",
          "updatedAt",
          "updated_at"
        ]
      ) {
        for (const value of bad) {
          const error = yield* Effect.flip(
            Transfer.importedFromMem0(
              ann,
              JSON.stringify({ results: [b1, { id: "2", memory: "x", userId: "bob", [field]: value }] })
            )
          )
          assert.include(
            error.message,
            `item 2 of the import: ["results"][1]["${field}"]: Expected`,
            JSON.stringify(value)
          )
          assert.include(error.message, `got ${JSON.stringify(value)}`)
        }
      }
      const table: ReadonlyArray<readonly [unknown, Transfer.Mem0Owner, string]> = [
        [{ results: [a1, b1] }, {}, `memories of 2 owners: choose one of {"user_id":"ann"}, {"user_id":"bob"}`],
        [[snake, b1], {}, "memories of 2 owners"],
        [
          [a1, { ...a1, id: "a2", agentId: "bot" }],
          {},
          `memories of 2 owners: choose one of {"user_id":"ann","agent_id":null}, {"user_id":"ann","agent_id":"bot"}`
        ],
        [[a1, { ...snake, id: "a2", run_id: "r1" }], { userId: "ann" }, "memories of 2 owners"],
        [[a1, { ...a1, id: "a2", appId: "shop" }], {}, "memories of 2 owners"],
        [
          [a1, { id: "n", memory: "of nobody" }],
          {},
          `memories of 2 owners: choose one of {"user_id":"ann"}, {"user_id":null}`
        ],
        [
          { results: [a1, b1] },
          { userId: "zoe" },
          `no memories of {"user_id":"zoe"}, only of {"user_id":"ann"}, {"user_id":"bob"}`
        ],
        [{ results: [a1] }, { user: "ann" }, "the owner: user is none of user_id, agent_id, app_id, run_id"],
        [{ results: [a1] }, { userId: "ann", user_id: "bob" }, "the owner: userId and user_id say different things"],
        [[{ ...a1, user_id: "bob" }], {}, "item 1 of the import: [0]: userId and user_id say different things"],
        [[{ ...a1, userId: 7 }], {}, `item 1 of the import: [0]["userId"]: Expected string`],
        [
          { memories: [a1, { ...b1, categories: [5] }] },
          {},
          `item 2 of the import: ["memories"][1]["categories"][0]: Expected string`
        ],
        [[{ ...a1, memory: " " }], {}, `item 1 of the import: [0]["memory"]: Expected a text that is not blank`],
        [[a1, "Lives in Lima"], {}, "item 2 of the import: [1]: Expected an object"],
        [{ results: [] }, {}, "the file has no memories"],
        [[], { userId: "ann" }, "the file has no memories"],
        [{ data: [a1] }, {}, "Expected a list of memories"],
        ["Lives in Oslo", {}, "Expected a list of memories"]
      ]
      for (const [file, owner, words] of table) {
        const error = yield* Effect.flip(Transfer.importedFromMem0(ann, JSON.stringify(file), owner))
        assert.strictEqual(error._tag, "TransferError")
        assert.include(error.message, words)
      }
      assert.strictEqual((yield* store.current(ann)).revision, 0)
      // The scope's own memory of that id is not taken for the one in the file.
      yield* store.commit(ann, { base: 0, edits: [Add({ memory: { text: "Ann plays chess" } })] })
      const taken = yield* Effect.flip(Transfer.importedFromMem0(ann, JSON.stringify([a1, { ...a1, id: "m1" }])))
      assert.include(taken.message, "user=ann has another memory with the id m1")
      assert.lengthOf(yield* store.list(ann), 1)
    }).pipe(Effect.provide(MemoryStore.layerInMemory)))
})
