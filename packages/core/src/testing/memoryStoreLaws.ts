import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import { MemoryId, type NewMemory } from "../Memory.ts"
import * as MemoryBank from "../MemoryBank.ts"
import { MemoryStore, replay } from "../MemoryStore.ts"
import * as Scope from "../Scope.ts"

const { Add, Delete, Noop, Update } = MemoryBank.Edit

// A scope of its own for every law, so that they can share a store, also one that outlives the run.
const freshScope = Effect.map(
  Effect.all([Random.nextInt, Random.nextInt]),
  (parts) => Scope.make({ tenant: "memory-store-laws", session: parts.join("/") })
)

const add = (text: string, rest: Omit<NewMemory, "text"> = {}): MemoryBank.Edit => Add({ memory: { text, ...rest } })

const commit = Effect.fnUntraced(function*(scope: Scope.Scope, ...edits: ReadonlyArray<MemoryBank.Edit>) {
  const store = yield* MemoryStore
  const { revision } = yield* store.current(scope)
  return yield* store.commit(scope, { base: revision, edits })
})

const texts = (bank: MemoryBank.MemoryBank): ReadonlyArray<string> => MemoryBank.memories(bank).map(({ text }) => text)

const ids = (bank: MemoryBank.MemoryBank): ReadonlyArray<MemoryId> => MemoryBank.memories(bank).map(({ id }) => id)

const idOf = (bank: MemoryBank.MemoryBank, text: string): MemoryId => {
  const memory = MemoryBank.memories(bank).find((memory) => memory.text === text)
  return memory === undefined ? assert.fail(`the bank has no memory "${text}": ${texts(bank).join(" | ")}`) : memory.id
}

// Everything that a scope tells, to see that something changed none of it.
const everything = Effect.fnUntraced(function*(scope: Scope.Scope) {
  const store = yield* MemoryStore
  const { bank, revision } = yield* store.current(scope)
  const memories = MemoryBank.memories(bank)
  const past = yield* Effect.forEach(
    Array.from({ length: revision + 1 }, (_, at) => at),
    (at) => Effect.map(store.asOf(scope, at), (then) => MemoryBank.memories(then.bank))
  )
  const found = yield* store.search(scope, { text: memories.map(({ text }) => text).join(" "), limit: 1000 })
  return { revision, memories, past, log: yield* store.log(scope), found: found.map(({ memory }) => memory) }
})

// Every kind of change, and the bank after each of them.
const story = Effect.fnUntraced(function*(scope: Scope.Scope) {
  const store = yield* MemoryStore
  const banks = [(yield* store.current(scope)).bank]
  const first = yield* commit(scope, add("Ann has a dog named Buddy", { speaker: "Ann", sources: ["D1:1"] }), add("Ann lives in Oslo"))
  banks.push(first.bank)
  const dog = idOf(first.bank, "Ann has a dog named Buddy")
  const city = idOf(first.bank, "Ann lives in Oslo")
  for (
    const edits of [
      [Update({ id: dog, text: "Ann has dogs named Buddy and Scout", observedAt: "May 2023", sources: ["D2:4"] })],
      [Noop()],
      [Delete({ id: city }), add("Ann lives in Bergen")],
      [Update({ id: city, text: "A memory that is gone" }), Delete({ id: city })]
    ]
  ) banks.push((yield* commit(scope, ...edits)).bank)
  banks.push((yield* store.revert(scope, 2)).bank)
  banks.push((yield* commit(scope, add("Ann plays chess"))).bank)
  return { banks, dog, city }
})

/**
 * The laws of a `MemoryStore`, as a vitest suite over a layer.
 *
 * Use it in the test file of every store. The layer is built once, with the real clock; every law works in scopes of its own, so
 * the store may hold other things already. The laws: commits are optimistic, the log folds to the bank, no revision is ever
 * lost, `revert` restores and never gives an id twice, `fork` and scopes are independent, `erase` leaves no trace, `history` is in
 * order, `search` takes any text, and concurrent writers lose no update.
 *
 * @example
 * ```typescript
 * import { MemoryStore } from "@memory-r1/core"
 * import { memoryStoreLaws } from "@memory-r1/core/testing"
 *
 * memoryStoreLaws("in memory", MemoryStore.layerInMemory)
 * ```
 */
