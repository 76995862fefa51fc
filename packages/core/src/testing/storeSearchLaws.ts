import { assert, describe, it, layer } from "@effect/vitest"
import { AiError, EmbeddingModel } from "effect/ai"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import type * as EffectScope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Filter from "../Filter.ts"
import * as MemoryBank from "../MemoryBank.ts"
import { type Among, fromJournal, MemoryStore } from "../MemoryStore.ts"
import * as Retriever from "../Retriever.ts"
import type { Scope } from "../Scope.ts"
import * as Bm25 from "../store/Bm25.ts"
import type { Journal } from "../store/Journal.ts"
import { add, commit, freshScope, idOf } from "./storeSupport.ts"

const { Delete, Update } = MemoryBank.Edit

const found = Effect.fnUntraced(
  function*(
    scope: Scope,
    text: string,
    limit: number,
    among: Among & { readonly perSpeaker?: boolean | undefined } = {}
  ) {
    const { memories } = yield* MemoryStore.use((store) => store.search(scope, { ...among, text, limit }))
    return memories.map(({ memory }) => memory.text)
  }
)

// A small model that knows what some words mean: one component for each subject.
const subjects = [["dog", "puppy", "hound", "pet"], ["city", "lives", "home", "moved"], ["chess", "game", "opening"], [
  "nurse",
  "job",
  "works"
]]
const meaning = (text: string): Array<number> => {
  const words = text.toLowerCase().match(/\p{L}+/gu) ?? []
  return [...subjects.map((subject) => 0.01 + words.filter((word) => subject.includes(word)).length), 0.1]
}
const embedding = (embed: (text: string) => Array<number>): Layer.Layer<EmbeddingModel.EmbeddingModel> =>
  Layer.effect(
    EmbeddingModel.EmbeddingModel,
    EmbeddingModel.make({
      embedMany: ({ inputs }) =>
        inputs.some((text) => text.includes("unreachable"))
          ? Effect.fail(
            AiError.make({
              module: "Laws",
              method: "embedMany",
              reason: new AiError.InternalProviderError({ description: "out of reach" })
            })
          )
          : Effect.succeed({ results: inputs.map(embed), usage: { inputTokens: undefined } })
    })
  )
const hybrid = <E>(live: Layer.Layer<MemoryStore, E>, embed: (text: string) => Array<number>) =>
  Layer.provide(Layer.fresh(live), Layer.provide(Retriever.layerHybrid, embedding(embed)))

// Metadata and filters of every kind, the awkward ones included.
const keys = ["topic", "a.b", "it's \"quoted\"", "$", "", "ключ"]
const values = ["pets", "", "0", "𝒳", "\uffee", "a'b\"c", 0, -1.5, 3, 1e21, true, false, null]
const operators = ["<", "<=", ">", ">="] as const
const pick = <A>(from: ReadonlyArray<A>) => Effect.map(Random.nextIntBetween(0, from.length - 1), (at) => from[at]!)
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

// What is said, and what finds it: a word that no space sets apart, one between words of another script, other ways to
// write it.
const said: ReadonlyArray<readonly [text: string, ...queries: ReadonlyArray<string>]> = [
  ["今天玩成语接龙游戏", "成语接龙", "游戏", "戏", "你玩过成语接龙吗？"],
  ["我用iPhone拍照", "iPhone", "IPHONE", "拍照", "用iPhone"],
  ["他2019年在臺北買了5㎏大米", "臺北", "2019", "kg", "大米"],
  ["체크리스트는 책상 위에 있다", "체크리스트", "책상", "체크리스트를 찾아줘"],
  ["우리 집 개가 짖는다", "개", "개는 어디 있어?"],
  ["東京タワーに行きました", "東京", "タワー", "東京タワーへ行く"],
  ["ﾎﾃﾙでＴＯＥＩＣの勉強", "ホテル", "toeic", "勉強"],
  ["ฉันชอบกินข้าวผัด", "ข้าวผัด", "กิน"],
  ["ຂ້ອຍມັກເຂົ້າໜຽວ", "ເຂົ້າໜຽວ", "ມັກ"],
  ["ខ្ញុំចូលចិត្តបាយ", "បាយ", "ចូលចិត្ត"],
  ["ကျွန်တော်ရေသောက်တယ်", "ရေ", "ရေသောက်"],
  ["मेरा बेटा स्कूल जाता है", "बेटा", "स्कूल"],
  ["தமிழ் புத்தகம் படிக்கிறேன்", "புத்தகம்"],
  ["يَسْكُنُ مُحَمَّدٌ في القاهرة", "محمد", "يسكن", "القاهـــرة"],
  ["עברתי לGoogle ב2023, שָׁלוֹם", "Google", "2023", "שלום"],
  ["می\u200cخواهم به خانه بروم", "میخواهم", "خانه"],
  ["Я доволен своим Samsungом", "samsung", "ДОВОЛЕН"],
  ["İstanbul'da yaşıyorum", "istanbul", "İSTANBUL", "YAŞIYORUM"],
  ["Die Straße ist naß", "STRASSE", "nass"],
  ["Ο δρόμος είναι μακρύς", "ΔΡΌΜΟΣ", "μακρύσ"],
  ["Tôi sống ở Đà Nẵng", "ĐÀ NẴNG"],
  ["Ọmọ náà jẹ ẹ̀kọ́", "Ẹ̀KỌ́"],
  ["He left the oﬃce in co\u00adoperation with Acme™", "office", "cooperation", "acme"],
  ["Ann has two dogs", "dog"]
]

