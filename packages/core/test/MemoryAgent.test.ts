import { assert, describe, it } from "@effect/vitest"
import {
  AnswerAgent,
  FactExtractor,
  Memory,
  MemoryAgent,
  MemoryBank,
  MemoryManager,
  MemoryStore,
  Retriever,
  Scope
} from "@memory-r1/core"
import { type ManagerFormat, MemoryOperation } from "@memory-r1/core/rl"
import { Effect, Fiber, Layer, Ref } from "effect"
import { TestClock } from "effect/testing"

const scope = Scope.make({ user: "ann" })

const turn = (id: string, speaker: string, text: string) => ({ id, speaker, text, observedAt: `day ${id}` })

const base = Layer.mergeAll(
  MemoryStore.layerInMemory,
  Retriever.layerBm25,
  FactExtractor.layerVerbatim,
  AnswerAgent.layerExtractive
)

const layers = Layer.merge(base, MemoryManager.layerRuleBased())

/** A manager that says what it is told to, after something that happens while it thinks. */
const thinking = <E, R>(
  decide: (request: ManagerFormat.ManagerRequest) => string,
  meanwhile: Effect.Effect<unknown, E, R>
): Layer.Layer<MemoryManager.MemoryManager, never, R> =>
  Layer.effect(
    MemoryManager.MemoryManager,
    Effect.map(Effect.context<R>(), (context) => ({
      decide: (requests) =>
        Effect.as(
          Effect.orDie(Effect.provide(meanwhile, context)),
          requests.map((request) => {
            const raw = decide(request)
            return { ...MemoryOperation.decode(raw, request.snapshot, request.fact), raw }
          })
        )
    }))
  )

const somebodyElseAdds = (text: string) =>
  Effect.gen(function*() {
    const store = yield* MemoryStore.MemoryStore
    const { revision } = yield* store.current(scope)
    yield* store.commit(scope, { base: revision, edits: [MemoryBank.Edit.Add({ memory: { text, speaker: "Ann" } })] })
  })

const texts = Effect.map(MemoryAgent.memories(scope), (memories) => memories.map(({ text }) => text))

