// The deterministic reader behind `AnswerAgent.layerExtractive`: lexical, no model, the same answer every time.
import type { Answer, AnswerRequest } from "../AnswerFormat.ts"
import * as Bm25 from "../Bm25.ts"
import type { Memory } from "../Memory.ts"
import * as RelativeDate from "./relativeDate.ts"

interface Sentence {
  readonly text: string
  readonly memory: Memory
}

const stopWords = new Set(
  ("a an the of to in on at for and or but is are was were be been am do does did has have had i me my we our you your he she it " +
    "his her its they them their this that these those what which who whom whose when where why how with from by as so about " +
    "would could should can will just really very").split(" ")
)

const sentencesOf = (memory: Memory): ReadonlyArray<Sentence> =>
  (memory.text.match(/[^.!?]+[.!?]*/g) ?? []).map((text) => text.trim()).filter((text) => text !== "")
    .map((text) => ({ text, memory }))

const numberWord = /\b(\d+|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|once|twice)\b/i

const names = (text: string, without: ReadonlySet<string>): string | undefined => {
  const found = [...text.matchAll(/(?<!^)\b\p{Lu}[\p{L}'-]+(?:\s+\p{Lu}[\p{L}'-]+)*/gu)].map((match) => match[0])
    .filter((name) => name !== "I" && !without.has(name.toLowerCase()))
  return found.length === 0 ? undefined : [...new Set(found)].join(", ")
}

// The longest run of words that the question does not have, without stop words at its ends, eight words at most.
const novelSpan = (text: string, asked: ReadonlySet<string>): string => {
  const words = text.replace(/[^\p{L}\p{N}\s'$%-]/gu, " ").split(/\s+/).filter((word) => word !== "")
  const isNovel = (word: string): boolean => !asked.has(Bm25.tokens(word)[0] ?? "")
  const isStop = (word: string): boolean => stopWords.has(word.toLowerCase())
  let best: Array<string> = []
  let run: Array<string> = []
  for (const word of [...words, undefined]) {
    if (word !== undefined && isNovel(word)) {
      run.push(word)
      continue
    }
    while (run.length > 0 && isStop(run[0]!)) run.shift()
    while (run.length > 0 && isStop(run.at(-1)!)) run.pop()
    if (run.filter((w) => !isStop(w)).length > best.filter((w) => !isStop(w)).length) best = run
    run = []
  }
  return best.slice(0, 8).join(" ")
}

const cut = (question: string, sentence: Sentence): string => {
  const asked = new Set(Bm25.tokens(question))
  const kind = question.toLowerCase()
  if (/\bwhen\b|\bwhat (date|day|month|year)\b|\bwhich (month|year)\b/.test(kind)) {
    return RelativeDate.resolve(sentence.text, sentence.memory.observedAt) ?? sentence.memory.observedAt ?? ""
  }
  if (/\bhow (many|often|much|long)\b/.test(kind)) {
    const found = numberWord.exec(sentence.text)
    if (found !== null) return /\bhow long\b/.test(kind) ? sentence.text.slice(found.index).split(/[,.!?]/)[0]!.split(" ").slice(0, 3).join(" ") : found[0]
  }
  if (/\bwho\b|\bwhere\b|\bwhich\b|\bname\b/.test(kind)) {
    const found = names(sentence.text, new Set(question.toLowerCase().match(/[\p{L}'-]+/gu) ?? []))
    if (found !== undefined) return found
  }
  return novelSpan(sentence.text, asked) || sentence.text
}

/** The sentence that answers best, and the part of it that the question asks for. */
export const read = ({ candidates, question }: AnswerRequest): Answer => {
  const sentences = candidates.flatMap(sentencesOf)
  const scores = Bm25.make(sentences.map(({ memory, text }) => `${memory.speaker ?? ""} ${text}`)).scores(question)
  let best = -1
  for (let i = 0; i < sentences.length; i++) {
    const score = scores[i]! * (sentences[i]!.text.endsWith("?") ? 0.5 : 1)
    if (score > 0 && (best < 0 || score > scores[best]!)) best = i
  }
  const sentence = sentences[best]
  const text = sentence === undefined ? "none" : cut(question, sentence)
  return { text, selected: sentence === undefined ? [] : [sentence.memory], wellFormed: true, raw: text }
}
