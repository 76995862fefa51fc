// What users of other memory layers complain of, a test for each kind: stores. The numbers are those of the projects'
// trackers. Decisions: peers.manager.test.ts. Every store obeys laws about most of these (memoryStoreLaws); what needs
// files, processes and full disks is in store-sqlite's faults.test.ts and durability.test.ts.
import { assert, describe, it } from "@effect/vitest"
import {
  AnswerAgent,
  createMemory,
  FactExtractor,
  Filter,
  Memory,
  MemoryAgent,
  MemoryBank,
  MemoryManager,
  MemoryStore,
  Retriever,
  Scope
} from "@memory-r1/core"
import { ManagerFormat, Sampler } from "@memory-r1/core/rl"
import { Journal, Transfer } from "@memory-r1/core/store"
import { Effect, Layer, Option, Stream } from "effect"
import { EmbeddingModel } from "effect/ai"
import { TestClock } from "effect/testing"

const { Add, Delete, Supersede, Update } = MemoryBank.Edit
const scope = Scope.make({ tenant: "acme", user: "ann" })
const add = (text: string, rest: Omit<Memory.NewMemory, "text"> = {}) =>
  Add({ memory: { text, speaker: "Ann", ...rest } })
const id = (n: number) => Memory.MemoryId.make(`m${n}`)

const commit = Effect.fnUntraced(function*(...edits: ReadonlyArray<MemoryBank.Edit>) {
  const store = yield* MemoryStore.MemoryStore
  const { revision } = yield* store.current(scope)
  return yield* store.commit(scope, { base: revision, edits })
})
const texts = Effect.map(MemoryAgent.memories(scope), (all) => all.map(({ text }) => text))
const exported = (from: Scope.Scope) =>
  Effect.map(Stream.runCollect(Transfer.exported(from)), (lines) => Array.from(lines))
const failureOf = <A, E extends { readonly _tag: string }, R>(program: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(program), ({ _tag }) => _tag)

