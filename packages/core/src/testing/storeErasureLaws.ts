import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { MemoryId } from "../Memory.ts"
import * as MemoryBank from "../MemoryBank.ts"
import type { DecisionRecord, Sample } from "../MemoryLog.ts"
import { MemoryStore } from "../MemoryStore.ts"
import { add, commit, everything, freshScope, idOf, ids, texts } from "./storeSupport.ts"

const { Delete, Noop, Update } = MemoryBank.Edit

/**
 * What erasing leaves, and what another scope sees; a part of `memoryStoreLaws`.
 */
export const storeErasureLaws = <E>(name: string, live: Layer.Layer<MemoryStore, E>): void => {
  layer(live, { excludeTestServices: true })(`MemoryStore laws: ${name}, erasure`, (it) => {
    it.effect("erase leaves no trace of the text, and its id is not given again", () =>
      Effect.gen(function*() {
        const store = yield* MemoryStore
        const scope = yield* freshScope
        const first = yield* commit(scope, add("Ann plays chess"))
        const told = yield* commit(
          scope,
          add("Ann's secret is xyzzy", { sources: ["xyzzy:1"], metadata: { note: "xyzzy" } })
        )
        const id = idOf(told.bank, "Ann's secret is xyzzy")
        yield* commit(
          scope,
          Update({ id, text: "The xyzzy is plugh", observedAt: "xyzzy o'clock", sources: ["plugh:2"] })
        )
        yield* commit(scope, Delete({ id }))
        yield* store.revert(scope, told.revision)
        const { revision } = yield* store.erase(scope, id)
        assert.deepStrictEqual(texts((yield* store.current(scope)).bank), ["Ann plays chess"])
        assert.strictEqual((yield* store.log(scope)).at(-1)?._tag, "Erased")

        const traces = [
          yield* everything(scope),
          yield* store.history(scope, id),
          yield* store.search(scope, { text: "xyzzy plugh secret", limit: 10 }),
          yield* store.list(scope, { tombstones: true, showExpired: true })
        ]
        assert.notMatch(JSON.stringify(traces), /xyzzy|plugh/)
        const unknown = yield* Effect.flip(store.erase(scope, MemoryId.make("m404")))
        assert.strictEqual(unknown._tag, "UnknownMemory")
        // Not by going back either.
        assert.deepStrictEqual(texts((yield* store.revert(scope, told.revision)).bank), ["Ann plays chess"])

        const later = yield* commit(scope, add("Ann lives in Oslo"))
        assert.strictEqual(later.revision, revision + 2)
        assert.notStrictEqual(idOf(later.bank, "Ann lives in Oslo"), id)
        assert.notStrictEqual(idOf(later.bank, "Ann lives in Oslo"), ids(first.bank)[0])
      }))

    it.effect("an erasure leaves nothing of it in decisions that saw it, wrote it, or were about its turn", () =>
      Effect.gen(function*() {
        const store = yield* MemoryStore
        const scope = yield* freshScope
        const fact = (text: string, source: string) => ({ text, speaker: "Ann", sources: [source] })
        // Tokens are text too.
        const sample: Sample = { prompt: [5, 17], tokens: [23, 0], logprobs: [-1.5, -0.25], temperature: 1 }
        const decide = Effect.fnUntraced(
          function*(
            edits: ReadonlyArray<MemoryBank.Edit>,
            decision: Omit<DecisionRecord, "model" | "promptHash" | "logProbability" | "sample">
          ) {
            const { revision } = yield* store.current(scope)
            return yield* store.commit(scope, {
              base: revision,
              edits,
              decision: { model: "a model", promptHash: "ab12", logProbability: -2, sample, ...decision }
            })
          }
        )
        yield* decide([add("Ann's secret is xyzzy", { sources: ["D1"] })], {
          fact: fact("my secret is xyzzy", "D1"),
          shown: [],
          raw: "ADD Ann's secret is xyzzy"
        })
        const id = ids((yield* store.current(scope)).bank)[0]!
        yield* decide([Noop()], { fact: fact("plain", "D2"), shown: [id], raw: "NOOP, as xyzzy is known" })
        yield* decide([add("Ann plays chess")], {
          fact: fact("xyzzy came up at chess", "D1"),
          shown: [],
          raw: "ADD Ann plays chess"
        })
        yield* decide([add("Ann lives in Oslo")], {
          fact: fact("I live in Oslo", "D3"),
          shown: [],
          raw: "ADD Ann lives in Oslo"
        })
        yield* store.erase(scope, id)
        const log = yield* store.log(scope)
        assert.notMatch(JSON.stringify(log), /xyzzy/)
        const decisions = log.flatMap((entry) =>
          entry._tag === "Committed" && entry.decision !== undefined ? [entry.decision] : []
        )
        assert.deepStrictEqual(
          decisions.slice(0, 3),
          Array.from({ length: 3 }, () => ({ model: "a model", logProbability: -2, shown: [] }))
        )
        assert.strictEqual(decisions[3]?.raw, "ADD Ann lives in Oslo")
        assert.deepStrictEqual(decisions[3]?.sample, sample)
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
        assert.deepStrictEqual((yield* store.search(one, { text: "Ben plays go", limit: 10 })).memories, [])
      }))
  })
}
