import { assert, describe, it } from "@effect/vitest"
import { Memory, MemoryBank } from "@memory-r1/core"
import { MemoryOperation } from "@memory-r1/core/rl"
import { Arbitrary, Option, Schema } from "effect"

const { Add, Delete, Noop, Supersede, Update } = MemoryBank.Edit

const texts = (bank: MemoryBank.MemoryBank) => MemoryBank.memories(bank).map(({ text }) => text)

const ids = (bank: MemoryBank.MemoryBank) => MemoryBank.memories(bank).map(({ id }) => id)

const add = (text: string) => Add({ memory: { text } })

const id = (n: number) => Memory.MemoryId.make(`m${n}`)

// Edits on ids that may exist, may be gone, or were never given.
const edits = Arbitrary.array(
  Arbitrary.map(
    Arbitrary.schema(Schema.Struct({
      kind: Schema.Literals(["Add", "Add", "Update", "Supersede", "Delete", "Noop"]),
      target: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 12 })),
      text: Schema.Literals(["a", "b", "c"])
    })),
    ({ kind, target, text }): MemoryBank.Edit => {
      switch (kind) {
        case "Add":
          return add(text)
        case "Update":
          return Update({ id: id(target), text })
        case "Supersede":
          return Supersede({ id: id(target), memory: { text } })
        case "Delete":
          return Delete({ id: id(target) })
        case "Noop":
          return Noop()
      }
    }
  ),
  { maxLength: 40 }
)

// A bank as nobody would build it, but everybody can check: a list that is copied at every edit.
const model = (script: ReadonlyArray<MemoryBank.Edit>) => {
  let created = 0
  let list: ReadonlyArray<{ readonly id: Memory.MemoryId; readonly texts: ReadonlyArray<string> }> = []
  for (const edit of script) {
    if (edit._tag === "Add") list = [...list, { id: id(++created), texts: [edit.memory.text] }]
    if (edit._tag === "Update") {
      list = list.map((entry) =>
        entry.id === edit.id && entry.texts.at(-1) !== edit.text
          ? { id: entry.id, texts: [...entry.texts, edit.text] }
          : entry
      )
    }
    if (edit._tag === "Supersede" && list.some((entry) => entry.id === edit.id)) {
      list = [...list.filter((entry) => entry.id !== edit.id), { id: id(++created), texts: [edit.memory.text] }]
    }
    if (edit._tag === "Delete") list = list.filter((entry) => entry.id !== edit.id)
  }
  return list
}

