import { createOpenAICompatible } from "@ai-sdk/openai-compatible"
import { assert, describe, it } from "@effect/vitest"
import { AnswerAgent, createMemory, FactExtractor, MemoryManager, MemoryStore, UnusableModel } from "@memory-r1/core"
import { MemoryOperation } from "@memory-r1/core/rl"
import { Context, Effect, Layer } from "effect"
import { LanguageModel } from "effect/ai"
import { execFileSync } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createOpenAICompatible as createOpenAICompatibleV3 } from "openai-compatible-v3"
import { completion, contents, type Handler, inputs, json, type Received, serve } from "../../backend-hf/test/server.ts"
import * as RecordedModel from "./support/recordedModel.ts"

/** What a promise was rejected with. */
const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(() => assert.fail("it was not rejected"), (error: unknown) => error)

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

  it("closes the store where another part fails after it", async () => {
    const log: Array<string> = []
    const write = (word: string) => Effect.sync(() => void log.push(word))
    const store = Layer.merge(
      MemoryStore.layerInMemory,
      Layer.effectDiscard(Effect.acquireRelease(write("open"), () => write("close")))
    )
    const late = Effect.delay(Effect.fail(new Error("no such model")), "20 millis")
    const model = Layer.effect(LanguageModel.LanguageModel, late)
    assert.strictEqual(String(await rejection(createMemory({ store, model }))), "Error: no such model")
    assert.deepStrictEqual(log, ["open", "close"])
  })

  it("is closed at the end of a block, and once", async () => {
    let open = 0
    const store = Layer.merge(
      MemoryStore.layerInMemory,
      Layer.effectDiscard(Effect.acquireRelease(Effect.sync(() => open++), () => Effect.sync(() => open--)))
    )
    {
      await using memory = await createMemory({ store })
      assert.deepStrictEqual([open, await memory.memories()], [1, []])
      await memory.close()
    }
    assert.strictEqual(open, 0)
  })

  it("rejects with the typed errors of core, and takes ids as strings", async () => {
    await using memory = await createMemory()
    await memory.remember({ speaker: "Ann", text: "I live in Oslo." })
    const id: string = (await memory.memories())[0]!.id
    assert.lengthOf(await memory.history(id), 1)
    await memory.forget([id])
    assert.instanceOf(await rejection(memory.forget("m404")), MemoryStore.UnknownMemory)
    assert.instanceOf(await rejection(memory.revert(99)), MemoryStore.UnknownRevision)
  })
})

