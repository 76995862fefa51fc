/**
 * What an agent remembers: one short statement with its provenance.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"

/**
 * The identity of a memory. It stays the same when the text is updated. A model never sees it (see `MemoryOperation`).
 *
 * @category schemas
 * @since 0.1.0
 */
export const MemoryId = Schema.NonEmptyString.pipe(Schema.brand("@memory-r1/core/MemoryId"))

/**
 * The type of `MemoryId`.
 *
 * @category models
 * @since 0.1.0
 */
export type MemoryId = typeof MemoryId.Type

/**
 * One memory.
 *
 * - `text`: the statement.
 * - `speaker`: who it belongs to; retrieval can be limited to one speaker.
 * - `observedAt`: when it was last said (ISO 8601, or the wording of the data set).
 * - `sources`: ids of the turns that said it, oldest first.
 * - `supersedes`: the memory that it superseded.
 * - `expiresAt`: when it stops being recalled, in milliseconds since 1970.
 * - `revision`: how often it was updated, from 0.
 *
 * @example
 * ```ts
 * import { Memory } from "@memory-r1/core"
 * import { Schema } from "effect"
 *
 * const buddy = Schema.decodeUnknownSync(Memory.Memory)({
 *   id: "m1", text: "Ann has a dog named Buddy", speaker: "Ann", sources: ["D1:3"], revision: 0
 * })
 * Memory.line(buddy) // => "Ann has a dog named Buddy"
 * ```
 *
 * @category schemas
 * @since 0.1.0
 */
export const Memory = Schema.Struct({
  id: MemoryId,
  text: Schema.NonEmptyString,
  speaker: Schema.optional(Schema.String),
  observedAt: Schema.optional(Schema.String),
  sources: Schema.Array(Schema.String),
  metadata: Schema.optional(Schema.Record(Schema.String, Schema.Unknown)),
  supersedes: Schema.optional(MemoryId),
  expiresAt: Schema.optional(Schema.Int),
  revision: Schema.Int
})

/**
 * The type of `Memory`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Memory extends Schema.Schema.Type<typeof Memory> {}

/**
 * A memory before it is stored.
 *
 * @category schemas
 * @since 0.1.0
 */
export const NewMemory = Schema.Struct({
  ...Struct.omit(Memory.fields, ["id", "revision", "sources", "supersedes"]),
  sources: Schema.optional(Memory.fields.sources)
})

/**
 * The type of `NewMemory`.
 *
 * @category models
 * @since 0.1.0
 */
export interface NewMemory extends Schema.Schema.Type<typeof NewMemory> {}

/**
 * A memory as prompts show it: `timestamp: text` as in the paper, or the text alone if there is no time.
 *
 * @category formatting
 * @since 0.1.0
 */
export const line = (memory: Pick<Memory, "text" | "observedAt">): string =>
  memory.observedAt === undefined ? memory.text : `${memory.observedAt}: ${memory.text}`

/**
 * The text of a memory, prefixed with its speaker unless the text names the speaker: "Ann: I live in Oslo", but "Ann
 * lives in Oslo".
 *
 * @category formatting
 * @since 0.1.0
 */
export const attributed = ({ speaker, text }: Pick<Memory, "text" | "speaker">): string =>
  speaker === undefined || text.includes(speaker) ? text : `${speaker}: ${text}`
