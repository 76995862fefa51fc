// From the metadata of a GGUF file to tokenizer.json, tokenizer_config.json and generation_config.json of the same
// model.
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Metadata from "./ggufMetadata.ts"
import { preTokenizers } from "./ggufPreTokenizers.ts"

type Json = Readonly<Record<string, unknown>>
type Merge = readonly [left: string, right: string]

// tokenizer.ggml.token_type
const kind = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const

const scoresKey = "tokenizer.ggml.scores"

interface Vocabulary {
  readonly tokens: ReadonlyArray<string>
  readonly types: ReadonlyArray<number>
}

// Control tokens that end an answer, by their text: many files name but one of those that their model writes.
const endings: ReadonlySet<string> = new Set([
  "</s>",
  "<eos>",
  "<|endoftext|>",
  "<|end_of_text|>",
  "<|end|>",
  "<|im_end|>",
  "<|eot_id|>",
  "<|eom_id|>",
  "<end_of_turn>",
  "<EOT>",
  "<｜end▁of▁sentence｜>"
])

// Phi-3's control tokens that are no marks of a conversation.
const unstripped: ReadonlySet<string> = new Set(["<s>", "<|endoftext|>"])

// The characters that byte-level vocabularies write bytes as: visible ones as themselves, the others from 256 on.
const byteCharacters: ReadonlyArray<string> = (() => {
  let next = 256
  return Array.from({ length: 256 }, (_, byte) => {
    const isVisible = (byte > 32 && byte < 127) || (byte > 160 && byte < 256 && byte !== 173)
    return String.fromCodePoint(isVisible ? byte : next++)
  })
})()
const byteAlphabet: ReadonlySet<string> = new Set(byteCharacters)

const isSpecial = (type: number | undefined): boolean => type === kind.control || type === kind.unknown
const isAdded = (type: number | undefined): boolean => isSpecial(type) || type === kind.userDefined

// Ordinary tokens are written in bytes; some files hold a few in plain text.
const inBytes = ({ tokens, types }: Vocabulary): ReadonlyArray<string> =>
  tokens.map((token, id) =>
    isAdded(types[id]) || [...token].every((character) => byteAlphabet.has(character))
      ? token
      : Array.from(Buffer.from(token), (byte) => byteCharacters[byte]!).join("")
  )

const idsOf = (tokens: ReadonlyArray<string>): Readonly<Record<string, number>> =>
  Object.fromEntries(tokens.map((token, id) => [token, id]))

// A merge is written with a space between its sides, which may be spaces themselves where they are not bytes.
const pairsOf = (merges: ReadonlyArray<string>): Result.Result<ReadonlyArray<Merge>, string> => {
  const pairs: Array<Merge> = []
  for (const [i, merge] of merges.entries()) {
    const at = merge.indexOf(" ", 1)
    if (at < 0) return Result.fail(`has a tokenizer.ggml.merges whose entry ${i} is ${JSON.stringify(merge)}, no pair`)
    pairs.push([merge.slice(0, at), merge.slice(at + 1)])
  }
  return Result.succeed(pairs)
}

// The merges that make the tokens of a SentencePiece vocabulary: every way to make one of two others, the best first,
// and of the same score those of longer sides. Unknown tokens, control tokens and bytes are made of no text.
const mergesOf = ({ tokens, types }: Vocabulary, scoreOf: (id: number) => number): ReadonlyArray<Merge> => {
  const ids = new Map(
    tokens.flatMap((token, id) => isSpecial(types[id]) || types[id] === kind.byte ? [] : [[token, id] as const])
  )
  const found: Array<{ readonly merge: Merge; readonly score: number; readonly left: number; readonly right: number }> =
    []
  for (const [token, id] of ids) {
    const characters = [...token]
    for (let left = 1; left < characters.length; left++) {
      const merge = [characters.slice(0, left).join(""), characters.slice(left).join("")] as const
      if (!ids.has(merge[0]) || !ids.has(merge[1])) continue
      found.push({ merge, score: scoreOf(id), left, right: characters.length - left })
    }
  }
  return found
    .sort((a, b) => b.score - a.score || b.left - a.left || b.right - a.right)
    .map(({ merge }) => merge)
}

const merges = (metadata: Metadata.Metadata) =>
  Result.flatMap(
    Metadata.optional(metadata, "tokenizer.ggml.merges", Schema.Array(Schema.String)),
    (given) => given === undefined ? Result.succeed(undefined) : pairsOf(given)
  )

