// The real program in a process of its own.
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { join } from "node:path"
import * as Built from "./built.ts"

/** A start takes half a second, on a busy machine far longer. */
export const timeout = 900_000

/** A token that the environment of every run has and that nothing may show. */
export const secret = "hf_qPz7VtW1xLk9Rc"

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

interface Options {
  readonly interruptWhen?: (() => boolean) | undefined
  readonly killAfter?: number | undefined
  readonly env?: Readonly<Record<string, string>> | undefined
}

/**
 * Runs it in a folder. With `interruptWhen` it gets what Ctrl-C sends, once that is so; with `killAfter` it is killed
 * after so many milliseconds; `env` adds to its environment.
 */
export const run = (cwd: string, args: ReadonlyArray<string>, options: Options = {}) =>
  Effect.flatMap(Effect.promise(Built.program), (program) => started(program, cwd, args, options))

const started = (program: string, cwd: string, args: ReadonlyArray<string>, options: Options) =>
  Effect.callback<Finished>((resume) => {
    const { FORCE_COLOR: _, ...inherited } = process.env
    const env = {
      ...inherited,
      NO_COLOR: "1",
      HF_TOKEN: secret,
      HF_HUB_OFFLINE: "1",
      HF_HOME: join(cwd, "hf"),
      ...options.env
    }
    const child = spawn(process.execPath, [program, ...args], { cwd, env, stdio: ["ignore", "pipe", "pipe"] })
    const written = { stdout: "", stderr: "" }
    for (const stream of ["stdout", "stderr"] as const) {
      child[stream].setEncoding("utf8").on("data", (text: string) => {
        written[stream] += text
      })
    }
    const polling = setInterval(() => {
      if (options.interruptWhen?.() !== true) return
      clearInterval(polling)
      child.kill("SIGINT")
    }, 20)
    const killing = options.killAfter === undefined
      ? undefined
      : setTimeout(() => child.kill("SIGKILL"), options.killAfter)
    child.on("close", (code) => {
      clearInterval(polling)
      clearTimeout(killing)
      resume(Effect.sync(() => {
        assert.notInclude(written.stdout + written.stderr, secret)
        return { code, ...written }
      }))
    })
    return Effect.sync(() => {
      clearInterval(polling)
      child.kill("SIGKILL")
    })
  })

/** What a failed run said on stderr. It said nothing on stdout and showed no stack. */
export const failure = (code: 1 | 2, { stderr, ...finished }: Finished): string => {
  assert.deepStrictEqual({ ...finished, stderr }, { code, stdout: "", stderr })
  assert.notMatch(stderr, /^\s+at .*:\d+:\d+/m)
  assert.strictEqual(stderr.endsWith("\nSee: memory-r1 --help\n"), code === 2, stderr)
  return stderr
}

/** The one JSON document on stdout of a run that did what it should. */
export const document = ({ code, stderr, stdout }: Finished): unknown => {
  assert.strictEqual(code, 0, stderr)
  assert.match(stdout, /^.+\n$/)
  return JSON.parse(stdout)
}

/** Runs two at a time and gives what each made of its result. */
export const table = <A, B, E, R>(rows: ReadonlyArray<A>, of: (row: A) => Effect.Effect<B, E, R>) =>
  Effect.forEach(rows, of, { concurrency: 2 })
