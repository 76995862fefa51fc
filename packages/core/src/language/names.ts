// Names in questions and memories, and whom they mean.
import * as Bm25 from "../store/Bm25.ts"

/** What there is of a memory to tell people by. */
export interface Said {
  readonly speaker?: string | undefined
  readonly text: string
}

const letter = "[\\p{L}\\p{M}\\p{N}]"
/** The ending of a possessor, as the source of a pattern. */
export const own = "['’]s?(?!\\p{L})"
const capitalized = "\\p{Lu}[\\p{L}\\p{M}\\p{N}-]*"
/** Capitalized words in a row. */
export const written = `${capitalized}(?:\\s+${capitalized})*`
export const auxiliary =
  "(?:does|do|did|is|are|was|were|has|have|had|can|could|will|would|should|may|might|must)(?:n['’]t)?"

const contracted = new RegExp(
  "^(?:what|who|where|when|how|why|it|he|she|that|there|here|let|today|yesterday|tomorrow|one|nobody|" +
    "(?:every|some|any)(?:one|body))$"
)
/** Words that end in an apostrophe and an s, and own nothing: "what's", "today's". */
export const isContracted = (word: string): boolean => contracted.test(fold(word))

export const fold = (text: string): string => text.normalize("NFC").toLowerCase()
export const partsOf = (name: string): ReadonlyArray<string> => fold(name).split(/\s+/).filter((part) => part !== "")
export const isSubset = (a: ReadonlyArray<string>, b: ReadonlyArray<string>): boolean =>
  a.every((part) => b.includes(part))
export const startsWith = (text: string, pattern: string): boolean => new RegExp(`^${pattern}`, "u").test(text)

// Scripts without spaces have no ends of words.
const unspaced = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}]/u
const isSpaced = (name: string): boolean => !unspaced.test(name)

/** A name as a whole word, in whichever of Unicode's forms; `ending` may follow it. */
export const wordOf = (name: string, ending = ""): string => {
  const forms = [...new Set([name.normalize("NFC"), name.normalize("NFD")])].map((form) =>
    form.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/\s+/g, "\\s+")
  )
  return isSpaced(name) ? `(?<!${letter})(?:${forms.join("|")})${ending}(?!${letter})` : `(?:${forms.join("|")})`
}

const greeting = "hey|hi|hello|thanks|thank you|wow|oh|well|dear|bye|congrats|yes|no|yeah|sorry"
// "Max, my dog, is old" calls nobody.
const apposition = "(?!,\\s+(?:the|an?|my|his|her|our|their|\\p{Lu}\\S*['’]s?)\\s[^,.!?]+,)"
/** A name by which somebody is called: "Thanks, Mel!". */
export const vocative = (name: string): string =>
  `(?:(?<=^\\s*|[,.!?]\\s*)|(?<=(?:^|\\s)(?:${greeting})\\s+))${wordOf(name)}${apposition}(?=\\s*(?:[,!?.]|$))`

/** Whom a name means: a speaker, several of them (""), or none. */
export type Meant = (name: string) => string | undefined

const introduces = new RegExp(
  `\\b(?:[Mm]y name['’]s|[Mm]y name is|I am called|I['’]m called|[Cc]all me)\\s+(${written})`,
  "gu"
)

/** The speaker who has that name or a part of it, is called so by others, or says "my name is Ann". */
export const meantAmong = (speakers: ReadonlyArray<string>, memories: ReadonlyArray<Said>): Meant => {
  const introduced = new Map<string, string>()
  for (const { speaker, text } of memories) {
    if (speaker !== undefined) {
      for (const [, name] of text.matchAll(introduces)) introduced.set(fold(name!), speaker)
    }
  }
  const called = (name: string): string | undefined => {
    const call = new RegExp(vocative(name), "iu")
    return speakers.find((one) =>
      name.length > 2 && fold(one).startsWith(fold(name)) &&
      memories.some(({ speaker, text }) => speaker !== one && call.test(text))
    )
  }
  const find = (name: string): string | undefined => {
    const exact = speakers.filter((speaker) => fold(speaker) === fold(name))
    const parts = partsOf(name)
    const isLike = (speaker: string): boolean => isSubset(parts, partsOf(speaker)) || isSubset(partsOf(speaker), parts)
    const found = exact.length > 0 ? exact : speakers.filter(isLike)
    return found.length > 1 ? "" : found[0] ?? introduced.get(fold(name)) ?? called(name)
  }
  const known = new Map<string, string | undefined>()
  return (name) => {
    if (!known.has(name)) known.set(name, find(name))
    return known.get(name)
  }
}

