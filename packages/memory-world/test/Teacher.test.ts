import { assert, describe, it } from "@effect/vitest"
import { MemoryBank } from "@memory-r1/core"
import { AnswerFormat, MemoryOperation } from "@memory-r1/core/rl"
import * as Prng from "../src/internal/prng.ts"
import * as MemoryWorld from "../src/MemoryWorld.ts"
import * as Oracle from "../src/Oracle.ts"
import * as Teacher from "../src/Teacher.ts"
import {
  between,
  dogs,
  factOf,
  forced,
  keyOf,
  played,
  seeds,
  snapshotOf,
  type Step,
  truth,
  worlds
} from "./support/worlds.ts"

const bankOf = (...texts: ReadonlyArray<string>): MemoryBank.MemoryBank =>
  MemoryBank.applyAll(MemoryBank.empty, texts.map((text) => MemoryBank.Edit.Add({ memory: { text, speaker: "Ann" } })))
const modesOf = (kind: MemoryWorld.EventKind) =>
  Object.keys(Teacher.managerErrors[kind]) as ReadonlyArray<Teacher.ManagerMode>
const oracleSteps = (count: number): ReadonlyArray<Step> =>
  Array.from({ length: count }, (_, seed) => played(MemoryWorld.generate(seed), Oracle.operations)).flat()

// A share of `n` draws is near its probability: 4.5 standard deviations, on a fixed seed.
const isNear = (count: number, n: number, probability: number, what: string): void =>
  assert.approximately(count / n, probability, 4.5 * Math.sqrt(probability * (1 - probability) / n), what)

describe("Teacher.decide", () => {
  const shown = bankOf("Ann lives in Oslo", "Ann has dogs named Buddy and Rex")
  const another = dogs({ kind: "additive", said: ["Scout"] }, "We adopted another dog, Scout!")
  const gone = dogs({ kind: "retract", said: ["Rex"] }, "I gave away my dog Rex.")
  const by = (mode: Teacher.ManagerMode, event: MemoryWorld.Event, bank = shown): string =>
    MemoryOperation.format(Teacher.decide(forced(mode), event, snapshotOf(bank)))

  it("errs in each mode as its description says", () => {
    assert.strictEqual(by("right", another), "UPDATE 1 Ann has dogs named Buddy, Rex and Scout")
    assert.strictEqual(by("overwrite", another), "UPDATE 1 Ann has a dog named Scout")
    assert.strictEqual(by("deleteAndAdd", another), "DELETE 1\nADD Ann has a dog named Scout")
    assert.strictEqual(by("add", another), "ADD Ann has a dog named Scout")
    assert.strictEqual(by("addTurn", gone), "ADD I gave away my dog Rex.")
    assert.strictEqual(by("ignore", gone), "NOOP")
    assert.strictEqual(by("deleteAll", gone), "DELETE 1")
    assert.strictEqual(by("right", gone), "UPDATE 1 Ann has a dog named Buddy")
  })

  it("is right where there is nothing to get wrong", () => {
    const empty = bankOf("Ann lives in Oslo")
    for (const mode of ["overwrite", "deleteAndAdd", "deleteAll"] as const) {
      assert.strictEqual(by(mode, another, empty), "ADD Ann has a dog named Scout")
      assert.strictEqual(by(mode, gone, empty), "NOOP")
    }
    const same = dogs({ kind: "duplicate", said: ["Buddy"] }, "I fed my dog Buddy just now.")
    assert.strictEqual(by("overwrite", same, bankOf("Ann has a dog named Buddy")), "NOOP")
  })

  it("the stated shares are shares", () => {
    for (const shares of Object.values(Teacher.managerErrors)) {
      assert.approximately(Object.values(shares).reduce((sum, share) => sum + share, 0), 1, 1e-9)
    }
  })

  it("does each thing as often as managerErrors states", () => {
    const random = Prng.make(20)
    const steps = oracleSteps(120)
    for (
      const [kind, shares] of Object.entries(Teacher.managerErrors) as ReadonlyArray<
        [MemoryWorld.EventKind, Partial<Record<Teacher.ManagerMode, number>>]
      >
    ) {
      const counts = new Map<string, number>()
      let n = 0
      for (const { event, snapshot } of steps) {
        if (event.kind !== kind) continue
        // Only where what is done tells the mode.
        const modeOf = new Map(
          modesOf(kind).map((mode) => [MemoryOperation.format(Teacher.decide(forced(mode), event, snapshot)), mode])
        )
        if (modeOf.size < modesOf(kind).length) continue
        for (let i = 0; i < 10; i++, n++) {
          const mode = modeOf.get(MemoryOperation.format(Teacher.decide(random, event, snapshot)))!
          assert.isDefined(mode)
          counts.set(mode, (counts.get(mode) ?? 0) + 1)
        }
      }
      assert.isAtLeast(n, 400, kind)
      for (const [mode, share] of Object.entries(shares)) isNear(counts.get(mode) ?? 0, n, share, `${kind}, ${mode}`)
    }
  })

  it.prop("writes what decodes without a rejection, to the same edits, whatever the bank has become", {
    made: worlds,
    seed: seeds
  }, ({ made: { world }, seed }) => {
    const random = Prng.make(seed)
    const read = Oracle.reader(world)
    for (
      const { event, snapshot } of played(world, (event, snapshot) => Teacher.decide(random, event, snapshot, read))
    ) {
      for (const mode of modesOf(event.kind)) {
        const operations = Teacher.decide(forced(mode), event, snapshot, read)
        const { edits, rejections } = MemoryOperation.decode(
          MemoryOperation.format(operations),
          snapshot,
          factOf(event)
        )
        assert.deepStrictEqual(rejections, [])
        const parsed = { operations: operations.map((operation) => ({ operation, position: 0 })), rejections: [] }
        assert.deepStrictEqual(edits, MemoryOperation.bind(parsed, snapshot, factOf(event)).edits)
      }
    }
  }, { arbitrary: { runs: 40, seed: 21 } })
})

