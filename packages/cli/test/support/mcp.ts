// The official MCP client at the real program in a process of its own.
import { Client } from "@modelcontextprotocol/sdk/client/index.js"
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js"
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js"
import { Effect, Schema } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { join } from "node:path"

const bin = join(import.meta.dirname, "../../bin/memory-r1.js")

/** What a tool said. */
export interface Said {
  readonly failed: boolean
  /** The document that came with it, decoded by the caller. */
  readonly document: unknown
  readonly text: string
}

const Content = Schema.Struct({
  isError: Schema.optionalKey(Schema.Boolean),
  structuredContent: Schema.optionalKey(Schema.Unknown),
  content: Schema.Array(Schema.Struct({ type: Schema.Literal("text"), text: Schema.String }))
})

/** A client over a transport, closed with the scope. */
export const over = Effect.fnUntraced(function*(transport: Transport) {
  const client = new Client({ name: "test", version: "1.0.0" })
  yield* Effect.acquireRelease(
    Effect.promise(() => client.connect(transport)),
    () => Effect.promise(() => client.close())
  )
  const call = (name: string, args: Record<string, unknown> = {}) =>
    Effect.map(Effect.promise(() => client.callTool({ name, arguments: args })), (result): Said => {
      const { content, isError = false, structuredContent } = Schema.decodeUnknownSync(Content)(result)
      return { failed: isError, document: structuredContent, text: content.map(({ text }) => text).join("") }
    })
  return { client, call }
})

/** A client and its server on a file. */
export const stdio = (folder: string, ...args: ReadonlyArray<string>) =>
  over(
    new StdioClientTransport({
      command: process.execPath,
      args: [bin, "mcp", ...args],
      cwd: folder,
      stderr: "inherit",
      env: { PATH: process.env["PATH"] ?? "" }
    })
  )

export interface Server {
  readonly child: ChildProcess
  readonly written: { stdout: string; stderr: string }
  /** Waits until something stands on stdout or stderr. */
  readonly until: (stream: "stdout" | "stderr", words: RegExp) => Effect.Effect<RegExpExecArray>
  /** Its exit code, when it has ended. */
  readonly ended: Effect.Effect<number | null>
}

/** A server to be talked to by hand. */
export const server = (folder: string, ...args: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.sync((): Server => {
      const child = spawn(process.execPath, [bin, "mcp", ...args], { cwd: folder, stdio: ["pipe", "pipe", "pipe"] })
      const written = { stdout: "", stderr: "" }
      for (const stream of ["stdout", "stderr"] as const) {
        child[stream].setEncoding("utf8").on("data", (text: string) => {
          written[stream] += text
        })
      }
      const closed = new Promise<number | null>((resolve) => child.on("close", resolve))
      const until: Server["until"] = (stream, words) =>
        Effect.gen(function*() {
          for (;;) {
            const found = words.exec(written[stream])
            if (found !== null) return found
            if (child.exitCode !== null) {
              return yield* Effect.die(new Error(`it ended without ${words}: ${written.stdout}${written.stderr}`))
            }
            yield* Effect.sleep("10 millis")
          }
        })
      return { child, written, until, ended: Effect.promise(() => closed) }
    }),
    ({ child, ended }) => {
      child.kill("SIGKILL")
      return ended
    }
  )
