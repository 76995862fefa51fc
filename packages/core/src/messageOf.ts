/**
 * The message of something that was thrown, for a typed error: that of an `Error`, or the thing as text.
 *
 * @example
 * ```ts
 * import { messageOf } from "@memory-r1/core"
 *
 * messageOf(new Error("no space left")) // => "no space left"
 * messageOf(404) // => "404"
 * ```
 *
 * @category formatting
 * @since 0.1.0
 */
export const messageOf = (cause: unknown): string => cause instanceof Error ? cause.message : String(cause)
