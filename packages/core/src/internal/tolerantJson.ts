// A total JSON reader for model output: it never throws. It allows what models write: trailing commas, comments, line
// breaks in strings, texts in single or curly quotes, Python's literals, and a text that stops in the middle. It
// reports where it had to stop, and remembers where each object began.

export interface Parsed {
  readonly value: unknown
  /** The offset at which each object and list began. */
  readonly positions: ReadonlyMap<object, number>
  /** Objects and lists that the text did not finish. */
  readonly incomplete: ReadonlySet<object>
  readonly end: number
  readonly error: { readonly position: number; readonly reason: string } | undefined
}

// A key without quotes, as JavaScript writes it. Braces in prose have none.
const plainKey = /[\p{L}_$][\p{L}\p{N}_$]*(?=\s*:)/uy
const blank = /(?:\s+|\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$))*/y
const number = /-?\d+(\.\d+)?([eE][+-]?\d+)?/y
const literal = /true|false|null|(?:True|False|None)\b/y
const literals: Readonly<Record<string, boolean | null>> = {
  true: true,
  True: true,
  false: false,
  False: false,
  null: null,
  None: null
}
// What ends a text that begins with a quote. An apostrophe looks like a single quote: that ends a text only where the
// text can end.
const closing: Readonly<Record<string, RegExp>> = { "\"": /"/y, "'": /'(?=\s*(?:[,:}\]]|$))/y, "\u201c": /\u201d/y }
const maxDepth = 64

export const parse = (text: string, start: number): Parsed => {
  const positions = new Map<object, number>()
  const incomplete = new Set<object>()
  let at = start
  let error: Parsed["error"]

  const fail = (reason: string, position: number = at): undefined => {
    error ??= { position, reason }
    return undefined
  }
  const skip = (): void => void match(blank)
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0]
    if (found !== undefined) at += found.length
    return found
  }
  const string = (): string | undefined => {
    const from = at
    const end = closing[text[at++]!]!
    for (; at < text.length; at += text[at] === "\\" ? 2 : 1) {
      end.lastIndex = at
      if (end.test(text)) break
    }
    if (at >= text.length) {
      at = text.length
      return fail("the text ends inside a string")
    }
    const body = text.slice(from + 1, at++)
    try {
      const escaped = body.replace(/\\[\s\S]|"/g, (found) => found === "\\'" ? "'" : found === "\"" ? "\\\"" : found)
      return JSON.parse(`"${escaped.replace(/[\u0000-\u001f]/g, " ")}"`) as string
    } catch {
      return fail("a string with a broken escape", from)
    }
  }
  const isQuote = (): boolean => Object.hasOwn(closing, text[at] ?? "")
  // Not an assignment: a key may be `__proto__`, or be there twice, where the last one counts.
  const set = (target: object, key: string, value: unknown): void => {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true })
  }
  const object = (depth: number): object => {
    const result: Record<string, unknown> = {}
    positions.set(result, at++)
    for (;;) {
      skip()
      if (text[at] === "}") {
        at++
        return result
      }
      const key = isQuote() ? string() : match(plainKey)
      if (key === undefined) {
        fail(at < text.length ? "a key or } was expected" : "the text ends inside an object")
        break
      }
      skip()
      if (text[at] !== ":") {
        fail(at < text.length ? "a : was expected" : "the text ends inside an object")
        break
      }
      at++
      const item = value(depth + 1)
      if (error !== undefined) {
        if (item !== undefined) set(result, key, item)
        break
      }
      set(result, key, item)
      skip()
      if (text[at] === ",") at++
      else if (text[at] !== "}") {
        fail(at < text.length ? "a , or } was expected" : "the text ends inside an object")
        break
      }
    }
    incomplete.add(result)
    return result
  }
  const array = (depth: number): ReadonlyArray<unknown> => {
    const result: Array<unknown> = []
    positions.set(result, at++)
    for (;;) {
      skip()
      if (text[at] === "]") {
        at++
        return result
      }
      if (at >= text.length) {
        fail("the text ends inside a list")
        break
      }
      const item = value(depth + 1)
      if (item !== undefined) result.push(item)
      if (error !== undefined) break
      skip()
      if (text[at] === ",") at++
      else if (text[at] !== "]") {
        fail(at < text.length ? "a , or ] was expected" : "the text ends inside a list")
        break
      }
    }
    incomplete.add(result)
    return result
  }
  const value = (depth: number): unknown => {
    skip()
    if (depth > maxDepth) return fail("nested too deeply")
    const first = text[at]
    if (first === "{") return object(depth)
    if (first === "[") return array(depth)
    if (isQuote()) return string()
    const word = match(literal)
    if (word !== undefined) return literals[word]
    const digits = match(number)
    if (digits !== undefined) return Number(digits)
    return fail(at < text.length ? "a value was expected" : "the text ends where a value was expected")
  }

  const result = value(0)
  return { value: result, positions, incomplete, end: at, error }
}
