// The words of a text, as every search compares them: in a memory and in a query, in every store.

// Written without spaces between words; and Hangul, where a word carries its particles.
const unspaced = [
  "Han Hiragana Katakana Bopomofo Hangul Yi Tangut Nushu Khitan_Small_Script",
  "Thai Lao Khmer Myanmar Tai_Le New_Tai_Lue Tai_Tham Tai_Viet Ahom Balinese Javanese"
].join(" ").split(" ").map((script) => `\\p{scx=${script}}`).join("")

const marks = "[\\p{Mn}\\p{Mc}]*"
// Without the letters that Latin shares with them, such as the apostrophe that is a letter.
const unspacedClass = `[[[\\p{L}\\p{Nl}]&&[${unspaced}]]--\\p{scx=Latin}]`
const unspacedLetter = `${unspacedClass}${marks}`
const latinOrDigit = `[[\\p{N}\\p{sc=Latin}[\\p{L}&&\\p{sc=Common}]]--${unspacedClass}]${marks}`
const otherLetter = `[\\p{L}--[\\p{sc=Latin}${unspacedClass}]]${marks}`

// A word ends where the script changes: one between words of another script is found by itself, and so is one with a
// prefix of theirs.
const wordOrRun = new RegExp(`(?:${latinOrDigit})+|(?:${unspacedLetter})+|(?:${otherLetter})+`, "gv")
const unspacedLetters = new RegExp(unspacedLetter, "gv")

// Soft hyphens, joiners, variation selectors: they change how a word looks. The zero width space ends a word.
const invisible = /[\p{DI}--\u200b]/gv
// Vowels that may be written or not, and the stroke that makes a word longer.
const optional = /[[[\p{Mn}&&[\p{scx=Arabic}\p{scx=Hebrew}\p{sc=Syriac}]]--\p{scx=Latin}]\u0640]/gv

const folded = (text: string): string =>
  text
    // "Acme™" has the word "Acme".
    .replace(/\p{S}+/gu, " $& ")
    .replace(invisible, "")
    .normalize("NFKC")
    .replace(optional, "")
    // Full case folding, and a little more: "Straße" is "STRASSE", "İstanbul" is "istanbul", and a sigma at the end is
    // one.
    .toLowerCase()
    .toUpperCase()
    .toLowerCase()
    .replace(/i\u0307/g, "i")
    .replaceAll("ς", "σ")
    .normalize("NFKC")

// Every letter, and every two beside each other: what a reader takes for a word is among them, wherever it stands.
const grams = (run: string): ReadonlyArray<string> => {
  const letters = run.match(unspacedLetters)
  if (letters === null) return [run]
  return letters.flatMap((letter, i) => i === 0 ? [letter] : [letters[i - 1]! + letter, letter])
}

/**
 * The words of a text. Ways to write the same letter (composed or not, full or half width, ligatures, capitals) give
 * the same words. What is written without spaces gives its letters, and its pairs of letters.
 */
export const words = (text: string): ReadonlyArray<string> => {
  // Nothing to fold in ASCII, nor in the dashes and quotes beside it.
  if (/^[\0-\x7f\u2010-\u2027]*$/.test(text)) return text.toLowerCase().match(/[a-z0-9]+/g) ?? []
  return folded(text).match(wordOrRun)?.flatMap(grams) ?? []
}
