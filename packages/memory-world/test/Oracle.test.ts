import { assert, describe, it } from "@effect/vitest"
import { MemoryBank } from "@memory-r1/core"
import { MemoryOperation } from "@memory-r1/core/rl"
import * as Prng from "../src/internal/prng.ts"
import { readMemory } from "../src/internal/subjects.ts"
import type * as MemoryWorld from "../src/MemoryWorld.ts"
import * as Oracle from "../src/Oracle.ts"
import * as Teacher from "../src/Teacher.ts"
import { apply, dogs, forced, keyOf, played, seeds, snapshotOf, truth, worlds } from "./support/worlds.ts"

const bankOf = (...texts: ReadonlyArray<string>): MemoryBank.MemoryBank =>
  MemoryBank.applyAll(MemoryBank.empty, texts.map((text) => MemoryBank.Edit.Add({ memory: { text, speaker: "Ann" } })))
const textsOf = (bank: MemoryBank.MemoryBank): ReadonlyArray<string> =>
  MemoryBank.memories(bank).map(({ text }) => text)

const buddy = "Ann has a dog named Buddy"
const both = "Ann has dogs named Buddy and Scout"
const scout = "Ann has a dog named Scout"
const oslo = "Ann lives in Oslo"
const first = dogs({ kind: "new", said: ["Buddy"] }, "I have a dog named Buddy.")
const another = dogs({ kind: "additive", said: ["Scout"] }, "We adopted another dog, Scout!")
const again = dogs({ kind: "duplicate", said: ["Buddy"] }, "I took my dog Buddy to the vet today.")
const gone = dogs({ kind: "retract", said: ["Buddy"] }, "I gave away my dog Buddy.")
const city = { slot: { person: "Ann", subject: "city", detail: "" } } as const
const moved = { ...dogs({ kind: "replace", said: ["Lima"] }, "I moved to Lima."), ...city }
const { slot: _, ...talk } = dogs({ kind: "talk", said: [] }, "How are you?")
const line = (event: MemoryWorld.Event, bank: MemoryBank.MemoryBank): string =>
  MemoryOperation.format(Oracle.operations(event, snapshotOf(bank)))

describe("Oracle.operations", () => {
  it("adds what is new, adds to a list, replaces, takes back, and leaves the rest alone", () => {
    assert.strictEqual(line(first, bankOf(oslo)), `ADD ${buddy}`)
    assert.strictEqual(line(another, bankOf(oslo, buddy)), `UPDATE 1 ${both}`)
    assert.strictEqual(line(moved, bankOf(oslo, buddy)), "UPDATE 0 Ann lives in Lima")
    assert.strictEqual(line(gone, bankOf(oslo, both)), `UPDATE 1 ${scout}`)
    assert.strictEqual(line(gone, bankOf(oslo, buddy)), "DELETE 1")
    assert.strictEqual(line(again, bankOf(oslo, both)), "NOOP")
    assert.strictEqual(line(talk, bankOf(oslo, both)), "NOOP")
  })

  it("mends what earlier mistakes left: one memory for a slot", () => {
    assert.strictEqual(line(another, bankOf(buddy, oslo, scout)), `UPDATE 0 ${both}\nDELETE 2`)
    assert.strictEqual(line(gone, bankOf(buddy, buddy)), "DELETE 0\nDELETE 1")
    assert.strictEqual(line(again, bankOf(buddy, oslo, buddy)), "DELETE 2")
    assert.strictEqual(line(another, bankOf(oslo)), `ADD ${scout}`)
    assert.strictEqual(line(gone, bankOf(oslo)), "NOOP")
  })

  it.prop(
    "leave a bank that states exactly the truth, after every turn of any world",
    { made: worlds },
    ({ made: { world } }) => {
      const steps = played(world, Oracle.operations)
      steps.forEach(({ after }, i) => {
        const stated = textsOf(after).map((text) => readMemory(text)!)
        assert.strictEqual(new Set(stated.map(({ slot }) => keyOf(slot))).size, stated.length)
        assert.deepStrictEqual(
          new Map(stated.map(({ slot, values }) => [keyOf(slot), values])),
          new Map([...truth(world, i + 1)].filter(([, values]) => values.length > 0))
        )
      })
    },
    { arbitrary: { runs: 200, seed: 1 } }
  )

  it.prop("are right on banks that the teacher's mistakes have damaged, and leave one memory for the slot", {
    made: worlds,
    seed: seeds
  }, ({ made: { world }, seed }) => {
    const random = Prng.make(seed)
    const read = Oracle.reader(world)
    for (
      const { before, event, snapshot } of played(
        world,
        (event, snapshot) => Teacher.decide(random, event, snapshot, read)
      )
    ) {
      const after = apply(before, event, Oracle.operations(event, snapshot, read))
      assert.isTrue(Oracle.isRight(event, snapshot.memories, MemoryBank.memories(after), read), event.turn.text)
      assert.isAtMost(Oracle.about(event, MemoryBank.memories(after), read).length, 1)
    }
  }, { arbitrary: { runs: 100, seed: 2 } })
})

