// Tokenizers of the kinds that checkpoints have, as tokenizer.json and tokenizer_config.json: small ones made here, and
// those of real models where their files are.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { shared } from "../../../../tools/testing/needs.ts"
import * as Checkpoints from "./checkpoints.ts"

type Json = Readonly<Record<string, unknown>>

export interface Files {
  readonly name: string
  readonly tokenizer: Json
  readonly config: Json
  readonly vocabularySize: number
  /** What decoding gives back of a text that was encoded; nothing where the vocabulary lacks characters. */
  readonly exact?: ((text: string) => string) | undefined
}

const parsed = (...path: ReadonlyArray<string>): Json => JSON.parse(readFileSync(join(...path), "utf8")) as Json

const token = (id: number, content: string, special = true, more: Json = {}): Json => ({
  id,
  content,
  special,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  ...more
})

// The characters in which byte-level vocabularies write bytes.
const byteCharacters = (() => {
  const printable = [...Array(256).keys()].filter((b) => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174)
  let next = 256
  return Array.from({ length: 256 }, (_, b) => String.fromCodePoint(printable.includes(b) ? b : next++))
})()

const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true }
const identity = (text: string): string => text
// "▁" is written for spaces. The rule for the first one is that of the Rust library.
const withSpaces = (text: string): string => text.replaceAll("▁", " ")

const ofVocabulary = (
  name: string,
  vocab: Readonly<Record<string, number>>,
  merges: ReadonlyArray<readonly [string, string]>,
  control: ReadonlyArray<readonly [content: string, special: boolean]>,
  rest: Json = {},
  config: Json = {},
  exact: (text: string) => string = identity
): Files => {
  const { model, ...others } = { model: {}, ...rest } as Json & { readonly model: Json }
  let next = Object.keys(vocab).length
  const added = control.map(([content, special]) => token(vocab[content] ?? next++, content, special))
  return {
    name,
    tokenizer: {
      version: "1.0",
      normalizer: null,
      pre_tokenizer: byteLevel,
      decoder: byteLevel,
      post_processor: null,
      ...others,
      added_tokens: added,
      model: { type: "BPE", vocab, merges, ignore_merges: false, byte_fallback: false, unk_token: null, ...model }
    },
    config: { eos_token: control[0]![0], ...config },
    vocabularySize: next,
    exact
  }
}

const bytesOf = (text: string): string => [...new TextEncoder().encode(text)].map((b) => byteCharacters[b]!).join("")

/**
 * Every byte, and some merges. Control tokens stand in the vocabulary and are what merges lead to, which no text may.
 */
export const bytes = ofVocabulary(
  "bytes",
  Object.fromEntries(
    [...byteCharacters, bytesOf(" n"), bytesOf("'t"), bytesOf("<s"), "<s>", "</s>", "he", "the"].map((
      piece,
      id
    ) => [piece, id])
  ),
  [["<", "s"], ["<s", ">"], [bytesOf(" "), "n"], ["'", "t"], ["h", "e"], ["t", "he"]],
  [
    ["</s>", true],
    ["<s>", true],
    ["<|im_start|>", true],
    ["<|im_end|>", true],
    ["[INST]", true],
    ["<tool_call>", false],
    ["<think>", false],
    ["</think>", false],
    ["covid", false],
    ["  ", false],
    ["[THINK]", true],
    ["[/THINK]", true]
  ],
  {},
  { bos_token: "<s>", clean_up_tokenization_spaces: true }
)

