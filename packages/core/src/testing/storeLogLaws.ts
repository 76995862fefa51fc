import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as MemoryBank from "../MemoryBank.ts"
import { replay } from "../MemoryLog.ts"
import { MemoryStore } from "../MemoryStore.ts"
import { add, commit, everything, failed, freshScope, idOf, ids, story, texts } from "./storeSupport.ts"

const { Delete, Update } = MemoryBank.Edit

/**
 * How the log keeps every revision: fold, list, `asOf`, `revert`, `fork` and `history`; a part of `memoryStoreLaws`.
 */
export const storeLogLaws = <E>(name: string, live: Layer.Layer<MemoryStore, E>): void => {
  layer(live, { excludeTestServices: true })(`MemoryStore laws: ${name}, the log`, (it) => {
    it.effect("the log folds to the bank, after every kind of change", () =>
      Effect.gen(function*() {
        const store = yield* MemoryStore
        const scope = yield* freshScope
        const { banks, dog } = yield* story(scope)
        const told = yield* store.log(scope)
        for (const [at, { created }] of banks.entries()) {
          assert.strictEqual(
            replay(told, at).created,
            created,
            `the fold of ${at} entries would give ids that were given before`
          )
        }
        yield* store.erase(scope, dog)
        const log = yield* store.log(scope)
        const { bank, revision } = yield* store.current(scope)
        assert.deepStrictEqual(MemoryBank.memories(replay(log)), MemoryBank.memories(bank))
        assert.strictEqual(replay(log).created, bank.created, "the fold would give ids that were given before")
        assert.deepStrictEqual(log.map((entry) => entry.revision), Array.from({ length: revision }, (_, i) => i + 1))
        log.reduce((last, { at }) => (assert.isAtLeast(at, last), at), 0)
      }))

    it.effect("what is listed, and its tombstones, is what the log folds to", () =>
      Effect.gen(function*() {
        const store = yield* MemoryStore
        const scope = yield* freshScope
        yield* story(scope)
        const isFold = Effect.gen(function*() {
          const bank = replay(yield* store.log(scope))
          const listed = yield* store.list(scope, { tombstones: true, showExpired: true })
          const [dead, live] = [true, false].map((deleted) =>
            listed.filter(({ deletedAt }) => (deletedAt !== undefined) === deleted).map(({ memory }) => memory)
          )
          assert.deepStrictEqual(live, MemoryBank.memories(bank))
          assert.deepStrictEqual(dead, MemoryBank.tombstones(bank))
          assert.deepStrictEqual(
            listed.map(({ order }) => order),
            listed.map(({ order }) => order).toSorted((a, b) => a - b)
          )
        })
        yield* isFold
        const { bank } = yield* commit(
          scope,
          Delete({ id: ids((yield* store.current(scope)).bank)[0]! }),
          add("Ann has a cat")
        )
        yield* isFold
        yield* store.revert(scope, 1)
        yield* isFold
        yield* store.erase(scope, ids(bank)[0]!)
        yield* isFold
      }))

    it.effect("pages of a list come in order, each memory once", () =>
      Effect.gen(function*() {
        const store = yield* MemoryStore
        const scope = yield* freshScope
        const { bank } = yield* commit(scope, ...["a", "b", "c", "d", "e"].map((text) => add(text)))
        const found: Array<string> = []
        for (let after = 0;;) {
          const page = yield* store.list(scope, { after, limit: 2 })
          found.push(...page.map(({ memory }) => memory.text))
          if (page.length < 2) break
          after = page.at(-1)!.order
        }
        assert.deepStrictEqual(found, texts(bank))
      }))

    it.effect("asOf gives the bank of every past revision", () =>
      Effect.gen(function*() {
        const store = yield* MemoryStore
        const scope = yield* freshScope
        const { banks } = yield* story(scope)
        for (const [revision, bank] of banks.entries()) {
          const then = yield* store.asOf(scope, revision)
          assert.strictEqual(then.revision, revision)
          assert.deepStrictEqual(MemoryBank.memories(then.bank), MemoryBank.memories(bank), `at revision ${revision}`)
        }
        for (const { at } of yield* store.log(scope)) {
          const then = yield* store.asOf(scope, new Date(at))
          assert.deepStrictEqual(MemoryBank.memories(then.bank), MemoryBank.memories(banks[then.revision]!))
          assert.isFalse((yield* store.log(scope)).some((entry) => entry.revision > then.revision && entry.at <= at))
        }
        assert.strictEqual((yield* store.asOf(scope, new Date(0))).revision, 0)
        for (const revision of [-1, banks.length, 0.5]) {
          const error = failed(yield* Effect.flip(store.asOf(scope, revision)), "UnknownRevision")
          assert.strictEqual(error.current, banks.length - 1)
        }
      }))

    it.effect("revert restores the content, keeps the log, and never gives an id twice", () =>
      Effect.gen(function*() {
        const store = yield* MemoryStore
        const scope = yield* freshScope
        const then = yield* commit(scope, add("Ann plays chess"))
        const later = yield* commit(
          scope,
          Update({ id: ids(then.bank)[0]!, text: "Ann plays go" }),
          add("Ann lives in Oslo")
        )
        const before = yield* store.log(scope)
        const reverted = yield* store.revert(scope, then.revision)
        assert.strictEqual(reverted.revision, later.revision + 1)
        assert.deepStrictEqual(MemoryBank.memories(reverted.bank), MemoryBank.memories(then.bank))
        assert.deepStrictEqual((yield* store.log(scope)).slice(0, -1), before)
        const again = yield* commit(scope, add("Ann lives in Bergen"))
        const given = new Set([...ids(then.bank), ...ids(later.bank)])
        assert.isFalse(given.has(idOf(again.bank, "Ann lives in Bergen")))

        const all = yield* everything(scope)
        const error = yield* Effect.flip(store.revert(scope, again.revision + 1))
        assert.strictEqual(error._tag, "UnknownRevision")
        assert.deepStrictEqual(yield* everything(scope), all)
      }))

    it.effect("a fork has the same past and goes its own way", () =>
      Effect.gen(function*() {
        const store = yield* MemoryStore
        const [from, to] = [yield* freshScope, yield* freshScope]
        const { dog } = yield* story(from)
        const source = yield* everything(from)
        const { bank, revision } = yield* store.fork(from, to)
        assert.strictEqual(revision, source.revision)
        assert.deepStrictEqual(MemoryBank.memories(bank), source.memories)
        assert.deepStrictEqual(yield* everything(to), source)

        yield* commit(to, add("Only the fork knows this"))
        yield* store.erase(to, dog)
        assert.deepStrictEqual(yield* everything(from), source)
        const fork = yield* everything(to)
        yield* commit(from, add("Only the source knows this"))
        assert.deepStrictEqual(yield* everything(to), fork)

        const error = yield* Effect.flip(store.fork(from, to))
        assert.strictEqual(error._tag, "Conflict")
        assert.deepStrictEqual(yield* everything(to), fork)
      }))

    it.effect("history tells every version in order, the current one last", () =>
      Effect.gen(function*() {
        const store = yield* MemoryStore
        const scope = yield* freshScope
        const first = yield* commit(scope, add("Ann has a cat"), add("Ann has a dog"))
        const id = idOf(first.bank, "Ann has a dog")
        const history = Effect.map(store.history(scope, id), (versions) => versions.map(({ text }) => text))
        yield* commit(scope, Update({ id, text: "Ann has two dogs" }), Update({ id, text: "Ann has three dogs" }))
        assert.deepStrictEqual(yield* history, ["Ann has a dog", "Ann has two dogs", "Ann has three dogs"])
        yield* commit(scope, Delete({ id }))
        assert.deepStrictEqual(yield* history, ["Ann has a dog", "Ann has two dogs", "Ann has three dogs"])
        yield* store.revert(scope, first.revision)
        const last = yield* commit(scope, Update({ id, text: "Ann has four dogs" }))
        assert.deepStrictEqual(
          yield* history,
          ["Ann has a dog", "Ann has two dogs", "Ann has three dogs", "Ann has a dog", "Ann has four dogs"]
        )
        const versions = yield* store.history(scope, id)
        assert.deepStrictEqual(versions.at(-1), MemoryBank.memories(last.bank)[1])
        assert.isTrue(versions.every((version) => version.id === id))
      }))
  })
}
