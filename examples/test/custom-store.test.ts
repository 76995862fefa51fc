// @module-tag slow
import { assert, describe, it } from "@effect/vitest"
import { MemoryBank, MemoryStore, Scope } from "@memory-r1/core"
import { journalLaws, memoryStoreLaws } from "@memory-r1/core/testing"
import { Effect, Layer } from "effect"
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as FolderStore from "../support/FolderStore.ts"

const { Add, Update } = MemoryBank.Edit
const fresh = () => mkdtempSync(join(tmpdir(), "memory-r1-folder-store-"))

memoryStoreLaws("a folder", Layer.suspend(() => FolderStore.layer(fresh())))
journalLaws("a folder", Effect.sync(() => FolderStore.journal(fresh())))

const opened = (folder: string) => Effect.provide(MemoryStore.MemoryStore, Layer.fresh(FolderStore.layer(folder)))
const scope = Scope.make({ user: "ann" })
const texts = (bank: MemoryBank.MemoryBank) => MemoryBank.memories(bank).map(({ text }) => text)
const bytes = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
    .join("\n")

describe("FolderStore", () => {
  it.live("keeps what was erased, reverted, adopted and forked over a restart, and no erased byte", () =>
    Effect.gen(function*() {
      const folder = fresh()
      const store = yield* opened(folder)
      const add = (text: string) => Add({ memory: { text } })
      const { edits } = yield* store.commit(scope, { base: 0, edits: [add("Ann lives in Oslo"), add("a secret")] })
      const [home, secret] = edits.flatMap((edit) => edit._tag === "Add" ? [edit.id!] : [])
      yield* store.commit(scope, { base: 1, edits: [Update({ id: home!, text: "Ann lives in Bergen" })] })
      const other = Scope.make({ user: "copy" })
      yield* store.erase(scope, secret!)
      yield* store.revert(scope, 1)
      yield* store.fork(scope, other)
      yield* store.commit(other, { base: 4, edits: [add("Ann plays chess")] })
      const again = yield* opened(folder)
      for (const where of [scope, other]) {
        assert.deepStrictEqual(yield* again.current(where), yield* store.current(where))
        assert.deepStrictEqual(yield* again.log(where), yield* store.log(where))
      }
      assert.deepStrictEqual(texts((yield* again.current(scope)).bank), ["Ann lives in Oslo"])
      assert.deepStrictEqual(texts((yield* again.current(other)).bank), ["Ann lives in Oslo", "Ann plays chess"])
      assert.notInclude(bytes(folder), "a secret")
      assert.include(bytes(folder), "Bergen")
    }))

  it.live("shows another process's commits, and lets one of two writers be first", () =>
    Effect.gen(function*() {
      const folder = fresh()
      const [one, other] = [yield* opened(folder), yield* opened(folder)]
      const edits = [Add({ memory: { text: "Ann lives in Oslo" } })]
      const ended = yield* Effect.forEach([one, other], (store) =>
        Effect.result(store.commit(scope, { base: 0, edits })), { concurrency: "unbounded" })
      assert.deepStrictEqual(
        ended.map(({ _tag }) =>
          _tag
        ).sort(),
        ["Failure", "Success"]
      )
      assert.deepStrictEqual(texts((yield* other.current(scope)).bank), ["Ann lives in Oslo"])
      assert.deepStrictEqual(texts((yield* one.current(scope)).bank), ["Ann lives in Oslo"])
    }))

  it.live("reads nothing of a commit that a killed process did not finish, and removes it with the next erasure", () =>
    Effect.gen(function*() {
      const folder = fresh()
      const store = yield* opened(folder)
      const { edits } = yield* store.commit(scope, { base: 0, edits: [Add({ memory: { text: "Ann has a cat" } })] })
      const [path] = readdirSync(folder)
      const { pid } = spawnSync("true")
      mkdirSync(join(folder, path!), { recursive: true })
      writeFileSync(join(folder, path!, `.${pid}.half`), "{\"_tag\":\"Committed\",\"revision\":2,\"text\":\"hal")
      const again = yield* opened(folder)
      assert.strictEqual((yield* again.current(scope)).revision, 1)
      assert.strictEqual(edits[0]!._tag, "Add")
      yield* again.commit(scope, { base: 1, edits: [Add({ memory: { text: "Ann has a dog" } })] })
      yield* again.erase(scope, MemoryBank.memories((yield* again.current(scope)).bank)[0]!.id)
      assert.deepStrictEqual(texts((yield* again.current(scope)).bank), ["Ann has a dog"])
      assert.notInclude(bytes(folder), "\"hal")
      assert.notInclude(bytes(folder), "cat")
    }))
})
