// A server on loopback that speaks the wire format of Hugging Face: what it was asked is recorded, what it answers is
// the test's.
import { Effect } from "effect"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"

export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage["headers"]
  readonly body: Body
  /** Settles when the connection of this exchange is gone before the answer was complete. */
  readonly aborted: Promise<void>
}

export type Body = Record<string, unknown>

/** The texts of the messages of a chat completion. */
export const contents = (body: Body): ReadonlyArray<string> =>
  Array.isArray(body.messages) ? body.messages.map((message) => String(message.content)) : []

/** The texts of a feature extraction. */
export const inputs = (body: Body): ReadonlyArray<string> => Array.isArray(body.inputs) ? body.inputs.map(String) : []

/** Answers a request; `nth` counts from 0. */
export type Handler = (request: Received, response: ServerResponse, nth: number) => void | Promise<void>

export const serve = (handler: Handler) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<
        { server: ReturnType<typeof createServer>; requests: Array<Received>; arrived: Promise<Received> }
      >((resume) => {
        const requests: Array<Received> = []
        const first = Promise.withResolvers<Received>()
        const server = createServer((incoming, response) => {
          const chunks: Array<Buffer> = []
          const aborted = new Promise<void>((resolve) =>
            response.on("close", () => {
              if (!response.writableFinished) resolve()
            })
          )
          incoming.on("data", (chunk) => chunks.push(chunk))
          incoming.on("end", () => {
            const text = Buffer.concat(chunks).toString()
            const request: Received = {
              method: incoming.method ?? "",
              path: incoming.url ?? "",
              headers: incoming.headers,
              body: text === "" ? {} : JSON.parse(text),
              aborted
            }
            first.resolve(request)
            void handler(request, response, requests.push(request) - 1)
          })
        })
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed({ server, requests, arrived: first.promise })))
      }),
      ({ server }) =>
        Effect.callback<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        })
    ),
    ({ arrived, requests, server }) => ({
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      requests,
      arrived
    })
  )

export const json = (
  response: ServerResponse,
  body: unknown,
  status = 200,
  headers: Record<string, string> = {}
): void => {
  response.writeHead(status, { "content-type": "application/json", ...headers })
  response.end(JSON.stringify(body))
}

/** A chat completion in the form of the router. */
export const completion = (message: Record<string, unknown>, more: Record<string, unknown> = {}) => ({
  object: "chat.completion",
  id: "chatcmpl-1",
  created: 1_790_000_000,
  model: "meta-llama/Llama-3.3-70B-Instruct",
  system_fingerprint: "fp_1",
  choices: [{ index: 0, message: { role: "assistant", ...message }, logprobs: null, finish_reason: "stop", ...more }],
  usage: { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 }
})

export const says = (content: string): Handler => (_, response) => json(response, completion({ content }))

/** An event of a streamed chat completion. */
export const chunk = (delta: Record<string, unknown>, finish_reason: string | null = null) => ({
  object: "chat.completion.chunk",
  id: "chatcmpl-2",
  created: 1_790_000_000,
  model: "meta-llama/Llama-3.3-70B-Instruct",
  system_fingerprint: "fp_1",
  choices: [{ index: 0, delta, logprobs: null, finish_reason }],
  usage: null
})

export const usageChunk = {
  ...chunk({}),
  choices: [],
  usage: { prompt_tokens: 12, completion_tokens: 4, total_tokens: 16 }
}

export const event = (data: unknown): string => `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`

export const beginStream = (response: ServerResponse): void => {
  response.writeHead(200, { "content-type": "text/event-stream" })
  response.flushHeaders()
}

/** Sends pieces one by one, each in a packet of its own. */
export const sendSlowly = async (
  response: ServerResponse,
  pieces: ReadonlyArray<string | Uint8Array>
): Promise<void> => {
  response.socket?.setNoDelay(true)
  for (const piece of pieces) {
    response.write(piece)
    await sleep(5)
  }
}

export const streams = (events: ReadonlyArray<unknown>): Handler => async (_, response) => {
  beginStream(response)
  await sendSlowly(response, events.map(event))
  response.end()
}
