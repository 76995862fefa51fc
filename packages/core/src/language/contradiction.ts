// Whether an English statement takes the place of another. It has to be the same statement but for a negation or for a
// value; where that is not certain, both may hold.
import { statement } from "../internal/fingerprint.ts"
import * as Bm25 from "../store/Bm25.ts"

const contractions: ReadonlyArray<readonly [RegExp, string]> = [
  [/[‘’]/g, "'"],
  [/(?<!\S)can(?:'t|not)(?!\S)/g, "can not"],
  [/(?<!\S)won't(?!\S)/g, "will not"],
  [/(?<!\S)shan't(?!\S)/g, "shall not"],
  [/n't(?!\S)/g, " not"],
  [/(?<=(?<!\S)(?:he|she|it|that))'s(?!\S)/g, " is"],
  [/'m(?!\S)/g, " am"],
  [/'re(?!\S)/g, " are"],
  [/'ve(?!\S)/g, " have"],
  [/'ll(?!\S)/g, " will"]
]

// Words with their signs and symbols, such as "-200" and "c++", without the punctuation around them.
const wordsOf = (text: string): ReadonlyArray<string> =>
  contractions.reduce((words, [pattern, full]) => words.replace(pattern, full), statement(text))
    .replace(/(?<=[\p{L}\p{M}\p{N}])[,;:?!.](?!\S)/gu, "")
    .split(" ")
    .map((word) => word.replace(/^["“”'(]+|["“”')]+$/g, ""))
    .filter((word) => word !== "")

const equal = (a: ReadonlyArray<string>, b: ReadonlyArray<string>): boolean =>
  a.length === b.length && a.every((word, i) => word === b[i])

// Words that come and go with a negation: "I have a dog", "I do not have any dog".
const polar = new Set("a an any some ever still anymore".split(" "))
const support = new Set("do does did".split(" "))

interface Clause {
  readonly words: ReadonlyArray<string>
  readonly isNegated: boolean
  /** Where a "do" of the negation stood, before its verb. */
  readonly at: number
  readonly support: string | undefined
}

const clauseOf = (given: ReadonlyArray<string>): Clause => {
  const words: Array<string> = []
  let clause: Omit<Clause, "words"> = { isNegated: false, at: -1, support: undefined }
  for (let i = 0; i < given.length; i++) {
    const [word, next] = [given[i]!, given[i + 1]]
    if (word === "not" || word === "never" || word === "no") {
      const auxiliary = word === "not" && support.has(words.at(-1) ?? "") ? words.pop() : undefined
      clause = auxiliary === undefined
        ? { ...clause, isNegated: true }
        : { isNegated: true, at: words.length, support: auxiliary }
      if (word === "no" && next === "longer") i++
    } else if ((word === "any" && (next === "more" || next === "longer")) || (word === "at" && next === "all")) i++
    else if (!polar.has(word)) words.push(word)
  }
  return { ...clause, words }
}

const stem = (verb: string): string => Bm25.tokens(/^ha[ds]$/.test(verb) ? "have" : verb)[0] ?? verb

// What a verb is without its "do": "does not eat" denies "eats", "did not eat" denies "ate".
const inflects = (verb: string, auxiliary: string, other: string): boolean => {
  if (auxiliary === "do") return verb === other
  if (stem(verb) !== stem(other) || verb === other) return false
  return other.endsWith("s") === (auxiliary === "does")
}

const denies = (a: Clause, b: Clause): boolean => {
  if (a.isNegated === b.isNegated) return false
  const [negated, plain] = a.isNegated ? [a, b] : [b, a]
  const { at, support } = negated
  if (support === undefined || plain.words[at] === support) {
    return equal(negated.words, support === undefined ? plain.words : plain.words.toSpliced(at, 1))
  }
  const [verb, other] = [negated.words[at], plain.words[at]]
  return verb !== undefined && other !== undefined && inflects(verb, support, other) &&
    equal(negated.words, plain.words.with(at, verb))
}

// What says that there is one more puts nothing in the place of another, nor does what tells of the past.
const additive = new Set("also another second third too".split(" "))
const past = new Set("was were had did used".split(" "))
const article = new Set("a an some one".split(" "))

// Amounts, with their signs and symbols.
const isAmount = (word: string): boolean => /\p{N}/u.test(word) || !/[\p{L}\p{M}]/u.test(word)
const holding = new Set("is are am has have".split(" "))
const between = new Set("about around over under only now at on until from".split(" "))
// What there is one of at a time.
const single = new Set("live lives living work works working called named name favorite favourite".split(" "))

const takesOneValue = (
  before: ReadonlyArray<string>,
  after: ReadonlyArray<string>,
  values: ReadonlyArray<string>
): boolean => {
  if ([...before, ...after].some((word) => article.has(word) || past.has(word))) return false
  const verb = before.findLast((word) => !isAmount(word) && !between.has(word)) ?? ""
  return values.every(isAmount) ? holding.has(verb) : after.length === 0 && before.some((word) => single.has(word))
}

/**
 * How much of its words a statement shares with an earlier one that it takes the place of; 0 where it takes the place
 * of none.
 */
export const share = (known: string, said: string): number => {
  const [old, now] = [wordsOf(known), wordsOf(said)]
  if (denies(clauseOf(old), clauseOf(now))) return 1
  if (now.some((word) => additive.has(word))) return 0
  const least = Math.min(old.length, now.length)
  let before = 0
  while (before < least && old[before] === now[before]) before++
  let after = 0
  while (after < least - before && old.at(-1 - after) === now.at(-1 - after)) after++
  const [left, came] = [old.slice(before, old.length - after), now.slice(before, now.length - after)]
  const frame = before + after
  const words = [now.slice(0, before), now.slice(now.length - after)] as const
  // "A big dog" is a dog, too.
  if (left.length === 0) {
    return came.length > 0 && after > 0 && /^an?$/.test(words[0].at(-1) ?? "")
      ? frame / (frame + came.length)
      : 0
  }
  const changes = came.length > 0 && came.length <= frame && !came.some((word) => left.includes(word)) &&
    takesOneValue(...words, [...left, ...came])
  return changes ? frame / (frame + Math.min(left.length, came.length)) : 0
}