describe("peers' complaints: stores", () => {
  // mem0#6515: a hash was looked up, then written: permanent duplicates. Over processes (cognee#4394: a lock of one
  // process): durability.test.ts.
  it.effect("TOCTOU: of sixteen writers that add the same one does", () =>
    Effect.gen(function*() {
      const store = yield* MemoryStore.MemoryStore
      const writer = Effect.gen(function*() {
        const { revision } = yield* store.current(scope)
        yield* Effect.yieldNow
        return yield* store.commit(scope, { base: revision, edits: [add("Ann plays chess")] })
      }).pipe(Effect.retry({ while: (error) => error._tag === "Conflict" }))
      const done = yield* Effect.forEach(Array.from({ length: 16 }), () => writer, { concurrency: "unbounded" })
      assert.lengthOf(done.filter(({ edits }) => edits[0]?._tag === "Add"), 1)
      assert.deepStrictEqual(yield* texts, ["Ann plays chess"])
    }).pipe(Effect.provide(MemoryStore.layerInMemory)))

  // cognee#3526, opencode-supermemory#5 (forget says 200, the memory remains), openclaw#6774 (search gives no ids to
  // forget by).
  it("forget doesn't forget: what was recalled can be forgotten, and is nowhere afterwards", async () => {
    const store = MemoryStore.layerInMemory
    const context = await Effect.runPromise(Effect.scoped(Layer.build(store)))
    const memory = await createMemory({ store: Layer.succeedContext(context), scope: { tenant: "acme", user: "ann" } })
    const other = await createMemory({ store: Layer.succeedContext(context), scope: { tenant: "acme", user: "ben" } })
    await memory.remember({ speaker: "Ann", text: "My secret is xyzzy" })
    await memory.remember({ speaker: "Ann", text: "My secret is XYZZY!" })
    await memory.remember({ speaker: "Ann", text: "I play chess" })
    await other.remember({ speaker: "Ann", text: "My secret is xyzzy" })
    const [found] = await memory.recall("Which secret?", { limit: 1 })
    await memory.forget(found!.id)
    const told = [
      await memory.recall("My secret is xyzzy"),
      await memory.memories(),
      await memory.history(found!.id),
      await memory.answer("What is the secret?"),
      await Effect.runPromise(Effect.provide(exported(scope), context)),
      await Effect.runPromise(
        Effect.provide(
          MemoryStore.MemoryStore.use((store) => store.list(scope, { tombstones: true, showExpired: true })),
          context
        )
      )
    ]
    assert.notMatch(JSON.stringify(told), /xyzzy/i)
    await memory.revert(1)
    assert.notMatch(JSON.stringify(await memory.memories()), /xyzzy/i)
    // cognee#2732: nor more than that, such as the same text elsewhere.
    assert.deepStrictEqual((await other.memories()).map(({ text }) => text), ["My secret is xyzzy"])
    await memory.revert(3)
    assert.deepStrictEqual((await memory.memories()).map(({ text }) => text), ["I play chess"])
    const unknown = await memory.forget([found!.id, "m404"]).then(() => undefined, (error: unknown) => error)
    assert.instanceOf(unknown, MemoryStore.UnknownMemory)
    await Promise.all([memory.close(), other.close()])
  })

  it.effect("forget doesn't forget: nor does the log what was said again in other letters", () =>
    Effect.gen(function*() {
      const store = yield* MemoryStore.MemoryStore
      yield* commit(add("Ann's secret is xyzzy"))
      const said = "ANN'S secret  is XYZZY"
      yield* store.commit(scope, {
        base: 1,
        edits: [add(said)],
        decision: {
          shown: [],
          promptHash: "00",
          raw: `ADD ${said}`,
          fact: { text: said, speaker: "Ann", sources: ["D9"] }
        }
      })
      yield* store.erase(scope, id(1))
      assert.notMatch(JSON.stringify(yield* store.log(scope)), /xyzzy|promptHash/i)
    }).pipe(Effect.provide(MemoryStore.layerInMemory)))

  // cognee#2732 within one scope; mem0 PR#6636: delete_all deleted the first page.
  it.effect("forgets too much, or too little: exactly the memories that were named, however many", () =>
    Effect.gen(function*() {
      const store = yield* MemoryStore.MemoryStore
      yield* commit(...Array.from({ length: 1200 }, (_, i) => add(`note ${i + 1}`, { sources: [`D${i % 7}`] })))
      yield* store.erase(scope, id(1))
      assert.deepStrictEqual((yield* texts).slice(0, 12), Array.from({ length: 12 }, (_, i) => `note ${i + 2}`))
      const even = (yield* store.list(scope)).flatMap(({ memory, order }) => order % 2 === 0 ? [memory.id] : [])
      yield* store.erase(scope, even)
      const left = yield* store.list(scope, { tombstones: true })
      assert.deepStrictEqual(
        left.map(({ memory }) => memory.text),
        Array.from({ length: 599 }, (_, i) => `note ${2 * i + 3}`)
      )
      yield* store.erase(scope, left.map(({ memory }) => memory.id))
      assert.deepStrictEqual(yield* store.list(scope, { tombstones: true, showExpired: true }), [])
      assert.notMatch(JSON.stringify(yield* store.log(scope)), /note/)
    }).pipe(Effect.provide(MemoryStore.layerInMemory)))

  // vellum PR#24045: a consolidation destroyed 745 of 931 memories in two days.
  it.effect("destructive consolidation: every memory comes back, byte for byte, whatever a manager did", () =>
    Effect.gen(function*() {
      const store = yield* MemoryStore.MemoryStore
      yield* TestClock.setTime(1_700_000_000_000)
      yield* commit(
        ...Array.from({ length: 931 }, (_, i) => add(`note ${i}`, { observedAt: `day ${i}`, metadata: { i } }))
      )
      const before = yield* store.list(scope)
      yield* TestClock.adjust("2 days")
      const found = before.map(({ memory }) => memory.id)
      for (let day = 0; day < 5; day++) {
        const part = found.slice(149 * day, 149 * (day + 1))
        yield* commit(
          ...part.map((id, i) =>
            i % 3 === 0
              ? Supersede({ id, memory: { text: `all of day ${day}, ${i}` } })
              : i % 3 === 1
              ? Update({ id, text: "gone" })
              : Delete({ id })
          )
        )
      }
      const then = yield* store.asOf(scope, new Date(1_700_000_000_000))
      assert.deepStrictEqual(MemoryBank.memories(then.bank), before.map(({ memory }) => memory))
      // What would come back, before it does.
      const { bank } = yield* store.current(scope)
      const { added, removed, updated } = MemoryBank.diff(bank, then.bank)
      assert.deepStrictEqual([added.length, removed.length, updated.length], [495, 250, 250])
      yield* store.revert(scope, new Date(1_700_000_000_000))
      assert.deepStrictEqual((yield* store.list(scope)).map(({ memory }) => memory), before.map(({ memory }) => memory))
    }).pipe(Effect.provide(MemoryStore.layerInMemory)))

  it.effect("destructive consolidation: a moment that is none undoes nothing", () =>
    Effect.gen(function*() {
      const store = yield* MemoryStore.MemoryStore
      yield* commit(add("Ann plays chess"))
      for (const moment of [new Date("yesterday"), Number.NaN, Number.POSITIVE_INFINITY, 2, -1, 0.5]) {
        assert.strictEqual(yield* failureOf(store.revert(scope, moment)), "UnknownRevision", String(moment))
        assert.strictEqual(yield* failureOf(store.asOf(scope, moment)), "UnknownRevision", String(moment))
      }
      for (const base of [Number.NaN, Number.NEGATIVE_INFINITY]) {
        assert.strictEqual(yield* failureOf(store.commit(scope, { base, edits: [] })), "Conflict")
      }
      assert.deepStrictEqual(yield* texts, ["Ann plays chess"])
    }).pipe(Effect.provide(MemoryStore.layerInMemory)))

  // mem0#6656, #6278, #6342, #6367, #6371; filters as injections in nine stores: #4878, #5980 to #5988;
  // openclaw-supermemory#15.
  it.effect("cross-tenant leaks: neither metadata nor filters nor names lead into another scope", () =>
    Effect.gen(function*() {
      const store = yield* MemoryStore.MemoryStore
      const others = [
        { tenant: "acme" },
        { user: "ann" },
        { tenant: "acme", user: "Ann" },
        { tenant: "acme", user: "ann", session: "1" },
        { tenant: "acme&user=ann" },
        {}
      ].map(Scope.make)
      for (const [i, other] of others.entries()) {
        yield* store.commit(other, {
          base: 0,
          edits: [add(`other ${i}`, { metadata: { tenant: "acme", user: "ann", scope } })]
        })
      }
      yield* commit(add("mine", { metadata: { tenant: "evil", user: "*", scope: others[0], user_id: "' OR 1=1 --" } }))
      const filters = [
        Filter.not(Filter.some()),
        Filter.equals("scope", scope),
        Filter.equals("tenant", "evil"),
        Filter.oneOf("user", ["*", "ann"]),
        Filter.exists("scope"),
        Filter.equals("1=1) OR (1", 1),
        Filter.compare("user_id' OR '1'='1", ">", ""),
        Filter.some(Filter.exists("user_id"), Filter.equals("user_id", "x"))
      ]
      for (const filter of filters) {
        for (const query of [{ filter }, { filter, speaker: "Ann" }, { filter, perSpeaker: true }]) {
          const found = (yield* store.search(scope, { text: "other mine", limit: 50, ...query })).memories.map((
            { memory }
          ) => memory.text)
          assert.includeMembers(["mine"], found)
        }
        assert.includeMembers(
          ["mine"],
          (yield* store.list(scope, { filter, tombstones: true, showExpired: true })).map(({ memory }) => memory.text)
        )
      }
      yield* store.erase(scope, id(1))
      for (const [i, other] of others.entries()) {
        assert.deepStrictEqual((yield* store.list(other)).map(({ memory }) => memory.text), [`other ${i}`])
      }
    }).pipe(Effect.provide(MemoryStore.layerInMemory)))

  // mem0#3945 ends in an IndexError of Qdrant. Other lengths, other models and NaN: journalVectorLaws.
  it.effect("embedding mismatch: vectors of zeros hide no other model; what is no list of vectors is an error", () =>
    Effect.gen(function*() {
      const journal = Journal.inMemory()
      const over = (embed: (inputs: ReadonlyArray<string>) => Array<Array<number>>) =>
        Effect.map(
          EmbeddingModel.make({
            embedMany: ({ inputs }) =>
              Effect.sync(() => ({ results: embed(inputs), usage: { inputTokens: undefined } }))
          }),
          (embedding) => MemoryStore.fromJournal(journal, Retriever.make({ embedding }))
        )
      const zeros = yield* over((inputs) => inputs.map(() => [0, 0, 0]))
      yield* zeros.commit(scope, { base: 0, edits: [add("Ann plays chess"), add("Ann lives in Oslo")] })
      assert.deepStrictEqual(yield* zeros.embed(scope), { embedded: 2 })
      assert.lengthOf((yield* zeros.search(scope, { text: "chess", limit: 5 })).memories, 2)
      const ones = yield* over((inputs) => inputs.map(() => [1, 1, 1]))
      for (const use of [ones.embed(scope), ones.search(scope, { text: "chess", limit: 5 })]) {
        assert.strictEqual(
          yield* failureOf(Effect.asVoid<unknown, { readonly _tag: string }, never>(use)),
          "VectorError"
        )
      }
      assert.deepStrictEqual(yield* ones.reembed(scope), { embedded: 2 })
      assert.strictEqual(yield* failureOf(zeros.embed(scope)), "VectorError")
      const huge = yield* over((inputs) => inputs.map(() => [1e39, 0, 0]))
      assert.strictEqual(yield* failureOf(huge.embed(scope)), "VectorError")
      const few = yield* over((inputs) => inputs.slice(1).map(() => [1, 1, 1]))
      assert.include(["AiError", "VectorError"], yield* failureOf(few.reembed(scope)))
    }))

  // mem0#6519: several stores gave a failure out as an empty result.
  it.effect("store errors: reach whoever asked, and are no empty result", () =>
    Effect.gen(function*() {
      const broken = new MemoryStore.StoreError({
        store: "memory",
        doing: "to read",
        reason: "Corrupt",
        detail: "a page is damaged"
      })
      const store = MemoryStore.fromJournal({
        ...Journal.inMemory(),
        read: () => Effect.fail(broken),
        write: () => Effect.fail(broken)
      })
      const turn = { id: "D1", speaker: "Ann", text: "I play chess" }
      const layers = Layer.mergeAll(
        Layer.succeed(MemoryStore.MemoryStore, store),
        FactExtractor.layerVerbatim,
        MemoryManager.layerRuleBased(),
        AnswerAgent.layerExtractive
      )
      assert.strictEqual(yield* Effect.flip(Effect.provide(MemoryAgent.remember(scope, turn), layers)), broken)
      assert.strictEqual(yield* Effect.flip(Effect.provide(MemoryAgent.ask(scope, "Who?"), layers)), broken)
      assert.strictEqual(yield* Effect.flip(Effect.provide(exported(scope), layers)), broken)
      for (const use of [store.list(scope), store.log(scope), store.history(scope, id(1))]) {
        assert.strictEqual(yield* Effect.flip(Effect.asVoid<unknown, unknown, never>(use)), broken)
      }
    }))

  // MemOS#2290: stored metadata failed their own schema when they were read. One such line would make a whole log
  // unreadable.
  it.effect("written, but not readable: a store refuses what it could not read again", () =>
    Effect.gen(function*() {
      const store = yield* MemoryStore.MemoryStore
      const fact = { text: "x", speaker: "Ann", sources: [] }
      const decisions: ReadonlyArray<object> = [
        { shown: [], logProbability: Number.NEGATIVE_INFINITY },
        { shown: [], fact: { ...fact, text: "" } },
        { shown: [], fact: { text: "x", sources: [] } },
        { shown: [""] },
        { raw: "NOOP" },
        { shown: [], model: 7 }
      ]
      // What programs without types give.
      const edits: ReadonlyArray<object> = [
        Add({ memory: { text: "x", observedAt: new Date(0) as unknown as string } }),
        Add({ memory: { text: "x", sources: "D1" as unknown as ReadonlyArray<string> } }),
        { _tag: "Delete" },
        Add({ memory: { text: "x", metadata: [] as unknown as Record<string, unknown> } }),
        { _tag: "Drop" },
        Update({ id: id(1), text: "y", expiresAt: "never" as unknown as number })
      ]
      yield* commit(add("Ann plays chess"))
      for (const decision of decisions) {
        const error = yield* Effect.flip(
          store.commit(scope, { base: 1, edits: [add("x")], decision: decision as { readonly shown: [] } })
        )
        assert.strictEqual(error._tag, "InvalidEdit", JSON.stringify(decision))
        assert.isNotEmpty(error.message)
      }
      for (const edit of edits) {
        assert.strictEqual(
          yield* failureOf(store.commit(scope, { base: 1, edits: [add("x"), edit as MemoryBank.Edit] })),
          "InvalidEdit",
          JSON.stringify(edit)
        )
      }
      // What is left out is left out, also where it is said to be undefined.
      yield* store.commit(scope, {
        base: 1,
        edits: [add("Ann sings", { speaker: undefined as unknown as string })],
        decision: { shown: [], raw: undefined as unknown as string }
      })
      const copy = Scope.make({ user: "copy" })
      yield* Transfer.imported(copy, Stream.fromIterable(yield* exported(scope)))
      assert.deepStrictEqual(yield* store.log(copy), yield* store.log(scope))
    }).pipe(Effect.provide(MemoryStore.layerInMemory)))

  it.effect("written, but not readable: a probability of zero or a fact without words stops no turn", () =>
    Effect.gen(function*() {
      const store = yield* MemoryStore.MemoryStore
      const sampler: Sampler.Sampler["Service"] = {
        contextLength: 1000,
        tokenizer: { vocabularySize: 1, stopTokens: [], encode: () => [0], decode: () => "ADD Ann plays chess" },
        sample: ({ prompts }) =>
          Effect.succeed(
            prompts.map(
              () => [{
                tokens: [0],
                logprobs: Float32Array.of(Number.NEGATIVE_INFINITY),
                finishReason: "stop" as const
              }]
            )
          ),
        score: () => Effect.fail(new Sampler.SamplerError({ reason: "unused" }))
      }
      const manager = Layer.succeed(
        MemoryManager.MemoryManager,
        MemoryManager.fromSampler(sampler, { format: ManagerFormat.compact, maxTokens: 9 })
      )
      const extractor = Layer.succeed(FactExtractor.FactExtractor, {
        extract: ({ speaker }) =>
          Effect.succeed(["", " \n", "Ann plays chess"].map((text) => ({ text, speaker, sources: [] })))
      })
      const { decisions } = yield* MemoryAgent.remember(scope, { id: "D1", speaker: "Ann", text: "chess" }).pipe(
        Effect.provide(Layer.merge(manager, extractor))
      )
      assert.lengthOf(decisions, 1)
      const [entry] = yield* store.log(scope)
      assert.isFalse(entry?._tag === "Committed" && Object.hasOwn(entry.decision!, "logProbability"))
      assert.lengthOf(yield* exported(scope), 2)
    }).pipe(Effect.provide(MemoryStore.layerInMemory)))

  // cognee#2633: ids of the users' own were dropped. mem0#3009: facts without text came back with HTTP 200.
  it.effect("imports: keep ids, count what they did, and name what they cannot take", () =>
    Effect.gen(function*() {
      const store = yield* MemoryStore.MemoryStore
      const items = [{ id: "a", memory: "Ann plays chess" }, { id: "m7", memory: "Ann plays chess" }, {
        id: "a",
        memory: "Ann plays go"
      }]
      assert.deepStrictEqual(yield* Transfer.importedFromMem0(scope, JSON.stringify(items)), { imported: 2, known: 1 })
      assert.deepStrictEqual((yield* store.list(scope)).map(({ memory }) => [memory.id, memory.text]), [[
        "a",
        "Ann plays chess"
      ], ["m7", "Ann plays chess"]])
      yield* commit(add("Ann sings"))
      assert.deepStrictEqual((yield* store.list(scope)).map(({ memory }) => memory.id), ["a", "m7", "m8"])
      for (const memory of ["", " \n"]) {
        const error = yield* Effect.flip(
          Transfer.importedFromMem0(
            scope,
            JSON.stringify({ results: [{ id: "b", memory: "Ann reads" }, { id: "c", memory }] })
          )
        )
        assert.strictEqual(error._tag, "TransferError")
        assert.match(error.message, /"results".*1.*"memory"/s)
      }
      assert.lengthOf(yield* texts, 3)
    }).pipe(Effect.provide(MemoryStore.layerInMemory)))

  // graphiti has four times for a fact, and users who ask which of them holds. Here: `observedAt` is the dialogue's,
  // `at` the store's.
  it.effect("timestamps: the dialogue's own time is kept, and the store's never goes back", () =>
    Effect.gen(function*() {
      const store = yield* MemoryStore.MemoryStore
      yield* TestClock.setTime(5000)
      yield* commit(add("Ann has a dog", { observedAt: "8 May 2023" }))
      // Somebody sets the clock back.
      yield* TestClock.setTime(1000)
      yield* commit(Update({ id: id(1), text: "Ann has two dogs" }))
      yield* TestClock.setTime(6000)
      yield* commit(Update({ id: id(1), text: "Ann has three dogs", observedAt: "9 June 2023" }))
      assert.deepStrictEqual((yield* store.log(scope)).map(({ at }) => at), [5000, 5000, 6000])
      const textAt = (time: number) =>
        Effect.map(
          store.asOf(scope, new Date(time)),
          ({ bank }) =>
            Option.map(MemoryBank.get(bank, id(1)), ({ observedAt, text }) => `${observedAt}: ${text}`).pipe(
              Option.getOrUndefined
            )
        )
      assert.deepStrictEqual(yield* Effect.forEach([4999, 5000, 6000], textAt), [
        undefined,
        "8 May 2023: Ann has two dogs",
        "9 June 2023: Ann has three dogs"
      ])
      assert.deepStrictEqual((yield* store.list(scope, { since: 5001 })).map(({ changedAt }) => changedAt), [6000])
      assert.deepStrictEqual(yield* store.list(scope, { since: 6001 }), [])
    }).pipe(Effect.provide(MemoryStore.layerInMemory)))

  it.effect("limits that are no numbers of memories: give none or all, and no error of a database", () =>
    Effect.gen(function*() {
      const store = yield* MemoryStore.MemoryStore
      yield* commit(add("Ann plays chess"), add("Ann lives in Oslo"))
      for (
        const [limit, expected] of [[Number.POSITIVE_INFINITY, 2], [1e300, 2], [1.9, 1], [0, 0], [-1, 0], [
          Number.NaN,
          0
        ]] as const
      ) {
        assert.lengthOf((yield* store.search(scope, { text: "chess", limit })).memories, expected, String(limit))
        assert.lengthOf(yield* store.list(scope, { limit }), expected, String(limit))
      }
    }).pipe(Effect.provide(MemoryStore.layerInMemory)))
})