// What differs between the kinds of vocabularies.
interface Parts {
  readonly model: Json
  readonly normalizer: Json | null
  readonly preTokenizer: Json | null
  readonly decoder: Json
  /** Whether texts begin with the first token where the file does not say. */
  readonly begin: boolean
}

const byteLevel = (metadata: Metadata.Metadata, vocabulary: Vocabulary): Result.Result<Parts, string> =>
  Result.gen(function*() {
    const name = yield* Metadata.required(metadata, "tokenizer.ggml.pre", Schema.String)
    const preTokenizer = preTokenizers.get(name)
    if (preTokenizer === undefined) {
      const known = [...preTokenizers.keys()].join(", ")
      return yield* Result.fail(`has a tokenizer.ggml.pre ${JSON.stringify(name)}; known are ${known}`)
    }
    const pairs = yield* merges(metadata)
    if (pairs === undefined) return yield* Result.fail("has no tokenizer.ggml.merges")
    return {
      model: {
        type: "BPE",
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: "",
        end_of_word_suffix: "",
        fuse_unk: false,
        byte_fallback: false,
        ignore_merges: preTokenizer.wholeWords,
        vocab: idsOf(inBytes(vocabulary)),
        merges: pairs
      },
      normalizer: null,
      preTokenizer: { type: "Sequence", pretokenizers: preTokenizer.steps },
      decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
      begin: preTokenizer.begin
    }
  })

const sentencePiece = (
  metadata: Metadata.Metadata,
  architecture: string,
  vocabulary: Vocabulary,
  unknown: string | null
): Result.Result<Parts, string> =>
  Result.gen(function*() {
    const { tokens, types } = vocabulary
    const spacePrefix = (yield* Metadata.optional(metadata, "tokenizer.ggml.add_space_prefix", Schema.Boolean)) ?? true
    // Gemma's scores do not say in which order its merges apply; the order of its tokens does.
    const byOrder = architecture.startsWith("gemma")
    const scores = byOrder ? [] : yield* Metadata.optional(metadata, scoresKey, Schema.Array(Schema.Finite))
    const given = yield* merges(metadata)
    if (given === undefined && !byOrder && scores?.length !== tokens.length) {
      return yield* Result.fail(`has ${scores?.length ?? "no"} ${scoresKey} for ${tokens.length} tokens`)
    }
    const spaces = { type: "Replace", pattern: { String: " " }, content: "▁" }
    const written = [
      { type: "Replace", pattern: { String: "▁" }, content: " " },
      { type: "ByteFallback" },
      { type: "Fuse" }
    ]
    return {
      model: {
        type: "BPE",
        dropout: null,
        unk_token: unknown,
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: true,
        byte_fallback: types.includes(kind.byte),
        ignore_merges: false,
        vocab: idsOf(tokens),
        merges: given ?? mergesOf(vocabulary, (id) => byOrder ? -id : scores![id]!)
      },
      normalizer: spacePrefix
        ? { type: "Sequence", normalizers: [{ type: "Prepend", prepend: "▁" }, spaces] }
        : spaces,
      preTokenizer: null,
      decoder: {
        type: "Sequence",
        decoders: spacePrefix ? [...written, { type: "Strip", content: " ", start: 1, stop: 0 }] : written
      },
      begin: true
    }
  })

// Around every text, what the file says that it begins and ends with.
const template = (first: number | undefined, last: number | undefined, tokens: ReadonlyArray<string>): Json | null => {
  const around = [first, last].filter((id) => id !== undefined)
  if (around.length === 0) return null
  const sequence = (id: "A" | "B", type: number) => {
    const special = (token: number | undefined) =>
      token === undefined ? [] : [{ SpecialToken: { id: tokens[token], type_id: type } }]
    return [...special(first), { Sequence: { id, type_id: type } }, ...special(last)]
  }
  return {
    type: "TemplateProcessing",
    single: sequence("A", 0),
    pair: [...sequence("A", 0), ...sequence("B", 1)],
    special_tokens: Object.fromEntries(
      around.map((id) => [tokens[id]!, { id: tokens[id], ids: [id], tokens: [tokens[id]] }])
    )
  }
}

/** The files of a tokenizer, as they are beside a model of Hugging Face. */
export interface Files {
  readonly tokenizer: Json
  readonly tokenizerConfig: Json
  readonly generationConfig: Json
}