const pieces = [
  "▁",
  "▁I",
  "▁like",
  "▁tea",
  "l",
  "i",
  "k",
  "e",
  "t",
  "a",
  "I",
  "<",
  ">",
  "s",
  "/",
  "[",
  "]",
  "N",
  "S",
  "T",
  ".",
  ",",
  "'",
  "n"
]
const fallback = Array.from({ length: 256 }, (_, b) => `<0x${b.toString(16).toUpperCase().padStart(2, "0")}>`)
const sentencePiece = Object.fromEntries(
  ["<unk>", "<s>", "</s>", ...fallback, ...pieces].map((piece, id) => [piece, id])
)
const sentencePieceRest = (rest: Json): Json => ({
  model: { byte_fallback: true, unk_token: "<unk>" },
  post_processor: {
    type: "TemplateProcessing",
    single: [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
    pair: [{ Sequence: { id: "A", type_id: 0 } }, { Sequence: { id: "B", type_id: 0 } }],
    special_tokens: { "<s>": { id: "<s>", ids: [1], tokens: ["<s>"] } }
  },
  decoder: {
    type: "Sequence",
    decoders: [
      { type: "Replace", pattern: { String: "▁" }, content: " " },
      { type: "ByteFallback" },
      { type: "Fuse" },
      { type: "Strip", content: " ", start: 1, stop: 0 }
    ]
  },
  ...rest
})
const sentencePieceTokens = [["</s>", true], ["<s>", true], ["<unk>", true], ["[INST]", true]] as const
const sentencePieceMerges = [["▁", "I"]] as const

/** As Llama 2 has it: one space is put before the text. */
export const metaspace = ofVocabulary(
  "Metaspace",
  sentencePiece,
  sentencePieceMerges,
  sentencePieceTokens,
  sentencePieceRest({ pre_tokenizer: { type: "Metaspace", replacement: "▁", prepend_scheme: "first", split: false } }),
  { bos_token: "<s>" },
  (text) => withSpaces(text).replace(/^ /, "")
)

/** As older files of Llama and Mistral have it: the space is put before it by a normalizer. */
export const prepended = ofVocabulary(
  "Prepend",
  sentencePiece,
  sentencePieceMerges,
  sentencePieceTokens,
  sentencePieceRest({
    pre_tokenizer: null,
    normalizer: {
      type: "Sequence",
      normalizers: [{ type: "Prepend", prepend: "▁" }, { type: "Replace", pattern: { String: " " }, content: "▁" }]
    }
  }),
  { bos_token: "<s>" },
  withSpaces
)

/** As T5 has it. Control tokens are pieces like all others. */
export const unigram: Files = (() => {
  const vocab = ["<unk>", "</s>", "<s>", ...pieces].map((piece, i) => [piece, i < 3 ? 0 : -i])
  const { tokenizer } = metaspace
  return {
    name: "Unigram",
    tokenizer: {
      ...tokenizer,
      pre_tokenizer: { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true },
      decoder: { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true },
      post_processor: null,
      added_tokens: [token(1, "</s>"), token(2, "<s>"), token(0, "<unk>")],
      model: { type: "Unigram", unk_id: 0, vocab }
    },
    config: { eos_token: "</s>", clean_up_tokenization_spaces: true },
    vocabularySize: vocab.length
  }
})()

/** The files of real models. */
export const realFiles = shared("models/tokenizers")
const realFolder = realFiles.path ?? ""

// A merge for each way in which a token falls apart into two others, in the order of ranks.
const fromTiktoken = (
  file: string
): { readonly vocab: Record<string, number>; readonly merges: Array<readonly [string, string]> } => {
  const vocab: Record<string, number> = {}
  for (const line of readFileSync(file, "utf8").split("\n")) {
    const [encoded, rank] = line.split(" ")
    if (rank !== undefined) {
      vocab[[...Buffer.from(encoded!, "base64")].map((b) => byteCharacters[b]!).join("")] = Number(rank)
    }
  }
  const merges: Array<readonly [string, string]> = []
  for (const piece of Object.keys(vocab).sort((a, b) => vocab[a]! - vocab[b]!)) {
    const splits = Array.from(
      { length: piece.length - 1 },
      (_, i) => [piece.slice(0, i + 1), piece.slice(i + 1)] as const
    )
    const both = splits.filter((parts) => parts.every((part) => Object.hasOwn(vocab, part)))
    merges.push(...both.sort((a, b) => vocab[a[0]]! - vocab[b[0]]! || vocab[a[1]]! - vocab[b[1]]!))
  }
  return { vocab, merges }
}

const split = (Regex: string): Json => ({
  type: "Sequence",
  pretokenizers: [{ type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false }, {
    ...byteLevel,
    use_regex: false
  }]
})
const words = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|"
const marks = "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

const gpt2 = (): Files => {
  const folder = join(realFolder, "gpt2")
  const [, ...merges] = readFileSync(join(folder, "merges.txt"), "utf8").trim().split("\n")
  return ofVocabulary(
    "GPT-2",
    parsed(folder, "vocab.json") as Readonly<Record<string, number>>,
    merges.map((merge) => merge.split(" ") as [string, string]),
    [["<|endoftext|>", true]]
  )
}

const llama3 = (): Files => {
  const { merges, vocab } = fromTiktoken(join(realFolder, "llama3/tokenizer.model"))
  const control = ["<|end_of_text|>", "<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    .map((content) => [content, true] as const)
  return ofVocabulary("Llama 3", vocab, merges, control, {
    pre_tokenizer: split(`${words}\\p{N}{1,3}${marks}`),
    model: { ignore_merges: true }
  }, { bos_token: "<|begin_of_text|>" })
}

const qwen = (): Files => {
  const { merges, vocab } = fromTiktoken(join(realFolder, "qwen-tiktoken/qwen.tiktoken"))
  const control = [
    ...["<|endoftext|>", "<|im_start|>", "<|im_end|>"].map((content) => [content, true] as const),
    ...["<tool_call>", "</tool_call>", "<|fim_prefix|>", "<think>", "</think>"].map((content) =>
      [content, false] as const
    )
  ]
  const rest = { normalizer: { type: "NFC" }, pre_tokenizer: split(`${words}\\p{N}${marks}`) }
  return ofVocabulary(
    "Qwen",
    vocab,
    merges,
    control,
    rest,
    { clean_up_tokenization_spaces: true },
    (text) => text.normalize("NFC")
  )
}

const ofFolder = (name: string, folder: string, exact?: (text: string) => string) => (): Files => ({
  name,
  tokenizer: parsed(folder, "tokenizer.json"),
  config: { eos_token: "[SEP]", ...parsed(folder, "tokenizer_config.json") },
  vocabularySize: parsed(folder, "config.json")["vocab_size"] as number,
  exact
})

/** Made here, or kept in this repository. */
export const small: ReadonlyArray<Files> = [
  bytes,
  metaspace,
  prepended,
  unigram,
  ofFolder("qwen2", Checkpoints.directory("qwen2"))(),
  ofFolder("bert", Checkpoints.directory("bert"))(),
  ofFolder("nano", join(import.meta.dirname, "../../../nano/model"), identity)()
]

/** Those of real models, read when they are asked for. */
export const real: Readonly<Record<string, () => Files>> = {
  "GPT-2": gpt2,
  "Llama 3": llama3,
  Qwen: qwen,
  TinyStories: ofFolder("TinyStories", shared("models/TinyStories-656K").path ?? ""),
  BERT: ofFolder("BERT", join(realFolder, "bert-uncased-minilm"))
}
