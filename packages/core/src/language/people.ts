// Whose facts a question asks for, and whose a sentence tells. Ann's memories answer what is asked of Ann: that Bob has
// a dog, too, is no answer. What a sentence leaves open is its speaker's.
import * as Bm25 from "../store/Bm25.ts"
import * as Names from "./names.ts"

/** Whom a question asks about. */
export interface Asked {
  /** The words by which it names speakers, in small letters. */
  readonly names: ReadonlySet<string>
  /** Names in it that no speaker has. */
  readonly others: ReadonlyArray<string>
  /** What the sentences of a memory tell of those who are asked about, each for itself; "" where that is nothing. */
  readonly tells: (memory: Names.Said, sentences: ReadonlyArray<string>) => ReadonlyArray<string>
}

interface People {
  readonly speakers: ReadonlyArray<string>
  readonly others: ReadonlyArray<string>
  readonly words: ReadonlyArray<string>
  readonly isUnclear: boolean
  /** Whether it is asked what somebody does, is or has, and they are not merely named. */
  readonly isSubject: boolean
  /** Whether it is asked for what is theirs. */
  readonly isOwner: boolean
}

const topical = new RegExp(`(?:\\b(?:${Names.auxiliary}|of|and|von|van|de|di|da|av|af)|['’]s)\\s+$`, "i")

const peopleOf = (question: string, all: ReadonlyArray<string>, meant: Names.Meant): People => {
  const [speakers, others, words]: [Array<string>, Array<string>, Array<string>] = [[], [], []]
  let [isUnclear, isSubject, isOwner] = [false, false, /\b(?:have|has|had|own|owns|got)\b/i.test(question)]
  for (const { after, before, name } of Names.phrasesOf(question, all)) {
    const owns = Names.startsWith(after, Names.own)
    // "Bobs Hund", "Hat Carl einen Hund?".
    const [head = name, rest] = /^(\S+)\s+(.+)$/u.exec(name)?.slice(1) ?? []
    const owner = meant(name) === undefined && head.endsWith("s") ? meant(head.slice(0, -1)) : undefined
    const isVerb = before.trim() === "" && rest !== undefined && owner === undefined && meant(name) === undefined &&
      !owns
    const isTopic = owns || owner !== undefined || isVerb || topical.test(before)
    const person = owner ?? meant(isVerb ? rest : name)
    isOwner ||= owns || owner !== undefined
    if (person === "") isUnclear = true
    else if (person !== undefined) {
      speakers.push(person)
      words.push(...Names.partsOf(owner === undefined ? name : head))
      isSubject ||= isTopic || before.trim() === ""
    } else if (isTopic) others.push(isVerb ? rest : name)
  }
  const isFound = speakers.length > 0 || others.length > 0 || isUnclear
  if (isFound || !/\b(?:I|i|my|mine|we|our)\b/.test(question)) {
    return { speakers, others, words, isUnclear, isSubject, isOwner }
  }
  // "My" is that of who speaks alone, or of the user.
  const me = all.length === 1 ? all : all.filter((speaker) => Names.fold(speaker) === "user")
  return { speakers: me, others, words, isUnclear: me.length === 0 && all.length > 1, isSubject: true, isOwner }
}

const relation =
  "(?:aunt|uncle|mother|mom|mum|father|dad|sister|brother|sibling|son|daughter|kid|child|children|wife|husband|" +
  "partner|girlfriend|boyfriend|fianc[eé]e?|cousin|nephew|niece|grandmother|grandma|grandfather|grandpa|parent|" +
  "friend|neighbou?r|colleague|coworker|boss|roommate|flatmate|classmate|teacher|landlord|landlady)s?"
const first = /^(?:i|me|my|mine|we|us|our|ours)$/i
const third = /^(?:he|him|his|she|her|hers|they|them|their)$/i
const pronoun =
  "(?:[Mm]e|[Mm]y|[Mm]ine|[Ww]e|[Uu]s|[Oo]urs?|[Yy]ou|[Yy]our|[Hh]e|[Hh]im|[Hh]is|[Ss]he|[Hh]ers?|[Tt]he(?:y|m|ir)|I)"
