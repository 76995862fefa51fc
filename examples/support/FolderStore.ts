// A store from nothing but a log: a folder per scope, with a file for every commit.
import { MemoryLog, MemoryStore } from "@memory-r1/core"
import { Journal } from "@memory-r1/core/store"
import { Effect, Schema } from "effect"
import { createHash, randomUUID } from "node:crypto"
import { link, mkdir, open, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"

const Entries = Schema.Array(MemoryLog.EntryJson)
const isRunning = (pid: number) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** A file is named by the first revision that is new in it. One that begins with revision 1 is a whole log. */
export const journal = (folder: string): Journal.Journal => {
  const pathOf = (scope: string) => join(folder, createHash("sha256").update(scope).digest("hex"))
  const namesIn = async (path: string) => (await readdir(path).catch(() => [])).sort().reverse()
  // The files from the last whole log on, those of them that hold revisions after `after`.
  const filesIn = async (path: string, after: number) => {
    const files: Array<{ readonly name: string; readonly entries: ReadonlyArray<MemoryLog.Entry> }> = []
    for (const name of (await namesIn(path)).filter((name) => /^\d+$/.test(name))) {
      if (Number(name) <= after || files[0]?.entries[0]!.revision === 1) break
      const text = await readFile(join(path, name), "utf8")
      files.unshift({ name, entries: Schema.decodeUnknownSync(Entries)(text.trimEnd().split("\n")) })
    }
    return files
  }
  const write = async (scope: string, entries: ReadonlyArray<MemoryLog.Entry>, first: number) => {
    const unfinished = join(pathOf(scope), `.${process.pid}.${randomUUID()}`)
    await mkdir(pathOf(scope), { recursive: true })
    await writeFile(unfinished, `${Schema.encodeSync(Entries)(entries).join("\n")}\n`, { flush: true })
    await using directory = await open(pathOf(scope))
    // Fails where the name is taken: of two writers, one is first.
    const target = join(pathOf(scope), String(first).padStart(12, "0"))
    const isFirst = await link(unfinished, target).then(() => true, (error) => {
      if (error.code === "EEXIST") return false
      throw error
    }).finally(() => rm(unfinished))
    await directory.sync()
    return isFirst
  }
  // What is before the last whole log, and what a killed process did not finish.
  const purge = async () => {
    for (const path of (await namesIn(folder)).map((name) => join(folder, name))) {
      const kept = (await filesIn(path, 0)).map(({ name }) => name)
      const isKept = (name: string) => kept.includes(name) || isRunning(Number(name.split(".")[1]))
      for (const name of await namesIn(path)) if (!isKept(name)) await rm(join(path, name), { force: true })
    }
  }
  return Journal.fromLog({
    name: folder,
    read: (scope, after) =>
      Effect.map(
        Effect.tryPromise(() => filesIn(pathOf(scope), after)),
        (files) => files.flatMap(({ entries }) => entries).filter(({ revision }) => revision > after)
      ),
    append: (scope, entries) => Effect.tryPromise(() => write(scope, entries, entries[0]!.revision)),
    rewrite: (scope, entries) => Effect.tryPromise(() => write(scope, entries, entries.at(-1)!.revision)),
    purge: Effect.tryPromise(purge)
  })
}

export const layer = (folder: string) => MemoryStore.layerJournal(Effect.succeed(journal(folder)))
