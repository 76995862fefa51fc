/**
 * Read memories: `memory search`, `list`, `history` and `as-of`.
 *
 * @since 0.1.0
 */
import { Filter, IsoTime, MemoryBank } from "@memory-r1/core"
import { MemoryHistory } from "@memory-r1/core/store"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Output from "../Output.ts"
import { count } from "../shared.ts"
import * as Lines from "./lines.ts"
import * as Store from "./Store.ts"
import * as Values from "./values.ts"

const among = {
  speaker: Flag.String("speaker").pipe(Flag.withDescription("only memories of this speaker"), Flag.optional),
  filter: Values.json("filter", Filter.Filter).pipe(
    Flag.withDescription(
      `only memories with matching metadata, such as {"_tag":"Equals","key":"topic","value":"pets"}; OneOf, Compare, ` +
        `Exists, All, Some, Not`
    ),
    Flag.optional
  ),
  showExpired: Flag.Boolean("show-expired").pipe(
    Flag.withDescription("include expired memories"),
    Flag.withDefault(false)
  )
}

const amongOf = ({ filter, showExpired, speaker }: {
  readonly speaker: Option.Option<string>
  readonly filter: Option.Option<Filter.Filter>
  readonly showExpired: boolean
}) => ({
  showExpired,
  ...(Option.isSome(speaker) ? { speaker: speaker.value } : {}),
  ...(Option.isSome(filter) ? { filter: filter.value } : {})
})

/**
 * `memory search`
 *
 * @category running
 * @since 0.1.0
 */
export const search = Command.make(
  "search",
  {
    ...Store.flags,
    ...among,
    limit: count("limit").pipe(Flag.withDescription("the maximum number of memories"), Flag.withDefault(10)),
    text: Argument.String("text").pipe(Argument.filter(Store.isSaid, () => "a text to look for"))
  },
  Effect.fn(function*({ limit, text, ...flags }) {
    const { memories, revision, scope } = yield* Store.within(
      flags,
      "read",
      (scope, store) =>
        Effect.map(store.search(scope, { text, limit, ...amongOf(flags) }), (found) => ({ ...found, scope }))
    )
    yield* Output.document(
      { scope, revision, query: text, memories: memories.map(({ memory, score }) => ({ ...memory, score })) },
      Lines.lines(memories.map(({ memory, score }) => `${score.toFixed(3)}  ${Lines.line(memory)}`))
    )
  })
).pipe(Command.withDescription("Find memories, best first"))

/**
 * `memory list`
 *
 * @category running
 * @since 0.1.0
 */
export const list = Command.make(
  "list",
  {
    ...Store.flags,
    ...among,
    limit: count("limit").pipe(Flag.withDescription("the maximum number of memories (default: all)"), Flag.optional),
    after: Flag.Int("after").pipe(
      Flag.withDescription("continue after this memory: the \"order\" of the last one on a page"),
      Flag.optional
    ),
    deleted: Flag.Boolean("deleted").pipe(
      Flag.withDescription("include memories that were deleted but not erased"),
      Flag.withDefault(false)
    )
  },
  Effect.fn(function*({ after, deleted, limit, ...flags }) {
    const { listed, scope } = yield* Store.within(flags, "read", (scope, store) =>
      Effect.map(
        store.list(scope, {
          ...amongOf(flags),
          tombstones: deleted,
          ...(Option.isSome(limit) ? { limit: limit.value } : {}),
          ...(Option.isSome(after) ? { after: after.value } : {})
        }),
        (listed) => ({ listed, scope })
      ))
    yield* Output.document(
      { scope, memories: listed.map(({ memory, ...row }) => ({ ...memory, ...row })) },
      Lines.lines(
        listed.map(({ deletedAt, memory }) =>
          Lines.line(memory, ...(deletedAt === undefined ? [] : [`deleted ${Lines.moment(deletedAt)}`]))
        )
      )
    )
  })
).pipe(Command.withDescription("List memories, oldest first"))

/**
 * `memory history`
 *
 * @category running
 * @since 0.1.0
 */
export const history = Command.make(
  "history",
  {
    ...Store.flags,
    id: Argument.String("id").pipe(Argument.filter(Store.isSaid, () => "the id of a memory"))
  },
  Effect.fn(function*({ id, ...flags }) {
    const { changes, scope, versions } = yield* Store.within(
      flags,
      "read",
      (scope) => Effect.map(MemoryHistory.read(scope, id), (found) => ({ ...found, scope }))
    )
    yield* Output.document(
      { scope, id, versions, changes },
      changes.map(({ at, by, operation, revision, text }) =>
        Lines.plain(
          `revision ${revision}  ${at}  ${operation}${text === undefined ? "" : `  ${text}`}${
            by === undefined ? "" : `  (${by})`
          }`
        )
      )
    )
  })
).pipe(Command.withDescription("Show how a memory changed, with the revision of each change"))

/**
 * `memory as-of`
 *
 * @category running
 * @since 0.1.0
 */
export const asOf = Command.make(
  "as-of",
  {
    ...Store.flags,
    moment: Argument.String("revision-or-time").pipe(
      Argument.filterMap(Values.moment, () => `a revision (an integer) or ${IsoTime.form}`)
    )
  },
  Effect.fn(function*({ moment, ...flags }) {
    const { bank, revision, scope } = yield* Store.within(
      flags,
      "read",
      (scope, store) => Effect.map(store.asOf(scope, moment), (found) => ({ ...found, scope }))
    )
    const memories = MemoryBank.memories(bank)
    yield* Output.document({ scope, revision, memories }, Lines.lines(memories.map((memory) => Lines.line(memory))))
  })
).pipe(Command.withDescription("List memories as of a revision or time"))
