import { assert, describe, it } from "@effect/vitest"
import { AnswerAgent, MemoryAgent, MemoryBank, MemoryStore, Retriever, Scope } from "@memory-r1/core"
import { Simulation } from "@memory-r1/core/rl"
import { Bm25 } from "@memory-r1/core/store"
import { Arbitrary, Effect, Layer, Schema } from "effect"
import { AiError, EmbeddingModel } from "effect/ai"

const add = (speaker: string, text: string) => MemoryBank.Edit.Add({ memory: { text, speaker } })

const bank = MemoryBank.applyAll(MemoryBank.empty, [
  add("Ann", "Ann has a dog named Buddy"),
  add("Ann", "Ann lives in Oslo"),
  add("Ben", "Ben has a dog named Rex"),
  add("Ann", "Ann plays chess"),
  add("Ann", "Ann plays chess")
])
const texts = (found: ReadonlyArray<Retriever.Hit>) => found.map(({ memory }) => memory.text)

describe("Retriever.bm25", () => {
  it("ranks by the score of the index, best first", () => {
    const found = Retriever.bm25(bank, { text: "Where does Ann live?", limit: 5 })
    const index = Bm25.make(MemoryBank.memories(bank).map(({ text }) => text))
    assert.strictEqual(found[0]?.memory.text, "Ann lives in Oslo")
    assert.deepStrictEqual(
      found.map(({ score }) => score),
      Array.from(index.scores("Where does Ann live?")).sort((a, b) => b - a)
    )
  })

  it("gives the newer of two equals first", () => {
    const [first, second] = Retriever.bm25(bank, { text: "chess", limit: 2 })
    assert.deepStrictEqual([first?.memory.id, second?.memory.id].map(String), ["m5", "m4"])
    assert.strictEqual(first?.score, second?.score)
  })

  it("keeps to the limit and to the speaker", () => {
    assert.lengthOf(Retriever.bm25(bank, { text: "dog", limit: 2 }), 2)
    assert.deepStrictEqual(texts(Retriever.bm25(bank, { text: "dog", limit: 9, speaker: "Ben" })), [
      "Ben has a dog named Rex"
    ])
    assert.deepStrictEqual(Retriever.bm25(bank, { text: "dog", limit: 9, speaker: "Cleo" }), [])
    assert.deepStrictEqual(Retriever.bm25(bank, { text: "dog", limit: 0 }), [])
  })

  it("weighs words among all memories, as a store does, also where one speaker's are asked for", () => {
    const [ann] = Retriever.bm25(bank, { text: "dog", limit: 1, speaker: "Ann" })
    const all = Bm25.make(MemoryBank.memories(bank).map(({ text }) => text))
    assert.strictEqual(ann?.score, all.scores("dog")[0])
  })

  it("gives a bank that is no larger than the limit whole, also what shares no word", () => {
    assert.lengthOf(Retriever.bm25(bank, { text: "xyzzy", limit: 5 }), 5)
    assert.deepStrictEqual(Retriever.bm25(MemoryBank.empty, { text: "dog", limit: 5 }), [])
  })

  it("sees the bank it is given, not an earlier one", () => {
    const after = MemoryBank.applyAll(bank, [
      MemoryBank.Edit.Delete({ id: MemoryBank.memories(bank)[1]!.id }),
      add("Ann", "Ann lives in Bergen")
    ])
    assert.strictEqual(texts(Retriever.bm25(after, { text: "lives", limit: 1 }))[0], "Ann lives in Bergen")
    assert.strictEqual(texts(Retriever.bm25(bank, { text: "lives", limit: 1 }))[0], "Ann lives in Oslo")
  })

  it.effect("is the service without a model", () =>
    Effect.gen(function*() {
      const query = { text: "dog", limit: 3 }
      assert.deepStrictEqual(
        yield* (yield* Retriever.Retriever).retrieve(Retriever.inBank(bank), query),
        Retriever.bm25(bank, query)
      )
    }).pipe(Effect.provide(Retriever.layerBm25)))
})

