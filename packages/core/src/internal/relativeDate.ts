// Dates in English prose, made absolute with the time at which they were said: "yesterday", said on 8 May 2023, is 7 May 2023.

const months = "january february march april may june july august september october november december".split(" ")
const weekdays = "sunday monday tuesday wednesday thursday friday saturday".split(" ")
const counts: Readonly<Record<string, number>> = { a: 1, an: 1, one: 1, two: 2, three: 3, four: 4, five: 5, six: 6, few: 3 }
const day = 86_400_000

const capital = (word: string): string => word[0]!.toUpperCase() + word.slice(1)
const show = (date: Date): string => `${date.getUTCDate()} ${capital(months[date.getUTCMonth()]!)} ${date.getUTCFullYear()}`
const showMonth = (date: Date): string => `${capital(months[date.getUTCMonth()]!)} ${date.getUTCFullYear()}`

/** The day in a time stamp such as `1:56 pm on 8 May, 2023` or `2023-05-08T13:56:00Z`. */
export const parse = (text: string): Date | undefined => {
  const iso = /\b(\d{4})-(\d{2})-(\d{2})/.exec(text)
  if (iso !== null) return new Date(Date.UTC(Number(iso[1]), Number(iso[2]) - 1, Number(iso[3])))
  const prose = /\b(\d{1,2}) ([A-Za-z]+),? (\d{4})\b/.exec(text)
  const month = prose === null ? -1 : months.indexOf(prose[2]!.toLowerCase())
  return prose === null || month < 0 ? undefined : new Date(Date.UTC(Number(prose[3]), month, Number(prose[1])))
}

const back = (from: Date, unit: string, count: number): string => {
  if (unit === "day") return show(new Date(from.getTime() - count * day))
  if (unit === "week" || unit === "weekend") return `${count === 1 ? "The week" : `${count} weeks`} before ${show(from)}`
  if (unit === "month") return showMonth(new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() - count, 1)))
  return String(from.getUTCFullYear() - count)
}

/** The date that a sentence speaks of, in words, or `undefined` where it names none. */
export const resolve = (text: string, observedAt: string | undefined): string | undefined => {
  const lower = text.toLowerCase()
  const absolute = new RegExp(`\\b(\\d{1,2} )?(${months.join("|")})( \\d{1,2})?,?( \\d{4})?\\b`).exec(lower)
  if (absolute !== null && (absolute[1] ?? absolute[3] ?? absolute[4]) !== undefined) {
    return absolute[0].replace(/[a-z]+/, capital).replace(",", "")
  }
  const said = observedAt === undefined ? undefined : parse(observedAt)
  if (said === undefined) return undefined
  if (/\byesterday\b|\blast night\b/.test(lower)) return back(said, "day", 1)
  if (/\b(today|tonight|this morning|just now)\b/.test(lower)) return show(said)
  if (/\btomorrow\b/.test(lower)) return show(new Date(said.getTime() + day))
  const last = /\blast (week|weekend|month|year)\b/.exec(lower)
  if (last !== null) return back(said, last[1]!, 1)
  const next = /\bnext (month|year)\b/.exec(lower)
  if (next !== null) return back(said, next[1]!, -1)
  const ago = /\b(a|an|one|two|three|four|five|six|few|\d+) (day|week|month|year)s? ago\b/.exec(lower)
  if (ago !== null) return back(said, ago[2]!, counts[ago[1]!] ?? Number(ago[1]))
  const weekday = new RegExp(`\\blast (${weekdays.join("|")})\\b`).exec(lower)
  if (weekday !== null) return `The ${weekday[1]} before ${show(said)}`
  if (/\bthis month\b/.test(lower)) return showMonth(said)
  if (/\bthis year\b/.test(lower)) return String(said.getUTCFullYear())
  return undefined
}
