// The deterministic reader behind `AnswerAgent.layerExtractive`: lexical, no model, the same answer every time. It
// ranks the sentences of the candidates for the question, then cuts out of the best of them what that kind of question
// asks for.
//
// This folder holds the rules of English that core goes by where no model is given, one rule a module: whom a question
// asks about (`people`, `names`), which day is meant (`relativeDate`, `tense`), what takes the place of what
// (`contradiction`), and when two answers are the same (`sameAnswer`, `listItems`). Another language is another folder.
import type { Memory } from "../Memory.ts"
import type { Answer, AnswerRequest } from "../rl/AnswerFormat.ts"
import * as Bm25 from "../store/Bm25.ts"
import { naming } from "./names.ts"
import * as People from "./people.ts"
import * as RelativeDate from "./relativeDate.ts"
import { isPlan } from "./tense.ts"

interface Sentence {
  readonly text: string
  readonly memory: Memory
  readonly score: number
}

interface Question {
  readonly lower: string
  /** Keys of the question's words and of the people's names: what the answer need not say again. */
  readonly known: ReadonlySet<string>
}

const wordsOf = (text: string): Array<string> => text.match(/\$?[\p{L}\p{N}][\p{L}\p{N}'’%&+.-]*(?<![.'’])/gu) ?? []

