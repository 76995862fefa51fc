// To find what says the same.
/**
 * Texts that say the same but for capitals, white space and Unicode's ways to write a letter have one folded form.
 *
 * @category getters
 * @since 0.1.0
 */
export const folded = (text: string): string => text.normalize("NFC").toLowerCase().replace(/\s+/gu, " ").trim()

// What closes a sentence: a full stop, or an exclamation mark that is no factorial.
const closing = /(?<=[^.\s])[.。।]$|(?<=[\p{L}\p{M}])!$/u

/**
 * A statement as it is compared with others: folded, without the mark that closes it. Nothing else is omitted. The
 * order of the words, negations, signs, symbols, vowel signs and emoji all tell one statement from another.
 */
export const statement = (text: string): string => folded(text).replace(closing, "")

/**
 * Whether two statements are the same. A store goes by `folded`, which its rows are indexed by, and is stricter by that
 * mark.
 */
export const isSame = (one: string, other: string): boolean => statement(one) === statement(other)

/**
 * A whole number of 53 bits for a speaker and the folded text, to find duplicates by; equal numbers are compared again.
 * (cyrb53, by bryc, in the public domain.)
 *
 * @category getters
 * @since 0.1.0
 */
export const fingerprint = (
  { speaker, text }: { readonly speaker?: string | undefined; readonly text: string }
): number => {
  const key = `${speaker ?? ""}\u0000${folded(text)}`
  let [h1, h2] = [0xdeadbeef, 0x41c6ce57]
  for (let i = 0; i < key.length; i++) {
    const code = key.charCodeAt(i)
    h1 = Math.imul(h1 ^ code, 2654435761)
    h2 = Math.imul(h2 ^ code, 1597334677)
  }
  h1 = Math.imul(h1 ^ (h1 >>> 16), 2246822507) ^ Math.imul(h2 ^ (h2 >>> 13), 3266489909)
  h2 = Math.imul(h2 ^ (h2 >>> 16), 2246822507) ^ Math.imul(h1 ^ (h1 >>> 13), 3266489909)
  return 4294967296 * (2097151 & h2) + (h1 >>> 0)
}
