// Dates in English prose, made absolute with the time at which they were said: "yesterday", said on 8 May 2023, is 7 May 2023.

const months = "january february march april may june july august september october november december".split(" ")
const weekdays = "sunday monday tuesday wednesday thursday friday saturday".split(" ")
const numbers = "a an one two three four five six seven eight nine ten eleven twelve".split(" ")
const dayMillis = 86_400_000

const capital = (word: string): string => word[0]!.toUpperCase() + word.slice(1)
const monthIndex = (word: string): number => months.findIndex((month) => month.startsWith(word.toLowerCase().slice(0, 3)))
const count = (word: string): number => /^\d+$/.test(word) ? Number(word) : Math.max(1, numbers.indexOf(word) - 1)
const utc = (year: number, month: number, date: number): Date => new Date(Date.UTC(year, month, date))

const show = (date: Date): string =>
  `${date.getUTCDate()} ${capital(months[date.getUTCMonth()]!)} ${date.getUTCFullYear()}`

const showMonth = (date: Date): string => show(date).replace(/^\d+ /, "")
const monthsAway = (from: Date, away: number): string => showMonth(utc(from.getUTCFullYear(), from.getUTCMonth() + away, 1))
const daysAway = (from: Date, away: number): string => show(new Date(from.getTime() + away * dayMillis))

const monthPattern = "(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|" +
  "nov(?:ember)?|dec(?:ember)?)"
const dayPattern = "(\\d{1,2})(?:st|nd|rd|th)?"
const numberPattern = `(${numbers.join("|")}|\\d{1,3})`
const weekdayPattern = "(sun|mon|tue|wed|thu|fri|sat)(?:s|r|rs|day|nesday|sday|rsday|urday)?"

const dayFirst = new RegExp(`\\b${dayPattern}(?: of)? ${monthPattern}\\b\\.?,?(?: (\\d{4}))?`, "i")
const monthFirst = new RegExp(`\\b${monthPattern}\\b\\.? ${dayPattern}(?!\\d)(?:,? (\\d{4}))?`, "i")
const monthAlone = new RegExp(
  `\\b(?:in|since|until|by|of|early|late|this|last|next) ${monthPattern}\\b(?:,? (\\d{4}))?|\\b${monthPattern},? (\\d{4})\\b`,
  "i"
)
const yearAlone = /\b(?:in|since|of|from|until|by|back in) ((?:19|20)\d{2})\b/i

/** The day in a time stamp such as `1:56 pm on 8 May, 2023`, `May 8, 2023` or `2023-05-08T13:56:00Z`. */
export const parse = (text: string): Date | undefined => {
  const iso = /\b(\d{4})[-/](\d{2})[-/](\d{2})/.exec(text)
  if (iso !== null) return utc(Number(iso[1]), Number(iso[2]) - 1, Number(iso[3]))
  const first = dayFirst.exec(text)
  if (first?.[3] !== undefined) return utc(Number(first[3]), monthIndex(first[2]!), Number(first[1]))
  const second = monthFirst.exec(text)
  return second?.[3] === undefined ? undefined : utc(Number(second[3]), monthIndex(second[1]!), Number(second[2]))
}

/** The day of a time stamp, as people write it. */
export const day = (text: string): string | undefined => {
  const date = parse(text)
  return date === undefined ? undefined : show(date)
}

// A date that the text itself gives; a missing year stays missing.
const absolute = (text: string): string | undefined => {
  const join = (...parts: ReadonlyArray<string | undefined>): string => parts.filter((part) => part !== undefined).join(" ")
  const name = (month: string): string => capital(months[monthIndex(month)]!)
  const first = dayFirst.exec(text)
  if (first !== null) return join(first[1], name(first[2]!), first[3])
  const second = monthFirst.exec(text)
  if (second !== null) return join(second[2], name(second[1]!), second[3])
  const alone = monthAlone.exec(text)
  if (alone !== null) return join(name((alone[1] ?? alone[3])!), alone[2] ?? alone[4])
  return yearAlone.exec(text)?.[1]
}

const back = (said: Date, unit: string, amount: number): string => {
  const before = amount === 1 ? `The ${unit} before` : `${capital(numbers[amount + 1] ?? String(amount))} ${unit}s before`
  if (unit === "day") return daysAway(said, -amount)
  if (unit === "month") return monthsAway(said, -amount)
  return unit === "year" ? String(said.getUTCFullYear() - amount) : `${before} ${show(said)}`
}

type Rule = readonly [pattern: RegExp, date: (found: RegExpExecArray, said: Date) => string]

const rules: ReadonlyArray<Rule> = [
  [/\b(?:the )?day before yesterday\b/, (_, said) => daysAway(said, -2)],
  [/\byesterday\b|\blast night\b/, (_, said) => daysAway(said, -1)],
  [/\bday after tomorrow\b/, (_, said) => daysAway(said, 2)],
  [/\btomorrow\b/, (_, said) => daysAway(said, 1)],
  [
    new RegExp(`\\b${numberPattern}(?: or (?:two|so))? (day|week|weekend|month|year)s? (?:ago|back|before)\\b`),
    (found, said) => back(said, found[2]!, count(found[1]!))
  ],
  [/\b(?:a )?few (day|week|month|year)s (?:ago|back)\b/, (found, said) => `A few ${found[1]}s before ${show(said)}`],
  [new RegExp(`\\b(?:last|past|this past) ${weekdayPattern}\\b`), (found, said) => `The ${longDay(found[1]!)} before ${show(said)}`],
  [new RegExp(`\\bnext ${weekdayPattern}\\b`), (found, said) => `The ${longDay(found[1]!)} after ${show(said)}`],
  [/\b(?:last|past) (week|weekend|month|year)\b/, (found, said) => back(said, found[1]!, 1)],
  [/\b(?:last|past) (spring|summer|fall|autumn|winter)\b/, (found, said) => `${capital(found[1]!)} ${said.getUTCFullYear() - 1}`],
  [/\bnext (?:week|weekend)\b/, (found, said) => `The ${found[0].slice(5)} after ${show(said)}`],
  [/\bnext month\b/, (_, said) => monthsAway(said, 1)],
  [/\bnext year\b/, (_, said) => String(said.getUTCFullYear() + 1)],
  [/\b(?:today|tonight|this morning|this afternoon|this evening|just now|right now)\b/, (_, said) => show(said)],
  [/\bthis weekend\b/, (_, said) => `The weekend of ${show(said)}`],
  [/\bthis week\b/, (_, said) => `The week of ${show(said)}`],
  [/\bthis month\b/, (_, said) => showMonth(said)],
  [/\bthis year\b/, (_, said) => String(said.getUTCFullYear())],
  [new RegExp(`\\bon ${weekdayPattern}\\b`), (found, said) => `The ${longDay(found[1]!)} before ${show(said)}`]
]

const longDay = (short: string): string => capital(weekdays.find((name) => name.startsWith(short))!)

/** The date that a sentence speaks of, in words, or `undefined` where it names none. */
export const resolve = (text: string, observedAt: string | undefined): string | undefined => {
  const given = absolute(text)
  if (given !== undefined) return given
  const said = observedAt === undefined ? undefined : parse(observedAt)
  if (said === undefined) return undefined
  const lower = text.toLowerCase()
  for (const [pattern, date] of rules) {
    const found = pattern.exec(lower)
    if (found !== null) return date(found, said)
  }
  return undefined
}
