import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { DataFile } from "@memory-r1/core/rl"
import { RunFolder } from "@memory-r1/trainer"
import { Effect, FileSystem, Path, type Scope } from "effect"
import { execFileSync, spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"

const inFolder = Effect.gen(function*() {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const folder = yield* files.makeTempDirectoryScoped()
  const put = (name: string, text: string) => files.writeFileString(path.join(folder, name), text)
  return { files, folder, lock: path.join(folder, "run.lock"), put }
})

const living = <A, E>(run: Effect.Effect<A, E, NodeServices.NodeServices | Scope.Scope>) =>
  run.pipe(Effect.scoped, Effect.provide(NodeServices.layer))

const deadProcess = () => {
  const output = execFileSync(process.execPath, ["-p", "process.pid"], { encoding: "utf8" })
  return Number(output)
}

describe("RunFolder.locked", () => {
  it.live("keeps the folder as long as the scope is open, then leaves no file", () =>
    living(Effect.gen(function*() {
      const { files, folder, lock } = yield* inFolder
      yield* Effect.scoped(Effect.gen(function*() {
        yield* RunFolder.locked(folder)
        assert.strictEqual(yield* files.readFileString(lock), `${process.pid}`)
      }))
      assert.deepStrictEqual(yield* files.readDirectory(folder), [])
    })))

  it.live("refuses a folder that a living process writes, and leaves its lock", () =>
    living(Effect.gen(function*() {
      const { files, folder, lock, put } = yield* inFolder
      const other = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60000)"])
      yield* Effect.addFinalizer(() => Effect.sync(() => other.kill("SIGKILL")))
      yield* put("run.lock", `${other.pid}`)
      const error = yield* Effect.flip(Effect.scoped(RunFolder.locked(folder)))
      assert.strictEqual(error._tag, "RunExists")
      assert.include(error.message, `process ${other.pid} is running in it`)
      assert.strictEqual(yield* files.readFileString(lock), `${other.pid}`)
    })))

  for (const [name, text] of [["a killed process", () => `${deadProcess()}`], ["a full disk", () => ""]] as const) {
    it.live(`takes over the lock that ${name} left behind`, () =>
      living(Effect.gen(function*() {
        const { files, folder, lock, put } = yield* inFolder
        yield* put("run.lock", text())
        yield* RunFolder.locked(folder)
        assert.strictEqual(yield* files.readFileString(lock), `${process.pid}`)
        assert.deepStrictEqual(yield* files.readDirectory(folder), ["run.lock"])
      })))
  }

  it.live("lets one of eight processes in that start together over a stale lock", () =>
    living(Effect.gen(function*() {
      const { files, folder, put } = yield* inFolder
      yield* put("run.lock", `${deadProcess()}`)
      const script = fileURLToPath(new URL("./support/lockRun.ts", import.meta.url))
      const children = Array.from({ length: 8 }, () => {
        const child = spawn(process.execPath, [script, folder], { stdio: ["pipe", "pipe", "inherit"] })
        const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
        return { child, next: Effect.promise(async () => String((await lines.next()).value)) }
      })
      yield* Effect.addFinalizer(() => Effect.sync(() => children.forEach(({ child }) => child.kill("SIGKILL"))))
      const all = Effect.all(children.map(({ next }) => next), { concurrency: "unbounded" })
      assert.deepStrictEqual(new Set(yield* all), new Set(["ready"]))
      // All of them at once.
      children.forEach(({ child }) => child.stdin.write("go\n"))
      const outcomes = yield* all
      assert.deepStrictEqual(outcomes.toSorted(), [...new Array<string>(7).fill("RunExists"), "locked"])
      assert.deepStrictEqual(yield* files.readDirectory(folder), ["run.lock"])
      children.forEach(({ child }) => child.stdin.end())
    })), 60_000)
})

describe("RunFolder.read", () => {
  it.effect("reads what is there, and counts the lines that are broken", () =>
    living(Effect.gen(function*() {
      const { folder, put } = yield* inFolder
      yield* put("metrics.jsonl", "{\"stage\":\"manager\",\"step\":1,\"reward\":0.5}\n{\"stage\":\"mana")
      const contents = yield* RunFolder.read(folder)
      assert.deepStrictEqual(contents.metrics, [{ stage: "manager", step: 1, values: new Map([["reward", 0.5]]) }])
      assert.deepStrictEqual([contents.run, contents.status, contents.transcripts], [undefined, undefined, []])
      assert.lengthOf(contents.skipped, 1)
    })))

  it.effect("refuses a folder that holds no run", () =>
    living(Effect.gen(function*() {
      const { folder } = yield* inFolder
      const error = yield* Effect.flip(RunFolder.read(folder))
      assert.instanceOf(error, DataFile.FileUnusable)
      assert.include(error.message, "no run folder")
    })))
})

describe("RunFolder.clear", () => {
  it.effect("removes what an earlier run has left, but nothing that can resume", () =>
    living(Effect.gen(function*() {
      const { files, folder, put } = yield* inFolder
      yield* put("report.html", "<p>")
      yield* RunFolder.clear(folder)
      assert.deepStrictEqual(yield* files.readDirectory(folder), [])
    })))
})
