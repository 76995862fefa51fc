// Text goes through a tokenizer and back as it was, whatever it looks like, at once and as a stream.
// @module-tag slow
import { assert, describe, it } from "@effect/vitest"
import { Tokenizer as Library } from "@huggingface/tokenizers"
import { Arbitrary, Result, Schema } from "effect"
import { describeWith } from "../../../../../tools/testing/needs.ts"
import * as Tokenizer from "../../../src/checkpoint/internal/tokenizer.ts"
import * as Answer from "../../../src/internal/answer.ts"
import * as Tokenizers from "../../support/tokenizers.ts"

const make = (
  { config, tokenizer, vocabularySize }: Tokenizers.Files,
  more: Partial<Parameters<typeof Tokenizer.make>[0]> = {}
) =>
  Result.getOrThrowWith(
    Tokenizer.make({
      tokenizer,
      tokenizerConfig: config,
      chatTemplate: undefined,
      config: {},
      generationConfig: {},
      vocabularySize,
      ...more
    }),
    ({ file, reason }) => new Error(`${file} ${reason}`)
  )

// Words, what a clean-up of spaces would eat, and what Unicode makes of several code points.
const words = [
  "I do n't know , really !",
  " .",
  " ?",
  " !",
  " ,",
  " ' ",
  " n't",
  " 'm",
  " 's",
  " 've",
  " 're",
  "The end .",
  "the",
  "dog",
  " ",
  "  ",
  "\n",
  "\n\n",
  "\t",
  "\r\n",
  "a",
  "ä",
  "e\u0301",
  "मेरा बेटा",
  "成语接龙",
  "체크리스트",
  "שלום",
  "👩‍👩‍👧‍👦",
  "🇳🇴",
  "😀",
  "\u200d",
  "\ufe0f",
  "\ufeff",
  "\u0000",
  "\ufffd",
  "\u00a0",
  "▁",
  "Ġ",
  "𝒳",
  "\u{10ffff}",
  "\ue000",
  "\u{f0000}",
  "<",
  ">",
  "[",
  "]",
  "|",
  "/",
  "\"",
  "\\",
  "42",
  "covid"
]
// What other models take for control tokens is text for most of these, and has to come back, too.
const controls = [
  "</s>",
  "<s>",
  "<unk>",
  "<|im_start|>",
  "<|im_end|>",
  "<|endoftext|>",
  "<|eot_id|>",
  "<|begin_of_text|>",
  "<|start_header_id|>",
  "[INST]",
  "[/INST]",
  "<<SYS>>",
  "<start_of_turn>",
  "<|end_story|>",
  "[CLS]",
  "[SEP]",
  "[MASK]",
  "<tool_call>",
  "<think>",
  "</think>",
  "<|fim_prefix|>",
  "<|im_",
  "end|>",
  "<0x41>"
]
const of = (parts: ReadonlyArray<string>, maxLength = 12) =>
  Arbitrary.map(
    Arbitrary.array(
      Arbitrary.schema(
        Schema.Struct({
          at: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: parts.length - 1 })),
          any: Schema.String,
          isAny: Schema.Boolean
        })
      ),
      { maxLength }
    ),
    (chosen) => chosen.map(({ any, at, isAny }) => isAny ? any : parts[at]!).join("")
  )
const anything = of([...words, ...words, ...controls])
const ordinary = Arbitrary.map(of(words), (text) => text.replaceAll(/[<>[\]]/g, "").toWellFormed())
const seeds = { runs: 150, seed: 5 }

