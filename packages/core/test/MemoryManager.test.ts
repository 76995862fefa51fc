import { assert, describe, it } from "@effect/vitest"
import { MemoryBank, MemoryManager } from "@memory-r1/core"
import { ManagerFormat, Sampler } from "@memory-r1/core/rl"
import { Effect, Layer, Ref } from "effect"
import * as RecordedModel from "./support/recordedModel.ts"

const { Add, Delete, Noop, Update } = MemoryBank.Edit

const bank = MemoryBank.applyAll(
  MemoryBank.empty,
  ["Ann has a dog named Buddy", "Ann lives in Oslo"].map((text) => Add({ memory: { text, speaker: "Ann" } }))
)
const snapshot = { revision: 2, memories: MemoryBank.memories(bank) }
const [buddy, oslo] = snapshot.memories.map(({ id }) => id)

const provenance = { observedAt: "8 May 2023", sources: ["D2:1"] }
const request = (text: string, memories = snapshot.memories): ManagerFormat.ManagerRequest => ({
  fact: { text, speaker: "Ann", ...provenance },
  snapshot: { revision: 2, memories }
})
const added = (text: string) => Add({ memory: { text, speaker: "Ann", ...provenance } })

const decide = (...requests: ReadonlyArray<ManagerFormat.ManagerRequest>) =>
  MemoryManager.MemoryManager.use((manager) => manager.decide(requests))

describe("MemoryManager.layerAddOnly", () => {
  it.effect("adds every fact as it is", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* decide(request("Ann lives in Oslo"), request("small talk", [])), [
        { edits: [added("Ann lives in Oslo")], rejections: [], raw: "ADD Ann lives in Oslo", model: "add-only" },
        { edits: [added("small talk")], rejections: [], raw: "ADD small talk", model: "add-only" }
      ])
      assert.deepStrictEqual(yield* decide(), [])
    }).pipe(Effect.provide(MemoryManager.layerAddOnly)))
})

describe("MemoryManager.layerRuleBased", () => {
  it.effect("adds what is new, updates what is near, leaves what is there", () =>
    Effect.gen(function*() {
      const [same, part, near, far, alone] = yield* decide(
        request("Ann lives in Oslo."),
        request("A dog named Buddy"),
        request("Ann lives in Bergen"),
        request("Ann plays chess every week"),
        request("Ann lives in Bergen", [])
      )
      assert.deepStrictEqual(same?.edits, [Noop()])
      // Half a statement is another statement.
      assert.deepStrictEqual(part?.edits, [added("A dog named Buddy")])
      assert.deepStrictEqual(near?.edits, [Update({ id: oslo!, text: "Ann lives in Bergen", ...provenance })])
      assert.strictEqual(near?.raw, "UPDATE 1 Ann lives in Bergen")
      assert.deepStrictEqual(far?.edits, [added("Ann plays chess every week")])
      assert.deepStrictEqual(alone?.edits, [added("Ann lives in Bergen")])
    }).pipe(Effect.provide(MemoryManager.layerRuleBased())))

  it.effect("takes the nearest of several, and the threshold that it is given", () =>
    Effect.gen(function*() {
      const [decision] = yield* decide(request("Ann lives in Bergen"))
      assert.deepStrictEqual(decision?.edits, [Update({ id: oslo!, text: "Ann lives in Bergen", ...provenance })])
      const strict = yield* Effect.provide(
        decide(request("Ann lives in Bergen")),
        MemoryManager.layerRuleBased({ threshold: 0.9 })
      )
      assert.deepStrictEqual(strict[0]?.edits, [added("Ann lives in Bergen")])
    }).pipe(Effect.provide(MemoryManager.layerRuleBased())))
})

