import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as MemoryBank from "../MemoryBank.ts"
import { MemoryStore } from "../MemoryStore.ts"
import * as Bm25 from "../store/Bm25.ts"
import { add, commit, found, freshScope, idOf, pick } from "./storeSupport.ts"

const { Delete, Update } = MemoryBank.Edit

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
 * How a store finds the words of every script; a part of `memoryStoreLaws`.
 */
export const storeWordLaws = <E>(name: string, live: Layer.Layer<MemoryStore, E>): void => {
  layer(live, { excludeTestServices: true })(`MemoryStore laws: ${name}, words`, (it) => {
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
  })
}
