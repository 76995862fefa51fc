/**
 * Memories as lines for people.
 *
 * @since 0.1.0
 */
import { Memory } from "@memory-r1/core"

/**
 * A text on one line, without control characters for the terminal: the text may come from anywhere.
 *
 * @category formatting
 * @since 0.1.0
 */
export const plain = (text: string): string => text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, " ")

/**
 * `m1  Ann: I live in Oslo.  (said 2026-11-28; {"topic":"home"})`
 *
 * @category formatting
 * @since 0.1.0
 */
export const line = (memory: Memory.Memory, ...more: ReadonlyArray<string>): string => {
  const { expiresAt, metadata, observedAt } = memory
  const notes = [
    ...(observedAt === undefined ? [] : [`said ${observedAt}`]),
    ...(expiresAt === undefined ? [] : [`until ${moment(expiresAt)}`]),
    ...(metadata === undefined ? [] : [JSON.stringify(metadata)]),
    ...more
  ]
  return plain(`${memory.id}  ${Memory.attributed(memory)}${notes.length === 0 ? "" : `  (${notes.join("; ")})`}`)
}

/**
 * A time in milliseconds since 1970.
 *
 * @category formatting
 * @since 0.1.0
 */
export const moment = (millis: number): string => {
  const date = new Date(millis)
  return Number.isNaN(date.getTime()) ? String(millis) : date.toISOString()
}

/**
 * A number of memories.
 *
 * @category formatting
 * @since 0.1.0
 */
export const count = (memories: number): string => memories === 1 ? "1 memory" : `${memories} memories`

/**
 * One line per memory, or a line that says there are none.
 *
 * @category formatting
 * @since 0.1.0
 */
export const lines = (memories: ReadonlyArray<string>): ReadonlyArray<string> =>
  memories.length === 0 ? ["no memories"] : memories
