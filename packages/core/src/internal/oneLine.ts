// Texts of users in forms where a line break has a meaning: a memory with one in it must not be able to forge a line.
export const oneLine = (text: string): string => text.replace(/\s+/g, " ").trim()
