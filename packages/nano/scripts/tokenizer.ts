// Makes the tokenizer and the configuration of the nano model: byte-level BPE (Sennrich et al. 2016) over Memory World
// text. Usage: node packages/nano/scripts/tokenizer.ts [OUT_DIR]
import { Demonstrations } from "@memory-r1/memory-world"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"

const vocabularySize = 1024
const out = process.argv[2] ?? join(import.meta.dirname, "..", "model")

// GPT-2's map from bytes to printable characters, in which tokenizer.json writes byte-level tokens.
const byteCharacters = (() => {
  const printable = [...Array(256).keys()].filter((b) => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174)
  let next = 256
  return Array.from({ length: 256 }, (_, b) => String.fromCharCode(printable.includes(b) ? b : next++))
})()

// GPT-2's split into words, which `ByteLevel` pre-tokenisation uses.
const words = (text: string): ReadonlyArray<string> =>
  text.match(/'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu) ?? []

const counts = new Map<string, number>()
// All names are invented here: real ones get no tokens of their own, so that known and unknown names look alike to the
// model.
const world = { invented: 1 }
for (let seed = 0; seed < 1500; seed++) {
  for (
    const { completions, prompt } of [...Demonstrations.manager(seed, world), ...Demonstrations.answers(seed, world)]
  ) {
    for (const word of words(prompt + completions.map(({ context = "", target }) => context + target).join("\n"))) {
      counts.set(word, (counts.get(word) ?? 0) + 1)
    }
  }
}

interface Word {
  symbols: Array<string>
  readonly count: number
}
const corpus: ReadonlyArray<Word> = [...counts].map(([word, count]) => ({
  symbols: [...new TextEncoder().encode(word)].map((byte) => byteCharacters[byte]!),
  count
}))
const pairs = new Map<string, number>()
const holders = new Map<string, Set<Word>>()
const eachPair = (word: Word, visit: (pair: string) => void): void => {
  for (let i = 1; i < word.symbols.length; i++) visit(`${word.symbols[i - 1]} ${word.symbols[i]}`)
}
const index = (word: Word, sign: 1 | -1): void =>
  eachPair(word, (pair) => {
    pairs.set(pair, (pairs.get(pair) ?? 0) + sign * word.count)
    if (sign === 1) holders.set(pair, (holders.get(pair) ?? new Set()).add(word))
  })
for (const word of corpus) index(word, 1)

const special = ["<unk>", "<s>", "</s>"]
const tokens = [...special, ...[...byteCharacters].sort()]
const merges: Array<string> = []
while (tokens.length < vocabularySize) {
  let best = ""
  let most = 0
  for (const [pair, count] of pairs) {
    if (count > most || (count === most && pair < best)) {
      best = pair
      most = count
    }
  }
  if (most < 2) break
  const [left, right] = best.split(" ") as [string, string]
  merges.push(best)
  tokens.push(left + right)
  for (const word of Array.from(holders.get(best)!)) {
    index(word, -1)
    const merged: Array<string> = []
    for (const symbol of word.symbols) {
      if (merged.at(-1) === left && symbol === right) merged[merged.length - 1] = left + right
      else merged.push(symbol)
    }
    word.symbols = merged
    index(word, 1)
  }
  pairs.delete(best)
}

const write = (name: string, json: unknown): void =>
  writeFileSync(join(out, name), `${JSON.stringify(json, null, 1)}\n`)
const added = special.map((content, id) => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true
}))
const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true }

mkdirSync(out, { recursive: true })
write("tokenizer.json", {
  version: "1.0",
  truncation: null,
  padding: null,
  added_tokens: added,
  normalizer: null,
  pre_tokenizer: byteLevel,
  post_processor: {
    type: "TemplateProcessing",
    single: [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
    pair: [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }, {
      Sequence: { id: "B", type_id: 0 }
    }],
    special_tokens: { "<s>": { id: "<s>", ids: [1], tokens: ["<s>"] } }
  },
  decoder: byteLevel,
  model: {
    type: "BPE",
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: false,
    vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
    merges
  }
})
write("tokenizer_config.json", {
  tokenizer_class: "PreTrainedTokenizerFast",
  bos_token: "<s>",
  eos_token: "</s>",
  unk_token: "<unk>",
  clean_up_tokenization_spaces: false,
  model_max_length: 1024
})
write("generation_config.json", { bos_token_id: 1, eos_token_id: 2, do_sample: false })
write("config.json", {
  architectures: ["Qwen2ForCausalLM"],
  model_type: "qwen2",
  vocab_size: tokens.length,
  hidden_size: 128,
  intermediate_size: 384,
  num_hidden_layers: 5,
  num_attention_heads: 4,
  num_key_value_heads: 4,
  hidden_act: "silu",
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  max_position_embeddings: 1024,
  initializer_range: 0.05,
  tie_word_embeddings: true,
  bos_token_id: 1,
  eos_token_id: 2,
  torch_dtype: "float32"
})
