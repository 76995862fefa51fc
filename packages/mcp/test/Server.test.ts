import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { assert, describe, it } from "@effect/vitest"
import { AnswerAgent, FactExtractor, MemoryManager, MemoryStore, Scope } from "@memory-r1/core"
import { Server } from "@memory-r1/mcp"
import { Client } from "@modelcontextprotocol/sdk/client/index.js"
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js"
import { ReadBuffer, serializeMessage } from "@modelcontextprotocol/sdk/shared/stdio.js"
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js"
import { type Cause, Effect, Fiber, Layer, Queue, Schema, Sink, Stdio, Stream } from "effect"
import { HttpRouter, HttpServer, HttpServerResponse } from "effect/http"
import { createServer, request } from "node:http"

// A program that has a memory of its own.
const scope = Scope.make({ user: "ann" })
const memory = Layer.mergeAll(
  MemoryStore.layerInMemory,
  MemoryManager.layerRuleBased(),
  AnswerAgent.layerExtractive,
  FactExtractor.layerVerbatim
)

const Found = Schema.Struct({ structuredContent: Schema.Struct({ answer: Schema.String }) })

// The official client tells something and asks for it; the program finds it in its store.
const told = Effect.fnUntraced(function*(transport: Transport) {
  const client = new Client({ name: "test", version: "1.0.0" })
  yield* Effect.promise(() => client.connect(transport))
  const call = (name: string, args: Record<string, unknown>) =>
    Effect.promise(() => client.callTool({ name, arguments: args }))
  yield* call("remember", { text: "I live in Oslo.", speaker: "Ann" })
  const { structuredContent } = Schema.decodeUnknownSync(Found)(
    yield* call("answer", { question: "Where does Ann live?" })
  )
  assert.strictEqual(structuredContent.answer, "Oslo")
  const store = yield* MemoryStore.MemoryStore
  assert.deepStrictEqual((yield* store.list(scope)).map(({ memory }) => memory.text), ["I live in Oslo."])
  return client
})

describe("Server", () => {
  it.live("is a route beside others of a program's own server", () => {
    const routes = Layer.merge(
      Server.layerHttp({ scope, deletions: 2, name: "notes", version: "7.0.0", path: "/memory" }),
      HttpRouter.add("GET", "/health", HttpServerResponse.text("well"))
    )
    const served = HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }).pipe(
      Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" })),
      Layer.provideMerge(memory)
    )
    return Effect.gen(function*() {
      const { address } = yield* HttpServer.HttpServer
      const port = "port" in address ? address.port : 0
      const client = yield* told(new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${port}/memory`)))
      assert.deepInclude(client.getServerVersion(), { name: "notes", version: "7.0.0" })
      yield* Effect.promise(() => client.close())
      // Its own routes answer under any name, the memory only under this machine's.
      const status = (path: string, method: string) =>
        Effect.callback<number | undefined>((resume) => {
          const sent = request({ port, path, method, headers: { host: "app.example" } }, (response) => {
            response.resume()
            resume(Effect.succeed(response.statusCode))
          })
          sent.on("error", (error) => resume(Effect.die(error)))
          sent.end()
        })
      assert.deepStrictEqual([yield* status("/health", "GET"), yield* status("/memory", "POST")], [200, 403])
    }).pipe(Effect.provide(served))
  })

  it.live("serves over the Stdio that a program gives it, until the client goes", () =>
    Effect.gen(function*() {
      const input = yield* Queue.unbounded<Uint8Array, Cause.Done>()
      const read = new ReadBuffer()
      const transport: Transport = {
        start: () => Promise.resolve(),
        send: (message) =>
          Effect.runPromise(Effect.asVoid(Queue.offer(input, new TextEncoder().encode(serializeMessage(message))))),
        close: () => Effect.runPromise(Effect.asVoid(Queue.end(input)))
      }
      const stdio = Stdio.layerTest({
        stdin: Stream.fromQueue(input),
        stdout: () =>
          Sink.forEach((text) =>
            Effect.sync(() => {
              read.append(Buffer.from(text))
              for (let message = read.readMessage(); message !== null; message = read.readMessage()) {
                transport.onmessage?.(message)
              }
            })
          )
      })
      const serving = yield* Effect.forkChild(Effect.provide(Server.serveStdio({ scope, deletions: 2 }), stdio))
      const client = yield* told(transport)
      yield* Effect.promise(() => client.close())
      yield* Fiber.join(serving)
    }).pipe(Effect.provide(memory)))
})
