/**
 * Arguments as they stand after the program's name, in the form in which the parser mistakes none of them:
 * `--flag=value` for each flag that takes a value, and what is no flag after `--`. By itself it takes "-bar" and "-
 * item" for flags.
 *
 * The rules are those of other programs. A flag that takes a value takes the next argument, whatever it begins with; a
 * flag that takes none takes none. What begins with "-" and is no flag of the command is a value, unless it is written
 * as a long flag: then it is a slip of the pen, and the parser says so. After `--` all are values.
 *
 * @since 0.1.0
 */
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import type * as HelpDoc from "effect/cli/HelpDoc"
import * as Effect from "effect/Effect"

/**
 * What a command says of itself in its help.
 *
 * @category combinators
 * @since 0.1.0
 */
export const described = <const Name extends string, Input, ContextInput, E, R>(
  root: Command.Command<Name, Input, ContextInput, E, R>,
  path: ReadonlyArray<string>
) =>
  Effect.gen(function*() {
    let found: HelpDoc.HelpDoc | undefined
    const presenter: CliOutput.Presenter = {
      present: (event) => Effect.sync(() => void (event._tag === "Help" && (found = event.helpDoc)))
    }
    const help = Command.runWith(root, { version: "" })([...path, "--help"])
    yield* Effect.provideService(help, CliOutput.Presenter, presenter)
    return found
  })

interface Known {
  readonly name: string
  readonly takesValue: boolean
}

// The flags of a command by all the names that they have.
const flagsOf = ({ flags, globalFlags = [], inheritedFlags = [] }: HelpDoc.HelpDoc): ReadonlyMap<string, Known> =>
  new Map([...globalFlags, ...inheritedFlags, ...flags].flatMap(({ aliases, name, type }) => {
    const known = { name: `--${name}`, takesValue: type !== "boolean" }
    return [`--${name}`, ...aliases, ...(known.takesValue ? [] : [`--no-${name}`])].map((key) => [key, known] as const)
  }))

const longFlag = /^--[A-Za-z][\w-]*(?:=[^]*)?$/

/**
 * The arguments in that form.
 *
 * @category combinators
 * @since 0.1.0
 */
export const normal = Effect.fnUntraced(function*<const Name extends string, Input, ContextInput, E, R>(
  root: Command.Command<Name, Input, ContextInput, E, R>,
  args: ReadonlyArray<string>
) {
  const path: Array<string> = []
  const known: Array<string> = []
  const values: Array<string> = []
  let doc = yield* described(root, path)
  for (let i = 0; doc !== undefined && i < args.length; i++) {
    const arg = args[i]!
    if (arg === "--") {
      values.push(...args.slice(i + 1))
      break
    }
    const flag = flagsOf(doc).get(arg.split("=", 1)[0]!)
    const { subcommands } = doc
    if (flag?.takesValue === true && !arg.includes("=") && i + 1 < args.length) known.push(`${flag.name}=${args[++i]}`)
    else if (flag !== undefined || longFlag.test(arg)) known.push(arg)
    else if (subcommands === undefined) values.push(arg)
    else if (subcommands.some(({ commands }) => commands.some(({ alias, name }) => arg === name || arg === alias))) {
      known.push(arg)
      path.push(arg)
      doc = yield* described(root, path)
    } else return [...known, ...args.slice(i)]
  }
  return values.length === 0 ? known : [...known, "--", ...values]
})

/**
 * Whether a flag that takes no value is set, in arguments of that form.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isSet = (normal: ReadonlyArray<string>, flag: string): boolean => {
  const end = normal.indexOf("--")
  return normal.slice(0, end === -1 ? undefined : end).some((arg) => arg === `--${flag}` || arg === `--${flag}=true`)
}