// Letters with more than one form, of scripts with and without spaces. A word of them is met by no other.
const manyForms = "é ñ ö ǘ ệ ẛ ḯ ſ ﬁ ﬃ Ａ ｂ Ⅳ й ё ї ά ώ ᾳ ё́ x̄ ọ̀ क़ ড় ਸ਼ ோ ガ ﾀ ﾞ ぱ 각 힣 豈 金 Å Ω".split(" ")
const forms = ["NFC", "NFD", "NFKC", "NFKD"] as const

/**
 * How a store finds; a part of `memoryStoreLaws`.
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

    it.effect("finds the words of every script, as `Bm25` does", () =>
      Effect.gen(function*() {
        const store = yield* MemoryStore
        const scope = yield* freshScope
        const everything = said.map(([text]) => text)
        yield* commit(scope, ...everything.map((text) => add(text)))
        const index = Bm25.make(everything)
        for (const [text, ...queries] of said) {
          for (const query of queries) {
            const { memories } = yield* store.search(scope, { text: query, limit: everything.length })
            assert.strictEqual(memories[0]?.memory.text, text, query)
            assert.isAbove(memories[0]!.score, 0, query)
            const scores = index.scores(query)
            for (const { memory, score } of memories) {
              assert.closeTo(score, scores[everything.indexOf(memory.text)]!, 1e-9, `${query}: ${memory.text}`)
            }
          }
        }
        // A vowel sign is a letter of its word.
        for (const query of ["बेटी", "बट", "पुस्तक", "புத்தகத்"]) {
          assert.strictEqual((yield* store.search(scope, { text: query, limit: 1 })).memories[0]?.score, 0, query)
        }
      }))

    it.effect("finds a word in every normalization form of Unicode", () =>
      Effect.gen(function*() {
        const scope = yield* freshScope
        const letters = Effect.all(Array.from({ length: 6 }, () => pick(manyForms)))
        const word = Effect.map(letters, (letters) => letters.join(""))
        const words = yield* Effect.all(Array.from({ length: 30 }, () => word))
        const texts = yield* Effect.forEach(words, (word) =>
          Effect.map(pick(forms), (form) => `Ann's ${word} is here`.normalize(form)))
        yield* commit(
          scope,
          ...texts.map((text) =>
            add(text)
          )
        )
        for (const [i, word] of words.entries()) {
          for (const form of forms) {
            const best = yield* found(scope, `where is ${word.normalize(form)}?`, 1)
            assert.deepStrictEqual(best, [texts[i]!], `${form} of ${word}`)
          }
        }
      }).pipe(Random.withSeed("forms")))

    it.effect("forgets the words of what is changed, deleted and erased, of every script", () =>
      Effect.gen(function*() {
        const store = yield* MemoryStore
        const scope = yield* freshScope
        const { bank } = yield* commit(scope, ...said.map(([text]) => add(text)))
        const changed = idOf(bank, said[0]![0])
        yield* commit(scope, Update({ id: changed, text: "明天下棋" }))
        assert.deepStrictEqual(yield* found(scope, "下棋", 1), ["明天下棋"])
        for (const [i, [text]] of said.entries()) {
          if (i % 2 === 0) yield* commit(scope, Delete({ id: i === 0 ? changed : idOf(bank, text) }))
          else yield* store.erase(scope, idOf(bank, text))
        }
        yield* commit(scope, add("!"))
        for (const [, query] of said) {
          const { memories } = yield* store.search(scope, { text: query!, limit: 5 })
          assert.deepStrictEqual(memories.map(({ score }) => score), [0], query)
        }
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

  layer(hybrid(live, meaning), { excludeTestServices: true })(`MemoryStore laws: ${name}, search by meaning`, (it) => {
    it.effect("finds by meaning what shares no word, and by words what the model does not know", () =>
      Effect.gen(function*() {
        const store = yield* MemoryStore
        const scope = yield* freshScope
        yield* store.reembed(scope)
        const { bank } = yield* commit(
          scope,
          add("Ann has a puppy"),
          add("Ann lives in Oslo"),
          add("Ben collects stamps"),
          add("Ben loves his hound")
        )
        assert.sameMembers([...(yield* found(scope, "any pet?", 2))], ["Ann has a puppy", "Ben loves his hound"])
        assert.deepStrictEqual((yield* found(scope, "stamps", 2))[0], "Ben collects stamps")
        yield* commit(scope, Update({ id: idOf(bank, "Ann has a puppy"), text: "Ann knows an opening" }))
        assert.deepStrictEqual(yield* found(scope, "chess", 1), ["Ann knows an opening"])
        assert.deepStrictEqual(yield* found(scope, "pet", 1), ["Ben loves his hound"])
        assert.deepStrictEqual(yield* store.embed(scope), { embedded: 0 })
      }))

    it.effect("keeps to the filter, the speaker and the scope", () =>
      Effect.gen(function*() {
        const [scope, other] = [yield* freshScope, yield* freshScope]
        yield* commit(other, add("Cleo has a puppy", { speaker: "Cleo" }))
        yield* found(other, "pet", 1)
        yield* commit(
          scope,
          ...Array.from(
            { length: 300 },
            (_, i) => add(`puppy ${i}`, { speaker: i % 100 === 7 ? "Ben" : "Ann", metadata: { i } })
          )
        )
        assert.sameMembers([...(yield* found(scope, "pet", 3, { speaker: "Ben" }))], [
          "puppy 7",
          "puppy 107",
          "puppy 207"
        ])
        assert.deepStrictEqual(yield* found(scope, "pet", 5, { filter: Filter.compare("i", "<", 1) }), ["puppy 0"])
        assert.isFalse((yield* found(scope, "pet", 400)).includes("Cleo has a puppy"))
      }))

    it.effect("goes by words alone where the model cannot be reached, and catches up later", () =>
      Effect.gen(function*() {
        const store = yield* MemoryStore
        const scope = yield* freshScope
        const { bank } = yield* commit(scope, add("Ann has a puppy"), add("an unreachable place"))
        assert.deepStrictEqual(yield* found(scope, "puppy", 1), ["Ann has a puppy"])
        assert.strictEqual((yield* Effect.flip(store.embed(scope)))._tag, "AiError")
        yield* commit(scope, Update({ id: idOf(bank, "an unreachable place"), text: "a near place" }))
        assert.deepStrictEqual(yield* store.embed(scope), { embedded: 2 })
        assert.deepStrictEqual(yield* found(scope, "pet", 1), ["Ann has a puppy"])
      }))

    it.effect("erases the vector with the memory", () =>
      Effect.gen(function*() {
        const store = yield* MemoryStore
        const scope = yield* freshScope
        const { bank } = yield* commit(scope, add("Ann has a puppy"), add("Ann plays chess"))
        yield* found(scope, "pet", 1)
        yield* store.erase(scope, idOf(bank, "Ann has a puppy"))
        assert.deepStrictEqual(yield* found(scope, "pet", 2), ["Ann plays chess"])
      }))
  })
}

/**
 * How a journal's vectors are guarded: two embedding models on one store are found out, and vectors that are none are
 * refused. Every use of `journal` has to give the same storage.
 */
