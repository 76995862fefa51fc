import { assert, describe, it, layer } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import type * as EffectScope from "effect/Scope"
import * as Filter from "../Filter.ts"
import { rowsOf } from "../internal/commit.ts"
import { fingerprint } from "../internal/fingerprint.ts"
import type { Journal, Reader, Row, Where } from "../internal/journal.ts"
import { cosine } from "../internal/vectors.ts"
import { MemoryId } from "../Memory.ts"
import * as MemoryBank from "../MemoryBank.ts"
import * as MemoryLog from "../MemoryLog.ts"
import { fromJournal, type MemoryStore } from "../MemoryStore.ts"
import type { Scope } from "../Scope.ts"
import * as Bm25 from "../store/Bm25.ts"
import { StoreError } from "../store/StoreError.ts"
import { guarded, guardsVectors } from "./storeMeaningLaws.ts"
import { add, freshScope, pick } from "./storeSupport.ts"

const { Delete, Supersede, Update } = MemoryBank.Edit

// The journal of a suite.
class Opened extends Context.Service<Opened, Journal>()("@memory-r1/core/testing/Opened") {}

const entry = (revision: number): MemoryLog.Entry => ({ _tag: "Committed", revision, at: revision * 10, edits: [] })
const many = 1000
const unknown = MemoryId.make("m404")
const unexpired = { unexpiredAt: 100 }
const model = Float32Array.of(1, 1, 1)

// A vector for every text.
const vectorOf = (text: string): Float32Array =>
  Float32Array.of(1, ...["dog", "cat"].map((word) => text.split(word).length - 1))

const isAmong = ({ at, memory }: Row, { filter, since = 0, speaker, unexpiredAt = 0 }: Where): boolean =>
  (speaker === undefined || (memory.speaker ?? null) === speaker) && at >= since &&
  (memory.expiresAt ?? Number.POSITIVE_INFINITY) > unexpiredAt &&
  (filter === undefined || Filter.matches(filter, memory.metadata))

// The rows of a scope, oldest first, as the log says them.
const folded = (entries: ReadonlyArray<MemoryLog.Entry>): ReadonlyArray<Row> => {
  const times = MemoryLog.changedAt(entries)
  return rowsOf(MemoryLog.replay(entries), ({ id }) => times.get(id)!).toSorted((a, b) => a.order - b.order)
}

const idsOf = (rows: ReadonlyArray<Row>): Array<MemoryId> => rows.map(({ memory }) => memory.id)

