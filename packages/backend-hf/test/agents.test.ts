import { assert, describe, it } from "@effect/vitest"
import { HfClient, HfLanguageModel } from "@memory-r1/backend-hf"
import {
  AnswerAgent,
  FactExtractor,
  MemoryAgent,
  MemoryBank,
  MemoryManager,
  MemoryStore,
  NotExtracted,
  Retriever,
  Scope
} from "@memory-r1/core"
import { Effect, Layer, Redacted } from "effect"
import { execFile } from "node:child_process"
import { join } from "node:path"
import { completion, contents, type Handler, json, serve } from "./server.ts"

/**
 * Plays a model that can manage the memories of the example's dialogue, and answer its question from what it is shown.
 */
const play = (messages: ReadonlyArray<string>): string => {
  const [system = "", user = ""] = messages
  if (system.startsWith("You answer questions")) {
    const shown = [...user.matchAll(/^- \[(\d+)\] (.*)$/gm)]
    const names = ["Buddy", "Scout"].filter((name) => user.includes(name))
    return `**Memories selected as relevant:**\n${shown.map((line) => line[0]).join("\n")}\n**Answer:** ${
      names.join(" and ")
    }`
  }
  if (system.startsWith("List the facts")) return JSON.stringify({ facts: ["Ann has a dog named Buddy"] })
  if (user.includes("another dog")) {
    return `\`\`\`json\n${
      JSON.stringify({ memory: [{ id: "0", text: "Ann has dogs named Buddy and Scout", event: "UPDATE" }] })
    }\n\`\`\``
  }
  return user.includes("Buddy") && !user.includes("later")
    ? JSON.stringify({ memory: [{ id: "new", text: "Ann has a dog named Buddy", event: "ADD" }] })
    : JSON.stringify({ memory: [{ id: "0", text: "", event: "NONE" }] })
}
const model: Handler = ({ body }, response) => json(response, completion({ content: play(contents(body)) }))

const scope = Scope.make({ user: "ann" })
const agents = (url: string) =>
  Layer.mergeAll(
    MemoryManager.layerPrompted(),
    AnswerAgent.layerPrompted({ retries: 0 }),
    FactExtractor.layerPrompted({ retries: 0 })
  ).pipe(
    Layer.provide(HfLanguageModel.model("meta-llama/Llama-3.3-70B-Instruct", { temperature: 0 })),
    Layer.provide(HfClient.layer({ apiKey: Redacted.make("hf_secret"), endpointUrl: url })),
    Layer.merge(Layer.mergeAll(MemoryStore.layerInMemory, Retriever.layerBm25))
  )

