// Figures and names as people read them.

const dash = "\u2013"
// Between a figure and its unit: no line ends there.
const space = "\u00a0"

/** A share in percent, without the sign: `0.613` is `61.3`. */
export const percent = (share: number | undefined): string => (share === undefined ? dash : (100 * share).toFixed(1))

export const range = ({ high, low }: { readonly low: number; readonly high: number }): string =>
  `${percent(low)}${dash}${percent(high)}`

const compact = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 })
const small = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 })
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 })

/** A figure of any size, in three digits. */
export const figure = (value: number | null | undefined): string => {
  if (value === undefined || value === null || Number.isNaN(value)) return dash
  if (value !== 0 && Math.abs(value) < 1e-4) return value.toExponential(1)
  return Math.abs(value) >= 10_000 ? compact.format(value) : small.format(value)
}

/** A figure among others in a column, with as many digits as they. */
export const inColumn = (value: number | null | undefined): string =>
  typeof value === "number" && Math.abs(value) >= 1e-3 && Math.abs(value) < 1000 ? value.toPrecision(3) : figure(value)

export const count = (value: number): string => whole.format(value)

/** With a sign that is easy to see. */
export const signed = (value: number): string => {
  if (Number.isNaN(value)) return dash
  return value > 0 ? `+${value.toFixed(2)}` : value < 0 ? `\u2212${Math.abs(value).toFixed(2)}` : "0"
}

export const duration = (seconds: number): string => {
  const total = Math.max(0, Math.round(seconds))
  const [hours, minutes] = [Math.floor(total / 3600), Math.floor(total / 60) % 60]
  if (hours > 0) return `${hours}${space}h ${minutes}${space}min`
  return minutes > 0 ? `${minutes}${space}min ${total % 60}${space}s` : `${total}${space}s`
}

export const gibibytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(2)}${space}GiB`

/** A moment in UTC, or nothing where the number is no moment. */
export const moment = (milliseconds: number | undefined): string | undefined => {
  if (milliseconds === undefined || !(Math.abs(milliseconds) <= 8.64e15)) return undefined
  return (
    new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeStyle: "short", timeZone: "UTC" }).format(milliseconds) +
    " UTC"
  )
}

const algorithms: Readonly<Record<string, string>> = { grpo: "GRPO", ppo: "PPO", sft: "SFT" }
export const algorithm = (name: string): string => (Object.hasOwn(algorithms, name) ? algorithms[name]! : name)

const orders: Readonly<Record<string, string>> = {
  "answer-first": "answer agent first, then manager",
  "manager-first": "manager first, then answer agent"
}
export const order = (name: string): string => (Object.hasOwn(orders, name) ? orders[name]! : name)

const stages: Readonly<Record<string, string>> = {
  manager: "Memory manager",
  answer: "Answer agent",
  sft: "Supervised warm start"
}
/** A second stage of a kind is called "manager 2". */
export const stage = (name: string): string => {
  const [, kind, again] = /^(\w+)(?: (\d+))?$/.exec(name) ?? []
  if (kind === undefined || !Object.hasOwn(stages, kind)) return name
  return again === undefined ? stages[kind]! : `${stages[kind]!}, part ${again}`
}

export const plural = (amount: number, one: string, many = `${one}s`): string =>
  `${count(amount)} ${amount === 1 ? one : many}`
