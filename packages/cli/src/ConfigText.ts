/**
 * The text of a configuration file, by its name: JSON, JSON with comments and trailing commas (.jsonc), or YAML.
 *
 * @since 0.1.0
 */
import { messageOf } from "@memory-r1/core"
import * as Result from "effect/Result"
import { parse as parseJsonc, type ParseError, printParseErrorCode } from "jsonc-parser"
import * as Yaml from "yaml"

const placeOf = (text: string, offset: number): string => {
  const before = text.slice(0, offset).split("\n")
  return `${before.length}:${before.at(-1)!.length + 1}`
}

/**
 * Its value, or in one line why there is none, with line and column.
 *
 * @category constructors
 * @since 0.1.0
 */
export const parse = (file: string, text: string): Result.Result<unknown, string> => {
  if (/\.ya?ml$/i.test(file)) {
    // Aliases that stand for aliases grow without bound; nobody needs them here.
    const document = Yaml.parseDocument(text, { prettyErrors: true })
    const [error] = document.errors
    if (error !== undefined) return Result.fail(`is broken YAML (${error.message.split("\n")[0]!.replace(/:$/, "")})`)
    return Result.try({
      try: () => document.toJS({ maxAliasCount: 100 }) as unknown,
      catch: (cause) => `is broken YAML (${messageOf(cause)})`
    })
  }
  if (/\.jsonc$/i.test(file)) {
    const errors: Array<ParseError> = []
    const value = parseJsonc(text, errors, { allowTrailingComma: true }) as unknown
    const [error] = errors
    return error === undefined
      ? Result.succeed(value)
      : Result.fail(`is broken JSON at ${placeOf(text, error.offset)} (${printParseErrorCode(error.error)})`)
  }
  return Result.try({
    try: () => JSON.parse(text) as unknown,
    catch: (cause) => `is broken JSON (${messageOf(cause)})`
  })
}
