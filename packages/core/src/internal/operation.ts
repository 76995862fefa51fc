// The operations of a model, and what its output gives in their place.
import * as Schema from "effect/Schema"

/**
 * ADD a memory, UPDATE the text of a shown memory, DELETE a shown memory, or do nothing. The paper's prompt calls the
 * last one NONE, its text NOOP; both are accepted.
 *
 * @category schemas
 * @since 0.1.0
 */
export const MemoryOperation = Schema.TaggedUnion({
  Add: { text: Schema.NonEmptyString },
  Update: { handle: Schema.Int, text: Schema.NonEmptyString },
  Delete: { handle: Schema.Int },
  Noop: {}
})

/**
 * The type of `MemoryOperation`.
 *
 * @category models
 * @since 0.1.0
 */
export type MemoryOperation = typeof MemoryOperation.Type

/**
 * Why a piece of model output gave no operation. `position` is an offset into the raw text.
 *
 * - `Unparsable`: not an operation in any known form.
 * - `UnknownHandle`: names a memory that was not shown.
 * - `UnknownMemory`: quotes a memory that was not shown.
 * - `DuplicateHandle`: a second operation on one memory; the first one stands.
 * - `EmptyText`: an ADD or UPDATE without text.
 * - `UnchangedUpdate`: an UPDATE to the current text, with or without the time or speaker that a prompt shows before
 *   it.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Rejection = Schema.TaggedUnion({
  Unparsable: { raw: Schema.String, position: Schema.Int, reason: Schema.String },
  UnknownHandle: { handle: Schema.Int, shown: Schema.Int, position: Schema.Int },
  UnknownMemory: { quoted: Schema.String, position: Schema.Int },
  DuplicateHandle: { handle: Schema.Int, position: Schema.Int },
  EmptyText: { position: Schema.Int },
  UnchangedUpdate: { handle: Schema.Int, position: Schema.Int }
})

/**
 * The type of `Rejection`.
 *
 * @category models
 * @since 0.1.0
 */
export type Rejection = typeof Rejection.Type

/**
 * The operations in a piece of model output, in order, and a rejection for everything else.
 *
 * @category models
 * @since 0.1.0
 */
export interface Parsed {
  readonly operations: ReadonlyArray<{ readonly operation: MemoryOperation; readonly position: number }>
  readonly rejections: ReadonlyArray<Rejection>
}