describe("MemoryManager.layerPrompted", () => {
  const recorded = (prompt: string): string | undefined =>
    prompt.includes("moved to Bergen")
      ? "Sure:\n```json\n{\"memory\": [{\"id\": \"0\", \"text\": \"Ann lives in Bergen\", \"event\": \"UPDATE\"}]}\n```"
      : prompt.includes("Buddy died")
      ? "{\"memory\": [{\"id\": \"0\", \"event\": \"DELETE\"}, {\"id\": \"5\", \"event\": \"DELETE\"}]}"
      : prompt.includes("broken")
      ? undefined
      : "I would rather not say."

  it.effect("asks in the paper's form, and decodes each answer against its own request", () =>
    Effect.gen(function*() {
      const [died, moved, refused] = yield* decide(
        request("Buddy died"),
        request("I moved to Bergen", snapshot.memories.slice(1)),
        request("hello")
      )
      assert.deepStrictEqual(died?.edits, [Delete({ id: buddy! })])
      assert.deepStrictEqual(died?.rejections.map(({ _tag }) => _tag), ["UnknownHandle"])
      assert.deepStrictEqual(moved?.edits, [Update({ id: oslo!, text: "Ann lives in Bergen", ...provenance })])
      assert.deepStrictEqual(refused?.edits, [])
      assert.deepStrictEqual(refused?.rejections.map(({ _tag }) => _tag), ["Unparsable"])
      assert.strictEqual(refused?.raw, "I would rather not say.")
    }).pipe(Effect.provide(Layer.provide(MemoryManager.layerPrompted(), RecordedModel.layer(recorded)))))

  it.effect("shows the memories and the fact, never an id", () =>
    Effect.gen(function*() {
      let seen = ""
      const model = RecordedModel.layer((prompt) => (seen = prompt, "NONE"))
      yield* Effect.provide(decide(request("I moved to Bergen")), Layer.provide(MemoryManager.layerPrompted(), model))
      assert.include(seen, "[8 May 2023] Ann: I moved to Bergen")
      assert.include(seen, "Ann has a dog named Buddy")
      assert.match(seen, /^system: [^]*\nuser: /)
      assert.notMatch(seen, /\bm[12]\b/)
    }))

  it.effect("keeps to the number of calls at a time, and to a given format", () =>
    Effect.gen(function*() {
      const calls = RecordedModel.newCalls()
      const layer = MemoryManager.layerPrompted({ format: ManagerFormat.compact, concurrency: 3 })
      const model = RecordedModel.layer(
        (prompt) => prompt.startsWith("user: Memories:\nAnn has") ? "DELETE 1" : undefined,
        calls
      )
      const decisions = yield* Effect.provide(
        decide(...Array.from({ length: 10 }, (_, i) => request(`fact ${i}`))),
        Layer.provide(layer, model)
      )
      assert.deepStrictEqual(
        decisions.map(({ edits }) => edits),
        Array.from({ length: 10 }, () => [Delete({ id: oslo! })])
      )
      assert.strictEqual(calls.total, 10)
      assert.strictEqual(calls.most, 3)
    }))

  it.effect("passes the provider's failure on", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(decide(request("fine"), request("broken")))
      assert.strictEqual(error._tag, "AiError")
    }).pipe(Effect.provide(Layer.provide(MemoryManager.layerPrompted({ retries: 0 }), RecordedModel.layer(recorded)))))
})

describe("MemoryManager.layerTrained", () => {
  const trained = (options: Parameters<typeof MemoryManager.layerTrained>[0], service: Sampler.Sampler["Service"]) =>
    Layer.provide(MemoryManager.layerTrained(options), Layer.succeed(Sampler.Sampler, service))

  it.effect("samples all requests at once, greedily, and reads what comes before the stop token", () =>
    Effect.gen(function*() {
      const { requests, service } = yield* RecordedModel.sampler((prompt) =>
        prompt.includes("Bergen") ? "UPDATE 1 Ann lives in Bergen" : "NOOP"
      )
      const layer = trained({ format: ManagerFormat.compact, maxTokens: 64, name: "nano" }, service)
      const decisions = yield* Effect.provide(decide(request("I moved to Bergen"), request("hi")), layer)
      for (const { logProbability, model, prompt } of decisions) {
        assert.strictEqual(model, "nano")
        assert.isString(prompt)
        assert.isAtMost(logProbability!, 0)
      }
      assert.deepStrictEqual(decisions.map(({ edits, raw, rejections }) => ({ edits, rejections, raw })), [
        {
          edits: [Update({ id: oslo!, text: "Ann lives in Bergen", ...provenance })],
          rejections: [],
          raw: "UPDATE 1 Ann lives in Bergen"
        },
        { edits: [Noop()], rejections: [], raw: "NOOP" }
      ])
      const [sent, ...others] = yield* Ref.get(requests)
      assert.lengthOf(others, 0)
      assert.strictEqual(sent?.temperature, 0)
      assert.strictEqual(sent?.maxTokens, 64)
      assert.deepStrictEqual(
        sent?.prompts.map((prompt) => service.tokenizer.decode(prompt)),
        [request("I moved to Bergen"), request("hi")].map((one) => String(ManagerFormat.compact.prompt(one)))
      )
    }))

  it.effect("passes temperature and seed on, and reads what was cut off as it is", () =>
    Effect.gen(function*() {
      const { requests, service } = yield* RecordedModel.sampler(() => "ADD Ann lives in Bergen")
      const options = { format: ManagerFormat.compact, maxTokens: 8, temperature: 0.7, seed: 3 }
      const [decision] = yield* Effect.provide(decide(request("x")), trained(options, service))
      assert.strictEqual(decision?.raw, "ADD Ann ")
      assert.deepStrictEqual((yield* Ref.get(requests)).map(({ seed, temperature }) => ({ seed, temperature })), [{
        seed: 3,
        temperature: 0.7
      }])
    }))

  it.effect("uses the chat template where there is one, and plain text where there is none", () =>
    Effect.gen(function*() {
      for (const chatTemplate of [true, false]) {
        const { requests, service } = yield* RecordedModel.sampler(() => "NONE", { chatTemplate })
        yield* MemoryManager.fromSampler(service, { format: ManagerFormat.paper, maxTokens: 8 }).decide([request("x")])
        const prompt = service.tokenizer.decode((yield* Ref.get(requests))[0]!.prompts[0]!)
        assert.match(
          prompt,
          chatTemplate ? /^<system>You manage[^]*<user>Memories:[^]*<assistant>$/ : /^You manage[^]*\n\nMemories:/
        )
      }
    }))
})