describe("createMemory, a signal", () => {
  const reason = new Error("the user has left")

  /** A manager that adds each fact, and waits for `gate` before it decides on one that says so. */
  const gated = () => {
    const reached = Promise.withResolvers<void>()
    const manager = Layer.succeed(MemoryManager.MemoryManager, {
      decide: (requests) =>
        Effect.forEach(requests, ({ fact, snapshot }) => {
          const raw = `ADD ${fact.text}`
          const decision = { ...MemoryOperation.decode(raw, snapshot, fact), raw }
          if (!fact.text.includes("wait")) return Effect.succeed(decision)
          reached.resolve()
          return Effect.never
        })
    })
    // A turn has a fact for each of its lines.
    const extractor = Layer.succeed(FactExtractor.FactExtractor, {
      extract: ({ speaker, text }) => Effect.succeed(text.split("\n").map((text) => ({ text, speaker, sources: [] })))
    })
    return { manager, extractor, reached: reached.promise }
  }

  it("that is aborted already starts nothing", async () => {
    await using memory = await createMemory()
    const signal = AbortSignal.abort(reason)
    const calls = [
      () => memory.remember({ speaker: "Ann", text: "I live in Oslo." }, { signal }),
      () => memory.extractAgain({ signal }),
      () => memory.recall("Oslo", { signal }),
      () => memory.context("Oslo", { signal }),
      () => memory.answer("Where?", { signal }),
      () => memory.memories({ signal }),
      () => memory.history("m1", { signal }),
      () => memory.revert(0, { signal }),
      () => memory.forget("m1", { signal })
    ]
    for (const call of calls) assert.strictEqual(await rejection(call()), reason)
    assert.deepStrictEqual(await memory.memories(), [])
  })

  it("interrupts a turn: what was committed stays whole, nothing else is there, and the next call works", async () => {
    const { reached, ...parts } = gated()
    await using memory = await createMemory(parts)
    const controller = new AbortController()
    const { signal } = controller
    const turn = memory.remember({ speaker: "Ann", text: "first\nwait\nlast" }, { signal })
    // Waits for the turn before it, and is aborted where it waits.
    const waiting = memory.remember({ speaker: "Ann", text: "later" }, { signal })
    await reached
    controller.abort(reason)
    assert.deepStrictEqual(await Promise.all([rejection(turn), rejection(waiting)]), [reason, reason])
    assert.deepStrictEqual((await memory.memories()).map(({ text }) => text), ["first"])
    await memory.remember({ speaker: "Ann", text: "next" })
    assert.deepStrictEqual((await memory.memories()).map(({ id, text }) => [id, text]), [["m1", "first"], [
      "m2",
      "next"
    ]])
  })

  it("does not undo what was done before it was aborted", async () => {
    await using memory = await createMemory()
    const controller = new AbortController()
    const { decisions } = await memory.remember({ speaker: "Ann", text: "I live in Oslo." }, controller)
    controller.abort(reason)
    assert.lengthOf(decisions, 1)
    assert.lengthOf(await memory.memories(), 1)
  })

  it("aborts the request of a model", async () => {
    await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
      const { arrived, url } = yield* serve(() => {})
      const provider = createOpenAICompatible({ name: "local", baseURL: url })
      yield* Effect.promise(async () => {
        await using memory = await createMemory({ model: provider.chatModel("qwen3") })
        const controller = new AbortController()
        const turn = memory.remember({ speaker: "Ann", text: "I live in Oslo." }, controller)
        const { aborted } = await arrived
        controller.abort(reason)
        assert.strictEqual(await rejection(turn), reason)
        await aborted
        assert.deepStrictEqual(await memory.memories(), [])
      })
    })))
  })
})

