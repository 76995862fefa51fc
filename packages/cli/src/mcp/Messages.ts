/**
 * Lines of stdin that are no messages. The protocol's reader would lose every other message that arrived with one of them.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"

const Message = Schema.fromJsonString(Schema.Union([Schema.Record(Schema.String, Schema.Unknown), Schema.Array(Schema.Unknown)]))
const isMessage = (line: string): boolean => Option.isSome(Schema.decodeOption(Message)(line))

const refusal = `${JSON.stringify({ jsonrpc: "2.0", id: null, error: { code: -32700, message: "Parse error: this line is no JSON-RPC message" } })}\n`

/**
 * stdin without them; each is answered with JSON-RPC's parse error.
 */
export const layer: Layer.Layer<Stdio.Stdio, never, Stdio.Stdio> = Layer.effect(
  Stdio.Stdio,
  Effect.map(Stdio.Stdio, (stdio) => ({
    ...stdio,
    stdin: stdio.stdin.pipe(
      Stream.decodeText,
      Stream.splitLines,
      Stream.filter((line) => line.trim() !== ""),
      Stream.filterEffect((line) => isMessage(line) ? Effect.succeed(true) : Effect.as(Stream.run(Stream.make(refusal), stdio.stdout({ endOnDone: false })), false)),
      Stream.map((line) => `${line}\n`),
      Stream.encodeText
    )
  }))
)
