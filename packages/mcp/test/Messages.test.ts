// @module-tag slow
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Schema } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll } from "vitest"
import * as Mcp from "../../cli/test/support/mcp.ts"
import * as Program from "../../cli/test/support/program.ts"
import * as Messages from "../src/internal/messages.ts"

const folder = mkdtempSync(join(tmpdir(), "memory-r1-messages-"))
afterAll(() => rmSync(folder, { recursive: true }))

const ping = { jsonrpc: "2.0", method: "ping" }

// What is sent, and the id and the code of what is answered. The server itself answers what is not in this table.
const broken: ReadonlyArray<readonly [unknown, string | number | null, number]> = [
  [{ ...ping, id: null }, null, -32600],
  [{ ...ping, id: {} }, null, -32600],
  [{ ...ping, id: [1] }, null, -32600],
  [{ ...ping, id: true }, null, -32600],
  [{ ...ping, id: false }, null, -32600],
  [{ ...ping, id: 1.5 }, null, -32600],
  [{ ...ping, id: 2 ** 60 }, null, -32600],
  [{ jsonrpc: "2.0", id: 10 }, 10, -32600],
  [{ jsonrpc: "2.0", id: 11, method: 5 }, 11, -32600],
  [{ jsonrpc: "2.0", id: "12", method: null }, "12", -32600],
  [{ jsonrpc: "2.0", id: 13, method: ["ping"] }, 13, -32600],
  [{ id: 14, method: "ping" }, 14, -32600],
  [{ ...ping, jsonrpc: "1.0", id: 15 }, 15, -32600],
  [{ ...ping, jsonrpc: 2, id: 16 }, 16, -32600],
  [{ jsonrpc: "2.0", params: {} }, null, -32600],
  [{}, null, -32600],
  [[], null, -32600],
  [5, null, -32600],
  ["ping", null, -32600],
  [null, null, -32600],
  [true, null, -32600]
]
const garbage = [
  "{nope",
  "ping",
  "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"",
  "{'id':1}",
  "NaN",
  "[1,",
  "<html>"
]

const right: ReadonlyArray<unknown> = [
  ping,
  { ...ping, id: 0 },
  { ...ping, id: -1 },
  { ...ping, id: "" },
  { ...ping, id: "a-1" },
  { ...ping, id: 1, params: { a: [null] } },
  { jsonrpc: "2.0", method: "notifications/nobody/knows", params: 3 },
  { jsonrpc: "2.0", id: 1, result: {} },
  { jsonrpc: "2.0", id: null, error: { code: 1, message: "x" } },
  { jsonrpc: "1.0", id: {}, result: {} },
  [ping, { ...ping, id: 1 }, { ...ping, id: "1" }, { jsonrpc: "2.0", id: 1, result: {} }]
]

const silents: ReadonlyArray<unknown> = [
  ping,
  { jsonrpc: "2.0", method: "nobody" },
  { jsonrpc: "2.0", method: "tools/call", params: 5 },
  { jsonrpc: "2.0", id: 9, result: {} },
  { jsonrpc: "2.0", id: null, error: { code: 1, message: "x" } }
]

const brief = (answer: unknown): unknown => {
  if (Array.isArray(answer)) return answer.map(brief)
  const { error, id, result } = answer as {
    id: unknown
    error?: { code: number; message: string } | undefined
    result?: unknown
  }
  return [id, error?.code ?? result]
}

