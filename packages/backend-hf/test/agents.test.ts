import { assert, describe, it } from "@effect/vitest"
import { HfClient, HfLanguageModel } from "@memory-r1/backend-hf"
import { AnswerAgent, FactExtractor, MemoryAgent, MemoryManager, MemoryStore, Retriever, Scope } from "@memory-r1/core"
import { Effect, Layer, Redacted } from "effect"
import { execFile } from "node:child_process"
import { join } from "node:path"
import { completion, contents, type Handler, json, serve } from "./server.ts"

/** Plays a model that can manage the memories of the example's dialogue, and answer its question from what it is shown. */
const play = (messages: ReadonlyArray<string>): string => {
  const [system = "", user = ""] = messages
  if (system.startsWith("You answer questions")) {
    const shown = [...user.matchAll(/^- \[(\d+)\] (.*)$/gm)]
    const names = ["Buddy", "Scout"].filter((name) => user.includes(name))
    return `**Memories selected as relevant:**\n${shown.map((line) => line[0]).join("\n")}\n**Answer:** ${names.join(" and ")}`
  }
  if (system.startsWith("List the facts")) return JSON.stringify({ facts: ["Ann has a dog named Buddy"] })
  if (user.includes("another dog")) {
    return `\`\`\`json\n${JSON.stringify({ memory: [{ id: "0", text: "Ann has dogs named Buddy and Scout", event: "UPDATE" }] })}\n\`\`\``
  }
  return user.includes("Buddy") && !user.includes("later")
    ? JSON.stringify({ memory: [{ id: "new", text: "Ann has a dog named Buddy", event: "ADD" }] })
    : JSON.stringify({ memory: [{ id: "0", text: "", event: "NONE" }] })
}
const model: Handler = ({ body }, response) => json(response, completion({ content: play(contents(body)) }))

const scope = Scope.make({ user: "ann" })
const agents = (url: string) =>
  Layer.mergeAll(MemoryManager.layerPrompted(), AnswerAgent.layerPrompted({ retries: 0 }), FactExtractor.layerPrompted()).pipe(
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
          { fact: { text: "I adopted a dog, Buddy.", speaker: "Ann", sources: [] }, snapshot: { revision: 0, memories: [] } },
          { fact: { text: "Talk to you later!", speaker: "Ann", sources: [] }, snapshot: { revision: 0, memories: [] } }
        ])
      )
      const decisions = yield* manager.pipe(Effect.provide(agents(server.url)))
      assert.deepStrictEqual(decisions.map(({ edits, rejections }) => [edits.map((edit) => edit._tag), rejections.length]), [
        [["Add"], 0],
        [["Noop"], 0]
      ])
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

  it.effect("a model that is overloaded is an AiError of the agent", () =>
    Effect.gen(function*() {
      const server = yield* serve((_, response) => json(response, { error: "Model is overloaded", error_type: "overloaded" }, 429))
      const error = yield* MemoryAgent.ask(scope, "Which dogs?").pipe(Effect.provide(agents(server.url)), Effect.flip)
      assert.strictEqual(error._tag === "AiError" ? error.reason._tag : error._tag, "RateLimitError")
    }))
})

describe("examples/hf-manager.ts", () => {
  const root = join(import.meta.dirname, "../../..")
  const run = (environment: Record<string, string>) =>
    Effect.callback<{ readonly code: number; readonly stdout: string; readonly stderr: string }>((resume) => {
      const { HF_ENDPOINT: _e, HF_MODEL: _m, HF_PROVIDER: _p, HF_TOKEN: _t, ...inherited } = process.env
      const child = execFile(process.execPath, ["examples/hf-manager.ts"], { cwd: root, env: { ...inherited, ...environment } },
        (error, stdout, stderr) =>
          resume(Effect.succeed({ code: typeof error?.code === "number" ? error.code : error === null ? 0 : 1, stdout, stderr })))
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
      assert.deepStrictEqual(server.requests.map(({ headers }) => headers.authorization), Array(4).fill("Bearer hf_secret"))
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
