import { assert, layer } from "@effect/vitest"
import { AnswerAgent, Memory, MemoryBank, MemoryManager, Retriever } from "@memory-r1/core"
import { AnswerFormat, MemoryOperation, Simulation } from "@memory-r1/core/rl"
import { Effect, Layer, Schema } from "effect"
import * as MemoryWorld from "../src/MemoryWorld.ts"
import * as Oracle from "../src/Oracle.ts"
import * as Teacher from "../src/Teacher.ts"
import * as WorldEvaluation from "../src/WorldEvaluation.ts"
import { dogs, forced, truth } from "./support/worlds.ts"

const kinds: ReadonlyArray<MemoryWorld.EventKind> = ["additive", "duplicate", "new", "replace", "retract", "talk"]
const worlds = Array.from(
  { length: 12 },
  (_, seed) => MemoryWorld.generate(9000 + seed, { values: "heldOut", phrasing: seed % 2 === 0 ? "heldOut" : "train" })
)
const wide = { perFact: 100, phrasing: "heldOut" } as const
const nobody = { add: 0, update: 0, delete: 0, noop: 0 }

const by = (manager: MemoryManager.MemoryManager["Service"]) => Layer.succeed(MemoryManager.MemoryManager, manager)
const oracle = (of = worlds) => by(WorldEvaluation.oracleManager(of))

// A manager that makes one of the teacher's mistakes wherever it can, and is right elsewhere.
const erring = (mode: Teacher.ManagerMode, of: ReadonlyArray<MemoryWorld.World>) => {
  const right = WorldEvaluation.oracleManager(of)
  const events = new Map(of.flatMap((world) => world.events.map((event) => [event.turn.text, event] as const)))
  return by({
    decide: (requests) =>
      Effect.map(right.decide(requests), (decisions) =>
        decisions.map((decision, i) => {
          const { fact, snapshot } = requests[i]!
          const event = events.get(fact.text)!
          if (Teacher.managerErrors[event.kind][mode] === undefined) return decision
          const raw = MemoryOperation.format(Teacher.decide(forced(mode), event, snapshot))
          return { ...MemoryOperation.decode(raw, snapshot, fact), raw }
        }))
  })
}

// Reads one world's memories as the oracle does: perfect, where the memories say what is true.
const perfect = (world: MemoryWorld.World) => {
  const read = Oracle.reader(world)
  const slots = new Map(
    world.dialogue.questions.map(({ evidence, question }) =>
      [question, world.events.find(({ turn }) => turn.id === evidence[0])?.slot] as const
    )
  )
  return Layer.succeed(AnswerAgent.AnswerAgent, {
    answer: (requests) =>
      Effect.sync(() =>
        requests.map((request) => {
          const slot = slots.get(request.question)
          const values = slot === undefined ? [] : Oracle.believed(request.candidates, slot, read)
          return AnswerFormat.compact.decode(
            `= ${values.length === 0 ? "none" : values.join(", ").replace(/, (?!.*, )/, " and ")}`,
            request
          )
        })
      )
  })
}

const says = (text: string) =>
  Layer.succeed(AnswerAgent.AnswerAgent, {
    answer: (requests) => Effect.succeed(requests.map(() => ({ text, selected: [], wellFormed: true, raw: text })))
  })

const played = (manager: Layer.Layer<MemoryManager.MemoryManager>, of = worlds) =>
  Effect.provide(WorldEvaluation.play(of, wide), manager)

// Ann has a dog, and then another one.
const small: MemoryWorld.World = {
  dialogue: {
    id: "world-1",
    speakers: ["Ann", "Ben"],
    sessions: [],
    questions: [
      {
        id: "world-1/0",
        question: "Which dogs does Ann have?",
        answer: "Buddy and Scout",
        category: 2,
        kind: "list",
        evidence: ["D1:1", "D1:2"]
      },
      { id: "world-1/1", question: "Where does Ann live?", answer: "none", category: 4, kind: "none", evidence: [] }
    ],
    observations: []
  },
  events: [
    dogs({ kind: "new", said: ["Buddy"], after: ["Buddy"] }, "I have a dog named Buddy.", "D1:1"),
    dogs(
      { kind: "additive", said: ["Scout"], before: ["Buddy"], after: ["Buddy", "Scout"] },
      "We adopted another dog, Scout!",
      "D1:2"
    )
  ],
  untold: []
}

