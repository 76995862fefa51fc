/**
 * The program: parses, runs, and turns what happened into an exit code. 0 done, 1 failed, 2 wrong usage, 130
 * interrupted.
 *
 * @since 0.1.0
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import * as CliError from "effect/cli/CliError"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import manifest from "../package.json" with { type: "json" }
import * as Arguments from "./Arguments.ts"
import * as Bench from "./commands/bench.ts"
import { Json } from "./Output.ts"
import * as Progress from "./Progress.ts"
import * as Root from "./root.ts"

const say = (line: string): void => void process.stderr.write(`${line}\n`)

const describe = (error: unknown): string =>
  error instanceof Error && error.message !== "" ? error.message : String(error)

/**
 * One clear message for a failure, and its exit code. Stacks are shown only with `--verbose`.
 *
 * @category running
 * @since 0.1.0
 */
export const report = (
  cause: Cause.Cause<unknown>,
  verbose: boolean
): { readonly message: string | undefined; readonly code: number } => {
  if (Cause.hasInterruptsOnly(cause)) return { message: "interrupted", code: 130 }
  const error = Option.getOrUndefined(Cause.findErrorOption(cause))
  if (CliError.isCliError(error)) {
    const errors = error._tag === "ShowHelp" ? error.errors : [error]
    // Help that was asked for is no error.
    if (errors.length === 0) return { message: undefined, code: 0 }
    return { message: `${errors.map(describe).join("\n")}\nSee: memory-r1 --help`, code: 2 }
  }
  return { message: verbose ? Cause.pretty(cause) : describe(error ?? Cause.squash(cause)), code: 1 }
}

// Wrong usage is reported at the end, on stderr and in few words; stdout is for results and for help that was asked
// for.
const presenter: CliOutput.Presenter = {
  present: (event) => event._tag === "InvalidInvocation" ? Effect.void : CliOutput.defaultPresenter.present(event)
}

/**
 * Runs the program with arguments as they stand after its name.
 *
 * @category running
 * @since 0.1.0
 */
export const main = (args: ReadonlyArray<string>): void => {
  let isVerbose = false
  const program = Effect.gen(function*() {
    const root = Root.root(yield* Bench.load(args))
    const normal = yield* Arguments.normal(root, args)
    isVerbose = Arguments.isSet(normal, "verbose")
    const run = Command.runWith(root, { version: manifest.version })(normal)
    yield* Effect.provideService(run, Json, Arguments.isSet(normal, "json"))
  }).pipe(
    Effect.provideService(CliOutput.Presenter, presenter),
    // Stdout is for results.
    Effect.provideService(Logger.LogToStderr, true),
    Effect.provide([Progress.layer, NodeServices.layer])
  )
  NodeRuntime.runMain(program, {
    disableErrorReporting: true,
    teardown: (exit, onExit) => {
      if (Exit.isSuccess(exit)) return onExit(0)
      const { code, message } = report(exit.cause, isVerbose)
      if (message !== undefined) say(message)
      onExit(code)
    }
  })
}