// All that a reader finds is what the log folds to. `embedded`: the memories that have a vector.
const agrees = Effect.fnUntraced(function*(reader: Reader, embedded: ReadonlyMap<MemoryId, string>) {
  const entries = yield* reader.entries()
  const rows = folded(entries)
  const live = rows.filter(({ deleted }) => !deleted)
  const { created } = MemoryLog.replay(entries)
  const { at, revision } = entries.at(-1) ?? { at: 0, revision: 0 }
  assert.deepStrictEqual(entries.map(({ revision }) => revision), entries.map((_, i) => i + 1))
  assert.deepStrictEqual(yield* reader.head, { revision, at, created })
  assert.deepStrictEqual(yield* reader.entries({ after: 1, upTo: 3 }), entries.slice(1, 3))
  assert.sameDeepMembers([...(yield* reader.rows([...idsOf(rows), unknown]))], [...rows])
  assert.sameMembers([...(yield* reader.speakers)], [...new Set(live.map(({ memory }) => memory.speaker ?? null))])

  const half = rows[rows.length >> 1]
  const wheres: ReadonlyArray<Where> = [
    {},
    { speaker: "Ann" },
    { speaker: null },
    { since: half?.at },
    unexpired,
    { filter: Filter.equals("topic", "pets") }
  ]
  for (const where of wheres) {
    const among = live.filter((row) => isAmong(row, where))
    const list = (query: Omit<Parameters<Reader["list"]>[0], "where">) => reader.list({ where, ...query })
    assert.deepStrictEqual(yield* list({ limit: many }), among)
    assert.deepStrictEqual(yield* list({ limit: many, tombstones: true }), rows.filter((row) => isAmong(row, where)))
    assert.deepStrictEqual(yield* list({ limit: 2, newestFirst: true }), among.toReversed().slice(0, 2))
    const beyond = half?.order ?? 0
    assert.deepStrictEqual(yield* list({ limit: 2, beyond }), among.filter(({ order }) => order > beyond).slice(0, 2))
    assert.deepStrictEqual(
      yield* list({ limit: many, beyond, newestFirst: true }),
      among.filter(({ order }) => order < beyond).toReversed()
    )
    const scores = Bm25.make(live.map(({ memory }) => memory.text)).scores("dog of Ann")
    const cosines = live.map(({ memory }) => cosine(vectorOf(memory.text), vectorOf("dog")))
    const [lexical, dense] = [
      yield* reader.lexical({ text: "dog of Ann", limit: many, where }),
      yield* reader.dense({ vector: vectorOf("dog"), limit: many, where })
    ]
    assert.sameMembers(lexical.map(({ id }) => id), idsOf(among.filter((row) => scores[live.indexOf(row)]! > 0)))
    assert.sameMembers(dense.map(({ id }) => id), idsOf(among.filter(({ memory }) => embedded.has(memory.id))))
    for (const [found, expected] of [[lexical, scores], [dense, cosines]] as const) {
      for (const [i, { id, score }] of found.entries()) {
        assert.closeTo(score, expected[live.findIndex(({ memory }) => memory.id === id)]!, 1e-6)
        assert.isAtMost(score, found[i - 1]?.score ?? Number.POSITIVE_INFINITY)
      }
    }
    assert.deepStrictEqual(
      (yield* reader.lexical({ text: "dog of Ann", limit: 2, where })).map(({ score }) => score),
      lexical.slice(0, 2).map(({ score }) => score)
    )
  }
  for (const { memory } of rows) {
    const same = live.filter((row) => fingerprint(row.memory) === fingerprint(memory) && isAmong(row, unexpired))
    assert.sameDeepMembers([...(yield* reader.alike([fingerprint(memory)], unexpired.unexpiredAt))], same)
  }
  const bare = live.filter(({ memory }) => !embedded.has(memory.id))
  assert.deepStrictEqual(yield* reader.unembedded(many), bare)
  assert.deepStrictEqual(yield* reader.unembedded(1), bare.slice(0, 1))
})

const randomMemory = Effect.gen(function*() {
  const [who, what] = [yield* pick(["Ann", "Ben", undefined]), yield* pick(["dog", "cat", "dog and a cat", "home"])]
  return {
    text: `${who ?? "Somebody"} has a ${what} of ${yield* pick(["Ann", "Zoë", "戏"])}, ${yield* Random.nextInt}`,
    ...(who === undefined ? {} : { speaker: who }),
    ...(yield* pick([{}, { metadata: { topic: "pets" } }, { expiresAt: 50 }, { expiresAt: 8e15 }]))
  }
})
const randomEdit = Effect.fnUntraced(function*(id: MemoryId) {
  const memory = yield* randomMemory
  const { text, ...rest } = memory
  return yield* pick([
    add(text, rest),
    add(text, rest),
    Update({ id, text }),
    Supersede({ id, memory }),
    Delete({ id })
  ])
})

// One change to a scope that `store` keeps: mostly commits, now and then a revert or an erasure.
const change = Effect.fnUntraced(function*(store: MemoryStore["Service"], scope: Scope, step: number) {
  const entries = yield* store.log(scope)
  const ids = [unknown, ...idsOf(folded(entries))]
  if (step % 8 === 5) return yield* store.revert(scope, yield* Random.nextIntBetween(0, entries.length))
  if (step % 8 === 7) return yield* store.erase(scope, ids.at(-1)!)
  const edits = yield* Effect.forEach([1, 2, 3], () => Effect.flatMap(pick(ids), randomEdit))
  return yield* store.commit(scope, { base: entries.length, edits })
})

