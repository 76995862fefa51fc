// A program that writes until it is killed. Commit n adds the memory n and replaces the counter; what it has committed
// it tells on its standard output. node writer.ts FILE SCOPE COMMITS: so many commits, or no end of them with 0;
// several may write to one scope.
import { MemoryBank, MemoryStore, Scope } from "@memory-r1/core"
import { SqliteStore } from "@memory-r1/store-sqlite"
import * as Effect from "effect/Effect"
import { writeSync } from "node:fs"

const [file = "", user = "", commits = "0", writers = "1"] = process.argv.slice(2)
const { Add, Supersede } = MemoryBank.Edit
const scope = Scope.make({ user })

const program = Effect.gen(function*() {
  const store = yield* MemoryStore.MemoryStore
  let left = Number(commits) === 0 ? Number.POSITIVE_INFINITY : Number(commits)
  const writer = Effect.gen(function*() {
    while (left > 0) {
      left--
      yield* Effect.gen(function*() {
        // What everybody counts up, and a note of one's own.
        const { memories: [counter], revision } = yield* store.search(scope, {
          text: "counter",
          limit: 1,
          speaker: "counter"
        })
        const next = counter === undefined ? 1 : Number(counter.memory.text.split(" ")[1]) + 1
        const text = `counter ${next}`
        const edits = [
          counter === undefined
            ? Add({ memory: { text, speaker: "counter" } })
            : Supersede({ id: counter.memory.id, memory: { text, speaker: "counter" } }),
          Add({ memory: { text: `note ${next} of ${process.pid}`, speaker: "notes" } })
        ]
        yield* store.commit(scope, { base: revision, edits })
        writeSync(1, `${next}\n`)
      }).pipe(Effect.retry({ while: (error) => error._tag === "Conflict" }))
    }
  })
  yield* Effect.all(Array.from({ length: Number(writers) }, () => writer), { concurrency: "unbounded" })
})

await Effect.runPromise(Effect.provide(program, SqliteStore.layer({ file })))