describe("core's agents over HfLanguageModel", () => {
  it.effect("the manager decides, the answer agent answers", () =>
    Effect.gen(function*() {
      const server = yield* serve(model)
      const manager = MemoryManager.MemoryManager.use((service) =>
        service.decide([
          {
            fact: { text: "I adopted a dog, Buddy.", speaker: "Ann", sources: [] },
            snapshot: { revision: 0, memories: [] }
          },
          { fact: { text: "Talk to you later!", speaker: "Ann", sources: [] }, snapshot: { revision: 0, memories: [] } }
        ])
      )
      const decisions = yield* manager.pipe(Effect.provide(agents(server.url)))
      assert.deepStrictEqual(
        decisions.map(({ edits, rejections }) => [edits.map((edit) => edit._tag), rejections.length]),
        [
          [["Add"], 0],
          [["Noop"], 0]
        ]
      )
      assert.include(contents(server.requests[0]!.body)[0]!, "You manage the memory of an assistant")
      assert.strictEqual(server.requests[0]!.body.temperature, 0)
    }))

  it.effect("from turns to an answer, with facts found through structured output", () =>
    Effect.gen(function*() {
      const server = yield* serve(model)
      const answer = yield* Effect.gen(function*() {
        yield* MemoryAgent.remember(scope, { id: "D1:1", speaker: "Ann", text: "We got a dog, Buddy!" })
        return yield* MemoryAgent.ask(scope, "Which dogs does Ann have?")
      }).pipe(Effect.provide(agents(server.url)))
      assert.strictEqual(answer.text, "Buddy")
      assert.isTrue(answer.wellFormed)
      assert.deepStrictEqual(answer.selected.map((memory) => memory.text), ["Ann has a dog named Buddy"])
      const format = server.requests[0]!.body.response_format
      assert.include(JSON.stringify(format), `"name":"facts"`)
    }))

  // What it thinks is the opposite of what it says, and comes in every way in which servers send it.
  const thought = (system: string): string =>
    system.startsWith("You answer")
      ? "**Answer:** Rome"
      : system.startsWith("List")
      ? "{\"facts\": [\"Ann lives in Rome\"]}"
      : "{\"memory\":[{\"id\":\"0\",\"event\":\"DELETE\"}]}"
  const said = (system: string): string =>
    system.startsWith("You answer")
      ? "**Answer:** Oslo"
      : system.startsWith("List")
      ? "Based on {the turn}: {\"facts\": [\"Ann lives in Oslo\"]}"
      : "```json\n{\"memory\":[{\"event\":\"ADD\",\"text\":\"Ann lives in Oslo\"}]}\n```"
  const ways: Readonly<Record<string, (thought: string, said: string) => Record<string, unknown>>> = {
    "in the text": (thought, said) => ({ content: `<think>\n${thought}\n</think>\n\n${said}` }),
    "in the text, from the prompt on": (thought, said) => ({ content: `${thought}\n</think>\n${said}` }),
    "as reasoning": (reasoning, content) => ({ content, reasoning }),
    "as reasoning_content": (reasoning_content, content) => ({ content, reasoning_content, reasoning: null }),
    "as reasoning_content, beside an empty one": (reasoning_content, content) => ({
      content,
      reasoning_content,
      reasoning: ""
    }),
    "as pieces of the content": (thought, text) => ({
      content: [{ type: "thinking", thinking: [{ type: "text", text: thought }] }, { type: "text", text }]
    }),
    "as pieces with their text": (thought, text) => ({
      content: [{ type: "thinking", thinking: thought }, { type: "reasoning", text: thought }, { type: "text", text }]
    })
  }
  for (const [name, way] of Object.entries(ways)) {
    it.effect(`what is thought aloud is not obeyed: ${name}`, () =>
      Effect.gen(function*() {
        const server = yield* serve(({ body }, response) => {
          const [system = ""] = contents(body)
          json(response, completion(way(thought(system), said(system))))
        })
        yield* Effect.gen(function*() {
          const store = yield* MemoryStore.MemoryStore
          yield* store.commit(scope, {
            base: 0,
            edits: [MemoryBank.Edit.Add({ memory: { text: "Ann has a dog", speaker: "Ann" } })]
          })
          yield* MemoryAgent.remember(scope, { id: "D1:1", speaker: "Ann", text: "I live in Oslo." })
          assert.deepStrictEqual((yield* MemoryAgent.memories(scope)).map(({ text }) => text), [
            "Ann has a dog",
            "Ann lives in Oslo"
          ])
          assert.strictEqual((yield* MemoryAgent.ask(scope, "Where does Ann live?")).text, "Oslo")
        }).pipe(Effect.provide(agents(server.url)))
      }))
  }

  it.effect("a model that is cut off while it thinks decides nothing, and what was said is kept", () =>
    Effect.gen(function*() {
      const server = yield* serve(({ body }, response) =>
        json(response, completion({ content: `<think>\n${thought(contents(body)[0]!)}` }))
      )
      yield* Effect.gen(function*() {
        const { kept } = yield* MemoryAgent.remember(scope, { id: "D1:1", speaker: "Ann", text: "I live in Oslo." })
        assert.deepStrictEqual(kept?.map(({ fact, stage }) => [stage, fact.text]), [["turn", "I live in Oslo."]])
        assert.deepStrictEqual(
          (yield* MemoryAgent.memories(scope)).map((memory) => [memory.text, NotExtracted.stageOf(memory)]),
          [["I live in Oslo.", "turn"]]
        )
      }).pipe(Effect.provide(agents(server.url)))
    }))

  it.effect("a model that is overloaded is an AiError of the agent", () =>
    Effect.gen(function*() {
      const server = yield* serve((_, response) =>
        json(response, { error: "Model is overloaded", error_type: "overloaded" }, 429)
      )
      yield* Effect.gen(function*() {
        const error = yield* Effect.flip(
          MemoryAgent.remember(scope, { id: "D1:1", speaker: "Ann", text: "I live in Oslo." })
        )
        assert.strictEqual(error._tag === "AiError" ? error.reason._tag : error._tag, "RateLimitError")
        // What was said is kept all the same, so that there is something to ask about.
        assert.deepStrictEqual(
          (yield* MemoryAgent.memories(scope)).map((memory) => [memory.text, NotExtracted.stageOf(memory)]),
          [["I live in Oslo.", "turn"]]
        )
        const asked = yield* Effect.flip(MemoryAgent.ask(scope, "Where does Ann live?"))
        assert.strictEqual(asked._tag === "AiError" ? asked.reason._tag : asked._tag, "RateLimitError")
      }).pipe(Effect.provide(agents(server.url)))
    }))
})

