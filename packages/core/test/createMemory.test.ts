import { assert, describe, it } from "@effect/vitest"
import { AnswerAgent, createMemory, FactExtractor, MemoryManager, MemoryOperation, MemoryStore } from "@memory-r1/core"
import { Context, Effect, Layer } from "effect"
import * as RecordedModel from "./support/recordedModel.ts"

describe("createMemory", () => {
  it("works with nothing but defaults", async () => {
    const memory = await createMemory()
    assert.deepStrictEqual(await memory.memories(), [])
    const { decisions } = await memory.remember({ speaker: "Ann", text: "I live in Oslo." })
    assert.deepStrictEqual(decisions.map(({ raw }) => raw), ["ADD I live in Oslo."])
    await memory.remember({ id: "D7", speaker: "Ben", text: "I play chess.", observedAt: "8 May 2023" })
    const [home, chess] = await memory.memories()
    assert.deepStrictEqual([home?.speaker, home?.text, home?.sources.length], ["Ann", "I live in Oslo.", 1])
    assert.deepStrictEqual([chess?.speaker, chess?.text, chess?.sources, chess?.observedAt], ["Ben", "I play chess.", [
      "D7"
    ], "8 May 2023"])
    assert.deepStrictEqual((await memory.recall("who plays chess?", { limit: 1 })).map(({ text }) => text), [
      "I play chess."
    ])
    assert.strictEqual((await memory.answer("Where does Ann live?")).text, "Oslo")
    await memory.close()
  })

  it("takes its parts from options, and keeps scopes apart in one store", async () => {
    const context = await Effect.runPromise(Effect.scoped(Layer.build(MemoryStore.layerInMemory)))
    const store = Layer.succeed(MemoryStore.MemoryStore, Context.get(context, MemoryStore.MemoryStore))
    const answerAgent = Layer.provide(AnswerAgent.layerPrompted(), RecordedModel.layer(() => "Answer: as recorded"))
    const ann = await createMemory({ store, answerAgent, manager: MemoryManager.layerAddOnly, scope: { user: "ann" } })
    const ben = await createMemory({ store, scope: { user: "ben" } })
    await ann.remember({ speaker: "Ann", text: "Ann lives in Oslo" })
    await ann.remember({ speaker: "Ann", text: "Ann lives in Bergen" })
    assert.lengthOf(await ann.memories(), 2)
    assert.lengthOf(await ben.memories(), 0)
    assert.strictEqual((await ann.answer("what?")).text, "as recorded")
    await Promise.all([ann.close(), ben.close()])
  })

  // A manager takes its time. Calls that overlapped once conflicted with each other until some of them gave up.
  it("remembers turns in the order of the calls, also where nobody waits in between", async () => {
    const slow = Layer.succeed(MemoryManager.MemoryManager, {
      decide: (requests) =>
        Effect.delay(
          Effect.sync(() =>
            requests.map(({ fact, snapshot }) => ({
              ...MemoryOperation.decode(`ADD ${fact.text}`, snapshot, fact),
              raw: fact.text
            }))
          ),
          "1 millis"
        )
    })
    const memory = await createMemory({ manager: slow })
    const said = Array.from({ length: 20 }, (_, i) => `fact ${i}`)
    await Promise.all(said.map((text) => memory.remember({ speaker: "Ann", text })))
    assert.deepStrictEqual((await memory.memories()).map(({ text }) => text), said)
    await memory.close()
  })

  it("rejects with the error of what failed, and goes on afterwards", async () => {
    const extractor = Layer.succeed(FactExtractor.FactExtractor, {
      extract: ({ text }) =>
        text === "bad" ? Effect.die(new Error("no such turn")) : Effect.succeed([{ text, speaker: "Ann", sources: [] }])
    })
    const memory = await createMemory({ extractor })
    const failed = await memory.remember({ speaker: "Ann", text: "bad" }).then(
      () => undefined,
      (error: unknown) => error
    )
    assert.instanceOf(failed, Error)
    await memory.remember({ speaker: "Ann", text: "good" })
    assert.lengthOf(await memory.memories(), 1)
    await memory.close()
  })

  it("rejects at once where a part cannot be built", async () => {
    const broken = Layer.effect(MemoryStore.MemoryStore, Effect.fail(new Error("no such file")))
    const failed = await createMemory({ store: broken }).then(() => undefined, (error: unknown) => error)
    assert.strictEqual(failed instanceof Error ? failed.message : failed, "no such file")
  })

  it("closes what its parts have opened", async () => {
    let open = 0
    const store = Layer.merge(
      MemoryStore.layerInMemory,
      Layer.effectDiscard(Effect.acquireRelease(Effect.sync(() => open++), () => Effect.sync(() => open--)))
    )
    const memory = await createMemory({ store })
    assert.strictEqual(open, 1)
    await memory.close()
    assert.strictEqual(open, 0)
  })
})
