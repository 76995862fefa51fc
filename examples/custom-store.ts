// Your own store: support/FolderStore.ts keeps a log in a folder, in about 60 lines. Programs that use MemoryStore do
// not change. `memoryStoreLaws` of @memory-r1/core/testing says whether a store keeps its promises.
// Run: node examples/custom-store.ts
import { MemoryBank, MemoryStore, Scope } from "@memory-r1/core"
import { Effect } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as FolderStore from "./support/FolderStore.ts"

const folder = mkdtempSync(join(tmpdir(), "memory-r1-custom-store-"))
const scope = Scope.make({ user: "ann" })

const remember = Effect.gen(function*() {
  const store = yield* MemoryStore.MemoryStore
  yield* store.commit(scope, {
    base: 0,
    edits: [MemoryBank.Edit.Add({ memory: { text: "Ann has a dog named Buddy" } })]
  })
})
const recall = Effect.gen(function*() {
  const store = yield* MemoryStore.MemoryStore
  for (const { memory } of yield* store.list(scope)) console.log(memory.id, memory.text)
})

// The second part is what another process sees.
for (const part of [remember, recall]) await Effect.runPromise(Effect.provide(part, FolderStore.layer(folder)))
rmSync(folder, { recursive: true })
