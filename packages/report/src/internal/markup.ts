// HTML that cannot forget to escape: text becomes markup through `html` alone, and `html` escapes what is put into it.

export class Markup {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/**
 * What a template takes: text and numbers are escaped, markup stands as it is, lists are joined, `undefined` is
 * nothing.
 */
export type Part = string | number | Markup | undefined | ReadonlyArray<Part>

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "\"": "&quot;",
  "'": "&#39;"
}

const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character]!)

const render = (part: Part): string => {
  if (part === undefined) return ""
  if (part instanceof Markup) return part.text
  return typeof part === "string" || typeof part === "number" ? escape(String(part)) : part.map(render).join("")
}

/** Markup with values put in, escaped. Attributes stand in double quotes. */
export const html = (strings: TemplateStringsArray, ...parts: ReadonlyArray<Part>): Markup =>
  new Markup(strings.map((string, i) => (i === 0 ? string : render(parts[i - 1]) + string)).join(""))

/** Text of this program's own, which must not be escaped: scripts and styles. */
export const trusted = (text: string): Markup => new Markup(text)

/** A value as JSON that can stand in a script element: no markup character is left in it. */
export const json = (value: unknown): Markup =>
  new Markup(
    JSON.stringify(value).replace(
      /[<>&\u2028\u2029]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`
    )
  )
