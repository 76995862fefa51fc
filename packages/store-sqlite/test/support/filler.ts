// A program that writes until it fails, says why, and looks whether what it has written can be read: node filler.ts
// FILE
import { MemoryBank, MemoryStore, Scope } from "@memory-r1/core"
import { SqliteStore } from "@memory-r1/store-sqlite"
import * as Effect from "effect/Effect"

const [file = "", most = "100000"] = process.argv.slice(2)
const scope = Scope.make({ user: "ann" })

const program = Effect.gen(function*() {
  const store = yield* MemoryStore.MemoryStore
  let { revision } = yield* store.current(scope)
  const before = revision
  const write = Effect.suspend(() => {
    const words = Array.from({ length: 200 }, (_, i) => `word${(revision * 31 + i * 7) % 5000}`).join(" ")
    return store.commit(scope, {
      base: revision,
      edits: [MemoryBank.Edit.Add({ memory: { text: `note ${revision} ${words}` } })]
    })
  })
  const error = yield* Effect.gen(function*() {
    while (revision < before + Number(most)) revision = (yield* write).revision
  }).pipe(Effect.flip, Effect.catch(() => Effect.succeed(undefined)))
  const listed = yield* store.list(scope)
  const found = revision === 0 ? [] : (yield* store.search(scope, { text: `note ${revision - 1}`, limit: 1 })).memories
  return {
    error: error === undefined ? undefined : { ...error, message: error.message, cause: undefined },
    revision,
    listed: listed.length,
    found: found[0]?.memory.text.slice(0, 20)
  }
})

const result = await Effect.runPromise(Effect.result(Effect.provide(program, SqliteStore.layer({ file }))))
console.log(
  JSON.stringify(
    result._tag === "Success"
      ? result.success
      : { error: { ...result.failure, message: result.failure.message, cause: undefined } }
  )
)