const has = /^(?:has|had|owns|owned|keeps|kept|got|gets|bought|adopted)$/
const possesses = /\b(?:have|own|keep|got|bought|adopted)\b/
const owner = new RegExp(
  `(?:(?<name>${Names.written})${Names.own}|(?<noun>\\p{Ll}+)${Names.own}|` +
    "(?<!\\p{L})(?<word>my|our|your|his|her|their))\\s+(?:[\\p{Ll}-]+\\s+){0,2}$",
  "u"
)
const holder = new RegExp(`^\\P{L}*(?<name>${Names.written})\\s+(?:also\\s+)?(?<verb>\\p{Ll}+)`, "u")
// Where a clause begins that has a subject of its own.
const pieces = new RegExp(
  `(?:,?\\s+(?:and|but|while|whereas|that)|[,;])\\s+` +
    `(?=(?:I|he|she|they|we|you|my|his|her|their|our|your|${Names.written})(?:['’]\\p{L}+)?\\s)`,
  "u"
)

// Who a clause is about: somebody, by a name or by what they are to the speaker; or it leaves that open.
type Topic = { readonly name: string; readonly isSelf?: boolean | undefined } | { readonly relation: string } | "open"

// No sentence of a person is longer; what is, such as a pasted file, is looked at as far as this.
const longest = 2000

