/** A limit of a page or ranking, as a whole number that every database takes. */
export const whole = (limit: number): number => Math.min(Math.max(0, Math.trunc(limit) || 0), 2 ** 30)