describe("Retriever.fuse", () => {
  const score = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20 }))
  // Whole numbers, so that sums are exact: what the words and the meaning of each memory are worth, in rankings that
  // may be cut off.
  const memories = Arbitrary.schema(
    Schema.NonEmptyArray(Schema.Struct({ words: score, meaning: score, isFar: Schema.Boolean }))
  )
  const depth = 4
  const weight = 3
  type Of = ReadonlyArray<{ readonly words: number; readonly meaning: number; readonly isFar: boolean }>
  const rankings = (of: Of) => {
    const ranked = (scores: ReadonlyArray<number | undefined>) =>
      scores.flatMap((score, id) => score === undefined ? [] : [{ id, score }]).sort((a, b) => b.score - a.score)
    return {
      lexical: ranked(of.map(({ words }) => words === 0 ? undefined : words)).slice(0, depth),
      dense: ranked(of.map(({ isFar, meaning }) => isFar ? undefined : meaning - 10))
    }
  }
  const fused = (of: Of) => Retriever.fuse({ ...rankings(of), depth, weight })
  const above = (of: Of, id: number) => {
    const scores = new Map(fused(of).map(({ id, score }) => [id, score]))
    const own = scores.get(id)
    return own === undefined ? Infinity : [...scores.values()].filter((score) => score > own).length
  }

  it("adds what the words and the meaning are worth; what a whole ranking lacks has none of it", () => {
    const lexical = [{ id: "a", score: 4 }, { id: "b", score: 1 }]
    const dense = [{ id: "c", score: 0.75 }, { id: "a", score: 0.5 }, { id: "d", score: 0.25 }]
    assert.deepStrictEqual(Retriever.fuse({ lexical, dense, depth: 3, weight: 8 }), [
      { id: "a", score: 6 },
      { id: "c", score: 4 },
      { id: "b", score: 1 },
      { id: "d", score: 0 }
    ])
    // The last one of a ranking that was cut off stands for those that it lacks.
    assert.deepStrictEqual(
      Retriever.fuse({ lexical, dense, depth: 2, weight: 8 }).map(({ id, score }) => `${id} ${score}`),
      ["a 6", "c 5", "b 1", "d 1"]
    )
    assert.deepStrictEqual(Retriever.fuse({ lexical: [], dense: [], depth: 3 }), [])
  })

  it.prop("leaves the order of a ranking alone", { memories }, ({ memories }) => {
    const { dense, lexical } = rankings(memories)
    const ids = (ranking: ReadonlyArray<{ readonly id: number }>) => ranking.map(({ id }) => id)
    assert.deepStrictEqual(Retriever.fuse({ lexical, dense: [], depth }), lexical)
    assert.deepStrictEqual(ids(Retriever.fuse({ lexical: [], dense, depth })), ids(dense))
  })

  it.prop("puts first what both rankings have first", { memories }, ({ memories }) => {
    assert.strictEqual(fused([{ words: 20, meaning: 20, isFar: false }, ...memories])[0]?.id, 0)
  })

  it.prop("never places a memory lower that has better words or a nearer meaning", { memories }, ({ memories }) => {
    memories.forEach((memory, id) => {
      for (const better of [{ words: memory.words + 3 }, { meaning: memory.meaning + 3 }]) {
        const after = memories.with(id, { ...memory, ...better })
        assert.isAtMost(above(after, id), above(memories, id))
      }
    })
  })

  it.prop("does not depend on what all cosines have in common", { memories }, ({ memories }) => {
    const { dense, lexical } = rankings(memories)
    const shifted = dense.map(({ id, score }) => ({ id, score: score + 5 }))
    assert.deepStrictEqual(Retriever.fuse({ lexical, dense: shifted, depth, weight }), fused(memories))
  })
})

// A vector has a component for each thing that is known: an animal, a place, a game, the letters of the text.
const meanings = [/dog|pet|animal/i, /oslo|town|live/i, /chess|game|hobby/i]
const vectorOf = (
  text: string
): Array<number> => [...meanings.map((meaning) => Number(meaning.test(text))), text.length / 1000]

/** A model that notes what it is asked, and says what it is told to. */
const modelOf = (answer: (text: string) => Array<number> = vectorOf) => {
  const asked: Array<ReadonlyArray<string>> = []
  const layer = Layer.effect(
    EmbeddingModel.EmbeddingModel,
    EmbeddingModel.make({
      embedMany: ({ inputs }) =>
        Effect.sync(() => {
          asked.push(inputs)
          return { results: inputs.map(answer), usage: { inputTokens: undefined } }
        })
    })
  )
  return { asked, layer: Layer.provide(Retriever.layerHybrid, layer), model: layer }
}

const retrieve = (bank: MemoryBank.MemoryBank, query: Retriever.Query) =>
  Retriever.Retriever.use((retriever) => retriever.retrieve(Retriever.inBank(bank), query))