export const journalVectorLaws = <E>(name: string, journal: Effect.Effect<Journal, E, EffectScope.Scope>): void => {
  describe(`Journal laws: ${name}, vectors`, () => {
    it.live("refuses vectors of another model until all are computed anew, of another length, and of NaN", () =>
      Effect.gen(function*() {
        const same = yield* journal
        const scope = yield* freshScope
        const over = (embed: (text: string) => Array<number>) =>
          Effect.map(
            Effect.provide(EmbeddingModel.EmbeddingModel.use(Effect.succeed), embedding(embed)),
            (model) => fromJournal(same, Retriever.make({ embedding: model }))
          )
        const store = yield* over(meaning)
        yield* store.reembed(scope)
        yield* store.commit(scope, { base: 0, edits: [add("Ann has a puppy"), add("Ann plays chess")] })
        yield* store.embed(scope)
        const first = Effect.map(
          store.search(scope, { text: "pet", limit: 1 }),
          ({ memories }) => memories[0]?.memory.text
        )
        const others: ReadonlyArray<readonly [string, (text: string) => Array<number>]> = [
          ["OtherModel", (text) => meaning(text).toReversed()],
          ["OtherModel", (text) => [...meaning(text), 1]],
          ["NotFinite", () => [Number.NaN, 0, 0, 0, 0]],
          ["Dimensions", (text) => text === "pet" ? [1] : meaning(text)]
        ]
        for (const [reason, embed] of others) {
          const error = yield* Effect.flip((yield* over(embed)).search(scope, { text: "pet", limit: 1 }))
          assert.strictEqual(error._tag === "VectorError" ? error.reason : error._tag, reason)
          assert.strictEqual(yield* first, "Ann has a puppy")
        }
        const reversed = yield* over((text) => meaning(text).toReversed())
        assert.deepStrictEqual(yield* reversed.reembed(scope), { embedded: 2 })
        assert.strictEqual(
          (yield* reversed.search(scope, { text: "pet", limit: 1 })).memories[0]?.memory.text,
          "Ann has a puppy"
        )
        // The other one is now the stranger.
        const error = yield* Effect.flip(store.search(scope, { text: "pet", limit: 1 }))
        assert.strictEqual(error._tag, "VectorError")
        assert.include(error.message, "reembed")
        yield* reversed.commit(scope, {
          base: 1,
          edits: [Delete({ id: idOf((yield* reversed.current(scope)).bank, "Ann has a puppy") })]
        })
        assert.strictEqual(
          (yield* reversed.search(scope, { text: "pet", limit: 1 })).memories[0]?.memory.text,
          "Ann plays chess"
        )
      }).pipe(Effect.scoped))
  })
}