export const memoryStoreLaws = <E>(name: string, live: Layer.Layer<MemoryStore, E>): void => {
  layer(live, { excludeTestServices: true })(`MemoryStore laws: ${name}`, (it) => {
    it.effect("a scope that nobody has written to is empty, at revision 0", () =>
      Effect.gen(function*() {
        const store = yield* MemoryStore
        const scope = yield* freshScope
        const { bank, revision } = yield* store.current(scope)
        assert.strictEqual(revision, 0)
        assert.strictEqual(MemoryBank.size(bank), 0)
        assert.deepStrictEqual(yield* store.log(scope), [])
        assert.deepStrictEqual(yield* store.history(scope, MemoryId.make("m1")), [])
        assert.deepStrictEqual(yield* store.search(scope, { text: "anything", limit: 5 }), [])
      }))

    it.effect("what was added is found, with everything that is known of it", () =>
      Effect.gen(function*() {
        const store = yield* MemoryStore
        const scope = yield* freshScope
        const known = {
          text: "Ann's \"dog\" — Ölaf 🐶 — ate 100% of the\npie; DROP TABLE memories",
          speaker: "Ann",
          observedAt: "1:56 pm on 8 May, 2023",
          sources: ["D1:3", "D1:4"],
          metadata: { mood: "fine", nested: { list: [1, null, "x"] } }
        }
        const { bank } = yield* commit(
          scope,
          add("Ben collects stamps", { speaker: "Ben" }),
          Add({ memory: known }),
          add("Ann works as a nurse", { speaker: "Ann" }),
          add("Ben met the dog of Ann and the pie", { speaker: "Ben" })
        )
        const stored = { ...known, id: ids(bank)[1]!, revision: 0 }
        const [best, ...others] = yield* store.search(scope, { text: "who ate the pie, Ölaf?", limit: 2, speaker: "Ann" })
        assert.deepStrictEqual(best?.memory, stored)
        assert.isTrue(others.every(({ memory, score }) => memory.speaker === "Ann" && score <= best!.score))
        assert.lengthOf(yield* store.search(scope, { text: "Ann and Ben", limit: 3 }), 3)
        assert.deepStrictEqual(MemoryBank.memories((yield* store.current(scope)).bank)[1], stored)
      }))

    it.effect("search takes any text as a query", () =>
      Effect.gen(function*() {
        const store = yield* MemoryStore
        const scope = yield* freshScope
        yield* commit(scope, add("Ann plays chess"))
        for (const text of ["", " ", "\"", "'", "chess AND", "NOT OR NEAR(", "*", "a:b", "-chess", "(((", "%_\\", "{}[]^$?!", "🐶"]) {
          assert.isAtMost((yield* store.search(scope, { text, limit: 5 })).length, 1, text)
        }
      }))

    it.effect("a noop changes nothing, but is logged", () =>
      Effect.gen(function*() {
        const store = yield* MemoryStore
        const scope = yield* freshScope
        const before = yield* commit(scope, add("Ann plays chess"))
        const after = yield* commit(scope, Noop())
        assert.deepStrictEqual(MemoryBank.memories(after.bank), MemoryBank.memories(before.bank))
        assert.strictEqual(after.revision, before.revision + 1)
        const entry = (yield* store.log(scope)).at(-1)
        assert.deepStrictEqual(entry?._tag === "Committed" ? entry.edits.map(({ _tag }) => _tag) : entry, ["Noop"])
      }))

    it.effect("a commit against another revision is a conflict, and changes nothing", () =>
      Effect.gen(function*() {
        const store = yield* MemoryStore
        const scope = yield* freshScope
        yield* commit(scope, add("Ann plays chess"))
        yield* commit(scope, add("Ann lives in Oslo"))
        const before = yield* everything(scope)
        for (const base of [0, 1, 3, -1, 1.5]) {
          const error = yield* Effect.flip(store.commit(scope, { base, edits: [add("Too late")] }))
          assert.strictEqual(error._tag, "Conflict")
          assert.strictEqual(error.base, base)
          assert.strictEqual(error.current, 2)
        }
        assert.deepStrictEqual(yield* everything(scope), before)
      }))

    it.effect("the log folds to the bank, after every kind of change", () =>
      Effect.gen(function*() {
        const store = yield* MemoryStore
        const scope = yield* freshScope
        const { banks, dog } = yield* story(scope)
        const told = yield* store.log(scope)
        for (const [at, { created }] of banks.entries()) {
          assert.strictEqual(replay(told, at).created, created, `the fold of ${at} entries would give ids that were given before`)
        }
        yield* store.erase(scope, dog)
        const log = yield* store.log(scope)
        const { bank, revision } = yield* store.current(scope)
        assert.deepStrictEqual(MemoryBank.memories(replay(log)), MemoryBank.memories(bank))
        assert.strictEqual(replay(log).created, bank.created, "the fold would give ids that were given before")
        assert.deepStrictEqual(log.map((entry) => entry.revision), Array.from({ length: revision }, (_, i) => i + 1))
        log.reduce((last, { at }) => (assert.isAtLeast(at, last), at), 0)
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
        for (const revision of [-1, banks.length, 0.5]) {
          const error = yield* Effect.flip(store.asOf(scope, revision))
          assert.strictEqual(error._tag, "UnknownRevision")
          assert.strictEqual(error.current, banks.length - 1)
        }
      }))

    it.effect("revert restores the content, keeps the log, and never gives an id twice", () =>
      Effect.gen(function*() {
        const store = yield* MemoryStore
        const scope = yield* freshScope
        const then = yield* commit(scope, add("Ann plays chess"))
        const later = yield* commit(scope, Update({ id: ids(then.bank)[0]!, text: "Ann plays go" }), add("Ann lives in Oslo"))
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

    it.effect("erase leaves no trace of the text, and its id is not given again", () =>
      Effect.gen(function*() {
        const store = yield* MemoryStore
        const scope = yield* freshScope
        const first = yield* commit(scope, add("Ann plays chess"))
        const told = yield* commit(scope, add("Ann's secret is xyzzy", { sources: ["xyzzy:1"], metadata: { note: "xyzzy" } }))
        const id = idOf(told.bank, "Ann's secret is xyzzy")
        yield* commit(scope, Update({ id, text: "The xyzzy is plugh", observedAt: "xyzzy o'clock", sources: ["plugh:2"] }))
        yield* commit(scope, Delete({ id }))
        yield* store.revert(scope, told.revision)
        const { bank, revision } = yield* store.erase(scope, id)
        assert.deepStrictEqual(texts(bank), ["Ann plays chess"])
        assert.strictEqual((yield* store.log(scope)).at(-1)?._tag, "Erased")

        const traces = [
          yield* everything(scope),
          yield* store.history(scope, id),
          yield* store.search(scope, { text: "xyzzy plugh secret", limit: 10 })
        ]
        assert.notMatch(JSON.stringify(traces), /xyzzy|plugh/)
        // Not by going back either.
        assert.deepStrictEqual(texts((yield* store.revert(scope, told.revision)).bank), ["Ann plays chess"])

        const later = yield* commit(scope, add("Ann lives in Oslo"))
        assert.strictEqual(later.revision, revision + 2)
        assert.notStrictEqual(idOf(later.bank, "Ann lives in Oslo"), id)
        assert.notStrictEqual(idOf(later.bank, "Ann lives in Oslo"), ids(first.bank)[0])
      }))

    it.effect("scopes see nothing of each other", () =>
      Effect.gen(function*() {
        const store = yield* MemoryStore
        const [one, other] = [yield* freshScope, yield* freshScope]
        const mine = yield* commit(one, add("Ann plays chess"))
        yield* commit(other, add("Ben plays go"), add("Ben lives in Bergen"))
        const before = yield* everything(other)
        const id = ids(mine.bank)[0]!
        yield* commit(one, Update({ id, text: "Ann plays go and chess" }))
        yield* store.revert(one, 0)
        yield* store.erase(one, id)
        assert.deepStrictEqual(yield* everything(other), before)
        assert.deepStrictEqual(yield* store.search(one, { text: "Ben plays go", limit: 10 }), [])
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

    it.effect("sixteen concurrent writers that retry lose no update", () =>
      Effect.gen(function*() {
        const store = yield* MemoryStore
        const scope = yield* freshScope
        const counter = ids((yield* commit(scope, add("0"))).bank)[0]!
        const writers = Array.from({ length: 16 }, (_, i) => i)
        yield* Effect.forEach(writers, (writer) =>
          Effect.gen(function*() {
            const { bank, revision } = yield* store.current(scope)
            // Lets the others read the same revision: all but one of them must now be refused.
            yield* Effect.yieldNow
            const text = String(Number(MemoryBank.memories(bank)[0]!.text) + 1)
            yield* store.commit(scope, { base: revision, edits: [Update({ id: counter, text }), add(`writer ${writer}`)] })
          }).pipe(Effect.retry({ while: (error) => error._tag === "Conflict", times: 200 })), { concurrency: "unbounded" })
        const { bank, revision } = yield* store.current(scope)
        assert.strictEqual(revision, 17)
        const [count, ...notes] = texts(bank)
        assert.strictEqual(count, "16")
        assert.sameMembers(notes, writers.map((writer) => `writer ${writer}`))
        assert.strictEqual(new Set(ids(bank)).size, 17)
        assert.lengthOf(yield* store.history(scope, counter), 17)
      }))
  })
}
