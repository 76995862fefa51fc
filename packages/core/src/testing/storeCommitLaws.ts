import { assert, layer } from "@effect/vitest"
import { AiError } from "effect/ai"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { FactExtractor } from "../FactExtractor.ts"
import { MemoryId } from "../Memory.ts"
import * as MemoryAgent from "../MemoryAgent.ts"
import * as MemoryBank from "../MemoryBank.ts"
import { replay } from "../MemoryLog.ts"
import { layerAddOnly } from "../MemoryManager.ts"
import { MemoryStore } from "../MemoryStore.ts"
import * as NotExtracted from "../NotExtracted.ts"
import type { Turn } from "../Turn.ts"
import { add, commit, everything, failed, freshScope, ids, texts } from "./storeSupport.ts"

const { Add, Delete, Noop, Supersede, Update } = MemoryBank.Edit

/**
 * What a commit does to a bank; a part of `memoryStoreLaws`.
 */
export const storeCommitLaws = <E>(name: string, live: Layer.Layer<MemoryStore, E>): void => {
  layer(live, { excludeTestServices: true })(`MemoryStore laws: ${name}, commits`, (it) => {
    it.effect("what a model failed on is kept as it was said with its mark, and its facts take its place", () =>
      Effect.gen(function*() {
        const store = yield* MemoryStore
        const scope = yield* freshScope
        const failure = AiError.make({
          module: "laws",
          method: "extract",
          reason: new AiError.InvalidOutputError({ description: "no list of facts" })
        })
        const extracting = (extract: FactExtractor["Service"]["extract"]) =>
          Layer.merge(Layer.succeed(FactExtractor, { extract }), layerAddOnly)
        const text = "I live in Oslo. \u{1f600} \u092c\u0947\u091f\u0940 \"<think>\""
        const turn = { id: "D1:1", speaker: "Ann", text, observedAt: "8 May 2023" }
        const { kept } = yield* Effect.provide(
          MemoryAgent.remember(scope, turn),
          extracting(() => Effect.fail(failure))
        )
        const waiting = Effect.map(
          store.list(scope, { filter: NotExtracted.filter }),
          (listed) => listed.map(({ memory }) => memory)
        )
        const expected = {
          id: kept![0]!.id!,
          text,
          speaker: "Ann",
          observedAt: "8 May 2023",
          sources: ["D1:1"],
          metadata: NotExtracted.mark("turn"),
          revision: 0
        }
        assert.deepStrictEqual(yield* waiting, [expected])
        assert.deepStrictEqual(MemoryBank.memories((yield* store.current(scope)).bank), [expected])
        yield* commit(scope, add("Ann has a dog", { metadata: { notExtracted: "no mark" } }))
        const facts = ["Ann lives in Oslo", "Ann is glad"]
        const extract = (given: Turn) =>
          Effect.succeed(
            facts.map((fact) => ({
              text: `${fact}: ${given.text === text}`,
              speaker: given.speaker,
              sources: [given.id]
            }))
          )
        yield* Effect.provide(MemoryAgent.extractAgain(scope), extracting(extract))
        assert.deepStrictEqual(yield* waiting, [])
        assert.deepStrictEqual(texts((yield* store.current(scope)).bank), [
          "Ann has a dog",
          ...facts.map((fact) => `${fact}: true`)
        ])
        assert.deepStrictEqual(
          MemoryBank.memories(replay(yield* store.log(scope))),
          MemoryBank.memories((yield* store.current(scope)).bank)
        )
      }))

    it.effect("a scope that nobody has written to is empty, at revision 0", () =>
      Effect.gen(function*() {
        const store = yield* MemoryStore
        const scope = yield* freshScope
        const { bank, revision } = yield* store.current(scope)
        assert.strictEqual(revision, 0)
        assert.strictEqual(MemoryBank.size(bank), 0)
        assert.deepStrictEqual(yield* store.log(scope), [])
        assert.deepStrictEqual(yield* store.history(scope, MemoryId.make("m1")), [])
        assert.deepStrictEqual(yield* store.search(scope, { text: "anything", limit: 5 }), {
          revision: 0,
          memories: []
        })
        assert.deepStrictEqual(yield* store.list(scope), [])
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
        const [best, ...others] =
          (yield* store.search(scope, { text: "who ate the pie, Ölaf?", limit: 2, speaker: "Ann" })).memories
        assert.deepStrictEqual(best?.memory, stored)
        assert.isTrue(others.every(({ memory, score }) => memory.speaker === "Ann" && score <= best!.score))
        assert.lengthOf((yield* store.search(scope, { text: "Ann and Ben", limit: 3 })).memories, 3)
        assert.deepStrictEqual(MemoryBank.memories((yield* store.current(scope)).bank)[1], stored)
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
          const error = failed(yield* Effect.flip(store.commit(scope, { base, edits: [add("Too late")] })), "Conflict")
          assert.strictEqual(error.base, base)
          assert.strictEqual(error.current, 2)
          // What to decide again on.
          assert.deepStrictEqual(error.entries, base === 0 ? before.log : base === 1 ? before.log.slice(1) : [])
        }
        assert.deepStrictEqual(yield* everything(scope), before)
      }))

    it.effect("a commit tells the ids that it gave, and says so in the log", () =>
      Effect.gen(function*() {
        const store = yield* MemoryStore
        const scope = yield* freshScope
        const decision = {
          model: "a model",
          promptHash: "00ff",
          logProbability: -1.5,
          shown: [],
          raw: "ADD Ann plays chess"
        }
        const { edits, revision } = yield* store.commit(scope, { base: 0, edits: [add("Ann plays chess")], decision })
        assert.strictEqual(revision, 1)
        const id = ids((yield* store.current(scope)).bank)[0]!
        assert.deepStrictEqual(edits, [Add({ memory: { text: "Ann plays chess" }, id })])
        const [entry] = yield* store.log(scope)
        assert.deepStrictEqual(entry?._tag === "Committed" && [entry.edits, entry.decision], [edits, decision])
      }))

    it.effect("what differs in a letter, digit, sign, symbol or mark, or in its order, is said beside", () =>
      Effect.gen(function*() {
        const scope = yield* freshScope
        const said = [
          "The balance is -200 euros.",
          "The balance is 200 euros.",
          "I code in C#.",
          "I code in C++.",
          "Mood today: 😀",
          "Mood today: 😭",
          "मेरा बेटा है",
          "मेरी बेटी है",
          "Tom owes Eva",
          "Eva owes Tom",
          "a = b",
          "a ≠ b",
          "3.5 km",
          "35 km",
          "año",
          "ano",
          "10²",
          "102",
          "סֵפֶר",
          "סָפַר",
          "I eat meat",
          "I do not eat meat"
        ]
        const { bank, edits } = yield* commit(scope, ...said.map((text) => add(text, { speaker: "Ann" })))
        assert.deepStrictEqual(edits.filter(({ _tag }) => _tag !== "Add"), [])
        assert.deepStrictEqual(texts(bank), said)
      }))

    it.effect("what is said again is a noop, and deletes nothing", () =>
      Effect.gen(function*() {
        const scope = yield* freshScope
        const first = yield* commit(
          scope,
          add("Ann plays chess", { speaker: "Ann" }),
          add("Ann plays chess", { speaker: "Ann" })
        )
        assert.deepStrictEqual(texts(first.bank), ["Ann plays chess"])
        const again = yield* commit(
          scope,
          add(" ann  plays CHESS", { speaker: "Ann" }),
          add("Ann plays chess", { speaker: "Ben" })
        )
        assert.deepStrictEqual(again.edits.map(({ _tag }) => _tag), ["Noop", "Add"])
        assert.deepStrictEqual(texts(again.bank), ["Ann plays chess", "Ann plays chess"])
        // What is gone, or says something else by now, can be said again.
        const [mine] = ids(again.bank)
        const changed = yield* commit(
          scope,
          Update({ id: mine!, text: "Ann plays go" }),
          add("Ann plays chess", { speaker: "Ann" })
        )
        assert.deepStrictEqual(texts(changed.bank), ["Ann plays go", "Ann plays chess", "Ann plays chess"])
        const gone = yield* commit(scope, Delete({ id: mine! }), add("Ann plays go", { speaker: "Ann" }))
        assert.deepStrictEqual(texts(gone.bank), ["Ann plays chess", "Ann plays chess", "Ann plays go"])
      }))

    it.effect("a memory takes the place of another in one step", () =>
      Effect.gen(function*() {
        const store = yield* MemoryStore
        const scope = yield* freshScope
        const before = yield* commit(scope, add("Ann lives in Oslo"))
        const [old] = ids(before.bank)
        const { bank, edits } = yield* commit(scope, Supersede({ id: old!, memory: { text: "Ann lives in Bergen" } }))
        const [next] = MemoryBank.memories(bank)
        assert.strictEqual(MemoryBank.size(bank), 1)
        assert.deepStrictEqual(next, {
          id: next!.id,
          text: "Ann lives in Bergen",
          sources: [],
          supersedes: old!,
          revision: 0
        })
        assert.deepStrictEqual(edits, [
          Supersede({ id: old!, memory: { text: "Ann lives in Bergen" }, newId: next!.id })
        ])
        assert.deepStrictEqual(
          (yield* store.list(scope, { tombstones: true })).map((
            { deletedAt, memory }
          ) => [memory.text, deletedAt === undefined]),
          [
            ["Ann lives in Oslo", false],
            ["Ann lives in Bergen", true]
          ]
        )
        // Of what is not there nothing can take the place.
        const after = yield* commit(scope, Supersede({ id: old!, memory: { text: "Ann lives in Lima" } }))
        assert.deepStrictEqual(MemoryBank.memories(after.bank), MemoryBank.memories(bank))
        // Without the old one the new one stands alone.
        yield* store.erase(scope, old!)
        const { supersedes: _, ...alone } = next!
        assert.deepStrictEqual((yield* store.list(scope, { tombstones: true })).map(({ memory }) => memory), [alone])
      }))

    it.effect("keeps any text as it is, and refuses none and what is no JSON", () =>
      Effect.gen(function*() {
        const store = yield* MemoryStore
        const scope = yield* freshScope
        const strange = [
          "'; DROP TABLE memories; --",
          "\u0001\u001b[31m\u0007 control",
          "👩‍👩‍👧‍👦 emoji 🐶",
          "שלום עולם \u202etxet",
          "%_*?\\\" ' `",
          "null",
          "a".repeat(1_000_000)
        ]
        yield* commit(
          scope,
          ...strange.map((text) =>
            add(text, { speaker: text.slice(0, 20), metadata: { [text.slice(0, 20)]: text.slice(0, 50) } })
          )
        )
        const listed = yield* store.list(scope)
        assert.deepStrictEqual(listed.map(({ memory }) => memory.text), strange)
        for (const [i, text] of strange.entries()) {
          assert.deepStrictEqual(listed[i]!.memory.metadata, { [text.slice(0, 20)]: text.slice(0, 50) })
          yield* store.search(scope, { text: text.slice(0, 200), limit: 5, speaker: text.slice(0, 20) })
        }
        const { bank } = yield* commit(
          scope,
          add("nul \0 and half \ud83d of a pair", { metadata: { when: new Date(0), "\0": "\udc00" } })
        )
        const last = MemoryBank.memories(bank).at(-1)!
        assert.strictEqual(last.text, "nul \ufffd and half \ufffd of a pair")
        assert.deepStrictEqual(last.metadata, { when: "1970-01-01T00:00:00.000Z", "\ufffd": "\ufffd" })
        const { revision } = yield* store.current(scope)
        for (
          const edit of [
            add(""),
            add(" \n"),
            add("x", { metadata: { big: 1n } }),
            add("x", { expiresAt: 0.5 }),
            Update({ id: last.id, text: "" })
          ]
        ) {
          const error = failed(
            yield* Effect.flip(store.commit(scope, { base: revision, edits: [add("not this either"), edit] })),
            "InvalidEdit"
          )
          assert.notStrictEqual(error.message, "")
        }
        assert.strictEqual((yield* store.current(scope)).revision, revision)
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
            yield* store.commit(scope, {
              base: revision,
              edits: [Update({ id: counter, text }), add(`writer ${writer}`)]
            })
          }).pipe(Effect.retry({ while: (error) => error._tag === "Conflict", times: 200 })), {
          concurrency: "unbounded"
        })
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
