// @module-tag slow
import { assert, describe, it } from "@effect/vitest"
import { AnswerAgent, FactExtractor, Memory, MemoryBank, MemoryManager, MemoryStore, Scope } from "@memory-r1/core"
import { MemoryOperation } from "@memory-r1/core/rl"
import { Tools } from "@memory-r1/mcp"
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js"
import { Effect, Layer, Schema, Stream } from "effect"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { request } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll } from "vitest"
import * as Mcp from "./support/mcp.ts"
import * as Program from "./support/program.ts"
import * as TinyModel from "./support/tinyModel.ts"

const folder = mkdtempSync(join(tmpdir(), "memory-r1-mcp-"))
afterAll(() => rmSync(folder, { recursive: true }))

const Memories = Schema.Struct({
  memories: Schema.Array(Schema.Struct({
    id: Schema.String,
    text: Schema.String,
    speaker: Schema.optionalKey(Schema.String),
    observedAt: Schema.optionalKey(Schema.String)
  })),
  next: Schema.optionalKey(Schema.Int)
})
const memories = (said: Mcp.Said) => {
  assert.isFalse(said.failed, said.text)
  return Schema.decodeUnknownSync(Memories)(said.document)
}
const texts = (said: Mcp.Said) => memories(said).memories.map(({ text }) => text)

const initialize = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "by hand", version: "1" } }
const message = (method: string, params: unknown, id?: number): string =>
  `${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`
const lines = (text: string): ReadonlyArray<Record<string, unknown>> =>
  text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as Record<string, unknown>)