const laws = (name: string, read: () => Tokenizers.Files) => {
  const made = () => {
    const files = read()
    // A control token that is normalized the library finds only at the beginning of a text, where a space is put before
    // all of it.
    const added_tokens = (files.tokenizer["added_tokens"] as ReadonlyArray<object>).map((token) => ({
      ...token,
      normalized: false
    }))
    return { files, tokenizer: make(files), library: new Library({ ...files.tokenizer, added_tokens }, files.config) }
  }
  let known: ReturnType<typeof made> | undefined
  const setup = () => known ??= made()
  const added = (
    of: (token: { readonly content: string; readonly special: boolean }) => boolean
  ): ReadonlyArray<{ readonly id: number; readonly content: string }> =>
    (setup().files.tokenizer["added_tokens"] as ReadonlyArray<
      { readonly id: number; readonly content: string; readonly special: boolean }
    >).filter(of)
  const inText = (token: { readonly content: string; readonly special: boolean }): boolean =>
    !token.special && !/^[<[]/.test(token.content)

  describe(name, () => {
    it.prop("a text comes back as it was", { text: anything }, ({ text }) => {
      const { files: { exact }, tokenizer } = setup()
      if (exact === undefined) return
      const whole = text.toWellFormed()
      assert.strictEqual(tokenizer.decode(tokenizer.encode(text, { addSpecialTokens: false })), exact(whole))
      assert.strictEqual(tokenizer.decode(tokenizer.encode(text)), exact(whole), "with the special tokens around it")
    }, { arbitrary: seeds })

    it.prop("a stream is the whole text, wherever it is cut", {
      text: anything,
      cuts: Arbitrary.array(Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 99 }))), {
        maxLength: 20
      }),
      others: Arbitrary.array(Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 999_999 }))), {
        maxLength: 6
      }),
      stops: Arbitrary.array(Arbitrary.schema(Schema.Literals(["</s>", "the", "é", " .", "😀", "n't ", "\ufffd"])), {
        maxLength: 2
      })
    }, ({ cuts, others, stops, text }) => {
      const { tokenizer } = setup()
      const ids = tokenizer.encode(text, { addSpecialTokens: false })
      const tokens = ids.flatMap((id, i) =>
        i % 3 === 0 && others[i] !== undefined ? [others[i]! % tokenizer.vocabularySize, id] : [id]
      )
      const ends = [
        ...cuts.map((cut) => Math.ceil(cut * tokens.length / 100)),
        ...tokens.slice(-3).map((_, i) => tokens.length - i)
      ].sort((a, b) => a - b)
      const reader = Answer.reader(tokenizer, stops)
      let said = ""
      for (const end of ends) {
        const { certain, stopped } = reader.read(tokens.slice(0, end))
        assert.isTrue(certain.startsWith(said), JSON.stringify([certain, said]))
        said = certain
        if (stopped) break
      }
      const whole = Answer.reader(tokenizer, stops).end({
        tokens,
        logprobs: new Float32Array(tokens.length),
        finishReason: "length"
      }).text
      assert.isTrue(whole.startsWith(said), JSON.stringify([whole, said]))
      if (stops.length === 0) assert.strictEqual(whole, tokenizer.decode(tokens))
    }, { arbitrary: seeds })

    it.prop("ordinary text has the tokens that the library gives it", { text: ordinary }, ({ text }) => {
      const { library, tokenizer } = setup()
      assert.deepStrictEqual(tokenizer.encode(text), library.encode(text).ids)
      assert.deepStrictEqual(
        tokenizer.encode(text, { addSpecialTokens: false }),
        library.encode(text, { add_special_tokens: false }).ids
      )
    }, { arbitrary: seeds })

    it.prop("control tokens are read where that is asked for", { text: anything }, ({ text }) => {
      const { library, tokenizer } = setup()
      assert.deepStrictEqual(tokenizer.encode(text, { controlTokens: true }), library.encode(text.toWellFormed()).ids)
    }, { arbitrary: seeds })

    it.prop("no text has control tokens", { text: anything }, ({ text }) => {
      const { tokenizer } = setup()
      const unknown = ["<unk>", "[UNK]"]
      const control = new Set(added((token) => !inText(token) && !unknown.includes(token.content)).map(({ id }) => id))
      const found = tokenizer.encode(
        `${text} ${
          [...control].map((id) => added((token) => (token as unknown as { id: number }).id === id)[0]!.content).join(
            ""
          )
        }`,
        { addSpecialTokens: false }
      )
      assert.deepStrictEqual(found.filter((id) => control.has(id)), [])
    }, { arbitrary: { runs: 60, seed: 6 } })

    it("its own control tokens are no part of what is read", () => {
      const { tokenizer } = setup()
      const isReasoning = (token: string) => /THINK/.test(token)
      const special = added((token) => token.special && !isReasoning(token.content)).map(({ id }) => id)
      const text = tokenizer.encode("the", { addSpecialTokens: false })
      assert.strictEqual(tokenizer.decode([...special, ...text, ...special]), tokenizer.decode(text))
      // Without the tags of reasoning what was thought would look like what was decided.
      for (const { content, id } of added((token) => !token.special || isReasoning(token.content))) {
        assert.include(tokenizer.decode([id]), content.trim())
      }
    })

    it("tokens that the model embeds and the tokenizer does not know are left out", () => {
      const { files, tokenizer } = setup()
      const text = tokenizer.encode("the", { addSpecialTokens: false })
      assert.strictEqual(tokenizer.decode([...text, files.vocabularySize + 5]), tokenizer.decode(text))
      assert.strictEqual(tokenizer.decode([files.vocabularySize + 5]), "")
    })
  })
}

for (const files of Tokenizers.small) laws(files.name, () => files)

describeWith(Tokenizers.realFiles, "real tokenizers", () => {
  for (const [name, read] of Object.entries(Tokenizers.real)) laws(name, read)
})

describe("spaces", () => {
  for (const clean_up_tokenization_spaces of [true, false, undefined]) {
    it(`stay where they were written, with clean_up_tokenization_spaces ${clean_up_tokenization_spaces}`, () => {
      const { encode, decode } = make({
        ...Tokenizers.bytes,
        config: { ...Tokenizers.bytes.config, clean_up_tokenization_spaces }
      })
      for (
        const text of ["I do n't know , really !", "The end .", " ' ", "it 's , we 've , they 're , I 'm", "a ? b"]
      ) assert.strictEqual(decode(encode(text)), text)
    })
  }
})