describe("createMemory, models", () => {
  const replies: Handler = ({ body, path }, response) => {
    if (path.includes("feature-extraction") || "inputs" in body) {
      return json(response, inputs(body).map((text) => /dog|pet/i.test(text) ? [1, 0] : [0, 1]))
    }
    if (path.endsWith("/embeddings")) {
      const data = (body.input as ReadonlyArray<string>).map((text) => ({
        embedding: /dog|pet/i.test(text) ? [1, 0] : [0, 1]
      }))
      return json(response, { data })
    }
    const prompt = contents(body).join("\n")
    const said = prompt.includes("List the facts")
      ? `{"facts":["Ann lives in Oslo"]}`
      : prompt.includes("You manage the memory")
      ? `{"memory":[{"event":"ADD","text":"Ann lives in Oslo"}]}`
      : "Answer: Oslo"
    return json(response, completion({ content: said }))
  }
  const withServer = (use: (url: string, requests: ReadonlyArray<Received>) => Promise<void>) =>
    Effect.runPromise(Effect.scoped(Effect.flatMap(
      serve(replies),
      ({ requests, url }) => Effect.promise(() => use(url, requests))
    )))
  const withEnvironment = async (variables: Record<string, string | undefined>, use: () => Promise<void>) => {
    const before = Object.keys(variables).map((name) => [name, process.env[name]] as const)
    const set = (name: string, value: string | undefined) => {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
    for (const [name, value] of Object.entries(variables)) set(name, value)
    await use().finally(() => before.forEach(([name, value]) => set(name, value)))
  }

  for (const [version, create] of [["v4", createOpenAICompatible], ["v3", createOpenAICompatibleV3]] as const) {
    it(`of the AI SDK, ${version}: remembers, decides, embeds and answers`, () =>
      withServer(async (url, requests) => {
        const provider = create({ name: "local", baseURL: url, supportsStructuredOutputs: true })
        await using memory = await createMemory({
          model: provider.chatModel("qwen3"),
          embedding: provider.embeddingModel("minilm")
        })
        const { decisions, kept } = await memory.remember({ speaker: "Ann", text: "I have lived in Oslo for years." })
        assert.deepStrictEqual([decisions[0]?.edits.map(({ _tag }) => _tag), kept], [["Add"], undefined])
        assert.deepStrictEqual((await memory.memories()).map(({ text }) => text), ["Ann lives in Oslo"])
        assert.strictEqual((await memory.answer("Where does Ann live?")).text, "Oslo")
        assert.isTrue(requests.some(({ path }) => path === "/embeddings"))
        assert.isTrue(requests.some(({ path }) => path === "/chat/completions"))
      }))
  }

  it("by the id of a model on Hugging Face", () =>
    withServer((url, requests) =>
      withEnvironment({ HF_ENDPOINT: url, HF_TOKEN: "hf_secret", HF_PROVIDER: undefined }, async () => {
        await using memory = await createMemory({
          model: "Qwen/Qwen3-4B-Instruct-2507",
          embedding: "sentence-transformers/all-MiniLM-L6-v2"
        })
        await memory.remember({ speaker: "Ann", text: "I have lived in Oslo for years." })
        assert.strictEqual((await memory.answer("Where does Ann live?")).text, "Oslo")
        const chats = requests.filter(({ body }) => "messages" in body)
        assert.isAbove(chats.length, 2)
        for (const { body, headers } of chats) {
          assert.deepStrictEqual([body.model, body.temperature], ["Qwen/Qwen3-4B-Instruct-2507", 0])
          assert.strictEqual(headers.authorization, "Bearer hf_secret")
        }
        assert.isTrue(requests.some(({ body }) => "inputs" in body))
      })
    ))

  it("rejects where Hugging Face has no token", () =>
    withEnvironment({ HF_ENDPOINT: undefined, HF_TOKEN: undefined }, async () => {
      assert.match(String(await rejection(createMemory({ model: "Qwen/Qwen3-4B-Instruct-2507" }))), /HF_TOKEN/)
    }))

  it("rejects with UnusableModel what is none", async () => {
    const old = { specificationVersion: "v2", provider: "local", modelId: "qwen3" }
    for (const [value, says] of [["gpt-5-mini", /"gpt-5-mini" is no id/], [old, /this one has v2/], [{}, /no layer/]]) {
      for (const option of ["model", "embedding"]) {
        const error = await rejection(createMemory({ [option]: value }))
        assert.instanceOf(error, UnusableModel)
        assert.strictEqual(error.option, option)
        assert.match(error.message, says as RegExp)
      }
    }
  })

  // Core alone, as in an app that has nothing but it and effect.
  it("says what to install where the package of Hugging Face is missing", () => {
    const folder = mkdtempSync(join(tmpdir(), "memory-r1-alone-"))
    const core = join(import.meta.dirname, "..")
    cpSync(join(core, "src"), join(folder, "src"), { recursive: true })
    writeFileSync(join(folder, "package.json"), `{"type":"module"}`)
    mkdirSync(join(folder, "node_modules"))
    symlinkSync(realpathSync(join(core, "node_modules/effect")), join(folder, "node_modules/effect"))
    const code = `const { createMemory } = await import("./src/index.ts")
      console.log(await createMemory({ model: "Qwen/Qwen3-4B" }).catch(({ _tag, message }) => _tag + ": " + message))`
    const said = execFileSync(process.execPath, ["--input-type=module", "-e", code], { cwd: folder, encoding: "utf8" })
    rmSync(folder, { recursive: true })
    assert.match(said, /^UnusableModel: createMemory: the model .*npm install @memory-r1\/backend-hf/)
  })
})