/** The tokenizer of a file, or in one line why there is none. */
export const tokenizer = (metadata: Metadata.Metadata): Result.Result<Files, string> =>
  Result.gen(function*() {
    const architecture = yield* Metadata.required(metadata, "general.architecture", Schema.String)
    const model = yield* Metadata.required(metadata, "tokenizer.ggml.model", Schema.String)
    if (model !== "gpt2" && model !== "llama") {
      return yield* Result.fail(`has a tokenizer.ggml.model ${JSON.stringify(model)}; known are gpt2, llama`)
    }
    const isSentencePiece = model === "llama"
    const given = yield* Metadata.required(metadata, "tokenizer.ggml.token_type", Schema.Array(Schema.Int))
    const read = yield* Metadata.tokens(metadata)
    if (given.length !== read.length) {
      return yield* Result.fail(`has a tokenizer.ggml.token_type of ${given.length} numbers for ${read.length} tokens`)
    }
    // Runs of spaces that are tokens of a SentencePiece vocabulary: files write them as spaces.
    const isSpaces = (token: string) => isSentencePiece && /^ +$/.test(token)
    const tokens = read.map((token) => isSpaces(token) ? "▁".repeat(token.length) : token)
    const id = (name: string) => Metadata.token(metadata, `tokenizer.ggml.${name}_token_id`, tokens.length)
    // Where SentencePiece has them unless told otherwise.
    const usual = (id: number, type: number) => isSentencePiece && given[id] === type ? id : undefined
    const unk = (yield* id("unknown")) ?? usual(0, kind.unknown)
    const bos = (yield* id("bos")) ?? usual(1, kind.control)
    const eos = (yield* id("eos")) ?? usual(2, kind.control)
    const pad = yield* id("padding")
    const textOf = (id: number | undefined): string | null => id === undefined ? null : tokens[id]!

    const eot = yield* id("eot")
    const eom = yield* id("eom")
    // Some files take tokens with a part of their own for ordinary ones.
    const control: ReadonlySet<number | undefined> = new Set([bos, eos, eot, eom])
    const types = given.map((type, id) => control.has(id) ? kind.control : type)
    const vocabulary = { tokens, types }
    const parts = isSentencePiece
      ? yield* sentencePiece(metadata, architecture, vocabulary, textOf(unk))
      : yield* byteLevel(metadata, vocabulary)
    const flag = (key: string) => Metadata.optional(metadata, key, Schema.Boolean)
    const beginKey = "tokenizer.ggml.add_bos_token"
    const endKey = "tokenizer.ggml.add_eos_token"
    const begin = (yield* flag(beginKey)) ?? parts.begin
    const end = (yield* flag(endKey)) ?? false
    if (begin && bos === undefined) return yield* Result.fail("has no tokenizer.ggml.bos_token_id to begin texts with")
    if (end && eos === undefined) return yield* Result.fail("has no tokenizer.ggml.eos_token_id to end texts with")

    const ends = [eos, eot, eom].filter((id) => id !== undefined)
    const added = tokens.flatMap((content, id) => {
      const type = types[id]
      if (!isAdded(type) || isSpaces(read[id]!)) return []
      if (type === kind.control && endings.has(content)) ends.push(id)
      // Phi-3 takes the spaces after the marks of its conversations for a part of them, which files do not say.
      const rstrip = architecture === "phi3" && isSentencePiece && type === kind.control && !unstripped.has(content)
      return [{ id, content, single_word: false, lstrip: false, rstrip, normalized: false, special: isSpecial(type) }]
    })
    if (ends.length === 0) {
      return yield* Result.fail("has no tokenizer.ggml.eos_token_id, and no token that ends an answer")
    }

    return {
      tokenizer: {
        version: "1.0",
        truncation: null,
        padding: null,
        added_tokens: added,
        normalizer: parts.normalizer,
        pre_tokenizer: parts.preTokenizer,
        post_processor: template(begin ? bos : undefined, end ? eos : undefined, tokens),
        decoder: parts.decoder,
        model: parts.model
      },
      tokenizerConfig: {
        tokenizer_class: "PreTrainedTokenizerFast",
        clean_up_tokenization_spaces: false,
        add_bos_token: begin,
        add_eos_token: end,
        bos_token: textOf(bos),
        eos_token: textOf(eos),
        unk_token: textOf(unk),
        pad_token: textOf(pad),
        chat_template: (yield* Metadata.optional(metadata, "tokenizer.chat_template", Schema.String)) ?? null
      },
      generationConfig: {
        bos_token_id: bos ?? null,
        eos_token_id: [...new Set(ends)],
        pad_token_id: pad ?? null
      }
    }
  })
