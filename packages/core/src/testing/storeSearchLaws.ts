import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as TestClock from "effect/testing/TestClock"
import * as Filter from "../Filter.ts"
import * as MemoryBank from "../MemoryBank.ts"
import { MemoryStore } from "../MemoryStore.ts"
import { add, commit, found, freshScope, idOf, pick } from "./storeSupport.ts"

const { Delete, Update } = MemoryBank.Edit

// Metadata and filters of every kind, the awkward ones included.
const keys = ["topic", "a.b", "it's \"quoted\"", "$", "", "ключ"]
const values = ["pets", "", "0", "𝒳", "\uffee", "a'b\"c", 0, -1.5, 3, 1e21, true, false, null]
const operators = ["<", "<=", ">", ">="] as const
const randomMetadata = Effect.gen(function*() {
  const metadata: Record<string, unknown> = {}
  for (const key of keys) if (yield* Random.nextBoolean) metadata[key] = yield* pick([...values, ["pets"], { deep: 1 }])
  return metadata
})
const randomFilter = (depth: number): Effect.Effect<Filter.Filter> =>
  Effect.gen(function*() {
    const [key, value] = [yield* pick(keys), yield* pick(values)]
    const inner = randomFilter(depth - 1)
    switch (yield* Random.nextIntBetween(0, depth > 0 ? 6 : 3)) {
      case 0:
        return Filter.equals(key, value)
      case 1:
        return Filter.oneOf(key, [value, yield* pick(values)])
      case 2:
        return typeof value === "string" || typeof value === "number"
          ? Filter.compare(key, yield* pick(operators), value)
          : Filter.oneOf(key, [])
      case 3:
        return Filter.exists(key)
      case 4:
        return Filter.all(...yield* Effect.all([inner, inner]))
      case 5:
        return Filter.some(...yield* Effect.all([inner, inner]))
      default:
        return Filter.not(yield* inner)
    }
  })

/**
 * How a store finds: any query, the best first, among those of a speaker, a time and a filter; a part of
 * `memoryStoreLaws`.
 */