const { Add, Delete, Noop, Supersede, Update } = MemoryBank.Edit
const m1 = Memory.MemoryId.make("m1")

// A playthrough of given edits, one decision each.
const playedBy = (...edits: ReadonlyArray<MemoryBank.Edit>): Simulation.EpisodeResult => {
  const banks = [MemoryBank.empty]
  for (const edit of edits) banks.push(MemoryBank.apply(banks.at(-1)!, edit))
  const steps = edits.map((_, i) => ({
    fact: { text: `turn ${i}`, speaker: "Ann", sources: [`D1:${i}`] },
    questions: []
  }))
  return {
    episode: { id: "one", steps, questions: [] },
    banks,
    decisions: edits.map((edit) => ({ edits: [edit], rejections: [], raw: "" }))
  }
}
const ann = (text: string, source: string) => ({ text, speaker: "Ann", observedAt: "May 2023", sources: [source] })

layer(Retriever.layerBm25)("WorldEvaluation.addOnly", (it) => {
  const cases: ReadonlyArray<readonly [string, ReadonlyArray<MemoryBank.Edit>, ReadonlyArray<string>]> = [
    ["an addition stays one", [Add({ memory: ann("Ann lives in Oslo", "a") })], ["Ann lives in Oslo"]],
    ["an update is added beside what it changed", [
      Add({ memory: ann("Ann has a dog named Buddy", "a") }),
      Update({ id: m1, text: "Ann has dogs named Buddy and Scout", sources: ["b"] })
    ], ["Ann has a dog named Buddy", "Ann has dogs named Buddy and Scout"]],
    ["what takes the place of another is added beside it", [
      Add({ memory: ann("Ann lives in Oslo", "a") }),
      Supersede({ id: m1, memory: ann("Ann lives in Bergen", "b") })
    ], ["Ann lives in Oslo", "Ann lives in Bergen"]],
    ["nothing is taken back", [Add({ memory: ann("Ann lives in Oslo", "a") }), Delete({ id: m1 })], [
      "Ann lives in Oslo"
    ]],
    ["what was taken back and is said again is in memory already, as in a store", [
      Add({ memory: ann("Ann lives in Oslo", "a") }),
      Update({ id: m1, text: "Ann lives in Bergen" }),
      Update({ id: m1, text: "Ann lives in Oslo" })
    ], ["Ann lives in Oslo", "Ann lives in Bergen"]],
    ["nothing is written by a decision for nothing", [Noop(), Add({ memory: ann("Ann plays chess", "a") }), Noop()], [
      "Ann plays chess"
    ]],
    ["an update of what is gone wrote nothing", [
      Add({ memory: ann("Ann plays chess", "a") }),
      Delete({ id: m1 }),
      Update({ id: m1, text: "Ann plays go" })
    ], ["Ann plays chess"]],
    ["an update to the same words wrote nothing", [
      Add({ memory: ann("Ann plays chess", "a") }),
      Update({ id: m1, text: "Ann plays chess" })
    ], ["Ann plays chess"]]
  ]
  for (const [title, edits, texts] of cases) {
    it(title, () => {
      const { banks, decisions } = WorldEvaluation.addOnly(playedBy(...edits))
      assert.deepStrictEqual(MemoryBank.memories(banks.at(-1)!).map(({ text }) => text), texts)
      assert.lengthOf(banks, edits.length + 1)
      assert.isTrue(decisions.flatMap(({ edits }) => edits).every(({ _tag }) => _tag === "Add" || _tag === "Noop"))
    })
  }

  it("a statement that was an update has the speaker of the memory, and the time and the source of the turn", () => {
    const { banks } = WorldEvaluation.addOnly(playedBy(
      Add({ memory: ann("Ann has a dog", "a") }),
      Update({ id: m1, text: "Ann has two dogs", observedAt: "June 2023", sources: ["b"] })
    ))
    const { id: _, revision: __, ...second } = MemoryBank.memories(banks.at(-1)!)[1]!
    assert.deepStrictEqual(second, { ...ann("Ann has two dogs", "b"), observedAt: "June 2023" })
  })

  it.effect("over worlds: it holds all that the manager ever wrote, and is its own baseline", () =>
    Effect.gen(function*() {
      for (const manager of [oracle(), erring("overwrite", worlds), MemoryManager.layerAddOnly]) {
        for (const play of yield* played(manager)) {
          const added = WorldEvaluation.addOnly(play)
          const ever = new Set(play.banks.flatMap((bank) => MemoryBank.memories(bank).map(({ text }) => text)))
          const last = MemoryBank.memories(added.banks.at(-1)!).map(({ text }) => text)
          assert.deepStrictEqual(new Set(last), ever)
          assert.deepStrictEqual(WorldEvaluation.addOnly(added), added)
        }
      }
    }))

  it.effect("a perfect reader, for whom the newest holds, loses only what nobody said was taken back", () =>
    Effect.gen(function*() {
      for (const [w, play] of (yield* played(oracle())).entries()) {
        const world = worlds[w]!
        const measured = WorldEvaluation.measure([world], [WorldEvaluation.addOnly(play)], { perSpeaker: 100 })
        const result = yield* Effect.provide(measured, perfect(world))
        if (world.events.every(({ kind }) => kind !== "retract")) assert.strictEqual(result.exactMatch, 1)
        assert.deepStrictEqual([result.operations.update, result.operations.delete], [0, 0])
      }
    }))
})