describe("MemoryBank", () => {
  it("adds with the next id, and with what is known", () => {
    const bank = MemoryBank.applyAll(MemoryBank.empty, [
      Add({
        memory: {
          text: "Ann has a dog",
          speaker: "Ann",
          observedAt: "May 2023",
          sources: ["D1:1"],
          metadata: { mood: "fine" }
        }
      }),
      add("Ann lives in Oslo")
    ])
    assert.deepStrictEqual(MemoryBank.memories(bank), [
      {
        id: id(1),
        text: "Ann has a dog",
        speaker: "Ann",
        observedAt: "May 2023",
        sources: ["D1:1"],
        metadata: { mood: "fine" },
        revision: 0
      },
      { id: id(2), text: "Ann lives in Oslo", sources: [], revision: 0 }
    ])
    assert.strictEqual(bank.revision, 2)
    assert.strictEqual(MemoryBank.size(bank), 2)
  })

  it("updates in place: keeps id and place, joins the sources, keeps the earlier text", () => {
    const before = MemoryBank.applyAll(MemoryBank.empty, [
      Add({ memory: { text: "Ann has a dog", speaker: "Ann", observedAt: "May 2023", sources: ["D1:1"] } }),
      add("Ann lives in Oslo")
    ])
    const after = MemoryBank.apply(
      before,
      Update({ id: id(1), text: "Ann has two dogs", observedAt: "June 2023", sources: ["D2:1", "D1:1"] })
    )
    assert.deepStrictEqual(texts(after), ["Ann has two dogs", "Ann lives in Oslo"])
    assert.deepStrictEqual(Option.getOrThrow(MemoryBank.get(after, id(1))), {
      id: id(1),
      text: "Ann has two dogs",
      speaker: "Ann",
      observedAt: "June 2023",
      sources: ["D1:1", "D2:1"],
      revision: 1
    })
    assert.deepStrictEqual(MemoryBank.history(after, id(1)).map(({ observedAt }) => observedAt), [
      "May 2023",
      "June 2023"
    ])
    const untimed = MemoryBank.apply(before, Update({ id: id(1), text: "Ann has two dogs" }))
    assert.strictEqual(MemoryBank.memories(untimed)[0]?.observedAt, "May 2023")
  })

  it("is itself after an edit of a memory that it does not hold, and after a noop", () => {
    const bank = MemoryBank.apply(MemoryBank.empty, add("Ann plays chess"))
    for (const edit of [Update({ id: id(7), text: "x" }), Delete({ id: id(7) }), Noop()]) {
      assert.strictEqual(MemoryBank.apply(bank, edit), bank)
    }
    assert.isTrue(Option.isNone(MemoryBank.get(bank, id(7))))
    assert.deepStrictEqual(MemoryBank.history(bank, id(7)), [])
  })

  it("is itself after an update to what is there already", () => {
    const bank = MemoryBank.apply(MemoryBank.empty, add("Ann plays chess"))
    assert.strictEqual(MemoryBank.apply(bank, Update({ id: id(1), text: "Ann plays chess", sources: ["D9"] })), bank)
  })

  it("puts a memory in the place of another in one step, and keeps a tombstone with all its versions", () => {
    const before = MemoryBank.applyAll(MemoryBank.empty, [
      add("Ann lives in Oslo"),
      Update({ id: id(1), text: "Ann lives in Bergen" })
    ])
    const after = MemoryBank.apply(before, Supersede({ id: id(1), memory: { text: "Ann lives in Lima" } }))
    assert.strictEqual(after.revision, before.revision + 1)
    assert.deepStrictEqual(MemoryBank.memories(after), [{
      id: id(2),
      text: "Ann lives in Lima",
      sources: [],
      supersedes: id(1),
      revision: 0
    }])
    assert.deepStrictEqual(MemoryBank.tombstones(after).map(({ text }) => text), ["Ann lives in Bergen"])
    assert.deepStrictEqual(MemoryBank.history(after, id(1)).map(({ text }) => text), [
      "Ann lives in Oslo",
      "Ann lives in Bergen"
    ])
    // Out of a tombstone nothing comes back.
    for (
      const edit of [
        Supersede({ id: id(1), memory: { text: "x" } }),
        Update({ id: id(1), text: "x" }),
        Add({ memory: { text: "x" }, id: id(1) })
      ]
    ) {
      assert.strictEqual(MemoryBank.apply(after, edit), after)
    }
    assert.strictEqual(MemoryBank.apply(after, Supersede({ id: id(2), memory: { text: "x" }, newId: id(1) })), after)
    assert.deepStrictEqual(MemoryBank.toJson(MemoryBank.fromJson(MemoryBank.toJson(after))), MemoryBank.toJson(after))
  })

  it("never gives the id of a deleted memory again", () => {
    const bank = MemoryBank.applyAll(MemoryBank.empty, [add("a"), add("b"), Delete({ id: id(2) }), add("c")])
    assert.deepStrictEqual(ids(bank), [id(1), id(3)])
  })

  // A log that lost an erased ADD replays the others by their ids. The next ADD once took an id that was in use.
  it("gives no id that a replayed log has given", () => {
    const replayed = MemoryBank.apply(MemoryBank.empty, Add({ memory: { text: "b" }, id: id(2) }))
    const bank = MemoryBank.apply(replayed, add("c"))
    assert.deepStrictEqual(ids(bank), [id(2), id(3)])
    assert.deepStrictEqual(texts(bank), ["b", "c"])
    assert.strictEqual(MemoryBank.apply(bank, Add({ memory: { text: "again" }, id: id(2) })), bank)
  })

  it("tells what lies between two banks", () => {
    const before = MemoryBank.applyAll(MemoryBank.empty, [add("a"), add("b"), add("c")])
    const after = MemoryBank.applyAll(before, [Delete({ id: id(1) }), Update({ id: id(3), text: "c2" }), add("d")])
    const { added, removed, updated } = MemoryBank.diff(before, after)
    assert.deepStrictEqual(added.map(({ text }) => text), ["d"])
    assert.deepStrictEqual(removed.map(({ text }) => text), ["a"])
    assert.deepStrictEqual(updated.map((pair) => [pair.before.text, pair.after.text]), [["c", "c2"]])
  })

  it.prop("agrees with a list that is copied at every edit", { script: edits }, ({ script }) => {
    const bank = MemoryBank.applyAll(MemoryBank.empty, script)
    assert.deepStrictEqual(
      MemoryBank.memories(bank).map((memory) => ({
        id: memory.id,
        texts: MemoryBank.history(bank, memory.id).map(({ text }) => text)
      })),
      model(script)
    )
    for (const memory of MemoryBank.memories(bank)) {
      assert.strictEqual(memory.revision, MemoryBank.history(bank, memory.id).length - 1)
    }
  }, { arbitrary: { runs: 500, seed: 1 } })

  it.prop(
    "agrees with a map of what is there, what is gone, and what took whose place",
    { script: edits },
    ({ script }) => {
      const map = new Map<
        Memory.MemoryId,
        { readonly texts: Array<string>; readonly supersedes: Memory.MemoryId | undefined; gone: boolean }
      >()
      const there = (one: Memory.MemoryId) => map.get(one)?.gone === false
      let changes = 0
      for (const edit of script) {
        const known = edit._tag !== "Add" && edit._tag !== "Noop" && there(edit.id) ? map.get(edit.id) : undefined
        if (known !== undefined) {
          if (edit._tag === "Update" && known.texts.at(-1) === edit.text) continue
          if (edit._tag === "Update") known.texts.push(edit.text)
          else known.gone = true
          changes++
        } else if (edit._tag === "Add") changes++
        if (edit._tag === "Add" || (edit._tag === "Supersede" && known !== undefined)) {
          map.set(id(map.size + 1), {
            texts: [edit.memory.text],
            supersedes: edit._tag === "Supersede" ? edit.id : undefined,
            gone: false
          })
        }
      }
      const bank = MemoryBank.applyAll(MemoryBank.empty, script)
      const expected = (gone: boolean) =>
        Array.from(map).flatMap(([one, known]) =>
          known.gone === gone ? [{ id: one, texts: known.texts, supersedes: known.supersedes }] : []
        )
      const seen = (list: ReadonlyArray<Memory.Memory>) =>
        list.map((memory) => ({
          id: memory.id,
          texts: MemoryBank.history(bank, memory.id).map(({ text }) => text),
          supersedes: memory.supersedes
        }))
      assert.deepStrictEqual(seen(MemoryBank.memories(bank)), expected(false))
      assert.deepStrictEqual(seen(MemoryBank.tombstones(bank)), expected(true))
      assert.deepStrictEqual([bank.revision, bank.created, MemoryBank.size(bank)], [
        changes,
        map.size,
        expected(false).length
      ])
      for (const [one] of map) assert.strictEqual(Option.isSome(MemoryBank.get(bank, one)), there(one))
      assert.strictEqual(MemoryBank.fork(bank), bank)
    },
    { arbitrary: { runs: 500, seed: 7 } }
  )

  it.prop("leaves every earlier bank as it was", { script: edits }, ({ script }) => {
    const banks = [MemoryBank.empty]
    const seen = [JSON.stringify(MemoryBank.memories(MemoryBank.empty))]
    for (const edit of script) {
      const bank = MemoryBank.apply(banks.at(-1)!, edit)
      banks.push(bank)
      seen.push(JSON.stringify(MemoryBank.memories(bank)))
    }
    // A copy, since a bank remembers the list that it gave.
    assert.deepStrictEqual(banks.map((bank) => JSON.stringify(MemoryBank.memories({ ...bank }))), seen)
  }, { arbitrary: { runs: 200, seed: 2 } })

  it.prop("comes back from JSON, and goes on as it would have", { script: edits, more: edits }, ({ more, script }) => {
    const bank = MemoryBank.applyAll(MemoryBank.empty, script)
    const text = JSON.stringify(MemoryBank.toJson(bank))
    const again = MemoryBank.fromJson(Schema.decodeUnknownSync(Schema.fromJsonString(MemoryBank.Json))(text))
    const seen = (bank: MemoryBank.MemoryBank) =>
      MemoryBank.memories(bank).map(({ id }) => MemoryBank.history(bank, id))
    assert.deepStrictEqual(seen(again), seen(bank))
    const [one, other] = [bank, again].map((bank) => MemoryBank.applyAll(bank, more)) as [
      MemoryBank.MemoryBank,
      MemoryBank.MemoryBank
    ]
    assert.deepStrictEqual([seen(other), other.revision, other.created], [seen(one), one.revision, one.created])
  }, { arbitrary: { runs: 300, seed: 6 } })

  it.prop("never gives an id twice", { script: edits }, ({ script }) => {
    const given = new Set<Memory.MemoryId>()
    let bank = MemoryBank.empty
    for (const edit of script) {
      const next = MemoryBank.apply(bank, edit)
      for (const { id } of MemoryBank.diff(bank, next).added) {
        assert.isFalse(given.has(id), `${id} was given before`)
        given.add(id)
      }
      bank = next
    }
    assert.strictEqual(given.size, bank.created)
  }, { arbitrary: { runs: 500, seed: 3 } })

  it.prop("forks go their own ways", { script: edits, one: edits, other: edits }, ({ one, other, script }) => {
    const bank = MemoryBank.applyAll(MemoryBank.empty, script)
    const alone = texts(MemoryBank.applyAll(MemoryBank.fork(bank), one))
    MemoryBank.applyAll(MemoryBank.fork(bank), other)
    assert.deepStrictEqual(texts(MemoryBank.applyAll(MemoryBank.fork(bank), one)), alone)
    assert.deepStrictEqual(texts(MemoryBank.applyAll(MemoryBank.empty, [...script, ...one])), alone)
  }, { arbitrary: { runs: 200, seed: 4 } })

  it.prop("a difference is nothing between equals, the other way round backwards, and complete", {
    script: edits,
    more: edits
  }, ({ more, script }) => {
    const before = MemoryBank.applyAll(MemoryBank.empty, script)
    const after = MemoryBank.applyAll(before, more)
    assert.deepStrictEqual(MemoryBank.diff(before, before), { added: [], updated: [], removed: [] })
    const { added, removed, updated } = MemoryBank.diff(before, after)
    const back = MemoryBank.diff(after, before)
    assert.deepStrictEqual(back, {
      added: removed,
      removed: added,
      updated: updated.map((pair) => ({ before: pair.after, after: pair.before }))
    })
    const gone = new Set(removed.map(({ id }) => id))
    const changed = new Map(updated.map((pair) => [pair.after.id, pair.after]))
    assert.deepStrictEqual(
      [
        ...MemoryBank.memories(before).filter(({ id }) => !gone.has(id)).map((memory) =>
          changed.get(memory.id) ?? memory
        ),
        ...added
      ],
      [...MemoryBank.memories(after)]
    )
  }, { arbitrary: { runs: 300, seed: 5 } })
})

