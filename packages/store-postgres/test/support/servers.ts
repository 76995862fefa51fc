// Servers for the tests: PostgreSQL where its programs are on this machine, and PGlite, which is PostgreSQL with
// pgvector inside this process.
import { PGlite } from "@electric-sql/pglite"
import { vector } from "@electric-sql/pglite-pgvector"
import { PGLiteSocketServer } from "@electric-sql/pglite-socket"
import { Effect, Redacted } from "effect"
import { execFileSync, spawn, spawnSync } from "node:child_process"
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { postgresql } from "../../../../tools/testing/needs.ts"

const freePort = () =>
  Effect.callback<number>((resume) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { readonly port: number }
      server.close(() => resume(Effect.succeed(port)))
    })
  })

export const password = "not-to-be-seen"

export interface Server {
  readonly url: Redacted.Redacted
  readonly port: number
  readonly directory: string
  /** As a power cut ends it. */
  readonly kill: Effect.Effect<void>
  readonly start: Effect.Effect<void>
}

/**
 * A server of its own in a temporary directory, on a free port of the loopback interface. It goes with the scope. With
 * `small` it has a folder of that name where 4 MB fit.
 */
export const postgres = Effect.fnUntraced(function*(small = false) {
  const directory = mkdtempSync(join(tmpdir(), "memory-r1-postgres-"))
  yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(directory, { recursive: true, force: true })))
  // The server refuses to run as the superuser.
  const nobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}
  const secret = join(directory, "password")
  writeFileSync(secret, password)
  if (nobody.uid !== undefined) { for (const path of [directory, secret]) chownSync(path, nobody.uid, nobody.gid) }
  const data = join(directory, "data")
  if (small) mkdirSync(join(directory, "small"))
  const options = { ...nobody, cwd: directory, env: { ...process.env, LC_ALL: "C" } }
  execFileSync(join(postgresql.path!, "initdb"), [
    "-D",
    data,
    "-U",
    "memory",
    "--auth=scram-sha-256",
    `--pwfile=${secret}`,
    "--encoding=UTF8",
    "--no-sync"
  ], { ...options, stdio: "pipe" })
  const port = yield* freePort()
  let running: ReturnType<typeof spawn> | undefined
  const pid = join(data, "postmaster.pid")
  const ready = () => existsSync(pid) && readFileSync(pid, "utf8").includes("ready")
  const start = Effect.gen(function*() {
    const server = [
      join(postgresql.path!, "postgres"),
      "-D",
      data,
      "-p",
      String(port),
      "-k",
      directory,
      "-c",
      "listen_addresses=127.0.0.1",
      "-c",
      "max_connections=40"
    ]
    // In a name space of its own, where a small file system can be mounted.
    running = small
      ? spawn("unshare", [
        "-m",
        "sh",
        "-c",
        `mount -t tmpfs -o size=4m,uid=65534 tmpfs "$0" && exec setpriv --reuid 65534 --regid 65534 --clear-groups ` +
        `"$@"`,
        join(directory, "small"),
        ...server
      ], {
        stdio: "ignore"
      })
      : spawn(server[0]!, server.slice(1), { ...options, stdio: "ignore" })
    for (let i = 0; i < 500 && !ready(); i++) yield* Effect.sleep("20 millis")
  })
  const end = (signal: NodeJS.Signals) =>
    Effect.callback<void>((resume) => {
      if (running === undefined || running.exitCode !== null || running.signalCode !== null) return resume(Effect.void)
      running.once("exit", () => resume(Effect.void))
      running.kill(signal)
    })
  yield* Effect.addFinalizer(() => end("SIGINT"))
  yield* start
  return {
    url: Redacted.make(`postgresql://memory:${password}@127.0.0.1:${port}/postgres`),
    port,
    directory,
    start,
    // The postmaster is killed, and its children see that it is gone.
    kill: Effect.andThen(
      end("SIGKILL"),
      Effect.gen(function*() {
        for (let i = 0; i < 500 && spawnSync("pgrep", ["-f", data]).status === 0; i++) yield* Effect.sleep("20 millis")
        rmSync(pid, { force: true })
        rmSync(join(directory, `.s.PGSQL.${port}`), { force: true })
      })
    )
  } satisfies Server as Server
})

/**
 * PGlite with pgvector, over its socket server. It has one session, so the pool has one
 * connection; one that is being closed may still be there.
 */
export const pglite = Effect.fnUntraced(
  function*(
    { dataDir, hasVectors = true }: {
      readonly dataDir?: string | undefined
      readonly hasVectors?: boolean | undefined
    } = {}
  ) {
    const db = yield* Effect.acquireRelease(
      Effect.promise(() =>
        PGlite.create({
          ...(dataDir === undefined ? {} : { dataDir }),
          ...(hasVectors ? { extensions: { vector } } : {})
        })
      ),
      (db) => Effect.promise(() => db.close())
    )
    const port = yield* freePort()
    yield* Effect.acquireRelease(
      Effect.promise(async () => {
        const server = new PGLiteSocketServer({ db, port, host: "127.0.0.1", maxConnections: 4 })
        await server.start()
        return server
      }),
      (server) => Effect.promise(() => server.stop())
    )
    return { url: Redacted.make(`postgresql://postgres@127.0.0.1:${port}/postgres`), maxConnections: 1 }
  }
)
