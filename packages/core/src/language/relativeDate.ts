// Dates in English prose, made absolute with the time at which they were said: "yesterday", said on 8 May 2023, is 7
// May 2023. Tense tells which Friday or March is meant. Where it does not, and for what is not understood, there is no
// date rather than a wrong one.
//
// Why no library: chrono-node 2.10 takes "I sat down" for a Saturday, "for two weeks" for a day, "a month from today"
// for today and "next week on Tuesday" for tomorrow, and knows no tense, season or fortnight.
import { type Tense, tenseAt } from "./tense.ts"

const months = "january february march april may june july august september october november december".split(" ")
const weekdays = "sunday monday tuesday wednesday thursday friday saturday".split(" ")
const numbers =
  ("a an one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen " +
    "eighteen nineteen twenty").split(" ")
const dayMillis = 86_400_000

const capital = (word: string): string => word[0]!.toUpperCase() + word.slice(1)
const monthIndex = (word: string): number =>
  months.findIndex((month) => month.startsWith(word.toLowerCase().slice(0, 3)))
const weekdayIndex = (word: string): number =>
  weekdays.findIndex((day) => day.startsWith(word.toLowerCase().slice(0, 3)))
const longDay = (word: string): string => capital(weekdays[weekdayIndex(word)]!)
const count = (word: string): number => /^\d+$/.test(word) ? Number(word) : Math.max(1, numbers.indexOf(word) - 1)
const inWords = (amount: number): string => capital(numbers[amount + 1] ?? String(amount))
const utc = (year: number, month: number, date: number): Date => new Date(Date.UTC(year, month, date))

const show = (date: Date): string =>
  `${date.getUTCDate()} ${capital(months[date.getUTCMonth()]!)} ${date.getUTCFullYear()}`

const showMonth = (date: Date): string => show(date).replace(/^\d+ /, "")
const monthsAway = (from: Date, away: number): string =>
  showMonth(utc(from.getUTCFullYear(), from.getUTCMonth() + away, 1))
const plus = (from: Date, days: number): Date => new Date(from.getTime() + days * dayMillis)
const daysAway = (from: Date, away: number): string => show(plus(from, away))

const monthPattern =
  "(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|" +
  "nov(?:ember)?|dec(?:ember)?)"
const dayPattern = "(\\d{1,2})(?:st|nd|rd|th)?"
const numberPattern = `(${numbers.join("|")}|\\d{1,3})`
const weekdayPattern = "(sun|mon|tue|wed|thu|fri|sat)(?:s|r|rs|day|nesday|sday|rsday|urday)?"
const longDayPattern = `(${weekdays.join("|")})`
const seasonPattern = "(spring|summer|fall|autumn|winter)"

const dayFirst = new RegExp(`\\b${dayPattern}(?: of)? ${monthPattern}\\b\\.?,?(?: (\\d{4}))?`, "i")
const monthFirst = new RegExp(`\\b${monthPattern}\\b\\.? ${dayPattern}(?!\\d)(?:,? (\\d{4}))?`, "i")
const monthAlone = new RegExp(
  `\\b(in|during|since|until|till|by|of|early|late|mid|this|last|past|next)[ -]${monthPattern}\\b(?:,? (\\d{4}))?|` +
    `\\b${monthPattern},? (\\d{4})\\b`,
  "i"
)
const yearAlone = /\b(?:in|since|of|from|until|by|back in) ((?:19|20)\d{2})\b/i
const seasonGiven = new RegExp(`\\b${seasonPattern} (?:of )?((?:19|20)\\d{2})\\b`, "i")
const iso = /\b(\d{4})[-/](\d{2})[-/](\d{2})/

const isoDate = (text: string): Date | undefined => {
  const found = iso.exec(text)
  return found === null ? undefined : utc(Number(found[1]), Number(found[2]) - 1, Number(found[3]))
}