describe("MemoryBank.inWords", () => {
  const bank = MemoryBank.applyAll(MemoryBank.empty, [add("Ann has a dog named Buddy"), add("Ann lives in Oslo")])
  const words = (raw: string): string =>
    MemoryBank.inWords(bank, MemoryOperation.decode(raw, { revision: 2, memories: MemoryBank.memories(bank) }).edits)

  it("says each operation with the memories that it touches", () => {
    assert.strictEqual(words("ADD Ann has a cat named Tom"), `ADD "Ann has a cat named Tom"`)
    assert.strictEqual(
      words("UPDATE 0 Ann has dogs named Buddy and Scout"),
      `UPDATE "Ann has a dog named Buddy" to "Ann has dogs named Buddy and Scout"`
    )
    assert.strictEqual(words("DELETE 1\nADD Ann lives in Lima"), `DELETE "Ann lives in Oslo", ADD "Ann lives in Lima"`)
    assert.strictEqual(words("NOOP"), "NOOP")
  })

  it("says so where nothing could be read, and names a memory by its id where the bank has none", () => {
    assert.strictEqual(words("I would rather not"), "nothing that could be read")
    assert.strictEqual(
      MemoryBank.inWords(MemoryBank.empty, [Delete({ id: MemoryBank.memories(bank)[0]!.id })]),
      `DELETE "m1"`
    )
  })
})