export const storeSearchLaws = <E>(name: string, live: Layer.Layer<MemoryStore, E>): void => {
  layer(live, { excludeTestServices: true })(`MemoryStore laws: ${name}, search`, (it) => {
    it.effect("takes any text as a query", () =>
      Effect.gen(function*() {
        const scope = yield* freshScope
        yield* commit(scope, add("Ann plays chess"))
        const queries = [
          "",
          " ",
          "\"",
          "'",
          "chess AND",
          "NOT OR NEAR(",
          "*",
          "a:b",
          "-chess",
          "(((",
          "%_\\",
          "{}[]^$?!",
          "🐶",
          "\0",
          "\ud800",
          "^chess",
          "chess*",
          "ann ".repeat(5000)
        ]
        for (const text of queries) assert.deepStrictEqual(yield* found(scope, text, 5), ["Ann plays chess"], text)
      }))

    it.effect("ranks by words, and gives a bank no larger than the limit whole, the newest of the rest first", () =>
      Effect.gen(function*() {
        const scope = yield* freshScope
        yield* commit(
          scope,
          add("Ann has two dogs and a cat"),
          add("Ann plays chess"),
          add("A dog is what Ann has"),
          add("Ann lives in Oslo")
        )
        assert.deepStrictEqual(yield* found(scope, "Which dogs?", 4), [
          "A dog is what Ann has",
          "Ann has two dogs and a cat",
          "Ann lives in Oslo",
          "Ann plays chess"
        ])
        assert.deepStrictEqual(yield* found(scope, "Which dogs?", 1), ["A dog is what Ann has"])
        assert.deepStrictEqual(yield* found(scope, "Which dogs?", 0), [])
      }))

    it.effect("follows updates, deletions and reverts", () =>
      Effect.gen(function*() {
        const store = yield* MemoryStore
        const scope = yield* freshScope
        const { bank, revision } = yield* commit(scope, add("Ann has a dog"), add("Ann lives in Oslo"))
        const dog = idOf(bank, "Ann has a dog")
        yield* commit(scope, Update({ id: dog, text: "Ann has a cat" }))
        const best = Effect.map(
          store.search(scope, { text: "dog", limit: 1 }),
          ({ memories, revision }) => [memories[0]?.memory.text, memories[0]?.score === 0, revision]
        )
        assert.deepStrictEqual(yield* best, ["Ann lives in Oslo", true, revision + 1])
        yield* store.revert(scope, revision)
        assert.deepStrictEqual(yield* best, ["Ann has a dog", false, revision + 2])
        yield* commit(scope, Delete({ id: dog }))
        assert.deepStrictEqual(yield* best, ["Ann lives in Oslo", true, revision + 3])
      }))

    it.effect("finds a memory by everything that it says, each alone, among many", () =>
      Effect.gen(function*() {
        const scope = yield* freshScope
        const words = ["amber", "birch", "cobalt", "delta", "ember", "fjord", "garnet", "harbor"]
        const told = Array.from({ length: 200 }, (_, i) => `note${i} ${words[i % 8]} ${words[(i >> 3) % 8]} common`)
        yield* commit(scope, ...told.map((text) => add(text)))
        for (const i of [0, 57, 199]) {
          assert.deepStrictEqual(yield* found(scope, `what about note${i} and common things`, 1), [told[i]!])
        }
        assert.lengthOf(yield* found(scope, "common", 200), 200)
      }))

    it.effect("looks among those of a speaker, of nobody, of a time, and not at what has expired", () =>
      Effect.gen(function*() {
        const store = yield* MemoryStore
        const scope = yield* freshScope
        yield* TestClock.setTime(1_000)
        yield* commit(scope, add("Ann's dog", { speaker: "Ann" }), add("Ben's dog", { speaker: "Ben" }), add("a dog"))
        const later = 1_001
        yield* TestClock.setTime(later)
        yield* commit(
          scope,
          add("Ann's old dog", { speaker: "Ann", expiresAt: 1 }),
          add("Ann's new dog", { speaker: "Ann", expiresAt: 8e15 })
        )
        assert.deepStrictEqual(yield* found(scope, "dog", 9, { speaker: "Ann" }), ["Ann's dog", "Ann's new dog"])
        assert.deepStrictEqual(yield* found(scope, "dog", 9, { speaker: "Ben" }), ["Ben's dog"])
        assert.deepStrictEqual(yield* found(scope, "dog", 9, { speaker: null }), ["a dog"])
        assert.deepStrictEqual(yield* found(scope, "dog", 9, { speaker: "nobody" }), [])
        assert.deepStrictEqual(yield* found(scope, "dog", 9, { since: later }), ["Ann's new dog"])
        assert.sameMembers([...(yield* found(scope, "dog", 9, { since: later, showExpired: true }))], [
          "Ann's new dog",
          "Ann's old dog"
        ])
        assert.lengthOf(yield* store.list(scope), 4)
        assert.lengthOf(yield* store.list(scope, { showExpired: true, speaker: "Ann" }), 3)
        // What has expired can be said again.
        const { edits } = yield* commit(
          scope,
          add("Ann's old dog", { speaker: "Ann" }),
          add("Ann's new dog", { speaker: "Ann" })
        )
        assert.deepStrictEqual(edits.map(({ _tag }) => _tag), ["Add", "Noop"])
      }).pipe(Effect.provide(TestClock.layer())))

    it.effect("gives the best of each speaker", () =>
      Effect.gen(function*() {
        const scope = yield* freshScope
        const said = (speaker: string | undefined, text: string) => add(text, speaker === undefined ? {} : { speaker })
        yield* commit(
          scope,
          said("Ann", "a dog in the rain"),
          said("Ann", "a cat"),
          said("Ben", "a dog"),
          said("Ben", "a bird"),
          said(undefined, "dogs, dogs, dogs")
        )
        assert.sameMembers([...(yield* found(scope, "dog", 1, { perSpeaker: true }))], [
          "a dog in the rain",
          "a dog",
          "dogs, dogs, dogs"
        ])
        assert.lengthOf(yield* found(scope, "dog", 30, { perSpeaker: true }), 5)
        assert.deepStrictEqual(yield* found(scope, "dog", 1, { perSpeaker: true, speaker: "Ben" }), ["a dog"])
      }))

    it.effect("a filter means the same as `Filter.matches`, and never shows another scope", () =>
      Effect.gen(function*() {
        const store = yield* MemoryStore
        const [scope, other] = [yield* freshScope, yield* freshScope]
        const metadata = yield* Effect.all(Array.from({ length: 40 }, () => randomMetadata))
        yield* commit(scope, ...metadata.map((metadata, i) => add(`memory ${i}`, { metadata })), add("without any"))
        yield* commit(other, add("of another scope", { metadata: { topic: "pets" } }))
        const everyone = yield* store.list(scope)
        for (let round = 0; round < 150; round++) {
          const filter = yield* randomFilter(3)
          const expected = everyone.filter(({ memory }) => Filter.matches(filter, memory.metadata)).map(({ memory }) =>
            memory.text
          )
          assert.deepStrictEqual(
            (yield* store.list(scope, { filter })).map(({ memory }) => memory.text),
            expected,
            JSON.stringify(filter)
          )
          if (round % 10 === 0) assert.sameMembers([...(yield* found(scope, "memory", 100, { filter }))], expected)
        }
        const everything = Filter.some(Filter.equals("x' OR 1=1 --", "x"), Filter.not(Filter.some()))
        assert.lengthOf(yield* store.list(scope, { filter: everything }), 41)
      }).pipe(Random.withSeed("filters")))
  })
}
