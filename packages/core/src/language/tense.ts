// Whether an English sentence speaks of what was or of what will be, at a place in it.

/** `none` where it has no verb that is known, `unclear` where its verb can be either. */
export type Tense = "past" | "future" | "unclear" | "none"

// Past forms and participles that no ending shows; those that are the same as the verb tell nothing.
const irregular =
  "ate|awoke|became|began|begun|bent|bit|bled|blew|bought|bred|broke|brought|built|burnt|came|caught|chose|" +
  "clung|crept|dealt|did|dove|drank|dreamt|drew|drove|dug|fed|fell|felt|fled|flew|forbade|forgave|forgot|" +
  "fought|found|froze|gave|got|grew|had|heard|held|hid|hung|kept|knelt|knew|laid|lay|learnt|led|left|lent|" +
  "lit|lost|made|meant|met|mistook|overcame|overslept|paid|ran|rang|rode|rose|said|sang|sank|sat|saw|sent|" +
  "shook|shone|shot|showed|slept|slid|sold|sought|sowed|spat|sped|spent|spoke|sprang|spun|stank|stole|stood|" +
  "strode|strove|struck|stuck|stung|swam|swept|swore|swung|taught|thought|threw|took|tore|understood|undid|" +
  "withdrew|went|wept|woke|won|wore|wound|wove|wrote|was|were"
const perfect = "(?:have|has|[a-z]+['’]ve)(?: (?:already|also|just|never|not|only|recently))? " +
  "(?:been|beaten|become|bitten|broken|chosen|come|done|drawn|driven|eaten|fallen|flown|forgotten|frozen|given|gone|" +
  "gotten|grown|hidden|known|ridden|risen|run|seen|shown|spoken|stolen|sung|swum|taken|thrown|torn|worn|written)"
const unmarked = "bet|burst|cast|cost|cut|hit|hurt|let|put|quit|read|rid|set|shut|split|spread|upset|wed"
// What somebody did about a later day: "I booked a table", "Tom told me to come".
const planned = "agreed|arranged|asked|booked|decided|expected|hoped|intended|invited|meant|ordered|planned|promised|" +
  "registered|reserved|scheduled|signed up|told|wanted|tickets?|(?:would|could|might)(?:n['’]t)?|(?:was|" +
  "were) (?:going|supposed|about) to"
const timetable =
  "arrives?|begins?|closes?|comes?|departs?|ends?|expires?|finish(?:es)?|flies|goes|happens|lands?|leaves?|" +
  "meets?|moves|opens?|returns?|starts?|takes place|travels|visits"
const coming = "will|won['’]t|shall|gonna|going to|about to|due|upcoming|" +
  "(?:plan|plans|planning|hope|hopes|hoping|want|wants|intend|intends|need|needs|have|has) (?:to|on)|" +
  "wanna|must|should|can|can['’]t|cannot|let['’]s|looking forward|see you|remind"

// A participle after a form of "be" is no past: "I am excited".
const regular = "(?<!\\b(?:am|is|are|be|been|being|get|getting|so|very|really|[a-z]+['’](?:m|s|re))\\s)" +
  "(?!(?:hundred|naked|wicked|sacred|embed|shed|sled|seed|need|feed|speed|breed|bleed|indeed|succeed|proceed|" +
  "exceed)\\b)[a-z]{2,}ed"

// "To come" is no present.
const scheduled = `(?<!\\b(?:to|(?:could|would|might|did|does|do)(?:n['’]t)?) )(?:${timetable})`
const present = `am|is|are|isn['’]t|aren['’]t|have|has|${scheduled}|` +
  "[a-z]+['’](?:m|re|ve)|(?:he|she|it|that|there)['’]s"
const markers = new RegExp(
  `\\b(?:(?<unknown>${planned})|(?<future>${coming}|[a-z]+['’]ll)|` +
    `(?<past>${perfect}|(?:${irregular})(?:n['’]t)?|${regular})|` +
    `(?<same>${unmarked})|(?<present>${present})|(?<subject>(?:i|we|you|they)(?=\\s+[a-z])))\\b`,
  "gi"
)

const sentenceAt = (text: string, at: number): readonly [sentence: string, at: number] => {
  const from = Math.max(0, ...Array.from(text.slice(0, at).matchAll(/[.!?](?=\s)|[;\n]/g), ({ index }) => index + 1))
  const end = text.slice(at).search(/[.!?](?=\s|$)|[;\n]/)
  return [text.slice(from, end < 0 ? text.length : at + end), at - from]
}

/**
 * The tense of the sentence that has a place in a text, as its last verb before that place tells, or the first after
 * it. What is present there, such as "my exam is on Friday", speaks of what will be.
 */
export const tenseAt = (text: string, at: number): Tense => {
  const [sentence, place] = sentenceAt(text, at)
  // Names such as Ahmed and Ted are no past forms, and a subject tells nothing beside its verb.
  const found = Array.from(sentence.matchAll(markers))
    .filter(({ 0: word, groups, index }) => groups?.["past"] === undefined || index === 0 || !/^\p{Lu}/u.test(word))
    .filter(({ 0: word, groups, index }, i, all) =>
      groups?.["subject"] === undefined ||
      !/^\s+(?:\S+\s+)?$/.test(sentence.slice(index + word.length, all[i + 1]?.index ?? index))
    )
  const { groups } = found.findLast(({ index }) => index < place) ?? found[0] ?? {}
  if (groups === undefined) return "none"
  if (groups["unknown"] !== undefined || groups["same"] !== undefined) return "unclear"
  return groups["past"] === undefined ? "future" : "past"
}

// In small letters: Will is a name, too. Who is going to Rome may be there already.
const be = "(?:(?:[Aa]m|[Ii]s|[Aa]re|[a-zA-Z]+['’](?:m|re|s)) (?:(?:also|just|now|really|still) )?)?"
const plan = new RegExp(
  `\\b(?:will|won['’]t|shall|[A-Za-z]+['’]ll|${be}` +
    "(?:gonna|going to (?!(?:the|a|an|my|our|his|her|their)\\b)[a-z]+|about to|planning (?:to|on)))\\b"
)

/** Whether the first verb of a text tells of what is yet to come, so that it was not yet when it was said. */
export const isPlan = (text: string): boolean => {
  const found = plan.exec(text)
  return found !== null &&
    !Array.from(text.slice(0, found.index).matchAll(markers)).some(({ groups }) => groups?.["subject"] === undefined)
}