describe("Messages", () => {
  it("refuses what is no message, and lets everything else through", () => {
    for (const [message, id, code] of broken) {
      assert.deepStrictEqual(brief(Messages.refusal(JSON.stringify(message))), [id, code], JSON.stringify(message))
    }
    for (const text of garbage) assert.deepStrictEqual(brief(Messages.refusal(text)), [null, -32700], text)
    for (const message of right) assert.isUndefined(Messages.refusal(JSON.stringify(message)), JSON.stringify(message))
  })

  it("answers each request of a batch that has something else in it, and each of two with one id", () => {
    const table: ReadonlyArray<readonly [ReadonlyArray<unknown>, ReadonlyArray<unknown>]> = [
      [
        [1, null],
        [
          [null, -32600],
          [null, -32600]
        ]
      ],
      [
        [{ ...ping, id: null }, { ...ping, id: 1 }, ping],
        [
          [null, -32600],
          [1, -32600]
        ]
      ],
      [
        [
          { ...ping, id: 1 },
          { ...ping, id: 1 }
        ],
        [
          [1, -32600],
          [1, -32600]
        ]
      ],
      [[[ping]], [[null, -32600]]],
      [[ping, {}], [[null, -32600]]]
    ]
    for (const [messages, answers] of table) {
      assert.deepStrictEqual(brief(Messages.refusal(JSON.stringify(messages))), answers, JSON.stringify(messages))
    }
  })

  const id = Schema.Union([Schema.String, Schema.Int])
  it.prop(
    "refuses a request of any JSON as its id but strings and whole numbers",
    [Arbitrary.schema(Schema.Json)],
    ([id]) => {
      const isId = typeof id === "string" || Number.isSafeInteger(id)
      const answer = Messages.refusal(JSON.stringify({ ...ping, id }))
      if (isId) assert.isUndefined(answer)
      else assert.deepStrictEqual(brief(answer), [null, -32600])
    }
  )

  it.prop("refuses no request", [id, Schema.String, Arbitrary.schema(Schema.Json)], ([id, method, params]) => {
    assert.isUndefined(Messages.refusal(JSON.stringify({ jsonrpc: "2.0", id, method, params })))
  })

  // Every message by itself over both transports, so that it is known what answers which.
  const request = (method: string, id: string | number, params: unknown = {}) => ({
    jsonrpc: "2.0",
    id,
    method,
    params
  })
  const initialize = (protocolVersion: string) =>
    request("initialize", "init", { protocolVersion, capabilities: {}, clientInfo: { name: "by hand", version: "1" } })
  const call = (id: string | number, name: string, args: unknown) =>
    request("tools/call", id, { name, arguments: args })

  interface Wire {
    readonly send: (text: string) => Effect.Effect<void>
    /** What came back, waited for where something has to. */
    readonly answers: (isAnswered: boolean) => Effect.Effect<ReadonlyArray<unknown>>
  }

  const overStdio = (db: string) =>
    Effect.gen(function*() {
      const { child, until, written } = yield* Mcp.server(folder, "--db", db)
      let fence = 0
      const wire: Wire = {
        send: (text) => Effect.sync(() => void child.stdin!.write(`${text}\n`)),
        // What is refused is answered before a later ping is.
        answers: Effect.fnUntraced(function*(isAnswered) {
          if (isAnswered) yield* until("stdout", /\n/)
          const mark = `fence-${fence++}`
          child.stdin!.write(`${JSON.stringify({ ...ping, id: mark })}\n`)
          yield* until("stdout", new RegExp(mark))
          const lines = written.stdout.split("\n").filter((line) => line !== "" && !line.includes(mark))
          written.stdout = ""
          return lines.map((line) => JSON.parse(line) as unknown)
        })
      }
      return wire
    })

  const overHttp = (db: string) =>
    Effect.gen(function*() {
      const { until } = yield* Mcp.server(folder, "--db", db, "--http", "0")
      const [, url] = yield* until("stderr", /^MCP at (\S+)\n/)
      let session: string | null = null
      let last = ""
      const wire: Wire = {
        send: (body) =>
          Effect.promise(async () => {
            const headers = {
              "content-type": "application/json",
              accept: "application/json, text/event-stream",
              ...(session === null ? {} : { "mcp-session-id": session })
            }
            const response = await fetch(url!, { method: "POST", headers, body })
            session ??= response.headers.get("mcp-session-id")
            last = (await response.text()).replace(/^data: /, "").trim()
          }),
        answers: () => Effect.sync(() => (last === "" ? [] : [JSON.parse(last) as unknown]))
      }
      return wire
    })

  const both = [
    ["stdio", overStdio],
    ["HTTP", overHttp]
  ] as const
  const exchange = (wire: Wire, message: unknown, isAnswered = true) =>
    Effect.andThen(
      wire.send(typeof message === "string" ? message : JSON.stringify(message)),
      wire.answers(isAnswered)
    )

  it.live(
    "says before initialize that it comes first, and answers everything that is broken with its id or null",
    () =>
      Effect.forEach(both, ([name, over]) =>
        Effect.scoped(
          Effect.gen(function*() {
            const wire = yield* over(`${name}.db`)
            for (
              const early of [
                call(1, "list", {}),
                request("tools/list", "two"),
                request("resources/list", 3),
                call(4, "remember", { text: "x" })
              ]
            ) {
              const [answer, ...more] = yield* exchange(wire, early)
              assert.deepStrictEqual([brief(answer), more], [[early.id, -32600], []], name)
              assert.match((answer as { error: { message: string } }).error.message, /send "?initialize"?/)
            }
            // An initialize that fails opens nothing.
            assert.deepStrictEqual((yield* exchange(wire, request("initialize", 5))).map(brief), [[5, -32602]], name)
            assert.deepStrictEqual((yield* exchange(wire, call(6, "list", {}))).map(brief), [[6, -32600]], name)
            yield* exchange(wire, initialize("2025-11-25"))
            for (const [message, id, code] of broken) {
              assert.deepStrictEqual(
                (yield* exchange(wire, JSON.stringify(message))).map(brief),
                [[id, code]],
                `${name} ${JSON.stringify(message)}`
              )
            }
            for (const text of garbage) {
              assert.deepStrictEqual((yield* exchange(wire, text)).map(brief), [[null, -32700]], `${name} ${text}`)
            }
            // Notifications and responses are never answered, even if they are wrong.
            for (const silent of silents) {
              assert.deepStrictEqual(yield* exchange(wire, silent, false), [], `${name} ${JSON.stringify(silent)}`)
            }
            assert.deepStrictEqual((yield* exchange(wire, request("nobody", 7))).map(brief), [[7, -32601]], name)
            assert.deepStrictEqual((yield* exchange(wire, request("ping", ""))).map(brief), [["", {}]], name)
            const batch = (yield* exchange(wire, [request("ping", 1), request("ping", 2)])).map(brief)
            assert.deepStrictEqual(batch, [[null, -32600]], name)
          })
        )),
    Program.timeout
  )

  it.live(
    "answers a wrong argument as the revision wants it, naming the argument",
    () =>
      Effect.forEach(
        both,
        ([name, over]) =>
          Effect.forEach(["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"], (revision) =>
            Effect.scoped(
              Effect.gen(function*() {
                const wire = yield* over("wrong.db")
                yield* exchange(wire, initialize(revision))
                const wrong: ReadonlyArray<readonly [string, Record<string, unknown>, string]> = [
                  ["remember", { text: "x", at: "31st of Octember" }, "at"],
                  ["remember", { text: "x", at: "2023-02-30" }, "at"],
                  ["remember", { text: "x", at: "" }, "at"],
                  ["remember", { text: "x", at: "1683540000" }, "at"],
                  ["remember", { text: "x", at: 1683540000 }, "at"],
                  ["remember", { text: "x", at: null }, "at"],
                  ["remember", { text: 5 }, "text"],
                  ["recall", { query: "x", limit: "5" }, "limit"],
                  ["list", { limit: 2.5 }, "limit"],
                  ["list", { after: -1 }, "after"],
                  ["history", { id: 1 }, "id"],
                  ["forget", { ids: "m1" }, "ids"]
                ]
                for (const [tool, args, field] of wrong) {
                  const [answer] = yield* exchange(wire, call(1, tool, args))
                  const { error, result } = answer as {
                    error?: { code: number; message: string } | undefined
                    result?: { isError: boolean; content: [{ text: string }] } | undefined
                  }
                  const shown = `${name} ${revision} ${tool} ${JSON.stringify(args)}`
                  if (revision === "2025-11-25") assert.isTrue(result?.isError, shown)
                  else assert.strictEqual(error?.code, -32602, shown)
                  assert.include(error?.message ?? result?.content[0].text, `at ["${field}"]`, shown)
                }
                // Batches are in one revision only.
                const [answer] = yield* exchange(wire, [request("ping", 1), ping, request("ping", 2)])
                assert.deepStrictEqual(
                  brief(answer),
                  revision === "2025-03-26"
                    ? [
                      [1, {}],
                      [2, {}]
                    ]
                    : [null, -32600]
                )
                const [listed] = yield* exchange(wire, call(2, "list", {}))
                assert.deepStrictEqual(
                  JSON.parse((listed as { result: { content: [{ text: string }] } }).result.content[0].text),
                  { memories: [] }
                )
              })
            ))
      ),
    Program.timeout
  )
})
