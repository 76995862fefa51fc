// Programs of their own, as one file each, so that a start takes a twentieth of a second.
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { build } from "vite"

/** Builds `test/support/NAME.ts`, and gives the file to run. */
export const built = (name: string): Effect.Effect<string> =>
  Effect.promise(async () => {
    // Beside the package's dependencies, so that those that are not built in are found.
    const directory = join(import.meta.dirname, "../../node_modules/.built", name)
    mkdirSync(directory, { recursive: true })
    await build({
      configFile: false,
      logLevel: "error",
      ssr: { noExternal: true, external: ["sqlite-vec"] },
      build: {
        ssr: join(import.meta.dirname, `${name}.ts`),
        outDir: directory,
        target: "node22",
        rollupOptions: { output: { entryFileNames: "main.mjs" } }
      }
    })
    return join(directory, "main.mjs")
  })

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs a program to its end. It is killed so many milliseconds after its start (`killAfter`) or after its first output
 * (`killOnOutput`), or once `killWhen` says so, which is asked every millisecond.
 */
export const run = (
  command: string,
  args: ReadonlyArray<string>,
  options: {
    readonly killAfter?: number | undefined
    readonly killOnOutput?: number | undefined
    readonly killWhen?: (() => boolean) | undefined
  } = {}
): Effect.Effect<Ended> =>
  Effect.callback<Ended>((resume) => {
    const child = spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NODE_COMPILE_CACHE: join(import.meta.dirname, "../../node_modules/.built/compiled") }
    })
    let [stdout, stderr] = ["", ""]
    const timers: Array<NodeJS.Timeout> = []
    const kill = (after: number | undefined): void => {
      if (after !== undefined) timers.push(setTimeout(() => child.kill("SIGKILL"), after))
    }
    kill(options.killAfter)
    const { killWhen } = options
    if (killWhen !== undefined) timers.push(setInterval(() => killWhen() && child.kill("SIGKILL"), 1))
    child.stdout.on("data", (data: Buffer) => {
      if (stdout === "") kill(options.killOnOutput)
      stdout += data
    })
    child.stderr.on("data", (data: Buffer) => stderr += data)
    child.on("close", (code, signal) => {
      timers.forEach(clearTimeout)
      resume(Effect.succeed({ code, signal, stdout, stderr }))
    })
    return Effect.sync(() => child.kill("SIGKILL"))
  })