describe("examples/hf-manager.ts", () => {
  const root = join(import.meta.dirname, "../../..")
  const run = (environment: Record<string, string>) =>
    Effect.callback<{ readonly code: number; readonly stdout: string; readonly stderr: string }>((resume) => {
      const { HF_ENDPOINT: _e, HF_MODEL: _m, HF_PROVIDER: _p, HF_TOKEN: _t, ...inherited } = process.env
      const child = execFile(
        process.execPath,
        ["examples/hf-manager.ts"],
        { cwd: root, env: { ...inherited, ...environment } },
        (error, stdout, stderr) =>
          resume(
            Effect.succeed({
              code: typeof error?.code === "number" ? error.code : error === null ? 0 : 1,
              stdout,
              stderr
            })
          )
      )
      return Effect.sync(() => child.kill())
    })

  it.effect("runs against a server", () =>
    Effect.gen(function*() {
      const server = yield* serve(model)
      const { code, stderr, stdout } = yield* run({ HF_TOKEN: "hf_secret", HF_ENDPOINT: server.url })
      assert.strictEqual(code, 0, stderr)
      assert.strictEqual(stderr, "")
      assert.deepStrictEqual(stdout.trimEnd().split("\n"), [
        "Ann: I adopted a dog from the shelter last week, his name is Buddy.",
        "  -> ADD",
        "Ann: I adopted another dog today! Her name is Scout.",
        "  -> UPDATE",
        "Ann: Thanks for listening, talk to you later!",
        "  -> NOOP",
        "Memories:",
        "  Ann has dogs named Buddy and Scout",
        "Which dogs does Ann have? Buddy and Scout"
      ])
      assert.deepStrictEqual(
        server.requests.map(({ headers }) => headers.authorization),
        Array(4).fill("Bearer hf_secret")
      )
    }))

  it.effect("says in one line that it has no token, and is content", () =>
    Effect.gen(function*() {
      const { code, stderr, stdout } = yield* run({})
      assert.strictEqual(code, 0, stderr)
      assert.match(stdout, /^hf-manager: skipped, HF_TOKEN is not set[^\n]*\n$/)
    }))

  it.effect("says in one line what went wrong, without the token", () =>
    Effect.gen(function*() {
      const server = yield* serve((_, response) => json(response, { error: "Invalid token hf_secret" }, 401))
      const { code, stderr, stdout } = yield* run({ HF_TOKEN: "hf_secret", HF_ENDPOINT: server.url })
      assert.strictEqual(code, 1)
      assert.match(stderr, /^hf-manager: HfClient.chatCompletion: InvalidKey: [^\n]*\n$/)
      assert.notInclude(stdout + stderr, "hf_secret")
    }))
})
