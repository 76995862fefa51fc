// What the laws of a store have in common.
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { MemoryId, NewMemory } from "../Memory.ts"
import * as MemoryBank from "../MemoryBank.ts"
import { type Among, MemoryStore } from "../MemoryStore.ts"
import * as Scope from "../Scope.ts"

const { Add, Delete, Noop, Supersede, Update } = MemoryBank.Edit

/** A scope of its own for every law, so that they can share a store, also one that outlives the run. */
export const freshScope = Effect.map(
  Effect.all([Random.nextInt, Random.nextInt]),
  (parts) => Scope.make({ tenant: "memory-store-laws", session: parts.join("/") })
)

export const add = (text: string, rest: Omit<NewMemory, "text"> = {}): MemoryBank.Edit =>
  Add({ memory: { text, ...rest } })

/** Commits, and gives the bank after it. */
export const commit = Effect.fnUntraced(function*(scope: Scope.Scope, ...edits: ReadonlyArray<MemoryBank.Edit>) {
  const store = yield* MemoryStore
  const { revision } = yield* store.current(scope)
  const committed = yield* store.commit(scope, { base: revision, edits })
  const { bank } = yield* store.current(scope)
  return { ...committed, bank }
})

export const texts = (bank: MemoryBank.MemoryBank): ReadonlyArray<string> =>
  MemoryBank.memories(bank).map(({ text }) => text)

export const ids = (bank: MemoryBank.MemoryBank): ReadonlyArray<MemoryId> =>
  MemoryBank.memories(bank).map(({ id }) => id)

export const idOf = (bank: MemoryBank.MemoryBank, text: string): MemoryId => {
  const memory = MemoryBank.memories(bank).find((memory) => memory.text === text)
  return memory === undefined ? assert.fail(`the bank has no memory "${text}": ${texts(bank).join(" | ")}`) : memory.id
}

/** Everything that a scope tells, to see that something changed none of it. */
export const everything = Effect.fnUntraced(function*(scope: Scope.Scope) {
  const store = yield* MemoryStore
  const { bank, revision } = yield* store.current(scope)
  const memories = MemoryBank.memories(bank)
  const past = yield* Effect.forEach(
    Array.from({ length: revision + 1 }, (_, at) => at),
    (at) => Effect.map(store.asOf(scope, at), (then) => MemoryBank.memories(then.bank))
  )
  const found = yield* store.search(scope, { text: memories.map(({ text }) => text).join(" "), limit: 1000 })
  const listed = yield* store.list(scope, { tombstones: true, showExpired: true })
  return {
    revision,
    memories,
    past,
    listed,
    log: yield* store.log(scope),
    found: found.memories.map(({ memory }) => memory)
  }
})

/** The error, which has to be of that tag. */
export const failed = <E extends { readonly _tag: string }, Tag extends E["_tag"]>(
  error: E,
  tag: Tag
): Extract<E, { readonly _tag: Tag }> => {
  assert.strictEqual(error._tag, tag)
  return error as Extract<E, { readonly _tag: Tag }>
}

/** Every kind of change, and the bank after each of them. */
export const story = Effect.fnUntraced(function*(scope: Scope.Scope) {
  const store = yield* MemoryStore
  const banks = [(yield* store.current(scope)).bank]
  const first = yield* commit(
    scope,
    add("Ann has a dog named Buddy", { speaker: "Ann", sources: ["D1:1"] }),
    add("Ann lives in Oslo")
  )
  banks.push(first.bank)
  const dog = idOf(first.bank, "Ann has a dog named Buddy")
  const city = idOf(first.bank, "Ann lives in Oslo")
  for (
    const edits of [
      [Update({ id: dog, text: "Ann has dogs named Buddy and Scout", observedAt: "May 2023", sources: ["D2:4"] })],
      [Noop()],
      [Delete({ id: city }), add("Ann lives in Bergen")],
      [Update({ id: city, text: "A memory that is gone" }), Delete({ id: city })],
      [Supersede({ id: dog, memory: { text: "Ann has no dog any more", speaker: "Ann" } })]
    ]
  ) banks.push((yield* commit(scope, ...edits)).bank)
  banks.push((yield* store.revert(scope, 2)).bank)
  banks.push((yield* commit(scope, add("Ann plays chess"))).bank)
  return { banks, dog, city }
})

/** The texts that a search finds, the best first. */
export const found = Effect.fnUntraced(
  function*(
    scope: Scope.Scope,
    text: string,
    limit: number,
    among: Among & { readonly perSpeaker?: boolean | undefined } = {}
  ) {
    const { memories } = yield* MemoryStore.use((store) => store.search(scope, { ...among, text, limit }))
    return memories.map(({ memory }) => memory.text)
  }
)

/** One of these, by `Random`. */
export const pick = <A>(from: ReadonlyArray<A>) =>
  Effect.map(Random.nextIntBetween(0, from.length - 1), (at) => from[at]!)
