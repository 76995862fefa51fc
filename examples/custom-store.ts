// A store of one's own behind the same service: here a file of JSON lines beside the in-memory store. Programs that use
// MemoryStore do not change. `memoryStoreLaws` in @memory-r1/core/testing says whether a store keeps its promises.
// Run: node examples/custom-store.ts
import { NodeServices } from "@effect/platform-node"
import { MemoryBank, MemoryStore, Scope } from "@memory-r1/core"
import { Effect, FileSystem, Layer } from "effect"

/** Appends every commit to a file, and replays the file when it starts. */
const layerJsonLines = (file: string) =>
  Layer.effect(
    MemoryStore.MemoryStore,
    Effect.gen(function*() {
      const files = yield* FileSystem.FileSystem
      const inner = yield* MemoryStore.MemoryStore
      const lines = (yield* files.exists(file))
        ? (yield* files.readFileString(file)).split("\n").filter((line) => line !== "")
        : []
      for (const line of lines) {
        const { edits, scope } = JSON.parse(line) as {
          readonly scope: Scope.Scope
          readonly edits: ReadonlyArray<MemoryBank.Edit>
        }
        yield* inner.commit(scope, { base: (yield* inner.current(scope)).revision, edits })
      }
      return MemoryStore.MemoryStore.of({
        ...inner,
        commit: Effect.fnUntraced(function*(scope, commit) {
          const committed = yield* inner.commit(scope, commit)
          yield* Effect.orDie(
            files.writeFileString(file, `${JSON.stringify({ scope, edits: commit.edits })}\n`, { flag: "a" })
          )
          return committed
        })
      })
    })
  ).pipe(Layer.provide(MemoryStore.layerInMemory))

const program = Effect.gen(function*() {
  const files = yield* FileSystem.FileSystem
  const file = `${yield* files.makeTempDirectoryScoped()}/memories.jsonl`
  const scope = Scope.make({ user: "ann" })
  const add = MemoryBank.Edit.Add({ memory: { text: "Ann has a dog named Buddy", speaker: "Ann" } })

  yield* Effect.provide(
    MemoryStore.MemoryStore.use((store) => store.commit(scope, { base: 0, edits: [add] })),
    layerJsonLines(file)
  )
  // A new store over the same file has the memory.
  const found = yield* Effect.provide(
    MemoryStore.MemoryStore.use((store) => store.search(scope, { text: "dog", limit: 1 })),
    layerJsonLines(file)
  )
  console.log(found.memories.map(({ memory }) => `${memory.id} ${memory.text}`).join("\n"))
})

await Effect.runPromise(program.pipe(Effect.scoped, Effect.provide(NodeServices.layer)))
