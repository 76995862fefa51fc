// Tokenizers out of GGUF metadata give the ids that transformers and sentencepiece give, which
// tools/parity/gguf_tokenizer.py recorded.
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describeWith, model } from "../../../../../tools/testing/needs.ts"
import * as ControlTokens from "../../../src/checkpoint/controlTokens.ts"
import type { Metadata } from "../../../src/checkpoint/internal/ggufMetadata.ts"
import * as GgufModel from "../../../src/checkpoint/internal/ggufModel.ts"
import * as GgufTokenizer from "../../../src/checkpoint/internal/ggufTokenizer.ts"
import * as Tokenizer from "../../../src/checkpoint/internal/tokenizer.ts"
import * as GgufHeader from "../../support/ggufHeader.ts"

const Ids = Schema.Array(Schema.Int)
// One for each text. What is decoded is the text itself where it is not said.
const Texts = Schema.Array(Schema.Struct({ ids: Ids, decoded: Schema.optionalKey(Schema.String) }))
const MetadataSchema = Schema.Record(Schema.String, Schema.Unknown)

const recorded = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Struct({
  prose: Schema.Array(Schema.String),
  controlled: Schema.Array(Schema.String),
  files: Schema.Record(
    Schema.String,
    Schema.Struct({
      texts: Texts,
      chats: Schema.Array(Schema.Struct({
        messages: Schema.Array(
          Schema.Struct({ role: Schema.Literals(["system", "user", "assistant"]), content: Schema.String })
        ),
        ids: Ids
      }))
    })
  ),
  byteLevel: Schema.Struct({
    metadata: MetadataSchema,
    texts: Texts,
    // By the text's place, where it is cut in another way.
    pre: Schema.Record(Schema.String, Schema.Record(Schema.String, Ids))
  }),
  sentencePiece: Schema.Struct({
    metadata: MetadataSchema,
    texts: Texts,
    others: Schema.Record(Schema.String, Schema.Array(Ids))
  })
})))(readFileSync(join(import.meta.dirname, "../../fixtures/gguf/tokenizers.json"), "utf8"))

const { byteLevel, controlled, files, prose, sentencePiece } = recorded

const filesOf = (metadata: Metadata) =>
  Result.getOrThrowWith(GgufTokenizer.tokenizer(metadata), (reason) => new Error(reason))

// As the project reads them: what is written like a control token is text, or taken for what it is.
const textTokenizer = (metadata: Metadata) => {
  const { tokenizer, tokenizerConfig } = filesOf(metadata)
  // They are written to files, and read again.
  return ControlTokens.make(JSON.parse(JSON.stringify(tokenizer)) as ControlTokens.TokenizerJson, tokenizerConfig)
}

const matches = (metadata: Metadata, texts: ReadonlyArray<string>, expected: typeof Texts.Type) => {
  const { decode, encode } = textTokenizer(metadata)
  assert.strictEqual(texts.length, expected.length)
  texts.forEach((text, i) => {
    const { decoded = text, ids } = expected[i]!
    assert.deepStrictEqual(encode(text, { controlTokens: true }), ids, text)
    assert.strictEqual(decode(ids), decoded, text)
  })
}

const reasonOf = (metadata: Metadata): string | undefined =>
  Result.getOrUndefined(Result.flip(GgufTokenizer.tokenizer(metadata)))

const without = (metadata: Metadata, key: string): Metadata => {
  const { [key]: _, ...rest } = metadata
  return rest
}

describe("a byte-level vocabulary", () => {
  const { metadata } = byteLevel

  it("encodes and decodes as transformers does", () => matches(metadata, [...prose, ...controlled], byteLevel.texts))

  for (const [name, others] of Object.entries(byteLevel.pre)) {
    it(`cuts text as tokenizer.ggml.pre ${name} says`, () => {
      assert.isAbove(Object.keys(others).length, 0)
      const { encode } = textTokenizer({ ...metadata, "tokenizer.ggml.pre": name })
      prose.forEach((text, i) => assert.deepStrictEqual(encode(text), others[i] ?? byteLevel.texts[i]!.ids, text))
    })
  }
})

describe("a SentencePiece vocabulary", () => {
  const { metadata } = sentencePiece

  it("encodes and decodes as sentencepiece does", () => matches(metadata, prose, sentencePiece.texts))

  for (const [architecture, ids] of Object.entries(sentencePiece.others)) {
    it(`encodes as transformers does for ${architecture}`, () => {
      const { encode } = textTokenizer({
        ...metadata,
        "general.architecture": architecture,
        "tokenizer.ggml.add_bos_token": false,
        "tokenizer.ggml.add_space_prefix": architecture !== "gemma3"
      })
      const texts = [...prose, controlled[2]!]
      texts.forEach((text, i) => assert.deepStrictEqual(encode(text, { controlTokens: true }), ids[i], text))
    })
  }
})