/** The day in a time stamp such as `1:56 pm on 8 May, 2023`, `May 8, 2023` or `2023-05-08T13:56:00Z`. */
export const parse = (text: string): Date | undefined => {
  const date = isoDate(text)
  if (date !== undefined) return date
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

const isSure = (tense: Tense): boolean => tense === "past" || tense === "future"
// "I read it in three days" is how long it took.
const isAhead = (tense: Tense): boolean => tense === "future" || tense === "none"

// What comes again every year has no year.
const recurs = /\b(?:birthday|anniversary|born|every|each|always|usually|annual(?:ly)?|yearly)\b/i

// The years around one, the nearest first: a leap day may be eight years away.
const years = (from: number, step: number): ReadonlyArray<number> =>
  Array.from({ length: 9 }, (_, i) => from + i * step)

// The year of a day or month that has none, where its tense tells.
const yearOf = (said: Date, month: number, date: number | undefined, tense: Tense): number | undefined => {
  if (!isSure(tense)) return undefined
  const now = date === undefined ? utc(said.getUTCFullYear(), said.getUTCMonth(), 1) : said
  return years(said.getUTCFullYear(), tense === "past" ? -1 : 1).find((year) => {
    const then = utc(year, month, date ?? 1)
    return then.getUTCMonth() === month && (tense === "past" ? then <= now : then >= now)
  })
}

const monthGiven = (found: RegExpExecArray, said: Date | undefined, tense: Tense): string | undefined => {
  const [, before = "", named, year] = found
  const preposition = before.toLowerCase()
  const name = (named ?? found[4])!
  // "This may be", "by march": only a capital makes a month of them.
  if (/^(?:may|mar|march)$/.test(name) && !/^(?:in|during|since|until)$/.test(preposition)) return undefined
  const index = monthIndex(name)
  const given = year ?? found[5]
  if (given !== undefined || said === undefined) {
    return [capital(months[index]!), given].filter((part) => part !== undefined).join(" ")
  }
  const isNow = index === said.getUTCMonth()
  const known = preposition === "this"
    ? said.getUTCFullYear()
    : /^(?:last|past)$/.test(preposition)
    ? yearOf(isNow ? plus(said, -32) : said, index, undefined, "past")
    : preposition === "next"
    ? yearOf(isNow ? plus(said, 32) : said, index, undefined, "future")
    : yearOf(said, index, undefined, preposition === "since" ? "past" : tense)
  return [capital(months[index]!), known].filter((part) => part !== undefined).join(" ")
}

// A date that the text itself gives. A missing year is that of its tense, or stays missing.
const absolute = (text: string, said: Date | undefined): string | undefined => {
  const date = isoDate(text)
  if (date !== undefined && !Number.isNaN(date.getTime())) return show(date)
  const tense = (at: number) => recurs.test(text) ? "none" : tenseAt(text, at)
  const withYear = (date: string, month: string, year: string | undefined, at: number): string => {
    const index = monthIndex(month)
    const known = year ?? (said === undefined ? undefined : yearOf(said, index, Number(date), tense(at)))
    return [date, capital(months[index]!), known].filter((part) => part !== undefined).join(" ")
  }
  const first = dayFirst.exec(text)
  if (first !== null) return withYear(first[1]!, first[2]!, first[3], first.index)
  const second = monthFirst.exec(text)
  if (second !== null) return withYear(second[2]!, second[1]!, second[3], second.index)
  const alone = monthAlone.exec(text)
  const season = seasonGiven.exec(text)
  if (season !== null) return `${capital(season[1]!.toLowerCase())} ${season[2]}`
  const month = alone === null ? undefined : monthGiven(alone, said, tense(alone.index))
  return month ?? yearAlone.exec(text)?.[1]
}

const away = (said: Date, unit: string, amount: number): string => {
  const [number, one] = unit === "fortnight" ? [2 * Math.abs(amount), "week"] : [Math.abs(amount), unit]
  if (one === "day") return daysAway(said, amount)
  if (one === "month") return monthsAway(said, amount)
  if (one === "year") return String(said.getUTCFullYear() + amount)
  if (one === "decade") return String(said.getUTCFullYear() + 10 * amount)
  if (amount > 0 && one === "week") return daysAway(said, 7 * number)
  return `${number === 1 ? `The ${one}` : `${inWords(number)} ${one}s`} ${amount < 0 ? "before" : "after"} ${
    show(said)
  }`
}

// A minute or hour may lie on the other side of midnight: only a time stamp with a time of day tells.
const timeOfDay = (observedAt: string): number | undefined => {
  const found = /\b(\d{1,2}):(\d{2})(?::\d{2})?\s*([ap]m)?/i.exec(observedAt.replace("T", " "))
  if (found === null) return undefined
  const hour = Number(found[1]) % (found[3] === undefined ? 24 : 12) + (found[3]?.toLowerCase() === "pm" ? 12 : 0)
  return (hour * 60 + Number(found[2])) * 60_000
}

const timeAway = (said: Date, unit: string, amount: number, time: number | undefined): string | undefined =>
  time === undefined
    ? undefined
    : show(new Date(said.getTime() + time + amount * (unit === "hour" ? 3_600_000 : 60_000)))

// Seasons are those of the north, in whole months: of the place where something was said nothing is known.
const seasonStart: Readonly<Record<string, number>> = { spring: 2, summer: 5, fall: 8, autumn: 8, winter: 11 }
const showSeason = (season: string, year: number): string =>
  `${capital(season)} ${season === "winter" ? `${year}–${year + 1}` : year}`

// The year in which the last such season began that is over, or has begun; or the first that is not over, or is still
// to come.
const seasonYear = (said: Date, season: string, which: "over" | "begun" | "unfinished" | "ahead"): number => {
  const start = (year: number) => utc(year, seasonStart[season]!, 1)
  const end = (year: number) => utc(year, seasonStart[season]! + 3, 1)
  const year = said.getUTCFullYear()
  if (which === "over") return years(year, -1).find((one) => end(one) <= said)!
  if (which === "begun") return years(year, -1).find((one) => start(one) <= said)!
  return years(year - 1, 1).find((one) => which === "ahead" ? start(one) > said : end(one) > said)!
}

const monday = (said: Date): Date => plus(said, -((said.getUTCDay() + 6) % 7))
// The next such day of the week after a date, never that date itself.
const weekdayAfter = (said: Date, name: string): Date => plus(said, (weekdayIndex(name) - said.getUTCDay() + 6) % 7 + 1)
const weekdayWith = (said: Date, name: string, tense: Tense): string | undefined =>
  tense === "past"
    ? `The ${longDay(name)} before ${show(said)}`
    : tense === "future"
    ? show(weekdayAfter(said, name))
    : undefined
const weekend = (said: Date, tense: Tense): string => {
  const saturday = plus(monday(said), 5)
  return `The weekend of ${show(tense === "past" && saturday > said ? plus(saturday, -7) : saturday)}`
}

interface Context {
  readonly said: Date
  readonly tense: Tense
  /** Milliseconds since midnight. */
  readonly time: number | undefined
}

type Rule = readonly [pattern: RegExp, date: (found: RegExpExecArray, context: Context) => string | undefined]

const units = "(day|week|fortnight|weekend|month|year|decade)s?"
const counted = `\\b${numberPattern}(?: or (?:two|so))? (?:more )?`
const weekNames = "(this|last|next)"
const weekShift = (name: string): number => name === "last" ? -7 : name === "next" ? 7 : 0
const notHabit = "(?<!\\b(?:every|each|most|any|black|good|other|of|to|a|the|first|second|third|fourth) )"

// The first that matches decides, also where it decides that nothing is certain.
const rules: ReadonlyArray<Rule> = [
  [/\b(?:today|tomorrow) (?:week|fortnight)\b/, () => undefined],
  [/\b(?:the )?day before yesterday\b/, (_, { said }) => daysAway(said, -2)],
  [/\byesterday\b|\blast night\b/, (_, { said }) => daysAway(said, -1)],
  [/\bday after tomorrow\b/, (_, { said }) => daysAway(said, 2)],
  [/\btomorrow\b/, (_, { said }) => daysAway(said, 1)],
  [/\b(day|week|weekend|month|year) before last\b/, (found, { said }) => away(said, found[1]!, -2)],
  [/\b(week|month|year) after next\b/, (found, { said }) => away(said, found[1]!, 2)],
  [/\b\w+ (?:before last|after next)\b/, () => undefined],
  [/\bhalf a year (?:ago|back)\b/, (_, { said }) => monthsAway(said, -6)],
  [/\bin half a year\b/, (_, { said, tense }) => isAhead(tense) ? monthsAway(said, 6) : undefined],
  [/\bhalf an? \w+ (?:ago|back)\b/, () => undefined],
  [
    new RegExp(`${counted}(minute|hour)s? (?:ago|back)\\b`),
    (found, { said, time }) => timeAway(said, found[2]!, -count(found[1]!), time)
  ],
  [
    new RegExp(`${counted}${units} (?:ago|back|before(?! \\w))\\b`),
    (found, { said }) => away(said, found[2]!, -count(found[1]!))
  ],
  [
    /\ba couple (?:of )?(day|week|month|year)s (?:ago|back)\b/,
    (found, { said }) => `A couple of ${found[1]}s before ${show(said)}`
  ],
  [
    /\b(?:a )?few (day|week|month|year)s (?:ago|back)\b/,
    (found, { said }) => `A few ${found[1]}s before ${show(said)}`
  ],
  [
    /\bin (a couple of|a few) (day|week|month|year)s\b/,
    (found, { said, tense }) => !isAhead(tense) ? undefined : `${capital(found[1]!)} ${found[2]}s after ${show(said)}`
  ],
  [
    new RegExp(`\\bin ${numberPattern} (?:more )?(minute|hour)s?\\b`),
    (found, { said, tense, time }) => !isAhead(tense) ? undefined : timeAway(said, found[2]!, count(found[1]!), time)
  ],
  [
    new RegExp(`\\bin ${numberPattern} (?:more )?${units}['’]?\\b`),
    (found, { said, tense }) => !isAhead(tense) ? undefined : away(said, found[2]!, count(found[1]!))
  ],
  [
    new RegExp(`${counted}${units} (?:from (?:now|today)|hence|from this day)\\b`),
    (found, { said }) => away(said, found[2]!, count(found[1]!))
  ],
  [
    new RegExp(`\\b(?:${longDayPattern},? (?:of )?${weekNames} week|${weekNames} week,? (?:on )?${longDayPattern})\\b`),
    (found, { said }) =>
      show(plus(monday(said), (weekdayIndex((found[1] ?? found[4])!) + 6) % 7 + weekShift((found[2] ?? found[3])!)))
  ],
  [new RegExp(`${counted}${units} (?:from|after)\\b|\\b${weekdayPattern} (?:week|fortnight)\\b`), () => undefined],
  [
    new RegExp(`\\b(?:last|past|this past) ${weekdayPattern}\\b(?! of\\b)`),
    (found, { said }) => `The ${longDay(found[1]!)} before ${show(said)}`
  ],
  [new RegExp(`\\bnext ${weekdayPattern}\\b`), (found, { said }) => `The ${longDay(found[1]!)} after ${show(said)}`],
  [/\b(?:last|past) (week|fortnight|weekend|month|year)\b/, (found, { said }) => away(said, found[1]!, -1)],
  [
    new RegExp(`\\b(?:last|past) ${seasonPattern}\\b`),
    (found, { said }) => showSeason(found[1]!, seasonYear(said, found[1]!, "over"))
  ],
  // In May, "next summer" may be this one.
  [new RegExp(`\\bnext ${seasonPattern}\\b`), (found, { said }) => {
    const year = seasonYear(said, found[1]!, "ahead")
    return year > said.getUTCFullYear() ? showSeason(found[1]!, year) : undefined
  }],
  [
    new RegExp(
      `\\b(?:this|in|during|over|for|by) (?:the |this )?(?:(?:early|late|mid)[ -])?(?:coming )?` +
        `${seasonPattern}\\b(?! of\\b)`
    ),
    (found, { said, tense }) =>
      isSure(tense)
        ? showSeason(found[1]!, seasonYear(said, found[1]!, tense === "past" ? "begun" : "unfinished"))
        : undefined
  ],
  [/\bnext (?:week|weekend)\b/, (found, { said }) => `The ${found[0].slice(5)} after ${show(said)}`],
  [/\bnext month\b/, (_, { said }) => monthsAway(said, 1)],
  [/\bnext year\b/, (_, { said }) => String(said.getUTCFullYear() + 1)],
  [/\b(?:today|tonight|this morning|this afternoon|this evening|just now|right now)\b/, (_, { said }) => show(said)],
  [/\b(?:this|over the|at the|on the) weekend\b/, (_, { said, tense }) => weekend(said, tense)],
  [/\bend of (?:the|this) month\b/, (_, { said }) => `The end of ${showMonth(said)}`],
  [/\bend of (?:the|this) year\b/, (_, { said }) => `The end of ${said.getUTCFullYear()}`],
  [/\bthis week\b/, (_, { said }) => `The week of ${show(said)}`],
  [/\bthis month\b/, (_, { said }) => showMonth(said)],
  [/\bthis year\b/, (_, { said }) => String(said.getUTCFullYear())],
  // A span of days, or one that comes again.
  [new RegExp(`\\b${longDayPattern}s?\\b.*\\b${longDayPattern}s?\\b|\\b${longDayPattern}s\\b`), () => undefined],
  [
    new RegExp(`\\b(?:for|till|until|by|before) ${weekdayPattern}\\b`),
    (found, { said, tense }) => weekdayWith(said, found[1]!, found[0].startsWith("for") ? "future" : tense)
  ],
  [new RegExp(`\\bsince ${weekdayPattern}\\b`), (found, { said }) => weekdayWith(said, found[1]!, "past")],
  [
    new RegExp(`\\b(?:on|this|this coming|coming) ${weekdayPattern}\\b(?! (?:the|of)\\b)`),
    (found, { said, tense }) => weekdayWith(said, found[1]!, tense)
  ],
  [
    new RegExp(`${notHabit}\\b${longDayPattern}\\b(?! (?:the|of)\\b)`),
    (found, { said, tense }) => weekdayWith(said, found[1]!, tense)
  ],
  [
    new RegExp(
      "\\bon the (\\d{1,2})(?:st|nd|rd|th)(?=\\s*(?:$|[.,;!?]|" +
        "(?:after|and|as|at|because|before|but|for|from|if|so|then|to|when|with)\\b))"
    ),
    (found, { said, tense }) => {
      if (!isSure(tense)) return undefined
      const wanted = Number(found[1])
      const step = tense === "past" ? -1 : 1
      const dates = Array.from(
        { length: 12 },
        (_, i) => utc(said.getUTCFullYear(), said.getUTCMonth() + i * step, wanted)
      )
      const date = dates.find((one) => one.getUTCDate() === wanted && (tense === "past" ? one <= said : one >= said))
      return date === undefined ? undefined : show(date)
    }
  ]
]

// A pasted file speaks of no date; what is looked at is as long as sentences are.
const longest = 5000

/** The date that a sentence speaks of, in words, or `undefined` where it names none, or none that is certain. */
export const resolve = (whole: string, observedAt: string | undefined): string | undefined => {
  const text = whole.slice(0, longest)
  const parsed = observedAt === undefined ? undefined : parse(observedAt)
  const said = parsed === undefined || Number.isNaN(parsed.getTime()) ? undefined : parsed
  const given = absolute(text, said)
  if (given !== undefined) return given
  if (said === undefined) return undefined
  const time = timeOfDay(observedAt!)
  const lower = text.toLowerCase()
  for (const [pattern, date] of rules) {
    const found = pattern.exec(lower)
    if (found !== null) return date(found, { said, time, tense: tenseAt(text, found.index) })
  }
  return undefined
}

const holidays = "christmas|easter|thanksgiving|halloween|new year|valentine|ramadan|hanukkah|diwali"
const elsewhere = new RegExp(
  "\\b(?:(?:next|last|coming|past|previous|following) " +
    `(?:century|decade|semester|quarter|term|${units}|${seasonPattern}|${weekdayPattern}|${holidays})|` +
    `(?:within|after|before) ${numberPattern} ${units}|` +
    `${numberPattern} (?:minute|hour|${units})s? (?:from|before|after|later|earlier|hence)|` +
    "(?<!(?:second|minute|moment|hour)s? )ago|(?:year|month|week|day)s later|" +
    "(?:on|by|until|since) \\d{1,2}[/.]\\d{1,2}|" +
    `(?:on|until|till|by|since|before|after|for|this|coming) ${weekdayPattern}|(?:${weekdays.join("|")})s?|` +
    `(?:this|in|during|over|since|until|by|before|after) (?:the )?${seasonPattern}|` +
    `(?:at|on|over|for|before|after|since|during|this) (?:${holidays})|` +
    "the other day|some ?day|one day|back then|as an? (?:child|kid|boy|girl|teenager)|when i was|" +
    "in (?:the|my) (?:past|childhood|teens|twenties|thirties)|" +
    "on the \\d{1,2}(?:st|nd|rd|th))\\b",
  "i"
)

/** Whether a text speaks of another time than that at which it was said, whichever that is. */
export const isElsewhere = (text: string): boolean => elsewhere.test(text.slice(0, longest))
