/**
 * Memories by hand: `memory add`, `revert` and `erase`.
 *
 * @since 0.1.0
 */
import { IsoTime, Memory, MemoryBank, MemoryLog, MemoryStore } from "@memory-r1/core"
import { Journal } from "@memory-r1/core/store"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Output from "../Output.ts"
import * as Lines from "./lines.ts"
import * as Store from "./Store.ts"
import * as Values from "./values.ts"

/**
 * `memory add`
 *
 * @category running
 * @since 0.1.0
 */
export const add = Command.make(
  "add",
  {
    ...Store.flags,
    speaker: Flag.String("speaker").pipe(
      Flag.filter(Store.isSaid, () => "a name"),
      Flag.withDescription("who said it"),
      Flag.optional
    ),
    at: Flag.String("at").pipe(
      Flag.filter(Schema.is(IsoTime.IsoTime), () => IsoTime.form),
      Flag.withDescription("when it was said"),
      Flag.optional
    ),
    expires: Flag.String("expires").pipe(
      Flag.filterMap(Values.end, () => `${IsoTime.form}, or a duration such as "30 days" or 12h`),
      Flag.withDescription("when it expires: a time, or a duration such as \"30 days\" or 12h"),
      Flag.optional
    ),
    metadata: Values.json("metadata", Schema.Record(Schema.String, Schema.Unknown)).pipe(
      Flag.withDescription("a JSON object, which --filter of \"memory list\" and \"memory search\" selects by"),
      Flag.optional
    ),
    text: Argument.String("text").pipe(Argument.filter(Store.isSaid, () => "a text to remember"))
  },
  Effect.fn(function*({ at, expires, metadata, speaker, text, ...flags }) {
    const now = yield* Clock.currentTimeMillis
    const memory = {
      text: text.trim(),
      // A unique source, so that an erasure does not take along the decision on another memory.
      sources: [`hand:${crypto.randomUUID()}`],
      ...(Option.isSome(speaker) ? { speaker: speaker.value } : {}),
      ...(Option.isSome(at) ? { observedAt: at.value } : {}),
      ...(Option.isSome(expires) ? { expiresAt: expires.value(now) } : {}),
      ...(Option.isSome(metadata) ? { metadata: metadata.value } : {})
    }
    const isSame = ({ expiresAt = Number.POSITIVE_INFINITY, speaker, text }: Memory.Memory): boolean =>
      speaker === memory.speaker && Journal.folded(text) === Journal.folded(memory.text) && expiresAt > now
    const { known, revision, scope, written } = yield* Store.within(
      flags,
      "make",
      (scope, store) =>
        Effect.gen(function*() {
          const { bank, revision } = yield* store.current(scope)
          const known = MemoryBank.memories(bank).find(isSame)
          if (known !== undefined) return { scope, revision, known, written: known }
          const committed = yield* store.commit(scope, {
            base: revision,
            edits: [MemoryBank.Edit.Add({ memory })],
            decision: { model: "by hand", shown: [] }
          })
          const [id] = committed.edits.flatMap(MemoryBank.touched)
          return { scope, revision: committed.revision, known, written: { ...memory, id: id!, revision: 0 } }
        }).pipe(
          // Another commit came first.
          Effect.retry({ while: (error) => error._tag === "Conflict", times: 8 })
        )
    )
    const added = known === undefined
    yield* Output.document(
      { scope, revision, added, memory: written },
      [`${added ? `added at revision ${revision}` : "nothing changed, the store already has it"}: ${
        Lines.line(written)
      }`]
    )
  })
).pipe(
  Command.withDescription(
    "Add a memory by hand; nothing changes if the speaker has already said it in the same words"
  )
)

/**
 * `memory revert`
 *
 * @category running
 * @since 0.1.0
 */
export const revert = Command.make(
  "revert",
  {
    ...Store.flags,
    moment: Argument.String("revision").pipe(
      Argument.filterMap(Values.moment, () => `a revision (an integer) or ${IsoTime.form}`),
      Argument.withDescription("a revision or time; \"memory history\" shows revisions")
    )
  },
  Effect.fn(function*({ moment, ...flags }) {
    const { bank, revision, scope, to } = yield* Store.within(
      flags,
      "change",
      Effect.fnUntraced(function*(scope, store) {
        const { revision: to } = yield* store.asOf(scope, moment)
        return { ...(yield* store.revert(scope, to)), scope, to }
      })
    )
    const memories = MemoryBank.size(bank)
    yield* Output.document(
      { scope, revision, to, memories },
      [`revision ${revision} restores revision ${to}: ${Lines.count(memories)}`]
    )
  })
).pipe(
  Command.withDescription(
    "Restore the memories of a revision or time. The log keeps what was undone, so you can revert this, too"
  )
)

/**
 * An erasure without `--yes`.
 *
 * @category errors
 * @since 0.1.0
 */
export class Unconfirmed
  extends Schema.TaggedError<Unconfirmed>()("Unconfirmed", { memories: Schema.Array(Schema.String) })
{
  override get message(): string {
    return `nothing was erased: --yes permanently removes these memories, their history and every trace in the file\n${
      this.memories.join("\n")
    }`
  }
}

/**
 * `memory erase`
 *
 * @category running
 * @since 0.1.0
 */
export const erase = Command.make(
  "erase",
  {
    ...Store.flags,
    yes: Flag.Boolean("yes").pipe(
      Flag.withDescription("erase; without it the command prints what it would erase, and exits with 1"),
      Flag.withDefault(false)
    ),
    ids: Argument.String("id").pipe(
      Argument.filter(Store.isSaid, () => "the id of a memory"),
      Argument.variadic({ min: 1 })
    )
  },
  Effect.fn(function*({ ids, yes, ...flags }) {
    const erased = [...new Set(ids)].map((id) => Memory.MemoryId.make(id))
    if (!yes) {
      return yield* Store.within(
        flags,
        "read",
        Effect.fnUntraced(function*(scope, store) {
          const entries = yield* store.log(scope)
          const memories = yield* Effect.forEach(erased, (id) => {
            const last = MemoryLog.versions(entries, id).at(-1)
            return last === undefined
              ? Effect.fail(new MemoryStore.UnknownMemory({ scope, id }))
              : Effect.succeed(Lines.line(last))
          })
          return yield* new Unconfirmed({ memories })
        })
      )
    }
    const { revision, scope } = yield* Store.within(
      flags,
      "change",
      (scope, store) => Effect.map(store.erase(scope, erased), ({ revision }) => ({ revision, scope }))
    )
    yield* Output.document({ scope, revision, erased }, [
      `erased at revision ${revision}: ${erased.map(Lines.plain).join(", ")}`
    ])
  })
).pipe(Command.withDescription(
  "Permanently remove memories from the store, its log and the file. No revert brings them back. The command never " +
    "prompts, and does nothing without --yes"
))
