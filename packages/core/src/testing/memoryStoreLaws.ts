import { assert, layer } from "@effect/vitest"
import { AiError } from "effect/ai"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { FactExtractor } from "../FactExtractor.ts"
import { MemoryId } from "../Memory.ts"
import * as MemoryAgent from "../MemoryAgent.ts"
import * as MemoryBank from "../MemoryBank.ts"
import { type Decision, replay } from "../MemoryLog.ts"
import { layerAddOnly } from "../MemoryManager.ts"
import { MemoryStore } from "../MemoryStore.ts"
import * as NotExtracted from "../NotExtracted.ts"
import type * as Scope from "../Scope.ts"
import type { Turn } from "../Turn.ts"
import { servingLaws } from "./servingLaws.ts"
import { storeSearchLaws } from "./storeSearchLaws.ts"
import { add, commit, freshScope, idOf, ids, texts } from "./storeSupport.ts"

const { Add, Delete, Noop, Supersede, Update } = MemoryBank.Edit

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

const failed = <E extends { readonly _tag: string }, Tag extends E["_tag"]>(
  error: E,
  tag: Tag
): Extract<E, { readonly _tag: Tag }> => {
  assert.strictEqual(error._tag, tag)
  return error as Extract<E, { readonly _tag: Tag }>
}

// Every kind of change, and the bank after each of them.
const story = Effect.fnUntraced(function*(scope: Scope.Scope) {
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

/**
 * The laws of a `MemoryStore`, as a vitest suite over a layer.
 *
 * Use it in the test file of every store. The layer is built once; every law works in scopes of its own, so the store
 * may hold other things already. A store takes its times from Effect's `Clock`, which is the real one but where a law
 * is about times. The laws: commits are optimistic, the log folds to the bank, no revision is ever lost, `revert`
 * restores and never gives an id twice, `fork` and scopes are independent, `erase` leaves no trace, `history` is in
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
        const decide = Effect.fnUntraced(
          function*(
            edits: ReadonlyArray<MemoryBank.Edit>,
            decision: Omit<Decision, "model" | "promptHash" | "logProbability">
          ) {
            const { revision } = yield* store.current(scope)
            return yield* store.commit(scope, {
              base: revision,
              edits,
              decision: { model: "a model", promptHash: "ab12", logProbability: -2, ...decision }
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
  storeSearchLaws(name, live)
  servingLaws(name, live)
}
