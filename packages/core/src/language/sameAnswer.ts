// Whether two answers say the same, for rewards. Every letter, mark, digit, sign, symbol and emoji counts; what does
// not is how a text is encoded, set and closed.
import { listItems, sameItems } from "./listItems.ts"

const fullWidth = /[\uff01-\uff5e]/g
// Soft hyphens, zero-width spaces, marks of direction, and whether a symbol is drawn in color.
const invisible = /[\u00ad\u200b\u200e\u200f\u2060\ufeff]|\ufe0e|\ufe0f/g
const singleQuote = /[\u2018-\u201b\u2039\u203a\u2032\u02bc`\u00b4]/g
const doubleQuote = /[\u201c-\u201f\u00ab\u00bb\u2033\u301d-\u301f]/g
// Around something, not after it: 6'2" and :( keep theirs.
const quoted = /(?<![^\s\p{Ps}])(["'])(?=\S)(.*?\S)\1(?![\p{L}\p{M}\p{N}])/gu
const bracketed = /(?<![^\s"'])\p{Ps}([^\p{Ps}\p{Pe}]*[\p{L}\p{N}\p{S}][^\p{Ps}\p{Pe}]*)\p{Pe}/gu
// Thousands: by commas, or by spaces at which no line breaks.
const grouped = /(?<![\p{N}.,])\d{1,3}(?:(?:,\d{3})+(?!,?\p{N})|(?:[\u00a0\u2009\u202f]\d{3})+(?!\p{N}))/gu
const unitSpace = /(?<=\p{N})\s+(?=[%‰°\p{Sc}](?!\s*\p{N}))|(?<=\p{Sc})\s+(?=\p{N})/gu
const commaBetweenWords = /(?<!\p{N}),|,(?!\p{N})/gu

const folded = (text: string): string =>
  text.normalize("NFC").replace(fullWidth, (character) => String.fromCharCode(character.charCodeAt(0) - 0xfee0))
    .replace(invisible, "").toLowerCase()
    .replace(singleQuote, "'").replace(doubleQuote, "\"").replace(/\p{Dash}/gu, "-")
    .replace(grouped, (number) => number.replace(/\D/g, ""))

// "the" anywhere, "a" and "an" in front alone: elsewhere they may be a letter ("vitamin A") or another language.
const withoutArticles = (words: ReadonlyArray<string>): ReadonlyArray<string> => {
  const rest = words.filter((word, i) => word !== "the" || i === words.length - 1)
  return rest.length > 1 && (rest[0] === "a" || rest[0] === "an") ? rest.slice(1) : rest
}

const closing = /^[¿¡…]+|[\p{Terminal_Punctuation}…]+$/gu
const initials = /^(?:\p{L}\p{M}*\.)+\p{L}\p{M}*$/u

const wordOf = (token: string): string => {
  const word = token.replace(closing, "")
  return initials.test(word) ? word.replaceAll(".", "") : word
}

const normalize = (text: string): string => {
  const plain = folded(text).replace(quoted, "$2").replace(bracketed, " $1 ").replace(unitSpace, "")
    .replace(commaBetweenWords, " ")
  const tokens = plain.split(/\s+/).filter((token) => token !== "")
  const words = withoutArticles(tokens).map(wordOf).filter((word) => word !== "")
  // Nothing but punctuation is what it is.
  return words.length === 0 ? tokens.join(" ") : words.join(" ")
}

export const sameAnswer = (prediction: string, gold: string): boolean => normalize(prediction) === normalize(gold)

/** The same items in any order. */
export const sameList = (prediction: string, gold: string): boolean =>
  sameItems(listItems(folded(prediction), normalize), listItems(folded(gold), normalize))