/**
 * The laws of a `Journal`, as a vitest suite: what a store rests on, whatever keeps it.
 *
 * Use it beside `memoryStoreLaws` for a whole `Journal`. The journal is opened once, and once more to be closed.
 * The laws: a body that fails, dies or is interrupted writes nothing; one body at a time decides on a scope; rows,
 * lists, words and vectors are what the log folds to after every change; an erasure leaves nothing to be read; what
 * fails is a `StoreError`. `journalVectorLaws` is part of it.
 *
 * @example
 * ```typescript
 * import { Journal } from "@memory-r1/core/store"
 * import { journalLaws } from "@memory-r1/core/testing"
 * import { Effect } from "effect"
 *
 * journalLaws("in memory", Effect.sync(Journal.inMemory))
 * ```
 *
 * @category laws
 * @since 0.1.0
 */
export const journalLaws = <E>(name: string, journal: Effect.Effect<Journal, E, EffectScope.Scope>): void => {
  const append = (opened: Journal, scope: Scope, wait: Effect.Effect<unknown> = Effect.void) =>
    opened.write(scope, (reader) =>
      Effect.gen(function*() {
        const { created, revision } = yield* reader.head
        yield* wait
        return { change: { append: [entry(revision + 1)], created }, value: revision + 1 }
      }))
  layer(Layer.effect(Opened, journal), { excludeTestServices: true })(`Journal laws: ${name}`, (it) => {
    const law = (what: string, body: (opened: Journal, scope: Scope) => Effect.fn.Return<void, unknown>) =>
      it.effect(what, () =>
        Effect.flatMap(
          Effect.zip(Opened, freshScope),
          ([opened, scope]) => Effect.gen(() => body(opened, scope))
        ))

    law("a scope that nobody wrote to is empty, whatever is in another one", function*(opened, scope) {
      const store = fromJournal(opened)
      yield* store.commit(yield* freshScope, { base: 0, edits: [add("Ann has a dog of Ann", { speaker: "Ann" })] })
      yield* opened.read(scope, (reader) => agrees(reader, new Map()))
      assert.deepStrictEqual(yield* store.log(scope), [])
    })

    law("everything that is found is what the log folds to, after every change", function*(opened, scope) {
      yield* opened.forgetVectors
      const store = fromJournal(opened)
      const embedded = new Map<MemoryId, string>()
      for (let step = 0; step < 24; step++) {
        yield* Random.withSeed(change(store, scope, step), `step ${step}`)
        // What was deleted or has another text has no vector any more, also when it comes back.
        const live = folded(yield* store.log(scope)).filter(({ deleted }) => !deleted)
        const texts = new Map(live.map(({ memory: { id, text } }) => [id, text]))
        for (const [id, text] of embedded) if (texts.get(id) !== text) embedded.delete(id)
        if (step % 3 === 0) {
          const bare = yield* opened.read(scope, (reader) => reader.unembedded(2))
          for (const { memory: { id, text } } of bare) embedded.set(id, text)
          const vectors = bare.map(({ memory: { id, text } }) => ({ id, text, vector: vectorOf(text) }))
          // What is gone, and a text that was changed meanwhile, take no vector.
          const late = [unknown, ...texts.keys()].map((id) => ({ id, text: "an old text", vector: vectorOf("cat") }))
          yield* opened.embed(scope, [...vectors, ...late], model)
        }
        yield* opened.read(scope, (reader) => agrees(reader, embedded))
      }
      assert.isAbove(embedded.size, 0)
      assert.deepStrictEqual(yield* opened.probe, model)
      yield* opened.forgetVectors
      assert.strictEqual(yield* opened.probe, undefined)
      yield* opened.read(scope, (reader) => agrees(reader, new Map()))
    })

    law("a body that fails, dies, is interrupted or changes nothing writes nothing", function*(opened, scope) {
      yield* append(opened, scope)
      const head = opened.read(scope, (reader) => reader.head)
      const before = yield* head
      assert.strictEqual(yield* Effect.flip(opened.write(scope, () => Effect.fail("no" as const))), "no")
      assert.strictEqual(yield* Effect.flip(opened.read(scope, () => Effect.fail("nor" as const))), "nor")
      assert.isTrue(Exit.isFailure(yield* Effect.exit(opened.write(scope, () => Effect.die("a defect")))))
      assert.strictEqual(yield* opened.write(scope, () => Effect.succeed({ value: 7 })), 7)
      const deciding = yield* Deferred.make<void>()
      const stuck = yield* Effect.forkChild(
        append(opened, scope, Effect.andThen(Deferred.succeed(deciding, undefined), Effect.never))
      )
      yield* Deferred.await(deciding)
      yield* Fiber.interrupt(stuck)
      assert.deepStrictEqual(yield* head, before)
      assert.strictEqual(yield* append(opened, scope), 2)
    })

    law(
      "one body at a time decides, and a writer that gives up leaves the others their turn",
      function*(opened, scope) {
        const [deciding, door] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
        const first = yield* Effect.forkChild(
          append(opened, scope, Effect.andThen(Deferred.succeed(deciding, undefined), Deferred.await(door)))
        )
        yield* Deferred.await(deciding)
        const others = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(append(opened, scope, Effect.yieldNow)))
        yield* Effect.yieldNow
        yield* Fiber.interrupt(others[1]!)
        yield* Deferred.succeed(door, undefined)
        assert.strictEqual(yield* Fiber.join(first), 1)
        assert.sameMembers(yield* Effect.forEach([others[0]!, others[2]!], Fiber.join), [2, 3])
        assert.deepStrictEqual(yield* opened.read(scope, (reader) => reader.entries()), [1, 2, 3].map(entry))
      }
    )

    law("of what was erased nothing can be read", function*(opened, scope) {
      yield* opened.forgetVectors
      const store = fromJournal(opened)
      const text = "the xyzzy of a dog"
      const edits = [add(text, { speaker: "plugh", sources: ["xyzzy"] }), add("a dog")]
      yield* store.commit(scope, { base: 0, edits })
      const { id } = (yield* store.list(scope))[0]!.memory
      yield* opened.embed(scope, [{ id, text, vector: vectorOf(text) }], model)
      yield* store.erase(scope, id)
      yield* opened.purge
      const left = yield* opened.read(scope, (reader) =>
        Effect.all([
          reader.entries(),
          reader.rows([id]),
          reader.list({ where: {}, limit: many, tombstones: true }),
          reader.speakers,
          reader.lexical({ text: "xyzzy", limit: many, where: {} }),
          reader.dense({ vector: vectorOf(text), limit: many, where: {} })
        ]))
      assert.deepStrictEqual(left.slice(4), [[], []])
      assert.notMatch(JSON.stringify(left), /xyzzy|plugh/)
      yield* opened.forgetVectors
    })

    law(guarded, guardsVectors)
  })
  describe(`Journal laws: ${name}, closed`, () => {
    it.live("a journal that was closed is no defect: what fails is a `StoreError`", () =>
      Effect.gen(function*() {
        const [closed, scope] = yield* Effect.zip(Effect.scoped(journal), freshScope)
        const entries = closed.read(scope, (reader) => reader.entries())
        for (const use of [append(closed, scope), entries, closed.purge, closed.probe]) {
          const exit = yield* Effect.exit<unknown, unknown, never>(use)
          if (Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)) continue
          assert.instanceOf(Cause.squash(exit.cause), StoreError)
          assert.isFalse(Cause.hasDies(exit.cause))
        }
      }))
  })
}