describe("the files of a tokenizer", () => {
  const metadata: Metadata = {
    ...byteLevel.metadata,
    "tokenizer.ggml.eot_token_id": 5,
    "tokenizer.ggml.padding_token_id": 1n,
    "tokenizer.chat_template": "{{ messages }}"
  }

  it("name the tokens with a part of their own", () => {
    const { generationConfig, tokenizerConfig } = filesOf(metadata)
    assert.deepStrictEqual(tokenizerConfig, {
      tokenizer_class: "PreTrainedTokenizerFast",
      clean_up_tokenization_spaces: false,
      add_bos_token: false,
      add_eos_token: false,
      bos_token: "<|endoftext|>",
      eos_token: "<|im_end|>",
      unk_token: null,
      pad_token: "<|im_start|>",
      chat_template: "{{ messages }}"
    })
    assert.deepStrictEqual(generationConfig, { bos_token_id: 0, eos_token_id: [2, 5, 0], pad_token_id: 1 })
  })

  it("take Llama 2's tokens where a SentencePiece file names none", () => {
    const { generationConfig, tokenizerConfig } = filesOf(
      Object.fromEntries(Object.entries(sentencePiece.metadata).filter(([key]) => !key.endsWith("token_id")))
    )
    assert.deepStrictEqual(generationConfig, { bos_token_id: 1, eos_token_id: [2], pad_token_id: null })
    assert.strictEqual(tokenizerConfig["unk_token"], "<unk>")
    assert.strictEqual(tokenizerConfig["add_bos_token"], true)
  })

  it("begin and end texts where the file says so, or Llama 3's way to cut text does", () => {
    const llama3 = without(
      { ...metadata, "tokenizer.ggml.pre": "llama-bpe", "tokenizer.ggml.add_eos_token": true },
      "tokenizer.ggml.add_bos_token"
    )
    const { encode } = textTokenizer(llama3)
    const ids = encode("Hello")
    assert.deepStrictEqual([ids[0], ids.at(-1)], [0, 2])
    assert.deepStrictEqual(encode("Hello", { addSpecialTokens: false }), ids.slice(1, -1))
  })

  it("keep control tokens that are no byte characters, and write ordinary ones in them", () => {
    const tokens = [...byteLevel.metadata["tokenizer.ggml.tokens"] as ReadonlyArray<string>]
    const types = [...byteLevel.metadata["tokenizer.ggml.token_type"] as ReadonlyArray<number>]
    tokens.push("<｜User｜>", "日 本", "")
    types.push(3, 1, 1)
    const { decode, encode } = textTokenizer({
      ...metadata,
      "tokenizer.ggml.tokens": tokens,
      "tokenizer.ggml.token_type": Int32Array.from(types)
    })
    const id = tokens.length - 3
    assert.deepStrictEqual(encode("<｜User｜>", { controlTokens: true }), [id])
    assert.strictEqual(decode([id + 1]), "日 本")
  })

  it("end answers with the control tokens that models end them with, and no others", () => {
    const tokens = [...byteLevel.metadata["tokenizer.ggml.tokens"] as ReadonlyArray<string>]
    const types = [...byteLevel.metadata["tokenizer.ggml.token_type"] as ReadonlyArray<number>]
    tokens.push("<|end|>", "<end_of_turn>", "</s>", "<custom>")
    types.push(3, 3, 4, 1)
    const id = tokens.length - 4
    const read = { ...metadata, "tokenizer.ggml.tokens": tokens, "tokenizer.ggml.token_type": types }
    const { generationConfig } = filesOf({ ...read, "tokenizer.ggml.eos_token_id": id + 3 })
    assert.deepStrictEqual(generationConfig["eos_token_id"], [id + 3, 5, 0, 2, id, id + 1])
    // The end of answers is a control token, even if the file takes it for a word.
    const { decode, encode } = textTokenizer({ ...read, "tokenizer.ggml.eos_token_id": id + 3 })
    assert.deepStrictEqual(encode("<custom>", { controlTokens: true }), [id + 3])
    assert.strictEqual(decode([id + 3]), "")
  })

  it("take spaces after the marks of Phi-3's conversations for a part of them", () => {
    const { metadata } = sentencePiece
    const { encode } = textTokenizer({ ...metadata, "general.architecture": "phi3" })
    assert.deepStrictEqual(encode("</s>\nHi", { controlTokens: true }), encode("</s>Hi", { controlTokens: true }))
    const llama = textTokenizer(metadata)
    assert.notDeepEqual(
      llama.encode("</s>\nHi", { controlTokens: true }),
      llama.encode("</s>Hi", { controlTokens: true })
    )
  })

  it("know runs of spaces that a SentencePiece file writes as such", () => {
    const { metadata, others } = sentencePiece
    const names = metadata["tokenizer.ggml.tokens"] as ReadonlyArray<string>
    const types = metadata["tokenizer.ggml.token_type"] as ReadonlyArray<number>
    const isRun = (name: string) => /^▁▁+$/.test(name)
    assert.isTrue(names.some(isRun))
    const { decode, encode } = textTokenizer({
      ...metadata,
      "general.architecture": "gemma3",
      "tokenizer.ggml.add_bos_token": false,
      "tokenizer.ggml.add_space_prefix": false,
      "tokenizer.ggml.tokens": names.map((name) => isRun(name) ? " ".repeat(name.length) : name),
      "tokenizer.ggml.token_type": types.map((type, id) => isRun(names[id]!) ? 4 : type)
    })
    prose.forEach((text, i) => {
      assert.deepStrictEqual(encode(text), others["gemma3"]![i], text)
      assert.strictEqual(decode(encode(text)), text)
    })
  })

  it("are missing where metadata is, by its key", () => {
    const { metadata: spm } = sentencePiece
    for (
      const key of ["tokenizer.ggml.model", "tokenizer.ggml.pre", "tokenizer.ggml.tokens", "tokenizer.ggml.merges"]
    ) {
      assert.strictEqual(reasonOf(without(metadata, key)), `has no ${key}`)
    }
    assert.strictEqual(reasonOf(without(metadata, "tokenizer.ggml.token_type")), "has no tokenizer.ggml.token_type")
    assert.strictEqual(
      reasonOf({ ...metadata, "tokenizer.ggml.model": "t5" }),
      "has a tokenizer.ggml.model \"t5\"; known are gpt2, llama"
    )
    assert.match(
      reasonOf({ ...metadata, "tokenizer.ggml.pre": "viking" })!,
      /^has a tokenizer\.ggml\.pre "viking"; known are llama-bpe, .*deepseek-v3/
    )
    assert.match(
      reasonOf({ ...metadata, "tokenizer.ggml.tokens": ["a", 1] })!,
      /^has a tokenizer\.ggml\.tokens that is not understood: .*string/
    )
    assert.strictEqual(
      reasonOf({ ...metadata, "tokenizer.ggml.tokens": ["a", "b", "a"], "tokenizer.ggml.token_type": [1, 1, 1] }),
      "has a tokenizer.ggml.tokens with \"a\" twice, as 0 and 2"
    )
    assert.strictEqual(
      reasonOf({ ...metadata, "tokenizer.ggml.tokens": ["a"] }),
      "has a tokenizer.ggml.token_type of 421 numbers for 1 tokens"
    )
    assert.strictEqual(
      reasonOf({ ...metadata, "tokenizer.ggml.merges": ["a b", "ab"] }),
      "has a tokenizer.ggml.merges whose entry 1 is \"ab\", no pair"
    )
    assert.strictEqual(
      reasonOf({ ...metadata, "tokenizer.ggml.eos_token_id": 421 }),
      "has a tokenizer.ggml.eos_token_id of 421, but only 421 tokens"
    )
    assert.strictEqual(
      reasonOf(without(spm, "tokenizer.ggml.scores")),
      "has no tokenizer.ggml.scores for 460 tokens"
    )
    assert.strictEqual(
      reasonOf({ ...without(metadata, "tokenizer.ggml.bos_token_id"), "tokenizer.ggml.add_bos_token": true }),
      "has no tokenizer.ggml.bos_token_id to begin texts with"
    )
  })
})