describe("Oracle.isRight", () => {
  const right = (
    event: MemoryWorld.Event,
    before: MemoryBank.MemoryBank,
    after: MemoryBank.MemoryBank,
    read?: Oracle.Reader
  ): boolean => Oracle.isRight(event, MemoryBank.memories(before), MemoryBank.memories(after), read)

  it("holds after what should be done, in any wording of the list's order", () => {
    assert.isTrue(right(another, bankOf(oslo, buddy), bankOf(oslo, both)))
    assert.isTrue(right(another, bankOf(oslo, buddy), bankOf("Ann has dogs named Scout and Buddy", oslo)))
    assert.isTrue(right(gone, bankOf(buddy, oslo), bankOf(oslo)))
    assert.isTrue(right(again, bankOf(both), bankOf(both)))
    assert.isTrue(right(talk, bankOf(both), bankOf(both)))
  })

  it("does not hold after a loss, a stale value, a fragment, a duplicate, or damage elsewhere", () => {
    assert.isFalse(right(another, bankOf(oslo, buddy), bankOf(oslo, scout)))
    assert.isFalse(right(another, bankOf(oslo, buddy), bankOf(oslo, buddy, scout)))
    assert.isFalse(right(another, bankOf(oslo, buddy), bankOf(both)))
    assert.isFalse(right(another, bankOf(oslo, buddy), bankOf("Ann lives in Rome", both)))
    assert.isFalse(right(moved, bankOf(oslo), bankOf(oslo, "Ann lives in Lima")))
    assert.isFalse(right(moved, bankOf(oslo), bankOf()))
    assert.isFalse(right(gone, bankOf(both), bankOf()))
    assert.isFalse(right(gone, bankOf(buddy), bankOf(buddy)))
    assert.isFalse(right(again, bankOf(buddy), bankOf(buddy, buddy)))
    assert.isFalse(right(talk, bankOf(buddy), bankOf(buddy, "How are you?")))
    assert.isFalse(right(first, bankOf(), bankOf()))
  })

  it("judges by what the bank held before: what was lost earlier need not come back", () => {
    assert.isTrue(right(gone, bankOf(scout), bankOf(scout)))
    assert.isTrue(right(another, bankOf(buddy, oslo, scout), bankOf(buddy, oslo, scout)))
    assert.isTrue(right(again, bankOf(buddy, buddy), bankOf(buddy, buddy)))
    assert.isFalse(right(again, bankOf(buddy, buddy), bankOf(buddy, buddy, buddy)))
  })

  // When a mode of the teacher is no mistake after all, on a bank that holds the truth.
  const harmless: Readonly<Record<Teacher.ManagerMode, (event: MemoryWorld.Event) => boolean>> = {
    right: () => true,
    overwrite: ({ before, kind }) => kind === "duplicate" && before.length === 1,
    // Where one value takes the place of another, DELETE and ADD leave the same as UPDATE.
    deleteAndAdd: ({ kind }) => kind === "replace",
    add: () => false,
    addTurn: () => false,
    ignore: ({ after, before }) => after.join() === before.join(),
    deleteAll: ({ before }) => before.length === 1
  }

  it.prop("accepts the oracle and rejects each of the teacher's mistakes", { made: worlds }, ({ made: { world } }) => {
    for (const { before, event, snapshot } of played(world, Oracle.operations)) {
      for (const mode of Object.keys(Teacher.managerErrors[event.kind]) as ReadonlyArray<Teacher.ManagerMode>) {
        const after = apply(before, event, Teacher.decide(forced(mode), event, snapshot))
        assert.strictEqual(
          right(event, before, after),
          harmless[mode](event),
          `${event.kind}, ${mode}: ${textsOf(after).join("; ")}`
        )
      }
    }
  }, { arbitrary: { runs: 150, seed: 3 } })

  it.prop("rejects damage to any other memory, and any memory more", { made: worlds }, ({ made: { world } }) => {
    for (const { after, before, event } of played(world, Oracle.operations)) {
      assert.isTrue(right(event, before, after))
      assert.isFalse(
        right(
          event,
          before,
          MemoryBank.apply(after, MemoryBank.Edit.Add({ memory: { text: "Ann is a friend of Bob" } }))
        )
      )
      for (const { id, text } of MemoryBank.memories(after)) {
        assert.isFalse(right(event, before, MemoryBank.apply(after, MemoryBank.Edit.Delete({ id }))), text)
      }
    }
  }, { arbitrary: { runs: 60, seed: 4 } })

  it.prop(
    "of a turn stored word for word: right where a world is given that makes it a statement, and the slot was empty",
    { made: worlds },
    ({ made: { world } }) => {
      for (const { before, event } of played(world, Oracle.operations)) {
        const after = apply(before, event, [{ _tag: "Add", text: event.turn.text }])
        assert.isFalse(right(event, before, after))
        assert.strictEqual(right(event, before, after, Oracle.reader(world)), event.kind === "new", event.turn.text)
      }
    },
    { arbitrary: { runs: 60, seed: 5 } }
  )
})

