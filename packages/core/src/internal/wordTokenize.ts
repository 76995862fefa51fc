// The tokens of NLTK's `word_tokenize`, which every published BLEU-1 of this field is computed over: the Treebank rules
// of its `NLTKWordTokenizer`, sentence by sentence. Punkt, the trained sentence splitter before them, is a rule here.

type Rule = readonly [pattern: RegExp, replacement: string]

const rules: ReadonlyArray<Rule> = [
  // Opening quotes.
  [/[«“‘„]|`+/g, " $& "],
  [/^"/g, "``"],
  [/``/g, " $& "],
  [/([ ([{<])("|'{2})/g, "$1 `` "],
  [/(')(?!re|ve|ll|m|t|s|d|n)([\p{L}\p{N}_])(?![\p{L}\p{N}_])/giu, "$1 $2"],
  // Punctuation.
  [/([^.])(\.)([\])}>"'»”’ ]*)\s*$/g, "$1 $2 $3 "],
  [/([:,])([^\d])/g, " $1 $2"],
  [/([:,])$/g, " $1 "],
  [/\.{2,}/g, " $& "],
  [/[;@#$%&]/g, " $& "],
  [/[?!]/g, " $& "],
  [/([^'])' /g, "$1 ' "],
  [/\*/g, " $& "],
  [/[\][(){}<>]/g, " $& "],
  [/--/g, " -- "],
  [/^[^]*$/, " $& "],
  // Closing quotes and clitics.
  [/[»”’]/g, " $& "],
  [/''/g, " '' "],
  [/"/g, " '' "],
  [/\s+/g, " "],
  [/([^' ])('s|'m|'d|') /gi, "$1 $2 "],
  [/([^' ])('ll|'re|'ve|n't) /gi, "$1 $2 "],
  [/\b(can)(not)\b|\b(d)('ye)\b|\b(gim)(me)\b|\b(gon)(na)\b/gi, " $1$3$5$7 $2$4$6$8 "],
  [/\b(got)(ta)\b|\b(lem)(me)\b|\b(more)('n)\b|\b(wan)(na)(?=\s)/gi, " $1$3$5$7 $2$4$6$8 "],
  [/ ('t)(is|was)\b/gi, " $1 $2 "]
]

// A period after one of these ends no sentence: titles and the like, initials, and a number before a word in lower case
// ("1. go").
const abbreviation =
  /(?:^|\s)["'([{]*(?:mr|mrs|ms|dr|st|jr|sr|vs|prof|gen|rep|sen|gov|no|co|inc|ltd|corp|[a-z](?:\.[a-z])*)\.$/i
const ordinal = /(?:^|\s)[\d,.-]*\d\.$/

const sentences = (text: string): ReadonlyArray<string> => {
  const found: Array<string> = []
  let from = 0
  for (const { 0: gap, index } of text.matchAll(/(?<=[.?!]["')\]}]*)\s+|(?<=[.?!]["')\]}]+)(?=[^\s"')\]}])/g)) {
    const sentence = text.slice(from, index)
    const end = sentence.replace(/["')\]}]+$/, "")
    const next = text.slice(index + gap.length)
    if (end.endsWith("..") || abbreviation.test(end) || (ordinal.test(end) && /^\p{Ll}/u.test(next))) continue
    found.push(sentence)
    from = index + gap.length
  }
  return [...found, text.slice(from)]
}

export const wordTokenize = (text: string): ReadonlyArray<string> =>
  sentences(text).flatMap((sentence) =>
    rules.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), sentence).split(/\s+/)
  )
    .filter((token) => token !== "")
