/**
 * What an agent remembers: one short statement with its provenance.
 */
import * as Schema from "effect/Schema"

/**
 * The identity of a memory. It survives every UPDATE of the text; a model never sees it (see `MemoryOperation`).
 */
export const MemoryId = Schema.NonEmptyString.pipe(Schema.brand("@memory-r1/core/MemoryId"))
export type MemoryId = typeof MemoryId.Type

/**
 * One memory.
 *
 * - `text`: the statement itself.
 * - `speaker`: whose memory it is; retrieval can be limited to one speaker.
 * - `observedAt`: when it was last said (ISO 8601, or the data set's own wording).
 * - `sources`: ids of the turns that said it, oldest first.
 * - `supersedes`: the memory whose place it took.
 * - `expiresAt`: from when on it is not recalled any more, in milliseconds since 1970.
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
export interface Memory extends Schema.Schema.Type<typeof Memory> {}

/**
 * What is known of a memory before it is stored.
 */
export type NewMemory = Omit<Memory, "id" | "revision" | "sources" | "supersedes"> & {
  readonly sources?: ReadonlyArray<string> | undefined
}

/**
 * A memory as prompts show it: `timestamp: text`, the paper's rendering, or the text alone where no time is known.
 */
export const line = (memory: Pick<Memory, "text" | "observedAt">): string =>
  memory.observedAt === undefined ? memory.text : `${memory.observedAt}: ${memory.text}`

/**
 * A memory's text with its speaker before it, unless the text names the speaker itself: "Ann: I live in Oslo", but "Ann
 * lives in Oslo".
 */
export const attributed = ({ speaker, text }: Pick<Memory, "text" | "speaker">): string =>
  speaker === undefined || text.includes(speaker) ? text : `${speaker}: ${text}`
