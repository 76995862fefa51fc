/**
 * What something that was thrown says, for the message of a typed error.
 */
export const messageOf = (cause: unknown): string => cause instanceof Error ? cause.message : String(cause)
