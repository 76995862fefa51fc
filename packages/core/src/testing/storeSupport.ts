// What the laws of a store have in common.
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { MemoryId, NewMemory } from "../Memory.ts"
import * as MemoryBank from "../MemoryBank.ts"
import { MemoryStore } from "../MemoryStore.ts"
import * as Scope from "../Scope.ts"

const { Add } = MemoryBank.Edit

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