/** A name in a question, and what stands around it. */
export interface Phrase {
  readonly name: string
  readonly before: string
  readonly after: string
}

const month = /^(?:january|february|march|april|may|june|july|august|september|october|november|december)$/
const dated = /(?:\b(?:in|since|until|till|by|last|next|this|during|early|late|mid|of)|\d(?:st|nd|rd|th)?)[\s-]+$/i
const beginning = new RegExp(
  `^(?:${auxiliary}|what|who|whom|whose|when|where|which|why|how|tell|name|i|in|on|at|since|until|by|` +
    "from|the|an?|and|or|my|your|our)$",
  "i"
)
const determiner = /^(?:the|an?|my|your|his|her|its|our|their|this|that|last|next)$|['’]s?$/
const isMonth = ({ after, before, name }: Phrase): boolean =>
  month.test(fold(name)) && (dated.test(before) || /^\s+\d/.test(after))

/**
 * Names in a question: whole names of speakers, capitalized words in a row, possessors; and, where somebody writes
 * without capitals, the words of which speakers' names are made.
 */
export const phrasesOf = (question: string, speakers: ReadonlyArray<string>): ReadonlyArray<Phrase> => {
  const phrases: Array<Phrase> = []
  const start = question.search(/\p{L}/u)
  const isPlain = !/\p{Lu}/u.test(question.slice(start + 1).replace(/\bI\b/g, ""))
  const around = (name: string, index: number): Phrase => ({
    name,
    before: question.slice(0, index),
    after: question.slice(index + name.length)
  })
  // What is taken is looked at once.
  let rest = question
  const without = (name: string, index: number): string =>
    rest.slice(0, index) + "_".repeat(name.length) + rest.slice(index + name.length)
  const take = (pattern: string, flags: string, isName: (phrase: Phrase) => boolean): void => {
    for (const { 0: name, index } of rest.matchAll(new RegExp(pattern, flags))) {
      const phrase = around(name, index)
      if (!isName(phrase)) continue
      rest = without(name, index)
      phrases.push(phrase)
    }
  }
  // "Will Ann come?", "In May": at its beginning a question has a capital that makes no name.
  const isWord = (phrase: Phrase): boolean =>
    !startsWith(phrase.after, own) &&
    (isMonth(phrase) || phrase.name === "I" || (phrase.before.length === start && beginning.test(phrase.name)))
  const isName = ({ after, before, name }: Phrase): boolean => {
    if (name.toLowerCase() === name.toUpperCase() || /\p{Lu}/u.test(name)) return true
    const isPlaced = startsWith(after, own) || new RegExp(`\\b(?:${auxiliary}|of|about)\\s+$`, "i").test(before)
    return isPlain && (isPlaced || !(beginning.test(name) || month.test(name)))
  }
  const longest = [...speakers].sort((a, b) => b.length - a.length)
  const isWhole = (name: string): boolean => !new RegExp(`^${letter}+$`, "u").test(name) || !isSpaced(name)
  for (const speaker of longest.filter(isWhole)) take(wordOf(speaker), "giu", isName)
  const first = new RegExp(capitalized, "u").exec(rest)
  if (first?.index === start && isWord(around(first[0], start))) rest = without(first[0], start)
  take(`(?<!${letter})${written}`, "gu", (phrase) => !isWord(phrase))
  take(
    `(?<!${letter})[\\p{L}\\p{M}]+(?=${own})`,
    "gu",
    ({ before, name }) =>
      (isPlain || /^\p{Lo}/u.test(name)) && !isContracted(name) &&
      !determiner.test(/(\S+)\s+$/.exec(before)?.[1]?.toLowerCase() ?? "")
  )
  // With the ending that other languages have: "Bobs Hund".
  for (const part of new Set(longest.flatMap(partsOf))) take(wordOf(part, "s?"), "giu", isName)
  return phrases
}

/** Of a thing that has a name, these words tell nothing but that; as `Bm25.tokens` has them. */
export const naming: ReadonlySet<string> = new Set(Bm25.tokens("name named called"))
