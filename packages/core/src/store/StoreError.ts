/**
 * What can go wrong with a store. None of these leaves anything half-written.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { Entry } from "../MemoryLog.ts"
import { messageOf } from "../messageOf.ts"

/**
 * Somebody else committed since `base`: what was decided was decided on an old snapshot. Decide again on the new one.
 * `entries` is what the log has got since; it is empty where `base` is no revision that the scope ever had.
 *
 * @category errors
 * @since 0.1.0
 */
export class Conflict extends Schema.TaggedError<Conflict>()("Conflict", {
  scope: Schema.String,
  base: Schema.Number,
  current: Schema.Int,
  entries: Schema.Array(Entry)
}) {
  override get message(): string {
    return `${this.scope} is at revision ${this.current}, the commit was computed against ${this.base}: decide again`
  }
}

/**
 * A revision that the scope never had.
 *
 * @category errors
 * @since 0.1.0
 */
export class UnknownRevision extends Schema.TaggedError<UnknownRevision>()("UnknownRevision", {
  scope: Schema.String,
  revision: Schema.Number,
  current: Schema.Int
}) {
  override get message(): string {
    return `${this.scope} has revisions 0 to ${this.current}, not ${this.revision}`
  }
}

/**
 * A memory that the scope never had, or has erased.
 *
 * @category errors
 * @since 0.1.0
 */
export class UnknownMemory extends Schema.TaggedError<UnknownMemory>()("UnknownMemory", {
  scope: Schema.String,
  id: Schema.String
}) {
  override get message(): string {
    return `${this.scope} has no memory ${this.id}, and never had one that was not erased`
  }
}

/**
 * An edit that no store takes.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvalidEdit extends Schema.TaggedError<InvalidEdit>()("InvalidEdit", {
  reason: Schema.String
}) {
  override get message(): string {
    return `an edit cannot be committed: ${this.reason}`
  }
}

const mends = {
  Full: "make room on its disk",
  ReadOnly: "give the process the right to write there, or open a copy",
  Locked: "another program holds it: end that, or try again",
  Corrupt: "restore it from a copy or an export",
  NewerVersion: "update this program",
  WrongFile: "name another file",
  Unavailable: "see that it is there, runs and can be reached",
  Other: "see the cause"
} as const

/**
 * The store itself failed. What was committed before is there; what failed changed nothing.
 *
 * @category errors
 * @since 0.1.0
 */
export class StoreError extends Schema.TaggedError<StoreError>()("StoreError", {
  store: Schema.String,
  doing: Schema.String,
  reason: Schema.Literals([
    "Full",
    "ReadOnly",
    "Locked",
    "Corrupt",
    "NewerVersion",
    "WrongFile",
    "Unavailable",
    "Other"
  ]),
  detail: Schema.String,
  cause: Schema.optional(Schema.Defect())
}) {
  override get message(): string {
    return `${this.store}: ${this.doing} failed (${this.detail}); ${mends[this.reason]}`
  }
}

/**
 * A `StoreError` for whatever a database or file system failed with: its message is the detail. A `StoreError` stays
 * what it is.
 *
 * @example
 * ```ts
 * import { Journal } from "@memory-r1/core/store"
 *
 * const error = Journal.failure("memories.jsonl", "to write", new Error("no space left"), "Full")
 * error.message // => "memories.jsonl: to write failed (no space left); make room on its disk"
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export const failure = (
  store: string,
  doing: string,
  cause: unknown,
  reason: StoreError["reason"] = "Other"
): StoreError =>
  cause instanceof StoreError ? cause : new StoreError({ store, doing, reason, detail: messageOf(cause), cause })

/**
 * A vector that no index can take: not of the length that the store holds, or with a component that is not finite. Or
 * vectors of another model than those that the store holds, which would be compared as if they were of the same.
 *
 * @category errors
 * @since 0.1.0
 */
export class VectorError extends Schema.TaggedError<VectorError>()("VectorError", {
  store: Schema.String,
  reason: Schema.Literals(["Dimensions", "NotFinite", "OtherModel"]),
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.store}: ${this.detail}`
  }
}