describe("MemoryAgent", () => {
  it.effect("remembers, updates and answers", () =>
    Effect.gen(function*() {
      const { decisions } = yield* MemoryAgent.remember(scope, turn("1", "Ann", "Ann lives in Oslo"))
      assert.deepStrictEqual(decisions.map(({ raw }) => raw), ["ADD Ann lives in Oslo"])
      yield* MemoryAgent.remember(scope, turn("2", "Ann", "Ann plays chess"))
      yield* MemoryAgent.remember(scope, turn("3", "Ann", "Ann lives in Bergen"))
      yield* MemoryAgent.remember(scope, turn("4", "Ann", "Ann lives in Bergen!"))
      assert.deepStrictEqual(yield* MemoryAgent.memories(scope), [
        {
          id: Memory.MemoryId.make("m1"),
          text: "Ann lives in Bergen",
          speaker: "Ann",
          observedAt: "day 3",
          sources: ["1", "3"],
          revision: 1
        },
        {
          id: Memory.MemoryId.make("m2"),
          text: "Ann plays chess",
          speaker: "Ann",
          observedAt: "day 2",
          sources: ["2"],
          revision: 0
        }
      ])
      assert.strictEqual((yield* MemoryAgent.ask(scope, "Where does Ann live?")).text, "Bergen")
      assert.deepStrictEqual(yield* MemoryAgent.memories(Scope.make({ user: "ben" })), [])
    }).pipe(Effect.provide(layers)))

  it.effect("shows a decision memories of the fact's speaker only, oldest first, as many as allowed", () =>
    Effect.gen(function*() {
      const shown = yield* Ref.make<ReadonlyArray<ReadonlyArray<string>>>([])
      const store = yield* MemoryStore.MemoryStore
      const add = (speaker: string, text: string) => MemoryBank.Edit.Add({ memory: { text, speaker } })
      yield* store.commit(scope, {
        base: 0,
        edits: [
          add("Ann", "Ann has a dog"),
          add("Ben", "Ben has a dog"),
          add("Ann", "Ann has a red dog"),
          add("Ann", "Ann plays chess")
        ]
      })
      const manager = Layer.succeed(MemoryManager.MemoryManager, {
        decide: (requests) =>
          Effect.as(
            Ref.set(shown, requests.map(({ snapshot }) => snapshot.memories.map(({ text }) => text))),
            requests.map(() => ({ edits: [], rejections: [], raw: "" }))
          )
      })
      yield* MemoryAgent.remember(scope, turn("9", "Ann", "a red dog"), { perFact: 2 }).pipe(Effect.provide(manager))
      assert.deepStrictEqual(yield* Ref.get(shown), [["Ann has a dog", "Ann has a red dog"]])
    }).pipe(Effect.provide(base)))

  it.live("decides again, on the new snapshot, where somebody else has committed in between", () =>
    Effect.gen(function*() {
      const interruptions = yield* Ref.make(2)
      const seen = yield* Ref.make<ReadonlyArray<number>>([])
      const meanwhile = Effect.gen(function*() {
        const { revision } = yield* (yield* MemoryStore.MemoryStore).current(scope)
        yield* Ref.update(seen, (all) => [...all, revision])
        const left = yield* Ref.getAndUpdate(interruptions, (n) => n - 1)
        if (left > 0) yield* somebodyElseAdds(`Ann's note ${left}`)
      })
      // What it decides depends on what it sees.
      const manager = thinking(
        ({ snapshot }) => snapshot.memories.length < 2 ? "ADD decided too early" : "UPDATE 1 Ann's note, updated",
        meanwhile
      )
      const { decisions } = yield* MemoryAgent.remember(scope, turn("1", "Ann", "Ann's note")).pipe(
        Effect.provide(manager)
      )
      assert.deepStrictEqual(yield* Ref.get(seen), [0, 1, 2])
      assert.deepStrictEqual(decisions.map(({ raw }) => raw), ["UPDATE 1 Ann's note, updated"])
      assert.deepStrictEqual(yield* texts, ["Ann's note 2", "Ann's note, updated"])
    }).pipe(Effect.provide(base)))

  it.effect("gives up with the conflict where others never stop", () =>
    Effect.gen(function*() {
      const others = yield* Ref.make(0)
      const manager = thinking(
        () => "ADD mine",
        Effect.flatMap(Ref.updateAndGet(others, (n) => n + 1), (n) => somebodyElseAdds(`theirs ${n}`))
      )
      const fiber = yield* MemoryAgent.remember(scope, turn("1", "Ann", "mine")).pipe(
        Effect.provide(manager),
        Effect.flip,
        Effect.forkChild
      )
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "Conflict")
      // Thirty-two retries.
      assert.deepStrictEqual(yield* texts, Array.from({ length: 33 }, (_, i) => `theirs ${i + 1}`))
    }).pipe(Effect.provide(base)))

  it.effect("keeps the fact as it was said where the decision is unreadable, and says so", () =>
    Effect.gen(function*() {
      const manager = thinking(() => "hm", Effect.void)
      const { decisions, kept } = yield* MemoryAgent.remember(scope, turn("1", "Ann", "mine")).pipe(
        Effect.provide(manager)
      )
      assert.strictEqual(decisions[0]?.rejections[0]?._tag, "Unparsable")
      assert.deepStrictEqual(kept?.map(({ id, reason, stage }) => [id, stage, reason]), [[
        "m1",
        "fact",
        "nothing was decided on it: Unparsable"
      ]])
      assert.deepStrictEqual(yield* texts, ["mine"])
    }).pipe(Effect.provide(base)))

  it.effect("candidates are the best of each speaker, and of those without one, each once, oldest first", () =>
    Effect.gen(function*() {
      const add = (text: string, speaker?: string) => MemoryBank.Edit.Add({ memory: { text, speaker } })
      const bank = MemoryBank.applyAll(MemoryBank.empty, [
        add("a dog in the rain", "Ann"),
        add("a cat", "Ann"),
        add("a dog", "Ben"),
        add("a bird", "Ben"),
        add("dogs, dogs, dogs")
      ])
      const found = yield* Retriever.candidatesFor(bank, "dog", 1)
      assert.deepStrictEqual(found.map(({ text }) => text), ["a dog in the rain", "a dog", "dogs, dogs, dogs"])
      assert.lengthOf(yield* Retriever.candidatesFor(bank, "dog", 30), 5)
      assert.deepStrictEqual(yield* Retriever.candidatesFor(MemoryBank.empty, "dog", 30), [])
    }).pipe(Effect.provide(Retriever.layerBm25)))
})