describe("Retriever.layerHybrid", () => {
  it.effect("finds what shares no word with the query, and puts first what both rankings find", () =>
    Effect.gen(function*() {
      const pets = yield* retrieve(bank, { text: "Which animals?", limit: 2 })
      assert.deepStrictEqual(texts(pets), ["Ben has a dog named Rex", "Ann has a dog named Buddy"])
      const [first, second] = yield* retrieve(bank, { text: "Which pet is named Rex?", limit: 5 })
      assert.strictEqual(first?.memory.text, "Ben has a dog named Rex")
      const query = vectorOf("Which pet is named Rex?")
      const cosines = MemoryBank.memories(bank).map(({ text }) => {
        const of = vectorOf(text)
        return query.reduce((sum, x, i) => sum + x * of[i]!, 0) / Math.hypot(...query) / Math.hypot(...of)
      })
      const [words] = Retriever.bm25(bank, { text: "Which pet is named Rex?", limit: 1 })
      assert.closeTo(first!.score, words!.score + 35 * (cosines[2]! - Math.min(...cosines)), 1e-5)
      assert.isAbove(first!.score, second!.score)
    }).pipe(Effect.provide(modelOf().layer)))

  it.effect("ranks as a store does", () =>
    Effect.gen(function*() {
      const model = modelOf((text) => [
        ...vectorOf(text),
        ...Array.from({ length: 20 }, (_, i) => Math.sin((i + 1) * Bm25.tokens(text).join().length ** 2))
      ])
      const scope = Scope.make({ user: "ann" })
      const others = [
        "Ann went to town",
        "Ann likes games",
        "Ben lives in Rome",
        "Ben has a cat",
        "Ann has animals",
        "Ben bought a chess board"
      ]
      const many = MemoryBank.applyAll(
        bank,
        Array.from(
          { length: 90 },
          (_, i) => add(i % 3 === 0 ? "Ben" : "Ann", `${others[i % others.length]!}, ${"x".repeat(i)}`)
        )
      )
      const program = Effect.gen(function*() {
        const store = yield* MemoryStore.MemoryStore
        yield* store.commit(scope, {
          base: 0,
          edits: MemoryBank.memories(many).map((memory) => MemoryBank.Edit.Add({ memory, id: memory.id }))
        })
        for (
          const query of [{ text: "Where does Ann live?", limit: 30 }, { text: "chess and other games", limit: 4 }, {
            text: "Ben's pets",
            limit: 40,
            speaker: "Ben"
          }]
        ) {
          const { memories } = yield* store.search(scope, query)
          const found = yield* retrieve(many, query)
          assert.isAtLeast(found.length, 4)
          assert.deepStrictEqual(
            found.map(({ memory, score }) => [memory.id, score]),
            memories.map(({ memory, score }) => [memory.id, score])
          )
        }
      })
      yield* Effect.provide(
        program,
        Layer.merge(
          model.layer,
          MemoryStore.layerInMemory.pipe(Layer.provide(Retriever.layerHybrid), Layer.provide(model.model))
        )
      )
    }))

  it.effect("keeps to the limit and to the speaker; a small bank comes whole, the newer of two equals first", () =>
    Effect.gen(function*() {
      assert.lengthOf(yield* retrieve(bank, { text: "dog", limit: 2 }), 2)
      assert.deepStrictEqual(texts(yield* retrieve(bank, { text: "animal", limit: 9, speaker: "Ben" })), [
        "Ben has a dog named Rex"
      ])
      assert.deepStrictEqual(yield* retrieve(bank, { text: "dog", limit: 9, speaker: "Cleo" }), [])
      assert.deepStrictEqual(yield* retrieve(bank, { text: "dog", limit: 0 }), [])
      assert.deepStrictEqual(yield* retrieve(MemoryBank.empty, { text: "dog", limit: 5 }), [])
      assert.deepStrictEqual(
        (yield* retrieve(bank, { text: "hobby", limit: 5 })).map(({ memory }) => String(memory.id)).slice(0, 2),
        ["m5", "m4"]
      )
      assert.lengthOf(yield* retrieve(bank, { text: "xyzzy", limit: 5 }), 5)
      // Candidates for an answer: the best of each speaker.
      assert.deepStrictEqual((yield* Retriever.candidatesFor(bank, "animal", 1)).map(({ text }) => text), [
        "Ann has a dog named Buddy",
        "Ben has a dog named Rex"
      ])
    }).pipe(Effect.provide(modelOf().layer)))

  it.effect("embeds every text once, a hundred and more in several requests", () =>
    Effect.gen(function*() {
      const { asked, layer } = modelOf()
      const many = MemoryBank.applyAll(
        bank,
        Array.from({ length: 200 }, (_, i) => add("Ann", `Ann has statement ${i}`))
      )
      const after = MemoryBank.apply(many, add("Ann", "Ann has a cat"))
      const program = Effect.gen(function*() {
        yield* retrieve(many, { text: "dog", limit: 3 })
        assert.deepStrictEqual(asked.map((texts) => texts.length), [128, 77])
        yield* retrieve(many, { text: "dog", limit: 3, speaker: "Ann" })
        assert.lengthOf(asked, 2)
        yield* retrieve(after, { text: "dog", limit: 3 })
        assert.deepStrictEqual(asked.slice(2), [["Ann has a cat"]])
        assert.lengthOf(new Set(asked.flat()), asked.flat().length)
      })
      yield* Effect.provide(program, layer)
    }))

  it.effect("fails with what the model fails with, and with vectors that are none", () =>
    Effect.gen(function*() {
      const query = { text: "dog", limit: 3 }
      const offline = AiError.make({
        module: "test",
        method: "embedMany",
        reason: new AiError.InternalProviderError({ description: "offline" })
      })
      const broken = Layer.effect(
        EmbeddingModel.EmbeddingModel,
        EmbeddingModel.make({ embedMany: () => Effect.fail(offline) })
      )
      const causes = yield* Effect.forEach([
        Layer.provide(Retriever.layerHybrid, broken),
        modelOf((text) => text === "dog" ? [1, Number.NaN] : [1, 2]).layer,
        modelOf((text) => text === "dog" ? [1] : [1, 2]).layer
      ], (layer) => Effect.map(Effect.flip(Effect.provide(retrieve(bank, query), layer)), ({ cause }) => cause))
      assert.strictEqual(causes[0], offline)
      assert.include(String(causes[1]), "no vector of numbers")
      assert.include(String(causes[2]), "a vector of 2 components, the others have 1")
    }))
})