describe("Oracle.believed", () => {
  const read = Oracle.reader()
  const of = (slot: MemoryWorld.Slot, ...texts: ReadonlyArray<string>) =>
    Oracle.believed(MemoryBank.memories(bankOf(...texts)), slot, read)

  it("lists grow, the newest single value holds, what is not stated is not believed", () => {
    assert.deepStrictEqual(of(first.slot!, buddy, oslo, scout, both), ["Buddy", "Scout"])
    assert.deepStrictEqual(of(moved.slot, oslo, buddy, "Ann lives in Lima"), ["Lima"])
    assert.deepStrictEqual(
      of(first.slot!, oslo, "Ann has a cat named Tom", "Ben has a dog named Rex", "We love dogs"),
      []
    )
  })

  it.prop(
    "is the truth of any world where every turn is stored word for word",
    { made: worlds },
    ({ made: { world } }) => {
      const reader = Oracle.reader(world)
      const bank = played(world, ({ turn }) => [{ _tag: "Add", text: turn.text }]).at(-1)!.after
      for (const { slot } of world.events) {
        if (slot === undefined) continue
        assert.deepStrictEqual(Oracle.believed(MemoryBank.memories(bank), slot, reader), truth(world).get(keyOf(slot)))
      }
      for (const slot of world.untold) {
        assert.deepStrictEqual(
          Oracle.believed(MemoryBank.memories(bank), slot, reader),
          []
        )
      }
    },
    { arbitrary: { runs: 150, seed: 6 } }
  )
})

describe("Oracle.reader, about and expected", () => {
  it("read statements, and a world's turns where it is given; small talk says nothing", () => {
    const events = [first, gone, { ...talk }]
    const world: MemoryWorld.World = {
      dialogue: { id: "w", speakers: ["Ann", "Ben"], sessions: [], questions: [], observations: [] },
      events,
      untold: []
    }
    const memories = MemoryBank.memories(bankOf(both, ...events.map(({ turn }) => turn.text)))
    const slot = first.slot!
    const stated = { slot, values: ["Buddy", "Scout"], retracts: false }
    assert.deepStrictEqual(memories.map(Oracle.reader()), [stated, undefined, undefined, undefined])
    assert.deepStrictEqual(memories.map(Oracle.reader(world)), [
      stated,
      { slot, values: ["Buddy"], retracts: false },
      { slot, values: ["Buddy"], retracts: true },
      undefined
    ])
    assert.deepStrictEqual(Oracle.about(another, memories), [both])
    // A turn that takes something back is no place for a slot's values.
    assert.deepStrictEqual(Oracle.about(another, memories, Oracle.reader(world)), [both, first.turn.text])
    assert.deepStrictEqual(Oracle.about(talk, memories, Oracle.reader(world)), [])
  })

  it("expected: what a slot should hold after a turn, given what it held", () => {
    assert.deepStrictEqual(Oracle.expected(another, ["Buddy"]), ["Buddy", "Scout"])
    assert.deepStrictEqual(Oracle.expected(another, []), ["Scout"])
    assert.deepStrictEqual(Oracle.expected(again, ["Buddy", "Scout"]), ["Buddy", "Scout"])
    assert.deepStrictEqual(Oracle.expected(gone, ["Buddy", "Scout"]), ["Scout"])
    assert.deepStrictEqual(Oracle.expected(moved, ["Oslo"]), ["Lima"])
    assert.deepStrictEqual(Oracle.expected(talk, ["Oslo"]), ["Oslo"])
  })
})
