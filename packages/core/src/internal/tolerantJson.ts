// A total JSON reader for model output: it never throws, allows trailing commas and a text that
// stops in the middle. It reports where it had to stop, and remembers where each object began.

export interface Parsed {
  readonly value: unknown
  /** The offset at which each object and list began. */
  readonly positions: ReadonlyMap<object, number>
  /** Objects and lists that the text did not finish. */
  readonly incomplete: ReadonlySet<object>
  readonly end: number
  readonly error: { readonly position: number; readonly reason: string } | undefined
}

const whitespace = /\s/
const number = /-?\d+(\.\d+)?([eE][+-]?\d+)?/y
const literal = /true|false|null/y
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
  const skip = (): void => {
    while (at < text.length && whitespace.test(text[at]!)) at++
  }
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0]
    if (found !== undefined) at += found.length
    return found
  }
  const string = (): string | undefined => {
    const from = at++
    while (at < text.length && text[at] !== "\"") at += text[at] === "\\" ? 2 : 1
    if (at >= text.length) {
      at = text.length
      return fail("the text ends inside a string")
    }
    at++
    try {
      return JSON.parse(text.slice(from, at).replace(/[\u0000-\u001f]/g, " ")) as string
    } catch {
      return fail("a string with a broken escape", from)
    }
  }
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
      if (text[at] !== "\"") {
        fail(at < text.length ? "a key or } was expected" : "the text ends inside an object")
        break
      }
      const key = string()
      if (key === undefined) break
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
    if (first === "\"") return string()
    const word = match(literal)
    if (word !== undefined) return word === "null" ? null : word === "true"
    const digits = match(number)
    if (digits !== undefined) return Number(digits)
    return fail(at < text.length ? "a value was expected" : "the text ends where a value was expected")
  }

  const result = value(0)
  return { value: result, positions, incomplete, end: at, error }
}
