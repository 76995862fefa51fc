// Where a text stops being JSON. `JSON.parse` says so in words that differ between engines and often leave the place
// out.

export interface JsonError {
  readonly line: number
  readonly column: number
  readonly detail: string
}

const blank = /[ \t\r\n]*/y
const string = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/
const scalar = new RegExp(`${string.source}|${number.source}|true|false|null`, "y")

const locate = (text: string, offset: number, expected: string): JsonError => {
  const before = text.slice(0, offset).split("\n")
  const found = offset >= text.length ? "the file ends" : `found ${JSON.stringify(text.slice(offset, offset + 12))}`
  return { line: before.length, column: before.at(-1)!.length + 1, detail: `${expected} expected, ${found}` }
}

type State = "value" | "value or ]" | "key" | "key or }" | "colon" | "after"

/** The first error, or `undefined` where the text is JSON. */
export const errorIn = (text: string): JsonError | undefined => {
  const open: Array<"}" | "]"> = []
  let state: State = "value"
  let at = 0
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0]
    at += found?.length ?? 0
    return found
  }
  for (;;) {
    take(blank)
    const next = text[at]
    if (state === "after" && open.length === 0) {
      return next === undefined
        ? undefined
        : locate(text, at, "the end of the file")
    }
    if (state === "after") {
      if (next === open.at(-1)) open.pop()
      else if (next === ",") state = open.at(-1) === "}" ? "key" : "value"
      else return locate(text, at, `, or ${open.at(-1)}`)
      at++
    } else if (state === "colon") {
      if (next !== ":") return locate(text, at, ":")
      at++
      state = "value"
    } else if (state === "key" || state === "key or }") {
      if (state === "key or }" && next === "}") {
        at++
        open.pop()
        state = "after"
      } else if (next !== "\"" || take(scalar) === undefined) return locate(text, at, state)
      else state = "colon"
    } else if (state === "value or ]" && next === "]") {
      at++
      open.pop()
      state = "after"
    } else if (next === "{" || next === "[") {
      at++
      open.push(next === "{" ? "}" : "]")
      state = next === "{" ? "key or }" : "value or ]"
    } else if (take(scalar) === undefined) return locate(text, at, state)
    else state = "after"
  }
}