// Words of conversation that no answer begins or ends with.
const fillers = new Set(
  ("actually also already always awesome bit cool currently even finally got gonna great guys haha here hey hi kinda " +
    "lately like lot lots nice now oh okay pretty recently something stuff super thank thanks then there today too " +
    "totally tonight usually wow yeah yep yes yesterday").split(" ")
)
const bare = (word: string): string => word.toLowerCase().replace(/['’].*$/, "")
const isStop = (word: string): boolean => Bm25.stopWords.has(bare(word))
const isFiller = (word: string): boolean => isStop(word) || fillers.has(bare(word))
const isKnown = (word: string, { known }: Question): boolean => Bm25.tokens(word).every((key) => known.has(key))

const trim = (words: ReadonlyArray<string>): ReadonlyArray<string> => {
  const first = words.findIndex((word) => !isFiller(word))
  return first < 0 ? [] : words.slice(first, words.findLastIndex((word) => !isFiller(word)) + 1)
}

// A memory without the name of its speaker, which banks of raw turns put first.
const bodyOf = ({ speaker, text }: Memory): string =>
  speaker !== undefined && text.startsWith(`${speaker}: `) ? text.slice(speaker.length + 2) : text

// Sentences; what stands in brackets, such as the caption of a picture, is one of its own.
const sentencesOf = (text: string): ReadonlyArray<string> =>
  text.split(/(?<=[.!?]["”]?)\s+|\s*(?=\[)/).map((part) => part.trim()).filter((part) => part !== "")

// "What did he play when he was young?" does not ask for a time.
const isTemporal = (lower: string): boolean =>
  /^(?:(?!\b(?:what|who|whom|whose|where|which|why|how)\b).)*\bwhen\b|\b(?:what|which) (?:date|day|month|year|time)\b/
    .test(lower)
const isList = (lower: string): boolean =>
  /\b(?:what|which)(?: \w+){0,2} (?!does|was|is|has|this)\w{3,}s\b(?! (?:name|favorite))/.test(lower)

// Whether a memory is the turn right after another: ids that end in consecutive numbers.
const follows = (memory: Memory, before: Memory | undefined): boolean => {
  const [, place, number] = /^(.*?)(\d+)$/.exec(before?.sources.at(-1) ?? "") ?? []
  return place !== undefined && memory.sources[0] === `${place}${Number(number) + 1}`
}

const rank = (question: Question, asked: People.Asked, candidates: ReadonlyArray<Memory>): ReadonlyArray<Sentence> => {
  const { lower } = question
  const temporal = isTemporal(lower)
  const query = wordsOf(lower).map(bare).filter((word) => !asked.names.has(word)).join(" ")
  // What each memory tells of those who are asked about. Where it tells nothing of them it still counts: for how rare a
  // word is, and as a question that the next turn replies to.
  const tellings = candidates.map((memory) => {
    const sentences = sentencesOf(bodyOf(memory))
    const told = asked.tells(memory, sentences)
    return sentences.map((text, i) => ({ text: told[i] === "" ? text : told[i]!, isTold: told[i] !== "" }))
  })
  const bodies = tellings.map((parts) => {
    const told = parts.filter(({ isTold }) => isTold)
    return (told.length > 0 ? told : parts).map(({ text }) => text).join(" ")
  })
  const wholes = Bm25.make(bodies).scores(query)
  const others = Bm25.tokens(asked.others.join(" "))
  const telling = Bm25.termsOf(query).filter((term) => !naming.has(term) && !others.includes(term))
  const isAbout = bodies.map((body) => telling.length === 0 || Bm25.tokens(body).some((term) => telling.includes(term)))
  const days = candidates.map(({ observedAt }) => observedAt === undefined ? "" : RelativeDate.day(observedAt) ?? "")
  const parts = tellings.flatMap((told, at) => told.map((part) => ({ ...part, at, memory: candidates[at]! })))
  const scores = Bm25.make(parts.map(({ at, text }) => `${text} ${days[at]}`), { b: 0 }).scores(query)
  return parts.map(({ at, isTold, memory, text }, i) => {
    const before = candidates[at - 1]
    const replies = follows(memory, before) && before!.text.includes("?")
    const context = 0.4 * wholes[at]! + (replies ? (temporal ? 0.3 : 1) * wholes[at - 1]! : 0)
    const says = wordsOf(text).some((word) => !isFiller(word) && !isKnown(word, question))
    const score = (scores[i]! + context) *
      (text.endsWith("?") ? 0.2 : 1) *
      (text.startsWith("[") ? 0.4 : 1) *
      (says || temporal ? 1 : 0.5)
    const counts = isTold && (isAbout[at]! || temporal || replies)
    return { text: text.replace(/^\[(?:\w+: )?|\]$/g, ""), memory, score: counts ? score : 0 }
  }).filter(({ score }) => score > 0).reverse().sort((a, b) => b.score - a.score)
}

// The best run of words that the question does not have: in the clause that shares most with it, after what it shares
// where there is such a run, else the longest. A run that ends its clause takes the rest of a list with it.
const span = ({ text }: Sentence, question: Question): string => {
  const clauses = text.split(/[;:!?()]|,(?=\s)|\.(?=\s|$)|\s[-–—]+\s|\s(?=but\b)/).map(wordsOf)
  const isShared = (word: string): boolean => !isStop(word) && isKnown(word, question)
  let best: ReadonlyArray<string> = []
  let bestValue = 0
  clauses.forEach((words, at) => {
    const shared = words.filter(isShared).length
    let from = 0
    for (let to = 0; to <= words.length; to++) {
      if (to < words.length && !isShared(words[to]!)) continue
      let run = trim(words.slice(from, to))
      const content = run.filter((word) => !isFiller(word)).length
      const value = (shared + 0.5) * (from > 0 ? 2 : 1) * Math.min(content, 4)
      if (value > bestValue) {
        bestValue = value
        if (to === words.length && from > 0) {
          const rest = clauses.slice(at + 1)
          const end = rest.findIndex((more) => more.length === 0 || more.length > 5 || more.some(isShared))
          run = [...run, ...rest.slice(0, end < 0 ? 3 : Math.min(end, 3)).flat()]
        }
        best = trim(run.slice(0, 10))
      }
      from = to + 1
    }
  })
  return best.join(" ")
}

const amount =
  "(?:\\d[\\d,.]*\\d|\\d|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|once|twice|" +
  "one(?! of\\b))"
const units = "(?:second|minute|hour|day|week|month|year|decade)s?"
const counted = new RegExp(`\\b${amount}\\b`, "i")
const duration = new RegExp(`\\b(?:${amount}|an?|a few|several)(?: and a half)? ${units}\\b|\\bsince \\d{4}\\b`, "i")
const past = new RegExp(`\\b(?:${amount}|an?|a few|several) ${units} ago\\b`, "i")
const frequency = new RegExp(
  `\\b(?:${amount}(?: or ${amount})?(?: times)? (?:an?|per|every) \\w+|every (?:other |single )?\\w+|` +
    "daily|weekly|monthly|yearly)\\b",
  "i"
)
const reason = /\b(?:because|['’]?cause|since|so that|in order) (?:of |to )?(.+)/i
const titles = /["“]([^"”]{2,60})["”]/g
const names =
  /(?<!^["“]?)\b\p{Lu}[\p{L}\p{N}&'’.-]*(?<![.'’])(?: (?:of |the |and (?=\p{Lu}))?\p{Lu}[\p{L}\p{N}&'’-]*)*/gu

type Find = (sentence: Sentence, question: Question) => ReadonlyArray<string>

const first = (pattern: RegExp): Find => ({ text }) => pattern.exec(text)?.slice(0, 1) ?? []

// What a kind of question asks for, and where that stands in a sentence.
const kinds: ReadonlyArray<readonly [asks: RegExp, find: Find]> = [
  [/\bhow long ago\b/, first(past)],
  [/\bhow long\b/, first(duration)],
  [/\bhow (?:often|frequently)\b/, first(frequency)],
  [/\bhow (?:many|much|old)\b/, first(counted)],
  [
    new RegExp(
      "\\b(?:book|novel|song|movie|film|show|series|game|band|poem|title|titled|called|name|named|quote|say|said|" +
        "slogan|author)s?\\b"
    ),
    ({ text }) => Array.from(text.matchAll(titles), (found) => found[1]!)
  ],
  [
    new RegExp(
      "\\b(?:who|where|whom|which|whose|named?|called|city|cities|country|countries|state|place|band|artist|author|" +
        "company|brand|team|game|movie|book|song|show|series|restaurant|location)s?\\b"
    ),
    ({ text }, question) =>
      Array.from(text.matchAll(names), (found) => found[0].replace(/['’]s$/, ""))
        .filter((name) => !/^I\b/.test(name) && !isFiller(name) && !isKnown(name, question))
  ],
  [
    /\bwhy\b/,
    ({ text }) => [trim(wordsOf(reason.exec(text)?.[1] ?? "")).slice(0, 10).join(" ")].filter((clause) => clause !== "")
  ]
]

const dateIn: Find = ({ memory, text }) =>
  [RelativeDate.resolve(text, memory.observedAt)].filter((date) => date !== undefined)

// What has been by the day on which it is told.
const asksOfThePast = /\b(?:did|was|were|has|have|had)\b/

// The date of a sentence, or of its memory; else the day on which it was said, unless it, or the question, speaks of
// another time.
const dateOf = ({ memory, text }: Sentence, { lower }: Question): string => {
  const body = bodyOf(memory)
  const given = RelativeDate.resolve(text, memory.observedAt)
  if (given !== undefined || RelativeDate.isElsewhere(text)) return given ?? ""
  const near = RelativeDate.resolve(body, memory.observedAt)
  if (near !== undefined || !asksOfThePast.test(lower) || isPlan(text) || RelativeDate.isElsewhere(body)) {
    return near ?? ""
  }
  return RelativeDate.day(memory.observedAt ?? "") ?? memory.observedAt ?? ""
}

const answer = (
  question: Question,
  sentences: ReadonlyArray<Sentence>
): readonly [text: string, from: ReadonlyArray<Sentence>] => {
  const { lower } = question
  const best = sentences[0]!
  const near = sentences.slice(0, 5).filter(({ score }) => score >= best.score / 2)
  const gather = (find: Find, most: number) => {
    const from = near.map((sentence) => [sentence, find(sentence, question)] as const)
      .filter(([, found]) => found.length > 0).slice(0, most)
    return [[...new Set(from.flatMap(([, found]) => found))].join(", "), from.map(([sentence]) => sentence)] as const
  }
  if (isTemporal(lower)) {
    // A time that is not understood is none, and not that of another memory.
    const found = RelativeDate.isElsewhere(best.text) ? ["", []] as const : gather(dateIn, 1)
    return found[0] === "" ? [dateOf(best, question), [best]] : found
  }
  if (
    /^(?:is|are|was|were|do|does|did|has|have|had|can|could|would|will|should)\b/.test(lower) && !/\bor\b/.test(lower)
  ) {
    return [/\b(?:not|never|no|none|nothing|neither|\w+n['’]t)\b/i.test(best.text) ? "No" : "Yes", [best]]
  }
  const most = isList(lower) ? 3 : 1
  for (const [asks, find] of kinds) {
    const found = asks.test(lower) ? gather(find, most) : undefined
    if (found !== undefined && found[0] !== "") return found
  }
  const found = gather((sentence) => [span(sentence, question)].filter((text) => text !== ""), most)
  return found[0] === "" ? [best.text, [best]] : found
}

/**
 * The answer and the memories that it was cut out of; "none" where no memory shares a word with the question, or no
 * time is known.
 */
export const read = (request: AnswerRequest): Answer => {
  const people = request.candidates.map(({ speaker }) => speaker ?? "").join(" ")
  const asked = People.asked(request.question, request.candidates)
  const question = {
    lower: request.question.toLowerCase(),
    known: new Set(Bm25.tokens(`${request.question} ${people}`))
  }
  const sentences = rank(question, asked, request.candidates)
  const [found, from] = sentences.length === 0 ? ["", []] as const : answer(question, sentences)
  const text = found === "" ? "none" : found
  return { text, selected: [...new Set(from.map(({ memory }) => memory))], wellFormed: true, raw: text }
}
