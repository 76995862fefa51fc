/**
 * `memory-r1 memory extract --db FILE [--model MODEL]`
 *
 * @since 0.1.0
 */
import { MemoryAgent, MemoryBank, MemoryStore, NotExtracted } from "@memory-r1/core"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Lines from "../memory/lines.ts"
import * as Store from "../memory/Store.ts"
import * as Output from "../Output.ts"
import * as Mcp from "./mcp.ts"

/**
 * The command.
 *
 * @category running
 * @since 0.1.0
 */
export const extract = Command.make(
  "extract",
  {
    ...Store.flags,
    ...Mcp.agentFlags
  },
  Effect.fn(function*({ maxTokens, model, templateOptions, ...flags }) {
    const scope = Store.scope(flags)
    const { after, kept, revision, waited } = yield* Effect.gen(function*() {
      const store = yield* MemoryStore.MemoryStore
      const waited = yield* store.list(scope, { filter: NotExtracted.filter })
      const { kept = [] } = yield* MemoryAgent.extractAgain(scope)
      const { bank, revision } = yield* store.current(scope)
      return { waited, kept, revision, after: MemoryBank.memories(bank) }
    }).pipe(
      Effect.provide(
        Layer.merge(Store.layer(flags.db, "change"), Mcp.agents(model, { maxTokens, templateOptions }, flags))
      )
    )
    const waiting = new Set(after.flatMap((memory) => NotExtracted.stageOf(memory) === undefined ? [] : [memory.id]))
    const done = waited.filter(({ memory }) => !waiting.has(memory.id)).length
    yield* Output.document(
      {
        scope,
        revision,
        extracted: done,
        kept: kept.map(({ fact, id, reason, stage }) => ({ id, stage, text: fact.text, reason })),
        memories: after
      },
      [
        `${Lines.count(done)} extracted, ${Lines.count(kept.length)} kept verbatim`,
        ...kept.map(({ fact, id, reason }) => Lines.plain(`${id ?? "-"}  ${fact.speaker}: ${fact.text}  (${reason})`))
      ]
    )
  })
).pipe(
  Command.withDescription(
    "Retry the statements that a model failed on; without --model, by rules"
  )
)
