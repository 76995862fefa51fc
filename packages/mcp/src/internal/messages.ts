/**
 * What a client sends that is no message of the protocol, and how it is answered, over both transports. The server
 * behind it takes an id of null for an empty text, and drops what it cannot read.
 */
import * as Effect from "effect/Effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Sink from "effect/Sink"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"

type Id = string | number | null

interface Refusal {
  readonly jsonrpc: "2.0"
  readonly id: Id
  readonly error: { readonly code: number; readonly message: string }
}

const refused = (code: number, id: Id, message: string): Refusal => ({ jsonrpc: "2.0", id, error: { code, message } })
const invalid = (id: Id, reason: string): Refusal => refused(-32600, id, `Invalid request: ${reason}`)

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

// Numbers that cannot be read exactly would come back as others.
const isId = (value: unknown): value is string | number => typeof value === "string" || Number.isSafeInteger(value)

const idOf = (message: unknown): Id => (isObject(message) && isId(message["id"]) ? message["id"] : null)

// What is wrong with one message. Responses are never answered, whatever they are.
const fault = (message: unknown): string | undefined => {
  if (!isObject(message)) return "a message is an object"
  if (!Object.hasOwn(message, "method")) {
    const isResponse = Object.hasOwn(message, "result") || Object.hasOwn(message, "error")
    return isResponse ? undefined : `it has no "method"`
  }
  if (message["jsonrpc"] !== "2.0") return `"jsonrpc" has to be "2.0"`
  if (typeof message["method"] !== "string") return `"method" has to be a string`
  const hasId = !Object.hasOwn(message, "id") || isId(message["id"])
  return hasId ? undefined : `"id" has to be a string or a whole number`
}

const isRequest = (message: unknown): boolean =>
  isObject(message) && Object.hasOwn(message, "method") && Object.hasOwn(message, "id")

// All of a batch or nothing: each of its requests gets an answer, so that nobody waits for one.
const batch = (messages: ReadonlyArray<unknown>): Refusal | ReadonlyArray<Refusal> | undefined => {
  if (messages.length === 0) return invalid(null, "an empty batch")
  const requests = messages.filter(isRequest).map(idOf)
  const faults = messages.map((message, i) => {
    const isSecond = isRequest(message) &&
      requests.indexOf(idOf(message)) < messages.slice(0, i).filter(isRequest).length
    return fault(message) ?? (isSecond ? `another request of its batch has its id` : undefined)
  })
  if (faults.every((reason) => reason === undefined)) return undefined
  return messages.flatMap((message, i) => {
    const reason = faults[i]
    if (reason !== undefined) return [invalid(idOf(message), reason)]
    return isRequest(message) ? [invalid(idOf(message), "another message of its batch is invalid")] : []
  })
}

const json = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))

/**
 * The answer to a text that is no message, or no batch of messages.
 */
export const refusal = (text: string): Refusal | ReadonlyArray<Refusal> | undefined => {
  const decoded = json(text)
  if (Option.isNone(decoded)) return refused(-32700, null, "Parse error: this is no JSON")
  const message = decoded.value
  if (Array.isArray(message)) return batch(message)
  const reason = fault(message)
  return reason === undefined ? undefined : invalid(idOf(message), reason)
}

const first = `send "initialize" first`

// Until a session is open, the only thing that can go wrong inside is that there is none.
const opening = () => {
  let isOpen = false
  return (line: string | Uint8Array): string | Uint8Array => {
    if (isOpen || typeof line !== "string") return line
    const message = Option.getOrUndefined(json(line))
    if (!isObject(message)) return line
    isOpen = isObject(message["result"]) && Object.hasOwn(message["result"], "protocolVersion")
    const isInternal = isObject(message["error"]) && message["error"]["code"] === -32603
    return isInternal ? `${JSON.stringify(invalid(idOf(message), first))}\n` : line
  }
}

/**
 * stdin with nothing but messages, and stdout with answers to the rest.
 */
export const layerStdio: Layer.Layer<Stdio.Stdio, never, Stdio.Stdio> = Layer.effect(
  Stdio.Stdio,
  Effect.map(Stdio.Stdio, (stdio) => {
    const isMessage = (line: string) => {
      const answer = refusal(line)
      if (answer === undefined) return Effect.succeed(true)
      return Effect.as(
        Stream.run(Stream.make(`${JSON.stringify(answer)}\n`), stdio.stdout({ endOnDone: false })),
        false
      )
    }
    const opened = opening()
    return {
      ...stdio,
      stdout: (options) => Sink.mapInput(stdio.stdout(options), opened),
      stdin: stdio.stdin.pipe(
        Stream.decodeText,
        Stream.splitLines,
        Stream.filter((line) => line.trim() !== ""),
        Stream.filterEffect(isMessage),
        Stream.map((line) => `${line}\n`),
        Stream.encodeText
      )
    }
  })
)

// Bodies that the server leaves empty.
const told = (response: HttpServerResponse.HttpServerResponse, text: string, hasSession: boolean) => {
  if (response.body._tag !== "Empty") return response
  const id = idOf(Option.getOrUndefined(json(text)))
  if (response.status === 404 && hasSession) return answered(404, invalid(id, `there is no such session; ${first}`))
  const isBatch = text.trimStart().startsWith("[")
  if (response.status === 400 && isBatch) {
    return answered(400, invalid(null, "this revision of the protocol has no batches"))
  }
  return response
}

const answered = (status: number, answer: unknown) => HttpServerResponse.jsonUnsafe(answer, { status })

/**
 * The same for requests over HTTP: around what answers a POST.
 */
export const overHttp = <E, R>(response: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>) =>
  Effect.gen(function*() {
    const request = yield* HttpServerRequest.HttpServerRequest
    const { "content-type": type = "", "mcp-session-id": session, origin } = request.headers
    const isMine = request.method === "POST" && type.startsWith("application/json") && origin === undefined
    const text = isMine ? yield* Effect.option(request.text) : Option.none()
    if (Option.isNone(text)) return yield* response
    const answer = refusal(text.value)
    return answer === undefined ? told(yield* response, text.value, session !== undefined) : answered(400, answer)
  })