describe("Teacher.answer", () => {
  const dog = { person: "Ann", subject: "pets", detail: "dog" } as const
  const city = { person: "Ann", subject: "city", detail: "" } as const
  const job = { person: "Ann", subject: "job", detail: "" } as const
  const candidates = MemoryBank.memories(
    bankOf("Ann works as a nurse", "Ann has dogs named Buddy and Scout", "Ann lives in Oslo", "Ann lives in Lima")
  )
  const decided = (right: boolean): Prng.Prng => ({ ...Prng.make(3), chance: () => right })
  const read = Oracle.reader()

  // The places of the memories that an answer names, and what it says.
  const said = (right: boolean, slot: MemoryWorld.Slot, among = candidates): string => {
    const { selected, text, wellFormed } = AnswerFormat.compact.decode(
      Teacher.answer(decided(right), slot, among, read),
      { question: "", candidates: among }
    )
    assert.isTrue(wellFormed)
    return [...selected.map((memory) => among.indexOf(memory)), text].join(" ")
  }

  it("names the memories that help and what they say; lists in parts, and guesses, where it errs", () => {
    assert.strictEqual(said(true, dog), "1 Buddy and Scout")
    assert.strictEqual(said(true, city), "2 3 Lima")
    assert.strictEqual(said(true, { ...city, person: "Ben" }), "none")
    assert.match(said(false, dog), /^1 (Buddy|Scout)$/)
    assert.match(said(false, { ...job, person: "Ben" }), /^(0 nurse|1 (Buddy|Scout)|2 Oslo|3 Lima)$/)
    assert.strictEqual(said(false, job, []), "none")
  })

  it("is right as often as answerErrors states; a guess about a known value is right by chance", () => {
    const random = Prng.make(22)
    const banks = Array.from({ length: 60 }, (_, seed) => {
      const world = MemoryWorld.generate(seed)
      return { world, memories: MemoryBank.memories(played(world, Oracle.operations).at(-1)!.after) }
    })
    const counts = new Map<string, { right: number; expected: number; n: number }>()
    for (const { memories, world } of banks) {
      const values = truth(world)
      const slots = [...MemoryWorld.toldUntil(world, world.events.length), ...world.untold]
      for (const slot of slots) {
        const held = values.get(keyOf(slot)) ?? []
        const kind = MemoryWorld.answerKind(slot, held)
        const share = Teacher.answerErrors[kind]
        // One memory of all says it: a guess takes that one in 7 of 10 cases, else any.
        const byChance = kind === "list" || kind === "none" ? 0 : 0.7 + 0.3 / memories.length
        const gold = held.length === 0
          ? "none"
          : held.length === 1
          ? held[0]!
          : `${held.slice(0, -1).join(", ")} and ${held.at(-1)}`
        const count = counts.get(kind) ?? { right: 0, expected: 0, n: 0 }
        for (let i = 0; i < 5; i++) {
          const { text } = AnswerFormat.compact.decode(Teacher.answer(random, slot, memories, read), {
            question: "",
            candidates: memories
          })
          count.right += Number(text === gold)
          count.expected += share + (1 - share) * byChance
          count.n++
        }
        counts.set(kind, count)
      }
    }
    assert.deepStrictEqual([...counts.keys()].sort(), ["date", "list", "none", "single"])
    for (const [kind, { expected, n, right }] of counts) {
      assert.isAtLeast(n, 400, kind)
      isNear(right, n, expected / n, kind)
    }
  })

  it.prop("decodes well-formed and names only memories that are there", {
    made: worlds,
    seed: seeds,
    shown: between(0, 20)
  }, ({ made: { world }, seed, shown }) => {
    const random = Prng.make(seed)
    const reader = Oracle.reader(world)
    const bank = played(world, (event, snapshot) => Teacher.decide(random, event, snapshot, reader)).at(-1)!.after
    const candidates = MemoryBank.memories(bank).slice(-shown)
    for (const slot of [...MemoryWorld.toldUntil(world, world.events.length), ...world.untold]) {
      const raw = Teacher.answer(random, slot, candidates, reader)
      const { selected, text, wellFormed } = AnswerFormat.compact.decode(raw, { question: "", candidates })
      assert.isTrue(wellFormed, raw)
      assert.isTrue(text !== "" && !text.includes("="), raw)
      // An answer that is a value comes from a memory that is named.
      if (text !== "none") assert.isAbove(selected.length, 0, raw)
    }
  }, { arbitrary: { runs: 40, seed: 23 } })
})