layer(Retriever.layerBm25)("WorldEvaluation.measure", (it) => {
  it.effect("the oracle decides rightly on every turn, and keeps one memory for each thing that is true", () =>
    Effect.gen(function*() {
      const plays = yield* played(oracle())
      const result = yield* WorldEvaluation.measure(worlds, plays, { perSpeaker: 100 }).pipe(Effect.provide(says("")))
      assert.deepStrictEqual(result.operationAccuracy.byEvent, Object.fromEntries(kinds.map((kind) => [kind, 1])))
      assert.strictEqual(result.operationAccuracy.overall, 1)
      assert.deepStrictEqual(result.intervals.operationAccuracy, { low: 1, high: 1, resampledBy: "cluster" })
      const held = worlds.map((world) => [...truth(world).values()].filter((values) => values.length > 0).length)
      assert.approximately(result.memories, held.reduce((a, b) => a + b) / held.length, 1e-9)
      for (const kind of kinds) {
        assert.strictEqual(
          result.operationAccuracy.events[kind],
          worlds.flatMap(({ events }) => events).filter((event) => event.kind === kind).length
        )
      }
      const turns = worlds.flatMap(({ events }) => events)
      const still = turns.filter(({ after, before }) => after.join() === before.join()).length
      const { add, delete: deleted, noop, update } = result.operations
      const first = result.operationAccuracy.events["new"]!
      assert.deepStrictEqual({ add, noop, changed: update + deleted }, {
        add: first,
        noop: still,
        changed: turns.length - first - still
      })
    }))

  it.effect("ADD-only is right where something is new, and nowhere else", () =>
    Effect.gen(function*() {
      const result = yield* WorldEvaluation.measure(worlds, yield* played(MemoryManager.layerAddOnly), {
        perSpeaker: 100
      }).pipe(Effect.provide(says("")))
      assert.deepStrictEqual(result.operationAccuracy.byEvent, {
        additive: 0,
        duplicate: 0,
        new: 1,
        replace: 0,
        retract: 0,
        talk: 0
      })
      const turns = worlds.flatMap(({ events }) => events)
      assert.approximately(
        result.operationAccuracy.overall,
        turns.filter(({ kind }) => kind === "new").length / turns.length,
        1e-9
      )
      assert.deepStrictEqual(result.operations, { ...nobody, add: turns.length })
      assert.strictEqual(result.memories, turns.length / worlds.length)
    }))

  it.effect("a perfect reader is right about everything on the oracle's banks", () =>
    Effect.gen(function*() {
      for (const [w, play] of (yield* played(oracle())).entries()) {
        const world = worlds[w]!
        const result = yield* WorldEvaluation.measure([world], [play], { perSpeaker: 100 }).pipe(
          Effect.provide(perfect(world))
        )
        assert.deepStrictEqual([result.n, result.exactMatch, result.f1], [world.dialogue.questions.length, 1, 1])
        for (const { exactMatch, f1 } of Object.values(result.byAnswerKind)) {
          assert.deepStrictEqual([exactMatch, f1], [1, 1])
        }
        assert.deepStrictEqual(result.intervals.exactMatch, { low: 1, high: 1, resampledBy: "item" })
      }
    }))

  it.effect("the same reader cannot see what a manager has lost", () =>
    Effect.gen(function*() {
      const [play] = yield* played(erring("overwrite", [small]), [small])
      const result = yield* WorldEvaluation.measure([small], [play!], { perSpeaker: 100 }).pipe(
        Effect.provide(perfect(small))
      )
      assert.deepStrictEqual(result.byAnswerKind["list"], { n: 1, exactMatch: 0, f1: 1 / 2 })
      assert.deepStrictEqual(result.byAnswerKind["none"], { n: 1, exactMatch: 1, f1: 1 })
      assert.deepStrictEqual(result.operationAccuracy.byEvent, { additive: 0, new: 1 })
      assert.deepStrictEqual(result.operations, { ...nobody, add: 1, update: 1 })
    }))

  it.effect("compares lists in any order; everything else as it stands", () =>
    Effect.gen(function*() {
      const [play] = yield* played(oracle([small]), [small])
      const exact = (text: string) =>
        WorldEvaluation.measure([small], [play!], { perSpeaker: 10 }).pipe(
          Effect.provide(says(text)),
          Effect.map(({ byAnswerKind }) => [byAnswerKind["list"]!.exactMatch, byAnswerKind["none"]!.exactMatch])
        )
      assert.deepStrictEqual(yield* exact("Buddy and Scout"), [1, 0])
      assert.deepStrictEqual(yield* exact("Scout, Buddy"), [1, 0])
      assert.deepStrictEqual(yield* exact("Scout"), [0, 0])
      assert.deepStrictEqual(yield* exact("none"), [0, 1])
    }))

  it.effect("gives what its schema says", () =>
    Effect.gen(function*() {
      const result = yield* WorldEvaluation.measure(worlds, yield* played(oracle()), { perSpeaker: 8 }).pipe(
        Effect.provide(AnswerAgent.layerExtractive)
      )
      assert.deepStrictEqual(
        yield* Schema.decodeUnknownEffect(WorldEvaluation.Result)(JSON.parse(JSON.stringify(result))),
        result
      )
      assert.deepStrictEqual(Object.keys(result.byAnswerKind), ["date", "list", "none", "single"])
      assert.strictEqual(Object.values(result.byAnswerKind).reduce((sum, { n }) => sum + n, 0), result.n)
      assert.strictEqual(result.dialogues, worlds.length)
    }))

  it.effect("a manager that sees little errs, and the oracle too: it knows only what it is shown", () =>
    Effect.gen(function*() {
      const plays = yield* WorldEvaluation.play(worlds, { perFact: 1 }).pipe(Effect.provide(oracle()))
      const { operationAccuracy } = yield* WorldEvaluation.measure(worlds, plays, { perSpeaker: 8 }).pipe(
        Effect.provide(says(""))
      )
      assert.isBelow(operationAccuracy.overall, 1)
      assert.strictEqual(operationAccuracy.byEvent["new"], 1)
      assert.strictEqual(operationAccuracy.byEvent["talk"], 1)
    }))

  it.effect("play reports each step, of all dialogues at once", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const plays = yield* WorldEvaluation.play([small, ...worlds], {
        ...wide,
        onStep: (step, steps) => Effect.sync(() => void seen.push(`${step}/${steps}`))
      }).pipe(Effect.provide(oracle([small, ...worlds])))
      assert.deepStrictEqual(seen, Array.from({ length: 24 }, (_, i) => `${i + 1}/24`))
      assert.deepStrictEqual(plays.map(({ episode }) => episode.id), [
        "world-1",
        ...worlds.map(({ dialogue }) => dialogue.id)
      ])
      assert.deepStrictEqual(plays.map(({ decisions }) => decisions.length), [2, ...worlds.map(() => 24)])
    }))

  it.effect("the oracle leaves facts alone that it does not know", () =>
    Effect.gen(function*() {
      const fact = { text: "I sold my boat.", speaker: "Ann", sources: ["D1:1"] }
      const [decision] = yield* WorldEvaluation.oracleManager(worlds).decide([{
        fact,
        snapshot: { revision: 0, memories: [] }
      }])
      assert.deepStrictEqual(decision!.edits.map(({ _tag }) => _tag), ["Noop"])
    }))
})