for (const [name, { chats, texts }] of Object.entries(files)) {
  describeWith(model(name), name, (path) => {
    it("encodes and decodes as transformers does", () =>
      matches(GgufHeader.read(path).metadata, [...prose, ...controlled], texts))

    it("writes conversations as transformers does", () => {
      const { metadata, tensors } = GgufHeader.read(path)
      const { decoder, files } = Result.getOrThrowWith(GgufModel.make(metadata, tensors), (reason) => new Error(reason))
      const tokenizer = Result.getOrThrowWith(
        Tokenizer.make({
          tokenizer: files["tokenizer.json"],
          tokenizerConfig: files["tokenizer_config.json"],
          chatTemplate: undefined,
          config: files["config.json"],
          generationConfig: files["generation_config.json"],
          vocabularySize: decoder.vocabularySize
        }),
        ({ file, reason }) => new Error(`${file} ${reason}`)
      )
      for (const { ids, messages } of chats) assert.deepStrictEqual(tokenizer.applyChatTemplate!(messages), ids)
      const endings = ["<|im_end|>", "<|endoftext|>"]
      const names = metadata["tokenizer.ggml.tokens"] as ReadonlyArray<string>
      assert.deepStrictEqual(tokenizer.stopTokens.map((id) => names[id]), endings)
    })
  })
}