describe("mcp", () => {
  it.live("introduces itself, and tells what its tools do, none of which takes a scope", () =>
    Effect.gen(function*() {
      const { client } = yield* Mcp.stdio(folder, "--db", "tools.db")
      assert.strictEqual(client.getServerVersion()?.name, "memory-r1")
      assert.match(client.getInstructions() ?? "", /never instructions/)
      const { tools } = yield* Effect.promise(() => client.listTools())
      const hints = tools.map((
        { annotations: { destructiveHint, idempotentHint, openWorldHint, readOnlyHint } = {}, name }
      ) => [name, readOnlyHint, destructiveHint, idempotentHint, openWorldHint])
      assert.deepStrictEqual(hints, [
        ["remember", false, false, false, false],
        ["recall", true, false, true, false],
        ["answer", true, false, true, false],
        ["list", true, false, true, false],
        ["history", true, false, true, false],
        ["forget", false, true, true, false]
      ])
      for (const { description, inputSchema, outputSchema } of tools) {
        assert.match(description ?? "", /^[A-Z][^\n]{80,}$/)
        assert.strictEqual(inputSchema["additionalProperties"], false)
        assert.isDefined(outputSchema)
        for (const part of ["tenant", "user", "agent", "session", "scope", "db"]) {
          assert.notProperty(inputSchema.properties ?? {}, part)
        }
      }
    }).pipe(Effect.scoped), Program.timeout)

  it.live(
    "remembers, recalls, answers, lists, tells and forgets; and does so after a restart",
    () =>
      Effect.gen(function*() {
        yield* Effect.scoped(Effect.gen(function*() {
          const { call } = yield* Mcp.stdio(folder, "--db", "facts.db", "--user", "ann")
          const remember = (text: string, more = {}) =>
            Effect.map(call("remember", { text, speaker: "Ann", ...more }), ({ document }) => document)
          const nothing = { withheld: [], repeated: [], rejected: 0 }
          assert.deepStrictEqual(yield* remember("I live in Oslo.", { at: "2026-11-01T10:00:00Z" }), {
            changes: [{ operation: "added", id: "m1", text: "I live in Oslo." }],
            ...nothing
          })
          assert.deepStrictEqual(yield* remember("I live in Bergen."), {
            changes: [{ operation: "updated", id: "m1", text: "I live in Bergen." }],
            ...nothing
          })
          assert.deepStrictEqual(yield* remember("I live in Bergen."), {
            changes: [{ operation: "unchanged" }],
            ...nothing
          })
          yield* remember("My dog is called Buddy.")
          assert.deepStrictEqual((yield* call("remember", { text: "Tea is ready." })).failed, false)
        }))
        const { call } = yield* Mcp.stdio(folder, "--db", "facts.db", "--user", "ann")
        const found = memories(yield* call("recall", { query: "what is the dog called?", limit: 1 })).memories
        assert.deepStrictEqual(found.map(({ id, speaker, text }) => [id, speaker, text]), [[
          "m2",
          "Ann",
          "My dog is called Buddy."
        ]])
        assert.isAbove(Date.parse(found[0]!.observedAt!), Date.parse("2026-01-01"))

        const answer = yield* call("answer", { question: "Where does Ann live?" })
        assert.strictEqual(
          Schema.decodeUnknownSync(Schema.Struct({ answer: Schema.String }))(answer.document).answer,
          "Bergen"
        )
        assert.deepStrictEqual(texts(answer), ["I live in Bergen."])
        assert.deepStrictEqual(JSON.parse(answer.text), answer.document)

        const page = memories(yield* call("list", { limit: 2 }))
        assert.deepStrictEqual(page.memories.map(({ id }) => id), ["m1", "m2"])
        const rest = memories(yield* call("list", { limit: 2, after: page.next }))
        assert.deepStrictEqual(rest.memories.map(({ id, speaker, text }) => [id, speaker, text]), [[
          "m3",
          "user",
          "Tea is ready."
        ]])
        assert.isUndefined(rest.next)
        assert.deepStrictEqual(texts(yield* call("list", { speaker: "Ann" })), [
          "I live in Bergen.",
          "My dog is called Buddy."
        ])

        const Told = Schema.Struct({
          id: Schema.String,
          changes: Schema.Array(Tools.toolkit.tools.history.successSchema.fields.changes.value)
        })
        const { changes } = Schema.decodeUnknownSync(Told)((yield* call("history", { id: "m1" })).document)
        assert.deepStrictEqual(changes.map(({ by, operation, revision, text }) => [revision, operation, text, by]), [
          [1, "add", "I live in Oslo.", "rule-based"],
          [2, "update", "I live in Bergen.", "rule-based"]
        ])

        assert.deepStrictEqual((yield* call("forget", { ids: ["m1"] })).document, { forgotten: ["m1"] })
        assert.deepStrictEqual(texts(yield* call("list")), ["My dog is called Buddy.", "Tea is ready."])
        assert.isFalse(readFileSync(join(folder, "facts.db")).includes("Oslo"))
      }).pipe(Effect.scoped),
    Program.timeout
  )

  it.live("takes nothing new for known: what is said beside or against a memory is kept", () =>
    Effect.gen(function*() {
      const { call } = yield* Mcp.stdio(folder, "--db", "sameness.db")
      const pairs = [
        ["I do not eat meat.", "I eat meat.", "updated"],
        ["The balance is -200 euros.", "The balance is 200 euros.", "updated"],
        ["I never smoke.", "I smoke.", "updated"],
        ["The fee is 1.5 %.", "The fee is 15 %.", "updated"],
        ["Tom lent money to Eva.", "Eva lent money to Tom.", "added"],
        ["I joined the review board after the Acme incident.", "I joined Acme.", "added"],
        ["I code in C#.", "I code in C++.", "added"],
        ["Mood today: 😀", "Mood today: 😭", "added"],
        ["मेरा बेटा है", "मेरी बेटी है", "added"],
        ["เขามาที่นี่", "เขาม้าที่นี่", "added"],
        ["Anna hilft Karl.", "Karl hilft Anna.", "added"],
        ["The set A = B", "The set A ≠ B", "added"]
      ] as const
      for (const [before, after, operation] of pairs) {
        yield* call("remember", { text: before })
        const said = yield* call("remember", { text: after })
        assert.deepInclude(said.document, { repeated: [], rejected: 0 })
        assert.include(said.text, `"operation":"${operation}"`, after)
        const known = texts(yield* call("list"))
        assert.include(known, after)
        assert.strictEqual(known.includes(before), operation === "added", before)
        assert.include((yield* call("remember", { text: ` ${after} ` })).text, `"operation":"unchanged"`)
      }
    }).pipe(Effect.scoped), Program.timeout)

  it.live(
    "answers with the facts of whom it is asked about, and with dates that their verbs tell",
    () =>
      Effect.gen(function*() {
        const { call } = yield* Mcp.stdio(folder, "--db", "people.db")
        const said = [
          ["Ann", "I have a dog named Buddy."],
          ["Bob", "I bake bread."],
          ["Ann", "I will fly to Rome on Friday."],
          ["Bob", "My exam is in 3 days."],
          ["user", "Eva has a cat named Tom, and Jim has a boat."]
        ] as const
        for (const [speaker, text] of said) yield* call("remember", { speaker, text, at: "2023-05-08T10:00:00Z" })
        const asked = [
          ["What is the name of Ann's dog?", "Buddy"],
          ["What is the name of Bob's dog?", "none"],
          ["What is the name of Carl's dog?", "none"],
          ["What is the name of Eva's cat?", "Tom"],
          ["What is the name of Jim's cat?", "none"],
          ["When will Ann fly to Rome?", "12 May 2023"],
          ["When is Bob's exam?", "11 May 2023"],
          ["When is Ann's exam?", "none"]
        ] as const
        for (const [question, answer] of asked) {
          assert.deepInclude((yield* call("answer", { question })).document, { answer }, question)
        }
      }).pipe(Effect.scoped),
    Program.timeout
  )

  it.live("answers what it cannot do with an error, and goes on", () =>
    Effect.gen(function*() {
      const { call, client } = yield* Mcp.stdio(folder, "--db", "errors.db")
      yield* call("remember", { text: "Ann lives in Oslo" })
      const wrong = [
        ["remember", {}, /Missing key\s+at \["text"\]/],
        ["remember", { text: " " }, /not blank/],
        ["remember", { text: "Ben lives in Rome", user: "ben" }, /excess property\s+at \["user"\]/],
        ["recall", { query: "x", limit: 0 }, /between 1 and 100/],
        ["recall", { query: 5 }, /Expected string/],
        ["list", { scope: "user=ben" }, /excess property/],
        ["history", { id: "m9" }, /^default has no memory m9\b/],
        ["forget", { ids: [] }, /at least 1/],
        ["forget", { ids: ["m1", "m9"] }, /^default has no memory m9\b/]
      ] as const
      for (const [name, args, words] of wrong) {
        const { failed, text } = yield* call(name, args)
        assert.isTrue(failed, text)
        assert.match(text, words)
      }
      const unknown = yield* Effect.promise(() =>
        client.callTool({ name: "remove_everything", arguments: {} }).then(() => "", String)
      )
      assert.match(unknown, /'remove_everything' not found/)
      assert.deepStrictEqual(texts(yield* call("list")), ["Ann lives in Oslo"])
    }).pipe(Effect.scoped), Program.timeout)

  it.live("keeps scopes apart, and lets two servers work on one file", () =>
    Effect.gen(function*() {
      const [ann, otherAnn, ben] = yield* Effect.all([
        Mcp.stdio(folder, "--db", "shared.db", "--user", "ann"),
        Mcp.stdio(folder, "--db", "shared.db", "--user", "ann"),
        Mcp.stdio(folder, "--db", "shared.db", "--user", "ben", "--tenant", "acme")
      ], { concurrency: 3 })
      const numbers = Array.from({ length: 10 }, (_, i) => i)
      const said = yield* Effect.all(
        [ann, otherAnn].flatMap(({ call }, who) =>
          numbers.map((n) => call("remember", { text: `server${who} said word${n}` }))
        ),
        { concurrency: "unbounded" }
      )
      for (const { failed, text } of said) assert.isFalse(failed, text)
      const all = [0, 1].flatMap((who) => numbers.map((n) => `server${who} said word${n}`)).sort()
      for (const { call } of [ann, otherAnn]) assert.deepStrictEqual([...texts(yield* call("list"))].sort(), all)
      assert.deepStrictEqual(texts(yield* ben.call("list")), [])
      assert.deepStrictEqual(texts(yield* ben.call("recall", { query: "server0 said word1" })), [])
      assert.match((yield* ben.call("forget", { ids: ["m1"] })).text, /^tenant=acme&user=ben has no memory m1\b/)

      const [first] = memories(yield* ann.call("list", { limit: 1 })).memories
      assert.isFalse((yield* otherAnn.call("forget", { ids: [first!.id] })).failed)
      assert.lengthOf(texts(yield* ann.call("list")), 19)
      assert.isTrue((yield* ann.call("history", { id: first!.id })).failed)
    }).pipe(Effect.scoped), Program.timeout)

  it.live(
    "has nothing but the protocol on stdout, answers lines that are no messages, and ends with its client",
    () =>
      Effect.gen(function*() {
        const { child, ended, written } = yield* Mcp.server(folder, "--db", "pipe.db")
        // All at once, as a pipe has them: what comes last is answered before it ends.
        child.stdin!.end(
          message("initialize", initialize, 1) + message("notifications/initialized", {}) + "no message\n\n5\n" +
            message("tools/call", { name: "remember", arguments: { text: "Ann plays chess" } }, 2)
        )
        assert.strictEqual(yield* ended, 0)
        assert.strictEqual(written.stderr, "")
        const said = lines(written.stdout)
        assert.deepStrictEqual(
          said.map(({ error, id, jsonrpc }) => [jsonrpc, id, error !== undefined]).sort((a, b) =>
            Number(a[1]) - Number(b[1])
          ),
          [
            ["2.0", null, true],
            ["2.0", null, true],
            ["2.0", 1, false],
            ["2.0", 2, false]
          ]
        )
        assert.isFalse(existsSync(join(folder, "pipe.db-wal")))
        const listed = yield* Program.run(folder, ["memory", "list", "--db", "pipe.db"])
        assert.match(listed.stdout, /^m1 {2}user: Ann plays chess {2}\(said .*\)\n$/)
      }).pipe(Effect.scoped),
    Program.timeout
  )

  it.live("closes the file when it is told to end", () =>
    Effect.gen(function*() {
      const { child, ended, until } = yield* Mcp.server(folder, "--db", "term.db")
      child.stdin!.write(message("initialize", initialize, 1))
      yield* until("stdout", /"id":1/)
      assert.isTrue(existsSync(join(folder, "term.db-wal")))
      child.kill("SIGTERM")
      assert.strictEqual(yield* ended, 130)
      assert.isFalse(existsSync(join(folder, "term.db-wal")))
    }).pipe(Effect.scoped), Program.timeout)

  it.live("serves HTTP on this machine, to nobody who comes by another name", () =>
    Effect.gen(function*() {
      const { child, ended, until, written } = yield* Mcp.server(
        folder,
        "--db",
        "http.db",
        "--http",
        "0",
        "--user",
        "ann"
      )
      const [, url, port] = yield* until("stderr", /^MCP at (http:\/\/127\.0\.0\.1:(\d+)\/mcp)\n/)
      yield* Effect.scoped(Effect.gen(function*() {
        const { call, client } = yield* Mcp.over(
          new StreamableHTTPClientTransport(new URL(url!)) as Parameters<typeof Mcp.over>[0]
        )
        assert.lengthOf((yield* Effect.promise(() => client.listTools())).tools, 6)
        yield* call("remember", { text: "I live in Oslo.", speaker: "Ann" })
        assert.deepStrictEqual(texts(yield* call("recall", { query: "Where does Ann live?" })), ["I live in Oslo."])
      }))
      const post = (headers: Readonly<Record<string, string>>) =>
        Effect.promise(() =>
          new Promise<number | undefined>((resolve, reject) => {
            const sent = request(url!, {
              method: "POST",
              headers: { "content-type": "application/json", accept: "application/json, text/event-stream", ...headers }
            }, (response) => {
              response.resume()
              resolve(response.statusCode)
            })
            sent.on("error", reject)
            sent.end(message("initialize", initialize, 1))
          })
        )
      assert.deepStrictEqual(
        yield* Effect.forEach([
          {},
          { host: `localhost:${port}` },
          { host: `evil.example:${port}` },
          { host: "127.0.0.1:1" },
          { origin: "http://evil.example" },
          { origin: "null" }
        ], post),
        [200, 200, 403, 403, 403, 403]
      )
      const taken = yield* Program.run(folder, ["mcp", "--db", "http.db", "--http", port!])
      assert.match(
        Program.failure(1, taken),
        new RegExp(`^port ${port} of 127\\.0\\.0\\.1 cannot be listened on: .*EADDRINUSE.*\\n$`)
      )
      child.kill("SIGTERM")
      assert.strictEqual(yield* ended, 130)
      assert.deepStrictEqual(written, { stdout: "", stderr: `MCP at ${url}\ninterrupted\n` })
      assert.isFalse(existsSync(join(folder, "http.db-wal")))
    }).pipe(Effect.scoped), Program.timeout)

  it.live("asks a model where one is given", () =>
    Effect.gen(function*() {
      yield* TinyModel.write(join(folder, "tiny"))
      yield* Program.run(folder, ["memory", "add", "Ann lives in Oslo", "--db", "model.db"])
      const { call } = yield* Mcp.stdio(folder, "--db", "model.db", "--model", "tiny", "--max-tokens", "8")
      // Drawn weights say nothing of sense; the rules would have said Oslo.
      const { document, failed, text } = yield* call("answer", { question: "Where does Ann live?" })
      assert.isFalse(failed, text)
      const { answer } = Schema.decodeUnknownSync(Schema.Struct({ answer: Schema.String }))(document)
      assert.notStrictEqual(answer, "Oslo")
      assert.isNotEmpty(answer)
      // What it writes is no list of facts: what was said is kept as it was said, and that is told.
      const remembered = yield* call("remember", {
        text: "I live in Bergen.",
        speaker: "Ann",
        at: "2026-11-01T10:00:00Z"
      })
      assert.isFalse(remembered.failed, remembered.text)
      const Told = Schema.Struct({
        changes: Schema.Array(Schema.Unknown),
        notExtracted: Schema.Array(Schema.Struct({ id: Schema.String, text: Schema.String, reason: Schema.String }))
      })
      const { changes, notExtracted } = Schema.decodeUnknownSync(Told)(remembered.document)
      assert.deepStrictEqual(changes, [{ operation: "added", id: "m2", text: "I live in Bergen." }])
      assert.deepStrictEqual(notExtracted.map(({ id, text }) => [id, text]), [["m2", "I live in Bergen."]])
      assert.isNotEmpty(notExtracted[0]!.reason)
      const listed = Schema.decodeUnknownSync(
        Schema.Struct({ memories: Schema.Array(Schema.Record(Schema.String, Schema.Unknown)) })
      )((yield* call("list")).document)
      assert.deepStrictEqual(listed.memories, [
        { id: "m1", text: "Ann lives in Oslo" },
        {
          id: "m2",
          text: "I live in Bergen.",
          speaker: "Ann",
          observedAt: "2026-11-01T10:00:00Z",
          notExtracted: "turn"
        }
      ])
      // Nothing is known of others: no model is asked.
      const { document: none } = yield* Effect.scoped(
        Effect.flatMap(Mcp.stdio(folder, "--db", "empty.db", "--model", "tiny", "--max-tokens", "8"), ({ call }) =>
          call("answer", { question: "Where does Ann live?" }))
      )
      assert.deepStrictEqual(none, { answer: "none", memories: [] })
    }).pipe(Effect.scoped), Program.timeout)

  it.live("what a model failed on waits in the file, and is worked on when one asks", () =>
    Effect.gen(function*() {
      yield* TinyModel.write(join(folder, "tiny"))
      const model = ["--model", "tiny", "--max-tokens", "8"]
      const said = [
        "I live in " +
        "Bergen.",
        "My dog is called Buddy.",
        "I do not eat meat.",
        "मेरी बेटी है",
        "Mood today: 😀"
      ]
      yield* Effect.scoped(Effect.flatMap(Mcp.stdio(folder, "--db", "wait.db", ...model), ({ call }) =>
        Effect.forEach(said, (text) =>
          call("remember", { text, speaker: "Ann", at: "2026-11-01T10:00:00Z" }))))
      const Extracted = Schema.Struct({
        extracted: Schema.Int,
        kept: Schema.Array(
          Schema.Struct({ id: Schema.String, stage: Schema.String, text: Schema.String, reason: Schema.String })
        ),
        memories: Schema.Array(Memory.Memory)
      })
      const extract = (...more: ReadonlyArray<string>) =>
        Effect.map(Program.run(folder, ["memory", "extract", "--db", "wait.db", "--json", ...more]), (finished) =>
          Schema.decodeUnknownSync(Extracted)(Program.document(finished)))
      const again = yield* extract(...model)
      assert.deepStrictEqual([again.extracted, again.kept.map(({ stage, text }) => [stage, text])], [
        0,
        said.map((text) => ["turn", text])
      ])
      assert.deepStrictEqual(
        again.memories.map(({ text }) =>
          text
        ),
        said
      )
      const done = yield* extract()
      assert.deepStrictEqual([done.extracted, done.kept], [5, []])
      assert.deepStrictEqual(
        done.memories.map(({ metadata, observedAt, speaker, text }) => [text, speaker, observedAt, metadata]),
        said.map((text) => [text, "Ann", "2026-11-01T10:00:00Z", undefined])
      )
      const nothing = yield* Program.run(folder, ["memory", "extract", "--db", "wait.db"])
      assert.deepStrictEqual(nothing, {
        code: 0,
        stdout: "0 memories extracted, 0 memories kept verbatim\n",
        stderr: ""
      })
      assert.match(
        Program.failure(1, yield* Program.run(folder, ["memory", "extract", "--db", "nowhere.db"])),
        /^nowhere\.db: no such file/
      )
    }).pipe(Effect.scoped), Program.timeout)

  it.live("sets the variables of a model's chat template", () =>
    Effect.gen(function*() {
      const tiny = join(folder, "switched")
      yield* TinyModel.write(tiny)
      // Says whether it is right by what it refuses: only without thinking can it be asked.
      const template = "{% if enable_thinking is not defined or enable_thinking is not false or effort != 3 %}{{ " +
        "raise_exception('it thinks') }}{% endif %}{% for m in messages %}{{ m.content }}\n{% endfor %}"
      writeFileSync(join(tiny, "chat_template.jinja"), template)
      const options = ["--template-option", "enable_thinking=false", "--template-option", "effort=3"]
      yield* Program.run(folder, ["memory", "add", "Ann lives in Oslo", "--db", "switched.db"])
      const { call } = yield* Mcp.stdio(
        folder,
        "--db",
        "switched.db",
        "--model",
        "switched",
        "--max-tokens",
        "8",
        ...options
      )
      const { failed, text } = yield* call("answer", { question: "Where does Ann live?" })
      assert.isFalse(failed, text)
      yield* Program.table(
        [
          [
            1,
            ["enable_thinking=true"],
            /chat_template\.jinja has a chat template that refuses the messages \(user\): it thinks\n$/
          ],
          [1, ["enable_thinking=no", "effort=3"], /it thinks\n$/],
          [1, ["enable_thinkin=false"], /does not know enable_thinkin\n$/],
          [1, ["reasoning=false"], /^chat_template\.jinja has a chat template that does not know reasoning\n$/],
          [2, ["enable_thinking"], /template-option/]
        ] as const,
        ([code, given, words]) =>
          Effect.map(
            Program.run(folder, [
              "mcp",
              "--db",
              "switched.db",
              "--model",
              "switched",
              ...given.flatMap((one) => ["--template-option", one])
            ]),
            (finished) => assert.match(Program.failure(code, finished), words)
          )
      )
    }).pipe(Effect.scoped), Program.timeout)

  it.effect("says what is wrong before it serves", () =>
    Program.table(
      [
        [1, ["--db", "nowhere/x.db"], /^nowhere\/x\.db: no such folder: nowhere\n$/],
        [1, ["--db", "x.db", "--model", "nowhere"], /^nowhere\/config\.json: cannot be read/],
        [2, [], /^Missing required flag: --db\n/],
        [2, ["--db", "x.db", "--http", "70000"], /a port, or 0 for any that is free/]
      ] as const,
      ([code, args, words]) =>
        Effect.map(
          Program.run(folder, ["mcp", ...args]),
          (finished) => assert.match(Program.failure(code, finished), words)
        )
    ), Program.timeout)

  it.effect("withholds deletions above the number that one statement may make", () => {
    // A manager that wants everything gone.
    const eager = Layer.succeed(MemoryManager.MemoryManager, {
      decide: (requests) =>
        Effect.succeed(requests.map(({ fact, snapshot }) => {
          const raw = [...snapshot.memories.keys(), 99].map((handle) => `DELETE ${handle}`).join("\n")
          return { ...MemoryOperation.decode(raw, snapshot, fact), raw }
        }))
    })
    const scope = Scope.make({})
    const parts = Layer.mergeAll(
      MemoryStore.layerInMemory,
      eager,
      AnswerAgent.layerExtractive,
      FactExtractor.layerVerbatim
    )
    return Effect.gen(function*() {
      const store = yield* MemoryStore.MemoryStore
      const edits = ["one", "two", "three", "four"].map((text) =>
        MemoryBank.Edit.Add({ memory: { text, speaker: "user" } })
      )
      yield* store.commit(scope, { base: 0, edits })
      const { handle } = yield* Tools.toolkit
      const results = yield* Stream.runCollect(yield* handle("remember", { text: "Forget it all" }))
      assert.deepStrictEqual(results.map(({ encodedResult }) => encodedResult), [{
        changes: [{ operation: "deleted", id: "m1" }, { operation: "deleted", id: "m2" }],
        withheld: ["m3", "m4"],
        repeated: [],
        rejected: 1
      }])
    }).pipe(Effect.provide(Layer.provideMerge(Tools.handlers(scope, { deletions: 2 }), parts)))
  })
})