layer(Retriever.layerBm25)("WorldEvaluation.changes", (it) => {
  it.effect("tells in words what was wrong and is right now", () =>
    Effect.gen(function*() {
      const before = yield* played(erring("overwrite", [small]), [small])
      const after = yield* played(oracle([small]), [small])
      assert.deepStrictEqual(WorldEvaluation.changes([small], before, after), [{
        kind: "additive",
        turn: "Ann: We adopted another dog, Scout!",
        memories: ["Ann has a dog named Buddy"],
        before: `UPDATE "Ann has a dog named Buddy" to "Ann has a dog named Scout"`,
        after: `UPDATE "Ann has a dog named Buddy" to "Ann has dogs named Buddy and Scout"`
      }])
      const split = yield* played(erring("deleteAndAdd", [small]), [small])
      assert.strictEqual(
        WorldEvaluation.changes([small], split, after)[0]!.before,
        `DELETE "Ann has a dog named Buddy", ADD "Ann has a dog named Scout"`
      )
    }))

  it.effect("nothing changed for the better between equals, or backwards", () =>
    Effect.gen(function*() {
      const right = yield* played(oracle())
      const wrong = yield* played(MemoryManager.layerAddOnly)
      assert.deepStrictEqual(WorldEvaluation.changes(worlds, right, right), [])
      assert.deepStrictEqual(WorldEvaluation.changes(worlds, wrong, wrong), [])
      assert.deepStrictEqual(WorldEvaluation.changes(worlds, right, wrong), [])
    }))

  it.effect("banks that differed about the subject before the turn are not compared", () =>
    Effect.gen(function*() {
      const [before, after] = [yield* played(MemoryManager.layerAddOnly), yield* played(oracle())]
      const changes = WorldEvaluation.changes(worlds, before, after)
      assert.isAbove(changes.length, 0)
      // ADD-only has turns where the oracle has statements: they agree only on what neither has.
      for (const { memories } of changes) assert.deepStrictEqual(memories, [])
    }))

  it.effect("one for each dialogue, additive updates first, on banks that held the same about the subject", () =>
    Effect.gen(function*() {
      const before = yield* played(erring("add", worlds))
      const after = yield* played(oracle())
      const changes = WorldEvaluation.changes(worlds, before, after)
      assert.isTrue(changes.length > 1 && changes.length <= worlds.length)
      assert.strictEqual(new Set(changes.map(({ turn }) => turn)).size, changes.length)
      const order = changes.map(({ kind }) => ["additive", "replace", "duplicate"].indexOf(kind))
      assert.isFalse(order.includes(-1))
      assert.deepStrictEqual(order, order.toSorted((a, b) => a - b))
      assert.strictEqual(changes[0]!.kind, "additive")
      for (const change of changes) {
        const event = worlds.flatMap(({ events }) => events).find(({ turn }) =>
          `${turn.speaker}: ${turn.text}` === change.turn
        )!
        assert.strictEqual(change.memories.length, 1)
        assert.match(change.before, /^ADD "[^"]+"$/)
        if (event.kind !== "duplicate") {
          assert.isTrue(change.after.startsWith(`UPDATE "${change.memories[0]}" to "`), change.after)
        } else assert.strictEqual(change.after, "NOOP")
      }
    }))
})