describe("Retriever.layer", () => {
  const scope = Scope.make({ user: "ann" })
  const said = ["Ann has a dog", "Ann plays chess", "Ann lives in Oslo", "Which hobby? That is a question"]
  const told = MemoryBank.applyAll(MemoryBank.empty, said.map((text) => add("Ann", text)))
  const question = "Which hobby does Ann have?"
  // What a store finds, what its agent is shown, and what the agents over a bank are shown.
  const foundBy = Effect.fnUntraced(function*(retriever: Layer.Layer<Retriever.Retriever>) {
    const shown: Array<ReadonlyArray<string>> = []
    const reader = Layer.succeed(AnswerAgent.AnswerAgent, {
      answer: (requests) =>
        Effect.sync(() =>
          requests.map(({ candidates }) => {
            shown.push(candidates.map(({ text }) => text))
            return { text: "none", selected: [], wellFormed: true, raw: "" }
          })
        )
    })
    const layers = Layer.merge(reader, Layer.provideMerge(MemoryStore.layerInMemory, retriever))
    return yield* Effect.gen(function*() {
      const store = yield* MemoryStore.MemoryStore
      yield* store.commit(scope, { base: 0, edits: said.map((text) => add("Ann", text)) })
      const { memories, revision } = yield* store.search(scope, { text: question, limit: 1 })
      assert.strictEqual(revision, 1)
      yield* MemoryAgent.ask(scope, question, { perSpeaker: 1 })
      const observed = yield* Simulation.observe({ bank: told }, { text: question, speaker: "Ann", sources: [] }, {
        perFact: 1
      })
      const asked = yield* Simulation.ask({ bank: told }, question, { perSpeaker: 1 })
      const all = [texts(memories), shown[0]!, observed.snapshot.memories, asked.candidates]
        .map((found) => found.map((one) => typeof one === "string" ? one : one.text))
      assert.deepStrictEqual(all, Array.from(all, () => all[0]!))
      return all[0]
    }).pipe(Effect.provide(layers))
  })

  it.effect("decides what a store, its agent and the agent over a bank find", () =>
    Effect.gen(function*() {
      const oldest = Layer.succeed(Retriever.Retriever, {
        retrieve: (memories, { limit }) =>
          memories.read((reader) =>
            Effect.map(
              reader.list({ where: {}, limit }),
              (rows) => rows.map(({ memory, order }) => ({ memory, order, score: 0 }))
            )
          )
      })
      // By meaning alone.
      const dense = Layer.succeed(Retriever.Retriever, {
        retrieve: Effect.fnUntraced(function*<E>(memories: Retriever.Searchable<E>, { limit, text }: Retriever.Query) {
          const model = yield* Effect.provide(
            EmbeddingModel.EmbeddingModel,
            modelOf((text) => [Number(/hobby does|chess/i.test(text) && !/That/.test(text)), 0.1]).model
          )
          const vector = yield* memories.embed(model, text)
          return yield* memories.read((reader) =>
            Effect.gen(function*() {
              const ranked = yield* reader.dense({ vector: vector!, limit, where: {} })
              const rows = yield* reader.rows(ranked.map(({ id }) => id))
              return rows.map(({ memory, order }) => ({ memory, order, score: 1 }))
            })
          )
        })
      })
      const layers = [Retriever.layerBm25, oldest, dense]
      assert.deepStrictEqual(yield* Effect.forEach(layers, foundBy), [
        ["Which hobby? That is a question"],
        ["Ann has a dog"],
        ["Ann plays chess"]
      ])
    }))
})