/** Finds out whom a question asks about, among the people of some memories. */
export const asked = (whole: string, said: ReadonlyArray<Names.Said>): Asked => {
  const question = whole.slice(0, longest)
  const memories = said.map((memory) => ({ ...memory, text: memory.text.slice(0, longest) }))
  const all = [...new Set(memories.flatMap(({ speaker }) => speaker === undefined ? [] : [speaker]))]
  const meant = Names.meantAmong(all, memories)
  const { isOwner, isSubject, isUnclear, others, speakers, words } = peopleOf(question, all, meant)
  const names = new Set([...speakers.flatMap(Names.partsOf), ...words.map((word) => word.replace(/['’].*$/, ""))])
  const aside = new Set([...names, ...others.flatMap(Names.partsOf)])
  // What is asked for besides names.
  const asks = (Names.fold(question).match(/[\p{L}\p{M}\p{N}]+/gu) ?? []).filter((word) =>
    !Bm25.stopWords.has(word) && !aside.has(word)
  )
  const keys = new Set(asks.flatMap(Bm25.tokens))
  const known = [...new Set([...all, ...others, ...all.flatMap((one) => one.split(/\s+/))])].filter((name) =>
    name.length > 1
  )
    .sort((a, b) => b.length - a.length)
  const nobody = known.length === 0 ? "(?!)" : ""
  const calls = new RegExp(nobody || known.map(Names.vocative).join("|"), "gu")
  const item = new RegExp(
    `(?<![\\p{L}\\p{M}\\p{N}])(?:(?:[Mm]y|[Oo]ur)\\s+(?:\\p{Ll}+\\s+){0,2}?` +
      `(?<relation>${relation})(?!['’]|\\s+and\\s+I\\b|\\p{L})|` +
      `(?<word>${pronoun}(?![\\p{L}\\p{M}\\p{N}])|${nobody || known.map((name) => Names.wordOf(name)).join("|")}))`,
    "u"
  )
  const spoken = new RegExp(speakers.map((name) => Names.wordOf(name)).join("|") || "(?!)", "iu")
  const mentions = others.map((name) => [name, new RegExp(Names.wordOf(name), "iu")] as const)
  const introduces = new RegExp(
    others.map((name) => `(?:named|called)\\s+${Names.wordOf(name)}`).join("|") || "(?!)",
    "iu"
  )

  const tells: Asked["tells"] = ({ speaker, text }, sentences) => {
    const isOwn = speaker !== undefined && speakers.includes(speaker)
    const isMissing = mentions.some(([name, mention]) => speaker !== name && !mention.test(text))
    if (isUnclear || isMissing) return sentences.map(() => "")
    if (speakers.length === 0 && others.length === 0) return sentences
    // Whom "you" means: the other one of two.
    const partner = all.length === 2 ? all.find((one) => one !== speaker) : undefined
    const nameOf = (name: string): Topic => ({ name: meant(name) || name })
    const isSpeaker = (topic: Topic): boolean => topic !== "open" && "name" in topic && topic.name === speaker
    const ofWord = (word: string, carried: Topic): Topic => {
      if (first.test(word)) return speaker === undefined ? "open" : { name: speaker, isSelf: true }
      if (/^your?$/i.test(word)) return partner === undefined ? { relation: "you" } : { name: partner }
      return third.test(word) ? carried : nameOf(word)
    }
    const topicOf = (clause: string, carried: Topic): Topic => {
      const { name = "", verb = "" } = holder.exec(clause)?.groups ?? {}
      const held = name.split(/\s+/).filter((word) => !Bm25.stopWords.has(Names.fold(word))).join(" ")
      const isHeld = held !== "" && !/\bI$/.test(name) &&
        (has.test(verb) || Bm25.tokens(verb).some((key) => keys.has(key)))
      if (isHeld) return nameOf(held)
      const { relation, word } = item.exec(clause)?.groups ?? {}
      return relation !== undefined ? { relation } : word === undefined ? "open" : ofWord(word, carried)
    }
    // Whose the thing is that is asked for, where the clause says so.
    const ownerOf = (clause: string, carried: Topic): Topic | undefined => {
      for (const { 0: thing, index } of clause.matchAll(/[\p{L}\p{M}\p{N}]+/gu)) {
        if (!Bm25.tokens(thing).some((key) => keys.has(key) && !Names.naming.has(key))) continue
        const { name, noun, word } = owner.exec(clause.slice(0, index))?.groups ?? {}
        if (name !== undefined && !Names.isContracted(name)) return nameOf(name)
        if (noun !== undefined && !Names.isContracted(noun)) return { relation: noun }
        // Who speaks of themselves does not call what is their own "her dog".
        const isOther = word !== undefined && third.test(word) && carried !== "open" && "isSelf" in carried
        if (word !== undefined) return isOther ? { relation: word } : ofWord(word, carried)
      }
      return undefined
    }
    const isMeant = (topic: Topic): boolean => {
      if (topic === "open") return isOwn
      if ("relation" in topic) return isOwn && Bm25.tokens(topic.relation).some((key) => keys.has(key))
      return speakers.includes(topic.name) ||
        others.some((other) => Names.isSubset(Names.partsOf(other), Names.partsOf(topic.name)))
    }
    const isNamed = (clause: string, topic: Topic): boolean => {
      // Who is no more than named in the question may be no more than named in the answer.
      if (speakers.length > 0) return !isSubject && (isOwn || spoken.test(clause))
      if (isOwner && possesses.test(clause)) return false
      const isFree = topic === "open" || "relation" in topic || isSpeaker(topic)
      return isFree ? mentions.some(([, mention]) => mention.test(clause)) : !isOwner && introduces.test(clause)
    }
    let carried: Topic = "open"
    return sentences.map((sentence) => {
      if (sentence.length > longest) return isMeant(topicOf(sentence.slice(0, longest), carried)) ? sentence : ""
      const clauses = sentence.replace(calls, "").split(pieces)
      const kept = clauses.filter((clause) => {
        const topic = topicOf(clause, carried)
        const owned = ownerOf(clause, topic === "open" ? carried : topic)
        if (topic !== "open") carried = topic
        return owned === undefined ? isMeant(topic) || isNamed(clause, topic) : isMeant(owned)
      })
      return kept.length === clauses.length ? sentence : kept.join(", ")
    })
  }
  return { names, others, tells }
}
