/** What a thrown thing says. */
export const describe = (cause: unknown): string => cause instanceof Error ? cause.message : String(cause)
